//! Goal: replacing `list` with `add` shows exactly what changes would be made. Method: random trees
//! are archived step by step with random options; before each `add`, `list` with the same options
//! has to show what that `add` tells. Single rules are checked by hand-made cases.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;
use rustix::fs::{CWD, FileType, Mode};
use zarc::archive::{
    Archive, Catalog, Change as EntryChange, History, Object, RunShape, Transaction,
    TransactionOptions,
};
use zarc::base::{StoredPath, Until};
use zarc::command::{AddOptions, Comparison, ListOptions, Row};
use zarc::compress::Method;
use zarc::select::{Pattern, Rename, Selection};

use super::support::tree_changes::{Change, apply, change};
use super::support::trees::{place, walk};
use super::support::workbench::{
    Workbench, environment, fresh_in_memory, random_cases, real_seconds, rows, run_add, set_clock,
    set_dice, set_mtime, set_xattr, wait_for_a_tick,
};
use super::support::{DATA, frames, noise};

/// What is listed and archived, and how.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
struct Asking {
    /// Names of disk or archive, which may lie in each other; the first also named anew.
    roots: Vec<Index>,
    to: Vec<&'static str>,
    only: Vec<&'static str>,
    not: Vec<&'static str>,
    delete: bool,
    attributes: bool,
    force: bool,
    special: bool,
    fragment: Option<u8>,
}

#[derive(Debug, Clone)]
struct Step {
    changes: Vec<Change>,
    /// Where a socket is made, which only `-special` sees.
    socket: Option<Index>,
    asking: Asking,
}

fn asking() -> impl Strategy<Value = Asking> {
    let patterns = || prop::sample::select(vec!["*/a", "*b*", "*.c", "*/d/?", "*"]);
    let names = (
        prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(any::<Index>(), 1..=3)],
        prop::collection::vec(prop::sample::select(vec!["t", "t/a", "u", "/v"]), 0..=2),
        prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(patterns(), 1..=2)],
        prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(patterns(), 1..=2)],
    );
    let flags = (
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.7),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.3),
        prop::option::weighted(0.2, prop::sample::select(vec![0, 4])),
    );
    (names, flags).prop_map(|((roots, to, only, not), flags)| {
        let (delete, attributes, force, special, fragment) = flags;
        Asking { roots, to, only, not, delete, attributes, force, special, fragment }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let changes = prop::collection::vec(change(), 0..8);
    let socket = prop::option::weighted(0.2, any::<Index>());
    (changes, socket, asking()).prop_map(|(changes, socket, asking)| Step {
        changes,
        socket,
        asking,
    })
}

/// A mark and a name.
type Items = BTreeSet<(char, String)>;

/// One history as it goes on.
struct Run {
    bench: Workbench,
    /// Whether the clock is so late that everything on disk is settled.
    is_settled: bool,
    clock: i64,
    /// Every name that was on disk once.
    names: BTreeSet<Vec<u8>>,
}

impl Run {
    fn new(is_settled: bool) -> Self {
        set_dice(7);
        let clock = real_seconds() + 1_000_000;
        let names = BTreeSet::from([Vec::new()]);
        Self { bench: Workbench::new(fresh_in_memory()), is_settled, clock, names }
    }

    fn step(&mut self, step: &Step) {
        if self.is_settled {
            // Else a change could have the times of the one before, and nobody could tell.
            wait_for_a_tick();
            self.clock += 1;
            set_clock(self.clock);
        } else {
            set_clock(real_seconds());
        }
        let work = self.bench.work();
        for change in &step.changes {
            apply(&work, change);
        }
        if let Some(index) = step.socket {
            let directories = walk(&work).into_iter().filter(|(_, node)| node.kind == 'd');
            let directories: Vec<_> = directories.map(|(name, _)| name).collect();
            let path = place(&work, index.get::<Vec<u8>>(&directories)).join("socket");
            // It may be there already.
            let _ = rustix::fs::mknodat(CWD, path, FileType::Socket, Mode::RWXU, 0);
        }
        self.names.extend(walk(&work).into_keys());
        let options = self.options(&step.asking);
        self.check(&options);
    }

    fn options(&self, asking: &Asking) -> AddOptions {
        let names: Vec<_> = self.names.iter().collect();
        let roots = asking.roots.iter().map(|root| (*root.get(&names)).clone());
        let roots = if asking.roots.is_empty() { vec![Vec::new()] } else { roots.collect() };
        let disk: Vec<PathBuf> = roots.iter().map(|name| place(&self.bench.work(), name)).collect();
        let path = |bytes: &[u8]| StoredPath::normalized(bytes).unwrap();
        let from = disk.iter().map(|name| path(name.as_os_str().as_encoded_bytes())).collect();
        let to = asking.to.iter().map(|name| path(name.as_bytes())).collect();
        let patterns = |texts: &[&str]| texts.iter().map(|t| Pattern::new(t.as_bytes())).collect();
        AddOptions {
            files: disk.iter().map(|name| name.as_os_str().as_encoded_bytes().to_vec()).collect(),
            rename: Rename::pairs(from, to),
            selection: Selection::new(patterns(&asking.only), patterns(&asking.not)),
            delete: asking.delete,
            attributes: asking.attributes,
            force: asking.force,
            special: asking.special,
            fragment: asking.fragment,
            ..self.bench.add_options(b"")
        }
    }

    fn check(&self, options: &AddOptions) {
        let list = ListOptions {
            archive: options.archive.clone(),
            files: options.files.clone(),
            selection: options.selection.clone(),
            rename: options.rename.clone(),
            attributes: options.attributes,
            special: options.special,
            ..self.bench.list_options(Until::Latest)
        };
        let is_there = self.bench.archive().exists();
        let mut expected = None;
        if is_there {
            let mut shown = Shown::of(&list);
            if options.force {
                let by_content = Shown::of(&ListOptions { force: true, ..list.clone() });
                assert_eq!(by_content.on_both_sides, shown.on_both_sides);
                shown.items.extend(by_content.items);
                if options.attributes {
                    shown.add_missing_attributes(&self.bench.archive());
                }
            }
            if !options.delete {
                shown.items.retain(|(mark, _)| *mark != '-');
            }
            expected = Some((shown.items, shown.problems));
        }
        let (summary, told) = run_add(options);
        let told = told.items(Path::new("no prefix"));
        let told: Items = told.iter().map(|item| split(item)).collect();
        if let Some(expected) = expected {
            assert_eq!((told, summary.problems), expected);
        }
        if is_there || summary.version.is_some() {
            let shown = Shown::of(&list);
            let is_left = |(mark, _): &(char, String)| *mark == '-' && !options.delete;
            assert!(shown.items.iter().all(is_left), "after add: {:?}", shown.items);
        }
    }
}

fn split(item: &str) -> (char, String) {
    let (mark, name) = item.split_once(' ').unwrap();
    (mark.chars().next().unwrap(), name.to_owned())
}

/// What a `list` shows of changes.
struct Shown {
    /// Pairs are one item.
    items: Items,
    on_both_sides: BTreeSet<String>,
    problems: u64,
}

impl Shown {
    fn of(options: &ListOptions) -> Self {
        let (rows, summary, told) = rows(options);
        assert_eq!(summary.damaged, 0, "{}", told.warnings());
        let (mut items, mut on_both_sides) = (Items::new(), BTreeSet::new());
        let mut pair = None;
        for row in rows {
            let Row::Object { comparison, path, .. } = row else { panic!("a version") };
            let name = String::from_utf8_lossy(path.as_bytes()).into_owned();
            if let Some(first) = pair.take() {
                assert_eq!((comparison, &name), (Comparison::ExternalOnly, &first), "a pair");
                continue;
            }
            match comparison {
                Comparison::Same => _ = on_both_sides.insert(name),
                Comparison::Different => {
                    items.insert(('#', name.clone()));
                    on_both_sides.insert(name.clone());
                    pair = Some(name);
                }
                _ => assert!(items.insert((comparison.symbol(), name)), "shown twice"),
            }
        }
        assert_eq!(pair, None, "half a pair");
        Self { items, on_both_sides, problems: summary.problems }
    }

    /// What `add -force` saves besides.
    fn add_missing_attributes(&mut self, archive: &Path) {
        let archive = Archive::open_path(archive, None).unwrap();
        let version = History::of(&archive).newest().unwrap().unwrap();
        for entry in Catalog::of(&archive, &version).unwrap().entries() {
            let entry = entry.unwrap();
            let name = String::from_utf8_lossy(entry.path.as_bytes()).into_owned();
            let is_without = entry.object.stored().is_some_and(|stored| !stored.has_attributes);
            if is_without && self.on_both_sides.contains(&name) {
                self.items.insert(('#', name));
            }
        }
    }
}

/// Whatever is changed and whatever is asked for, `list` shows what `add` does.
#[test]
fn list_shows_what_add_does() {
    let histories = (any::<bool>(), prop::collection::vec(step(), 2..=6));
    random_cases(150)
        .run(&histories, |(is_settled, steps)| {
            let mut run = Run::new(is_settled);
            for step in &steps {
                run.step(step);
            }
            Ok(())
        })
        .unwrap();
}

fn settled_bench() -> Workbench {
    set_clock(real_seconds() + 1_000_000);
    set_dice(3);
    Workbench::new(fresh_in_memory())
}

/// The marks of rows by name; a pair is one `#`.
fn compared(options: &ListOptions) -> BTreeMap<String, char> {
    let mut marks = BTreeMap::new();
    for row in rows(options).0 {
        let Row::Object { comparison, path, .. } = row else { panic!("a version") };
        marks.entry(path.to_string()).or_insert(comparison.symbol());
    }
    marks
}

/// Bytes that changed under an old date and size are found, by both.
#[test]
fn a_change_behind_an_old_date_is_seen() {
    let bench = settled_bench();
    let file = bench.work().join("a");
    fs::write(&file, noise(1, 5000)).unwrap();
    set_mtime(&file, (1_000_000_000, 5));
    run_add(&bench.add_options(b""));
    wait_for_a_tick();
    fs::write(&file, noise(2, 5000)).unwrap();
    set_mtime(&file, (1_000_000_000, 5));
    assert_eq!(compared(&bench.compare_options(b"a"))["t/a"], '#');
    assert_eq!(run_add(&bench.add_options(b"")).0.updated, 1);
    // Only looked at again: the same.
    wait_for_a_tick();
    fs::write(&file, noise(2, 5000)).unwrap();
    set_mtime(&file, (1_000_000_000, 5));
    assert_eq!(compared(&bench.compare_options(b"a"))["t/a"], '=');
    let (summary, _) = run_add(&bench.add_options(b""));
    assert_eq!((summary.updated, summary.touched), (0, 1));
}

/// The mode that the newest version has of `t/a`, if it has one.
fn saved_mode(bench: &Workbench) -> Option<u32> {
    let archive = Archive::open_path(&bench.archive(), None).unwrap();
    let version = History::of(&archive).newest().unwrap().unwrap();
    let mut entries = Catalog::of(&archive, &version).unwrap().entries().map(Result::unwrap);
    let entry = entries.find(|entry| entry.path.as_bytes() == b"t/a").unwrap();
    let stored = entry.object.stored().unwrap();
    stored.has_attributes.then_some(stored.metadata.mode)
}

/// Attributes that are saved stay when a later update saves none; what changed of them meanwhile
/// is found by the next one that does.
#[test]
fn attributes_once_saved_are_not_lost() {
    let bench = settled_bench();
    let file = bench.work().join("a");
    let set_mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    fs::write(&file, "content").unwrap();
    set_mode(0o600);
    run_add(&bench.add_options(b"a"));
    let mut without = bench.add_options(b"a");
    without.attributes = false;
    assert_eq!(run_add(&without).0.version, None);
    for (mode, note) in [(0o640, "one"), (0o640, "two")] {
        let before = saved_mode(&bench);
        wait_for_a_tick();
        set_mode(mode);
        set_xattr(&file, "user.note", note.as_bytes());
        let (summary, _) = run_add(&without);
        assert_eq!((summary.updated, summary.touched), (0, 1));
        assert_eq!(saved_mode(&bench), before);
        assert_eq!(compared(&bench.compare_options(b"a"))["t/a"], '#', "{note}");
        assert_eq!(run_add(&bench.add_options(b"a")).0.updated, 1);
        assert_eq!(saved_mode(&bench), Some(mode));
    }
}

/// Attributes that were never saved make no difference; `add -force` saves them.
#[test]
fn attributes_not_saved_make_no_difference() {
    let bench = settled_bench();
    let file = bench.work().join("a");
    fs::write(&file, "content").unwrap();
    let mut options = bench.add_options(b"a");
    options.attributes = false;
    run_add(&options);
    wait_for_a_tick();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    options.attributes = true;
    assert_eq!(compared(&bench.compare_options(b"a"))["t/a"], '=');
    let (summary, _) = run_add(&options);
    assert_eq!((summary.updated, summary.touched, saved_mode(&bench)), (0, 1, None));
    options.force = true;
    assert_eq!(run_add(&options).0.updated, 1);
    assert_eq!(saved_mode(&bench), Some(0o600));
}

/// An entry that is written again only because of its times keeps what a newer zarc put there.
#[test]
fn fields_of_a_newer_version_are_kept_without_a_change() {
    let bench = settled_bench();
    fs::write(bench.work().join("a"), "content").unwrap();
    run_add(&bench.add_options(b"a"));
    let entry = |archive: &Archive| {
        let version = History::of(archive).newest().unwrap().unwrap();
        let entry = Catalog::of(archive, &version).unwrap().entries().next().unwrap().unwrap();
        (version, entry)
    };
    let location = bench.archive().into();
    let mut archive = Archive::open_location_for_writing(&location, DATA, &environment()).unwrap();
    let (version, mut newer) = entry(&archive);
    let Object::Stored(stored) = &mut newer.object else { panic!("a file") };
    stored.unknown = vec![(100, b"new".to_vec())];
    stored.ctime.seconds -= 1;
    stored.is_touched = true;
    let options = TransactionOptions {
        method: Method::default(),
        threads: 1,
        environment: environment(),
        comment: Vec::new(),
        date: None,
        shape: RunShape::default(),
    };
    let mut update = Transaction::begin(&mut archive, Some(&version), &options).unwrap();
    update.record(&newer, EntryChange::Touched).unwrap();
    update.commit().unwrap();
    drop(archive);
    assert_eq!(run_add(&bench.add_options(b"a")).0.touched, 1);
    let (_, kept) = entry(&Archive::open_path(&bench.archive(), None).unwrap());
    assert_eq!(kept.object.stored().unwrap().unknown, [(100, b"new".to_vec())]);
    assert_eq!(run_add(&bench.add_options(b"a")).0.version, None);
}

/// Where the identities of a content are lost, it counts as different, and that is said.
#[test]
fn what_cannot_be_compared_is_said_to_differ() {
    let bench = settled_bench();
    fs::write(bench.work().join("a"), noise(1, 5000)).unwrap();
    run_add(&bench.add_options(b""));
    let mut bytes = fs::read(bench.archive()).unwrap();
    let (offset, len) = frames(&bytes, 3)[0];
    bytes[offset + len / 2] ^= 0xff;
    fs::write(bench.archive(), &bytes).unwrap();
    assert_eq!(compared(&bench.compare_options(b""))["t/a"], '=');
    let mut options = bench.compare_options(b"");
    options.force = true;
    let (_, summary, told) = rows(&options);
    assert_eq!((summary.different, summary.damaged), (1, 1));
    assert!(told.warnings().contains("t/a: its content cannot be compared"), "{}", told.warnings());
    assert_eq!(compared(&options)["t/a"], '#');
}
