//! Encrypted archives as a user meets them: what is in them comes back with the password and only
//! with it, and nothing of it can be read without.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use zarc::archive::{Archive, OpenOptions};
use zarc::base::{Environment, Until};
use zarc::command::{
    AddOptions, ExtractOptions, ListOptions, VerifyOptions, add, extract, list, verify,
};
use zarc::storage::Memory;

use crate::support::keys::{cheap, key_words, word};
use crate::support::random_history::{Ending, Updates};
use crate::support::trees::walk;
use crate::support::truth::assert_shows;
use crate::support::workbench::{Workbench, fresh_in_memory, rows, set_clock, verify_options};
use crate::support::{Told, noise};

fn bench() -> Workbench {
    set_clock(1_000_000_000);
    let bench = Workbench::new(fresh_in_memory());
    fs::create_dir(bench.work().join("Uttermost")).unwrap();
    fs::write(bench.work().join("Uttermost/secret-plan"), b"meet at noon ".repeat(5000)).unwrap();
    fs::write(bench.work().join("noise"), noise(7, 300_000)).unwrap();
    bench
}

fn add_options(bench: &Workbench) -> AddOptions {
    AddOptions { key: Some(key_words("open sesame")), key_cost: cheap(), ..bench.add_options(b"") }
}

#[test]
fn an_encrypted_archive_gives_back_every_version() {
    let bench = bench();
    let told = Told::default();
    let mut versions = Vec::new();
    for number in 0..20_u64 {
        fs::write(bench.work().join("counter"), number.to_string()).unwrap();
        fs::write(bench.work().join(format!("n{number}")), noise(number, 50_000)).unwrap();
        add(&add_options(&bench), &told).unwrap();
        versions.push(walk(&bench.work()));
    }
    let options =
        VerifyOptions { key: Some(key_words("open sesame")), ..verify_options(bench.archive()) };
    let done = verify(&options, &told).unwrap();
    assert_eq!((done.versions, done.damaged), (20, 0), "{}", told.warnings());
    for (number, tree) in (1..).zip(&versions) {
        let out = bench.path("out");
        let options = ExtractOptions {
            key: Some(key_words("open sesame")),
            until: Until::Version(number),
            ..bench.extract_options(&out)
        };
        let done = extract(&options, &told).unwrap();
        assert_eq!(done.problems, 0);
        assert!(walk(&out.join("t")) == *tree, "version {number}");
        fs::remove_dir_all(out).unwrap();
    }
    let options =
        ListOptions { key: Some(key_words("open sesame")), ..bench.list_options(Until::Latest) };
    assert_eq!(rows(&options).0.len(), versions.last().unwrap().len());
}

#[test]
fn without_the_password_nothing_is_told() {
    let bench = bench();
    let told = Told::default();
    add(&add_options(&bench), &told).unwrap();
    let bytes = fs::read(bench.archive()).unwrap();
    for plain in [&b"meet at noon"[..], b"secret-plan", b"Uttermost", b"open sesame"] {
        assert!(!bytes.windows(plain.len()).any(|window| window == plain));
    }
    let mut nothing = |_| panic!("a row was shown");
    for (given, said) in [(None, "is encrypted"), (Some(key_words("open sesam")), "wrong password")]
    {
        let options = ListOptions { key: given, ..bench.list_options(Until::Latest) };
        let error = list(&options, &mut nothing, &told).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        let options = AddOptions { key: options.key, ..add_options(&bench) };
        let error = add(&options, &told).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    assert!(fs::read(bench.archive()).unwrap() == bytes);
}

#[test]
fn equal_updates_are_encrypted_differently() {
    let bench = bench();
    let told = Told::default();
    let mut archives = Vec::new();
    for _ in 0..2 {
        add(&add_options(&bench), &told).unwrap();
        archives.push(fs::read(bench.archive()).unwrap());
        fs::remove_file(bench.archive()).unwrap();
    }
    let blocks = |bytes: &[u8]| bytes.chunks(16).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let first: std::collections::HashSet<_> =
        blocks(&archives[0]).into_iter().filter(|block| block.iter().any(|&b| b != 0)).collect();
    let common = blocks(&archives[1]).iter().filter(|block| first.contains(*block)).count();
    // Magic numbers and lengths of headers.
    assert!(common < 40, "{common} blocks of 16 bytes are in both");
}

/// The making of an encrypted archive, interrupted: whichever sectors of its header region reached the
/// disk, and however long the file is then, the next add makes it anew or goes on with it.
#[test]
fn an_archive_whose_making_was_interrupted_is_made_again() {
    let password = word("open sesame");
    let key_cost = cheap();
    let opening = OpenOptions { password: Some(&password), key_cost, ..OpenOptions::plain(6) };
    let made = Memory::default();
    let backend = Arc::new(made.clone());
    drop(Archive::open_for_writing(backend, opening, &Environment::system()).unwrap());
    let region = made.to_bytes();
    assert_eq!(region.len(), 8192);
    let used: Vec<usize> =
        (0..16).filter(|at| region[at * 512..][..512].iter().any(|&byte| byte != 0)).collect();
    assert_eq!(used, [0, 1, 8, 9], "header and key record, twice");
    let mut disks = BTreeSet::new();
    for subset in 0..16_u32 {
        let mut disk = vec![0; 8192];
        for (bit, sector) in used.iter().enumerate().filter(|(bit, _)| subset >> bit & 1 == 1) {
            let bytes = sector * 512..(sector + 1) * 512;
            assert!(bit < 4);
            disk[bytes.clone()].copy_from_slice(&region[bytes]);
        }
        disks.extend((0..=16).map(|sectors| disk[..sectors * 512].to_vec()));
    }
    // The process dies in the middle of the write.
    disks.extend(
        [1, 7, 8, 63, 300, 511, 513, 600, 655, 700, 4097, 4500, 4700]
            .map(|len| region[..len].to_vec()),
    );
    assert!(disks.len() > 100, "{}", disks.len());
    for disk in disks {
        let memory = Memory::with_bytes(disk.clone());
        let mut updates = Updates::new(1, 3, 300);
        let backend = Arc::new(memory.clone());
        let mut archive = Archive::open_for_writing(backend, opening, &Environment::system())
            .unwrap_or_else(|error| panic!("{} bytes: {error}", disk.len()));
        let truth = updates.update(&mut archive, None, Ending::Commit, |_| {}).unwrap().unwrap().0;
        drop(archive);
        let archive = Archive::open(Arc::new(memory), Some(&password)).unwrap();
        assert_eq!(archive.notice(), None);
        assert_shows(&archive, &[truth], 0);
    }
}
