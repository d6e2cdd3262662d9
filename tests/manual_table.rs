//! Goal: each row of `spec/command-line.md` names tests that are there. Method: the page is read row
//! by row; tests are collected from the modules that `tests/main.rs` and `src/lib.rs` reach.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = "spec/command-line.md";

/// One row of a table.
struct Row {
    number: usize,
    difference: String,
    tests: Vec<String>,
}

/// The cells of a line between bars; `\|` is a bar within a cell.
fn cells_of(line: &str) -> Vec<String> {
    let line = line.trim().replace("\\|", "\u{0}");
    let inner = line.trim_start_matches('|').trim_end_matches('|');
    inner.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
}

/// What stands between backquotes.
fn quoted_in(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn rows_of(page: &str) -> Vec<Row> {
    let numbered = page
        .lines()
        .filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit())
        .map(cells_of);
    numbered
        .map(|cells| {
            let [number, says, zarc, difference, tests] = &cells[..] else {
                panic!("a row has five cells: {cells:?}");
            };
            let filled = [says, zarc, difference, tests].iter().all(|cell| !cell.is_empty());
            assert!(filled, "row {number} has an empty cell");
            let tests = if tests == "?" { vec!["?".to_owned()] } else { quoted_in(tests) };
            let number = number.parse().expect("a row begins with its number");
            Row { number, difference: difference.clone(), tests }
        })
        .collect()
}

/// The name behind `keyword` at the start of a line, without what follows it.
fn named<'a>(line: &'a str, keyword: &str) -> Option<&'a str> {
    let rest = line.trim_start().trim_start_matches("pub ").strip_prefix(keyword)?;
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    Some(&rest[..end])
}

/// Adds the tests of a file, and of the modules that it names, to those that were found.
fn collect(file: &Path, folder: &Path, module: &str, found: &mut BTreeSet<String>) {
    let text = fs::read_to_string(file).unwrap();
    let within =
        |name: &str| if module.is_empty() { name.into() } else { format!("{module}::{name}") };
    let mut inner = module.to_owned();
    let mut is_test = false;
    for line in text.lines() {
        if let Some(name) = named(line, "mod ") {
            if line.ends_with(';') {
                let (beside, below) =
                    (folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs"));
                let path: PathBuf = if beside.exists() { beside } else { below };
                collect(&path, &folder.join(name), &within(name), found);
            } else {
                inner = within(name);
            }
        } else if line.trim() == "#[test]" {
            is_test = true;
        } else if line
            .trim()
            .strip_prefix("#[")
            .is_some_and(|attribute| attribute.starts_with("ignore"))
        {
            is_test = false;
        } else if let Some(name) = named(line, "fn ").filter(|_| std::mem::take(&mut is_test)) {
            found.insert(format!("{inner}::{name}"));
        }
    }
}

fn all_tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(Path::new("tests/main.rs"), Path::new("tests"), "", &mut found);
    collect(Path::new("src/lib.rs"), Path::new("src"), "", &mut found);
    found
}

#[test]
fn tests_are_found_by_the_names_that_cargo_prints() {
    let tests = all_tests();
    let here = "manual_table::tests_are_found_by_the_names_that_cargo_prints";
    for name in [
        here,
        "architecture::imports_point_down",
        "filesystem::walk::a_root_that_is_a_link_is_stored_as_a_link",
        "cli::spelling::tests::names_are_bytes",
    ] {
        assert!(tests.contains(name), "{name} was not found");
    }
    let spelled = tests.iter().all(|name| !name.starts_with("::") && !name.contains("::mod::"));
    assert!(spelled && tests.len() > 100, "{tests:#?}");
}

#[test]
fn rows_are_numbered_from_one_without_gaps() {
    let rows = rows_of(&fs::read_to_string(PAGE).unwrap());
    assert!(rows.len() >= 100, "only {} rows were found", rows.len());
    for (expected, row) in (1..).zip(&rows) {
        assert_eq!(row.number, expected);
    }
}

#[test]
fn every_row_names_tests_that_are_there() {
    let (tests, page) = (all_tests(), fs::read_to_string(PAGE).unwrap());
    let mut wrong = Vec::new();
    for Row { number, tests: named, .. } in rows_of(&page) {
        if named.is_empty() {
            wrong.push(format!("row {number} has no test"));
        }
        let missing = named.into_iter().filter(|name| !tests.contains(name));
        wrong.extend(missing.map(|name| format!("row {number}: there is no test {name}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_counts_at_the_end_are_those_of_the_rows() {
    let page = fs::read_to_string(PAGE).unwrap();
    let rows = rows_of(&page);
    let count = |is: fn(&str) -> bool| rows.iter().filter(|row| is(&row.difference)).count();
    let same = count(|difference| difference == "-");
    let missing = count(|difference| difference.starts_with("not yet"));
    let different = rows.len() - same - missing;
    let line = format!(
        "{} rows: {same} without difference, {different} with a deliberate difference, \
         {missing} not there yet.",
        rows.len()
    );
    assert!(page.lines().any(|said| said == line), "the page should say: {line}");
}

/// The section behind the tables names its tests too.
#[test]
fn tests_named_beyond_the_manual_are_there() {
    let page = fs::read_to_string(PAGE).unwrap();
    let (_, beyond) = page.split_once("\n## Beyond the manual\n").expect("the section is there");
    let tests = all_tests();
    let named: Vec<String> =
        quoted_in(beyond).into_iter().filter(|quoted| quoted.contains("::")).collect();
    assert!(named.len() >= 4, "{named:?}");
    for name in named {
        assert!(tests.contains(&name), "there is no test {name}");
    }
}

/// The table of threats has each of them, with tests that are there or the word that none is.
#[test]
fn every_threat_has_its_tests() {
    let page = fs::read_to_string("spec/encryption.md").unwrap();
    let (_, table) = page.split_once("\n## Threats\n").expect("the section is there");
    let tests = all_tests();
    let rows: Vec<Vec<String>> =
        table.lines().filter(|line| line.starts_with("| T")).map(cells_of).collect();
    for (number, row) in (1..).zip(&rows) {
        let [name, _, answer, named] = &row[..] else { panic!("a row has four cells: {row:?}") };
        assert_eq!(*name, format!("T{number}"));
        assert_eq!(named == "-", answer.starts_with("out of reach"), "{name}");
        for test in quoted_in(named) {
            assert!(tests.contains(&test), "{name}: there is no test {test}");
        }
    }
    assert_eq!(rows.len(), 22);
}
