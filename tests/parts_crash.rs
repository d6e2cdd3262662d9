//! Crash at any moment of an archive in parts: every version that was promised is there.
//!
//! Goal: *Parts* of `spec/recovery.md`. Method: as in `tests/crash.rs`, but each update goes into a
//! part of its own, or into several; the part that was being made is rebuilt as a dying process or failing power may
//! leave it at each moment, beside the parts before it, which must not change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use zarc::archive::{Archive, Notice};
use zarc::base::{Error, ErrorKind, Result};
use zarc::storage::{Backend, PartStore};

use crate::crash::disks;
use crate::support::DATA;
use crate::support::crash_storage::Recorder;
use crate::support::guarded;
use crate::support::random::Random;
use crate::support::random_history::{Ending, Updates};
use crate::support::truth::{Truth, assert_shows, newest};

/// Histories, and how many updates each has.
const HISTORIES: u64 = 12;
const UPDATES: u32 = 4;

/// Parts in memory, each one recorded.
#[derive(Clone, Default)]
struct RecordedParts(Arc<Mutex<BTreeMap<u32, Recorder>>>);

impl RecordedParts {
    /// Parts from 1 on with this content.
    fn of(parts: &[Vec<u8>]) -> Self {
        let recorders = parts.iter().map(|bytes| Recorder::over(bytes.clone()));
        Self(Arc::new(Mutex::new((1..).zip(recorders).collect())))
    }

    fn recorder(&self, part: u32) -> Option<Recorder> {
        self.0.lock().unwrap().get(&part).cloned()
    }

    fn bytes(&self, part: u32) -> Vec<u8> {
        let recorder = self.recorder(part).expect("the part is there");
        let mut bytes = vec![0; usize::try_from(recorder.len().unwrap()).unwrap()];
        recorder.read_at(0, &mut bytes).unwrap();
        bytes
    }
}

impl PartStore for RecordedParts {
    fn numbers(&self) -> Result<Vec<u32>> {
        Ok(self.0.lock().unwrap().keys().copied().collect())
    }

    fn open(&self, part: u32) -> Result<Arc<dyn Backend>> {
        let missing = || Error::new(ErrorKind::Missing, "there is no such part");
        Ok(Arc::new(self.recorder(part).ok_or_else(missing)?))
    }

    fn open_for_writing(&self, part: u32) -> Result<Arc<dyn Backend>> {
        self.open(part)
    }

    fn create(&self, part: u32) -> Result<Arc<dyn Backend>> {
        let recorder = Recorder::over(Vec::new());
        let before = self.0.lock().unwrap().insert(part, recorder.clone());
        assert!(before.is_none(), "part {part} is there");
        Ok(Arc::new(recorder))
    }

    fn remove(&self, part: u32) -> Result<()> {
        assert!(self.0.lock().unwrap().remove(&part).is_some(), "there is no part {part}");
        Ok(())
    }

    fn name(&self, part: u32) -> String {
        format!("part{part}")
    }

    fn is_split(&self) -> bool {
        true
    }
}

/// What came of the states.
#[derive(Debug, Default)]
struct Tally {
    states: u64,
    given_up: u64,
    completed: u64,
    ahead: u64,
    /// States with a part of an update that starts in an earlier one.
    pieces: u64,
}

#[test]
fn whatever_a_crash_leaves_of_a_part_shows_every_promised_version() {
    let mut tally = Tally::default();
    for seed in 0..HISTORIES {
        crash_history(seed, None, &mut tally);
    }
    assert!(tally.states > 3000, "{tally:?}");
    assert!(tally.given_up > 100 && tally.completed > 20 && tally.ahead > 10, "{tally:?}");
}

#[test]
fn whatever_a_crash_leaves_of_an_update_in_several_parts_shows_every_promised_version() {
    let mut tally = Tally::default();
    for seed in 0..HISTORIES {
        crash_history(seed, Some(8000 + 400 * (seed % 4)), &mut tally);
    }
    assert!(tally.states > 3000 && tally.pieces > 500, "{tally:?}");
    assert!(tally.given_up > 100 && tally.completed > 20 && tally.ahead > 10, "{tally:?}");
}

/// With `part_bytes` updates are divided.
fn crash_history(seed: u64, part_bytes: Option<u64>, tally: &mut Tally) {
    let mut updates = Updates::new(seed, 4, 3000);
    let mut random = Random::new(!seed);
    // Whoever opens a new archive to write has made an empty part 1.
    let parts = RecordedParts::of(&[Vec::new()]);
    let mut truths: Vec<Arc<Truth>> = Vec::new();
    let mut newest_part = 0;
    for number in 1..=UPDATES {
        let store = Arc::new(parts.clone());
        let mut archive =
            Archive::open_parts_for_writing(store, DATA, &updates.environment).unwrap();
        archive.set_part_bytes(part_bytes);
        let update = updates.update(&mut archive, truths.last(), Ending::Commit, |_| {});
        truths.push(update.unwrap().unwrap().0);
        drop(archive);
        let first = newest_part + 1;
        newest_part = *parts.numbers().unwrap().last().unwrap();
        let committed: Vec<Vec<u8>> = (1..first).map(|part| parts.bytes(part)).collect();
        // A part is durable before the next one is made.
        for part in first..=newest_part {
            let before: Vec<Vec<u8>> = (1..part).map(|part| parts.bytes(part)).collect();
            let recording = parts.recorder(part).unwrap().finish();
            let last = recording.moments().count() - 1;
            for (at, moment) in recording.moments().enumerate() {
                for (kind, disk) in disks(&moment, &mut random) {
                    let place = format!(
                        "seed {seed}, update {number}, part {part} of {first} to {newest_part}, \
                         moment {at} of {last}, {kind}"
                    );
                    let found = RecordedParts::of(&[&before[..], &[disk]].concat());
                    let is_promised = part == newest_part && at == last;
                    let promised = truths.len() - usize::from(!is_promised);
                    tally.pieces += u64::from(part > first);
                    guarded(&place, || {
                        check(&found, &committed, &truths, promised, &mut random, tally);
                    });
                }
            }
        }
    }
}

/// Reads, recovers, adds, reads again.
fn check(
    parts: &RecordedParts,
    whole: &[Vec<u8>],
    truths: &[Arc<Truth>],
    promised: usize,
    random: &mut Random,
    tally: &mut Tally,
) {
    tally.states += 1;
    let seen = seen_by_a_reader(parts, truths, promised, random);
    tally.ahead += u64::from(seen > promised);
    let mut updates = Updates::new(random.next(), 3, 400);
    let store = || Arc::new(parts.clone());
    let mut archive = Archive::open_parts_for_writing(store(), DATA, &updates.environment)
        .expect("a crash is no reason to refuse");
    let kept = newest(&archive).map_or(0, |version| version.number());
    let kept = usize::try_from(kept).unwrap();
    assert!(kept >= seen.max(promised), "recovery lost a version that was seen");
    tally.completed += u64::from(archive.notice() == Some(&Notice::Completed));
    tally.given_up += u64::from(kept < truths.len());
    let mut truths = truths[..kept].to_vec();
    let update = updates.update(&mut archive, truths.last(), Ending::Commit, |_| {});
    truths.push(update.expect("a recovered archive takes an update").unwrap().0);
    drop(archive);
    let archive = Archive::open_parts(store(), None).expect("it was written without a fault");
    assert_eq!(archive.notice(), None);
    assert_shows(&archive, &truths, random.index(truths.len()));
    let numbers = parts.numbers().unwrap();
    let is_without_gap = numbers.iter().zip(1..).all(|(&part, number)| part == number);
    assert!(is_without_gap && numbers.len() >= truths.len(), "{numbers:?}");
    for (part, bytes) in (1..).zip(whole) {
        assert!(parts.bytes(part) == *bytes, "part {part} was written again");
    }
}

/// How many versions a reader sees.
fn seen_by_a_reader(
    parts: &RecordedParts,
    truths: &[Arc<Truth>],
    promised: usize,
    random: &mut Random,
) -> usize {
    let archive = match Archive::open_parts(Arc::new(parts.clone()), None) {
        Ok(archive) => archive,
        Err(error) => {
            assert!(promised == 0, "not readable: {error}");
            return 0;
        }
    };
    let seen = newest(&archive).map_or(0, |version| version.number());
    let seen = usize::try_from(seen).unwrap();
    assert!((promised..=truths.len()).contains(&seen), "{seen} versions, {promised} promised");
    assert_shows(&archive, &truths[..seen], random.index(promised.max(1)));
    seen
}
