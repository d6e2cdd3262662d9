//! A backend that counts what is asked of it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use zarc::base::Result;
use zarc::storage::{Backend, Memory};

/// Bytes in memory.
pub struct Counted {
    memory: Memory,
    reads: AtomicU64,
    lens: AtomicU64,
    /// By where they begin.
    reads_at: Mutex<BTreeMap<u64, u64>>,
}

impl Counted {
    /// Counts over `memory`.
    pub fn over(memory: Memory) -> Self {
        let (reads, lens) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { memory, reads, lens, reads_at: Mutex::default() }
    }

    /// How many reads began at this offset so far.
    pub fn reads_at(&self, offset: usize) -> u64 {
        self.reads_at.lock().unwrap().get(&(offset as u64)).copied().unwrap_or(0)
    }

    /// Reads so far, and questions for the length.
    pub fn counts(&self) -> (u64, u64) {
        (self.reads.load(Ordering::Relaxed), self.lens.load(Ordering::Relaxed))
    }
}

impl Backend for Counted {
    fn len(&self) -> Result<u64> {
        self.lens.fetch_add(1, Ordering::Relaxed);
        self.memory.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        *self.reads_at.lock().unwrap().entry(offset).or_default() += 1;
        self.memory.read_at(offset, buffer)
    }

    fn append(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.memory.append(offset, bytes)
    }

    fn overwrite(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.memory.overwrite(offset, bytes)
    }

    fn sync(&self) -> Result<()> {
        self.memory.sync()
    }

    fn truncate(&self, len: u64) -> Result<()> {
        self.memory.truncate(len)
    }
}
