//! An archive to read whose appended bytes go nowhere: `add -test`.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::Result;

use super::backend::Backend;
use super::memory::Memory;
use super::part_store::PartStore;

/// Reads come from another backend, appended bytes are only counted.
pub struct Discard {
    stored: Arc<dyn Backend>,
    len: AtomicU64,
}

impl Discard {
    /// Nothing that is appended reaches `stored`.
    pub fn over(stored: Arc<dyn Backend>) -> Result<Self> {
        let len = AtomicU64::new(stored.len()?);
        Ok(Self { stored, len })
    }
}

impl Backend for Discard {
    fn len(&self) -> Result<u64> {
        Ok(self.len.load(Ordering::Relaxed))
    }

    fn forgets(&self) -> bool {
        true
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.stored.read_at(offset, buffer)
    }

    fn append(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.len.store(offset + bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn overwrite(&self, _offset: u64, _bytes: &[u8]) -> Result<()> {
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn truncate(&self, len: u64) -> Result<()> {
        self.len.store(len, Ordering::Relaxed);
        Ok(())
    }
}

/// The same for parts: none is made, none goes away.
pub struct DiscardParts {
    stored: Arc<dyn PartStore>,
    /// Parts that are taken to be gone.
    removed: Mutex<BTreeSet<u32>>,
}

impl DiscardParts {
    /// Nothing that is done reaches `stored`.
    pub fn over(stored: Arc<dyn PartStore>) -> Self {
        Self { stored, removed: Mutex::default() }
    }
}

impl PartStore for DiscardParts {
    fn numbers(&self) -> Result<Vec<u32>> {
        let removed = self.removed.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers = self.stored.numbers()?.into_iter();
        Ok(numbers.filter(|number| !removed.contains(number)).collect())
    }

    fn open(&self, part: u32) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(Discard::over(self.stored.open(part)?)?))
    }

    fn open_for_writing(&self, part: u32) -> Result<Arc<dyn Backend>> {
        self.open(part)
    }

    fn create(&self, _part: u32) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(Discard::over(Arc::new(Memory::default()))?))
    }

    fn remove(&self, part: u32) -> Result<()> {
        self.removed.lock().unwrap_or_else(PoisonError::into_inner).insert(part);
        Ok(())
    }

    fn index(&self) -> Result<Option<Arc<dyn Backend>>> {
        let index = self.stored.index()?;
        index.map(|index| Ok(Arc::new(Discard::over(index)?) as Arc<dyn Backend>)).transpose()
    }

    fn name(&self, part: u32) -> String {
        self.stored.name(part)
    }

    fn is_split(&self) -> bool {
        true
    }
}
