//! Goal: an archive in parts with its index that every later zarc has to read, plain and encrypted.
//! Method: the made-up history of `tests/golden.rs` in parts; what is kept is listed by all parts and by
//! the index alone, and tested. `ZARC_WRITE_ARCHIVES=1 cargo test golden` writes it anew.

use std::fs;
use std::path::Path;

use zarc::base::Until;
use zarc::command::{KeySource, ListOptions, Location, Password, VerifyOptions, verify};

use crate::golden::{FOLDER, PASSWORD, parts_of_history};
use crate::support::Told;
use crate::support::parts::parts;
use crate::support::workbench::{Workbench, fresh_in_memory, rows};

/// The folders below that of the draft, and whether their archives are encrypted.
const FOLDERS: [(&str, bool); 2] = [("parts", false), ("parts-encrypted", true)];

#[test]
fn the_golden_archives_in_parts_are_read_by_parts_and_by_index() {
    for (folder, is_encrypted) in FOLDERS {
        let folder = Path::new(FOLDER).join(folder);
        let password = is_encrypted.then(|| Password::new(PASSWORD.as_bytes().to_vec()));
        let made = parts_of_history(password.as_ref());
        assert!(made == parts_of_history(password.as_ref()), "the same bytes each time");
        if std::env::var_os("ZARC_WRITE_ARCHIVES").is_some() {
            fs::create_dir_all(&folder).unwrap();
            for (name, bytes) in &made {
                fs::write(folder.join(name), bytes).unwrap();
            }
        }
        let key = password.map(KeySource::Words);
        let location = parts(&folder, "part??.zarc");
        let bench = Workbench::new(fresh_in_memory());
        let listed = |archive: &Location, until| {
            let key = key.clone();
            let options =
                ListOptions { archive: archive.clone(), key, ..bench.list_options(until) };
            let (shown, summary, told) = rows(&options);
            assert_eq!(told.warnings(), "");
            (shown, summary.archive_bytes)
        };
        let alone = Location::File(folder.join("part00.zarc"));
        let versions = made.len() as u64 - 1;
        for version in 1..=versions {
            let until = Until::Version(version);
            let shown = listed(&location, until);
            assert!(listed(&alone, until) == shown, "version {version}");
        }
        let (archive, until) = (location.clone(), Until::Latest);
        let options = VerifyOptions { archive, key: key.clone(), until, expect: None, threads: 2 };
        let told = Told::default();
        let summary = verify(&options, &told).unwrap();
        assert_eq!((summary.versions, summary.damaged), (versions, 0), "{}", told.warnings());
    }
}
