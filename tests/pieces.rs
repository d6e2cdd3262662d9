//! Updates in several parts.
//!
//! Goal: an archive whose updates are divided at a part size is the one that is not, cut in other places;
//! a part that is missing or another one is named. Method: random histories go into parts of few bytes and into
//! a file, which have to agree in every version; parts are taken away, swapped, replaced and cut.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use zarc::base::{Digest, Until};
use zarc::command::AddOptions;
use zarc::format::ArchiveHeader;

use crate::reference_reader::Reader;
use crate::support::noise;
use crate::support::parts::{InParts, zarc_in};
use crate::support::tree_changes::{Change, apply, change};
use crate::support::trees::{Tree, differences, foreign_to, walk};
use crate::support::workbench::{
    fresh_in_memory, random_cases, real_seconds, rows, run_add, run_extract, set_clock,
    wait_for_a_tick,
};

/// Parts of this many bytes are divided often.
const PART_BYTES: u64 = 60_000;

fn add_options(archive: &InParts, part_bytes: u64) -> AddOptions {
    AddOptions { part_bytes: Some(part_bytes), ..archive.add_options() }
}

/// An archive of three updates, each in several parts, and the trees.
fn history(key: Option<&'static str>, index: bool) -> (InParts, Vec<Tree>) {
    set_clock(real_seconds() + 1_000_000);
    let archive = InParts { key, index, ..InParts::new(fresh_in_memory()) };
    let mut trees = Vec::new();
    for number in 1..=3 {
        fs::write(archive.bench.work().join("same"), number.to_string()).unwrap();
        for file in 0..4 {
            let bytes = noise(10 * number + file, 400_000);
            fs::write(archive.bench.work().join(format!("f{number}.{file}")), bytes).unwrap();
        }
        let options = AddOptions {
            method: Some(zarc::compress::MethodChoice::parse("store,0").unwrap()),
            ..add_options(&archive, PART_BYTES)
        };
        archive.add_with(&options).unwrap();
        trees.push(walk(&archive.bench.work()));
    }
    assert!(archive.files().len() > 6, "{}", archive.files().len());
    (archive, trees)
}

#[test]
fn updates_in_several_parts_are_read_with_and_without_password_and_index() {
    for key in [None, Some("secret")] {
        for index in [false, true] {
            let (archive, trees) = history(key, index);
            archive.assert_holds(&trees);
        }
    }
}

#[test]
fn random_histories_in_pieces_and_in_one_file_agree() {
    let steps = prop::collection::vec(prop::collection::vec(change(), 1..8), 2..6);
    random_cases(20)
        .run(&(steps, 9_000..PART_BYTES), |(steps, part_bytes)| {
            same_in_both(&steps, part_bytes);
            Ok(())
        })
        .unwrap();
}

fn same_in_both(steps: &[Vec<Change>], part_bytes: u64) {
    let archive = InParts::new(fresh_in_memory());
    let mut clock = real_seconds() + 1_000_000;
    let mut versions = 0;
    for changes in steps {
        wait_for_a_tick();
        clock += 1;
        set_clock(clock);
        for change in changes {
            apply(&archive.bench.work(), change);
        }
        let in_parts = archive.add_with(&add_options(&archive, part_bytes)).unwrap();
        let (in_file, _) = run_add(&archive.bench.add_options(b""));
        assert_eq!(in_parts.version, in_file.version);
        assert_eq!(
            (in_parts.added, in_parts.updated, in_parts.deleted, in_parts.new_bytes),
            (in_file.added, in_file.updated, in_file.deleted, in_file.new_bytes)
        );
        versions += u64::from(in_parts.version.is_some());
        let sizes: u64 = archive.files().iter().map(|(_, bytes)| bytes.len() as u64).sum();
        let stored = sizes - in_parts.archive_bytes_before;
        assert!(in_parts.version.is_none() || in_parts.stored_bytes == stored);
    }
    for number in 1..=versions {
        let until = Until::Version(number);
        let (in_parts, _, _) = rows(&archive.list_options(until));
        let (in_file, _, _) = rows(&archive.bench.list_options(until));
        assert_eq!(in_parts, in_file);
        let out = archive.bench.path("other");
        run_extract(&archive.bench.archive(), &out, until, false).unwrap();
        let told = differences(&walk(&out.join("t")), &archive.extract(until).unwrap().1);
        assert!(told.is_empty(), "version {number}: {told:#?}");
        crate::support::workbench::remove_tree(&out);
    }
    if versions > 0 {
        let (summary, told) = archive.verify().unwrap();
        assert_eq!(summary.damaged, 0, "{told}");
    }
}

/// Panics unless reading and adding name what is wrong, and nothing is changed.
fn assert_named(archive: &InParts, words: &str) {
    let before = archive.files();
    let told = match archive.verify() {
        Ok((summary, told)) => {
            assert!(summary.damaged > 0, "{told}");
            told
        }
        Err(error) => error.to_string(),
    };
    assert!(told.contains(words), "{told}, not {words}");
    let refused = archive.add().expect_err("nothing can be added").to_string();
    assert!(refused.contains(words), "{refused}, not {words}");
    assert!(archive.files() == before, "add changed the parts");
}

#[test]
fn a_part_in_the_middle_of_an_update_that_is_missing_cut_or_another_one_is_named() {
    let (archive, trees) = history(None, false);
    let (other, _) = history(None, false);
    let files = archive.files();
    let count = u32::try_from(files.len()).unwrap();
    for part in 1..count {
        let path = archive.part(part);
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        fs::remove_file(&path).unwrap();
        assert_named(&archive, &format!("{name} is missing"));
        archive.restore(&files);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 8]).unwrap();
        assert_named(&archive, "damaged or cut short");
        fs::copy(other.part(part), &path).unwrap();
        assert_named(&archive, "archive");
        fs::copy(archive.part(count), &path).unwrap();
        assert_named(&archive, &format!("{name} is part {count}"));
        archive.restore(&files);
    }
    archive.assert_holds(&trees);
}

/// What is read is of one version, that which was asked for or the newest that is left, and something is said
/// unless it is all there.
fn assert_nothing_wrong_is_shown(archive: &InParts, trees: &[Tree]) {
    let mut complaints = 0;
    for number in 1..=trees.len() {
        let (done, told, restored) = archive.extract_told(Until::Version(number as u64));
        let found = trees[..number].iter().rposition(|tree| foreign_to(tree, &restored).is_none());
        let found = found.unwrap_or_else(|| panic!("version {number}: {}", told.warnings()));
        let is_whole = done.as_ref().is_ok_and(|done| done.damaged == 0);
        let is_all = found == number - 1 && restored.len() == trees[found].len();
        assert!(is_all || !is_whole, "version {number}: {}", told.warnings());
        complaints += u64::from(!is_whole);
    }
    assert!(complaints > 0, "every version was restored");
}

/// The update from part `first` on, in another attempt: the same tree, so frames of the same lengths at the same
/// places, and another nonce.
fn other_attempt(archive: &InParts, first: u32) -> Vec<(PathBuf, Vec<u8>)> {
    let files = archive.files();
    for part in first.. {
        if fs::remove_file(archive.part(part)).is_err() {
            break;
        }
    }
    let index = archive.part(0);
    if archive.index {
        fs::remove_file(&index).unwrap();
        archive.update_index(false).unwrap();
    }
    let options = AddOptions {
        method: Some(zarc::compress::MethodChoice::parse("store,0").unwrap()),
        ..add_options(archive, PART_BYTES)
    };
    archive.add_with(&options).unwrap();
    let made = archive.files();
    archive.restore(&files);
    assert_eq!(made.len(), files.len());
    for ((path, made), (_, before)) in made.iter().zip(&files) {
        let is_of_update = *path >= archive.part(first);
        assert!((made == before) != (is_of_update || *path == index), "{}", path.display());
        assert!(!is_of_update || made.len() == before.len());
    }
    made
}

#[test]
fn pieces_of_another_attempt_at_the_same_update_are_named_and_never_read() {
    for (key, index) in
        [(None, false), (Some("secret"), false), (None, true), (Some("secret"), true)]
    {
        let (archive, trees) = history(key, index);
        let files = archive.files();
        let first = first_part_of(&archive, 3);
        let newest = newest_part(&archive);
        assert!(newest > first + 1, "{first} to {newest}");
        let other = other_attempt(&archive, first);
        for from in first..=newest {
            for to in from..=newest {
                if (from, to) == (first, newest) && !index {
                    // The whole of the other attempt is a history of its own.
                    continue;
                }
                for (path, bytes) in &other {
                    if (archive.part(from)..=archive.part(to)).contains(path) {
                        fs::write(path, bytes).unwrap();
                    }
                }
                let border = if from == first { to } else { from - 1 };
                let word = if index { "part" } else { "does not follow" };
                assert_named(&archive, word);
                if !index {
                    assert_named(&archive, &format!("does not follow part{border:02}.zarc"));
                }
                assert_nothing_wrong_is_shown(&archive, &trees);
                archive.restore(&files);
            }
        }
        archive.assert_holds(&trees);
    }
}

#[test]
fn two_pieces_that_were_swapped_are_named_and_never_read() {
    for (key, index) in
        [(None, false), (Some("secret"), false), (None, true), (Some("secret"), true)]
    {
        let (archive, trees) = history(key, index);
        let files = archive.files();
        let (first, newest) = (first_part_of(&archive, 2), newest_part(&archive));
        for (one, other) in (first..newest).map(|part| (part, part + 1)) {
            let [one_bytes, other_bytes] =
                [one, other].map(|part| fs::read(archive.part(part)).unwrap());
            fs::write(archive.part(one), &other_bytes).unwrap();
            fs::write(archive.part(other), &one_bytes).unwrap();
            assert_named(&archive, &format!("part{one:02}.zarc is part {other}"));
            assert_nothing_wrong_is_shown(&archive, &trees);
            // By somebody who knows the format: each has the number of its name, under a right checksum.
            for (part, bytes) in [(one, other_bytes), (other, one_bytes)] {
                fs::write(archive.part(part), renumbered(bytes, part, key.is_some())).unwrap();
            }
            assert_named(&archive, "part");
            assert_nothing_wrong_is_shown(&archive, &trees);
            archive.restore(&files);
        }
        archive.assert_holds(&trees);
    }
}

fn renumbered(mut bytes: Vec<u8>, part: u32, is_encrypted: bool) -> Vec<u8> {
    for page in (0..=usize::from(is_encrypted)).map(|page| 4096 * page) {
        bytes[page + 20..page + 24].copy_from_slice(&part.to_le_bytes());
        let checksum = Digest::of(&bytes[page..page + 480]);
        bytes[page + 480..page + 512].copy_from_slice(checksum.as_bytes());
    }
    bytes
}

fn newest_part(archive: &InParts) -> u32 {
    (1..99).take_while(|&part| archive.part(part).exists()).last().unwrap()
}

/// The part where an update starts.
fn first_part_of(archive: &InParts, update: u64) -> u32 {
    let is_first = |part: &u32| {
        let bytes = fs::read(archive.part(*part)).unwrap();
        ArchiveHeader::decode(&bytes).unwrap().0.first_update == update
    };
    (1..99).find(is_first).unwrap()
}

#[test]
fn an_update_without_its_last_part_is_unfinished_and_goes_away_whole() {
    for key in [None, Some("secret")] {
        let (archive, trees) = history(key, false);
        let newest = u32::try_from(archive.files().len()).unwrap();
        fs::remove_file(archive.part(newest)).unwrap();
        let (summary, told) = archive.verify().unwrap();
        assert_eq!((summary.versions, summary.damaged), (2, 0), "{told}");
        assert!(told.contains("never completed"), "{told}");
        archive.assert_holds(&trees[..2]);
        let added = archive.add().unwrap();
        assert_eq!(added.version, Some(3));
        archive.assert_holds(&trees);
    }
}

#[test]
fn going_back_removes_all_parts_of_an_update() {
    for (index, key) in [(false, None), (true, None), (true, Some("secret"))] {
        for kept in 0..3 {
            let (archive, mut trees) = history(key, index);
            let until = Until::Version(kept);
            let back = AddOptions { until, force: true, ..add_options(&archive, PART_BYTES) };
            archive.add_with(&back).unwrap();
            trees.drain(usize::try_from(kept).unwrap()..2);
            archive.assert_holds(&trees);
        }
    }
}

#[test]
fn an_index_stands_for_parts_that_were_moved_away_in_the_middle_of_an_update() {
    for key in [None, Some("secret")] {
        let (archive, trees) = history(key, true);
        let files = archive.files();
        let listed = rows(&archive.list_options(Until::Latest));
        let newest = u32::try_from(files.len() - 1).unwrap();
        for moved in 1..=newest {
            fs::remove_file(archive.part(moved)).unwrap();
            let (found, summary, told) = rows(&archive.list_options(Until::Latest));
            assert_eq!(
                (&found, &summary),
                (&listed.0, &listed.1),
                "{moved} parts moved: {}",
                told.warnings()
            );
            assert_eq!(archive.verify().unwrap().0.damaged, 0, "{moved} parts moved");
        }
        fs::write(archive.bench.work().join("later"), noise(99, 300_000)).unwrap();
        let added = archive.add_with(&add_options(&archive, PART_BYTES)).unwrap();
        assert_eq!(added.version, Some(4));
        assert!(archive.part(newest + 1).exists(), "numbers go on");
        let kept: Vec<_> = files.into_iter().filter(|(path, _)| *path != archive.part(0)).collect();
        for (path, bytes) in kept {
            fs::write(path, bytes).unwrap();
        }
        let all = [&trees[..], &[walk(&archive.bench.work())]].concat();
        archive.assert_holds(&all);
        fs::remove_file(archive.part(0)).unwrap();
        archive.update_index(false).unwrap();
        archive.assert_holds(&all);
    }
}

#[test]
fn the_reference_reader_reads_updates_in_several_parts() {
    let Some(reader) = Reader::find() else { return };
    for key in [None, Some("secret")] {
        let (archive, trees) = history(key, true);
        let pattern = archive.directory().join("part??.zarc");
        let mut words = vec!["verify".as_ref(), pattern.as_os_str()];
        words.extend(key.into_iter().flat_map(|key| ["--password".as_ref(), OsStr::new(key)]));
        let said = reader.told(&words);
        assert!(said.contains(&format!("{} updates", trees.len())), "{said}");
        assert!(said.contains("index of 3 updates"), "{said}");
    }
}

#[test]
fn the_part_size_is_a_number_with_a_unit_and_needs_parts() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("f"), noise(5, 3 << 20)).unwrap();
    let run = |words: &[&str]| zarc_in(directory.path(), words);
    for (archive, size, words) in [
        ("a.zarc", "2M", "name parts by a pattern"),
        ("a??", "1023k", "at least 1M"),
        ("a??", "x", "the right form is -partsize BYTES"),
        ("a??", "99999999999G", "the right form is -partsize BYTES"),
    ] {
        let (code, _, told) = run(&["add", archive, "f", "-partsize", size]);
        assert!(code == Some(2) && told.contains(words), "{told}");
    }
    let (code, _, told) = run(&["add", "a??", "f", "-partsize", "1M", "-method", "store,0"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(directory.path().join("a03.zarc").exists());
    assert_eq!(run(&["test", "a??"]).0, Some(0));
    let (code, _, told) = run(&["add", "a??", "f", "-partsize", "1M", "-test", "-force"]);
    assert_eq!(code, Some(0), "{told}");
}
