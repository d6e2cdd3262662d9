//! Blocks of the archive, lent to jobs for as long as the update is being written: a job that goes on
//! after an update was given up keeps nothing of the archive open.

use std::sync::{Arc, PoisonError, RwLock};

use super::block_reader::BlockReader;

/// What is lent; nothing any more when it is dropped.
pub(super) struct EarlierBlocks(LentBlocks);

/// What a job has of it.
#[derive(Clone)]
pub(super) struct LentBlocks(Arc<RwLock<Option<Arc<BlockReader>>>>);

impl EarlierBlocks {
    /// Lends these blocks, if there are any.
    pub(super) fn new(blocks: Option<Arc<BlockReader>>) -> Self {
        Self(LentBlocks(Arc::new(RwLock::new(blocks))))
    }

    /// For a job.
    pub(super) fn lend(&self) -> LentBlocks {
        self.0.clone()
    }
}

impl LentBlocks {
    /// What `take` makes of the blocks, if they are still lent.
    pub(super) fn with<T>(&self, take: impl FnOnce(Option<&BlockReader>) -> T) -> T {
        take(self.0.read().unwrap_or_else(PoisonError::into_inner).as_deref())
    }
}

impl Drop for EarlierBlocks {
    /// Waits for the jobs that are reading.
    fn drop(&mut self) {
        *self.0.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
