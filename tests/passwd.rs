//! Another password for an archive: what it changes, and what a crash or a failing call in the middle of it
//! leaves.
//!
//! Goal: section 11 of `spec/format.md`: the old password or the new one opens the archive, at every
//! moment. Method: the change is recorded; between its syncs every subset of sectors reaches the disk, or is
//! garbage; each disk is opened with both passwords. The program is run as a user types it.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use zarc::archive::{Archive, OpenOptions};
use zarc::command::{AddOptions, Password, add};
use zarc::crypto::KeyRecord;
use zarc::format::ArchiveHeader;
use zarc::journal::PasswordChange;
use zarc::storage::{Backend, Memory};

use super::support::Told;
use super::support::crash_storage::{Operation, Recorder};
use super::support::faulty_storage::{Call, Fault, Faulty};
use super::support::keys::{cheap, key_words, word};
use super::support::random::environment;
use super::support::random_history::{Ending, Updates};
use super::support::terminal::Terminal;
use super::support::trees::walk;
use super::support::truth::{Truth, assert_shows};
use super::support::workbench::{Workbench, fresh_in_memory, set_clock};

const PAGE: usize = 4096;

/// An archive of one version under this password.
fn sample(password: &Password) -> (Vec<u8>, Arc<Truth>) {
    let memory = Memory::default();
    let mut updates = Updates::new(3, 9, 700);
    let options =
        OpenOptions { password: Some(password), key_cost: cheap(), ..OpenOptions::plain(6) };
    let mut archive =
        Archive::open_for_writing(Arc::new(memory.clone()), options, &updates.environment).unwrap();
    let truth = updates.update(&mut archive, None, Ending::Commit, |_| {}).unwrap().unwrap().0;
    drop(archive);
    (memory.to_bytes(), truth)
}

fn change(backend: Arc<dyn Backend>, old: &str, new: &str) -> zarc::base::Result<u32> {
    // Each word has dice of its own.
    let seed = new.bytes().fold(9, |seed, byte| seed * 31 + u64::from(byte));
    PasswordChange::begin(backend, &word(old))?.finish(&word(new), cheap(), &environment(seed))
}

fn opens(disk: &[u8], password: &str) -> bool {
    let opened = Archive::open(Arc::new(Memory::with_bytes(disk.to_vec())), Some(&word(password)));
    opened.is_ok()
}

/// The one of several passwords that opens a disk.
fn opener<'a>(disk: &[u8], passwords: &[&'a str]) -> &'a str {
    let opens: Vec<&str> = passwords.iter().copied().filter(|word| opens(disk, word)).collect();
    let [word] = opens[..] else { panic!("{opens:?} of {passwords:?} open it") };
    word
}

/// Every disk that a crash in the middle of a change may leave, each once: of the page in flight any
/// sectors are new, and with `has_garbage` all subsets of them are garbage.
fn crashed(disk: &[u8], old: &str, new: &str, has_garbage: bool) -> BTreeSet<Vec<u8>> {
    let recorder = Recorder::over(disk.to_vec());
    change(Arc::new(recorder.clone()), old, new).unwrap();
    let (disks, done) = recorder.finish().torn_pages(1, has_garbage);
    assert!(opens(&done, new) && !opens(&done, old));
    disks.into_iter().collect()
}

#[test]
fn a_crash_leaves_the_old_password_or_the_new_one() {
    let (disk, truth) = sample(&word("one"));
    let disks = crashed(&disk, "one", "two", true);
    println!("{} disks", disks.len());
    assert!(disks.len() > 500);
    let (mut by_old, mut by_new) = (0, 0);
    for (number, disk) in disks.iter().enumerate() {
        let opener = opener(disk, &["one", "two"]);
        *(if opener == "one" { &mut by_old } else { &mut by_new }) += 1;
        let password = word(opener);
        let archive = Archive::open(Arc::new(Memory::with_bytes(disk.clone())), Some(&password));
        assert_shows(&archive.unwrap(), &[Arc::clone(&truth)], 0);
        // The next change begins with whatever was left, and may be interrupted as well.
        if number % 16 == 0 || disks.len() - number < 4 {
            for disk in crashed(disk, opener, "three", false) {
                self::opener(&disk, &[opener, "three"]);
            }
        }
    }
    assert!(by_old > 0 && by_new > 0, "{by_old} {by_new}");
}

/// Both crashes of the worst kind: the first change reached page 1 alone, so that page 0 has the
/// password before that; the second one loses page 1.
#[test]
fn a_password_that_was_replaced_does_not_come_back() {
    let (disk, _) = sample(&word("one"));
    let recorder = Recorder::over(disk.clone());
    change(Arc::new(recorder.clone()), "one", "two").unwrap();
    let mut half = disk.clone();
    let operations = recorder.finish();
    let Operation::Overwrite(offset, page) = &operations.operations()[0] else { panic!() };
    assert_eq!(*offset, 4096, "page 1 first");
    half[PAGE..2 * PAGE].copy_from_slice(page);
    assert_eq!(opener(&half, &["one", "two"]), "two");
    for disk in crashed(&half, "two", "three", true) {
        opener(&disk, &["two", "three"]);
        assert!(!opens(&disk, "one"), "the first password opens it again");
    }
}

#[test]
fn nothing_but_the_two_key_records_is_changed_and_damaged_pages_are_made_whole() {
    let (disk, truth) = sample(&word("one"));
    let memory = Memory::with_bytes(disk.clone());
    assert_eq!(change(Arc::new(memory.clone()), "one", "two").unwrap(), 2);
    let after = memory.to_bytes();
    let records = [ArchiveHeader::KEY_RECORD, PAGE + 512..PAGE + 656];
    for (at, (before, after)) in disk.iter().zip(&after).enumerate() {
        assert!(before == after || records.iter().any(|record| record.contains(&at)), "{at}");
    }
    assert_eq!(disk.len(), after.len());
    let archive = Archive::open(Arc::new(memory), Some(&word("two"))).unwrap();
    assert_shows(&archive, &[truth], 0);
    for page in 0..2 {
        for part in [0..64, 512..656, 0..PAGE] {
            let mut damaged = disk.clone();
            damaged[page * PAGE..][part].fill(0x55);
            let memory = Memory::with_bytes(damaged);
            change(Arc::new(memory.clone()), "one", "two").unwrap();
            assert!(memory.to_bytes()[..PAGE] == memory.to_bytes()[PAGE..2 * PAGE]);
            for page in 0..2 {
                let mut rest = memory.to_bytes();
                rest[page * PAGE..][..PAGE].fill(0x55);
                assert_eq!(opener(&rest, &["one", "two"]), "two");
            }
        }
    }
}

/// What a later zarc may write into the header is not lost: the first commit is tied to its checksum.
#[test]
fn a_header_with_bytes_that_nobody_knows_stays_as_it_is() {
    let (mut disk, _) = sample(&word("one"));
    for page in [0, PAGE] {
        disk[page + 19] = 0x40;
        disk[page + 200] = 7;
        let checksum = zarc::base::Digest::of(&disk[page..page + 480]);
        disk[page + 480..page + 512].copy_from_slice(checksum.as_bytes());
    }
    let memory = Memory::with_bytes(disk.clone());
    change(Arc::new(memory.clone()), "one", "two").unwrap();
    for page in [0, PAGE] {
        assert!(memory.to_bytes()[page..page + 512] == disk[page..page + 512]);
    }
    assert_eq!(opener(&memory.to_bytes(), &["one", "two"]), "two");
}

#[test]
fn whichever_call_fails_one_of_both_passwords_opens_the_archive() {
    let (disk, _) = sample(&word("one"));
    let mut failed = 0;
    for call in Call::ALL {
        for after in 0.. {
            let memory = Memory::with_bytes(disk.clone());
            let fault = Fault { call, after, lasts: after % 2 == 0, partly: 0 };
            let faulty = Arc::new(Faulty::over(Arc::new(memory.clone()), fault));
            let result = change(faulty.clone(), "one", "two");
            let opener = opener(&memory.to_bytes(), &["one", "two"]);
            if !faulty.has_failed() {
                assert_eq!((result.unwrap(), opener), (2, "two"));
                break;
            }
            result.expect_err("a call failed");
            failed += 1;
        }
    }
    assert!(failed >= 8, "{failed}");
}

#[test]
fn every_new_password_has_another_salt_and_the_same_key() {
    let (disk, _) = sample(&word("one"));
    let memory = Memory::with_bytes(disk);
    let mut salts = BTreeSet::new();
    for (generation, password) in (1..).zip(["one", "two", "three", "one"]) {
        if generation > 1 {
            let before = ["", "one", "two", "three"][generation as usize - 1];
            assert_eq!(change(Arc::new(memory.clone()), before, password).unwrap(), generation);
        }
        let bytes = memory.to_bytes();
        let id = ArchiveHeader::decode(&bytes).unwrap().0.archive_id;
        let record = KeyRecord::decode(&bytes[ArchiveHeader::KEY_RECORD], &id).unwrap();
        assert_eq!(record.generation(), generation);
        salts.insert(bytes[ArchiveHeader::KEY_RECORD][32..64].to_vec());
        record.unwrap(&word(password)).unwrap();
    }
    assert_eq!(salts.len(), 4);
}

/// An encrypted archive `a` of a directory, and a plain one.
fn bench() -> Workbench {
    set_clock(1_000_000_000);
    let bench = Workbench::new(fresh_in_memory());
    fs::write(bench.work().join("f"), "content\n".repeat(100)).unwrap();
    let plain = AddOptions { archive: bench.path("plain.zarc").into(), ..bench.add_options(b"") };
    let encrypted = AddOptions {
        key: Some(key_words("old words")),
        key_cost: cheap(),
        ..bench.add_options(b"")
    };
    for options in [plain, encrypted] {
        add(&options, &Told::default()).unwrap();
    }
    bench
}

fn zarc(bench: &Workbench, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zarc"));
    command.args(words).current_dir(bench.path("")).stdin(Stdio::null()).output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8([output.stdout.as_slice(), &output.stderr].concat()).unwrap()
}

#[test]
fn a_user_changes_the_password_from_any_source_and_is_told_of_older_copies() {
    let bench = bench();
    fs::copy(bench.archive(), bench.path("copy.zarc")).unwrap();
    fs::write(bench.path("third"), "third\n").unwrap();
    for (number, words) in [
        &["passwd", "a", "-key", "old", "words", "-newkey", "new", "words"][..],
        &["passwd", "a", "-keycmd", "echo new words", "-newkeyfile", "third"],
        &["passwd", "a", "-keyfile", "third", "-newkeycmd", "echo fourth"],
    ]
    .into_iter()
    .enumerate()
    {
        let output = zarc(&bench, words);
        let told = told(&output);
        assert_eq!(output.status.code(), Some(0), "{told}");
        assert!(told.contains("still open with the old one"), "{told}");
        assert_eq!(told.contains("warning: other users"), number == 0, "{told}");
        assert!(!told.contains("words") && !told.contains("third"), "{told}");
    }
    let refused = zarc(&bench, &["list", "a", "-quiet", "-key", "old words"]);
    assert!(told(&refused).contains("wrong password"));
    for (archive, key) in [("a", "fourth"), ("copy", "old words")] {
        let words = ["extract", archive, "-quiet", "-key", key, "-to", archive];
        let output = zarc(&bench, &words);
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        assert!(walk(&bench.path(archive).join("t")) == walk(&bench.work()));
    }
}

#[test]
fn at_a_terminal_the_old_password_is_asked_for_and_the_new_one_twice() {
    let bench = bench();
    let mut terminal = Terminal::run(&bench.path(""), &["passwd", "a"]);
    terminal.question("Old password: ");
    terminal.type_in("old words\n");
    terminal.question("New password: ");
    terminal.type_in("new word\n");
    terminal.question("The same again: ");
    terminal.type_in("new ward\n");
    let said = terminal.question("New password: ");
    assert!(said.contains("the two passwords differ"), "{said}");
    terminal.type_in("new words\n");
    terminal.question("The same again: ");
    terminal.type_in("new words\n");
    let (code, said) = terminal.end();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        opener(&fs::read(bench.archive()).unwrap(), &["old words", "new words"]),
        "new words"
    );
    // Whoever does not know the old one is not asked for a new one.
    let before = fs::read(bench.archive()).unwrap();
    let mut terminal = Terminal::run(&bench.path(""), &["passwd", "a"]);
    terminal.question("Old password: ");
    terminal.type_in("old words\n");
    let (code, said) = terminal.end();
    assert!(code == Some(2) && said.contains("wrong password (a.zarc)"), "{said}");
    let mut terminal = Terminal::run(&bench.path(""), &["passwd", "a", "-newkey", "x"]);
    terminal.question("Old password: ");
    terminal.interrupt();
    let (code, said) = terminal.end();
    assert_eq!(code, Some(130), "{said}");
    assert!(fs::read(bench.archive()).unwrap() == before);
}

#[test]
fn what_cannot_be_changed_is_one_line_and_stays() {
    let bench = bench();
    let before = [bench.archive(), bench.path("plain.zarc")].map(|path| fs::read(path).unwrap());
    let (old, new) = (["-key", "old words"], ["-newkey", "new words"]);
    let check = |archive: &str, more: &[&str], said: &str| {
        let output = zarc(&bench, &[&["passwd", archive, "-quiet"], more].concat());
        let told = told(&output);
        assert_eq!(output.status.code(), Some(2), "{told}");
        let lines: Vec<&str> = told.lines().filter(|line| !line.starts_with("hint: ")).collect();
        assert!(lines.len() == 1 && lines[0].contains(said), "{said}: {told}");
    };
    check("a", &[&["-key", "no words"][..], &new].concat(), "wrong password (a.zarc)");
    check("a", &[&old[..], &["-newkey", "old words"]].concat(), "the new password is the old one");
    check("a", &[&old[..], &["-newkey", ""]].concat(), "the password is empty");
    check("a", &[&old[..], &["-newkeyfile", "nowhere"]].concat(), "cannot read the key file");
    check("a", &[&old[..], &new, &["-newkeycmd", "true"]].concat(), "-newkey and -newkeycmd");
    check("a", &[&old[..], &new, &["-keyfile", "f"]].concat(), "-key and -keyfile");
    check("a", &[&old[..], &new, &["-until", "1"]].concat(), "-until with passwd");
    check("a", &new, "nobody to ask");
    check("plain", &[old, new].concat(), "the archive is not encrypted (plain.zarc)");
    check("nowhere", &[old, new].concat(), "nowhere.zarc");
    check("", &[old, new].concat(), "the archive \"\" holds nothing");
    let file = fs::File::open(bench.archive()).unwrap();
    file.lock().unwrap();
    check("a", &[old, new].concat(), "the archive is in use");
    drop(file);
    let after = [bench.archive(), bench.path("plain.zarc")].map(|path| fs::read(path).unwrap());
    assert!(before == after && !bench.path("nowhere.zarc").exists());
}
