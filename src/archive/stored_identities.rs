//! In which blocks of the archive a fragment may be, asked of the runs of identities: a page of each is
//! read for a question, so nothing is read in proportion to the history. For who asks much a filter is made, which
//! reads all runs once: after that most questions read nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::{Error, Result};
use crate::format::{IdentityPage, IdentityPrefix, IdentityRecord, IdentityRun, Place};
use crate::journal::FrameReader;

use super::identity_filter::IdentityFilter;
use super::identity_run::OpenIdentityRun;
use super::page_cache::{InMemory, PageCache};

/// Pages are kept up to so many bytes: those of two million fragments.
const PAGE_BYTES_KEPT: usize = 16 << 20;
/// A filter is made when one question was asked for each so many fragments: reading a page of each run
/// costs about as much as reading the records of so many.
const RECORDS_A_QUESTION: u64 = 8192;

impl InMemory for IdentityPage {
    fn bytes(&self) -> usize {
        size_of::<Self>() + IdentityPage::bytes(self)
    }
}

/// Blocks that are looked into for one question: more have a prefix only where identities are made up.
const BLOCKS_MAX: usize = 64;

/// The runs of identities of an archive.
pub(super) struct StoredIdentities {
    runs: Vec<AskedRun>,
    pages: PageCache<Place, IdentityPage>,
    /// Of the fragments in all runs.
    filter: Option<IdentityFilter>,
    /// Questions that no filter answered.
    asked: u64,
}

/// A run that is asked.
struct AskedRun {
    run: IdentityRun,
    open: OpenIdentityRun,
    /// Its pages that cannot be read.
    damaged_pages: BTreeSet<Place>,
    is_told: bool,
}

/// A run that cannot be read as a whole, and why.
pub(super) struct DamagedRun {
    pub run: IdentityRun,
    pub error: Error,
}

impl StoredIdentities {
    /// Opens runs up to the first that is damaged: those of later blocks are of no use without it.
    pub(super) fn open(reader: &FrameReader, live: &[IdentityRun]) -> (Self, Option<Error>) {
        let (mut runs, mut damage) = (Vec::new(), None);
        for run in live {
            match OpenIdentityRun::open(reader, run) {
                Ok(open) => runs.push(AskedRun::new(*run, open)),
                Err(error) => {
                    damage = Some(error);
                    break;
                }
            }
        }
        let pages = PageCache::new(PAGE_BYTES_KEPT);
        (Self { runs, pages, filter: None, asked: 0 }, damage)
    }

    /// The runs that are asked.
    pub(super) fn live(&self) -> Vec<IdentityRun> {
        self.runs.iter().map(|asked| asked.run).collect()
    }

    /// How many fragments are in them.
    pub(super) fn records(&self) -> u64 {
        self.runs.iter().map(|asked| asked.run.records).fold(0, u64::saturating_add)
    }

    /// Other runs take the place of these; they have these records besides.
    pub(super) fn replace(
        &mut self,
        reader: &FrameReader,
        live: &[IdentityRun],
        added: &[IdentityRecord],
    ) -> Result<()> {
        let mut old = std::mem::take(&mut self.runs);
        for run in live {
            let kept = old.iter().position(|kept| kept.run.place == run.place);
            self.runs.push(match kept {
                Some(index) => old.swap_remove(index),
                None => AskedRun::new(*run, OpenIdentityRun::open(reader, run)?),
            });
        }
        if let Some(filter) = &mut self.filter {
            for record in added {
                filter.insert(record.prefix);
            }
        }
        if self.filter.as_ref().is_some_and(IdentityFilter::is_too_small) {
            (self.filter, self.asked) = (None, 0);
        }
        Ok(())
    }

    /// Blocks that may have a fragment whose identity begins so: the one that does, if any, and seldom
    /// others. A run of which something cannot be read is given to `found_damage`, once; what is there of it is
    /// found.
    pub(super) fn blocks(
        &mut self,
        prefix: IdentityPrefix,
        mut found_damage: impl FnMut(DamagedRun),
    ) -> Vec<u64> {
        if self.runs.is_empty() {
            return Vec::new();
        }
        if self.filter.is_none() {
            self.asked += 1;
            if self.asked.saturating_mul(RECORDS_A_QUESTION) >= self.records() {
                self.make_filter(&mut found_damage);
            }
        }
        if self.filter.as_ref().is_some_and(|filter| !filter.may_have(prefix)) {
            return Vec::new();
        }
        let mut blocks = Vec::new();
        for asked in &mut self.runs {
            if let Err(error) = asked.blocks(prefix, &self.pages, &mut blocks) {
                asked.tell(error, &mut found_damage);
            }
        }
        blocks.dedup();
        blocks.truncate(BLOCKS_MAX);
        blocks
    }

    fn make_filter(&mut self, found_damage: &mut impl FnMut(DamagedRun)) {
        let mut filter = IdentityFilter::new(self.records());
        for asked in &mut self.runs {
            for page in asked.open.pages() {
                match page {
                    Ok(page) => page.records().for_each(|record| filter.insert(record.prefix)),
                    Err(error) => asked.tell(error, found_damage),
                }
            }
        }
        self.filter = Some(filter);
    }
}

impl AskedRun {
    fn new(run: IdentityRun, open: OpenIdentityRun) -> Self {
        Self { run, open, damaged_pages: BTreeSet::new(), is_told: false }
    }

    /// Appends the blocks that have a fragment whose identity begins so.
    fn blocks(
        &mut self,
        prefix: IdentityPrefix,
        pages: &PageCache<Place, IdentityPage>,
        blocks: &mut Vec<u64>,
    ) -> Result<()> {
        let Some(listed) = self.open.page_of(prefix)? else { return Ok(()) };
        if self.damaged_pages.contains(&listed.place) {
            return Ok(());
        }
        let kept = pages.get(listed.place);
        let is_kept = kept.is_some();
        let page = kept.map_or_else(|| self.open.read(&listed).map(Arc::new), Ok);
        if page.is_err() {
            self.damaged_pages.insert(listed.place);
        }
        let page = page?;
        if !is_kept {
            pages.put(listed.place, &page);
        }
        blocks.extend(page.blocks_of(prefix));
        Ok(())
    }

    /// Damage is told once.
    fn tell(&mut self, error: Error, found_damage: &mut impl FnMut(DamagedRun)) {
        if !self.is_told {
            self.is_told = true;
            found_damage(DamagedRun { run: self.run, error });
        }
    }
}
