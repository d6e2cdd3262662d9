//! Block number to place and fragments, through the directories of the fragment runs: of directories
//! and pages those are in memory that were used last.

use std::sync::Arc;

use crate::base::{Digest, Error, Result};
use crate::crypto::IdentityHash;
use crate::format::{BlockRecord, FragmentPage, FrameType, PageReference, RunReference};
use crate::journal::FrameReader;

use super::history::Version;
use super::open::Archive;
use super::packed_frame;
use super::page_cache::{LoadedPage, PageCache};
use super::run_directory::RunDirectory;

/// Decoded pages are kept up to so many bytes: at 64 KiB a fragment those of 40 GB of content.
const PAGE_BYTES_KEPT: usize = 32 << 20;

/// The blocks of a version.
pub struct BlockTable {
    reader: FrameReader,
    identities: IdentityHash,
    /// The directories of all live runs, in rising order of blocks.
    runs: Vec<Arc<RunDirectory<u64>>>,
    /// By their first blocks.
    kept: PageCache,
}

impl BlockTable {
    /// The blocks that the version can refer to.
    pub fn of(archive: &Archive, version: &Version) -> Result<Self> {
        Self::of_runs(archive, &version.manifest.fragment_runs)
    }

    fn over(archive: &Archive, runs: Vec<Arc<RunDirectory<u64>>>) -> Self {
        let (reader, identities) = (archive.reader(), archive.identity_hash());
        Self { reader, identities, runs, kept: PageCache::new(PAGE_BYTES_KEPT) }
    }

    /// No blocks of a new archive.
    pub(super) fn empty(archive: &Archive) -> Self {
        Self::over(archive, Vec::new())
    }

    /// The same without any block, to load pages that `reader` reads.
    pub(super) fn without_runs(&self, reader: FrameReader) -> Self {
        let (identities, runs) = (self.identities.clone(), Vec::new());
        Self { reader, identities, runs, kept: PageCache::new(PAGE_BYTES_KEPT) }
    }

    /// The blocks that can be found although some runs cannot be read: [`Self::record`] fails for
    /// the others. Also says what is wrong with those runs.
    pub fn of_readable(archive: &Archive, version: &Version) -> (Self, Vec<Error>) {
        let reader = archive.reader();
        let (mut runs, mut errors) = (Vec::new(), Vec::new());
        for run in &version.manifest.fragment_runs {
            match open_run(&reader, run) {
                Ok(found) => runs.push(found),
                Err(error) => errors.push(error),
            }
        }
        (Self::over(archive, runs), errors)
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
        let unknown = || Error::corrupt(format!("block {block} is in no fragment run"));
        let is_above =
            |run: &Arc<RunDirectory<u64>>| run.first_key().is_some_and(|&first| first > block);
        let index = self.runs.partition_point(|run| !is_above(run)).checked_sub(1);
        let run = self.runs.get(index.ok_or_else(unknown)?).ok_or_else(unknown)?;
        let loaded = self.loaded_page(&run.page_of(&block)?.ok_or_else(unknown)?)?;
        let page = &loaded.page;
        let offset = usize::try_from(block - page.first_block).unwrap_or(usize::MAX);
        page.blocks.get(offset).map(take).ok_or_else(unknown)
    }

    /// All pages in order, each with its first block or why it cannot be read.
    pub fn pages(&self) -> impl Iterator<Item = Result<FragmentPage>> + '_ {
        self.listed_pages().map(|listed| self.read_page(&listed?))
    }

    /// The identity of a fragment.
    pub fn identity_of(&self, fragment: &[u8]) -> Digest {
        self.identities.of(fragment)
    }

    /// Where all pages are, in order.
    pub(super) fn listed_pages(&self) -> impl Iterator<Item = Result<PageReference<u64>>> + '_ {
        let listed = self.runs.iter().flat_map(|run| run.pages(None));
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
