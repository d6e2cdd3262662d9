//! Block number to place and fragments, through the directories of the fragment runs: of directories
//! and pages those are in memory that were used last.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use crate::base::{Digest, Error, ErrorKind, Result};
use crate::crypto::IdentityHash;
use crate::format::{
    BLOCK_DEPTH_MAX, BlockRecord, FragmentPage, FrameHeader, FrameType, PageReference, Place,
    RunReference,
};
use crate::journal::FrameReader;

use super::history::Version;
use super::loaded_page::LoadedPage;
use super::open::Archive;
use super::packed_frame;
use super::page_cache::PageCache;
use super::run_directory::RunDirectory;

/// Decoded pages are kept up to so many bytes: at 64 KiB a fragment those of 40 GB of content.
const PAGE_BYTES_KEPT: usize = 32 << 20;

/// The blocks of a version.
pub struct BlockTable {
    reader: FrameReader,
    identities: IdentityHash,
    /// The directories of all live runs, in rising order of blocks.
    runs: Vec<Arc<RunDirectory<u64>>>,
    /// Runs that cannot be opened.
    lost: Vec<LostRun>,
    /// By their first blocks.
    kept: PageCache<u64, LoadedPage>,
}

/// A run that cannot be opened.
struct LostRun {
    blocks: Range<u64>,
    part: u32,
    kind: ErrorKind,
    why: String,
}

impl BlockTable {
    /// The blocks that the version can refer to.
    pub fn of(archive: &Archive, version: &Version) -> Result<Self> {
        Self::of_runs(archive, &version.manifest.fragment_runs)
    }

    fn over(archive: &Archive, runs: Vec<Arc<RunDirectory<u64>>>) -> Self {
        let (reader, identities) = (archive.reader(), archive.identity_hash());
        Self { reader, identities, runs, lost: Vec::new(), kept: PageCache::new(PAGE_BYTES_KEPT) }
    }

    /// No blocks of a new archive.
    pub(super) fn empty(archive: &Archive) -> Self {
        Self::over(archive, Vec::new())
    }

    /// The same without any block, to load pages that `reader` reads.
    pub(super) fn without_runs(&self, reader: FrameReader) -> Self {
        let (identities, runs) = (self.identities.clone(), Vec::new());
        Self { reader, identities, runs, lost: Vec::new(), kept: PageCache::new(PAGE_BYTES_KEPT) }
    }

    /// The blocks that can be found although some runs cannot be read: [`Self::record`] fails for
    /// the others. Also says what is wrong with those runs, but not of those in parts that are missing:
    /// that was told when the archive was opened.
    pub fn of_readable(archive: &Archive, version: &Version) -> (Self, Vec<Error>) {
        let reader = archive.reader();
        let (mut runs, mut lost, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        for run in &version.manifest.fragment_runs {
            match open_run(&reader, run) {
                Ok(found) => runs.push(found),
                Err(error) => {
                    lost.push(LostRun {
                        blocks: run.first_block..run.first_block.saturating_add(run.records),
                        part: run.place.part,
                        kind: error.kind(),
                        why: error.to_string(),
                    });
                    errors.push(error);
                }
            }
        }
        errors.retain(|error| error.kind() != ErrorKind::Missing);
        (Self { lost, ..Self::over(archive, runs) }, errors)
    }

    /// Whether all runs could be opened.
    pub fn is_whole(&self) -> bool {
        self.lost.is_empty()
    }

    /// The part that has to be there for a block to be read: where it is, or where its record is if
    /// that cannot be read.
    pub fn part_of(&self, block: u64) -> Result<u32> {
        if let Some(lost) = self.lost_run(block) {
            return Ok(lost.part);
        }
        self.with_record(block, |record| record.place.part)
            .or_else(|_| Ok(self.listed_page(block)?.place.part))
    }

    /// These blocks and all that they are decoded with, as far as their records can be read. Whoever reads
    /// such a block is told if its record cannot be.
    pub fn with_bases(&self, blocks: impl IntoIterator<Item = u64>) -> BTreeSet<u64> {
        let mut found: BTreeSet<u64> = blocks.into_iter().collect();
        let mut last: Vec<u64> = found.iter().copied().collect();
        for _ in 0..BLOCK_DEPTH_MAX {
            let bases = |block| self.with_record(block, |record| record.bases.clone());
            let mut next: Vec<u64> =
                last.into_iter().filter_map(|b| bases(b).ok()).flatten().collect();
            next.retain(|base| found.insert(*base));
            last = next;
        }
        found
    }

    /// Where the page is that has the record of a block, and how many bytes it takes.
    pub fn page_of(&self, block: u64) -> Result<(Place, u64)> {
        let page = self.listed_page(block)?;
        Ok((page.place, FrameHeader::bytes_of_frame(page.payload_len)))
    }

    /// Where the frame of a block is, and how many bytes it takes.
    pub fn frame_of(&self, block: u64) -> Result<(Place, u64)> {
        let frame =
            |record: &BlockRecord| (record.place, FrameHeader::bytes_of_frame(record.payload_len));
        self.with_record(block, frame)
    }

    fn lost_run(&self, block: u64) -> Option<&LostRun> {
        self.lost.iter().find(|lost| lost.blocks.contains(&block))
    }

    /// The page that has the record of a block.
    pub(super) fn listed_page(&self, block: u64) -> Result<PageReference<u64>> {
        if let Some(LostRun { kind, why, .. }) = self.lost_run(block) {
            return Err(Error::new(*kind, why));
        }
        let run = self.index_of_run(block).and_then(|index| self.runs.get(index));
        let page = run.map(|run| run.page_of(&block));
        page.transpose()?.flatten().ok_or_else(|| unknown(block))
    }

    /// The last run that does not begin above a block.
    fn index_of_run(&self, block: u64) -> Option<usize> {
        let is_above =
            |run: &Arc<RunDirectory<u64>>| run.first_key().is_some_and(|&first| first > block);
        self.runs.partition_point(|run| !is_above(run)).checked_sub(1)
    }

    /// The blocks of some of the runs of a version, in rising order of blocks.
    pub fn of_runs(archive: &Archive, runs: &[RunReference]) -> Result<Self> {
        let reader = archive.reader();
        let runs = runs.iter().map(|run| open_run(&reader, run));
        Ok(Self::over(archive, runs.collect::<Result<_>>()?))
    }

    /// The blocks that the version's own update added.
    pub fn of_changes(archive: &Archive, version: &Version) -> Result<Self> {
        Self::of_runs(archive, version.manifest.delta_fragments.as_slice())
    }

    /// The record of one block.
    pub fn record(&self, block: u64) -> Result<BlockRecord> {
        self.with_record(block, BlockRecord::clone)
    }

    /// What `take` makes of the record of one block, which may be long.
    pub fn with_record<T>(&self, block: u64, take: impl FnOnce(&BlockRecord) -> T) -> Result<T> {
        let loaded = self.loaded_page(&self.listed_page(block)?)?;
        let page = &loaded.page;
        let offset = usize::try_from(block - page.first_block).unwrap_or(usize::MAX);
        page.blocks.get(offset).map(take).ok_or_else(|| unknown(block))
    }

    /// All pages in order, each with its first block or why it cannot be read.
    pub fn pages(&self) -> impl Iterator<Item = Result<FragmentPage>> + '_ {
        self.listed_pages().map(|listed| self.read_page(&listed?))
    }

    /// The identity of a fragment.
    pub fn identity_of(&self, fragment: &[u8]) -> Digest {
        self.identities.of(fragment)
    }

    /// What fragments are called.
    pub(super) fn identity_hash(&self) -> IdentityHash {
        self.identities.clone()
    }

    /// Where all pages are, in order.
    fn listed_pages(&self) -> impl Iterator<Item = Result<PageReference<u64>>> + '_ {
        self.listed_pages_from(0)
    }

    /// Where the pages are, in order, from the one on that has this block.
    pub(super) fn listed_pages_from(
        &self,
        block: u64,
    ) -> impl Iterator<Item = Result<PageReference<u64>>> + '_ {
        let first = self.index_of_run(block).unwrap_or(0);
        let listed = self.runs.iter().skip(first).flat_map(move |run| run.pages(Some(&block)));
        listed.map(|listed| listed.map_err(|unlisted| unlisted.error))
    }

    /// A page that is referred to.
    pub(super) fn read_page(&self, page: &PageReference<u64>) -> Result<FragmentPage> {
        read_page(&self.reader, page)
    }

    /// A page that is referred to, from memory if it was used lately.
    pub(super) fn loaded_page(&self, page: &PageReference<u64>) -> Result<Arc<LoadedPage>> {
        if let Some(page) = self.kept.get(page.first_key) {
            return Ok(page);
        }
        let loaded = LoadedPage::new(self.read_page(page)?);
        Ok(self.keep(loaded))
    }

    /// Keeps a page in memory.
    pub(super) fn keep(&self, page: LoadedPage) -> Arc<LoadedPage> {
        let page = Arc::new(page);
        self.kept.put(page.page.first_block, &page);
        page
    }

    pub(super) fn reader(&self) -> &FrameReader {
        &self.reader
    }
}

fn unknown(block: u64) -> Error {
    Error::corrupt(format!("block {block} is in no fragment run"))
}

pub(super) fn open_run(reader: &FrameReader, run: &RunReference) -> Result<Arc<RunDirectory<u64>>> {
    let directory = RunDirectory::open(reader, run)?;
    if directory.first_key() != Some(&run.first_block) {
        return Err(Error::corrupt("a fragment run leaves out blocks").at(run.place));
    }
    Ok(Arc::new(directory))
}

pub(super) fn read_page(reader: &FrameReader, page: &PageReference<u64>) -> Result<FragmentPage> {
    let frame_type = FrameType::Fragments;
    let decode = FragmentPage::decode;
    let decoded = packed_frame::read(reader, page.place, frame_type, page.payload_len, decode)?;
    if decoded.first_block == page.first_key && decoded.blocks.len() as u64 == page.records {
        return Ok(decoded);
    }
    Err(Error::corrupt("a fragment page is not the one that is referred to").at(page.place))
}
