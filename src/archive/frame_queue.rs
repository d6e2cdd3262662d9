//! Frames of an update in the order they were asked for, whichever worker is ready first: so the
//! same input gives the same bytes with any number of threads.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, mpsc};

use rayon::ThreadPool;

use crate::base::{BlockReport, Error, NoProgress, Progress, Result, StoredPath};
use crate::compress::{ContentKind, Method};
use crate::format::{
    Base, BlockRecord, EntryPageBuilder, FragmentPage, FragmentRecord, FrameType, IdentityRun,
    PageReference, RunReference,
};
use crate::journal::UpdateWriter;

use super::base_gatherer::{BaseGatherer, NewBlock};
use super::block_fetcher::{received, thread_pool};
use super::block_packer::FullBlock;
use super::block_reader::BlockReader;
use super::block_sealer::{Earlier, SealedBlock};
use super::earlier_blocks::EarlierBlocks;
use super::fragment_run::{FragmentRun, WrittenPage};
use super::identity_cover::{Covered, IdentityCover};
use super::lent_bases::LentBases;
use super::packed_frame;
use super::run_shape::RunShape;
use super::run_writer::RunWriter;

/// While so many frames wait behind one block, no more entries are taken.
const ENTRY_PAGES_WAITING_MAX: usize = 64;

/// A frame that waits for its turn.
enum Waiting {
    Block {
        number: u64,
        raw_bytes: usize,
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

/// What there is to know of fragments that are in the archive now.
pub(super) enum Written {
    /// Their records.
    Page(WrittenPage),
    /// They are in a run of identities.
    Covered(Covered),
}

/// Writes blocks and entry pages, and the fragment records of the blocks.
pub(super) struct FrameQueue<'a> {
    writer: UpdateWriter<'a>,
    /// Hears of each block that is written.
    progress: &'a dyn Progress,
    method: Method,
    /// Blocks that new ones may be like.
    earlier: EarlierBlocks,
    gatherer: BaseGatherer,
    pool: ThreadPool,
    /// Blocks of so many raw bytes together may wait behind one another.
    raw_bytes_max: usize,
    waiting: VecDeque<Waiting>,
    raw_bytes_waiting: usize,
    /// Buffers of written blocks, to be used again.
    spare: Vec<Vec<u8>>,
    /// Written blocks whose records wait for those of blocks with smaller numbers.
    records: BTreeMap<u64, BlockRecord>,
    entries: RunWriter<StoredPath>,
    fragments: FragmentRun,
    identities: IdentityCover,
    /// What was written since it was last asked for.
    written: Vec<Written>,
    data_bytes: u64,
}

/// An update of which all blocks and entries are written.
pub(super) struct Finished<'a> {
    pub writer: UpdateWriter<'a>,
    pub entries: Option<RunReference>,
    pub fragments: Option<RunReference>,
    pub identities: Vec<IdentityRun>,
    /// Why some of these were left out.
    pub identity_damage: Option<Error>,
    /// Bytes of payload in DATA frames.
    pub data_bytes: u64,
}

impl<'a> FrameQueue<'a> {
    /// Compresses up to `threads` blocks at the same time; the first will be `first_block`.
    pub(super) fn new(
        writer: UpdateWriter<'a>,
        method: Method,
        threads: usize,
        first_block: u64,
        shape: &RunShape,
        earlier: Option<Arc<BlockReader>>,
        identities: IdentityCover,
    ) -> Result<Self> {
        let earlier = EarlierBlocks::new(earlier);
        Ok(Self {
            writer,
            progress: &NoProgress,
            method,
            gatherer: BaseGatherer::new(earlier.lend()),
            earlier,
            pool: thread_pool(threads)?,
            // By bytes, not by number: tiny blocks behind a large one are to stop nobody.
            raw_bytes_max: (threads.max(2) - 1).saturating_mul(method.block_bytes()),
            waiting: VecDeque::new(),
            raw_bytes_waiting: 0,
            spare: Vec::new(),
            records: BTreeMap::new(),
            entries: RunWriter::new(shape.directory_bytes),
            fragments: FragmentRun::new(first_block, shape),
            identities,
            written: Vec::new(),
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

    /// A buffer that is free again, if any.
    pub(super) fn take_spare(&mut self) -> Option<Vec<u8>> {
        self.spare.pop()
    }

    /// What was written since this was last called.
    pub(super) fn take_written(&mut self) -> Vec<Written> {
        std::mem::take(&mut self.written)
    }

    /// Puts the fragments of a page that stands in the archive into a run of identities, together with those to
    /// come.
    pub(super) fn cover(&mut self, page: &FragmentPage) -> Result<()> {
        let covered = self.identities.push_page(&mut self.writer, page)?;
        self.written.extend(covered.map(Written::Covered));
        Ok(())
    }

    /// The first block that no run of identities is going to have.
    pub(super) fn next_uncovered_block(&self) -> u64 {
        self.identities.next_block()
    }

    /// Lets no run of identities be written as long as they are held.
    pub(super) fn hold_identities(&mut self, are_held: bool) {
        self.identities.hold(are_held);
    }

    /// Leaves out a run of identities that turned out to be damaged.
    pub(super) fn leave_out(&mut self, damaged: &IdentityRun) {
        self.identities.leave_out(damaged);
    }

    /// Queues a block; waits while as many bytes are in work as the threads should have.
    pub(super) fn push_block(&mut self, block: FullBlock) -> Result<()> {
        self.push_last_blocks(vec![block]);
        while self.raw_bytes_waiting > self.raw_bytes_max {
            self.write_next()?;
        }
        Ok(())
    }

    /// Queues blocks after which no more are gathered, so that there is nothing to wait for: the largest are
    /// begun first, and all are written in the order in which they are given.
    pub(super) fn push_last_blocks(&mut self, blocks: Vec<FullBlock>) {
        let mut new = Vec::with_capacity(blocks.len());
        for block in blocks {
            let (sender, sealed) = mpsc::sync_channel(1);
            let (number, kind, fragments) = (block.number, block.kind, block.fragments.clone());
            let raw_bytes = block.raw.len();
            self.waiting.push_back(Waiting::Block { number, raw_bytes, kind, fragments, sealed });
            self.raw_bytes_waiting += raw_bytes;
            new.push((block, sender));
        }
        new.sort_by_key(|(block, _)| Reverse(block.raw.len()));
        let new = new.into_iter().map(|(block, sender)| {
            let (number, method, blocks) = (block.number, self.method, self.earlier.lend());
            let chosen = blocks.with(|earlier| Some(block.similar.choose(earlier?)));
            let seal = move |bases: Vec<Base>, lent: &LentBases| {
                let sealed = block.seal(method, Earlier { bases, lent, blocks: &blocks });
                // A receiver that is gone belongs to an update that was given up.
                drop(sender.send(sealed));
            };
            NewBlock { number, bases: chosen.unwrap_or_default(), work: Box::new(seal) }
        });
        self.gatherer.push(new.collect(), &self.pool);
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
        let payload = packed_frame::pack_by(&raw, self.method.of_entries())?;
        self.waiting.push_back(Waiting::Entries { first, records, payload });
        while self.waiting.len() > ENTRY_PAGES_WAITING_MAX
            || matches!(self.waiting.front(), Some(Waiting::Entries { .. }))
        {
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
                let page = PageReference { first_key, place, payload_len, records };
                self.entries.push(&mut self.writer, &page)
            }
            Some(Waiting::Block { number, raw_bytes, kind, fragments, sealed }) => {
                self.raw_bytes_waiting -= raw_bytes;
                let SealedBlock { payload, raw, method, bases } = received(&sealed)?;
                let (place, payload_len) = self.writer.append(FrameType::Data, &payload)?;
                self.data_bytes += payload_len;
                self.progress.block(&BlockReport {
                    number,
                    fragments: fragments.len() as u64,
                    raw_bytes: raw_bytes as u64,
                    stored_bytes: payload_len,
                    method: method.to_string(),
                    content: kind.name(),
                });
                self.spare.push(raw);
                self.records.insert(number, BlockRecord { place, payload_len, bases, fragments });
                self.page_records()
            }
        }
    }

    /// Moves records whose turn has come to their run.
    fn page_records(&mut self) -> Result<()> {
        while let Some(record) = self.records.remove(&self.fragments.next_block()) {
            if let Some((page, reference)) = self.fragments.push(&mut self.writer, record)? {
                let covered = self.identities.push_page(&mut self.writer, &page)?;
                self.written.push(Written::Page((page, reference)));
                self.written.extend(covered.map(Written::Covered));
            }
        }
        Ok(())
    }

    /// Writes all that waits and the directories of the two runs of this update: of entries, of
    /// fragment records. After that frames are for the writer alone.
    pub(super) fn finish(mut self) -> Result<Finished<'a>> {
        while !self.waiting.is_empty() {
            self.write_next()?;
        }
        assert!(self.records.is_empty(), "every block has a record in the fragment run");
        let Self { mut writer, entries, fragments, identities, data_bytes, .. } = self;
        let (identities, identity_damage) = identities.finish(&mut writer)?;
        let updates = (writer.number(), writer.number());
        let entries = entries.finish(&mut writer, updates, 0)?;
        let fragments = fragments.finish(&mut writer, updates)?;
        Ok(Finished { writer, entries, fragments, identities, identity_damage, data_bytes })
    }

    /// Gives the update up.
    pub(super) fn abandon(self) -> Result<()> {
        self.writer.abandon()
    }
}
