//! The six calls an archive needs of its storage, and what each promises.

use crate::base::Result;

/// One part of an archive as a line of bytes that only grows.
///
/// Calls take the backend by shared reference, so that earlier updates can be read while one is
/// written; that only one writes is the journal's business. A failed call leaves unknown what
/// happened; whoever wrote must give up the update.
pub trait Backend: Send + Sync {
    /// Length in bytes, asked of the storage each time: a foreign writer shows here.
    fn len(&self) -> Result<u64>;

    /// Whether it has no bytes.
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Whether bytes that are appended cannot be read again, ever.
    fn forgets(&self) -> bool {
        false
    }

    /// Fills `buffer` with the bytes from `offset` on; fewer bytes are an error of kind
    /// `Truncated`.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()>;

    /// Writes `bytes` at `offset`, which is where the bytes written so far end. They may be lost
    /// or torn, sector by sector, until [`Self::sync`] returns.
    fn append(&self, offset: u64, bytes: &[u8]) -> Result<()>;

    /// Returns when all bytes and the length are on stable storage. After an error nothing is
    /// known and a second call proves nothing.
    fn sync(&self) -> Result<()>;

    /// Writes over bytes that are there, for one purpose only: another key record in the header
    /// region when the password changes. Until [`Self::sync`] returns, each sector may hold what it
    /// held or what was written.
    fn overwrite(&self, offset: u64, bytes: &[u8]) -> Result<()>;

    /// Cuts the end off. A new part that is cut to nothing may vanish with its name.
    fn truncate(&self, len: u64) -> Result<()>;
}
