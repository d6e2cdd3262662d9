//! Goal: `list A B` shows how two archives differ. Method: the same random tree, changed in
//! between, goes into both; what has to be shown is computed from the trees on disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use zarc::base::Until;
use zarc::command::{Comparison, ListOptions, Location, Row};
use zarc::select::{Pattern, Rename, Selection};

use super::support::tree_changes::{Change, apply, change};
use super::support::trees::{Node, Tree, differences_of, walk};
use super::support::workbench::{
    Workbench, below_root, fresh_in_memory, random_cases, real_seconds, rows, run_add, set_clock,
    set_dice, wait_for_a_tick,
};
use super::support::{frames, noise};

type Marks = BTreeMap<Vec<u8>, String>;

/// The marks that each name has, in the order of rows.
fn marks(options: &ListOptions) -> Marks {
    let (rows, summary, told) = rows(options);
    assert_eq!((summary.problems, summary.damaged, told.warnings().as_str()), (0, 0, ""));
    assert!(summary.is_of_two_archives);
    let mut marks = Marks::new();
    for row in &rows {
        let Row::Object { comparison, path, .. } = row else { panic!("a version") };
        marks.entry(below_root(path)).or_default().push(comparison.symbol());
    }
    let names = rows.iter().map(|row| match row {
        Row::Object { path, .. } => path.clone(),
        Row::Version { .. } => panic!("a version"),
    });
    assert!(names.collect::<Vec<_>>().is_sorted());
    let count = |symbol| {
        rows.iter()
            .filter(|row| matches!(row, Row::Object { comparison, .. } if *comparison == symbol))
            .count() as u64
    };
    assert_eq!(summary.same, count(Comparison::Same));
    assert_eq!(summary.different, count(Comparison::Different));
    assert_eq!(summary.internal_only, count(Comparison::InternalOnly));
    assert_eq!(summary.external_only, count(Comparison::ExternalOnly));
    marks
}

fn is_different(left: &Node, right: &Node, force: bool) -> bool {
    let (mut left, mut right) = (left.clone(), right.clone());
    if force {
        right.mtime = left.mtime;
        left.has_attributes = false;
    } else if left.content.len() == right.content.len() {
        left.content.clear();
        right.content.clear();
    }
    !differences_of(&left, &right).is_empty()
}

fn expected(left: &Tree, right: &Tree, force: bool) -> Marks {
    let mut marks = Marks::new();
    for name in left.keys().chain(right.keys()) {
        let mark = match (left.get(name), right.get(name)) {
            (Some(left), Some(right)) if is_different(left, right, force) => "#+",
            (Some(_), Some(_)) => "=",
            (Some(_), None) => "-",
            (None, _) => "+",
        };
        marks.insert(name.clone(), mark.to_owned());
    }
    marks
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    // A hole and the same zeros written out are stored in two ways.
    let has_no_holes = |change: &Change| !matches!(change, Change::Truncate(..));
    prop::collection::vec(change().prop_filter("holes", has_no_holes), 0..10)
}

/// Changes the tree and archives it; the tree of the new version, or again that of the old one.
fn update(
    bench: &Workbench,
    name: &str,
    changes: &[Change],
    attributes: bool,
    trees: &mut Vec<Tree>,
) {
    wait_for_a_tick();
    for change in changes {
        apply(&bench.work(), change);
    }
    let mut options = bench.add_options(b"");
    // Attributes that are saved already stay; only a first update saves none.
    options.attributes = attributes || !trees.is_empty();
    options.archive = bench.path(name).into();
    if run_add(&options).0.version.is_some() {
        let mut tree = walk(&bench.work());
        let latest = trees.last();
        for (name, node) in &mut tree {
            let old = latest.and_then(|tree| tree.get(name)).filter(|old| !old.has_attributes);
            let is_kept = old.is_some_and(|old| differences_of(old, node).is_empty());
            node.has_attributes = options.attributes && !is_kept;
        }
        trees.push(tree);
    }
}

fn two_archives(bench: &Workbench) -> ListOptions {
    let other = bench.path("b.zarc").into_os_string().into_encoded_bytes();
    ListOptions { files: vec![other], rename: Rename::none(), ..bench.list_options(Until::Latest) }
}

#[test]
fn two_archives_are_compared_name_by_name() {
    let histories = prop::collection::vec((changes(), any::<bool>(), any::<bool>()), 2..=6);
    random_cases(60)
        .run(&histories, |updates| {
            set_clock(real_seconds() + 1_000_000);
            set_dice(11);
            let bench = Workbench::new(fresh_in_memory());
            let mut trees = [Vec::new(), Vec::new()];
            for (number, (changes, is_first, attributes)) in updates.iter().enumerate() {
                let index = match number {
                    0 | 1 => number,
                    _ => usize::from(!is_first),
                };
                let name = ["a.zarc", "b.zarc"][index];
                update(&bench, name, changes, *attributes, &mut trees[index]);
            }
            let [left, right] = &trees;
            let nothing = Tree::new();
            let at = |trees: &Vec<Tree>, version: usize| {
                let last = version.min(trees.len());
                last.checked_sub(1).map_or(nothing.clone(), |last| trees[last].clone())
            };
            let newest = left.len();
            for force in [false, true] {
                let list = ListOptions { force, ..two_archives(&bench) };
                for (until, one, two) in [
                    (Until::Latest, newest, usize::MAX),
                    (Until::Version(1), 1, 1),
                    // From the end of the first archive, in both.
                    (Until::Before(1), newest - 1, newest - 1),
                ] {
                    let list = ListOptions { until, ..list.clone() };
                    let expected = expected(&at(left, one), &at(right, two), force);
                    assert_eq!(marks(&list), expected, "{until:?}, force {force}");
                }
                let nowhere = ListOptions { archive: Location::Nowhere, ..list.clone() };
                assert_eq!(marks(&nowhere), expected(&nothing, &at(right, usize::MAX), force));
            }
            let selection = Selection::new(vec![Pattern::new(b"*/a")], vec![Pattern::new(b"*/b")]);
            let some = ListOptions { selection: selection.clone(), ..two_archives(&bench) };
            let mut expected = expected(&at(left, newest), &at(right, usize::MAX), false);
            // These patterns do not tell directories from files.
            expected.retain(|name, _| selection.is_wanted(&[b"t/", &name[..]].concat(), false));
            assert_eq!(marks(&some), expected);
            Ok(())
        })
        .unwrap();
}

fn zarc(directory: &Path, words: &[&str]) -> (Option<i32>, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_zarc")).args(words).current_dir(directory).output();
    let output = output.unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&told).into_owned())
}

/// When a file is taken for a second archive, and what is said if it cannot be.
#[test]
fn a_named_file_is_an_archive_if_the_first_does_not_hold_it() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let run = |words: &[&str]| zarc(directory.path(), words);
    let check = |words: &[&str], code, parts: &[&str]| {
        let (found, told) = run(words);
        assert_eq!(found, Some(code), "{words:?}: {told}");
        let missing: Vec<_> = parts.iter().filter(|part| !told.contains(*part)).collect();
        assert!(missing.is_empty(), "{words:?}: {missing:?} in {told}");
    };
    fs::create_dir(at("d")).unwrap();
    fs::write(at("d/x"), noise(1, 200_000)).unwrap();
    run(&["add", "a", "d"]);
    run(&["add", "b", "d", "-fragment", "2"]);
    check(&["list", "a", "b"], 0, &["2 =same, 0 #different, 0 +external, 0 -internal"]);
    check(&["list", "a", "./b.zarc"], 0, &["2 =same"]);
    check(&["list", "", "b"], 0, &["+ ", "0 =same, 0 #different, 2 +external"]);
    // Cut in another way, the content has other identities.
    let note = "-fragment 6 and 2: equal contents may show as different";
    check(&["list", "a", "b", "-force"], 0, &[note, "1 =same, 1 #different"]);
    check(&["list", "a", "b", "-until", "0"], 0, &["0 =same, 0 #different, 0 +external"]);
    for option in [&["-to", "z"][..], &["-all"], &["-summary"]] {
        let words = [&["list", "a", "b"], option].concat();
        check(&words, 2, &[&format!("{} with two archives", option[0])]);
    }
    // Other files are files, and so are two archives at once.
    check(&["list", "a", "d"], 0, &["2 =same"]);
    check(&["list", "a", "a.zarc", "b.zarc"], 0, &["+ ", " b.zarc\n", "1 +external"]);
    // What stands on disk as it was typed is meant.
    fs::write(at("b"), "a file").unwrap();
    check(&["list", "a", "b"], 0, &[" b\n", "1 +external"]);
    fs::remove_file(at("b")).unwrap();
    // A damaged one is an error, not an absent file.
    let whole = fs::read(at("b.zarc")).unwrap();
    let mut damaged = whole.clone();
    damaged[20] ^= 0xff;
    fs::write(at("b.zarc"), &damaged).unwrap();
    check(&["list", "a", "b"], 2, &["b.zarc", "header is damaged"]);
    // Where identities are lost, contents differ, and that is said.
    damaged.clone_from(&whole);
    let (offset, len) = frames(&whole, 3)[0];
    damaged[offset + len / 2] ^= 0xff;
    fs::write(at("b.zarc"), &damaged).unwrap();
    check(
        &["list", "a", "b", "-force"],
        2,
        &["d/x: its content cannot be compared", "1 #different"],
    );
    fs::write(at("b.zarc"), &whole).unwrap();
    // Once it is in the first archive, it is a file.
    run(&["add", "a", "b.zarc"]);
    check(&["list", "a", "b.zarc"], 0, &["is compared as a file", "1 =same, 0 #different"]);
}
