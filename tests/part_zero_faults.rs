//! Failing calls, and rollbacks that are interrupted, of an archive in parts with an index.
//!
//! Goal: *The index* and *Failing calls* of `spec/recovery.md`: whatever fails or stops in the middle, what was
//! told is there, the index is right or behind, and what is said is true. Method: of an update, a rollback and a
//! reader the first, the second, the third call fails, until none is left; a rollback is recorded in all files, which are
//! rebuilt as a crash may leave them at each moment; with and without a password, in one part and in several.

use std::sync::Arc;

use zarc::archive::{History, OpenOptions};
use zarc::base::{ErrorKind, Result, Until};
use zarc::storage::{Backend, PartStore};

use crate::crash::disks;
use crate::support::faulty_storage::{Call, Fault, Faulty};
use crate::support::indexed_parts::{Files, Kept, Listed, index_alone, listing};
use crate::support::keys::{cheap, word};
use crate::support::logged_parts::LoggedParts;
use crate::support::random::Random;
use crate::support::random_history::{Ending, Updates};
use crate::support::truth::{Truth, assert_shows, newest};
use crate::support::{DATA, guarded};

#[test]
fn whichever_call_fails_nothing_that_was_told_is_lost() {
    for kept in Kept::ALL {
        let (files, truths) = kept.small_history(2);
        for is_alone in [false, true] {
            let mut calls = 0;
            while update_with_failing_call(kept, &files, &truths, is_alone, calls) {
                calls += 1;
            }
            assert!(calls > 12, "{calls} calls");
        }
    }
}

/// Whether the call failed; an update is made with all parts, or with the index alone.
fn update_with_failing_call(
    kept: Kept,
    files: &Files,
    truths: &[Arc<Truth>],
    is_alone: bool,
    after: usize,
) -> bool {
    let there =
        if is_alone { LoggedParts::of(&index_alone(files)) } else { LoggedParts::of(files) };
    there.fail_after(after);
    let mut updates = Updates::new(5, 3, 300);
    let told = kept.update(&there, &mut updates, &mut truths.to_vec());
    let has_failed = there.heal();
    assert_eq!(told.is_err(), has_failed, "call {after}: {told:?}");
    let mut now = files.clone();
    now.extend(there.files());
    let seen = newest(&kept.open_files(&now).unwrap()).unwrap().number();
    assert!(seen == 3 || (seen == 2 && has_failed), "call {after}");
    let there = LoggedParts::of(&now);
    drop(kept.open_logged(&there, &updates).expect("what failed can be mended"));
    kept.assert_index_is_right(&there.files());
    if let Err(error) = told.as_ref()
        && seen == 3
    {
        let text = error.to_string();
        assert!(text.contains("is complete in part") || text.contains("unknown"), "{text}");
    }
    has_failed
}

/// The archive is rolled back to version `to`, and nothing is added.
fn roll_back(kept: Kept, store: Arc<dyn PartStore>, updates: &Updates, to: u64) -> Result<()> {
    let mut archive = kept.open_for_writing(store, &updates.environment, false)?;
    let base = History::of(&archive).at(Until::Version(to))?;
    let password = kept.key.map(word);
    let options = OpenOptions { password: password.as_ref(), key_cost: cheap(), ..DATA };
    archive.roll_back(base.as_ref(), options, &updates.environment)?;
    archive.finish_rollback()
}

/// What is left of a rollback to version `to` shows the versions up to some number, has an index that is right
/// or behind, and takes an update; returns the number.
fn left_by_rollback(kept: Kept, found: &Files, truths: &[Arc<Truth>], to: u64) -> u64 {
    let seen = match kept.open_files(found) {
        Ok(archive) => {
            let seen = newest(&archive).map_or(0, |version| version.number());
            assert!((to..=truths.len() as u64).contains(&seen), "{seen} versions are left");
            assert!(archive.updates_in_index() <= seen, "the index is before the parts");
            let shown = usize::try_from(seen).unwrap();
            assert_shows(&archive, &truths[..shown], 0);
            seen
        }
        Err(error) => {
            // Part 1 is being made again.
            assert!(to == 0 && found.keys().all(|part| *part < 2), "{error}");
            0
        }
    };
    let there = LoggedParts::of(found);
    let mut truths = truths[..usize::try_from(seen).unwrap()].to_vec();
    let mut more = Updates::new(6, 3, 300);
    kept.update(&there, &mut more, &mut truths).expect("it can be gone on with");
    let after = there.files();
    assert_shows(&kept.open_files(&after).unwrap(), &truths, 0);
    kept.assert_index_is_right(&after);
    seen
}

/// A process that dies at any call of a rollback leaves all versions up to some number, and an index
/// that is right or behind.
#[test]
fn a_rollback_that_is_interrupted_leaves_parts_without_a_gap() {
    for kept in Kept::ALL {
        let (files, truths) = kept.small_history(4);
        for to in [0, 1, 3] {
            let mut seen_after: Vec<u64> = Vec::new();
            for after in 0.. {
                let there = LoggedParts::of(&files);
                there.fail_after(after);
                let updates = Updates::new(5, 3, 300);
                let done = roll_back(kept, Arc::new(there.clone()), &updates, to);
                let has_failed = there.heal();
                assert_eq!(done.is_err(), has_failed, "call {after}: {done:?}");
                seen_after.push(left_by_rollback(kept, &there.files(), &truths, to));
                if !has_failed {
                    break;
                }
            }
            assert!(seen_after.is_sorted_by(|a, b| a >= b), "{seen_after:?}");
            assert_eq!((seen_after[0], seen_after.last()), (4, Some(&to)));
        }
    }
}

/// The power fails instead, and of what was not synced some sectors are lost.
#[test]
fn a_rollback_with_lost_sectors_leaves_parts_without_a_gap() {
    let mut states = 0;
    for kept in Kept::ALL {
        let (files, truths) = kept.small_history(4);
        for to in [0, 1, 3] {
            let mut seen_after = Vec::new();
            for (place, found) in torn_rollback(kept, &files, to) {
                let seen = || left_by_rollback(kept, &found, &truths, to);
                seen_after.push(guarded(&format!("{kept:?} to {to}, {place}"), seen));
            }
            assert!(seen_after.contains(&4) && seen_after.contains(&to), "{seen_after:?}");
            states += seen_after.len();
        }
    }
    assert!(states > 500, "{states} states");
}

/// Every set of files that a power failure may leave of a rollback.
fn torn_rollback(kept: Kept, files: &Files, to: u64) -> Vec<(String, Files)> {
    let there = LoggedParts::of(files);
    // A part that is removed takes its recording along.
    let before: Vec<_> = files.keys().map(|&part| (part, there.recorder(part).unwrap())).collect();
    roll_back(kept, Arc::new(there.clone()), &Updates::new(5, 3, 300), to).unwrap();
    let (log, removals, mut random) = (there.log(), there.removals(), Random::new(to));
    let mut sets = Vec::new();
    for at in 0..=log.len() {
        let done = |file: u32| log[..at].iter().filter(|part| **part == file).count();
        let gone_before = removals.iter().filter(|(moment, _)| *moment < at).count();
        let gone_now = removals.iter().filter(|(moment, _)| *moment <= at).count();
        for gone in gone_before..=gone_now {
            let gone: Vec<u32> = removals[..gone].iter().map(|(_, part)| *part).collect();
            for round in 0..8 {
                let mut found = Files::new();
                for (part, recorder) in before.iter().filter(|(part, _)| !gone.contains(part)) {
                    let recording = recorder.finish();
                    let moment = recording.moments().nth(done(*part)).unwrap();
                    let mut states = disks(&moment, &mut random);
                    let state = random.index(states.len());
                    found.insert(*part, states.swap_remove(state).1);
                }
                sets.push((format!("operation {at}, without {gone:?}, round {round}"), found));
            }
        }
    }
    sets
}

/// Parts of which the index fails.
struct WithFaultyIndex {
    parts: LoggedParts,
    index: Arc<Faulty>,
}

impl WithFaultyIndex {
    fn over(files: &Files, fault: Fault) -> Arc<Self> {
        let parts = LoggedParts::of(files);
        let index = parts.index().unwrap().expect("part 0 is there");
        Arc::new(Self { parts, index: Arc::new(Faulty::over(index, fault)) })
    }
}

impl PartStore for WithFaultyIndex {
    fn numbers(&self) -> Result<Vec<u32>> {
        self.parts.numbers()
    }

    fn open(&self, part: u32) -> Result<Arc<dyn Backend>> {
        self.parts.open(part)
    }

    fn open_for_writing(&self, part: u32) -> Result<Arc<dyn Backend>> {
        self.parts.open_for_writing(part)
    }

    fn create(&self, part: u32) -> Result<Arc<dyn Backend>> {
        self.parts.create(part)
    }

    fn remove(&self, part: u32) -> Result<()> {
        self.parts.remove(part)
    }

    fn index(&self) -> Result<Option<Arc<dyn Backend>>> {
        Ok(Some(Arc::<Faulty>::clone(&self.index)))
    }

    fn keeps_index(&self) -> bool {
        true
    }

    fn name(&self, part: u32) -> String {
        self.parts.name(part)
    }

    fn is_split(&self) -> bool {
        true
    }
}

/// Runs `check` with the first, the second, the third call of the index failing, until the answer is that
/// none did; returns how many did.
fn with_failing_index(calls: &[Call], mut check: impl FnMut(Fault) -> bool) -> u64 {
    let mut failed = 0;
    for &call in calls {
        let mut fault = Fault { call, after: 0, lasts: false, partly: 300 };
        while guarded(&format!("{fault:?}"), || check(fault)) {
            fault.after += 1;
            failed += 1;
        }
    }
    failed
}

#[test]
fn a_reader_whose_index_cannot_be_read_says_so_or_shows_what_there_is() {
    let mut failed = 0;
    for kept in Kept::ALL {
        let (files, _) = kept.small_history(3);
        let expected = listing(&kept.open_files(&files).unwrap()).unwrap();
        // An update that was never recorded, and one that was begun.
        let mut behind = files.clone();
        let len = behind[&0].len() - 4096;
        behind.get_mut(&0).unwrap().truncate(len);
        for found in [&files, &behind, &index_alone(&files)] {
            failed += with_failing_index(&[Call::Len, Call::ReadAt], |fault| {
                reader_survives(kept, found, &expected, fault)
            });
        }
    }
    assert!(failed > 200, "{failed} calls failed");
}

/// Whether the call failed.
fn reader_survives(kept: Kept, files: &Files, expected: &[Listed], fault: Fault) -> bool {
    let store = WithFaultyIndex::over(files, fault);
    let shown = kept.open(Arc::<WithFaultyIndex>::clone(&store)).and_then(|archive| {
        assert_eq!(archive.notice(), None, "a fault is taken for damage");
        assert_eq!(archive.absent_parts(), Vec::<String>::new(), "or for parts that are missing");
        listing(&archive)
    });
    match shown {
        Ok(shown) => assert_eq!(shown, expected),
        Err(error) => {
            assert!(store.index.has_failed(), "{error}");
            assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        }
    }
    assert!(store.parts.files() == *files, "a reader writes nothing");
    store.index.has_failed()
}

#[test]
fn a_writer_whose_index_fails_loses_nothing() {
    let mut failed = 0;
    for kept in Kept::ALL {
        let (files, truths) = kept.small_history(2);
        failed +=
            with_failing_index(&Call::ALL, |fault| writer_survives(kept, &files, &truths, fault));
    }
    assert!(failed > 60, "{failed} calls failed");
}

/// Whether the call failed.
fn writer_survives(kept: Kept, files: &Files, truths: &[Arc<Truth>], fault: Fault) -> bool {
    let store = WithFaultyIndex::over(files, fault);
    let (mut updates, mut attempt) = (Updates::new(5, 3, 300), None);
    let parts = Arc::<WithFaultyIndex>::clone(&store);
    let opened = kept.open_for_writing(parts, &updates.environment, false);
    let told = opened.and_then(|mut archive| {
        updates.update(&mut archive, truths.last(), Ending::Commit, |truth| {
            attempt = Some(Arc::clone(truth));
        })
    });
    let after = store.parts.files();
    let archive = kept.open_files(&after).expect("it is readable");
    let mut shown = truths.to_vec();
    if newest(&archive).unwrap().number() > 2 {
        shown.extend(attempt);
    }
    assert_shows(&archive, &shown, 1);
    match told {
        Ok(_) => assert_eq!(shown.len(), 3),
        Err(error) => {
            assert!(store.index.has_failed(), "{error}");
            assert_eq!(error.kind(), ErrorKind::Io, "{error}");
            assert_eq!(shown.len() == 3, error.to_string().contains("is complete in part"));
        }
    }
    let there = LoggedParts::of(&after);
    drop(kept.open_logged(&there, &updates).expect("what failed can be mended"));
    kept.assert_index_is_right(&there.files());
    store.index.has_failed()
}

#[test]
fn a_rollback_whose_index_fails_leaves_parts_without_a_gap() {
    let mut failed = 0;
    for kept in Kept::ALL {
        let (files, truths) = kept.small_history(4);
        for to in [0, 1, 3] {
            failed += with_failing_index(&Call::ALL, |fault| {
                let store = WithFaultyIndex::over(&files, fault);
                let updates = Updates::new(5, 3, 300);
                let done = roll_back(kept, Arc::<WithFaultyIndex>::clone(&store), &updates, to);
                if let Err(error) = &done {
                    assert!(store.index.has_failed(), "{error}");
                    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
                }
                let seen = left_by_rollback(kept, &store.parts.files(), &truths, to);
                assert!(done.is_err() || seen == to, "{seen} versions are left");
                store.index.has_failed()
            });
        }
    }
    assert!(failed > 100, "{failed} calls failed");
}
