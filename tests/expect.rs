//! `test -expect`: the archive is the one, and the state of it, that was noted.
//!
//! Goal: threat T6 of `spec/encryption.md` for whoever keeps a fingerprint. Method: the program is run on
//! an archive that grew, on older states of it, on a copy that went on separately, and on another one.

use std::fs;

use crate::support::json::zarc_json;
use crate::support::parts::{history_in_parts, zarc_in};

#[test]
fn t6_an_older_state_another_history_and_another_archive_are_told_from_the_noted_one() {
    for key in [None, Some("word")] {
        let (archive, _) = history_in_parts(4, key);
        let at = archive.directory();
        let secret: &[&str] = if key.is_some() { &["-key", "word"] } else { &[] };
        let bytes = |words: &[&'static str]| -> Vec<&'static [u8]> {
            words.iter().map(|word| word.as_bytes()).collect()
        };
        let secret_bytes: Vec<&[u8]> = secret.iter().map(|word| word.as_bytes()).collect();
        let print_of = |until: &'static str| {
            let words = [bytes(&["test", "part??", "-until", until]), secret_bytes.clone()];
            let lines = zarc_json(&at, &words.concat()).lines;
            lines.last().unwrap()["fingerprint"].as_str().unwrap().to_owned()
        };
        let prints = ["1", "2", "3", "4"].map(print_of);
        let test = |digits: &str, more: &[&str]| {
            zarc_in(&at, &[&["test", "part??", "-expect", digits], more, secret].concat())
        };
        for digits in [&prints[3][..], &prints[3][..8], &prints[3].to_uppercase()] {
            let (code, _, told) = test(digits, &[]);
            assert_eq!(code, Some(0), "{told}");
        }
        assert_eq!(test(&prints[1], &["-until", "2"]).0, Some(0));
        let (code, said, told) = test(&prints[1], &[]);
        assert_eq!(code, Some(2));
        assert!(told.contains("that is version 2, and this is version 4: the archive is newer"));
        assert!(!said.contains("checked"), "it fails before anything is read: {said}");
        let (code, _, told) = test(&prints[3], &["-until", "2"]);
        assert!(code == Some(2) && told.contains("that is version 4, and this is version 2"));
        // The newest part was taken away; then another update was made in its place.
        let newest = fs::read(archive.part(4)).unwrap();
        fs::remove_file(archive.part(4)).unwrap();
        let (code, _, told) = test(&prints[3], &[]);
        assert!(code == Some(2) && told.contains("no version has it"), "{told}");
        assert!(told.contains(&format!("version 3 has {}", prints[2])), "{told}");
        archive.add_file("another", b"x");
        let (code, _, told) = test(&prints[3], &[]);
        assert!(code == Some(2) && told.contains("no version has it"), "{told}");
        fs::write(archive.part(4), newest).unwrap();
        assert_eq!(test(&prints[3], &[]).0, Some(0));
        let (code, _, told) = test("0123456789abcdef", &[]);
        assert!(code == Some(2) && told.contains("no version has it"), "{told}");
        for wrong in ["1234567", "xyzxyzxyz", ""] {
            let (code, _, told) = test(wrong, &[]);
            assert!(code == Some(2) && told.contains("the right form is"), "{told}");
        }
    }
}
