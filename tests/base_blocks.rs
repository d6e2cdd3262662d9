//! Goal: what changed in a file is stored as the difference to what it was, every version comes back,
//! and damage costs what it must and no more. Method: a file changes everywhere, update by update; the
//! DATA frames are read by hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use zarc::archive::{Archive, BlockFetcher, BlockTable, History, WantedBlock};
use zarc::base::Until;
use zarc::command::AddOptions;
use zarc::compress::MethodChoice;
use zarc::storage::Memory;

use super::support::counted_storage::Counted;
use super::support::trees::walk;
use super::support::workbench::{
    Workbench, fresh_in_memory, real_seconds, run_add, run_extract, set_clock, set_dice,
};
use super::support::{frames, words};

fn add_options(bench: &Workbench, method: &str) -> AddOptions {
    AddOptions { method: Some(MethodChoice::parse(method).unwrap()), ..bench.add_options(b"") }
}

/// So many versions of a file that changes, beside one that does not.
fn history(versions: usize, method: &str, threads: usize) -> Workbench {
    let bench = Workbench::new(fresh_in_memory());
    set_dice(7);
    fs::write(bench.work().join("still"), words(2, 0)).unwrap();
    for version in 0..versions {
        fs::write(bench.work().join("changing"), words(1, version)).unwrap();
        set_clock(real_seconds() + 1000 + i64::try_from(version).unwrap());
        run_add(&AddOptions { threads, ..add_options(&bench, method) });
    }
    bench
}

/// For each block the numbers of its base blocks, and the length of its frame.
fn blocks(archive: &Path) -> BTreeMap<u64, (Vec<u64>, usize)> {
    let bytes = fs::read(archive).unwrap();
    let block = |(at, len): (usize, usize)| {
        let payload = &bytes[at + 64..at + len - 32];
        let number = u64::from_le_bytes(payload[8..16].try_into().unwrap());
        let mut rest = payload[24..].iter();
        let mut varint = || {
            let mut value = 0;
            for shift in (0..).step_by(7) {
                let byte = u64::from(*rest.next().unwrap());
                value |= (byte & 0x7f) << shift;
                if byte < 0x80 {
                    break;
                }
            }
            value
        };
        let mut bases = Vec::new();
        for _ in 0..payload[2] {
            bases.push(varint());
            for _ in 0..2 * varint() {
                varint();
            }
        }
        (number, (bases, len))
    };
    frames(&bytes, 2).into_iter().map(block).collect()
}

fn depth(blocks: &BTreeMap<u64, (Vec<u64>, usize)>, block: u64) -> u64 {
    blocks[&block].0.iter().map(|&base| 1 + depth(blocks, base)).max().unwrap_or(0)
}

#[test]
fn every_version_comes_back_and_a_change_costs_little() {
    // The slow codecs only now and then.
    for (method, versions) in [("1", 8), ("zstd:5,5", 8), ("3", 3), ("4", 2)] {
        let bench = history(versions, method, 2);
        let blocks = blocks(&bench.archive());
        let first = blocks[&0].1;
        assert!(blocks[&0].0.is_empty());
        for (&number, (bases, len)) in blocks.iter().skip(1) {
            assert!(!bases.is_empty() && bases.iter().all(|&base| base < number), "{bases:?}");
            assert!((1..=2).contains(&depth(&blocks, number)), "{blocks:?}");
            assert!(len * 10 < first, "{method}: block {number} has {len} bytes");
        }
        assert_eq!((1..versions as u64).any(|number| depth(&blocks, number) == 2), versions > 2);
        let (checked, told) = bench.verify();
        assert_eq!((checked.damaged, told.warnings().as_str()), (0, ""));
        for version in 0..versions {
            let out = bench.path(&format!("out{version}"));
            let until = Until::Version(version as u64 + 1);
            run_extract(&bench.archive(), &out, until, false).unwrap();
            assert!(fs::read(out.join("t/changing")).unwrap() == words(1, version), "{version}");
        }
    }
}

#[test]
fn methods_that_cannot_reach_back_have_no_base_blocks() {
    for method in ["0", "brotli:1"] {
        let bench = history(3, method, 2);
        assert!(blocks(&bench.archive()).values().all(|(bases, _)| bases.is_empty()));
        assert_eq!(bench.verify().0.damaged, 0);
    }
}

#[test]
fn threads_do_not_matter() {
    let archive = |threads| {
        let bench = history(1, "1", threads);
        set_clock(1_900_000_000);
        for version in 1..4 {
            fs::write(bench.work().join("changing"), words(1, version)).unwrap();
            run_add(&AddOptions { threads, ..add_options(&bench, "10") });
        }
        blocks(&bench.archive())
    };
    assert_eq!(archive(1), archive(5));
}

/// Each block is read once, and those with base blocks once more before, to learn what to keep for them.
#[test]
fn a_sequence_of_blocks_is_decoded_block_by_block() {
    let bench = history(9, "1", 2);
    let blocks = blocks(&bench.archive());
    let last = *blocks.keys().last().unwrap();
    let memory = Memory::with_bytes(fs::read(bench.archive()).unwrap());
    let storage = Arc::new(Counted::over(memory));
    let archive = Archive::open(storage.clone(), None).unwrap();
    let version = History::of(&archive).newest().unwrap().unwrap();
    let table = Arc::new(BlockTable::of(&archive, &version).unwrap());
    let all: Vec<u64> = blocks.keys().copied().collect();
    for wanted in [all.as_slice(), &[last], &[last - 1, last]] {
        let needed = table.with_bases(wanted.iter().copied());
        let with_bases = needed.iter().filter(|block| !blocks[block].0.is_empty()).count();
        assert!(with_bases > 0 && wanted.len() < 3 || needed.len() == all.len());
        for threads in [1, 3] {
            let (before, _) = storage.counts();
            let mut found = Vec::new();
            let fetcher = BlockFetcher::new(Arc::clone(&table), threads).unwrap();
            let blocks: Vec<_> = wanted.iter().copied().map(WantedBlock::whole).collect();
            let result = fetcher.fetch(&blocks, |block, decoded| {
                assert_eq!(decoded?.wrong().count(), 0);
                found.push(block);
                Ok(())
            });
            result.unwrap();
            assert_eq!(found, wanted);
            let reads = storage.counts().0 - before;
            assert_eq!(reads, (needed.len() + with_bases) as u64, "{wanted:?}");
        }
    }
}

/// Whoever needs a damaged block is named, and so is the block; the other files are there.
#[test]
fn a_damaged_base_costs_the_files_that_need_it() {
    let bench = history(3, "1", 2);
    let bytes = fs::read(bench.archive()).unwrap();
    // The first block holds the file that does not change, too.
    let (at, len) = frames(&bytes, 2)[1];
    let mut damaged = bytes.clone();
    damaged[at + len / 2] ^= 1;
    fs::write(bench.archive(), damaged).unwrap();
    let out = bench.path("out");
    let (summary, told) = run_extract(&bench.archive(), &out, Until::Latest, false).unwrap();
    // The directory and the other file.
    assert_eq!((summary.written, summary.damaged), (2, 1), "{}", told.warnings());
    let warnings = told.warnings();
    assert!(warnings.contains("changing: "), "{warnings}");
    assert!(warnings.contains("an earlier block that block 2 needs cannot be used"), "{warnings}");
    assert_eq!(walk(&out.join("t")).len(), 2, "the directory and the other file");
    // A new version does not lean on what is damaged.
    fs::write(bench.work().join("changing"), words(1, 3)).unwrap();
    set_clock(real_seconds() + 2000);
    run_add(&add_options(&bench, "1"));
    run_extract(&bench.archive(), &bench.path("next"), Until::Latest, false).unwrap();
    assert!(fs::read(bench.path("next/t/changing")).unwrap() == words(1, 3));
}

/// A frame that is not the one that its record describes, such as one that leans on itself, is damage that
/// ends like any other.
#[test]
fn a_block_that_leans_on_itself_is_damage() {
    let bench = history(3, "1", 2);
    let mut bytes = fs::read(bench.archive()).unwrap();
    let (at, len) = frames(&bytes, 2)[1];
    let (payload, tag) = (at + 64, at + len - 32);
    assert_eq!((bytes[payload + 8], bytes[payload + 24]), (1, 0), "block 1 leans on block 0");
    bytes[payload + 8] = 9;
    bytes[payload + 24] = 1;
    let right = *blake3::hash(&bytes[at..tag]).as_bytes();
    bytes[tag..tag + 32].copy_from_slice(&right);
    fs::write(bench.archive(), bytes).unwrap();
    for until in [2, 3] {
        let out = bench.path(&format!("out{until}"));
        let until = Until::Version(until);
        let (summary, told) = run_extract(&bench.archive(), &out, until, false).unwrap();
        assert_eq!((summary.written, summary.damaged), (2, 1), "{}", told.warnings());
        let warnings = told.warnings();
        assert!(warnings.contains("is not the one that its record describes"), "{warnings}");
    }
    let (checked, _) = bench.verify();
    assert!(checked.damaged > 0);
}
