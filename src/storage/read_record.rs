//! Parts of which every read is remembered: what an archive needs of its storage.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::{ByteRanges, Result};

use super::backend::Backend;
use super::part_store::PartStore;

/// The bytes that were read, part by part.
type Reads = Arc<Mutex<BTreeMap<u32, ByteRanges>>>;

/// Parts, and what was read of them.
pub struct ReadRecord {
    store: Arc<dyn PartStore>,
    reads: Reads,
}

impl ReadRecord {
    /// Remembers what is read of `store` through this.
    pub fn over(store: Arc<dyn PartStore>) -> Self {
        Self { store, reads: Reads::default() }
    }

    /// What was read so far.
    pub fn reads(&self) -> BTreeMap<u32, ByteRanges> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn recorded(&self, part: u32, backend: Arc<dyn Backend>) -> Arc<dyn Backend> {
        Arc::new(RecordedPart { backend, part, reads: Arc::clone(&self.reads) })
    }
}

impl PartStore for ReadRecord {
    fn numbers(&self) -> Result<Vec<u32>> {
        self.store.numbers()
    }

    fn open(&self, part: u32) -> Result<Arc<dyn Backend>> {
        Ok(self.recorded(part, self.store.open(part)?))
    }

    fn open_for_writing(&self, part: u32) -> Result<Arc<dyn Backend>> {
        Ok(self.recorded(part, self.store.open_for_writing(part)?))
    }

    fn create(&self, part: u32) -> Result<Arc<dyn Backend>> {
        Ok(self.recorded(part, self.store.create(part)?))
    }

    fn remove(&self, part: u32) -> Result<()> {
        self.store.remove(part)
    }

    fn index(&self) -> Result<Option<Arc<dyn Backend>>> {
        Ok(self.store.index()?.map(|index| self.recorded(0, index)))
    }

    fn stand_in(&self, part: u32, copies: Arc<dyn Backend>) -> Arc<dyn Backend> {
        self.recorded(part, copies)
    }

    fn name(&self, part: u32) -> String {
        self.store.name(part)
    }

    fn is_split(&self) -> bool {
        self.store.is_split()
    }
}

/// One of the parts.
struct RecordedPart {
    backend: Arc<dyn Backend>,
    part: u32,
    reads: Reads,
}

impl Backend for RecordedPart {
    fn len(&self) -> Result<u64> {
        self.backend.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.backend.read_at(offset, buffer)?;
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        reads.entry(self.part).or_default().add(offset, buffer.len() as u64);
        Ok(())
    }

    fn append(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.backend.append(offset, bytes)
    }

    fn sync(&self) -> Result<()> {
        self.backend.sync()
    }

    fn overwrite(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.backend.overwrite(offset, bytes)
    }

    fn truncate(&self, len: u64) -> Result<()> {
        self.backend.truncate(len)
    }
}
