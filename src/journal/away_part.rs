//! A part that is not there: what part 0 has of it can be read.

use std::sync::Arc;

use crate::base::{Error, ErrorKind, Result};
use crate::storage::Backend;

use super::index::Index;

/// A view of a part that was moved away.
pub(super) struct AwayPart {
    pub index: Arc<Index>,
    pub part: u32,
    /// What people call the part.
    pub name: String,
}

impl AwayPart {
    fn cannot<T>(&self) -> Result<T> {
        Err(Error::new(ErrorKind::Missing, "a part of the archive is not there")
            .at(&self.name)
            .because("it cannot be written"))
    }
}

impl Backend for AwayPart {
    fn len(&self) -> Result<u64> {
        self.index.end_of(self.part)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.index.read_copy(self.part, offset, buffer).map_err(|error| match error.kind() {
            ErrorKind::Missing => {
                Error::new(ErrorKind::Missing, "a part of the archive is not there")
                    .at(&self.name)
                    .because("the index has everything of it but the contents of files")
            }
            _ => error,
        })
    }

    fn append(&self, _offset: u64, _bytes: &[u8]) -> Result<()> {
        self.cannot()
    }

    fn overwrite(&self, _offset: u64, _bytes: &[u8]) -> Result<()> {
        self.cannot()
    }

    /// What is there was synced by whoever wrote it.
    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn truncate(&self, _len: u64) -> Result<()> {
        self.cannot()
    }
}
