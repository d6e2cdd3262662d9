//! Block number to place and fragments, through the directories of the fragment runs.

use std::sync::{Arc, Mutex, PoisonError};

use crate::base::{Digest, Error, Result};
use crate::crypto::IdentityHash;
use crate::format::{BlockRecord, FragmentPage, FrameType, PageReference, RunReference};
use crate::journal::FrameReader;

use super::history::Version;
use super::open::Archive;
use super::packed_frame;
use super::run_directory::RunDirectory;

/// How many decoded pages are kept.
const PAGES_KEPT: usize = 16;

/// The blocks of a version.
pub struct BlockTable {
    reader: FrameReader,
    identities: IdentityHash,
    /// The directories of all live runs, in rising order of blocks.
    runs: Vec<Arc<RunDirectory<u64>>>,
    /// Most recently used last.
    kept: Mutex<Vec<Arc<FragmentPage>>>,
}

impl BlockTable {
    /// The blocks that the version can refer to.
    pub fn of(archive: &Archive, version: &Version) -> Result<Self> {
        Self::of_runs(archive, &version.manifest.fragment_runs)
    }

    fn over(archive: &Archive, runs: Vec<Arc<RunDirectory<u64>>>) -> Self {
        let (reader, identities) = (archive.reader(), archive.identity_hash());
        Self { reader, identities, runs, kept: Mutex::new(Vec::new()) }
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
        let page = self.page(&run.page_of(&block)?.ok_or_else(unknown)?)?;
        let offset = usize::try_from(block - page.first_block).unwrap_or(usize::MAX);
        page.blocks.get(offset).map(take).ok_or_else(unknown)
    }

    /// All pages in order, each with its first block or why it cannot be read.
    pub fn pages(&self) -> impl Iterator<Item = Result<FragmentPage>> + '_ {
        let listed = self.runs.iter().flat_map(|run| run.pages(None));
        listed.map(|listed| match listed {
            Ok(page) => read_page(&self.reader, &page),
            Err(unlisted) => Err(unlisted.error),
        })
    }

    /// The identity of a fragment.
    pub fn identity_of(&self, fragment: &[u8]) -> Digest {
        self.identities.of(fragment)
    }

    fn page(&self, reference: &PageReference<u64>) -> Result<Arc<FragmentPage>> {
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
