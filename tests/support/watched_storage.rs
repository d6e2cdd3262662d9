//! A backend that remembers which bytes were read.

use std::collections::BTreeSet;
use std::sync::Mutex;

use zarc::base::Result;
use zarc::storage::{Backend, Memory};

/// Bytes in memory, and the offsets of those that were read.
pub struct Watched {
    memory: Memory,
    offsets: Mutex<BTreeSet<u64>>,
}

impl Watched {
    /// Watches over `bytes`.
    pub fn with_bytes(bytes: Vec<u8>) -> Self {
        Self { memory: Memory::with_bytes(bytes), offsets: Mutex::new(BTreeSet::new()) }
    }

    /// What was read since this was last asked.
    pub fn take_offsets(&self) -> BTreeSet<u64> {
        std::mem::take(&mut self.offsets.lock().unwrap())
    }
}

impl Backend for Watched {
    fn len(&self) -> Result<u64> {
        self.memory.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.offsets.lock().unwrap().extend(offset..offset + buffer.len() as u64);
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
