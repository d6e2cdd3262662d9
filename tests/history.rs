//! Goal: every version of every history comes back, and `list` and `add` agree about what changed.
//! Method: random changes to a tree, archived step by step, against a model that keeps a plain
//! copy of what each version must hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;
use zarc::base::Until;
use zarc::command::{AddOptions, Comparison, Row};

use super::support::tree_changes::{Change, apply, change};
use super::support::trees::{
    Node, Tree, differences, differences_of, is_within, join, parent, walk,
};
use super::support::workbench::{
    Workbench, below_root, fresh_in_memory, random_cases, real_seconds, row_node, rows, run_add,
    set_clock, set_dice, wait_for_a_tick,
};

/// What is archived, and how.
#[derive(Debug, Clone)]
struct Adding {
    /// Everything, or only what is at and below one name of disk or archive.
    scope: Option<Index>,
    delete: bool,
    attributes: bool,
    force: bool,
    fragment: Option<u8>,
    /// How far the clock goes on; back, if it is negative.
    seconds: i64,
}

#[derive(Debug, Clone)]
struct Step {
    changes: Vec<Change>,
    adding: Adding,
}

fn step() -> impl Strategy<Value = Step> {
    let adding = (
        prop::option::weighted(0.3, any::<Index>()),
        prop::bool::weighted(0.85),
        prop::bool::weighted(0.85),
        prop::bool::weighted(0.15),
        prop::option::weighted(0.1, prop::sample::select(vec![0, 4])),
        prop_oneof![8 => 1..100_i64, 1 => -50..=0_i64],
    )
        .prop_map(|(scope, delete, attributes, force, fragment, seconds)| Adding {
            scope,
            delete,
            attributes,
            force,
            fragment,
            seconds,
        });
    (prop::collection::vec(change(), 0..8), adding)
        .prop_map(|(changes, adding)| Step { changes, adding })
}

/// What the archive must hold.
#[derive(Default)]
struct Model {
    latest: Tree,
    /// Each version with its date.
    versions: Vec<(Tree, i64)>,
    /// Whether content may have been cut in two ways, so that equal bytes can be stored anew.
    is_cut_anew: bool,
}

/// Names that an update adds, changes and takes away.
#[derive(Debug, Default, PartialEq, Eq)]
struct Names {
    added: BTreeSet<Vec<u8>>,
    changed: BTreeSet<Vec<u8>>,
    gone: BTreeSet<Vec<u8>>,
}

/// What is shown in place of a name that may be any bytes.
fn shown(name: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(name).into_owned().into_bytes()
}

impl Model {
    /// What `add` must find.
    fn expected(&self, disk: &Tree, scope: &[u8], options: &AddOptions) -> Names {
        let mut names = Names::default();
        for (name, node) in disk.iter().filter(|(name, _)| is_within(name, scope)) {
            match self.latest.get(name) {
                None => _ = names.added.insert(shown(name)),
                Some(old) if is_changed(old, node, options) => {
                    names.changed.insert(shown(name));
                }
                Some(_) => {}
            }
        }
        let gone = self.latest.keys().filter(|name| is_within(name, scope));
        if options.delete {
            names.gone = gone.filter(|n| !disk.contains_key(*n)).map(|n| shown(n)).collect();
        }
        names
    }

    /// Takes over what was archived.
    fn take(&mut self, disk: &Tree, scope: &[u8], options: &AddOptions) {
        if options.delete {
            self.latest.retain(|name, _| !is_within(name, scope) || disk.contains_key(name));
        }
        for (name, node) in disk.iter().filter(|(name, _)| is_within(name, scope)) {
            match self.latest.get(name) {
                // Attributes that are saved already stay.
                Some(old) if !is_changed(old, node, options) => {
                    let mut kept = old.clone();
                    kept.link = node.link;
                    self.latest.insert(name.clone(), kept);
                }
                _ => {
                    let saved = Node { has_attributes: options.attributes, ..node.clone() };
                    self.latest.insert(name.clone(), saved);
                }
            }
        }
    }
}

fn is_changed(old: &Node, new: &Node, options: &AddOptions) -> bool {
    let new = Node { has_attributes: options.attributes, ..new.clone() };
    let is_to_be_saved = options.force && options.attributes && !old.has_attributes;
    is_to_be_saved || !differences_of(old, &new).is_empty()
}

/// A name can stand in the way of what lies below it if `-nodelete` kept both.
fn is_reachable(tree: &Tree, name: &[u8]) -> bool {
    let mut above = parent(name);
    while let Some(directory) = above {
        if tree.get(directory).is_some_and(|node| node.kind != 'd') {
            return false;
        }
        above = parent(directory);
    }
    true
}

/// One history as it goes on.
struct Run {
    bench: Workbench,
    model: Model,
    /// Whether the clock is so late that everything on disk is settled.
    is_settled: bool,
    clock: i64,
}

impl Run {
    fn new(is_settled: bool) -> Self {
        let clock = real_seconds() + if is_settled { 1_000_000 } else { 0 };
        set_dice(7);
        let bench = Workbench::new(fresh_in_memory());
        Self { bench, model: Model::default(), is_settled, clock }
    }

    fn scope(&self, adding: &Adding, disk: &Tree) -> Vec<u8> {
        let Some(index) = adding.scope else { return Vec::new() };
        let names: Vec<_> = disk.keys().chain(self.model.latest.keys()).collect();
        (*index.get(&names)).clone()
    }

    fn options(&self, adding: &Adding, scope: &[u8]) -> AddOptions {
        AddOptions {
            delete: adding.delete,
            attributes: adding.attributes,
            force: adding.force,
            fragment: adding.fragment,
            ..self.bench.add_options(scope)
        }
    }

    fn step(&mut self, step: &Step) {
        if self.is_settled {
            // Else a change could have the times of the one before, and nobody could tell.
            wait_for_a_tick();
            self.clock += step.adding.seconds;
            set_clock(self.clock);
        } else {
            set_clock(real_seconds() - i64::from(step.adding.seconds < 0));
        }
        for change in &step.changes {
            apply(&self.bench.work(), change);
        }
        let disk = walk(&self.bench.work());
        let scope = self.scope(&step.adding, &disk);
        let options = self.options(&step.adding, &scope);
        if !self.model.versions.is_empty() {
            self.check_comparison(&disk, &scope, &options);
        }
        self.add(&disk, &scope, &options);
        if !self.model.versions.is_empty() {
            self.check_comparison(&disk, &scope, &options);
            self.check_list();
        }
    }

    /// `list DIR` shows what `add` without `-force` and `-nodelete` finds.
    fn check_comparison(&self, disk: &Tree, scope: &[u8], options: &AddOptions) {
        let mut compare = self.bench.compare_options(scope);
        compare.attributes = options.attributes;
        let (rows, ..) = rows(&compare);
        let mut found = Names::default();
        for row in &rows {
            let Row::Object { comparison, path, .. } = row else { panic!("a version") };
            let name = shown(&below_root(path));
            match comparison {
                Comparison::Same => {}
                Comparison::Different => _ = found.changed.insert(name),
                Comparison::InternalOnly => _ = found.gone.insert(name),
                Comparison::ExternalOnly => _ = found.added.insert(name),
                Comparison::Duplicate => panic!("only -summary looks for them"),
            }
        }
        found.added.retain(|name| !found.changed.contains(name));
        let plain = AddOptions { force: false, delete: true, ..options.clone() };
        assert_eq!(found, self.model.expected(disk, scope, &plain), "list");
    }

    /// Archives, and checks what is told of it.
    fn add(&mut self, disk: &Tree, scope: &[u8], options: &AddOptions) {
        let expected = self.model.expected(disk, scope, options);
        let (summary, told) = run_add(options);
        let found = names_told(&told.items(Path::new("no prefix")));
        self.model.is_cut_anew |= options.fragment.is_some();
        assert_eq!(found, expected, "add");
        let counts = (summary.added, summary.updated, summary.deleted);
        let len = |names: &BTreeSet<_>| names.len() as u64;
        assert_eq!(counts, (len(&found.added), len(&found.changed), len(&found.gone)));
        let nothing = found == Names::default() && summary.touched == 0;
        assert_eq!(summary.version.is_none(), nothing);
        if let Some(version) = summary.version {
            self.model.take(disk, scope, options);
            let last = self.model.versions.last().map_or(i64::MIN, |(_, date)| *date);
            let date = (options.environment.now)().seconds.max(last.saturating_add(1));
            self.model.versions.push((self.model.latest.clone(), date));
            assert_eq!(version, self.model.versions.len() as u64);
        }
    }

    /// The newest version is listed as it is.
    fn check_list(&self) {
        let (rows, ..) = rows(&self.bench.list_options(Until::Latest));
        let listed = rows.iter().map(|row| (name_of(row), row_node(row).unwrap())).collect();
        check_listed(&self.model.latest, &listed);
    }

    /// Every version comes back, by its number and by its date, from the disk and from deltas.
    fn finish(&self) {
        self.check_deltas();
        for (number, (tree, date)) in (1..).zip(&self.model.versions) {
            let next = self.model.versions.get(number).map_or(*date + 5, |(_, next)| next - 1);
            let until = Until::Version(number as u64);
            for same in [Until::Date(*date), Until::Date(next)] {
                let listed = |until| rows(&self.bench.list_options(until)).0;
                assert_eq!(listed(same), listed(until), "version {number}");
            }
            let (summary, told, found) = self.bench.extract(until, false);
            let reachable = |name: &Vec<u8>| is_reachable(tree, name);
            let hidden = tree.keys().filter(|name| !reachable(name)).count() as u64;
            assert_eq!(summary.problems, hidden, "version {number}: {}", told.warnings());
            let mut expected = tree.clone();
            expected.retain(|name, _| reachable(name));
            share_attributes(&mut expected);
            let mut differences = differences(&expected, &found);
            // A name of an object that is cut anew alone is an object of its own.
            differences.retain(|told| !(self.model.is_cut_anew && told.starts_with("hard links")));
            assert_eq!(differences, Vec::<String>::new(), "version {number}");
        }
        if !self.model.versions.is_empty() {
            let (summary, told) = self.bench.verify();
            assert_eq!((summary.damaged, told.warnings().as_str()), (0, ""));
        }
    }

    /// What `list -all` shows of the updates, one after another, gives the versions.
    fn check_deltas(&self) {
        if self.model.versions.is_empty() {
            return;
        }
        let mut options = self.bench.list_options(Until::Latest);
        options.all = Some(4);
        let mut versions = Vec::new();
        let mut tree = BTreeMap::new();
        for row in rows(&options).0 {
            match &row {
                Row::Version { version, date, .. } => {
                    versions.push(tree.clone());
                    assert_eq!(date.seconds, self.model.versions[versions.len() - 1].1);
                    assert_eq!(version.0, versions.len() as u64);
                }
                Row::Object { .. } => {
                    let name = name_of(&row);
                    match row_node(&row) {
                        Some(listed) => _ = tree.insert(name, listed),
                        None => assert!(tree.remove(&name).is_some(), "deleted, but not there"),
                    }
                }
            }
        }
        versions.push(tree);
        assert_eq!(versions.len(), self.model.versions.len() + 1);
        for (listed, (expected, _)) in versions[1..].iter().zip(&self.model.versions) {
            check_listed(expected, listed);
        }
    }
}

/// An object has one mode: if one of its names was saved without or with another, nothing is said
/// of it.
fn share_attributes(tree: &mut Tree) {
    let mut groups: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for node in tree.values() {
        let attributes = (node.has_attributes, node.mode, node.owner, node.xattrs.clone());
        groups.entry(node.link).or_default().insert(attributes);
    }
    for node in tree.values_mut().filter(|node| node.link.is_some()) {
        node.has_attributes &= groups[&node.link].len() == 1;
    }
}

fn name_of(row: &Row) -> Vec<u8> {
    let Row::Object { path, .. } = row else { panic!("a version") };
    below_root(path)
}

/// Names, metadata and sizes agree.
fn check_listed(expected: &Tree, listed: &BTreeMap<Vec<u8>, (Node, u64)>) {
    assert!(expected.keys().eq(listed.keys()), "{:?}", listed.keys());
    for (name, node) in expected {
        let (found, size) = &listed[name];
        assert_eq!(*size, node.content.len() as u64, "size of {}", name.escape_ascii());
        let plain = Node { content: Vec::new(), ..node.clone() };
        assert_eq!(differences_of(&plain, found), Vec::<String>::new(), "{}", name.escape_ascii());
    }
}

/// The names that `add` told, by their marks.
fn names_told(items: &[String]) -> Names {
    let mut names = Names::default();
    for item in items {
        let (mark, name) = item.split_at(2);
        let name = name.strip_prefix('t').unwrap();
        let name = name.strip_prefix('/').unwrap_or(name).as_bytes().to_vec();
        match mark {
            "+ " => _ = names.added.insert(name),
            "# " => _ = names.changed.insert(name),
            "- " => _ = names.gone.insert(name),
            _ => panic!("{item}"),
        }
    }
    names
}

/// Whatever is changed, and whatever of it is archived how, every version comes back as it was.
#[test]
fn every_version_of_every_history_comes_back() {
    let histories = (any::<bool>(), prop::collection::vec(step(), 1..=8));
    random_cases(200)
        .run(&histories, |(is_settled, steps)| {
            let mut run = Run::new(is_settled);
            for step in &steps {
                run.step(step);
            }
            run.finish();
            Ok(())
        })
        .unwrap();
}

/// Names that were archived together stay names of one object, also when another of its names was
/// archived again alone.
#[test]
fn names_of_one_object_are_found_among_other_states_of_it() {
    let bench = Workbench::new(fresh_in_memory());
    set_clock(real_seconds() + 1000);
    fs::write(bench.work().join("a"), b"content").unwrap();
    fs::hard_link(bench.work().join("a"), bench.work().join("c")).unwrap();
    run_add(&bench.add_options(b""));
    wait_for_a_tick();
    fs::hard_link(bench.work().join("a"), bench.work().join("b")).unwrap();
    run_add(&bench.add_options(b"b"));
    let (_, told, found) = bench.extract(Until::Latest, false);
    assert_eq!(told.warnings(), "");
    let link = |name: &[u8]| found[name].link;
    assert!(link(b"a").is_some() && link(b"a") == link(b"c"));
    assert_eq!(link(b"b"), None);
}

/// The model names what is below a name as archives do.
#[test]
fn names_below_others_are_told_apart() {
    assert!(is_within(b"a/b", b"a") && is_within(b"a", b"a") && is_within(b"a", b""));
    assert!(!is_within(b"a.c", b"a") && !is_within(b"a", b"a/b"));
    assert_eq!(join(b"", b"a"), b"a");
    assert_eq!(
        (parent(b"a/b"), parent(b"a"), parent(b"")),
        (Some(&b"a"[..]), Some(&b""[..]), None)
    );
}
