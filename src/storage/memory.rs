//! A part in memory, for tests and for `add -test`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::{Error, ErrorKind, Result};

use super::backend::Backend;

/// Bytes in memory; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Memory {
    /// A part that already holds `bytes`.
    pub fn with_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes: Arc::new(Mutex::new(bytes)) }
    }

    /// A copy of all bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        // Bytes are whole whatever a panicking thread was doing: each call changes them once.
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for Memory {
    fn len(&self) -> Result<u64> {
        Ok(self.lock().len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let bytes = self.lock();
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let wanted = start.checked_add(buffer.len()).and_then(|end| bytes.get(start..end));
        let Some(wanted) = wanted else {
            return Err(Error::new(ErrorKind::Truncated, "the archive ends too early"));
        };
        buffer.copy_from_slice(wanted);
        Ok(())
    }

    fn append(&self, offset: u64, added: &[u8]) -> Result<()> {
        let mut bytes = self.lock();
        if bytes.len() as u64 != offset {
            return Err(Error::new(ErrorKind::Io, "the archive changed while it was written"));
        }
        bytes.extend_from_slice(added);
        Ok(())
    }

    fn overwrite(&self, offset: u64, written: &[u8]) -> Result<()> {
        let mut bytes = self.lock();
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(written.len());
        let Some(there) = bytes.get_mut(start..end) else {
            return Err(Error::new(ErrorKind::Truncated, "the archive ends too early"));
        };
        there.copy_from_slice(written);
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn truncate(&self, len: u64) -> Result<()> {
        self.lock().truncate(usize::try_from(len).unwrap_or(usize::MAX));
        Ok(())
    }
}
