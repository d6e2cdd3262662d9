//! An archive to read whose appended bytes go nowhere: `add -test`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::Result;

use super::backend::Backend;

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
