//! Goal: damage costs what was damaged, and nothing wrong is ever restored. Method: an archive of
//! several blocks and two versions, made by `add`; bits are flipped and the end is cut off all over
//! it; what `extract` makes is compared with plain copies of both versions.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use zarc::base::Until;
use zarc::command::add;

use super::support::trees::{Tree, differences, differences_of, walk};
use super::support::workbench::{
    Workbench, fresh_in_memory, number_from_environment, real_seconds, remove_tree, run_add,
    run_extract, set_clock, set_dice, set_mtime,
};
use super::support::{Told, frames, noise};

/// An archive of two versions, and what they hold.
struct Sample {
    bench: Workbench,
    bytes: Vec<u8>,
    /// Where the first update ends.
    first_end: usize,
    truth: [Tree; 2],
}

/// Bytes that compress but are no text.
fn pattern(seed: u64, len: usize) -> Vec<u8> {
    noise(seed, 64).into_iter().cycle().take(len).map(|byte| byte & 0x1f).collect()
}

/// Four files for each kind of content, so four blocks; a few objects of other kinds.
fn sample() -> Sample {
    let bench = Workbench::new(fresh_in_memory());
    let work = bench.work();
    fs::create_dir(work.join("d")).unwrap();
    for n in 0..4_u64 {
        let len = 1000 + usize::try_from(n).unwrap();
        let program =
            [b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0".to_vec(), pattern(n + 10, len)]
                .concat();
        fs::write(work.join(format!("text{n}")), format!("words {n}\n").repeat(200)).unwrap();
        fs::write(work.join(format!("noise{n}")), noise(n, len)).unwrap();
        fs::write(work.join(format!("d/other{n}")), pattern(n, len)).unwrap();
        fs::write(work.join(format!("d/program{n}")), program).unwrap();
    }
    std::os::unix::fs::symlink("text0", work.join("link")).unwrap();
    fs::write(work.join("empty"), b"").unwrap();
    fs::hard_link(work.join("empty"), work.join("d/linked")).unwrap();
    fs::set_permissions(work.join("text2"), fs::Permissions::from_mode(0o4711)).unwrap();
    set_mtime(&work.join("text3"), (-77, 999_999_999));
    set_clock(real_seconds() + 1000);
    set_dice(3);
    run_add(&bench.add_options(b""));
    let first = walk(&work);
    let first_end = fs::read(bench.archive()).unwrap().len();
    fs::write(work.join("text0"), "other words\n").unwrap();
    fs::write(work.join("noise0"), noise(99, 900)).unwrap();
    fs::remove_file(work.join("d/other0")).unwrap();
    fs::write(work.join("d/added"), noise(98, 700)).unwrap();
    set_clock(real_seconds() + 2000);
    run_add(&bench.add_options(b""));
    let bytes = fs::read(bench.archive()).unwrap();
    let truth = [first, walk(&work)];
    Sample { bench, bytes, first_end, truth }
}

/// What `extract` made of a damaged archive.
struct Extracted {
    tree: Tree,
    /// Whether anything was said of damage or problems.
    is_told: bool,
}

impl Sample {
    fn extract(&self, until: Until) -> Extracted {
        let out = self.bench.path("out");
        let result = run_extract(&self.bench.archive(), &out, until, true);
        let is_told = result.map_or(true, |(summary, told)| {
            summary.damaged + summary.problems > 0 || !told.warnings().is_empty()
        });
        let tree = walk(&out.join("t"));
        remove_tree(&out);
        Extracted { tree, is_told }
    }

    /// Everything there is as one of the versions has it, and if anything is missing it is told.
    fn check(&self, what: &str) {
        let Extracted { tree, is_told } = self.extract(Until::Latest);
        if !is_told {
            assert_eq!(differences(&self.truth[1], &tree), Vec::<String>::new(), "{what}");
            return;
        }
        let wrong = self.truth.each_ref().map(|truth| wrong(truth, &tree));
        let is_right = wrong.iter().any(Vec::is_empty);
        assert!(is_right, "{what}: {wrong:#?}");
    }

    fn write(&self, bytes: &[u8]) {
        fs::write(self.bench.archive(), bytes).unwrap();
    }
}

/// What is there and is not as it was. Directories whose entries are lost are made to lead to
/// what is below them.
fn wrong(truth: &Tree, found: &Tree) -> Vec<String> {
    let mut told = Vec::new();
    for (name, node) in found {
        let shown = name.escape_ascii();
        match truth.get(name) {
            None => told.push(format!("{shown}: never was")),
            Some(true_node) if node.kind == 'd' && true_node.kind == 'd' => {}
            Some(true_node) => told.extend(
                differences_of(true_node, node).into_iter().map(|why| format!("{shown}: {why}")),
            ),
        }
    }
    told
}

/// So many offsets, spread evenly but out of step with pages, and a bit of each.
fn flips(len: usize, count: u64) -> Vec<(usize, u8)> {
    let count = usize::try_from(count * number_from_environment("ZARC_TEST_CASES", 1)).unwrap();
    let bits = noise(number_from_environment("ZARC_TEST_SEED", 1), count.min(len));
    let at = |n: usize| n * 7919 % len;
    bits.into_iter().enumerate().map(|(n, bits)| (at(n), 1 << (bits & 7))).collect()
}

/// Whichever bit is flipped: no panic, no wrong byte, and nothing is missing without a word.
#[test]
fn a_flipped_bit_never_gives_a_wrong_file() {
    let sample = sample();
    assert_ne!(sample.bytes.len() % 7919, 0, "all offsets are reached");
    let flips = flips(sample.bytes.len(), 8000);
    eprintln!("{} flips in {} bytes", flips.len(), sample.bytes.len());
    for (at, bit) in flips {
        let mut bytes = sample.bytes.clone();
        bytes[at] ^= bit;
        sample.write(&bytes);
        sample.check(&format!("byte {at} with bit {bit:#x}"));
    }
}

/// Wherever the end is cut off: the versions before it come out, and that one is missing is told.
#[test]
fn a_cut_off_end_gives_the_version_before() {
    let sample = sample();
    for len in (0..sample.bytes.len()).step_by(37) {
        sample.write(&sample.bytes[..len]);
        let Extracted { tree, is_told } = sample.extract(Until::Latest);
        let shown = match len {
            _ if len >= complete(sample.bytes.len()) => Some(1),
            _ if len >= complete(sample.first_end) => Some(0),
            _ => None,
        };
        // What ends with its commit was a whole archive once.
        let was_whole = shown == Some(1) || len <= sample.first_end && shown == Some(0);
        assert!(is_told || was_whole, "{len} bytes");
        let expected = shown.map_or(Tree::new(), |version| sample.truth[version].clone());
        assert_eq!(differences(&expected, &tree), Vec::<String>::new(), "{len} bytes");
    }
}

/// A commit counts as soon as header, payload and tag are there; the rest of its page is zero.
fn complete(end: usize) -> usize {
    end - 4096 + 64 + 224 + 32
}

/// One damaged frame of data costs the files that need it: at least three quarters come out.
#[test]
fn most_files_survive_a_damaged_block() {
    let sample = sample();
    let data = frames(&sample.bytes, 2);
    assert!(data.len() >= 4, "{} blocks", data.len());
    let files = |tree: &Tree| tree.values().filter(|node| node.kind == '-').count();
    for (offset, len) in data {
        for at in [offset, offset + 40, offset + 66, offset + len / 2, offset + len - 1] {
            let mut bytes = sample.bytes.clone();
            bytes[at] ^= 0x10;
            sample.write(&bytes);
            for (version, truth) in (1..).zip(&sample.truth) {
                let found = sample.extract(Until::Version(version)).tree;
                assert_eq!(wrong(truth, &found), Vec::<String>::new(), "byte {at}");
                let (there, of) = (files(&found), files(truth));
                assert!(there * 4 >= of * 3, "byte {at}, version {version}: {there} of {of}");
            }
        }
    }
}

/// How many versions a damaged archive still shows, and what comes out of each.
fn extractable(sample: &Sample) -> BTreeMap<u64, Tree> {
    let mut options = sample.bench.list_options(Until::Latest);
    options.all = Some(1);
    let summary = zarc::command::list(&options, &mut |_| Ok(()), &Told::default());
    let latest = sample.bench.list_options(Until::Latest);
    let summary =
        summary.or_else(|_| zarc::command::list(&latest, &mut |_| Ok(()), &Told::default()));
    let count = summary.map_or(0, |summary| summary.versions);
    (1..=count).map(|n| (n, sample.extract(Until::Version(n)).tree)).collect()
}

/// Whatever the damage is, another `add` takes nothing away that could be restored before.
#[test]
fn an_add_after_damage_takes_nothing_away() {
    let sample = sample();
    let len = sample.bytes.len();
    fs::write(sample.bench.work().join("new"), noise(50, 2000)).unwrap();
    set_clock(real_seconds() + 3000);
    let flipped = flips(len, 600).into_iter().map(|(at, bit)| {
        let mut bytes = sample.bytes.clone();
        bytes[at] ^= bit;
        (format!("byte {at} with bit {bit:#x}"), bytes)
    });
    let cut =
        (0..len).step_by(331).map(|len| (format!("{len} bytes"), sample.bytes[..len].to_vec()));
    let mut added = 0;
    for (what, bytes) in flipped.chain(cut) {
        sample.write(&bytes);
        let before = extractable(&sample);
        let result = add(&sample.bench.add_options(b""), &Told::default());
        added += u64::from(result.is_ok());
        for (version, tree) in before {
            let after = sample.extract(Until::Version(version)).tree;
            for (name, node) in tree.iter().filter(|(_, node)| node.kind != 'd') {
                let shown = name.escape_ascii();
                let now = after.get(name);
                let now = now.unwrap_or_else(|| panic!("{what}: {shown} of {version} is lost"));
                assert_eq!(differences_of(node, now), Vec::<String>::new(), "{what}: {shown}");
            }
        }
    }
    eprintln!("{added} updates were added after damage");
}
