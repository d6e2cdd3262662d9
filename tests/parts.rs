//! Archives in parts.
//!
//! Goal: an archive in parts is the archive of one file, cut between its updates; a part that is not
//! what its name says is named, and a crash in a part costs nothing that was promised. Method: the
//! same random histories go into parts and into a file, which have to agree in every version; parts
//! are taken away, swapped, replaced and cut, and what is said is compared with what was done.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use zarc::base::{ErrorKind, Result, Until};
use zarc::command::{AddOptions, ExtractOptions, Row, add, list};
use zarc::storage::LocalFile;

use crate::support::parts::{InParts, history_in_parts, zarc_in};
use crate::support::tree_changes::{Change, apply, change};
use crate::support::trees::{Tree, differences, walk};
use crate::support::workbench::{
    fresh_in_memory, random_cases, real_seconds, rows, run_add, run_extract, set_clock,
    wait_for_a_tick,
};
use crate::support::{Told, frames, noise};

/// Type of COMMIT frames.
const COMMIT: u8 = 7;
/// Bytes of a page: the header region of a plain archive.
const PAGE: usize = 4096;

/// An archive of `count` updates, each of which adds one file and changes another.
fn history(count: u32) -> (InParts, Vec<Tree>) {
    history_in_parts(count, None)
}

/// What `list`, extract and `test` say of an archive that is not complete.
fn complaints(archive: &InParts) -> Vec<String> {
    let said = |told: &Told, result: Result<u64>| match result {
        Ok(damaged) => {
            assert!(damaged > 0, "nothing is wrong, but {}", told.warnings());
            told.warnings()
        }
        Err(error) => format!("{}{error}", told.warnings()),
    };
    let told = Told::default();
    let mut show = |_: Row| Ok(());
    let listed = list(&archive.list_options(Until::Latest), &mut show, &told);
    let listed = said(&told, listed.map(|summary| summary.damaged));
    let (extracted, told, _) = archive.extract_told(Until::Latest);
    let extracted = said(&told, extracted.map(|summary| summary.damaged));
    let tested = match archive.verify() {
        Ok((summary, told)) => {
            assert!(summary.damaged > 0);
            told
        }
        Err(error) => error.to_string(),
    };
    vec![listed, extracted, tested]
}

/// Panics unless every command names what is wrong, and `add` changes nothing.
fn assert_named(archive: &InParts, words: &str) {
    assert_read_without(archive, words);
    assert_add_refused(archive, words);
}

/// Panics unless every command that reads names what is wrong.
fn assert_read_without(archive: &InParts, words: &str) {
    for told in complaints(archive) {
        assert!(told.contains(words), "{told}, not {words}");
    }
}

fn assert_add_refused(archive: &InParts, words: &str) {
    let before = archive.files();
    let told = archive.add().expect_err("nothing can be added").to_string();
    assert!(told.contains(words), "{told}, not {words}");
    assert!(archive.files() == before, "add changed the parts");
}

#[test]
fn random_histories_in_parts_and_in_one_file_agree() {
    let steps = prop::collection::vec(prop::collection::vec(change(), 1..8), 2..7);
    random_cases(20)
        .run(&steps, |steps| {
            same_in_both(&steps);
            Ok(())
        })
        .unwrap();
}

fn same_in_both(steps: &[Vec<Change>]) {
    let archive = InParts::new(fresh_in_memory());
    let mut clock = real_seconds() + 1_000_000;
    let mut versions = 0_u32;
    for changes in steps {
        wait_for_a_tick();
        clock += 1;
        set_clock(clock);
        for change in changes {
            apply(&archive.bench.work(), change);
        }
        let in_parts = archive.add().unwrap();
        let (in_file, _) = run_add(&archive.bench.add_options(b""));
        assert_eq!(in_parts.version, in_file.version);
        assert_eq!(
            (in_parts.added, in_parts.updated, in_parts.deleted, in_parts.new_bytes),
            (in_file.added, in_file.updated, in_file.deleted, in_file.new_bytes)
        );
        versions += u32::from(in_parts.version.is_some());
        assert_eq!(archive.files().len() as u64, u64::from(versions), "one part an update");
    }
    let sizes: u64 = archive.files().iter().map(|(_, bytes)| bytes.len() as u64).sum();
    if versions > 0 {
        let file = fs::metadata(archive.bench.archive()).unwrap().len();
        let more = sizes - u64::from(versions - 1) * PAGE as u64;
        assert!(more.abs_diff(file) <= file / 100, "{sizes} bytes in parts, {file} in a file");
    }
    for number in 1..=u64::from(versions) {
        let until = Until::Version(number);
        let (in_parts, summary, _) = rows(&archive.list_options(until));
        let (in_file, _, _) = rows(&archive.bench.list_options(until));
        assert_eq!(in_parts, in_file);
        assert!(number < u64::from(versions) || summary.archive_bytes == sizes);
        let out = archive.bench.path("other");
        run_extract(&archive.bench.archive(), &out, until, false).unwrap();
        let told = differences(&walk(&out.join("t")), &archive.extract(until).unwrap().1);
        assert!(told.is_empty(), "version {number}: {told:#?}");
        crate::support::workbench::remove_tree(&out);
    }
    if versions > 0 {
        let (in_parts, told) = archive.verify().unwrap();
        let (in_file, _) = archive.bench.verify();
        assert_eq!((in_parts.damaged, told.as_str()), (0, ""));
        assert_eq!(
            (in_parts.frames, in_parts.blocks, in_parts.fragments),
            (in_file.frames, in_file.blocks, in_file.fragments)
        );
    }
}

#[test]
fn parts_that_are_missing_are_all_named() {
    let (archive, _) = history(5);
    let whole = archive.files();
    for (missing, words) in [
        (&[2][..], "part02.zarc is missing"),
        (&[1], "part01.zarc is missing"),
        (&[1, 3, 4], "part01.zarc, part03.zarc, part04.zarc are missing"),
    ] {
        for &number in missing {
            fs::remove_file(archive.part(number)).unwrap();
        }
        assert_named(&archive, words);
        archive.restore(&whole);
    }
    // Without its newest part the archive is that of the day before.
    fs::remove_file(archive.part(5)).unwrap();
    assert_eq!(archive.verify().unwrap().0.versions, 4);
}

#[test]
fn a_part_in_the_place_of_another_is_named() {
    let (archive, trees) = history(4);
    let whole = archive.files();
    let put = |number: usize, at: u32| fs::write(archive.part(at), &whole[number - 1].1).unwrap();
    put(3, 2);
    assert_named(&archive, "part02.zarc is part 3 of an archive");
    put(2, 3);
    assert_named(&archive, "part02.zarc is part 3 of an archive");
    archive.restore(&whole);
    let (foreign, _) = history(4);
    for number in [1, 2, 4] {
        fs::copy(foreign.part(number), archive.part(number)).unwrap();
        let name = format!("part{number:02}.zarc is left out: it is a part of another archive");
        assert_read_without(&archive, &name);
        assert_add_refused(&archive, "are parts of different archives");
        archive.restore(&whole);
    }
    archive.assert_holds(&trees);
}

#[test]
fn a_part_of_another_history_is_named() {
    let (archive, _) = history(3);
    let three = archive.files();
    archive.add_file("one way", b"1");
    let one_way = archive.files();
    archive.restore(&three);
    fs::remove_file(archive.part(3)).unwrap();
    archive.add_file("other", b"2");
    fs::write(archive.part(4), &one_way[3].1).unwrap();
    assert_named(&archive, "part04.zarc does not follow part03.zarc");
}

/// A middle part that ends too early: said by every command, and what does not need it is read.
#[test]
fn a_part_that_is_cut_short_or_damaged_is_named() {
    let (archive, trees) = history(4);
    let whole = archive.files();
    for cut in [PAGE, whole[1].1.len() / 2, whole[1].1.len() - PAGE] {
        fs::write(archive.part(2), &whole[1].1[..cut]).unwrap();
        let told = Told::default();
        let mut show = |_: Row| Ok(());
        let listed = list(&archive.list_options(Until::Version(1)), &mut show, &told);
        assert!(told.warnings().contains("part02.zarc"), "{}", told.warnings());
        assert!(listed.is_err() || listed.is_ok_and(|summary| summary.damaged == 1));
        assert_add_refused(&archive, "part02.zarc");
        archive.restore(&whole);
    }
    for (path, bytes) in &whole {
        for at in [5000, bytes.len() / 2, bytes.len() - PAGE + 100] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            fs::write(path, &damaged).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap();
            let place = name.replace("part0", "part ").replace(".zarc", " at byte");
            let names_it = |told: &str| told.contains(name) || told.contains(&place);
            match archive.verify() {
                Ok((summary, told)) => {
                    assert!(summary.damaged > 0 && names_it(&told), "{name}, {at}: {told}");
                }
                Err(error) => assert!(names_it(&error.to_string()), "{name}, {at}: {error}"),
            }
            archive.restore(&whole);
        }
    }
    archive.assert_holds(&trees);
}

/// Whatever length the newest part has after a crash, with and without the pages that did not reach
/// the disk, the versions before are there, and the next update follows.
#[test]
fn a_crash_in_the_newest_part_costs_only_what_was_not_promised() {
    let (archive, trees) = history(3);
    let whole = archive.files();
    let newest = whole[2].1.clone();
    // The last frame ends in the page before the commit, whose record is its first sector.
    let commit = frames(&newest, COMMIT)[0].0;
    let (last_page, made) = (commit - 4096, commit + 512);
    let (mut completed, mut given_up) = (0, 0);
    for len in (0..=newest.len()).step_by(512) {
        for lost in [false, true] {
            let mut bytes = newest[..len].to_vec();
            if lost {
                let from = len.saturating_sub(1024);
                bytes[from..].fill(0);
            }
            let counts = len >= made && bytes[..made] == newest[..made];
            archive.restore(&whole);
            fs::write(archive.part(3), &bytes).unwrap();
            let (_, summary, _) = rows(&archive.list_options(Until::Latest));
            assert_eq!(summary.versions, if counts { 3 } else { 2 }, "{len} bytes");
            let done = archive.add().unwrap();
            let is_there = done.version.is_none();
            completed += u32::from(is_there && !counts);
            given_up += u32::from(!is_there);
            assert!(!is_there || counts || len > last_page, "{len} bytes made an update");
            let files = archive.files();
            assert_eq!(files.len(), 3, "{len} bytes");
            assert_eq!(files[..2], whole[..2], "committed parts are never written");
            archive.assert_holds(&trees);
        }
    }
    assert!(completed > 0 && given_up > 20, "{completed} completed, {given_up} given up");
}

#[test]
fn two_writers_do_not_meet() {
    let (archive, trees) = history(2);
    let locked = LocalFile::open_for_writing(&archive.part(1)).unwrap();
    fs::write(archive.bench.work().join("new"), "new").unwrap();
    let before = archive.files();
    let error = archive.add().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.to_string().contains("in use"), "{error}");
    assert!(archive.files() == before);
    drop(locked);
    archive.add().unwrap();
    assert_eq!(archive.verify().unwrap().0.versions, trees.len() as u64 + 1);
}

#[test]
fn a_rollback_removes_later_parts_if_all_are_there() {
    let (archive, trees) = history(5);
    let whole = archive.files();
    let until =
        |number| AddOptions { until: Until::Version(number), force: true, ..archive.add_options() };
    let told = Told::default();
    let unforced = AddOptions { force: false, ..until(2) };
    let refused = add(&unforced, &told).unwrap_err().to_string();
    let lost: usize = whole[2..].iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(refused.contains(&format!("versions 3 to 5, {lost} bytes")), "{refused}");
    assert!(archive.files() == whole);
    fs::remove_file(archive.part(4)).unwrap();
    assert!(add(&until(2), &told).unwrap_err().to_string().contains("part04.zarc is missing"));
    archive.restore(&whole);
    for kept in [4, 2, 0] {
        archive.restore(&whole);
        add(&until(kept), &told).unwrap();
        let files = archive.files();
        assert_eq!(files.len() as u64, kept + 1);
        let same = usize::try_from(kept).unwrap();
        assert_eq!(files[..same], whole[..same]);
        let mut expected = trees[..same].to_vec();
        expected.push(trees[4].clone());
        archive.assert_holds(&expected);
    }
}

#[test]
fn a_trial_writes_no_part() {
    let (archive, _) = history(2);
    let before = archive.files();
    fs::write(archive.bench.work().join("new"), noise(1, 50_000)).unwrap();
    for until in [Until::Latest, Until::Version(1)] {
        let options = AddOptions { dry: true, until, ..archive.add_options() };
        let done = add(&options, &Told::default()).unwrap();
        assert!(done.stored_bytes > 50_000 && done.version.is_none());
        assert!(archive.files() == before);
    }
}

#[test]
fn an_update_that_fails_leaves_no_part() {
    let (archive, trees) = history(2);
    let before = archive.files();
    fs::write(archive.bench.work().join("new"), noise(1, 50_000)).unwrap();
    let mut stopped = 0;
    while add(&archive.add_options(), &Told::stopping_at(stopped)).is_err() {
        stopped += 1;
        assert!(archive.files() == before, "stopped at question {stopped}");
    }
    assert!(stopped > 2, "stopped {stopped} times");
    archive.restore(&before);
    fs::remove_file(archive.bench.work().join("new")).unwrap();
    archive.assert_holds(&trees);
}

#[test]
fn parts_are_encrypted_with_one_password_and_a_key_for_each_update() {
    let (archive, trees) = history_in_parts(3, Some("open sesame"));
    archive.assert_holds(&trees);
    let files = archive.files();
    for (path, bytes) in &files {
        let text = path.display();
        assert_eq!(bytes[24..40], files[0].1[24..40], "{text}: archive id");
        assert_eq!(bytes[512..656], files[0].1[512..656], "{text}: key record");
        assert_eq!(bytes[4096 + 512..4096 + 656], files[0].1[512..656], "{text}: its copy");
        assert!(!bytes.windows(4).any(|bytes| bytes == b"same"), "{text} tells a name");
    }
    for key in [None, Some("wrong")] {
        let options = ExtractOptions {
            archive: archive.location(),
            key: InParts { key, ..InParts::new(fresh_in_memory()) }.add_options().key,
            ..archive.bench.extract_options(&archive.bench.path("out"))
        };
        assert!(zarc::command::extract(&options, &Told::default()).is_err());
    }
    let (plain, _) = history(3);
    fs::copy(plain.part(2), archive.part(2)).unwrap();
    assert_read_without(&archive, "part02.zarc is left out: it is a part of another archive");
    assert_add_refused(&archive, "are parts of different archives");
}

#[test]
fn an_archive_in_parts_does_not_archive_itself() {
    let (archive, _) = history(2);
    let directory = archive.directory();
    let options = || AddOptions {
        files: vec![directory.as_os_str().as_encoded_bytes().to_vec()],
        ..archive.add_options()
    };
    fs::write(directory.join("part.txt"), "no part").unwrap();
    let done = add(&options(), &Told::default()).unwrap();
    assert_eq!(done.added, 2, "the directory and the file that is no part");
    let done = add(&options(), &Told::default()).unwrap();
    assert!(done.added + done.deleted == 0);
}

/// As a user types it; the shell is kept from the pattern.
#[test]
fn the_commands_take_patterns() {
    let directory = fresh_in_memory();
    let at = directory.path();
    fs::create_dir(at.join("d")).unwrap();
    let names = |pattern: &str| -> Vec<PathBuf> {
        let mut names: Vec<_> = fs::read_dir(at).unwrap().map(|e| e.unwrap().path()).collect();
        names.retain(|name| name.file_name().unwrap().to_str().unwrap().starts_with(pattern));
        names.sort();
        names
    };
    for number in 1..=10 {
        fs::write(at.join(format!("d/{number}")), noise(number, 100)).unwrap();
        for pattern in ["p?", "q*"] {
            let (code, _, told) = zarc_in(at, &["add", pattern, "d"]);
            if pattern == "p?" && number == 10 {
                assert_eq!(code, Some(2));
                assert!(told.contains("no name for part 10"), "{told}");
            } else {
                assert_eq!(code, Some(0), "{told}");
            }
        }
    }
    // The index is one more.
    assert_eq!(names("p").len(), 9 + 1);
    assert_eq!(names("q").len(), 10 + 1);
    assert!(at.join("p9.zarc").exists() && at.join("q10.zarc").exists());
    let (code, listed, told) = zarc_in(at, &["list", "q*"]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(listed.lines().filter(|line| line.contains(" d/")).count(), 11, "{listed}");
    assert_eq!(zarc_in(at, &["test", "q*"]).0, Some(0));
    assert_eq!(zarc_in(at, &["extract", "q*", "-to", "out"]).0, Some(0));
    assert_eq!(fs::read(at.join("out/d/7")).unwrap(), noise(7, 100));
    let (code, _, told) = zarc_in(at, &["list", "q2"]);
    assert_eq!(code, Some(2));
    assert!(told.contains("this is part 2 of an archive"), "{told}");
    for (pattern, words) in [("d?/x", "last component"), ("x*?", "stands alone"), ("n*", "no part")]
    {
        let (code, _, told) = zarc_in(at, &["list", pattern]);
        assert_eq!(code, Some(2));
        assert!(told.contains(words), "{pattern}: {told}");
    }
}

/// A part by itself is read as far as it goes, and is not appended to: that would be a fork.
#[test]
fn one_part_is_not_added_to_but_one_file_may_go_on_in_parts() {
    let (archive, trees) = history(2);
    let before = archive.files();
    let alone = AddOptions { archive: archive.part(1).into(), ..archive.bench.add_options(b"") };
    let error = add(&alone, &Told::default()).unwrap_err().to_string();
    assert!(error.contains("one part of an archive"), "{error}");
    assert!(archive.files() == before);
    let options = archive.bench.list_options(Until::Latest);
    let (shown, _, _) = rows(&zarc::command::ListOptions { archive: alone.archive, ..options });
    assert_eq!(shown.len(), trees[0].len());

    // Two updates in one file, which then becomes part 1.
    run_add(&archive.bench.add_options(b""));
    fs::write(archive.bench.work().join("second"), "2").unwrap();
    run_add(&archive.bench.add_options(b""));
    let second = walk(&archive.bench.work());
    archive.restore(&[(archive.part(1), fs::read(archive.bench.archive()).unwrap())]);
    archive.add_file("third", b"3");
    let third = walk(&archive.bench.work());
    archive.add_file("fourth", b"4");
    assert_eq!(archive.files().len(), 3);
    archive.assert_holds(&[trees[1].clone(), second, third, walk(&archive.bench.work())]);
    for (until, parts) in [(3, 3), (1, 2)] {
        let until = Until::Version(until);
        add(&AddOptions { until, force: true, ..archive.add_options() }, &Told::default()).unwrap();
        assert_eq!(archive.files().len(), parts);
        let (_, restored) = archive.extract(Until::Latest).unwrap();
        assert!(differences(&walk(&archive.bench.work()), &restored).is_empty());
        let (summary, told) = archive.verify().unwrap();
        assert_eq!(
            (summary.versions, summary.damaged),
            (if parts == 3 { 4 } else { 2 }, 0),
            "{told}"
        );
        let sizes: usize = archive.files().iter().map(|(_, bytes)| bytes.len()).sum();
        let (_, summary, _) = rows(&archive.list_options(Until::Latest));
        assert_eq!(summary.archive_bytes, sizes as u64);
    }
}
