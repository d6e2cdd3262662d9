//! A backend that counts what is asked of it.

use std::sync::atomic::{AtomicU64, Ordering};

use zarc::base::Result;
use zarc::storage::{Backend, Memory};

/// Bytes in memory that are only read.
pub struct Counted {
    memory: Memory,
    reads: AtomicU64,
    lens: AtomicU64,
}

impl Counted {
    /// Counts over `memory`.
    pub fn over(memory: Memory) -> Self {
        Self { memory, reads: AtomicU64::new(0), lens: AtomicU64::new(0) }
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
        self.memory.read_at(offset, buffer)
    }

    fn append(&self, _offset: u64, _bytes: &[u8]) -> Result<()> {
        panic!("it is only read")
    }

    fn overwrite(&self, _offset: u64, _bytes: &[u8]) -> Result<()> {
        panic!("it is only read")
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn truncate(&self, _len: u64) -> Result<()> {
        panic!("it is only read")
    }
}
