//! Block number to place and fragments, through the directories of the fragment runs: these are in
//! memory, of the pages only those that were used last.

use std::sync::Arc;

use crate::base::{Digest, Error, Result};
use crate::crypto::IdentityHash;
use crate::format::{BlockRecord, Directory, FragmentPage, FrameType, PageReference, RunReference};
use crate::journal::FrameReader;

use super::history::Version;
use super::open::Archive;
use super::packed_frame;
use super::page_cache::{LoadedPage, PageCache};

/// Decoded pages are kept up to so many bytes: at 64 KiB a fragment those of 40 GB of content.
const PAGE_BYTES_KEPT: usize = 32 << 20;

/// The blocks of a version.
pub struct BlockTable {
    reader: FrameReader,
    identities: IdentityHash,
    /// Pages of all live runs, in rising order of blocks.
    pages: Vec<PageReference<u64>>,
    /// By their index in `pages`.
    kept: PageCache,
}

impl BlockTable {
    /// The blocks that the version can refer to.
    pub fn of(archive: &Archive, version: &Version) -> Result<Self> {
        let reader = archive.reader();
        let mut pages = Vec::new();
        for run in &version.manifest.fragment_runs {
            pages.extend(read_directory(&reader, run)?);
        }
        Ok(Self::over(archive, pages))
    }

    fn over(archive: &Archive, pages: Vec<PageReference<u64>>) -> Self {
        let (reader, identities) = (archive.reader(), archive.identity_hash());
        Self { reader, identities, pages, kept: PageCache::new(PAGE_BYTES_KEPT) }
    }

    /// No blocks of a new archive.
    pub(super) fn empty(archive: &Archive) -> Self {
        Self::over(archive, Vec::new())
    }

    /// The same without any block yet, of pages that `reader` reads.
    pub(super) fn without_pages(&self, reader: FrameReader) -> Self {
        let (identities, pages) = (self.identities.clone(), Vec::new());
        Self { reader, identities, pages, kept: PageCache::new(PAGE_BYTES_KEPT) }
    }

    /// Adds a page that comes after all others.
    pub(super) fn push(&mut self, reference: PageReference<u64>, page: LoadedPage) {
        self.kept.put(self.pages.len(), &Arc::new(page));
        self.pages.push(reference);
    }

    /// The blocks that can be found although some runs cannot be read: [`Self::record`] fails for
    /// the others. Also says what is wrong with those runs.
    pub fn of_readable(archive: &Archive, version: &Version) -> (Self, Vec<Error>) {
        let reader = archive.reader();
        let (mut pages, mut errors) = (Vec::new(), Vec::new());
        for run in &version.manifest.fragment_runs {
            match read_directory(&reader, run) {
                Ok(found) => pages.extend(found),
                Err(error) => errors.push(error),
            }
        }
        (Self::over(archive, pages), errors)
    }

    /// The blocks that the version's own update added.
    pub fn of_changes(archive: &Archive, version: &Version) -> Result<Self> {
        let reader = archive.reader();
        let pages = match &version.manifest.delta_fragments {
            Some(run) => read_directory(&reader, run)?,
            None => Vec::new(),
        };
        Ok(Self::over(archive, pages))
    }

    /// The record of one block.
    pub fn record(&self, block: u64) -> Result<BlockRecord> {
        self.with_record(block, BlockRecord::clone)
    }

    /// What `take` makes of the record of one block, which may be long.
    pub fn with_record<T>(&self, block: u64, take: impl FnOnce(&BlockRecord) -> T) -> Result<T> {
        let index = self.pages.partition_point(|page| page.first_key <= block).checked_sub(1);
        let unknown = || Error::corrupt(format!("block {block} is in no fragment run"));
        let loaded = self.loaded_page(index.ok_or_else(unknown)?)?;
        let page = &loaded.page;
        let offset = usize::try_from(block - page.first_block).unwrap_or(usize::MAX);
        page.blocks.get(offset).map(take).ok_or_else(unknown)
    }

    /// All pages in order, each with its first block or why it cannot be read.
    pub fn pages(&self) -> impl Iterator<Item = Result<FragmentPage>> + '_ {
        self.pages.iter().map(|page| read_page(&self.reader, page))
    }

    /// The identity of a fragment.
    pub fn identity_of(&self, fragment: &[u8]) -> Digest {
        self.identities.of(fragment)
    }

    /// How many pages there are.
    pub(super) fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// One of the pages, from memory if it was used lately.
    pub(super) fn loaded_page(&self, index: usize) -> Result<Arc<LoadedPage>> {
        if let Some(page) = self.kept.get(index) {
            return Ok(page);
        }
        let page = Arc::new(LoadedPage::new(read_page(&self.reader, &self.pages[index])?));
        self.kept.put(index, &page);
        Ok(page)
    }

    pub(super) fn reader(&self) -> &FrameReader {
        &self.reader
    }
}

fn read_directory(reader: &FrameReader, run: &RunReference) -> Result<Vec<PageReference<u64>>> {
    let decode = |raw: &[u8]| match Directory::decode(raw)? {
        Directory::Fragments(pages) => Ok(pages),
        Directory::Entries(_) => Err(Error::corrupt("a run of the wrong kind")),
    };
    let pages =
        packed_frame::read(reader, run.place, FrameType::Directory, run.payload_len, decode)?;
    // Blocks are numbered without gaps, so each page starts where the one before ends.
    let mut next_block = run.first_block;
    for page in &pages {
        if page.first_key != next_block {
            return Err(Error::corrupt("a fragment run leaves out blocks").at(run.place));
        }
        next_block = next_block.saturating_add(page.records);
    }
    if next_block != run.first_block.saturating_add(run.records) {
        return Err(Error::corrupt("a fragment run leaves out blocks").at(run.place));
    }
    Ok(pages)
}

fn read_page(reader: &FrameReader, page: &PageReference<u64>) -> Result<FragmentPage> {
    let frame_type = FrameType::Fragments;
    let decode = FragmentPage::decode;
    let decoded = packed_frame::read(reader, page.place, frame_type, page.payload_len, decode)?;
    if decoded.first_block == page.first_key && decoded.blocks.len() as u64 == page.records {
        return Ok(decoded);
    }
    Err(Error::corrupt("a fragment page is not the one that is referred to").at(page.place))
}
