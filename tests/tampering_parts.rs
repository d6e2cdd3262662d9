//! Tampering with archives in parts: whoever can put other parts in the place of some, but does not know
//! the password, cannot make them show anything that was not put in.
//!
//! Goal: threats T4 to T6 of `spec/encryption.md` for parts. Method: an archive, a copy that went on in another
//! way, one under the same password and one under another; at random each part is that of any of them, in
//! its place or another, missing, cut, flipped, or an older copy; all that can still be read is compared with
//! what was put in.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use zarc::archive::{Archive, History, OpenOptions, PartNames};
use zarc::base::Until;
use zarc::format::ArchiveHeader;
use zarc::storage::{Backend, LocalParts, Memory};

use crate::support::keys::{cheap, word};
use crate::support::memory_parts::InMemory;
use crate::support::random::Random;
use crate::support::random_history::{Ending, Updates};
use crate::support::repetition::in_two_threads;
use crate::support::tampered_world;
use crate::support::truth::Truth;
use crate::support::workbench::fresh_in_memory;

/// Sets of parts of the normal run; `ZARC_TEST_CASES` multiplies them.
const SETS: u64 = 600;
const PARTS: usize = 5;
/// The copy went on in another way after so many parts. No gap fits between the parts in which the two
/// differ: what stands before a gap and is of a copy cannot be told (`spec/format.md` section 10).
const COMMON: usize = 3;

#[derive(Clone)]
struct Sample {
    parts: Vec<Vec<u8>>,
    truths: Vec<Arc<Truth>>,
}

impl Sample {
    fn grown(before: &Self, versions: usize, password: &str, seed: u64) -> Self {
        let directory = fresh_in_memory();
        let names = PartNames::parse(directory.path().join("p?").as_os_str()).unwrap();
        for (number, bytes) in (1..).zip(&before.parts) {
            fs::write(names.path(number).unwrap(), bytes).unwrap();
        }
        let mut truths = before.truths.clone();
        let mut updates = Updates::new(seed, 6, 700);
        let (password, key_cost) = (word(password), cheap());
        let options = OpenOptions { password: Some(&password), key_cost, ..OpenOptions::plain(6) };
        for _ in 0..versions {
            let parts = Arc::new(LocalParts::open_for_writing(&names).unwrap());
            let mut archive =
                Archive::open_parts_for_writing(parts, options, &updates.environment).unwrap();
            let made = updates.update(&mut archive, truths.last(), Ending::Commit, |_| {}).unwrap();
            truths.push(made.unwrap().0);
        }
        let count = u32::try_from(truths.len()).unwrap();
        let parts = (1..=count).map(|number| fs::read(names.path(number).unwrap()).unwrap());
        Self { parts: parts.collect(), truths }
    }
}

impl tampered_world::Sample for Sample {
    fn id(&self) -> [u8; 16] {
        ArchiveHeader::decode(&self.parts[0]).unwrap().0.archive_id
    }

    fn truths(&self) -> &[Arc<Truth>] {
        &self.truths
    }
}

type World = tampered_world::World<Sample>;

fn world() -> World {
    let nothing = Sample { parts: Vec::new(), truths: Vec::new() };
    let base = Sample::grown(&nothing, COMMON, "one", 1);
    let ours = Sample::grown(&base, PARTS - COMMON, "one", 2);
    let fork = Sample::grown(&base, PARTS - COMMON, "one", 3);
    let twin = Sample::grown(&nothing, PARTS, "one", 4);
    World { ours, fork, twin, foreign: Sample::grown(&nothing, PARTS, "two", 5) }
}

/// Parts of several archives, by their new numbers; and what was done, if it may go unnoticed.
fn shuffled(world: &World, random: &mut Random) -> BTreeMap<u32, Vec<u8>> {
    let mut set = BTreeMap::new();
    let start = world.all()[random.index(3)];
    for (number, own) in (1..).zip(&start.parts) {
        let mut bytes = own.clone();
        match random.below(12) {
            0 => continue,
            1 => bytes.clone_from(&world.all()[random.index(4)].parts[random.index(PARTS)]),
            2 => bytes.clone_from(&world.all()[random.index(4)].parts[number as usize - 1]),
            3 => bytes.truncate(random.index(bytes.len())),
            4 => {
                let at = random.index(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
            5 => {
                let other = &world.all()[random.index(4)].parts[number as usize - 1];
                let at = random.index(bytes.len().min(other.len()));
                let end = bytes.len().min(other.len()).min(at + random.index(9000));
                bytes[at..end].copy_from_slice(&other[at..end]);
            }
            _ => {}
        }
        set.insert(number, bytes);
    }
    set
}

#[derive(Debug, Default)]
struct Tally {
    refused: AtomicU64,
    told: AtomicU64,
    older: AtomicU64,
    whole: AtomicU64,
}

/// Reads all there is; panics if anything of it was not put in, or is missing without a word.
fn one_set(world: &World, number: u64, tally: &Tally) {
    let mut random = Random::new(number);
    let set = shuffled(world, &mut random);
    let backend =
        |bytes: &Vec<u8>| -> Arc<dyn Backend> { Arc::new(Memory::with_bytes(bytes.clone())) };
    let store = InMemory::new(set.iter().map(|(part, bytes)| (*part, backend(bytes))).collect());
    let Ok(archive) = Archive::open_parts(store, Some(&word("one"))) else {
        tally.refused.fetch_add(1, Ordering::Relaxed);
        return;
    };
    let mut is_told = !archive.absent_parts().is_empty() || archive.notice().is_some();
    let id = archive.id();
    let truths = world.truths(id);
    let history = History::of(&archive);
    let newest = match history.newest() {
        Ok(version) => version.map_or(0, |version| version.number()),
        Err(_) => PARTS as u64,
    };
    for number in 1..=newest {
        match history.at(Until::Version(number)) {
            Ok(Some(version)) => {
                assert_eq!(version.number(), number);
                let truth = truths.get(&version.manifest.comment);
                let truth = truth.expect("nobody put this version in");
                is_told |= !truth.compare(&archive, &version).is_whole();
            }
            Ok(None) => panic!("a version before the newest is gone"),
            Err(_) => is_told = true,
        }
    }
    let is_complete = newest == PARTS as u64;
    let counter = match (is_told, is_complete) {
        (true, _) => &tally.told,
        (false, true) => &tally.whole,
        (false, false) => {
            // The newest parts are gone: an older state, which was there. Nobody can tell.
            let highest = set.keys().next_back().copied().unwrap_or_default();
            assert!(u64::from(highest) <= newest + 1, "parts are unread and nothing is said");
            &tally.older
        }
    };
    counter.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn whatever_parts_are_mixed_they_show_nothing_that_was_not_put_in() {
    let (world, tally) = (world(), Tally::default());
    let times = in_two_threads("set", SETS, |number| one_set(&world, number, &tally));
    println!("{tally:?}");
    let counters = [tally.told, tally.older, tally.whole];
    assert!(counters.map(AtomicU64::into_inner).iter().all(|&count| count >= 2 * times));
}
