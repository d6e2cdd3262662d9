//! Goal: `list -summary` shows the largest files and directories and tells duplicates by their
//! bytes. Method: random trees; sizes, sums and duplicates are computed from the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use zarc::base::{Kind, Until};
use zarc::command::{ListOptions, Row};
use zarc::select::{Pattern, Selection};

use super::support::noise;
use super::support::tree_changes::{Change, apply, change};
use super::support::trees::{Node, Tree, is_within, walk};
use super::support::workbench::{
    Workbench, below_root, fresh_in_memory, random_cases, real_seconds, rows, run_add, set_clock,
    set_dice,
};

/// The size of what a name stands for: of a directory, all that is in it.
fn size_in(tree: &Tree, name: &[u8]) -> u64 {
    let within = tree.iter().filter(|(below, _)| is_within(below, name));
    within.map(|(_, node)| node.content.len() as u64).sum()
}

/// One row: symbol, name, size.
type Line = (char, Vec<u8>, u64);

fn lines(options: &ListOptions) -> Vec<Line> {
    let (rows, summary, told) = rows(options);
    assert_eq!((summary.problems, summary.damaged, told.warnings().as_str()), (0, 0, ""));
    let lines = rows.iter().map(|row| {
        let Row::Object { comparison, path, size, .. } = row else { panic!("a version") };
        (comparison.symbol(), below_root(path), *size)
    });
    let lines: Vec<Line> = lines.collect();
    let count = |symbol| lines.iter().filter(|line| line.0 == symbol).count() as u64;
    let counts = (summary.internal_only, summary.external_only, summary.duplicates);
    assert_eq!(counts, (count('-'), count('+'), count('^')));
    lines
}

/// All rows there can be: each name once, sizes falling, equal contents together.
fn check_everything(tree: &Tree, lines: &[Line], symbols: &str) {
    let names: BTreeSet<_> = lines.iter().map(|(_, name, _)| name.clone()).collect();
    assert_eq!(lines.len(), names.len(), "a name twice");
    assert!(names.iter().eq(tree.keys()), "{names:?}");
    assert!(lines.iter().all(|(symbol, ..)| symbols.contains(*symbol)), "{lines:?}");
    assert!(lines.is_sorted_by(|left, right| left.2 >= right.2), "{lines:?}");
    for (_, name, size) in lines {
        assert_eq!(*size, size_in(tree, name), "size of {}", name.escape_ascii());
    }
}

/// A file is a duplicate if the row before it has its content; equal contents have one first.
fn check_duplicates(tree: &Tree, lines: &[Line]) {
    let content = |line: &Line| {
        let node: &Node = &tree[&line.1];
        (node.kind == '-').then(|| node.content.clone())
    };
    let mut before = None;
    for line in lines {
        let content = content(line);
        let is_duplicate = content.is_some() && content == before;
        assert_eq!(line.0 == '^', is_duplicate, "{line:?}");
        before = content;
    }
    let contents: BTreeSet<_> = lines.iter().filter_map(content).collect();
    let firsts = lines.iter().filter(|line| line.0 != '^' && content(line).is_some());
    assert_eq!(firsts.count(), contents.len(), "duplicates do not stand together");
}

/// What `-all` shows, each version's directories with the size of what is listed in them.
fn check_versions(bench: &Workbench) {
    let all = ListOptions { all: Some(4), ..bench.list_options(Until::Latest) };
    let mut expected: BTreeMap<(u64, Option<Vec<u8>>), u64> = BTreeMap::new();
    let mut number = 0;
    for row in rows(&all).0 {
        match row {
            Row::Version { version, .. } => {
                number = version.0;
                expected.insert((number, None), 0);
            }
            Row::Object { path, metadata, size, .. } => {
                let name = below_root(&path);
                for ((version, above), sum) in &mut expected {
                    let is_in = above.as_ref().is_none_or(|above| is_within(&name, above));
                    *sum += if *version == number && is_in { size } else { 0 };
                }
                let is_directory = metadata.is_some_and(|m| m.kind == Kind::Directory);
                assert!(!is_directory || size == 0);
                expected.insert((number, Some(name)), size);
            }
        }
    }
    let largest = ListOptions { summary: Some(usize::MAX), ..all };
    let mut found = BTreeMap::new();
    let mut size_before = u64::MAX;
    for row in rows(&largest).0 {
        let (key, size) = match row {
            Row::Version { version, size, .. } => ((version.0, None), size),
            Row::Object { version, path, size, .. } => {
                ((version.unwrap().0, Some(below_root(&path))), size)
            }
        };
        assert!(size <= size_before);
        size_before = size;
        assert_eq!(found.insert(key, size), None);
    }
    assert_eq!(found, expected);
}

fn history() -> impl Strategy<Value = (Vec<Vec<Change>>, usize)> {
    // A hole and the same zeros written out are stored in two ways.
    let has_no_holes = |change: &Change| !matches!(change, Change::Truncate(..));
    let changes = prop::collection::vec(change().prop_filter("holes", has_no_holes), 4..20);
    (prop::collection::vec(changes, 1..=3), 1..10_usize)
}

#[test]
fn the_largest_are_shown_and_duplicates_told() {
    set_clock(real_seconds());
    set_dice(5);
    random_cases(60)
        .run(&history(), |(updates, count)| {
            let bench = Workbench::new(fresh_in_memory());
            for changes in updates {
                for change in &changes {
                    apply(&bench.work(), change);
                }
                run_add(&bench.add_options(b""));
            }
            let tree = walk(&bench.work());
            let list = bench.list_options(Until::Latest);
            let everything = lines(&ListOptions { summary: Some(usize::MAX), ..list.clone() });
            check_everything(&tree, &everything, "-^");
            check_duplicates(&tree, &everything);
            let some = lines(&ListOptions { summary: Some(count), ..list.clone() });
            assert_eq!(some, everything[..count.min(everything.len())]);
            let both = bench.compare_options(b"");
            let both = lines(&ListOptions { summary: Some(usize::MAX), ..both });
            assert!(both.is_sorted_by(|left, right| left.2 >= right.2), "{both:?}");
            let (external, internal): (Vec<_>, Vec<_>) =
                both.into_iter().partition(|line| line.0 == '+');
            check_everything(&tree, &external, "+");
            check_everything(&tree, &internal, "-^");
            let not = vec![Pattern::new(b"*/a")];
            let selection = Selection::new(Vec::new(), not);
            let some = lines(&ListOptions { summary: Some(usize::MAX), selection, ..list });
            let is_refused =
                |name: &[u8]| name.split(|&byte| byte == b'/').any(|part| part == b"a");
            let kept: Tree = tree.into_iter().filter(|(name, _)| !is_refused(name)).collect();
            check_everything(&kept, &some, "-^");
            check_versions(&bench);
            Ok(())
        })
        .unwrap();
}

fn zarc(directory: &Path, words: &[&str]) -> String {
    let zarc = Command::new(env!("CARGO_BIN_EXE_zarc")).args(words).current_dir(directory).output();
    let output = zarc.unwrap();
    assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The rows without their dates and modes, which come from the machine.
fn short(listing: &str) -> Vec<String> {
    let rows = listing.lines().take_while(|line| !line.is_empty());
    rows.map(|row| format!("{}{}{}", &row[..1], &row[21..34], &row[40..])).collect()
}

/// The layout of zpaq: rows, footer, and how many are duplicates.
#[test]
fn a_summary_looks_as_in_the_manual() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir_all(at("d/e")).unwrap();
    for (name, seed, len) in [("a", 1, 5000), ("e/b", 1, 5000), ("e/c", 2, 300), ("z", 1, 5000)] {
        fs::write(at("d").join(name), noise(seed, len)).unwrap();
    }
    zarc(directory.path(), &["add", "x", "d"]);
    let listing = zarc(directory.path(), &["list", "x", "-summary", "5"]);
    let rows = ["- 15300 d/", "- 5300 d/e/", "- 5000 d/a", "^ 5000 d/e/b", "^ 5000 d/z"];
    let plain = |lines: Vec<String>| -> Vec<String> {
        lines.iter().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    assert_eq!(plain(short(&listing)), rows);
    assert!(listing.contains("0.015000 MB in 5 rows shown\n"), "{listing}");
    assert!(listing.contains(" in 1 version\n2 of largest 5 files are ^duplicates\n"), "{listing}");
    let listing = zarc(directory.path(), &["list", "x", "-s4", "-not", "=^"]);
    assert_eq!(plain(short(&listing)), rows[..3]);
    assert!(listing.contains("\n1 of largest 4 files are ^duplicates\n"), "{listing}");
    let listing = zarc(directory.path(), &["list", "x", "d/e", "-summary"]);
    let rows = [
        "+ 5300 d/e/",
        "- 5300 d/e/",
        "+ 5000 d/e/b",
        "- 5000 d/e/b",
        "+ 300 d/e/c",
        "- 300 d/e/c",
    ];
    assert_eq!(plain(short(&listing)), rows);
    assert!(listing.contains("3 +external, 3 -internal\n0 of largest 20 files"), "{listing}");
    let listing = zarc(directory.path(), &["list", "x", "-all", "2", "-summary", "2"]);
    let rows = ["- 15300 01/ +6 -0 ->", "- 15300 01/d/"];
    for (row, start) in plain(short(&listing)).iter().zip(rows) {
        assert!(row.starts_with(start), "{listing}");
    }
    assert_eq!(short(&listing).len(), 2);
}
