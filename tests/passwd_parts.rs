//! Another password for an archive in parts.
//!
//! Goal: the old password or the new one opens all parts together, at every moment, and never one that
//! was replaced before. Method: the change of each part is recorded; between its syncs every subset of
//! sectors reaches the disk, or is garbage, while the parts before are changed and those after are not.
//! The program is run as a user types it.

use std::fs;
use std::sync::Arc;

use zarc::archive::Archive;
use zarc::base::Result;
use zarc::journal::PasswordChange;
use zarc::storage::{Backend, PartStore};

use crate::support::crash_storage::Recorder;
use crate::support::indexed_parts::{Files, index_alone};
use crate::support::keys::{cheap, word};
use crate::support::memory_parts::InMemory;
use crate::support::parts::{InParts, history_in_parts, history_with_index, zarc_in};
use crate::support::random::environment;
use crate::support::trees::differences;

const PAGE: usize = 4096;

fn change(store: Arc<dyn PartStore>, old: &str, new: &str) -> Result<u32> {
    let seed = new.bytes().fold(9, |seed, byte| seed * 31 + u64::from(byte));
    let cost = cheap();
    PasswordChange::begin_parts(store, &word(old))?.finish(&word(new), cost, &environment(seed))
}

/// The one of several passwords that opens all parts and the index together.
fn opener<'a>(files: &Files, passwords: &[&'a str]) -> &'a str {
    let opens = |password: &&&str| {
        let parts = InMemory::of_files(files);
        let archive = Archive::open_parts(parts, Some(&word(password)));
        archive.is_ok_and(|archive| {
            assert!(archive.absent_parts().is_empty() && archive.notice().is_none());
            true
        })
    };
    let opens: Vec<&str> = passwords.iter().filter(opens).copied().collect();
    let [word] = opens[..] else { panic!("{opens:?} of {passwords:?} open it") };
    word
}

/// Every set of files that a crash may leave, and the set that the change ends with.
fn crashed_sets(files: &Files, (old, new): (&str, &str), step: usize) -> (Vec<Files>, Files) {
    let recorders: Vec<(u32, Recorder)> =
        files.iter().map(|(part, disk)| (*part, Recorder::over(disk.clone()))).collect();
    let backend = |(part, recorder): &(u32, Recorder)| -> (u32, Arc<dyn Backend>) {
        (*part, Arc::new(recorder.clone()))
    };
    let store = InMemory::new(recorders.iter().map(backend).collect());
    change(Arc::<InMemory>::clone(&store), old, new).unwrap();
    assert_eq!(store.opened(), store.numbers().unwrap());
    let (mut sets, mut set) = (Vec::new(), files.clone());
    // The index first, then part by part.
    for (part, recorder) in recorders {
        let (states, durable) = recorder.finish().torn_pages(step, true);
        for state in states {
            set.insert(part, state);
            sets.push(set.clone());
        }
        set.insert(part, durable);
    }
    (sets, set)
}

/// Three parts, and perhaps the index.
fn sample(has_index: bool) -> Files {
    let (archive, _) = history_with_index(3, Some("one"));
    let files = (0..).zip(archive.files()).map(|(part, (_, bytes))| (part, bytes));
    files.filter(|(part, _)| has_index || *part > 0).collect()
}

#[test]
fn a_crash_between_parts_leaves_the_old_password_or_the_new_one() {
    crash_everywhere(&sample(false));
}

#[test]
fn a_crash_between_index_and_parts_leaves_the_old_password_or_the_new_one() {
    crash_everywhere(&sample(true));
    // The parts were moved away; they come back, and the index knows the newest password.
    let files = sample(true);
    let alone = index_alone(&files);
    let (sets, done) = crashed_sets(&alone, ("one", "two"), 5);
    for set in sets.into_iter().chain([done]) {
        let opener_alone = opener(&set, &["one", "two"]);
        let mut all = files.clone();
        all.extend(set);
        assert_eq!(opener(&all, &["one", "two"]), opener_alone);
    }
}

fn crash_everywhere(files: &Files) {
    let (sets, done) = crashed_sets(files, ("one", "two"), 5);
    let (mut by_old, mut by_new) = (0, 0);
    for (number, set) in sets.iter().enumerate() {
        let opener = opener(set, &["one", "two"]);
        *(if opener == "one" { &mut by_old } else { &mut by_new }) += 1;
        // The next change begins with whatever was left, and may be interrupted as well.
        if number % 60 == 0 {
            for set in crashed_sets(set, (opener, "three"), 51).0 {
                self::opener(&set, &[opener, "three"]);
                let before = if opener == "two" { "one" } else { "two" };
                let parts = InMemory::of_files(&set);
                let by_older = Archive::open_parts(parts, Some(&word(before)));
                assert!(by_older.is_err(), "a password that was replaced opens it");
            }
        }
    }
    assert!(by_old > 0 && by_new > by_old, "{by_old} {by_new}");
    assert_eq!(opener(&done, &["one", "two"]), "two");
    for (before, after) in files.values().zip(done.values()) {
        let changed: Vec<usize> = (0..before.len()).filter(|&at| before[at] != after[at]).collect();
        let in_records = |at: &usize| (512..656).contains(&(at % PAGE)) && *at < 2 * PAGE;
        assert!(!changed.is_empty() && changed.iter().all(in_records));
    }
}

/// The parts keep the password that they were moved away with until they come back.
#[test]
fn parts_that_were_moved_away_are_named_and_open_with_the_password_of_the_index() {
    let (archive, trees) = history_with_index(3, Some("one"));
    let at = archive.directory();
    let whole = archive.files();
    for part in 1..=3 {
        fs::remove_file(archive.part(part)).unwrap();
    }
    let words = ["passwd", "part??", "-key", "one", "-newkey", "two"];
    let (code, _, told) = zarc_in(&at, &words);
    assert_eq!(code, Some(0), "{told}");
    let named = "part01.zarc to part03.zarc are missing; what is missing keeps the old password";
    assert!(told.contains(named), "{told}");
    for (path, bytes) in &whole[1..] {
        fs::write(path, bytes).unwrap();
    }
    let (code, _, told) = zarc_in(&at, &["list", "part??", "-key", "one"]);
    assert!(code == Some(2) && told.contains("wrong password"), "{told}");
    let archive = InParts { key: Some("two"), ..archive };
    archive.assert_holds(&trees);
    // Without the index they know nothing of the new one.
    fs::remove_file(archive.part(0)).unwrap();
    let (code, _, told) = zarc_in(&at, &["test", "part??", "-key", "one"]);
    assert_eq!(code, Some(0), "{told}");
}

/// As a user types it; a part that is elsewhere keeps the old password, and comes back all the same.
#[test]
fn the_parts_that_are_there_get_the_new_password() {
    let (archive, trees) = history_in_parts(4, Some("one"));
    let at = archive.directory();
    let whole = archive.files();
    fs::remove_file(archive.part(2)).unwrap();
    let words = ["passwd", "part??", "-key", "one", "-newkey", "two"];
    let (code, said, told) = zarc_in(&at, &words);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("part02.zarc is missing; what is missing keeps the old password"),
        "{told}"
    );
    assert!(said.contains("still open with the old one"), "{said}");
    let (code, _, told) = zarc_in(&at, &words);
    assert!(code == Some(2) && told.contains("wrong password"), "{told}");
    fs::write(archive.part(2), &whole[1].1).unwrap();
    let (code, _, told) = zarc_in(&at, &["extract", "part??", "-key", "two", "-to", "out"]);
    assert_eq!(code, Some(0), "{told}");
    let restored = crate::support::trees::walk(&at.join("out/t"));
    assert!(differences(&trees[3], &restored).is_empty());
    fs::remove_dir_all(at.join("out")).unwrap();
    // The next part is made with the new record alone.
    let tree = archive.bench.work().display().to_string();
    let (code, _, told) =
        zarc_in(&at, &["add", "part??", &tree, "-to", "t", "-key", "two", "-force"]);
    assert_eq!(code, Some(0), "{told}");
    let before = archive.files();
    fs::copy(archive.part(1), archive.part(3)).unwrap();
    let (code, _, told) = zarc_in(&at, &["passwd", "part??", "-key", "two", "-newkey", "3"]);
    assert!(code == Some(2) && told.contains("part03.zarc is part 1"), "{told}");
    fs::write(archive.part(3), &before[2].1).unwrap();
    assert!(archive.files() == before, "what is refused is not changed");
    let alone = zarc_in(&at, &["passwd", "part01.zarc", "-key", "two", "-newkey", "3"]);
    assert!(alone.0 == Some(2) && alone.2.contains("name all parts by one pattern"), "{}", alone.2);
    let none = zarc_in(&at, &["passwd", "none??", "-key", "two", "-newkey", "3"]);
    assert!(none.0 == Some(2) && none.2.contains("no part of that name"), "{}", none.2);
    assert!(archive.files() == before, "nothing was made");
}
