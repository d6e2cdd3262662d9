//! Blocks to fragments: read, check, decode, hash; several blocks at a time, in order.

use std::collections::VecDeque;
use std::sync::{Arc, mpsc};

use rayon::ThreadPool;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::base::{Error, Result};
use crate::compress::{self, Codec};
use crate::format::{BlockRecord, Data, FrameType, Run};

use super::block_table::BlockTable;

/// The fragments of one block, each one checked against its identity.
#[derive(Debug)]
pub struct DecodedBlock {
    bytes: Vec<u8>,
    /// Where each fragment starts, and where the last one ends.
    starts: Vec<usize>,
    /// Fragments whose bytes are not those that were stored.
    wrong: Vec<u32>,
    number: u64,
}

impl DecodedBlock {
    /// The bytes of consecutive fragments of this block.
    pub fn run(&self, run: &Run) -> Result<&[u8]> {
        let first = run.first.index as usize;
        let last = first.saturating_add(run.count as usize);
        let bytes = match (self.starts.get(first), self.starts.get(last)) {
            (Some(&start), Some(&end)) => &self.bytes[start..end],
            _ => {
                return Err(Error::corrupt(format!(
                    "block {} has no fragments {first} to {last}",
                    self.number
                )));
            }
        };
        if bytes.len() as u64 != run.len {
            return Err(Error::corrupt(format!(
                "fragments {first} to {last} of block {} are not as long as the file says",
                self.number
            )));
        }
        let is_wrong = |index: &u32| (first..last).contains(&(*index as usize));
        match self.wrong.iter().find(|index| is_wrong(index)) {
            Some(index) => Err(wrong_fragment(self.number, *index)),
            None => Ok(bytes),
        }
    }

    /// Fragments in it.
    pub fn fragments(&self) -> u64 {
        self.starts.len() as u64 - 1
    }

    /// Bytes of all fragments.
    pub fn raw_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The indices of the fragments whose bytes are not those that were stored.
    pub fn wrong_indices(&self) -> &[u32] {
        &self.wrong
    }

    /// The fragments whose bytes are not those that were stored, as errors.
    pub fn wrong(&self) -> impl Iterator<Item = Error> + '_ {
        self.wrong.iter().map(|index| wrong_fragment(self.number, *index))
    }
}

fn wrong_fragment(block: u64, index: u32) -> Error {
    Error::corrupt(format!("fragment {index} of block {block} is damaged"))
        .because("its identity differs")
}

/// Fetches blocks with several threads.
pub struct BlockFetcher {
    table: Arc<BlockTable>,
    pool: ThreadPool,
    threads: usize,
}

impl BlockFetcher {
    /// Decodes up to `threads` blocks of `table` at the same time.
    pub fn new(table: Arc<BlockTable>, threads: usize) -> Result<Self> {
        Ok(Self { table, pool: thread_pool(threads)?, threads })
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
        let mut next = blocks.iter();
        loop {
            // One more than there are threads, so that none waits while `take` works.
            while waiting.len() <= self.threads {
                let Some(&block) = next.next() else { break };
                let (sender, receiver) = mpsc::sync_channel(1);
                let table = Arc::clone(&self.table);
                // A receiver that is gone has no use for the block.
                self.pool.spawn(move || drop(sender.send(fetch_one(&table, block))));
                waiting.push_back((block, receiver));
            }
            let Some((block, receiver)) = waiting.pop_front() else {
                return Ok(());
            };
            take(block, received(&receiver))?;
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

fn fetch_one(table: &BlockTable, block: u64) -> Result<DecodedBlock> {
    let record = table.record(block)?;
    decode_block(table, block, &record)
}

fn decode_block(table: &BlockTable, block: u64, record: &BlockRecord) -> Result<DecodedBlock> {
    let frame = table.reader().frame(record.place, FrameType::Data, record.payload_len)?;
    let data = Data::decode(frame.payload()).map_err(|error| error.at(record.place))?;
    let lengths = record.fragments.iter().map(|fragment| fragment.len);
    if data.block != block || !data.lengths.iter().copied().eq(lengths) {
        return Err(Error::corrupt(format!(
            "block {block} is not the one that its record describes"
        ))
        .at(record.place));
    }
    let mut bytes = Vec::new();
    Codec::from_id(data.codec)
        .and_then(|codec| compress::unpack(codec, data.packed, data.raw_len(), &mut bytes))
        .map_err(|error| error.at(record.place))?;
    let mut starts = vec![0];
    let mut wrong = Vec::new();
    let mut start = 0;
    for (index, fragment) in (0_u32..).zip(&record.fragments) {
        let end = start + fragment.len as usize;
        if table.identity_of(&bytes[start..end]) != fragment.identity {
            wrong.push(index);
        }
        starts.push(end);
        start = end;
    }
    Ok(DecodedBlock { bytes, starts, wrong, number: block })
}
