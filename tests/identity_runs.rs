//! Goal: runs of identities find what is stored at a cost that does not grow with the history, and lose
//! nothing where they are damaged or lie. Method: tiny runs, merged as often as can be; every fragment ever
//! stored is asked for again by each update; runs are damaged and forged; what is read is counted.

use std::sync::Arc;

use zarc::archive::{
    Archive, Change, Entry, FragmentId, History, Manifest, OpenOptions, RunShape, Transaction,
    TransactionOptions,
};
use zarc::base::{Digest, Result, StoredPath};
use zarc::command::{VerifySummary, verify};
use zarc::compress::{ContentKind, Method};
use zarc::format::{
    DirectoryBuilder, FrameType, IdentityPage, IdentityPrefix, IdentityRecord, IdentityRun,
    PageReference,
};
use zarc::journal::UpdateWriter;
use zarc::storage::Memory;

use super::support::counted_storage::Counted;
use super::support::forged::{append_packed, append_update};
use super::support::generated::directory_object;
use super::support::random::environment;
use super::support::workbench::verify_options;
use super::support::{Told, frames};

/// Runs of a few fragments.
const TINY: RunShape = RunShape {
    entry_page_bytes: 300,
    fragment_page_bytes: 400,
    directory_bytes: 150,
    identity_page_records: 4,
    identity_run_min: 5,
    identity_run_max: 40,
    fan_out: 2,
};

/// How often the number of a fragment is in it: a block has twenty fragments.
const REPEATED: usize = (1 << 17) / 20;

fn open(memory: &Memory) -> Archive {
    let backend = Arc::new(memory.clone());
    Archive::open_for_writing(backend, OpenOptions::plain(6), &environment(7)).unwrap()
}

fn options(shape: RunShape) -> TransactionOptions {
    TransactionOptions {
        method: Method::parse("store,0").unwrap(),
        threads: 2,
        environment: environment(7),
        comment: Vec::new(),
        date: None,
        shape,
    }
}

fn store(transaction: &mut Transaction<'_>, number: u64) -> FragmentId {
    transaction.store(&number.to_le_bytes().repeat(REPEATED), ContentKind::Other).unwrap()
}

/// One more entry, so that there is something to commit.
fn record(transaction: &mut Transaction<'_>, name: &str) {
    let path = StoredPath::normalized(name.as_bytes()).unwrap();
    let object = directory_object();
    transaction.record(&Entry { path, object }, Change::Added).unwrap();
}

/// An update that asks for all fragments stored so far and stores `count` new ones; returns how many of the
/// old ones were not found.
fn update(memory: &Memory, shape: RunShape, ids: &mut Vec<FragmentId>, count: u64) -> u64 {
    let mut archive = open(memory);
    let base = History::of(&archive).newest().unwrap();
    let number = base.as_ref().map_or(1, |version| version.manifest.update + 1);
    let mut transaction = Transaction::begin(&mut archive, base.as_ref(), &options(shape)).unwrap();
    let before = transaction.counts().fragments;
    for (number, id) in (0..).zip(ids.iter_mut()) {
        *id = store(&mut transaction, number);
    }
    let lost = transaction.counts().fragments - before;
    let first = ids.len() as u64;
    for number in first..first + count {
        let before = transaction.counts().fragments;
        ids.push(store(&mut transaction, number));
        assert_eq!(transaction.counts().fragments, before + 1, "a wrong match");
    }
    record(&mut transaction, &format!("update {number:05}"));
    transaction.commit().unwrap();
    lost
}

fn newest(memory: &Memory) -> Manifest {
    let archive = Archive::open(Arc::new(memory.clone()), None).unwrap();
    History::of(&archive).newest().unwrap().unwrap().manifest
}

fn check(memory: &Memory) -> (VerifySummary, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.zarc");
    std::fs::write(&path, memory.to_bytes()).unwrap();
    let told = Told::default();
    (verify(&verify_options(path), &told).unwrap(), told.warnings())
}

/// A history with several runs of identities.
fn grown(updates: u64) -> (Memory, Vec<FragmentId>) {
    let (memory, mut ids) = (Memory::default(), Vec::new());
    for number in 0..updates {
        assert_eq!(update(&memory, TINY, &mut ids, 1 + number * 7 % 60), 0);
    }
    (memory, ids)
}

#[test]
fn what_is_stored_is_found_whichever_run_has_it() {
    let (memory, ids) = grown(25);
    let manifest = newest(&memory);
    let runs = &manifest.identity_runs;
    assert!((1..=12).contains(&runs.len()), "{runs:?}");
    let covered: u64 = runs.iter().map(|run| run.records).sum();
    assert!(covered <= ids.len() as u64 && covered * 10 > ids.len() as u64 * 8, "{covered}");
    let (summary, told) = check(&memory);
    assert_eq!((summary.damaged, told.as_str()), (0, ""));
}

/// Runs are written between blocks, in the order of what they are made of.
#[test]
fn threads_do_not_matter() {
    let made = [1, 2, 5].map(|threads| {
        let memory = Memory::default();
        for first in [0, 150] {
            let mut archive = open(&memory);
            let base = History::of(&archive).newest().unwrap();
            let options = TransactionOptions { threads, ..options(TINY) };
            let mut transaction =
                Transaction::begin(&mut archive, base.as_ref(), &options).unwrap();
            for number in first..first + 200 {
                store(&mut transaction, number);
            }
            record(&mut transaction, &format!("{first:03}"));
            transaction.commit().unwrap();
        }
        assert!(newest(&memory).identity_runs.len() > 1);
        memory.to_bytes()
    });
    assert!(made[0] == made[1] && made[1] == made[2]);
}

/// With larger runs than there are fragments there is none, and everything is found through the records.
#[test]
fn a_small_archive_has_no_runs_of_identities() {
    let (memory, mut ids) = (Memory::default(), Vec::new());
    for _ in 0..5 {
        assert_eq!(update(&memory, RunShape::default(), &mut ids, 50), 0);
    }
    assert!(newest(&memory).identity_runs.is_empty());
    // The first update of another shape makes one of what is there.
    assert_eq!(update(&memory, TINY, &mut ids, 0), 0);
    let covered: u64 = newest(&memory).identity_runs.iter().map(|run| run.records).sum();
    assert_eq!(covered, 250);
}

/// Each frame of identities and of their directories in turn: nothing is lost, and after two more updates all
/// is found again and no damage is of use to anybody.
#[test]
fn a_damaged_run_loses_nothing_and_is_made_anew() {
    let (memory, ids) = grown(12);
    let bytes = memory.to_bytes();
    let live: Vec<u64> = newest(&memory).identity_runs.iter().map(|run| run.place.offset).collect();
    let of_directories = frames(&bytes, 5);
    let roots = of_directories.iter().filter(|(offset, _)| live.contains(&(*offset as u64)));
    let damaged = frames(&bytes, 13).into_iter().chain(roots.copied());
    let (mut stored_again, mut cases) = (0, 0);
    for (offset, len) in damaged {
        cases += 1;
        let mut bytes = bytes.clone();
        bytes[offset + len / 2] ^= 1;
        let memory = Memory::with_bytes(bytes);
        let (summary, told) = check(&memory);
        assert!(summary.damaged > 0, "frame at {offset}: {told}");
        let mut ids = ids.clone();
        stored_again += update(&memory, TINY, &mut ids, 1);
        update(&memory, TINY, &mut ids, 30);
        assert_eq!(update(&memory, TINY, &mut ids, 1), 0, "frame at {offset}");
        let covered: u64 = newest(&memory).identity_runs.iter().map(|run| run.records).sum();
        assert!(covered * 10 > ids.len() as u64 * 7, "frame at {offset}: {covered}");
    }
    assert!(cases > 20 && stored_again > 0, "{cases} cases, {stored_again} fragments");
}

/// A run that leaves out fragments, or has them in other blocks: no fragment is mistaken for another, and
/// `test` says so.
#[test]
fn a_run_that_lies_is_told_and_costs_nothing_but_room() {
    let (memory, ids) = grown(12);
    let honest =
        |number: u64| IdentityPrefix::of(&Digest::of(&number.to_le_bytes().repeat(REPEATED)));
    let manifest = newest(&memory);
    let records: Vec<IdentityRecord> = (0..)
        .zip(&ids)
        .map(|(number, id)| IdentityRecord { prefix: honest(number), block: id.block })
        .collect();
    let blocks = manifest.counts.blocks;
    for lie in ["nothing", "blocks", "far blocks", "prefixes", "half"] {
        let mut records = records.clone();
        match lie {
            "blocks" => records.iter_mut().for_each(|record| record.block ^= 1),
            "far blocks" => records.iter_mut().for_each(|record| record.block = 1 << 40),
            "prefixes" => records.iter_mut().for_each(|r| r.prefix = honest(r.block + 1_000_000)),
            "half" => records.truncate(records.len() / 2),
            _ => {}
        }
        records.sort_unstable();
        let forged = Memory::with_bytes(memory.to_bytes());
        append_update(&forged, manifest.clone(), |writer, manifest| {
            manifest.identity_runs = vec![run_of(writer, &records, blocks)];
        });
        let (summary, told) = check(&forged);
        let is_told = summary.damaged > 0 && told.contains("identities in the index of update");
        assert_eq!(is_told, lie != "nothing", "{lie}: {told}");
        let mut found = ids.clone();
        let lost = update(&forged, TINY, &mut found, 20);
        assert_eq!(lost > 0, lie != "nothing", "{lie}");
        // What was stored again is found from now on.
        assert_eq!(update(&forged, TINY, &mut found, 1), 0, "{lie}");
    }
}

fn run_of(writer: &mut UpdateWriter<'_>, records: &[IdentityRecord], blocks: u64) -> IdentityRun {
    let (place, payload_len) =
        append_packed(writer, FrameType::Identities, &IdentityPage::encode(records));
    let mut directory = DirectoryBuilder::new(1);
    let (first_key, count) = (records[0].prefix, records.len() as u64);
    directory.push(&PageReference { first_key, place, payload_len, records: count });
    let (.., raw) = directory.finish().unwrap();
    let (place, payload_len) = append_packed(writer, FrameType::Directory, &raw);
    IdentityRun { place, payload_len, records: count, blocks }
}

/// Pages of a run that overlap are damage: an update that would merge it goes on without.
#[test]
fn pages_of_identities_that_overlap_are_damage() {
    let (memory, mut ids) = grown(12);
    let manifest = newest(&memory);
    let blocks = manifest.counts.blocks;
    let record = |number: u64| IdentityRecord {
        prefix: IdentityPrefix::of_bits(number << 30),
        block: number % 3,
    };
    append_update(&memory, manifest, |writer, manifest| {
        let mut directory = DirectoryBuilder::new(1);
        for numbers in [[1, 9], [5, 7]] {
            let records = numbers.map(record);
            let raw = IdentityPage::encode(&records);
            let (place, payload_len) = append_packed(writer, FrameType::Identities, &raw);
            let first_key = records[0].prefix;
            directory.push(&PageReference { first_key, place, payload_len, records: 2 });
        }
        let (.., raw) = directory.finish().unwrap();
        let (place, payload_len) = append_packed(writer, FrameType::Directory, &raw);
        let blocks = blocks.min(4);
        manifest.identity_runs = vec![IdentityRun { place, payload_len, records: 4, blocks }];
    });
    let (summary, told) = check(&memory);
    assert!(summary.damaged > 0 && told.contains("identities in the index"), "{told}");
    for _ in 0..4 {
        update(&memory, TINY, &mut ids, 30);
    }
    assert_eq!(update(&memory, TINY, &mut ids, 30), 0);
}

/// A fragment is looked for with a few reads, however many there are, and an update that stores a few is
/// begun without reading the records of all.
#[test]
fn looking_for_a_fragment_does_not_read_the_history() -> Result<()> {
    let shape = RunShape {
        identity_page_records: 40,
        identity_run_min: 200,
        identity_run_max: 1000,
        ..TINY
    };
    let mut reads = Vec::new();
    for count in [2000, 20_000] {
        let (memory, mut archive) = (Memory::default(), None);
        for _ in 0..2 {
            drop(archive.take());
            let archive = archive.insert(open(&memory));
            let base = History::of(archive).newest()?;
            let mut transaction = Transaction::begin(archive, base.as_ref(), &options(shape))?;
            for number in 0..count {
                transaction.store(&u64::to_le_bytes(number), ContentKind::Other)?;
            }
            record(&mut transaction, "name");
            transaction.commit()?;
        }
        let storage = Arc::new(Counted::over(memory));
        let mut archive =
            Archive::open_for_writing(storage.clone(), OpenOptions::plain(6), &environment(8))?;
        let base = History::of(&archive).newest()?;
        let mut transaction = Transaction::begin(&mut archive, base.as_ref(), &options(shape))?;
        let before = transaction.counts().fragments;
        transaction.store(&u64::to_le_bytes(count / 2), ContentKind::Other)?;
        assert_eq!(transaction.counts().fragments, before, "it is found");
        reads.push(storage.counts().0);
    }
    assert!(reads[1] <= reads[0] + 40, "{reads:?}");
    Ok(())
}
