//! Frames of an update in the order they were asked for, whichever worker is ready first: so the
//! same input gives the same bytes with any number of threads.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, mpsc};

use rayon::ThreadPool;

use crate::base::{BlockReport, NoProgress, Progress, Result, StoredPath};
use crate::compress::{ContentKind, Method};
use crate::format::{
    BlockRecord, Directory, EntryPageBuilder, FragmentPage, FragmentRecord, FrameType,
    PageReference, RunKind, RunReference,
};
use crate::journal::{CommitPoint, UpdateWriter};

use super::block_fetcher::{received, thread_pool};
use super::block_packer::{FullBlock, SealedBlock};
use super::block_reader::BlockReader;
use super::packed_frame;

/// A page of fragment records ends when it has so many bytes.
const FRAGMENT_PAGE_BYTES: usize = 256 * 1024;

/// A frame that waits for its turn.
enum Waiting {
    Block {
        number: u64,
        kind: ContentKind,
        fragments: Vec<FragmentRecord>,
        sealed: mpsc::Receiver<Result<SealedBlock>>,
    },
    Entries {
        first: StoredPath,
        records: u64,
        payload: Vec<u8>,
    },
}

/// Writes blocks and entry pages, and the fragment records of the blocks.
pub(super) struct FrameQueue<'a> {
    writer: UpdateWriter<'a>,
    /// Hears of each block that is written.
    progress: &'a dyn Progress,
    method: Method,
    /// Blocks that new ones may be like.
    earlier: Option<Arc<BlockReader>>,
    pool: ThreadPool,
    threads: usize,
    waiting: VecDeque<Waiting>,
    blocks_waiting: usize,
    /// Buffers of written blocks, to be used again.
    spare: Vec<Vec<u8>>,
    /// Written blocks whose records wait for those of blocks with smaller numbers.
    records: BTreeMap<u64, BlockRecord>,
    page: FragmentPage,
    page_bytes: usize,
    entry_pages: Vec<PageReference<StoredPath>>,
    fragment_pages: Vec<PageReference<u64>>,
    data_bytes: u64,
}

impl<'a> FrameQueue<'a> {
    /// Compresses up to `threads` blocks at the same time; the first will be `first_block`.
    pub(super) fn new(
        writer: UpdateWriter<'a>,
        method: Method,
        threads: usize,
        first_block: u64,
        earlier: Option<Arc<BlockReader>>,
    ) -> Result<Self> {
        Ok(Self {
            writer,
            progress: &NoProgress,
            method,
            earlier,
            pool: thread_pool(threads)?,
            threads,
            waiting: VecDeque::new(),
            blocks_waiting: 0,
            spare: Vec::new(),
            records: BTreeMap::new(),
            page: FragmentPage { first_block, blocks: Vec::new() },
            page_bytes: 0,
            entry_pages: Vec::new(),
            fragment_pages: Vec::new(),
            data_bytes: 0,
        })
    }

    /// Reports blocks from now on.
    pub(super) fn report_to(&mut self, progress: &'a dyn Progress) {
        self.progress = progress;
    }

    /// The update being written.
    pub(super) fn writer(&self) -> &UpdateWriter<'a> {
        &self.writer
    }

    /// Bytes of payload in DATA frames so far.
    pub(super) fn data_bytes(&self) -> u64 {
        self.data_bytes
    }

    /// A buffer that is free again, if any.
    pub(super) fn take_spare(&mut self) -> Option<Vec<u8>> {
        self.spare.pop()
    }

    /// Queues a block; waits while as many are in work as there are threads.
    pub(super) fn push_block(&mut self, block: FullBlock) -> Result<()> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let method = self.method;
        let (number, kind, fragments) = (block.number, block.kind, block.fragments.clone());
        let earlier = self.earlier.clone();
        self.pool.spawn(move || {
            let sealed = block.seal(method, earlier.as_deref());
            // Who hears of the last block may close the archive, which nothing must keep open then.
            drop(earlier);
            // A receiver that is gone belongs to an update that was given up.
            drop(sender.send(sealed));
        });
        self.waiting.push_back(Waiting::Block { number, kind, fragments, sealed: receiver });
        self.blocks_waiting += 1;
        while self.blocks_waiting >= self.threads.max(2) {
            self.write_next()?;
        }
        Ok(())
    }

    /// Records a block of an archive without data; there is nothing to wait for.
    pub(super) fn push_record(&mut self, block: FullBlock) -> Result<()> {
        self.records.insert(block.number, BlockRecord::without_data(block.fragments));
        self.page_records()
    }

    /// Queues a page of entries.
    pub(super) fn push_entries(&mut self, page: EntryPageBuilder) -> Result<()> {
        let Some((first, records, raw)) = page.finish() else {
            return Ok(());
        };
        let payload = packed_frame::pack(&raw)?;
        self.waiting.push_back(Waiting::Entries { first, records, payload });
        while matches!(self.waiting.front(), Some(Waiting::Entries { .. })) {
            self.write_next()?;
        }
        Ok(())
    }

    fn write_next(&mut self) -> Result<()> {
        match self.waiting.pop_front() {
            None => Ok(()),
            Some(Waiting::Entries { first, records, payload }) => {
                let (place, payload_len) = self.writer.append(FrameType::Entries, &payload)?;
                let first_key = first;
                self.entry_pages.push(PageReference { first_key, place, payload_len, records });
                Ok(())
            }
            Some(Waiting::Block { number, kind, fragments, sealed }) => {
                self.blocks_waiting -= 1;
                let SealedBlock { payload, raw, method } = received(&sealed)?;
                let (place, payload_len) = self.writer.append(FrameType::Data, &payload)?;
                self.data_bytes += payload_len;
                self.progress.block(&BlockReport {
                    number,
                    fragments: fragments.len() as u64,
                    raw_bytes: raw.len() as u64,
                    stored_bytes: payload_len,
                    method: method.to_string(),
                    content: kind.name(),
                });
                self.spare.push(raw);
                self.records.insert(number, BlockRecord { place, payload_len, fragments });
                self.page_records()
            }
        }
    }

    /// Moves records whose turn has come to the page, and writes the page when it is full.
    fn page_records(&mut self) -> Result<()> {
        loop {
            let next = self.page.first_block + self.page.blocks.len() as u64;
            let Some(record) = self.records.remove(&next) else {
                return Ok(());
            };
            self.page_bytes += 16 + 36 * record.fragments.len();
            self.page.blocks.push(record);
            if self.page_bytes >= FRAGMENT_PAGE_BYTES {
                self.write_fragment_page()?;
            }
        }
    }

    fn write_fragment_page(&mut self) -> Result<()> {
        let records = self.page.blocks.len() as u64;
        if records == 0 {
            return Ok(());
        }
        let payload = packed_frame::pack(&self.page.encode())?;
        let (place, payload_len) = self.writer.append(FrameType::Fragments, &payload)?;
        let first_key = self.page.first_block;
        self.fragment_pages.push(PageReference { first_key, place, payload_len, records });
        self.page = FragmentPage { first_block: first_key + records, blocks: Vec::new() };
        self.page_bytes = 0;
        Ok(())
    }

    /// Writes all that waits, then the directories of the two runs of this update.
    pub(super) fn finish(&mut self) -> Result<(Option<RunReference>, Option<RunReference>)> {
        while !self.waiting.is_empty() {
            self.write_next()?;
        }
        self.write_fragment_page()?;
        assert!(self.records.is_empty(), "every block has a record in the fragment run");
        let entries = std::mem::take(&mut self.entry_pages);
        let fragments = std::mem::take(&mut self.fragment_pages);
        let entry_records = entries.iter().map(|page| page.records).sum();
        let fragment_records = fragments.iter().map(|page| page.records).sum();
        let first_block = fragments.first().map_or(0, |page| page.first_key);
        Ok((
            self.write_directory(RunKind::Entries, &Directory::Entries(entries), entry_records, 0)?,
            self.write_directory(
                RunKind::Fragments,
                &Directory::Fragments(fragments),
                fragment_records,
                first_block,
            )?,
        ))
    }

    fn write_directory(
        &mut self,
        kind: RunKind,
        directory: &Directory,
        records: u64,
        first_block: u64,
    ) -> Result<Option<RunReference>> {
        if records == 0 {
            return Ok(None);
        }
        let payload = packed_frame::pack(&directory.encode())?;
        let (place, payload_len) = self.writer.append(FrameType::Directory, &payload)?;
        let update = self.writer.number();
        Ok(Some(RunReference {
            kind,
            place,
            payload_len,
            updates: (update, update),
            records,
            first_block,
        }))
    }

    /// Writes the manifest's raw bytes and commits.
    pub(super) fn commit(mut self, manifest: &[u8]) -> Result<CommitPoint> {
        let payload = packed_frame::pack(manifest)?;
        self.writer.append(FrameType::Manifest, &payload)?;
        self.writer.commit()
    }

    /// Gives the update up.
    pub(super) fn abandon(self) -> Result<()> {
        self.writer.abandon()
    }
}
