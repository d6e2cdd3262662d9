//! Goal: what a command costs follows what it is asked for, not how long the history is or how
//! much else the archive holds. Method: made-up archives with small pages, so that small ones have
//! the shape of large ones; what is asked of the storage is counted.

use std::sync::Arc;

use zarc::archive::{Archive, BlockTable, Catalog, History, OpenOptions, Piece, RunShape};
use zarc::base::{StoredPath, Until};
use zarc::compress::MethodChoice;
use zarc::storage::Memory;

use super::support::counted_storage::Counted;
use super::support::generated::{Plan, directory, file, generate};
use super::support::random::environment;

/// Pages of a few entries and directories of a few pages.
const SMALL: RunShape = RunShape {
    entry_page_bytes: 600,
    fragment_page_bytes: 600,
    directory_bytes: 400,
    identity_page_records: 60,
    identity_run_min: 100,
    identity_run_max: 400,
    fan_out: 8,
};

fn made(plan: Plan, shape: RunShape) -> Memory {
    let memory = Memory::default();
    let environment = environment(1);
    let method = (plan.declared > 0).then_some(MethodChoice::Index);
    let options = OpenOptions { method, ..super::support::DATA };
    let mut archive =
        Archive::open_for_writing(Arc::new(memory.clone()), options, &environment).unwrap();
    generate(&mut archive, &plan, shape, environment).unwrap();
    memory
}

fn path(name: &str) -> StoredPath {
    StoredPath::normalized(name.as_bytes()).unwrap()
}

/// Reads that it takes to open an archive and to find one file and its blocks.
fn reads_for_one_file(memory: &Memory, until: Until, name: &str) -> u64 {
    let storage = Arc::new(Counted::over(memory.clone()));
    let archive = Archive::open(storage.clone(), None).unwrap();
    let version = History::of(&archive).at(until).unwrap().unwrap();
    let catalog = Catalog::of(&archive, &version).unwrap();
    let found: Vec<_> = catalog.entries_within(&path(name)).map(Result::unwrap).collect();
    assert_eq!(found.len(), 1);
    let table = BlockTable::of(&archive, &version).unwrap();
    for piece in &found[0].object.stored().unwrap().content {
        let Piece::Data(run) = piece else { panic!("a hole") };
        table.record(run.first.block).unwrap();
    }
    let (reads, lens) = storage.counts();
    assert!(lens <= 8, "the length is asked for {lens} times");
    reads
}

/// One file takes as many reads as there are tiers of runs, whichever version it is of.
#[test]
fn the_length_of_history_costs_its_logarithm() {
    for updates in [1, 8, 64, 512] {
        let memory = made(Plan { files: 300, updates, changed: 3, declared: 0 }, SMALL);
        let tiers = u64::from(updates.ilog(8)) + 2;
        for until in [Until::Latest, Until::Before(0), Until::Version(updates.div_ceil(2))] {
            let reads = reads_for_one_file(&memory, until, &file(7));
            // A run of each tier and each of its levels; to find the version.
            assert!(reads <= 12 + 7 * 4 * tiers, "{updates} updates: {reads} reads");
        }
    }
}

/// Files that are not asked for cost at most one more level of directories each time there are so
/// many more of them.
#[test]
fn other_files_cost_nothing_but_levels() {
    let reads = [100, 1000, 10_000].map(|files| {
        let memory = made(Plan { files, updates: 3, changed: 1, declared: 0 }, SMALL);
        reads_for_one_file(&memory, Until::Latest, &file(42))
    });
    assert!(reads[2] <= reads[0] + 6, "{reads:?}");
    let large = [100, 10_000].map(|files| {
        let shape = RunShape::default();
        let memory = made(Plan { files, updates: 3, changed: 1, declared: 0 }, shape);
        reads_for_one_file(&memory, Until::Latest, &file(42))
    });
    assert!(large[1] <= large[0] + 1, "{large:?}");
}

/// One directory of many is read with as many pages as it has.
#[test]
fn one_directory_is_read_without_the_others() {
    let memory = made(Plan { files: 20_000, updates: 2, changed: 5, declared: 0 }, SMALL);
    let storage = Arc::new(Counted::over(memory));
    let archive = Archive::open(storage.clone(), None).unwrap();
    let version = History::of(&archive).newest().unwrap().unwrap();
    let catalog = Catalog::of(&archive, &version).unwrap();
    assert!(storage.counts().0 <= 11, "to open takes {} reads", storage.counts().0);
    let before = storage.counts().0;
    let within = catalog.entries_within(&path(&directory(7_000))).count();
    let for_one = storage.counts().0 - before;
    assert_eq!(within, 1001);
    let all = catalog.entries().count();
    let for_all = storage.counts().0 - before - for_one;
    assert_eq!(all, 20_021);
    assert!(for_one * 15 < for_all, "{for_one} reads of {for_all}");
}

/// A block of many is found with one directory of each level.
#[test]
fn one_block_is_found_without_the_others() {
    let plan = Plan { files: 10, updates: 1, changed: 0, declared: 600_000 };
    let memory = made(plan, RunShape { fragment_page_bytes: 4000, ..SMALL });
    let storage = Arc::new(Counted::over(memory));
    let archive = Archive::open(storage.clone(), None).unwrap();
    let version = History::of(&archive).newest().unwrap().unwrap();
    let before = storage.counts().0;
    let table = BlockTable::of(&archive, &version).unwrap();
    let blocks = version.manifest.counts.blocks;
    assert_eq!(version.manifest.counts.fragments, 600_000);
    assert!(blocks > 1000, "{blocks}");
    for block in [0, blocks / 2, blocks - 1] {
        table.record(block).unwrap();
    }
    let reads = storage.counts().0 - before;
    assert!(reads <= 1 + 3 * 4, "{reads} reads");
    table.record(blocks).unwrap_err();
}
