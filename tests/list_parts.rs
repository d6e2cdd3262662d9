//! `list A B` where the second archive is in parts.
//!
//! Goal: the same rows as with the archive in one file, and a word where only one of both is encrypted.
//! Method: the program is run on archives of the same tree.

use std::fs;

use crate::support::parts::{history_in_parts, zarc_in};

#[test]
fn an_archive_is_compared_with_one_in_parts() {
    let (archive, _) = history_in_parts(3, None);
    let at = archive.directory();
    let tree = archive.bench.work().display().to_string();
    let (code, _, told) = zarc_in(&at, &["add", "one", &tree, "-to", "t"]);
    assert_eq!(code, Some(0), "{told}");
    let symbols = |words: &[&str]| {
        let (code, rows, told) = zarc_in(&at, words);
        assert_eq!(code, Some(0), "{told}");
        let rows: Vec<char> = rows
            .lines()
            .filter(|row| row.contains(" t"))
            .filter_map(|row| row.chars().next())
            .collect();
        (rows, told)
    };
    for other in ["part??", "part??.zarc", "./part??"] {
        let (rows, told) = symbols(&["list", "one", other]);
        assert_eq!(rows, ['='; 5], "{told}");
        let (rows, _) = symbols(&["list", "one", other, "-force"]);
        assert_eq!(rows, ['='; 5]);
    }
    let (rows, _) = symbols(&["list", "part??", "one.zarc", "-force"]);
    assert_eq!(rows, ['='; 5]);
    let (rows, _) = symbols(&["list", "part??", "part??", "-until", "2"]);
    assert_eq!(rows, ['='; 4]);
    // A part that is missing is named with the archive that lacks it.
    fs::remove_file(archive.part(2)).unwrap();
    let (code, _, told) = zarc_in(&at, &["list", "one", "part??"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("part??.zarc: part02.zarc is missing"), "{told}");
    assert_eq!(zarc_in(&at, &["list", "one", "none??"]).0, Some(2), "it is taken for a file");
}

#[test]
fn that_only_one_of_two_archives_is_encrypted_is_said() {
    let (secret, _) = history_in_parts(2, Some("word"));
    let (plain, _) = history_in_parts(2, None);
    let at = secret.directory();
    for number in 1..=2 {
        fs::copy(plain.part(number), at.join(format!("plain0{number}.zarc"))).unwrap();
        fs::copy(secret.part(number), at.join(format!("copy0{number}.zarc"))).unwrap();
    }
    let (code, _, told) = zarc_in(&at, &["list", "part??", "plain??", "-key", "word"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("plain??.zarc is not encrypted, the first archive is"), "{told}");
    let (code, _, told) = zarc_in(&at, &["list", "part??", "copy??", "-key", "word", "-force"]);
    assert!(code == Some(0) && !told.contains("not encrypted"), "{told}");
    let (code, _, told) = zarc_in(&at, &["list", "plain??", "copy??", "-key", "word"]);
    assert!(code == Some(2) && told.contains("not encrypted"), "{told}");
}
