//! Blocks to fragments: several blocks at a time, in order.

use std::collections::VecDeque;
use std::iter;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use rayon::ThreadPool;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::base::{ByteRanges, Error, Result};

use super::block_reader::BlockReader;
use super::block_table::BlockTable;
use super::decoded_block::DecodedBlock;
use super::kept_bases::KeptBases;
use super::lent_bases::LentBases;

/// Blocks of so many raw bytes together, with what they are decoded with, are decoded ahead of the
/// one that is wanted.
const BYTES_AHEAD_MAX: u64 = 144 << 20;

/// Buffers of blocks that were dealt with are kept up to so many bytes: fresh memory costs a page fault for
/// every 4 KiB.
const SPARE_BYTES_MAX: usize = 72 << 20;

/// A block to fetch.
pub struct WantedBlock {
    /// Its number.
    pub block: u64,
    /// Indices of the fragments that will be asked for: they are compared with their identities while
    /// other blocks are decoded.
    pub fragments: Vec<Range<u32>>,
}

impl WantedBlock {
    /// All fragments of a block.
    pub fn whole(block: u64) -> Self {
        Self { block, fragments: iter::once(0..u32::MAX).collect() }
    }
}

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
    /// Buffers to decode in.
    spare: Mutex<Vec<Vec<u8>>>,
}

impl BlockFetcher {
    /// Decodes up to `threads` blocks of `table` at the same time.
    pub fn new(table: Arc<BlockTable>, threads: usize) -> Result<Self> {
        let reader = Arc::new(BlockReader::new(table));
        Ok(Self { reader, pool: thread_pool(threads)?, threads, spare: Mutex::default() })
    }

    /// Does `work` on each item with the threads that decode; the results are in the order of the items.
    pub fn map<T: Send, R: Send>(
        &self,
        items: Vec<T>,
        work: impl Fn(T) -> R + Send + Sync,
    ) -> Vec<R> {
        self.pool.install(|| items.into_par_iter().map(work).collect())
    }

    /// Takes the memory of a block that was dealt with, for the next ones.
    pub fn reuse(&self, block: DecodedBlock) {
        let buffer = block.into_buffer();
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: usize = spare.iter().map(Vec::capacity).sum();
        if bytes + buffer.capacity() <= SPARE_BYTES_MAX {
            spare.push(buffer);
        }
    }

    /// A buffer that has room for a block, if it was used before.
    fn buffer_for(&self, block: u64) -> Vec<u8> {
        let bytes = self.reader.raw_bytes(block);
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let found = spare.iter().position(|buffer| buffer.capacity() as u64 >= bytes);
        found.map_or_else(Vec::new, |index| spare.swap_remove(index))
    }

    /// Fetches `blocks`, which are in rising order, and gives each to `take` in that order. Each is
    /// decoded once, as far as what the next ones need of it can be kept.
    pub fn fetch(
        &self,
        blocks: &[WantedBlock],
        mut take: impl FnMut(u64, Result<DecodedBlock>) -> Result<()>,
    ) -> Result<()> {
        let mut bases = KeptBases::default();
        let mut to_come = blocks;
        // Blocks that are only needed to decode the next one, the last of these first.
        let mut needed = Vec::new();
        let mut waiting: VecDeque<Job> = VecDeque::new();
        let mut bytes_ahead = 0;
        loop {
            // One more than there are threads, so that none waits while `take` works.
            while waiting.len() <= self.threads {
                bases.look_ahead(&self.reader, to_come);
                let wanted = to_come.first();
                let Some(block) = needed.last().copied().or(wanted.map(|wanted| wanted.block))
                else {
                    break;
                };
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
                let mut fragments = Vec::new();
                if is_wanted && let Some((wanted, rest)) = to_come.split_first() {
                    fragments.clone_from(&wanted.fragments);
                    to_come = rest;
                }
                let lent = bases.lend(block);
                let decoded = self.decode(block, lent, fragments, bases.needed(block));
                waiting.push_back(Job { block, is_wanted, bytes, decoded });
                bytes_ahead += bytes;
            }
            let Some(job) = waiting.pop_front() else {
                return Ok(());
            };
            let decoded = received(&job.decoded);
            bases.keep(job.block, decoded.as_ref().ok());
            if job.is_wanted {
                take(job.block, decoded)?;
            } else if let Ok(decoded) = decoded {
                self.reuse(decoded);
            }
            bytes_ahead -= job.bytes;
        }
    }

    /// Decodes a block, of which these fragments and what others need of it are looked at.
    fn decode(
        &self,
        block: u64,
        lent: LentBases,
        fragments: Vec<Range<u32>>,
        needed: ByteRanges,
    ) -> mpsc::Receiver<Result<DecodedBlock>> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let reader = Arc::clone(&self.reader);
        let buffer = self.buffer_for(block);
        self.pool.spawn(move || {
            let decoded = reader.block(block, &lent, buffer);
            if let Ok(decoded) = &decoded {
                decoded.compare(&fragments, &needed);
            }
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
