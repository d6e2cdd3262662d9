//! Goal: every version of every history comes back, and `list` and `add` agree about what changed.
//! Method: random changes to a tree, archived step by step, against a model that keeps a plain
//! copy of what each version must hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;
use rustix::fs::{CWD, FileType, Mode};
use zarc::base::Until;
use zarc::command::{AddOptions, Comparison, Row};

use super::support::noise;
use super::support::trees::{
    Node, Tree, differences, differences_of, is_within, join, parent, place, walk,
};
use super::support::workbench::{
    Workbench, below_root, fresh_in_memory, random_cases, real_seconds, remove_tree, row_node,
    rows, run_add, set_clock, set_dice, set_mtime, set_xattr, wait_for_a_tick,
};

/// A change to the tree; indices pick among what is there.
#[derive(Debug, Clone)]
enum Change {
    Create(Index, Index, u64, usize),
    MakeDirectory(Index, Index),
    MakeLink(Index, Index, &'static str),
    MakePipe(Index, Index),
    /// Other bytes of the same length; whether the modification time is set back.
    Overwrite(Index, u64, bool),
    Append(Index, u64, usize),
    Truncate(Index, usize),
    Touch(Index, (i64, i64)),
    SetMode(Index, u32),
    SetAttribute(Index, Vec<u8>),
    /// Of anything, also a directory with all that is in it.
    Move(Index, Index, Index),
    Delete(Index),
    /// A file becomes a directory with a file in it, anything else a file.
    BecomeOther(Index, u64),
    HardLink(Index, Index, Index),
}

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

const NAMES: &[&[u8]] = &[b"a", b"b", b"c", b"d", b"a b", b"\xffz", b"-x", b"a.c"];

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let len = || prop::sample::select(vec![0, 1, 100, 5000, 70_000, 200_000]);
    let time = (prop::sample::select(vec![0, -5, 1_000_000_000, 4_000_000_000]), 0..1000_i64);
    let mode = prop::sample::select(vec![0o644, 0o600, 0o755, 0o4711, 0o700]);
    let target = prop::sample::select(vec!["a", "../b", "nowhere"]);
    prop_oneof![
        5 => (at(), at(), 0..50_u64, len()).prop_map(|(d, n, s, l)| Change::Create(d, n, s, l)),
        4 => (at(), at()).prop_map(|(d, n)| Change::MakeDirectory(d, n)),
        1 => (at(), at(), target).prop_map(|(d, n, t)| Change::MakeLink(d, n, t)),
        1 => (at(), at()).prop_map(|(d, n)| Change::MakePipe(d, n)),
        3 => (at(), 0..50_u64, any::<bool>()).prop_map(|(f, s, b)| Change::Overwrite(f, s, b)),
        2 => (at(), 0..50_u64, len()).prop_map(|(f, s, l)| Change::Append(f, s, l)),
        1 => (at(), 0..100_000_usize).prop_map(|(f, l)| Change::Truncate(f, l)),
        2 => (at(), time).prop_map(|(n, t)| Change::Touch(n, t)),
        2 => (at(), mode).prop_map(|(n, m)| Change::SetMode(n, m)),
        1 => (at(), prop::collection::vec(any::<u8>(), 0..20))
            .prop_map(|(n, v)| Change::SetAttribute(n, v)),
        3 => (at(), at(), at()).prop_map(|(n, d, t)| Change::Move(n, d, t)),
        3 => at().prop_map(Change::Delete),
        2 => (at(), 0..50_u64).prop_map(|(n, s)| Change::BecomeOther(n, s)),
        3 => (at(), at(), at()).prop_map(|(f, d, n)| Change::HardLink(f, d, n)),
    ]
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

/// The places of the tree that a change may pick.
struct Places {
    root: PathBuf,
    tree: Tree,
}

impl Places {
    fn of(root: &Path) -> Self {
        Self { root: root.to_owned(), tree: walk(root) }
    }

    fn pick(&self, index: Index, is_wanted: impl Fn(&[u8], &Node) -> bool) -> Option<PathBuf> {
        let wanted: Vec<_> =
            self.tree.iter().filter(|(name, node)| is_wanted(name, node)).collect();
        let chosen = (!wanted.is_empty()).then(|| *index.get(&wanted))?;
        Some(place(&self.root, chosen.0))
    }

    fn file(&self, index: Index) -> Option<PathBuf> {
        self.pick(index, |_, node| node.kind == '-')
    }

    /// Anything but the root, which has to stay.
    fn any(&self, index: Index) -> Option<PathBuf> {
        self.pick(index, |name, _| !name.is_empty())
    }

    /// A name in a directory that nothing has yet.
    fn free(&self, directory: Index, name: Index) -> Option<PathBuf> {
        let directory = self.pick(directory, |_, node| node.kind == 'd')?;
        let path = place(&directory, name.get::<&[u8]>(NAMES));
        path.symlink_metadata().is_err().then_some(path)
    }
}

/// Makes the change, if there is what it needs.
fn apply(root: &Path, change: &Change) -> Option<()> {
    let places = Places::of(root);
    match change.clone() {
        Change::Create(directory, name, seed, len) => {
            fs::write(places.free(directory, name)?, noise(seed, len)).unwrap();
        }
        Change::MakeDirectory(directory, name) => {
            fs::create_dir(places.free(directory, name)?).unwrap();
        }
        Change::MakeLink(directory, name, target) => {
            std::os::unix::fs::symlink(target, places.free(directory, name)?).unwrap();
        }
        Change::MakePipe(directory, name) => {
            let path = places.free(directory, name)?;
            rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).unwrap();
        }
        Change::Move(from, directory, name) => {
            let (from, to) = (places.any(from)?, places.free(directory, name)?);
            // Nothing can be moved into itself.
            let _ = fs::rename(from, to);
        }
        Change::Delete(index) => remove(&places.any(index)?),
        Change::BecomeOther(index, seed) => {
            let path = places.any(index)?;
            let was_file = path.symlink_metadata().unwrap().is_file();
            remove(&path);
            if was_file {
                fs::create_dir(&path).unwrap();
                fs::write(path.join("a"), noise(seed, 3000)).unwrap();
            } else {
                fs::write(&path, noise(seed, 3000)).unwrap();
            }
        }
        Change::HardLink(index, directory, name) => {
            let (from, to) = (places.file(index)?, places.free(directory, name)?);
            fs::hard_link(from, to).unwrap();
        }
        other => change_object(&places, &other)?,
    }
    Some(())
}

fn remove(path: &Path) {
    if path.symlink_metadata().unwrap().is_dir() {
        remove_tree(path);
    } else {
        fs::remove_file(path).unwrap();
    }
}

/// Changes that leave the name what it is.
fn change_object(places: &Places, change: &Change) -> Option<()> {
    match change.clone() {
        Change::Overwrite(index, seed, is_hidden) => {
            let path = places.file(index)?;
            let before = walk(&path).remove(b"".as_slice()).unwrap();
            fs::write(&path, noise(seed + 1000, before.content.len())).unwrap();
            if is_hidden {
                set_mtime(&path, before.mtime);
            }
        }
        Change::Append(index, seed, len) => {
            let path = places.file(index)?;
            let content = [fs::read(&path).unwrap(), noise(seed, len)].concat();
            fs::write(&path, content).unwrap();
        }
        Change::Truncate(index, len) => {
            let file = fs::OpenOptions::new().write(true).open(places.file(index)?).unwrap();
            file.set_len(len as u64).unwrap();
        }
        Change::Touch(index, time) => set_mtime(&places.any(index)?, time),
        Change::SetMode(index, mode) => {
            let path = places.pick(index, |_, node| node.kind != 'l')?;
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        Change::SetAttribute(index, value) => {
            let path = places.pick(index, |_, node| matches!(node.kind, '-' | 'd'))?;
            set_xattr(&path, "user.note", &value);
        }
        _ => unreachable!("the others are made elsewhere"),
    }
    Some(())
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
    /// What `add` must find; without `deeply`, what dates, sizes and attributes tell `list`.
    fn expected(&self, disk: &Tree, scope: &[u8], options: &AddOptions, deeply: bool) -> Names {
        let mut names = Names::default();
        for (name, node) in disk.iter().filter(|(name, _)| is_within(name, scope)) {
            match self.latest.get(name) {
                None => _ = names.added.insert(shown(name)),
                Some(old) if is_changed(old, node, options.attributes, deeply) => {
                    names.changed.insert(shown(name));
                }
                Some(_) => {}
            }
        }
        let gone = self.latest.keys().filter(|name| is_within(name, scope));
        if options.delete || !deeply {
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
            let mut node = node.clone();
            node.has_attributes = options.attributes;
            self.latest.insert(name.clone(), node);
        }
    }
}

fn is_changed(old: &Node, new: &Node, attributes: bool, deeply: bool) -> bool {
    let mut new = new.clone();
    new.has_attributes = attributes;
    if !deeply {
        let mut old = old.clone();
        if old.content.len() == new.content.len() {
            old.content.clone_from(&new.content);
        }
        return !differences_of(&old, &new).is_empty();
    }
    old.has_attributes != new.has_attributes || !differences_of(old, &new).is_empty()
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

    /// `list DIR` shows what dates, sizes and attributes tell.
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
            }
        }
        found.added.retain(|name| !found.changed.contains(name));
        assert_eq!(found, self.model.expected(disk, scope, options, false), "list");
    }

    /// Archives, and checks what is told of it.
    fn add(&mut self, disk: &Tree, scope: &[u8], options: &AddOptions) {
        let expected = self.model.expected(disk, scope, options, true);
        let (summary, told) = run_add(options);
        let found = names_told(&told.items(Path::new("no prefix")));
        self.model.is_cut_anew |= options.fragment.is_some();
        assert_eq!((&found.added, &found.gone), (&expected.added, &expected.gone), "add");
        let more: BTreeSet<_> = found.changed.difference(&expected.changed).collect();
        assert!(expected.changed.is_subset(&found.changed), "{expected:?} {found:?}");
        assert!(more.is_empty() || self.model.is_cut_anew, "without a change: {more:?}");
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

/// An object has one mode: if one of its names was saved without, nothing is said of it.
fn share_attributes(tree: &mut Tree) {
    let without: BTreeSet<_> =
        tree.values().filter(|node| !node.has_attributes).filter_map(|node| node.link).collect();
    for node in tree.values_mut() {
        node.has_attributes &= !node.link.is_some_and(|link| without.contains(&link));
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
