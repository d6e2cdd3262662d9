//! Goal: the house stays as `src/README.md` draws it. Method: every source file is read as text;
//! imports, lengths and homes are compared with the tables below.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each room may import: this table is the law, and adding an arrow is a decision.
const ALLOWED: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("fragment", &[]),
    ("compress", &["base"]),
    ("crypto", &["base"]),
    ("filesystem", &["base"]),
    ("format", &["base"]),
    ("select", &["base"]),
    ("storage", &["base"]),
    ("journal", &["base", "crypto", "format", "storage"]),
    ("archive", &["base", "compress", "crypto", "format", "journal", "storage"]),
    ("command", &["archive", "base", "compress", "crypto", "filesystem", "fragment", "select"]),
    ("cli", &["base", "command", "compress", "select"]),
];

/// Lines of a source file, its unit tests included.
const FILE_LINES_MAX: usize = 400;

/// Only these rooms open files.
const TOUCH_FILES: &[&str] = &["storage", "filesystem"];

/// The only files that may hold `unsafe`, each saying why at each place.
const UNSAFE_FILES: &[&str] = &["src/fragment/sieve_x86.rs"];

fn source_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn room_of(path: &Path) -> Option<String> {
    let below = path.strip_prefix("src").unwrap();
    (below.components().count() > 1)
        .then(|| below.iter().next().unwrap().to_string_lossy().into_owned())
}

/// The part of a file before its unit tests, without comments.
fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn rooms_named_in(code: &str) -> BTreeSet<String> {
    code.split("crate::")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}

#[test]
fn imports_point_down() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    for path in source_files() {
        let Some(room) = room_of(&path) else { continue };
        let permitted = allowed.get(room.as_str());
        let permitted = permitted.unwrap_or_else(|| panic!("{room} is not in the table"));
        for named in rooms_named_in(&code_of(&fs::read_to_string(&path).unwrap())) {
            assert!(
                named == room || permitted.contains(&named.as_str()),
                "{} imports {named}, which {room} may not",
                path.display()
            );
        }
    }
}

#[test]
fn the_table_has_no_circle() {
    for (index, (room, below)) in ALLOWED.iter().enumerate() {
        for named in *below {
            let position = ALLOWED.iter().position(|(other, _)| other == named);
            assert!(position.is_some_and(|p| p < index), "{named} does not stand below {room}");
        }
    }
}

#[test]
fn files_have_a_head_and_one_size() {
    for path in source_files() {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().count();
        assert!(lines <= FILE_LINES_MAX, "{} has {lines} lines", path.display());
        let has_head = text.starts_with("//!") || text.starts_with("#![doc");
        assert!(has_head, "{} does not say what it is", path.display());
        assert!(!code_of(&text).contains("::*;"), "{} imports everything", path.display());
    }
}

#[test]
fn faces_of_rooms_have_no_logic() {
    for path in source_files().iter().filter(|path| path.ends_with("mod.rs")) {
        let code = code_of(&fs::read_to_string(path).unwrap());
        assert!(!code.contains("fn "), "{} has logic", path.display());
    }
}

#[test]
fn files_are_opened_and_words_printed_in_their_homes_only() {
    for path in source_files() {
        let code = code_of(&fs::read_to_string(&path).unwrap());
        let room = room_of(&path).unwrap_or_default();
        if !TOUCH_FILES.contains(&room.as_str()) {
            assert!(!code.contains("fs::File"), "{} opens files", path.display());
            assert!(!code.contains("std::fs"), "{} touches files", path.display());
        }
        for print in ["println!", "eprintln!", "print!(", "dbg!"] {
            assert!(room == "cli" || !code.contains(print), "{} prints", path.display());
        }
        let asks_clock = code.contains("SystemTime::now");
        assert!(
            !asks_clock || path.ends_with("environment.rs"),
            "{} asks the clock",
            path.display()
        );
    }
}

#[test]
fn unsafe_code_is_in_its_home_only_and_argued() {
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    assert!(manifest.contains("unsafe_code = \"deny\""), "the lint is off");
    for path in source_files() {
        let text = fs::read_to_string(&path).unwrap();
        let is_home = UNSAFE_FILES.iter().any(|home| path.ends_with(home));
        let code = code_of(&text);
        let places = code.split_whitespace().filter(|word| *word == "unsafe").count();
        assert_eq!(is_home, places > 0, "{}: unsafe", path.display());
        assert_eq!(is_home, code.contains("unsafe_code"), "{}: the lint", path.display());
        let arguments = text.matches("// SAFETY: ").count();
        assert_eq!(arguments, places, "{} does not argue each unsafe", path.display());
    }
}

#[test]
fn every_test_file_is_in_the_binary() {
    let main = fs::read_to_string("tests/main.rs").unwrap();
    for entry in fs::read_dir("tests").unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let is_test = path.extension().is_some_and(|extension| extension == "rs");
        if is_test && stem != "main" {
            assert!(main.contains(&format!("mod {stem};")), "tests/{stem}.rs is forgotten");
        }
    }
}

#[test]
fn every_rule_with_a_vector_has_one_and_every_vector_a_rule() {
    let spec = fs::read_to_string("spec/format.md").unwrap();
    let named: BTreeSet<String> = spec
        .split('[')
        .skip(1)
        .filter_map(|rest| rest.split_once(']'))
        .filter(|(name, after)| {
            !after.starts_with('(')
                && name.contains('-')
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
        .map(|(name, _)| name.to_owned())
        .collect();
    let there: BTreeSet<String> = fs::read_dir("testdata/vectors")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|stem| !stem.starts_with("fragment-") || stem.starts_with("fragment-page"))
        .filter(|stem| stem != "context-mixing")
        .collect();
    assert_eq!(named, there);
}

#[test]
fn limits_are_those_of_the_specification() {
    let code = fs::read_to_string("src/format/limits.rs").unwrap();
    let spec = fs::read_to_string("spec/format.md").unwrap();
    let mut rows = 0;
    for line in code.lines().filter_map(|line| line.strip_prefix("pub const ")) {
        let (name, rest) = line.split_once(": u64 = ").unwrap();
        let row = format!("| {name} | ");
        let said = spec.lines().find_map(|line| line.strip_prefix(row.as_str()));
        let said = said.unwrap_or_else(|| panic!("{name} is not in the specification"));
        let said = said.split(" |").next().unwrap();
        let meant = rest.trim_end_matches(';').replace("1 << ", "2^").replace(['(', ')'], "");
        assert_eq!(said, meant, "{name}");
        rows += 1;
    }
    assert!(rows >= 12, "only {rows} limits were found");
}

#[test]
fn paths_named_in_pages_exist() {
    let pages = [
        "README.md",
        "src/README.md",
        "spec/README.md",
        "spec/command-line.md",
        "spec/encryption.md",
        "spec/recovery.md",
        "CHANGELOG.md",
    ];
    for page in pages {
        let text = fs::read_to_string(page).unwrap();
        for quoted in text.split('`').skip(1).step_by(2) {
            let is_path = ["src/", "spec/", "tests/", "testdata/", "fuzz/", ".ci/"]
                .iter()
                .any(|start| quoted.starts_with(start))
                && !quoted.contains([' ', '*', '<', 'N']);
            assert!(!is_path || Path::new(quoted).exists(), "{page} names {quoted}");
        }
    }
}
