//! `extract -plan`: which bytes of which parts an extraction needs.
//!
//! Goal: what is listed is enough, there is nothing of other content in it, and no content is read.
//! Method: an archive of which only the listed bytes are left, all others being zero, is extracted; one
//! whose content is destroyed is planned.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::json::zarc_json;
use crate::support::parts::{InParts, history_in_parts, zarc_in};
use crate::support::workbench::{fresh_in_memory, real_seconds, set_clock};
use crate::support::{frames, words};

/// The part lines of a plan, and its summary.
fn plan(directory: &Path, words: &[&str]) -> (Vec<Value>, Value) {
    let words: Vec<&[u8]> =
        [&["extract"], words, &["-plan"]].concat().iter().map(|word| word.as_bytes()).collect();
    let lines = zarc_json(directory, &words).lines;
    let summary = lines.last().unwrap().clone();
    assert_eq!(summary["command"], "plan", "{lines:#?}");
    (lines.into_iter().filter(|line| line["type"] == "part").collect(), summary)
}

fn ranges(part: &Value) -> Vec<(usize, usize)> {
    let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    let ranges = part["ranges"].as_array().unwrap().iter();
    ranges.map(|range| (number(&range["offset"]), number(&range["length"]))).collect()
}

/// The files of an archive with only the bytes of a plan, to an empty directory.
fn sieved(files: &[(PathBuf, Vec<u8>)], parts: &[Value], to: &Path) {
    fs::create_dir(to).unwrap();
    for (path, bytes) in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let mut left = vec![0; bytes.len()];
        for part in parts.iter().filter(|part| part["name"] == name) {
            for (offset, len) in ranges(part) {
                left[offset..offset + len].copy_from_slice(&bytes[offset..offset + len]);
            }
        }
        fs::write(to.join(name), left).unwrap();
    }
}

fn archive(key: Option<&'static str>) -> InParts {
    history_in_parts(4, key).0
}

#[test]
fn the_planned_bytes_are_enough_and_hold_no_other_content() {
    for key in [None, Some("word")] {
        let archive = archive(key);
        let (at, whole) = (archive.directory(), archive.files());
        let secret: &[&str] = if key.is_some() { &["-key", "word"] } else { &[] };
        for (number, wanted) in ["t/f1", "t/f3", "t/same", "t"].into_iter().enumerate() {
            let (parts, summary) = plan(&at, &[&["part??", wanted], secret].concat());
            assert_eq!(summary["exit_code"], 0);
            assert_eq!(parts.len() as u64, summary["parts"].as_u64().unwrap());
            let listed: u64 = parts.iter().map(|part| part["bytes"].as_u64().unwrap()).sum();
            assert_eq!(summary["bytes"], listed);
            let sizes: usize = whole.iter().map(|(_, bytes)| bytes.len()).sum();
            assert!(wanted == "t" || listed < sizes as u64 / 2, "{wanted}: {listed} of {sizes}");
            let left = at.join(format!("left{number}"));
            sieved(&whole, &parts, &left);
            let words = [&["extract", "part??", wanted, "-to", "out", "-force"], secret].concat();
            let (code, _, told) = zarc_in(&left, &words);
            assert_eq!(code, Some(0), "{wanted}: {told}");
            let (_, _, told) = zarc_in(&left, &[&["extract", "part??"], secret].concat());
            assert_eq!(told.contains("not restored"), wanted != "t", "{wanted}: {told}");
            fs::remove_dir_all(&left).unwrap();
        }
    }
}

/// An archive with an index, whose updates change one file.
fn changes(key: Option<&'static str>) -> InParts {
    set_clock(real_seconds() + 1_000_000);
    let archive = InParts { key, index: true, ..InParts::new(fresh_in_memory()) };
    for version in 0..3 {
        archive.add_file("changing", &words(1, version));
    }
    archive
}

/// The newest content is a difference to earlier ones, so those are planned too, wherever they are.
#[test]
fn what_a_change_is_a_difference_to_is_planned_with_it() {
    for key in [None, Some("word")] {
        let archive = changes(key);
        let (at, whole) = (archive.directory(), archive.files());
        let secret: &[&str] = if key.is_some() { &["-key", "word"] } else { &[] };
        let summary = |location: &str| {
            let (parts, summary) = plan(&at, &[&[location], secret].concat());
            (parts, summary["missing_parts"].as_u64().unwrap())
        };
        let content = words(1, 0).len() as u64;
        for moved in 0..=3_u32 {
            if moved > 0 {
                fs::remove_file(archive.part(moved)).unwrap();
            }
            let (parts, missing) = summary("part??");
            assert_eq!(missing, u64::from(moved), "{parts:#?}");
            let first = parts.iter().find(|part| part["part"] == 1).unwrap();
            assert_eq!(first["present"], moved == 0);
            assert!(first["bytes"].as_u64().unwrap() > content / 2, "{first}");
            let left = at.join(format!("left{moved}"));
            sieved(&whole, &parts, &left);
            // The plan is for those who have the index.
            fs::copy(archive.part(0), left.join("part00.zarc")).unwrap();
            let command = [&["extract", "part??", "-to", "out"], secret].concat();
            let (code, _, told) = zarc_in(&left, &command);
            assert_eq!((code, told.contains("not ")), (Some(0), false), "{moved} moved: {told}");
            assert!(fs::read(left.join("out/t/changing")).unwrap() == words(1, 2));
            fs::remove_dir_all(&left).unwrap();
        }
        // The index by its name knows as much.
        assert_eq!(summary("part00").1, 3);
    }
}

/// Before anything is restored it is said what the parts cost that are not there; `test` does not call
/// damaged what it cannot look at.
#[test]
fn parts_that_changes_are_differences_to_are_told_before_an_extraction() {
    let archive = changes(None);
    let at = archive.directory();
    fs::remove_file(archive.part(1)).unwrap();
    let (code, _, told) = zarc_in(&at, &["extract", "part??", "t/changing", "-to", "out"]);
    assert_eq!(code, Some(2));
    assert!(told.contains("part01.zarc is not there: the file that is wanted needs it"), "{told}");
    let (summary, told) = archive.verify().unwrap();
    assert_eq!((summary.damaged, told.as_str()), (0, ""));
    assert!(summary.unchecked > 0);
    fs::remove_file(archive.part(0)).unwrap();
    let (_, _, told) = zarc_in(&at, &["extract", "part??", "t/changing", "-to", "out"]);
    assert!(told.contains("part01.zarc is missing: the file that is wanted needs it"), "{told}");
}

#[test]
fn no_content_is_read() {
    let archive = archive(None);
    let at = archive.directory();
    let before = zarc_in(&at, &["extract", "part??", "-plan"]);
    assert_eq!(before.0, Some(0), "{}", before.2);
    for (path, mut bytes) in archive.files() {
        for (start, len) in frames(&bytes, 2) {
            bytes[start..start + len].fill(0x55);
        }
        fs::write(path, bytes).unwrap();
    }
    assert_eq!(zarc_in(&at, &["extract", "part??", "-plan"]), before);
    assert!(!at.join("t").exists());
}

/// A line a part: whether it is there, how much of it, which bytes; the same of an archive in one file.
#[test]
fn a_person_sees_a_line_for_each_part() {
    let archive = archive(None);
    let at = archive.directory();
    fs::remove_file(archive.part(2)).unwrap();
    let (code, said, told) = zarc_in(&at, &["extract", "part??", "t/f4", "-plan"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("part02.zarc is missing"), "{told}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 5, "{said}");
    for (line, name) in lines.iter().zip(["= part01", "? part02", "= part03", "= part04"]) {
        assert!(line.starts_with(name) && line.contains(" bytes in "), "{line}");
    }
    assert!(
        lines[4].starts_with("1 object of ") && lines[4].contains("4 parts, 1 of them missing")
    );
    fs::copy(archive.part(1), at.join("one.zarc")).unwrap();
    let (code, said, told) = zarc_in(&at, &["extract", "one", "-plan"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(said.starts_with("= one.zarc: "), "{said}");
    let (code, said, _) = zarc_in(&at, &["extract", "one", "nothing", "-plan"]);
    assert_eq!(code, Some(2), "{said}");
    assert_eq!(zarc_in(&at, &["extract", "one", "-plan", "-test"]).0, Some(2));
}
