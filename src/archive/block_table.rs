//! Block number to place and fragments, through the directories of the fragment runs.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::{Digest, Error, ErrorKind, Result};
use crate::crypto::IdentityHash;
use crate::format::{
    BlockRecord, Directory, FragmentPage, FrameHeader, FrameType, PageReference, Place,
    RunReference,
};
use crate::journal::FrameReader;

use super::history::Version;
use super::open::Archive;
use super::packed_frame;

/// How many decoded pages are kept.
const PAGES_KEPT: usize = 16;

/// The blocks of a version.
pub struct BlockTable {
    reader: FrameReader,
    identities: IdentityHash,
    /// Pages of all live runs, in rising order of blocks.
    pages: Vec<PageReference<u64>>,
    /// Runs that cannot be opened.
    lost: Vec<LostRun>,
    /// Most recently used last.
    kept: Mutex<Vec<Arc<FragmentPage>>>,
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
        let reader = archive.reader();
        let mut pages = Vec::new();
        for run in &version.manifest.fragment_runs {
            pages.extend(read_directory(&reader, run)?);
        }
        Ok(Self::over(archive, pages, Vec::new()))
    }

    fn over(archive: &Archive, pages: Vec<PageReference<u64>>, lost: Vec<LostRun>) -> Self {
        let (reader, identities) = (archive.reader(), archive.identity_hash());
        Self { reader, identities, pages, lost, kept: Mutex::new(Vec::new()) }
    }

    /// The blocks that can be found although some runs cannot be read: [`Self::record`] fails for
    /// the others. Also says what is wrong with those runs, but not of those in parts that are missing:
    /// that was told when the archive was opened.
    pub fn of_readable(archive: &Archive, version: &Version) -> (Self, Vec<Error>) {
        let reader = archive.reader();
        let (mut pages, mut lost, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        for run in &version.manifest.fragment_runs {
            match read_directory(&reader, run) {
                Ok(found) => pages.extend(found),
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
        (Self::over(archive, pages, lost), errors)
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
        match self.with_record(block, |record| record.place.part) {
            Err(error) => match self.page_index(block) {
                Some(index) => Ok(self.pages[index].place.part),
                None => Err(error),
            },
            found => found,
        }
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

    /// The page that has the record of a block, if any has.
    fn page_index(&self, block: u64) -> Option<usize> {
        self.pages.partition_point(|page| page.first_key <= block).checked_sub(1)
    }

    /// The blocks that the version's own update added.
    pub fn of_changes(archive: &Archive, version: &Version) -> Result<Self> {
        let reader = archive.reader();
        let pages = match &version.manifest.delta_fragments {
            Some(run) => read_directory(&reader, run)?,
            None => Vec::new(),
        };
        Ok(Self::over(archive, pages, Vec::new()))
    }

    /// The record of one block.
    pub fn record(&self, block: u64) -> Result<BlockRecord> {
        self.with_record(block, BlockRecord::clone)
    }

    /// What `take` makes of the record of one block, which may be long.
    pub fn with_record<T>(&self, block: u64, take: impl FnOnce(&BlockRecord) -> T) -> Result<T> {
        if let Some(LostRun { kind, why, .. }) = self.lost_run(block) {
            return Err(Error::new(*kind, why));
        }
        let unknown = || Error::corrupt(format!("block {block} is in no fragment run"));
        let page = self.page(self.page_index(block).ok_or_else(unknown)?)?;
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

    fn page(&self, index: usize) -> Result<Arc<FragmentPage>> {
        let reference = &self.pages[index];
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let found = kept.iter().position(|page| page.first_block == reference.first_key);
            if let Some(found) = found {
                let page = kept.remove(found);
                kept.push(Arc::clone(&page));
                return Ok(page);
            }
        }
        let page = Arc::new(read_page(&self.reader, reference)?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= PAGES_KEPT {
            kept.remove(0);
        }
        kept.push(Arc::clone(&page));
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
