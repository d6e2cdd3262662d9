//! Goal: merged runs change nothing but the cost. Method: random histories with small pages and
//! runs that are merged as often as can be, next to the same histories without a merged run, each
//! version compared with what it has to hold; merged runs that lie are made by hand.

use std::sync::Arc;

use zarc::archive::{Archive, Catalog, History, Location, OpenOptions, RunReference, RunShape};
use zarc::base::{Result, StoredPath, Until};
use zarc::command::{KeyCost, Password, VerifyOptions, VerifySummary, verify};
use zarc::format::{
    DirectoryBuilder, Entry, EntryPageBuilder, FrameType, Manifest, Object, PageReference, RunKind,
};
use zarc::journal::UpdateWriter;
use zarc::storage::Memory;

use super::support::forged::{append_packed, append_update};
use super::support::keys::key_words;
use super::support::parts::parts;
use super::support::random_history::{Ending, Updates};
use super::support::truth::Truth;
use super::support::workbench::{
    Workbench, fresh_in_memory, real_seconds, run_add, run_extract, set_clock, verify_options,
};
use super::support::{DATA, Told, noise};

/// Merged as often as can be, and pages of a few records.
const EAGER: RunShape = RunShape {
    entry_page_bytes: 300,
    fragment_page_bytes: 400,
    directory_bytes: 150,
    identity_page_records: 3,
    identity_run_min: 5,
    identity_run_max: 12,
    fan_out: 2,
};

/// Never merged.
const PLAIN: RunShape = RunShape { fan_out: u64::MAX, ..EAGER };

/// Lets updates come, each by a process of its own.
fn grow(
    open: &dyn Fn(&Updates) -> Result<Archive>,
    updates: &mut Updates,
    truths: &mut Vec<Arc<Truth>>,
    count: usize,
) {
    for _ in 0..count {
        let mut archive = open(updates).unwrap();
        let before = truths.last().cloned();
        let made = updates.update(&mut archive, before.as_ref(), Ending::Commit, |_| ());
        truths.extend(made.unwrap().map(|(truth, _)| truth));
    }
}

fn in_memory(memory: &Memory) -> impl Fn(&Updates) -> Result<Archive> {
    let memory = memory.clone();
    move |updates| {
        let backend = Arc::new(memory.clone());
        Archive::open_for_writing(backend, updates.opening, &updates.environment)
    }
}

fn check_versions(archive: &Archive, truths: &[Arc<Truth>]) {
    let history = History::of(archive);
    for truth in truths {
        let version = history.at(Until::Version(truth.number)).unwrap().unwrap();
        let reading = truth.compare(archive, &version);
        assert!(reading.is_whole(), "version {}: {:?}", truth.number, reading.errors);
    }
}

fn check(location: Location, key: Option<&'static str>) -> (VerifySummary, String) {
    let told = Told::default();
    let options = VerifyOptions { key: key.map(key_words), ..verify_options(location) };
    (verify(&options, &told).unwrap(), told.warnings())
}

fn check_bytes(bytes: &[u8]) -> (VerifySummary, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.zarc");
    std::fs::write(&path, bytes).unwrap();
    check(path.into(), None)
}

/// Live runs of entries and of fragment records in the newest version.
fn live(archive: &Archive) -> (usize, usize) {
    let manifest = History::of(archive).newest().unwrap().unwrap().manifest;
    (manifest.entry_runs.len(), manifest.fragment_runs.len())
}

/// Whatever is changed, every version holds what it held without merged runs, and no more runs
/// than the logarithm of its length.
#[test]
fn versions_are_the_same_with_merged_runs_as_without() {
    for seed in 0..12 {
        let updates_count = 24;
        for shape in [EAGER, RunShape { fan_out: 3, ..EAGER }, PLAIN] {
            let mut updates = Updates::new(seed, 30, 300).shaped(shape);
            let (memory, mut truths) = (Memory::default(), Vec::new());
            grow(&in_memory(&memory), &mut updates, &mut truths, updates_count);
            let archive = Archive::open(Arc::new(memory.clone()), None).unwrap();
            check_versions(&archive, &truths);
            let (entry_runs, fragment_runs) = live(&archive);
            if shape == PLAIN {
                assert!(entry_runs > 15 && fragment_runs > 15, "{entry_runs}, {fragment_runs}");
            } else {
                assert!(entry_runs <= 16 && fragment_runs <= 16, "{entry_runs}, {fragment_runs}");
            }
            let (found, told) = check_bytes(&memory.to_bytes());
            assert_eq!((found.damaged, told.as_str()), (0, ""), "seed {seed}");
        }
    }
}

/// An archive that goes on from an older version merges the runs of that one.
#[test]
fn what_was_rolled_back_is_in_no_merged_run() {
    for seed in 0..6 {
        let mut updates = Updates::new(seed, 20, 300).shaped(EAGER);
        let (memory, mut truths) = (Memory::default(), Vec::new());
        let open = in_memory(&memory);
        for kept in [5, 2, 7] {
            grow(&open, &mut updates, &mut truths, 9);
            let mut archive = open(&updates).unwrap();
            let base = History::of(&archive).at(Until::Version(kept)).unwrap();
            archive.roll_back(base.as_ref(), updates.opening, &updates.environment).unwrap();
            truths.truncate(usize::try_from(kept).unwrap());
            archive.finish_rollback().unwrap();
        }
        grow(&open, &mut updates, &mut truths, 9);
        check_versions(&open(&updates).unwrap(), &truths);
        let (found, told) = check_bytes(&memory.to_bytes());
        assert_eq!((found.damaged, told.as_str()), (0, ""), "seed {seed}");
    }
}

/// Merged runs of an encrypted archive in parts stand in the newest part and list pages of older
/// ones.
#[test]
fn parts_and_encrypted_archives_have_merged_runs_too() {
    let password = Password::new(b"words".to_vec());
    let password: &'static Password = Box::leak(Box::new(password));
    let key_cost = KeyCost::with_log_n(10).unwrap();
    let opening = OpenOptions { password: Some(password), key_cost, ..DATA };
    let directory = tempfile::tempdir().unwrap();
    let location = parts(directory.path(), "part??.zarc");
    let mut updates = Updates::new(5, 25, 300).shaped(EAGER);
    updates.opening = opening;
    let mut truths = Vec::new();
    let open = |updates: &Updates| {
        Archive::open_location_for_writing(&location, updates.opening, &updates.environment)
    };
    grow(&open, &mut updates, &mut truths, 14);
    let archive = Archive::open_location(&location, Some(password)).unwrap();
    check_versions(&archive, &truths);
    assert!(live(&archive).0 < 10, "{:?}", live(&archive));
    let (found, told) = check(location.clone(), Some("words"));
    assert_eq!((found.damaged, told.as_str()), (0, ""));
}

/// Deletions are in no run that nothing is older than, once it was merged.
#[test]
fn deletions_go_when_they_hide_nothing() {
    let mut made = super::support::Made::new();
    made.update(&[("a", super::support::file(b"a")), ("b", super::support::file(b"b"))]);
    for number in 0..20 {
        let name = format!("n{number}");
        made.update(&[(name.as_str(), super::support::file(&noise(number, 50)))]);
        made.update(&[(name.as_str(), super::support::Thing::Deleted)]);
    }
    let archive = Archive::open_path(&made.archive(), None).unwrap();
    let version = History::of(&archive).newest().unwrap().unwrap();
    let oldest = version.manifest.entry_runs.last().unwrap();
    assert!(oldest.updates.0 == 1 && oldest.updates.1 > 1, "{oldest:?}");
    let catalog = Catalog::of_runs(&archive, std::slice::from_ref(oldest)).unwrap();
    let deleted = catalog.changes().map(Result::unwrap).filter(|e| e.object.stored().is_none());
    assert_eq!(deleted.count(), 0);
    let names: Vec<_> = Catalog::of(&archive, &version).unwrap().entries().collect();
    assert_eq!(names.len(), 2);
}

/// Where an old page cannot be read, an update is written all the same, and the runs stay: what
/// cannot be read is hidden by no merged run.
#[test]
fn damaged_pages_are_not_merged() {
    let mut updates = Updates::new(8, 30, 300).shaped(EAGER);
    let (memory, mut truths) = (Memory::default(), Vec::new());
    grow(&in_memory(&memory), &mut updates, &mut truths, 7);
    let sound = memory.to_bytes();
    let archive = Archive::open(Arc::new(memory), None).unwrap();
    let version = History::of(&archive).newest().unwrap().unwrap();
    let run = version.manifest.entry_runs.last().unwrap();
    let root = usize::try_from(run.place.offset).unwrap();
    let mut bytes = sound.clone();
    bytes[root + 70] ^= 1;
    let damaged = Memory::with_bytes(bytes.clone());
    grow(&in_memory(&damaged), &mut updates, &mut truths, 3);
    let mut mended = damaged.to_bytes();
    assert!(mended.starts_with(&bytes));
    mended[root + 70] ^= 1;
    let archive = Archive::open(Arc::new(Memory::with_bytes(mended)), None).unwrap();
    check_versions(&archive, &truths);
}

/// A merged run that does not hold what it stands for is damage.
#[test]
fn a_merged_run_that_lies_is_found() {
    let mut updates = Updates::new(3, 30, 300).shaped(PLAIN);
    let (memory, mut truths) = (Memory::default(), Vec::new());
    grow(&in_memory(&memory), &mut updates, &mut truths, 3);
    assert_eq!(check_bytes(&memory.to_bytes()).0.damaged, 0);
    let archive = Archive::open(Arc::new(memory.clone()), None).unwrap();
    let version = History::of(&archive).newest().unwrap().unwrap();
    let runs = version.manifest.entry_runs.clone();
    let lies: [Vec<RunReference>; 3] = [
        // The oldest run as if the others had been merged into it.
        vec![RunReference { updates: (1, 3), ..runs[2].clone() }],
        // One is left out.
        vec![runs[0].clone(), runs[2].clone()],
        vec![],
    ];
    for (lie, complaint) in lies.into_iter().zip(["a merged run", "does not continue", "a merged"])
    {
        let forged = Memory::with_bytes(memory.to_bytes());
        let manifest = Manifest { entry_runs: lie, ..version.manifest.clone() };
        append_update(&forged, manifest, |_, _| ());
        let (found, told) = check_bytes(&forged.to_bytes());
        assert!(found.damaged > 0 && told.contains(complaint), "{told}");
    }
}

/// Pages, or directories of pages, that overlap are damage: they are told, and no writer puts down what
/// nobody can read.
#[test]
fn pages_that_overlap_are_damage() {
    for is_in_directories in [false, true] {
        let mut updates = Updates::new(3, 30, 300).shaped(EAGER);
        let (memory, mut truths) = (Memory::default(), Vec::new());
        grow(&in_memory(&memory), &mut updates, &mut truths, 1);
        let archive = Archive::open(Arc::new(memory.clone()), None).unwrap();
        let manifest = History::of(&archive).newest().unwrap().unwrap().manifest;
        append_update(&memory, manifest, |writer, manifest| {
            let run = if is_in_directories {
                let pages = [["a"], ["z"], ["m"], ["n"]].map(|names| page(writer, &names));
                let low = directory(writer, 1, &pages[..2]);
                let high = directory(writer, 1, &pages[2..]);
                directory(writer, 2, &[low, high])
            } else {
                let pages = [page(writer, &["a", "z"]), page(writer, &["m", "n"])];
                directory(writer, 1, &pages)
            };
            let PageReference { place, payload_len, records, .. } = run;
            let updates = (manifest.update, manifest.update);
            let kind = RunKind::Entries;
            let run = RunReference { kind, place, payload_len, updates, records, first_block: 0 };
            manifest.delta_entries = Some(run.clone());
            manifest.entry_runs.insert(0, run);
            manifest.counts.deleted = 4;
        });
        let (found, told) = check_bytes(&memory.to_bytes());
        assert!(found.damaged > 0 && told.contains("out of order"), "{told}");
        // Updates that would merge it come all the same.
        let bench = Workbench::new(fresh_in_memory());
        std::fs::write(bench.archive(), memory.to_bytes()).unwrap();
        for number in 0..9 {
            std::fs::write(bench.work().join("file"), number.to_string()).unwrap();
            set_clock(real_seconds() + 1_000_000 + number);
            run_add(&bench.add_options(b""));
        }
        let archive = Archive::open_path(&bench.archive(), None).unwrap();
        check_versions(&archive, &truths);
        let newest = History::of(&archive).newest().unwrap().unwrap();
        assert_eq!(newest.manifest.update, 11);
        run_extract(&bench.archive(), &bench.path("out"), Until::Latest, false).unwrap();
        assert_eq!(std::fs::read(bench.path("out/t/file")).unwrap(), b"8");
    }
}

/// A page that deletes these names.
fn page(writer: &mut UpdateWriter<'_>, names: &[&str]) -> PageReference<StoredPath> {
    let mut builder = EntryPageBuilder::new();
    for name in names {
        let path = StoredPath::from_bytes(name.as_bytes().to_vec()).unwrap();
        builder.push(&Entry { path, object: Object::Deleted });
    }
    let (first_key, records, raw) = builder.finish().unwrap();
    let (place, payload_len) = append_packed(writer, FrameType::Entries, &raw);
    PageReference { first_key, place, payload_len, records }
}

/// A directory of pages, or of directories.
fn directory(
    writer: &mut UpdateWriter<'_>,
    level: u8,
    listed: &[PageReference<StoredPath>],
) -> PageReference<StoredPath> {
    let mut builder = DirectoryBuilder::new(level);
    for page in listed {
        builder.push(page);
    }
    let (first_key, records, raw) = builder.finish().unwrap();
    let (place, payload_len) = append_packed(writer, FrameType::Directory, &raw);
    PageReference { first_key, place, payload_len, records }
}

/// Pages that nothing is merged into are not written again.
#[test]
fn pages_without_changes_are_listed_again() {
    let mut made = super::support::Made::new();
    made.update(&[("d/02000 is new", super::support::file(b"one"))]);
    let names: Vec<String> = (0..9000).map(|number| format!("d/{number:05}")).collect();
    let things: Vec<_> =
        names.iter().map(|name| (name.as_str(), super::support::file(b"same"))).collect();
    made.update(&things);
    let before = made.frames(4).len();
    assert!(before > 6, "{before}");
    made.update(&[("z", super::support::file(b"last"))]);
    let archive = Archive::open_path(&made.archive(), None).unwrap();
    let manifest = History::of(&archive).newest().unwrap().unwrap().manifest;
    let updates: Vec<_> = manifest.entry_runs.iter().map(|run| run.updates).collect();
    assert_eq!(updates, [(3, 3), (1, 2)]);
    assert_eq!(manifest.entry_runs[1].records, 9001);
    // Its own page, and the one that the first entry falls into, in two at most.
    assert!(made.frames(4).len() <= before + 3, "{} after {before}", made.frames(4).len());
    let (found, told) = check(made.archive().into(), None);
    assert_eq!((found.damaged, told.as_str()), (0, ""));
}
