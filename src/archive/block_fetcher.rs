//! Blocks to fragments: several blocks at a time, in order.

use std::collections::VecDeque;
use std::sync::{Arc, mpsc};

use rayon::ThreadPool;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::base::{Error, Result};

use super::block_reader::{BlockReader, DecodedBlock};
use super::block_table::BlockTable;
use super::kept_bases::{KeptBases, LentBases};

/// Blocks of so many raw bytes together, with what they are decoded with, are decoded ahead of the
/// one that is wanted.
const BYTES_AHEAD_MAX: u64 = 144 << 20;

/// A block on its way.
struct Job {
    block: u64,
    /// Not only to decode others with.
    is_wanted: bool,
    bytes: u64,
    decoded: mpsc::Receiver<Result<DecodedBlock>>,
}

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

    /// Fetches `blocks`, which are in rising order, and gives each to `take` in that order. Each is
    /// decoded once, as far as what the next ones need of it can be kept.
    pub fn fetch(
        &self,
        blocks: &[u64],
        mut take: impl FnMut(u64, Result<DecodedBlock>) -> Result<()>,
    ) -> Result<()> {
        let mut bases = KeptBases::new(&self.reader);
        let mut to_come = blocks;
        // Blocks that are only needed to decode the next one, the last of these first.
        let mut needed = Vec::new();
        let mut waiting: VecDeque<Job> = VecDeque::new();
        let mut bytes_ahead = 0;
        loop {
            // One more than there are threads, so that none waits while `take` works.
            while waiting.len() <= self.threads {
                bases.look_ahead(to_come);
                let Some(&block) = needed.last().or(to_come.first()) else { break };
                let is_on_its_way = |base: &u64| waiting.iter().any(|job| job.block == *base);
                let mut missing = bases.missing(block).peekable();
                if missing.peek().is_some() {
                    let Some(base) = missing.find(|base| !is_on_its_way(base)) else { break };
                    needed.push(base);
                    continue;
                }
                drop(missing);
                let bytes = self.reader.raw_bytes(block) + bases.prefix_bytes(block);
                if !waiting.is_empty() && bytes_ahead + bytes > BYTES_AHEAD_MAX {
                    break;
                }
                let is_wanted = needed.pop().is_none();
                if is_wanted {
                    to_come = &to_come[1..];
                }
                let decoded = self.decode(block, bases.lend(block));
                waiting.push_back(Job { block, is_wanted, bytes, decoded });
                bytes_ahead += bytes;
            }
            let Some(job) = waiting.pop_front() else {
                return Ok(());
            };
            let decoded = received(&job.decoded);
            bases.keep(job.block, &decoded);
            if job.is_wanted {
                take(job.block, decoded)?;
            }
            bytes_ahead -= job.bytes;
        }
    }

    fn decode(&self, block: u64, lent: LentBases) -> mpsc::Receiver<Result<DecodedBlock>> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let reader = Arc::clone(&self.reader);
        self.pool.spawn(move || {
            let decoded = reader.block(block, &lent);
            // Who hears of the last block may close the archive.
            drop((reader, lent));
            // A receiver that is gone has no use for the block.
            drop(sender.send(decoded));
        });
        receiver
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
