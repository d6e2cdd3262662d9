//! Reading an archive of which parts are missing, cut short, foreign or in the wrong place.
//!
//! Goal: what does not depend on such a part is listed, restored and tested, what does is named, and
//! nothing is ever shown that was not put in. Method: every set of parts is taken away from histories
//! whose truth is known; parts are cut, swapped, replaced by those of other archives and of copies.

use std::collections::BTreeSet;
use std::fs;

use zarc::base::Until;
use zarc::command::{Row, add, list};

use crate::support::parts::{InParts, history_in_parts, zarc_in};
use crate::support::trees::{Tree, assert_part_of};
use crate::support::workbench::wait_for_a_tick;
use crate::support::{Told, noise};

type Names = BTreeSet<Vec<u8>>;

/// Five updates as in `history_in_parts`; the last one also adds a copy of what the first one added.
fn five(key: Option<&'static str>) -> (InParts, Vec<Tree>) {
    let (archive, mut trees) = history_in_parts(4, key);
    wait_for_a_tick();
    fs::write(archive.bench.work().join("copy1"), noise(1, 20_000)).unwrap();
    fs::write(archive.bench.work().join("same"), "5").unwrap();
    archive.add_file("f5", &noise(5, 20_000));
    trees.push(crate::support::trees::walk(&archive.bench.work()));
    (archive, trees)
}

/// The objects of version `version` that are known although these parts are missing: those that no
/// missing update can have changed.
fn known(version: u32, missing: &[u32]) -> Names {
    let newest = missing.iter().copied().filter(|&part| part < version).max().unwrap_or(0);
    let mut names: Names = (newest + 1..=version).map(|n| format!("f{n}").into_bytes()).collect();
    names.extend([b"".to_vec(), b"same".to_vec()]);
    names.extend((version == 5).then(|| b"copy1".to_vec()));
    names
}

/// Of these, the ones whose content is there too.
fn restorable(version: u32, missing: &[u32]) -> Names {
    let mut names = known(version, missing);
    if missing.contains(&1) {
        names.remove(&b"copy1"[..]);
    }
    names
}

fn listed(archive: &InParts, until: Until) -> (Names, u64, String) {
    let (mut names, told) = (Names::new(), Told::default());
    let mut show = |row: Row| {
        if let Row::Object { path, .. } = row {
            names.insert(crate::support::workbench::below_root(&path));
        }
        Ok(())
    };
    let summary = list(&archive.list_options(until), &mut show, &told).unwrap();
    (names, summary.damaged, told.warnings())
}

/// How all missing parts are named.
fn sentence(missing: &[u32]) -> String {
    let name = |part: &u32| format!("part0{part}.zarc");
    let mut names = Vec::new();
    for range in missing.chunk_by(|part, next| part + 1 == *next) {
        match range {
            [first, _, .., last] => names.push(format!("{} to {}", name(first), name(last))),
            few => names.extend(few.iter().map(name)),
        }
    }
    format!("{} {} missing", names.join(", "), if missing.len() == 1 { "is" } else { "are" })
}

fn check_without(archive: &InParts, trees: &[Tree], missing: &[u32]) {
    for version in 1..=5_u32 {
        let until = Until::Version(version.into());
        let (done, told, restored) = archive.extract_told(until);
        let expected = &trees[version as usize - 1];
        assert_part_of(expected, &restored);
        if missing.contains(&version) {
            let error = done.expect_err("the version is missing").to_string();
            let range = error.split(" cannot be read").next().unwrap();
            assert!(range.starts_with("version"), "{error}");
            assert!(error.contains(&format!("part0{version}.zarc")) || range.contains(" to "));
            continue;
        }
        let done = done.unwrap();
        let names: Names = restored.keys().cloned().collect();
        assert_eq!(names, restorable(version, missing), "{missing:?}, version {version}");
        assert!(
            told.warnings().lines().any(|line| line == sentence(missing)),
            "{}",
            told.warnings()
        );
        assert!(done.damaged > 0, "{missing:?}");
        let (names, damaged, told) = listed(archive, until);
        assert_eq!(names, known(version, missing), "{missing:?}, version {version}");
        assert!(damaged > 0 && told.lines().any(|line| line == sentence(missing)), "{told}");
    }
}

#[test]
fn every_set_of_missing_parts_costs_what_needs_them_and_nothing_else() {
    for key in [None, Some("open sesame")] {
        let (archive, trees) = five(key);
        let whole = archive.files();
        for set in 1..16_u32 {
            let missing: Vec<u32> = (1..=4).filter(|part| set >> (part - 1) & 1 == 1).collect();
            for &part in &missing {
                fs::remove_file(archive.part(part)).unwrap();
            }
            check_without(&archive, &trees, &missing);
            let (summary, told) = archive.verify().unwrap();
            assert!(
                summary.damaged > 0 && told.lines().any(|line| line == sentence(&missing)),
                "{told}"
            );
            assert_eq!(summary.versions, 5 - missing.len() as u64);
            let before = archive.files();
            let refused = add(&archive.add_options(), &Told::default()).unwrap_err();
            assert!(refused.to_string().contains("missing"), "{refused}");
            assert!(archive.files() == before, "add changed the parts");
            archive.restore(&whole);
        }
        let (summary, told) = archive.verify().unwrap();
        assert_eq!((summary.damaged, summary.versions), (0, 5), "{told}");
    }
}

/// All that a user sees, in the order in which it is said.
#[test]
fn what_a_missing_part_costs_is_said_before_anything_is_restored() {
    let (archive, _) = five(None);
    fs::remove_file(archive.part(1)).unwrap();
    let at = archive.directory();
    let (code, _, told) = zarc_in(&at, &["extract", "part??", "-to", "out"]);
    assert_eq!(code, Some(2), "{told}");
    let lines: Vec<&str> = told.lines().collect();
    let place = |words: &str| {
        let found = lines.iter().position(|line| line.contains(words));
        found.unwrap_or_else(|| panic!("{words} is not said: {told}"))
    };
    let missing = place("part01.zarc is missing");
    let cost = place("part01.zarc is missing: 1 of the 6 files that are wanted needs it");
    let lost = place("copy1: not restored");
    assert!(missing < cost && cost < lost, "{told}");
    assert!(lines[lost].contains("part01.zarc is missing"), "{told}");
    let alone = lines.iter().filter(|line| line.ends_with("part01.zarc is missing")).count();
    assert!(alone >= 1 && !told.contains("f1"), "{told}");
    let (code, _, told) = zarc_in(&at, &["extract", "part??", "t/f3", "-only", "*f3", "-to", "f3"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(!told.contains("needs it"), "nothing that is wanted needs it: {told}");
    let (code, _, told) = zarc_in(&at, &["list", "part??", "-until", "1"]);
    assert!(code == Some(2) && told.contains("version 1 cannot be read"), "{told}");
    assert!(told.contains("-until 2 is the oldest that is left"), "{told}");
}

/// Of all versions, those that are there.
#[test]
fn with_all_the_versions_that_are_there_are_shown() {
    let (archive, _) = five(Some("word"));
    fs::remove_file(archive.part(2)).unwrap();
    fs::remove_file(archive.part(3)).unwrap();
    let at = archive.directory();
    let words = ["list", "part??", "-all", "1", "-key", "word"];
    let (code, rows, told) = zarc_in(&at, &words);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("versions 2 to 3 cannot be read"), "{told}");
    let versions: Vec<bool> = ["1/", "2/", "3/", "4/", "5/"]
        .iter()
        .map(|version| rows.lines().any(|row| row.contains(&format!(" {version}"))))
        .collect();
    assert_eq!(versions, [true, false, false, true, true], "{rows}");
    let words = ["extract", "part??", "-all", "1", "-to", "out", "-key", "word"];
    let (code, _, told) = zarc_in(&at, &words);
    assert_eq!(code, Some(2), "{told}");
    let out = fs::read_dir(at.join("out")).unwrap().count();
    assert_eq!(out, 3, "{told}");
}

/// A part that is another one than its name says is as good as missing.
#[test]
fn foreign_and_swapped_parts_are_left_out() {
    for key in [None, Some("word")] {
        let (archive, trees) = five(key);
        let whole = archive.files();
        let (foreign, _) = five(Some("word"));
        let (plain, _) = five(None);
        let sources = [foreign.files(), plain.files()];
        for at in 1..=4_u32 {
            let index = at as usize - 1;
            let mut changed: Vec<Vec<u8>> =
                sources.iter().map(|files| files[index].1.clone()).collect();
            changed.push(whole[4].1.clone());
            changed.push(b"no part at all".to_vec());
            for bytes in changed {
                fs::write(archive.part(at), bytes).unwrap();
                let (done, told, restored) = archive.extract_told(Until::Latest);
                assert!(done.unwrap().damaged > 0);
                let name = format!("part0{at}.zarc is left out");
                assert!(told.warnings().contains(&name), "{}", told.warnings());
                assert_part_of(&trees[4], &restored);
                let names: Names = restored.keys().cloned().collect();
                assert_eq!(names, restorable(5, &[at]));
                assert!(add(&archive.add_options(), &Told::default()).is_err());
                archive.restore(&whole);
            }
        }
    }
}

/// Two copies that went on separately, mixed: what stands before the parts that do not follow each
/// other is one history; of the other nothing else may be here.
#[test]
fn of_a_fork_the_history_before_it_is_read() {
    for key in [None, Some("word")] {
        let (archive, trees) = history_in_parts(5, key);
        let whole = archive.files();
        for part in 3..=5 {
            fs::remove_file(archive.part(part)).unwrap();
        }
        for number in 3..=5 {
            archive.add_file(&format!("g{number}"), &noise(100 + number, 20_000));
        }
        let other = archive.files();
        // An older copy of the third part, and what follows is of the other history.
        let mut mixed = other.clone();
        mixed[2] = whole[2].clone();
        archive.restore(&mixed);
        let (done, told, restored) = archive.extract_told(Until::Latest);
        assert!(done.unwrap().damaged > 0);
        let told = told.warnings();
        assert!(told.contains("part04.zarc does not follow part03.zarc"), "{told}");
        assert!(told.contains("part05.zarc is left out: it comes after part04.zarc"), "{told}");
        assert!(crate::support::trees::differences(&trees[2], &restored).is_empty());
        assert!(add(&archive.add_options(), &Told::default()).is_err());
        assert!(archive.files() == mixed);
    }
}

/// Whatever a part in the middle is cut to, what needs it alone is lost.
#[test]
fn a_part_that_is_cut_short_costs_what_stood_in_it() {
    for key in [None, Some("word")] {
        let (archive, trees) = five(key);
        let whole = archive.files();
        for part in 1..=4_u32 {
            let bytes = &whole[part as usize - 1].1;
            for len in (0..bytes.len()).step_by(3500).chain([bytes.len() - 1]) {
                fs::write(archive.part(part), &bytes[..len]).unwrap();
                let (done, told, restored) = archive.extract_told(Until::Latest);
                let told = told.warnings();
                assert!(done.unwrap().damaged > 0, "part {part}, {len} bytes: {told}");
                assert!(told.contains(&format!("part0{part}.zarc")), "{told}");
                assert_part_of(&trees[4], &restored);
                for name in restorable(5, &[part]) {
                    let shown = String::from_utf8_lossy(&name).into_owned();
                    assert!(restored.contains_key(&name), "part {part}, {len} bytes: {shown}");
                }
                let (summary, _) = archive.verify().unwrap();
                assert!(summary.damaged > 0, "part {part}, {len} bytes");
            }
            archive.restore(&whole);
        }
    }
}
