//! Blocks to fragments: several blocks at a time, in order.

use std::collections::VecDeque;
use std::sync::{Arc, mpsc};

use rayon::ThreadPool;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::base::{Error, Result};

use super::block_reader::{BlockReader, DecodedBlock};
use super::block_table::BlockTable;

/// Blocks of so many raw bytes together are decoded ahead of the one that is wanted.
const BYTES_AHEAD_MAX: u64 = 160 << 20;

/// Fetches blocks with several threads.
pub struct BlockFetcher {
    reader: Arc<BlockReader>,
    pool: ThreadPool,
    threads: usize,
}

impl BlockFetcher {
    /// Decodes up to `threads` blocks of `table` at the same time.
    pub fn new(table: Arc<BlockTable>, threads: usize) -> Result<Self> {
        let reader = Arc::new(BlockReader::new(table));
        Ok(Self { reader, pool: thread_pool(threads)?, threads })
    }

    /// Does `work` on each item with the threads that decode; the results are in the order of the items.
    pub fn map<T: Send, R: Send>(
        &self,
        items: Vec<T>,
        work: impl Fn(T) -> R + Send + Sync,
    ) -> Vec<R> {
        self.pool.install(|| items.into_par_iter().map(work).collect())
    }

    /// Fetches `blocks` and gives each to `take` in that order.
    pub fn fetch(
        &self,
        blocks: &[u64],
        mut take: impl FnMut(u64, Result<DecodedBlock>) -> Result<()>,
    ) -> Result<()> {
        let mut waiting = VecDeque::new();
        let mut bytes_ahead = 0;
        let mut next = blocks.iter().peekable();
        loop {
            // One more than there are threads, so that none waits while `take` works.
            while waiting.len() <= self.threads
                && let Some(&&block) = next.peek()
            {
                let raw_bytes = self.reader.raw_bytes(block);
                if !waiting.is_empty() && bytes_ahead + raw_bytes > BYTES_AHEAD_MAX {
                    break;
                }
                next.next();
                let (sender, receiver) = mpsc::sync_channel(1);
                let reader = Arc::clone(&self.reader);
                self.pool.spawn(move || {
                    let decoded = reader.block(block);
                    // Who hears of the last block may close the archive.
                    drop(reader);
                    // A receiver that is gone has no use for the block.
                    drop(sender.send(decoded));
                });
                waiting.push_back((block, raw_bytes, receiver));
                bytes_ahead += raw_bytes;
            }
            let Some((block, raw_bytes, receiver)) = waiting.pop_front() else {
                return Ok(());
            };
            take(block, received(&receiver))?;
            bytes_ahead -= raw_bytes;
        }
    }
}

/// A pool of exactly so many threads.
pub(super) fn thread_pool(threads: usize) -> Result<ThreadPool> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|cause| {
        Error::new(crate::base::ErrorKind::Io, "cannot start threads").because(cause)
    })
}

/// What a job sent; a job that panicked sent nothing.
pub(super) fn received<T>(receiver: &mpsc::Receiver<Result<T>>) -> Result<T> {
    let gone = |_| Error::new(crate::base::ErrorKind::Io, "a worker thread ended too early");
    receiver.recv().map_err(gone)?
}
