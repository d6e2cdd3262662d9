//! A backend that records what is asked of it, and the disks that a crash can make of that.
//!
//! Model: everything up to the last sync that returned success is there. Of what came after it,
//! each 512-byte sector holds what it held at any one moment since, and the file has any of the
//! lengths it had since; bytes it has and that never reached the disk are zeros. Without
//! powersafe overwrite, a page of 4096 bytes with a write in flight may be garbage in whole or in
//! part, except the first page of a file that is being made: a file that does not begin as an archive is
//! not ours to overwrite. When only the process dies, everything asked for is there,
//! the last append perhaps in part.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use zarc::base::{Error, ErrorKind, Result};
use zarc::storage::Backend;

use super::random::Random;

const SECTOR: usize = 512;
const PAGE: usize = 4096;

/// What was asked of the storage.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Bytes at the end, which was there.
    Append(u64, Vec<u8>),
    /// Bytes in the place of others.
    Overwrite(u64, Vec<u8>),
    /// A sync that returned success.
    Sync,
    /// A sync that returned an error: it may have done anything.
    FailedSync,
    /// The end cut off.
    Truncate(u64),
}

#[derive(Debug, Default)]
struct State {
    start: Vec<u8>,
    now: Vec<u8>,
    operations: Vec<Operation>,
    /// The process dies at the operation after so many, which an append may do in part.
    lives_for: Option<(usize, Random)>,
    /// The sync after so many fails.
    sync_fails_after: Option<usize>,
}

/// The recording backend; clones share one recording.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<State>>);

impl Recorder {
    /// Records what happens to a disk that holds `start`.
    pub fn over(start: Vec<u8>) -> Self {
        let state = State { start: start.clone(), now: start, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// How many operations were recorded.
    pub fn moment(&self) -> usize {
        self.lock().operations.len()
    }

    /// Lets the process die at the operation after `operations` more.
    pub fn kill_after(&self, operations: usize, random: Random) {
        self.lock().lives_for = Some((operations, random));
    }

    /// A new process, for which nothing fails.
    pub fn revive(&self) {
        let mut state = self.lock();
        (state.lives_for, state.sync_fails_after) = (None, None);
    }

    /// Lets the sync after `syncs` more fail.
    pub fn fail_sync_after(&self, syncs: usize) {
        self.lock().sync_fails_after = Some(syncs);
    }

    /// Where the last cut was recorded.
    pub fn last_truncate(&self) -> Option<usize> {
        self.lock().operations.iter().rposition(|op| matches!(op, Operation::Truncate(_)))
    }

    /// Where the first cut since moment `from` was recorded.
    pub fn truncate_after(&self, from: usize) -> Option<usize> {
        let is_cut = |op: &Operation| matches!(op, Operation::Truncate(_));
        let found = self.lock().operations.iter().skip(from).position(is_cut);
        found.map(|index| from + index)
    }

    /// Ends the recording.
    pub fn finish(&self) -> Recording {
        let state = self.lock();
        Recording { start: state.start.clone(), operations: state.operations.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

fn dead() -> Error {
    Error::new(ErrorKind::Io, "the process is dead")
}

impl State {
    /// Fails if the process is dead or dies now; `partly` is called when it dies now.
    fn live(&mut self, partly: impl FnOnce(&mut Self, &mut Random)) -> Result<()> {
        match self.lives_for.take() {
            None => return Ok(()),
            Some((0, mut random)) => {
                partly(self, &mut random);
                self.lives_for = Some((usize::MAX, random));
            }
            Some((usize::MAX, random)) => self.lives_for = Some((usize::MAX, random)),
            Some((left, random)) => {
                self.lives_for = Some((left - 1, random));
                return Ok(());
            }
        }
        Err(dead())
    }

    fn append(&mut self, offset: u64, bytes: &[u8]) {
        assert_eq!(offset, self.now.len() as u64, "an append begins where the bytes end");
        self.now.extend_from_slice(bytes);
        self.operations.push(Operation::Append(offset, bytes.to_vec()));
    }
}

impl Backend for Recorder {
    fn len(&self) -> Result<u64> {
        Ok(self.lock().now.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let state = self.lock();
        let start = usize::try_from(offset).unwrap();
        let Some(bytes) = state.now.get(start..start + buffer.len()) else {
            return Err(Error::new(ErrorKind::Truncated, "the archive ends too early"));
        };
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    fn append(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let mut state = self.lock();
        state.live(|state, random| {
            let len = random.index(bytes.len() + 1);
            state.append(offset, &bytes[..len]);
        })?;
        state.append(offset, bytes);
        Ok(())
    }

    fn overwrite(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let mut state = self.lock();
        state.live(|_, _| {})?;
        let operation = Operation::Overwrite(offset, bytes.to_vec());
        apply(&operation, &mut state.now);
        state.operations.push(operation);
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        let mut state = self.lock();
        state.live(|_, _| {})?;
        let left = state.sync_fails_after.take();
        if left == Some(0) {
            state.operations.push(Operation::FailedSync);
            return Err(Error::new(ErrorKind::Io, "the disk says no"));
        }
        state.sync_fails_after = left.map(|left| left - 1);
        state.operations.push(Operation::Sync);
        Ok(())
    }

    fn truncate(&self, len: u64) -> Result<()> {
        let mut state = self.lock();
        state.live(|_, _| {})?;
        state.now.truncate(usize::try_from(len).unwrap());
        state.operations.push(Operation::Truncate(len));
        Ok(())
    }
}

/// What was asked of a disk, from the first call to the last.
#[derive(Debug)]
pub struct Recording {
    start: Vec<u8>,
    operations: Vec<Operation>,
}

impl Recording {
    /// All moments, each after one operation more; the first is before all.
    pub fn moments(&self) -> impl Iterator<Item = Moment<'_>> {
        let (mut durable, mut synced) = (self.start.clone(), 0);
        (0..=self.operations.len()).map(move |at| {
            if at > 0 && matches!(self.operations[at - 1], Operation::Sync) {
                self.operations[synced..at].iter().for_each(|op| apply(op, &mut durable));
                synced = at;
            }
            let pending = &self.operations[synced..at];
            let is_emptied = pending.iter().any(|op| matches!(op, Operation::Truncate(0)));
            let is_new = durable.is_empty() || is_emptied;
            Moment { at, durable: durable.clone(), pending, is_new }
        })
    }

    /// All that was asked for.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Every disk that a crash may leave while pages are written over one by one, each followed by a sync, and the
    /// disk in the end. Of the page in flight some sectors are new, or, with `has_garbage`, garbage as well: of all
    /// subsets each `step`th.
    pub fn torn_pages(&self, step: usize, has_garbage: bool) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut disks = vec![self.start.clone()];
        let (mut durable, mut random) = (self.start.clone(), Random::new(1));
        let mut in_flight: Option<(usize, &[u8])> = None;
        for operation in &self.operations {
            match operation {
                Operation::Overwrite(offset, page) => {
                    assert!(in_flight.is_none() && page.len() == PAGE, "one page at a time");
                    let offset = usize::try_from(*offset).unwrap();
                    for subset in (0..1_u32 << (PAGE / SECTOR)).step_by(step) {
                        let (mut torn, mut garbage) = (durable.clone(), durable.clone());
                        for sector in (0..PAGE / SECTOR).filter(|sector| subset >> sector & 1 == 1)
                        {
                            let bytes = sector * SECTOR..(sector + 1) * SECTOR;
                            torn[offset..][bytes.clone()].copy_from_slice(&page[bytes.clone()]);
                            random.fill(&mut garbage[offset..][bytes]);
                        }
                        disks.push(torn);
                        disks.extend(has_garbage.then_some(garbage));
                    }
                    in_flight = Some((offset, page));
                }
                Operation::Sync => {
                    if let Some((offset, page)) = in_flight.take() {
                        durable[offset..][..PAGE].copy_from_slice(page);
                        disks.push(durable.clone());
                    }
                }
                other => panic!("{other:?} while pages are written over"),
            }
        }
        assert!(in_flight.is_none(), "the last page was not synced");
        (disks, durable)
    }

    /// The operations up to moment `at`, for a failed test to print.
    pub fn describe(&self, at: usize) -> String {
        let operations = self.operations[..at].iter().map(|operation| match operation {
            Operation::Append(offset, bytes) => format!(", {} at {offset}", bytes.len()),
            Operation::Overwrite(offset, bytes) => format!(", {} over {offset}", bytes.len()),
            Operation::Sync => ", sync".to_owned(),
            Operation::FailedSync => ", failed sync".to_owned(),
            Operation::Truncate(len) => format!(", cut to {len}"),
        });
        let operations: Vec<String> = operations.collect();
        format!("disk of {} bytes{}", self.start.len(), operations.concat())
    }

    /// The first moment at which a sync that began after operation `from` had returned success.
    pub fn synced_after(&self, from: usize) -> usize {
        let after = self.operations.iter().skip(from);
        after.take_while(|op| !matches!(op, Operation::Sync)).count() + from + 1
    }
}

fn apply(operation: &Operation, bytes: &mut Vec<u8>) {
    match operation {
        Operation::Append(_, added) => bytes.extend_from_slice(added),
        Operation::Overwrite(offset, written) => {
            bytes[usize::try_from(*offset).unwrap()..][..written.len()].copy_from_slice(written);
        }
        Operation::Truncate(len) => bytes.truncate(usize::try_from(*len).unwrap()),
        Operation::Sync | Operation::FailedSync => {}
    }
}

/// A moment at which a crash may come.
#[derive(Debug)]
pub struct Moment<'a> {
    /// How many operations were begun.
    pub at: usize,
    durable: Vec<u8>,
    pending: &'a [Operation],
    /// Nothing of the file was ever synced, or all of it was cut off.
    is_new: bool,
}

impl Moment<'_> {
    /// Whether anything is in flight.
    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The process dies, the machine does not.
    pub fn killed(&self) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        self.pending.iter().for_each(|op| apply(op, &mut bytes));
        bytes
    }

    /// The process dies in the middle of its last append.
    pub fn killed_inside(&self, random: &mut Random) -> Option<Vec<u8>> {
        let (Operation::Append(offset, added), _) = self.pending.split_last()? else {
            return None;
        };
        let mut bytes = self.killed();
        let len = usize::try_from(*offset).unwrap() + random.index(added.len() + 1);
        bytes.truncate(len);
        Some(bytes)
    }

    /// The power fails and nothing in flight reached the disk.
    pub fn lost(&self) -> Vec<u8> {
        self.durable.clone()
    }

    /// The power fails: any sectors, any length; with garbage unless overwriting is powersafe.
    pub fn power_loss(&self, is_powersafe: bool, random: &mut Random) -> Vec<u8> {
        let percent = [0, 10, 50, 90, 100][random.index(5)];
        let mut now = self.durable.clone();
        let mut disk = self.durable.clone();
        let mut lens = vec![disk.len()];
        let mut pages = BTreeSet::new();
        for operation in self.pending {
            let is_over = |op: &Operation| matches!(op, Operation::Overwrite(..));
            assert!(!is_over(operation), "a password is changed in a test of its own");
            let from = now.len();
            apply(operation, &mut now);
            if let Operation::Truncate(_) = operation
                && random.chance(50)
            {
                disk.truncate(now.len());
                lens.clear();
            }
            disk.resize(disk.len().max(now.len().next_multiple_of(SECTOR)), 0);
            for sector in (from / SECTOR * SECTOR..now.len()).step_by(SECTOR) {
                pages.insert(sector / PAGE);
                if random.chance(percent) {
                    copy_sector(&now, &mut disk, sector);
                }
            }
            lens.push(now.len());
        }
        // The latest length half of the time: sizes reach the disk before data on many systems.
        let len = if random.chance(50) { now.len() } else { lens[random.index(lens.len())] };
        disk.resize(len, 0);
        if !is_powersafe {
            pages.retain(|&page| page > 0 || !self.is_new);
            garble(&mut disk, &pages, random);
        }
        disk
    }
}

/// What the sector holds now gets to the disk; beyond the file's end it is zeros.
fn copy_sector(now: &[u8], disk: &mut [u8], sector: usize) {
    let end = now.len().clamp(sector, sector + SECTOR);
    let disk = &mut disk[sector..sector + SECTOR];
    let source = now.get(sector..end).unwrap_or_default();
    disk[..source.len()].copy_from_slice(source);
    disk[source.len()..].fill(0);
}

/// Some of the pages, or some of their sectors, become garbage.
fn garble(disk: &mut [u8], pages: &BTreeSet<usize>, random: &mut Random) {
    let percent = [10, 50, 100][random.index(3)];
    for &page in pages {
        if !random.chance(percent) {
            continue;
        }
        let is_whole = random.chance(50);
        for sector in (page * PAGE..(page + 1) * PAGE).step_by(SECTOR) {
            let end = disk.len().min(sector + SECTOR);
            if (is_whole || random.chance(50)) && sector < end {
                random.fill(&mut disk[sector..end]);
            }
        }
    }
}
