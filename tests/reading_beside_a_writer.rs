//! Reading while somebody adds.
//!
//! Goal: *Reading while somebody adds* of `spec/recovery.md`: a reader sees a state that was committed, and what a
//! writer is doing looks like an update that was not completed, never like damage. Method: an update is recorded;
//! the storage shows one moment of it up to some call of the reader and a later one from then on, for each moment
//! and each call; in one file, in parts with an index, with and without a password.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use zarc::archive::{Archive, Notice};
use zarc::base::{Error, ErrorKind, Result};
use zarc::storage::{Backend, PartStore};

use crate::support::crash_storage::Recorder;
use crate::support::guarded;
use crate::support::indexed_parts::{Files, Kept};
use crate::support::logged_parts::LoggedParts;
use crate::support::random_history::{Ending, Updates, open_for_writing};
use crate::support::truth::{Truth, assert_shows, newest};

/// Files that are these until so many calls were made, and others from then on.
#[derive(Clone)]
struct Changing(Arc<Moments>);

struct Moments {
    first: Files,
    later: Files,
    changes_after: usize,
    calls: AtomicUsize,
    is_split: bool,
}

impl Changing {
    fn new(first: &Files, later: &Files, changes_after: usize, is_split: bool) -> Self {
        let (first, later, calls) = (first.clone(), later.clone(), AtomicUsize::new(0));
        Self(Arc::new(Moments { first, later, changes_after, calls, is_split }))
    }

    fn call(&self) -> &Files {
        let is_first = self.0.calls.fetch_add(1, Ordering::SeqCst) < self.0.changes_after;
        if is_first { &self.0.first } else { &self.0.later }
    }

    fn has_changed(&self) -> bool {
        self.0.calls.load(Ordering::SeqCst) > self.0.changes_after
    }

    fn part(&self, part: u32) -> Option<Arc<dyn Backend>> {
        let is_there = self.call().contains_key(&part);
        is_there.then(|| Arc::new(Part { files: self.clone(), part }) as Arc<dyn Backend>)
    }
}

fn nobody_writes<T>() -> Result<T> {
    panic!("a reader writes nothing")
}

impl PartStore for Changing {
    fn numbers(&self) -> Result<Vec<u32>> {
        Ok(self.call().keys().copied().filter(|&part| part > 0).collect())
    }

    fn open(&self, part: u32) -> Result<Arc<dyn Backend>> {
        self.part(part).ok_or_else(|| Error::new(ErrorKind::Missing, "there is no such part"))
    }

    fn open_for_writing(&self, _part: u32) -> Result<Arc<dyn Backend>> {
        nobody_writes()
    }

    fn create(&self, _part: u32) -> Result<Arc<dyn Backend>> {
        nobody_writes()
    }

    fn remove(&self, _part: u32) -> Result<()> {
        nobody_writes()
    }

    fn index(&self) -> Result<Option<Arc<dyn Backend>>> {
        Ok(self.part(0))
    }

    fn name(&self, part: u32) -> String {
        format!("part{part}")
    }

    fn is_split(&self) -> bool {
        self.0.is_split
    }
}

struct Part {
    files: Changing,
    part: u32,
}

impl Backend for Part {
    fn len(&self) -> Result<u64> {
        Ok(self.files.call()[&self.part].len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let start = usize::try_from(offset).unwrap();
        let Some(bytes) = self.files.call()[&self.part].get(start..start + buffer.len()) else {
            return Err(Error::new(ErrorKind::Truncated, "the archive ends too early"));
        };
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    fn append(&self, _offset: u64, _bytes: &[u8]) -> Result<()> {
        nobody_writes()
    }

    fn sync(&self) -> Result<()> {
        nobody_writes()
    }

    fn overwrite(&self, _offset: u64, _bytes: &[u8]) -> Result<()> {
        nobody_writes()
    }

    fn truncate(&self, _len: u64) -> Result<()> {
        nobody_writes()
    }
}

/// Reads at every pair of moments, of which the later one comes at every call; returns how often.
fn read_at_all_moments(
    kept: Kept,
    moments: &[Files],
    truths: &[Arc<Truth>],
    is_split: bool,
) -> u64 {
    // To open an encrypted archive takes time.
    let step = if kept.key.is_some() { 5 } else { 1 };
    let mut readings = 0;
    for (number, first) in moments.iter().enumerate() {
        // The next moment, and the end of the update.
        let later =
            [moments.get(number + 1), moments.last().filter(|_| number + 2 < moments.len())];
        for later in later.into_iter().flatten() {
            for call in (number % step..).step_by(step) {
                let files = Changing::new(first, later, call, is_split);
                let place = format!("{kept:?}, moment {number}, call {call}");
                guarded(&place, || {
                    let archive = kept.open(Arc::new(files.clone())).expect("it is readable");
                    assert_undisturbed(&archive, truths);
                });
                readings += 1;
                if !files.has_changed() {
                    break;
                }
            }
        }
    }
    readings
}

/// The archive shows all versions, or all but the newest one.
fn assert_undisturbed(archive: &Archive, truths: &[Arc<Truth>]) {
    assert!(
        matches!(archive.notice(), None | Some(Notice::Unfinished(_))),
        "{:?}",
        archive.notice()
    );
    assert_eq!(archive.absent_parts(), Vec::<String>::new());
    let seen = newest(archive).map_or(0, |version| version.number());
    let seen = usize::try_from(seen).unwrap();
    assert!((truths.len() - 1..=truths.len()).contains(&seen), "{seen} versions");
    assert_shows(archive, &truths[..seen], 0);
}

#[test]
fn whatever_a_writer_does_between_two_calls_a_reader_of_parts_is_not_disturbed() {
    for kept in Kept::ALL {
        let (before, mut truths) = kept.small_history(2);
        let files = LoggedParts::of(&before);
        kept.update(&files, &mut Updates::new(8, 3, 400), &mut truths).unwrap();
        let (log, after) = (files.log(), files.files());
        let moments: Vec<Files> = (0..=log.len())
            .map(|at| {
                let done = |file: u32| log[..at].iter().filter(|part| **part == file).count();
                let there =
                    after.keys().filter(|part| before.contains_key(part) || done(**part) > 0);
                let bytes = |part: u32| {
                    let recording = files.recorder(part).unwrap().finish();
                    recording.moments().nth(done(part)).unwrap().killed()
                };
                there.map(|&part| (part, bytes(part))).collect()
            })
            .collect();
        assert!(read_at_all_moments(kept, &moments, &truths, true) > 200);
    }
}

#[test]
fn whatever_a_writer_does_between_two_calls_a_reader_of_a_file_is_not_disturbed() {
    let recorder = Recorder::over(Vec::new());
    let mut updates = Updates::new(9, 4, 900);
    let (mut truths, mut from): (Vec<Arc<Truth>>, usize) = (Vec::new(), 0);
    for _ in 0..3 {
        from = recorder.moment();
        let mut archive =
            open_for_writing(Arc::new(recorder.clone()), &updates.environment).unwrap();
        let made = updates.update(&mut archive, truths.last(), Ending::Commit, |_| {});
        truths.push(made.unwrap().unwrap().0);
    }
    let recording = recorder.finish();
    let moments: Vec<Files> =
        recording.moments().skip(from).map(|moment| Files::from([(1, moment.killed())])).collect();
    assert!(read_at_all_moments(Kept::PLAIN, &moments, &truths, false) > 500);
}
