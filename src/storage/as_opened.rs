//! Parts as they were when a reader came, whatever somebody appends meanwhile.
//!
//! Invariant: which parts there are, and how long each is, is asked once; of part 0 whoever looks at it keeps the
//! length. What a reader finds at the end of a
//! part at one moment can so not be contradicted by what it finds there at the next.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::base::{Error, ErrorKind, Result};

use super::backend::Backend;
use super::part_store::PartStore;

/// Parts that do not grow; they are only read.
pub struct AsOpened {
    store: Arc<dyn PartStore>,
    numbers: OnceLock<Vec<u32>>,
    /// The lengths that the parts had when they were opened first.
    lens: Mutex<BTreeMap<u32, u64>>,
}

impl AsOpened {
    /// The parts of `store` as they are found from now on.
    pub fn over(store: Arc<dyn PartStore>) -> Self {
        Self { store, numbers: OnceLock::new(), lens: Mutex::default() }
    }
}

impl PartStore for AsOpened {
    fn numbers(&self) -> Result<Vec<u32>> {
        if let Some(numbers) = self.numbers.get() {
            return Ok(numbers.clone());
        }
        let found = self.store.numbers()?;
        Ok(self.numbers.get_or_init(|| found).clone())
    }

    fn open(&self, part: u32) -> Result<Arc<dyn Backend>> {
        let backend = self.store.open(part)?;
        let found = backend.len()?;
        let mut lens = self.lens.lock().unwrap_or_else(PoisonError::into_inner);
        let len = *lens.entry(part).or_insert(found);
        Ok(Arc::new(PartAsOpened { backend, len }))
    }

    fn open_for_writing(&self, part: u32) -> Result<Arc<dyn Backend>> {
        Err(only_read(self.name(part)))
    }

    fn create(&self, part: u32) -> Result<Arc<dyn Backend>> {
        Err(only_read(self.name(part)))
    }

    fn remove(&self, part: u32) -> Result<()> {
        Err(only_read(self.name(part)))
    }

    fn index(&self) -> Result<Option<Arc<dyn Backend>>> {
        self.store.index()
    }

    fn stand_in(&self, part: u32, copies: Arc<dyn Backend>) -> Arc<dyn Backend> {
        self.store.stand_in(part, copies)
    }

    fn name(&self, part: u32) -> String {
        self.store.name(part)
    }

    fn is_split(&self) -> bool {
        self.store.is_split()
    }
}

/// One of the parts.
struct PartAsOpened {
    backend: Arc<dyn Backend>,
    len: u64,
}

impl Backend for PartAsOpened {
    fn len(&self) -> Result<u64> {
        Ok(self.len)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let end = offset.saturating_add(buffer.len() as u64);
        if end > self.len {
            return Err(Error::new(ErrorKind::Truncated, "the archive ends too early"));
        }
        self.backend.read_at(offset, buffer)
    }

    fn append(&self, _offset: u64, _bytes: &[u8]) -> Result<()> {
        Err(only_read("the archive"))
    }

    fn sync(&self) -> Result<()> {
        Err(only_read("the archive"))
    }

    fn overwrite(&self, _offset: u64, _bytes: &[u8]) -> Result<()> {
        Err(only_read("the archive"))
    }

    fn truncate(&self, _len: u64) -> Result<()> {
        Err(only_read("the archive"))
    }
}

fn only_read(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Io, format!("cannot write to {what}: it was opened to be read"))
}
