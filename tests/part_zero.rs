//! The index of an archive in parts, part 0.
//!
//! Goal: with the index alone one can do all that needs no contents of files, and what is said of
//! missing, older, foreign or forked parts is true. Method: histories are shown by all parts, by the
//! index alone and by a single file, which have to agree; parts are moved away, brought back, put back
//! to older states and mixed, and what is said is compared with what was done.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use zarc::base::{ErrorKind, Result, Until};
use zarc::command::{AddOptions, IndexUpkeep, ListOptions, Location, Row, add, list};

use crate::support::parts::{InParts, history_with_index, zarc_in};
use crate::support::tree_changes::{Change, apply, change};
use crate::support::trees::{Tree, walk};
use crate::support::workbench::{
    fresh_in_memory, random_cases, real_seconds, rows, run_add, set_clock, wait_for_a_tick,
};
use crate::support::{Told, frames, noise};

/// Types of frames.
const UPDATE: u8 = 1;
const FRAGMENTS: u8 = 3;
const ENTRIES: u8 = 4;
const DIRECTORY: u8 = 5;
const MANIFEST: u8 = 6;
const ANCHOR: u8 = 12;

type Files = Vec<(PathBuf, Vec<u8>)>;

fn with_index(key: Option<&'static str>) -> InParts {
    InParts { key, index: true, ..InParts::new(fresh_in_memory()) }
}

/// Moves the parts from `first` to `last` away and returns them.
fn move_away(archive: &InParts, first: u32, last: u32) -> Files {
    let moved = (first..=last).map(|number| archive.part(number)).filter(|path| path.exists());
    let moved: Files = moved.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    for (path, _) in &moved {
        fs::remove_file(path).unwrap();
    }
    moved
}

fn bring_back(files: &Files) {
    for (path, bytes) in files {
        fs::write(path, bytes).unwrap();
    }
}

/// What `list` shows of every version, and with `-all`.
fn listings(archive: &InParts, location: &Location, versions: u64) -> Vec<(Vec<Row>, u64)> {
    let shown = |options: ListOptions| {
        let (rows, summary, told) = rows(&ListOptions { archive: location.clone(), ..options });
        assert_eq!((summary.damaged, told.warnings()), (0, String::new()));
        (rows, summary.archive_bytes)
    };
    let until = (1..=versions).map(Until::Version).chain([Until::Latest]);
    let mut all: Vec<_> = until.map(|until| shown(archive.list_options(until))).collect();
    all.push(shown(ListOptions { all: Some(4), ..archive.list_options(Until::Latest) }));
    all
}

/// What `list` says, and whether it shows a damaged archive.
fn told_by_list(archive: &InParts) -> String {
    let (mut show, told) = (|_: Row| Ok(()), Told::default());
    let listed = list(&archive.list_options(Until::Latest), &mut show, &told);
    match listed {
        Ok(summary) if summary.damaged == 0 => format!("fine: {}", told.warnings()),
        Ok(_) => told.warnings(),
        Err(error) => error.to_string(),
    }
}

/// Panics unless list and add say so; nothing is changed.
fn assert_told(archive: &InParts, words: &str) {
    let before = archive.files();
    let told = told_by_list(archive);
    assert!(told.contains(words) && !told.starts_with("fine"), "list: {told}, not {words}");
    fs::write(archive.bench.work().join("more"), "more").unwrap();
    let told = archive.add().expect_err("nothing can be added").to_string();
    assert!(told.contains(words) && told.contains("nothing was"), "add: {told}, not {words}");
    assert!(archive.files() == before, "something was changed");
    fs::remove_file(archive.bench.work().join("more")).unwrap();
}

#[test]
fn the_index_alone_lists_and_adds_as_all_parts_do() {
    for key in [None, Some("open sesame")] {
        let (archive, mut trees) = history_with_index(4, key);
        let expected = listings(&archive, &archive.location(), 4);
        let alone = Location::File(archive.part(0));
        assert!(listings(&archive, &alone, 4) == expected, "beside the parts");
        let moved = move_away(&archive, 1, 4);
        assert!(listings(&archive, &archive.location(), 4) == expected, "by the pattern");
        assert!(listings(&archive, &alone, 4) == expected, "by its name");
        // Two updates more, the first of which is moved away before the second.
        archive.add_file("fifth", &noise(5, 9000));
        trees.push(walk(&archive.bench.work()));
        let fifth = move_away(&archive, 5, 5);
        assert_eq!(fifth.len(), 1);
        archive.add_file("f2", b"changed");
        trees.push(walk(&archive.bench.work()));
        assert!(archive.part(6).exists());
        let (summary, told) = archive.verify().unwrap();
        assert_eq!((summary.versions, summary.damaged), (6, 0), "{told}");
        assert!(summary.unchecked > 0 && summary.fragments > 0);
        bring_back(&fifth);
        bring_back(&moved);
        archive.assert_holds(&trees);
    }
}

#[test]
fn an_index_is_made_with_part_1_and_a_deleted_one_is_not_made_again() {
    let (archive, _) = history_with_index(2, None);
    assert!(archive.part(0).exists());
    fs::remove_file(archive.part(0)).unwrap();
    archive.add_file("third", b"3");
    assert!(!archive.part(0).exists() && archive.part(3).exists());
    // Nor is one left of an update that was none.
    let archive = with_index(None);
    fs::remove_dir_all(archive.bench.work()).unwrap();
    let done = archive.add().unwrap();
    assert!(done.version.is_none() && archive.files().is_empty());
    fs::create_dir(archive.bench.work()).unwrap();
    fs::write(archive.bench.work().join("f"), "f").unwrap();
    let stopped = add(&archive.add_options(), &Told::stopping_at(0)).unwrap_err();
    assert_eq!(stopped.kind(), ErrorKind::Stopped, "{stopped}");
    assert!(archive.files().is_empty());
    // A trial writes none either.
    let (archive, _) = history_with_index(1, None);
    let before = archive.files();
    fs::write(archive.bench.work().join("new"), "new").unwrap();
    let trial = || AddOptions { dry: true, ..archive.add_options() };
    assert!(add(&trial(), &Told::default()).unwrap().stored_bytes > 0);
    move_away(&archive, 1, 1);
    assert!(add(&trial(), &Told::default()).unwrap().stored_bytes > 0);
    assert!(archive.files() == before[..1]);
}

#[test]
fn contents_of_parts_that_are_not_there_are_named() {
    let (archive, trees) = history_with_index(3, None);
    let moved = move_away(&archive, 1, 2);
    let (problems, restored) = archive.extract(Until::Latest).unwrap();
    assert_eq!(problems, 2, "f1 and f2");
    assert!(restored.len() < trees[2].len() && !restored.is_empty());
    let at = archive.directory();
    let (code, _, told) = zarc_in(&at, &["extract", "part??", "-to", "out"]);
    assert_eq!(code, Some(2));
    assert!(told.contains("a part of the archive is not there (part01.zarc)"), "{told}");
    assert!(told.contains("everything of it but the contents of files"), "{told}");
    move_away(&archive, 3, 3);
    let (code, shown, told) = zarc_in(&at, &["test", "part00"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(shown.contains("fragments not checked"), "{shown}");
    let (code, _, told) = zarc_in(&at, &["add", "part00", "part??"]);
    assert_eq!(code, Some(2));
    assert!(
        told.contains("the index of an archive in parts") && told.contains("'part??'"),
        "{told}"
    );
    let (code, _, told) = zarc_in(&at, &["extract", "part00", "-to", "other"]);
    assert_eq!(code, Some(2), "{told}");
    drop(moved);
}

/// T6 of `spec/encryption.md`: whoever puts the parts back to an older state is found out.
#[test]
fn t6_parts_put_back_to_an_older_state_are_told_from_the_index() {
    for key in [None, Some("open sesame")] {
        let (archive, trees) = history_with_index(4, key);
        let whole = archive.files();
        fs::remove_file(archive.part(4)).unwrap();
        assert_told(&archive, "update 4 expected, found 3; part04.zarc is missing");
        fs::remove_file(archive.part(3)).unwrap();
        assert_told(&archive, "update 4 expected, found 2; part03.zarc, part04.zarc are missing");
        archive.restore(&whole);
        fs::remove_file(archive.part(2)).unwrap();
        assert_told(&archive, "part02.zarc is missing");
        let (summary, told) = archive.verify().unwrap();
        assert!(summary.damaged > 0 && told.contains("part02.zarc is missing"), "{told}");
        archive.restore(&whole);
        for len in [0, 4096, whole[4].1.len() - 4096, whole[4].1.len() - 4000] {
            fs::write(archive.part(4), &whole[4].1[..len]).unwrap();
            assert_told(&archive, "update 4 expected, found 3");
        }
        archive.restore(&whole);
        archive.assert_holds(&trees);
    }
}

/// An archive of five updates, and its index as it was after two.
fn grown_since(key: Option<&'static str>) -> (InParts, Vec<Tree>, Vec<u8>) {
    let (archive, mut trees) = history_with_index(2, key);
    let old_index = fs::read(archive.part(0)).unwrap();
    for number in 3..=5 {
        archive.add_file("more", &noise(number, 5000));
        trees.push(walk(&archive.bench.work()));
    }
    (archive, trees, old_index)
}

#[test]
fn an_index_that_is_behind_catches_up() {
    for key in [None, Some("open sesame")] {
        let (archive, mut trees, old_index) = grown_since(key);
        let expected = listings(&archive, &archive.location(), 5);
        fs::write(archive.part(0), &old_index).unwrap();
        assert!(listings(&archive, &archive.location(), 5) == expected, "it is only behind");
        let done = archive.update_index(false).unwrap();
        assert_eq!(done, IndexUpkeep { updates: 5, recorded: 3, is_made: false });
        fs::write(archive.part(0), &old_index).unwrap();
        archive.add_file("sixth", b"6");
        trees.push(walk(&archive.bench.work()));
        archive.assert_holds(&trees);
        // Empty, it was begun and never made.
        fs::write(archive.part(0), b"").unwrap();
        archive.add_file("seventh", b"7");
        trees.push(walk(&archive.bench.work()));
        archive.assert_holds(&trees);
        move_away(&archive, 1, 7);
        assert!(told_by_list(&archive).starts_with("fine"));
    }
}

#[test]
fn zarc_index_makes_one_and_replaces_one_that_disagrees_with_force_only() {
    for key in [None, Some("open sesame")] {
        let (archive, trees) = history_with_index(3, key);
        let expected = listings(&archive, &archive.location(), 3);
        fs::remove_file(archive.part(0)).unwrap();
        let done = archive.update_index(false).unwrap();
        assert_eq!(done, IndexUpkeep { updates: 3, recorded: 3, is_made: true });
        assert!(listings(&archive, &Location::File(archive.part(0)), 3) == expected);
        // The parts go back by one update and then another way.
        let forked = archive.files();
        fs::remove_file(archive.part(0)).unwrap();
        fs::remove_file(archive.part(3)).unwrap();
        set_clock(real_seconds() + 2_000_000);
        archive.add_file("another", b"way");
        fs::write(archive.part(0), &forked[0].1).unwrap();
        let words =
            "part03.zarc and part00.zarc went different ways: update 3 is another one in each";
        assert_told(&archive, words);
        assert_told(&archive, "part03.zarc is the newer one");
        let told = archive.update_index(false).unwrap_err();
        assert!(told.to_string().contains(words), "{told}");
        assert!(told.hint_text().unwrap().contains("-force"));
        assert!(archive.update_index(true).unwrap().is_made);
        assert!(told_by_list(&archive).starts_with("fine"));
        assert_eq!(archive.files().len(), 4, "nothing else is left");
        archive.restore(&forked);
        archive.assert_holds(&trees);
        // All parts have to be there.
        let moved = move_away(&archive, 1, 1);
        assert!(archive.update_index(true).unwrap_err().to_string().contains("part01.zarc"));
        bring_back(&moved);
        move_away(&archive, 2, 2);
        assert!(
            archive.update_index(true).unwrap_err().to_string().contains("part02.zarc is missing")
        );
        assert_eq!(fs::read(archive.part(0)).unwrap(), forked[0].1);
    }
}

/// An index made from what is left of the newest part would not know the update that is damaged.
#[test]
fn zarc_index_refuses_a_damaged_newest_part_even_with_force() {
    for key in [None, Some("open sesame")] {
        let (archive, trees) = history_with_index(3, key);
        let whole = archive.files();
        let newest = &whole[3].1;
        // The commit; a frame of each kind that the index has copies of; both.
        let commit = newest.len() - 4096 + 70;
        let kinds = [UPDATE, FRAGMENTS, ENTRIES, DIRECTORY, MANIFEST];
        let frames = kinds.iter().flat_map(|&kind| frames(newest, kind));
        let flips: Vec<Vec<usize>> = std::iter::once(vec![commit])
            .chain(frames.flat_map(|(at, _)| [vec![at + 70], vec![at + 70, commit]]))
            .collect();
        assert!(flips.len() > 10);
        for has_index in [true, false] {
            for flips in &flips {
                let mut damaged = newest.clone();
                for &at in flips {
                    damaged[at] ^= 1;
                }
                fs::write(archive.part(3), damaged).unwrap();
                if !has_index {
                    fs::remove_file(archive.part(0)).unwrap();
                }
                let before = archive.files();
                let told = archive.update_index(true).expect_err("it is damaged").to_string();
                assert!(told.contains("damaged"), "{flips:?}: {told}");
                assert!(archive.files() == before, "{flips:?}: something was changed");
                archive.restore(&whole);
            }
        }
        archive.assert_holds(&trees);
    }
}

/// What an older index does not know is missed all the same; what it knows may have been moved away.
#[test]
fn a_part_that_is_missing_beside_an_old_index_is_named() {
    for key in [None, Some("open sesame")] {
        let (archive, trees, old_index) = grown_since(key);
        fs::write(archive.part(0), &old_index).unwrap();
        let whole = archive.files();
        for missing in [2, 3, 4] {
            let name = format!("part{missing:02}.zarc is missing");
            fs::remove_file(archive.part(missing)).unwrap();
            assert_told(&archive, &name);
            let refused = archive.update_index(false).unwrap_err().to_string();
            assert!(refused.contains(&name), "{refused}");
            // The first two were moved away.
            move_away(&archive, 1, 2);
            if missing > 2 {
                assert_told(&archive, &name);
            } else {
                assert!(told_by_list(&archive).starts_with("fine"));
                assert_eq!(archive.verify().unwrap().0.damaged, 0);
            }
            archive.restore(&whole);
        }
        archive.update_index(false).unwrap();
        archive.assert_holds(&trees);
    }
}

/// Who reads while another run adds sees a state that was committed: each update adds one file.
#[test]
fn whoever_reads_while_another_adds_sees_committed_states_and_no_false_alarm() {
    for key in [None, Some("open sesame")] {
        let (archive, _) = history_with_index(1, key);
        let (is_done, mut seen) = (AtomicBool::new(false), BTreeSet::new());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Also if an update fails: who reads must not wait for ever.
                let added = catch_unwind(AssertUnwindSafe(|| {
                    for number in 2..=12 {
                        set_clock(real_seconds() + 2_000_000 + number);
                        let name = format!("f{number:02}");
                        archive.add_file(&name, &noise(number.unsigned_abs(), 30_000));
                    }
                }));
                is_done.store(true, Ordering::SeqCst);
                added.unwrap();
            });
            loop {
                let is_last = is_done.load(Ordering::SeqCst);
                seen.insert(read_once(&archive));
                if is_last {
                    break;
                }
            }
        });
        assert_eq!(seen.last(), Some(&12), "{seen:?}");
        assert_eq!(archive.update_index(false).unwrap().updates, 12);
    }
}

/// An update that is being written may be seen, and is one that was not completed so far.
fn assert_no_alarm(told: &Told) {
    let is_of_update = |line: &str| line.ends_with("never completed; they are ignored");
    assert!(told.warnings().lines().all(is_of_update), "{}", told.warnings());
}

/// Lists and restores the newest version; returns its number.
fn read_once(archive: &InParts) -> u64 {
    let (listed, summary, told) = rows(&archive.list_options(Until::Latest));
    assert_eq!(summary.damaged, 0, "{}", told.warnings());
    assert_no_alarm(&told);
    // The directory, the file that changes, one file of each update.
    assert_eq!(listed.len() as u64, summary.versions + 2);
    let (done, told, restored) = archive.extract_told(Until::Latest);
    let done = done.unwrap();
    assert_eq!(done.problems, 0, "{}", told.warnings());
    assert_no_alarm(&told);
    let newest = restored.len() as u64 - 2;
    assert!(newest >= summary.versions, "{newest} after {}", summary.versions);
    for number in 2..=newest {
        let name = format!("f{number:02}").into_bytes();
        assert!(restored[&name].content == noise(number, 30_000), "file {number}");
    }
    newest
}

/// T7 of `spec/encryption.md`, with an index: it knows the archive and whether it is encrypted.
#[test]
fn t7_an_index_of_another_archive_is_named() {
    let (archive, _) = history_with_index(2, None);
    let (other, _) = history_with_index(2, None);
    let (secret, _) = history_with_index(2, Some("open sesame"));
    let own = fs::read(archive.part(0)).unwrap();
    fs::copy(other.part(0), archive.part(0)).unwrap();
    assert_told(&archive, "part00.zarc is the index of another one");
    fs::copy(secret.part(0), archive.part(0)).unwrap();
    assert_told(&archive, "only one of them is encrypted");
    fs::copy(archive.part(1), archive.part(0)).unwrap();
    assert_told(&archive, "part00.zarc is no index");
    fs::write(archive.part(0), own).unwrap();
    fs::copy(archive.part(0), secret.part(0)).unwrap();
    assert_told(&secret, "only one of them is encrypted");
    move_away(&secret, 1, 2);
    assert_told(&secret, "the archive is not encrypted");
}

/// T4 of `spec/encryption.md`: what an index tells of places is under the keys of its updates.
#[test]
fn t4_an_encrypted_index_with_anything_changed_is_told() {
    let (archive, _) = history_with_index(2, Some("open sesame"));
    move_away(&archive, 1, 2);
    let index = fs::read(archive.part(0)).unwrap();
    let expected = rows(&archive.list_options(Until::Latest)).0;
    let mut told_of = 0;
    for at in (8192..index.len()).step_by(37) {
        let mut forged = index.clone();
        forged[at] ^= 0x10;
        fs::write(archive.part(0), forged).unwrap();
        let (mut shown, told) = (Vec::new(), Told::default());
        let mut show = |row| {
            shown.push(row);
            Ok(())
        };
        let listed = list(&archive.list_options(Until::Latest), &mut show, &told);
        if listed.is_err() || !told.warnings().is_empty() {
            told_of += 1;
        } else {
            assert!(shown == expected, "byte {at}");
        }
    }
    assert!(told_of > 50, "{told_of}");
}

#[test]
fn a_rollback_takes_the_index_along() {
    for key in [None, Some("open sesame")] {
        let (archive, trees) = history_with_index(5, key);
        let whole = archive.files();
        let until = |number| AddOptions {
            until: Until::Version(number),
            force: true,
            ..archive.add_options()
        };
        for kept in [4, 2, 0] {
            archive.restore(&whole);
            add(&until(kept), &Told::default()).unwrap();
            let same = usize::try_from(kept).unwrap();
            assert_eq!(archive.files()[1..=same], whole[1..=same]);
            let mut expected = trees[..same].to_vec();
            expected.push(trees[4].clone());
            archive.assert_holds(&expected);
            move_away(&archive, 1, 9);
            assert_eq!(listings(&archive, &archive.location(), kept + 1).len() as u64, kept + 3);
        }
        // A part that was moved away cannot be given up.
        archive.restore(&whole);
        move_away(&archive, 1, 4);
        let before = archive.files();
        let told = add(&until(3), &Told::default()).unwrap_err().to_string();
        assert!(
            told.contains("part04.zarc was moved away") && told.contains("nothing was changed"),
            "{told}"
        );
        assert!(archive.files() == before);
        // Those that are there can, whatever is before them.
        add(&until(4), &Told::default()).unwrap();
        assert_eq!(archive.files().len(), 2);
        assert_eq!(rows(&archive.list_options(Until::Latest)).1.versions, 5);
    }
}

#[test]
fn two_writers_do_not_meet_at_the_index_either() {
    let (archive, _) = history_with_index(2, None);
    move_away(&archive, 1, 2);
    let locked = zarc::storage::LocalFile::open_for_writing(&archive.part(0)).unwrap();
    fs::write(archive.bench.work().join("new"), "new").unwrap();
    let error = archive.add().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    drop(locked);
    archive.add().unwrap();
}

/// The example of the manual: an archive is kept far away, its index here.
#[test]
fn random_histories_with_parts_moved_away_agree_with_one_file() {
    let step = (prop::collection::vec(change(), 1..6), 0..4_u8);
    let steps = prop::collection::vec(step, 2..6);
    random_cases(12)
        .run(&steps, |steps| {
            same_as_one_file(&steps).unwrap();
            Ok(())
        })
        .unwrap();
}

fn same_as_one_file(steps: &[(Vec<Change>, u8)]) -> Result<()> {
    let archive = with_index(None);
    let mut clock = real_seconds() + 1_000_000;
    let (mut trees, mut far) = (Vec::new(), Files::new());
    for (changes, fate) in steps {
        wait_for_a_tick();
        clock += 1;
        set_clock(clock);
        for change in changes {
            apply(&archive.bench.work(), change);
        }
        let old_index = fs::read(archive.part(0)).ok();
        let in_parts = archive.add()?;
        let (in_file, _) = run_add(&archive.bench.add_options(b""));
        assert_eq!(in_parts.version, in_file.version);
        if in_parts.version.is_some() {
            trees.push(walk(&archive.bench.work()));
        }
        let newest = u32::try_from(trees.len()).unwrap();
        match (fate, old_index) {
            // All that is there is moved away.
            (0, _) => far.extend(move_away(&archive, 1, newest)),
            // All comes back.
            (1, _) => bring_back(&std::mem::take(&mut far)),
            // An older copy of the index comes back, beside all parts.
            (2, Some(old)) => {
                bring_back(&std::mem::take(&mut far));
                fs::write(archive.part(0), old).unwrap();
            }
            _ => {}
        }
        for number in 1..=u64::from(newest) {
            let until = Until::Version(number);
            let (in_parts, _, _) = rows(&archive.list_options(until));
            assert_eq!(in_parts, rows(&archive.bench.list_options(until)).0);
        }
    }
    if !trees.is_empty() {
        bring_back(&far);
        archive.update_index(false)?;
        archive.assert_holds(&trees);
    }
    Ok(())
}

/// The last page of a whole index is an anchor, and each update has one.
#[test]
fn an_index_ends_with_an_anchor() {
    let (archive, _) = history_with_index(3, None);
    let index = fs::read(archive.part(0)).unwrap();
    let anchors: Vec<usize> = (0..index.len())
        .step_by(4096)
        .filter(|&at| index[at..].starts_with(&[0x9e, 0x5a, 0xc3, 0x52]) && index[at + 8] == ANCHOR)
        .collect();
    assert_eq!((anchors.len(), anchors.last()), (3, Some(&(index.len() - 4096))));
    let parts: usize = archive.files()[1..].iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(index.len() < parts / 2, "{} bytes of {parts}", index.len());
}
