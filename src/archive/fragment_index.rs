//! Identity to fragment: what is already stored is not stored again.
//!
//! The runs of identities tell in which block a fragment may be. For those of the last blocks, which are in no run
//! yet, and for those of this update, hints at the pages that record them are in memory, and the fragments that
//! no page records yet. A fragment is only found where a page that was read, or a record that will be
//! written, has its whole identity and its length.

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::base::{Digest, Error, ErrorKind, Result};
use crate::format::{
    FragmentId, FragmentPage, FragmentRecord, IdentityPrefix, IdentityRun, PageReference,
};
use crate::journal::FrameReader;

use super::block_table::BlockTable;
use super::identity_cover::Covered;
use super::loaded_page::{LoadedPage, first_bits};
use super::page_hints::PageHints;
use super::stored_identities::{DamagedRun, StoredIdentities};

/// A fragment of this update, in a block whose record is in no page yet.
struct Recent {
    identity: Digest,
    len: u32,
    fragment: FragmentId,
}

/// The fragment pages of this update.
enum OwnPages {
    /// None so far.
    None,
    /// They can be read back.
    Written(BlockTable),
    /// Nothing that is written can be read back.
    Kept(Vec<LoadedPage>),
}

/// All fragments of the archive, and those of the update being written.
pub(super) struct FragmentIndex {
    runs: StoredIdentities,
    hints: PageHints,
    stored: Arc<BlockTable>,
    /// The pages of blocks that were in no run at first: those that are stored, then those of this update.
    pages: Vec<PageReference<u64>>,
    stored_pages: usize,
    own: OwnPages,
    recent: HashTable<Recent>,
    /// Where the last fragment was found that is stored: the next one is often there, too.
    last: Option<Arc<LoadedPage>>,
    /// What could not be read, so that fragments were not found.
    unreadable: Vec<Error>,
    /// Blocks whose records could not be read.
    unreadable_blocks: BTreeSet<u64>,
    damaged_runs: Vec<IdentityRun>,
}

impl FragmentIndex {
    /// Knows what these runs tell; besides, what is learned of later blocks, about so many fragments.
    pub(super) fn new(stored: Arc<BlockTable>, runs: StoredIdentities, others: u64) -> Self {
        Self {
            runs,
            hints: PageHints::new(others, 0),
            stored,
            pages: Vec::new(),
            stored_pages: 0,
            own: OwnPages::None,
            recent: HashTable::new(),
            last: None,
            unreadable: Vec::new(),
            unreadable_blocks: BTreeSet::new(),
            damaged_runs: Vec::new(),
        }
    }

    /// Learns the fragments of a page that is stored; pages come in rising order, before the first fragment.
    pub(super) fn learn(
        &mut self,
        page: &FragmentPage,
        reference: PageReference<u64>,
    ) -> Result<()> {
        self.hints.insert_all(learned(page, page_number(self.pages.len())?).collect());
        self.pages.push(reference);
        self.stored_pages = self.pages.len();
        Ok(())
    }

    /// Something that tells of fragments cannot be read: they are stored again where they are met.
    pub(super) fn cannot_read(&mut self, error: Error) {
        self.unreadable.push(error);
    }

    /// What could not be read so far.
    pub(super) fn unreadable(&self) -> &[Error] {
        &self.unreadable
    }

    /// Runs that turned out to be damaged since this was last called.
    pub(super) fn take_damaged_runs(&mut self) -> Vec<IdentityRun> {
        std::mem::take(&mut self.damaged_runs)
    }

    /// The stored fragment with this identity and length.
    pub(super) fn find(&mut self, identity: &Digest, len: u32) -> Result<Option<FragmentId>> {
        let hash = first_bits(identity);
        let is_it = |recent: &Recent| recent.identity == *identity && recent.len == len;
        if let Some(recent) = self.recent.find(hash, is_it) {
            return Ok(Some(recent.fragment));
        }
        if let Some(found) = self.last.as_ref().and_then(|last| last.find(identity, len)) {
            return Ok(Some(found));
        }
        if let Some(found) = self.find_hinted(identity, len)? {
            return Ok(Some(self.found(found)));
        }
        let (damaged, unreadable) = (&mut self.damaged_runs, &mut self.unreadable);
        let blocks =
            self.runs.blocks(IdentityPrefix::of_bits(hash), |DamagedRun { run, error }| {
                damaged.push(run);
                unreadable.push(error);
            });
        for block in blocks {
            if let Some(found) = self.find_of_block(block, identity, len)? {
                return Ok(Some(self.found(found)));
            }
        }
        Ok(None)
    }

    fn find_hinted(&self, identity: &Digest, len: u32) -> Result<Option<Found>> {
        for number in self.hints.pages(first_bits(identity)) {
            if let Some(found) = self.find_in(number as usize, identity, len)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn find_in(&self, number: usize, identity: &Digest, len: u32) -> Result<Option<Found>> {
        let Some(reference) = self.pages.get(number) else { return Ok(None) };
        if number < self.stored_pages {
            // It could be read when the update began: if it cannot now, the disk is failing.
            return Ok(Found::in_page(self.stored.loaded_page(reference)?, identity, len));
        }
        match &self.own {
            OwnPages::None => Ok(None),
            OwnPages::Written(table) => {
                Ok(Found::in_page(table.loaded_page(reference)?, identity, len))
            }
            OwnPages::Kept(pages) => {
                let page = pages.get(number - self.stored_pages);
                let fragment = page.and_then(|page| page.find(identity, len));
                Ok(fragment.map(|fragment| Found { fragment, page: None }))
            }
        }
    }

    /// The same in the page that has the record of a block.
    fn find_of_block(&mut self, block: u64, identity: &Digest, len: u32) -> Result<Option<Found>> {
        let above = self.pages.partition_point(|page| page.first_key <= block);
        if let Some(number) = above.checked_sub(1) {
            return self.find_in(number, identity, len);
        }
        if self.unreadable_blocks.contains(&block) {
            return Ok(None);
        }
        let page = self.stored.listed_page(block).and_then(|page| self.stored.loaded_page(&page));
        match page {
            Ok(page) => Ok(Found::in_page(page, identity, len)),
            Err(error) => {
                self.unreadable.push(error);
                self.unreadable_blocks.insert(block);
                Ok(None)
            }
        }
    }

    fn found(&mut self, found: Found) -> FragmentId {
        self.last = found.page.or(self.last.take());
        found.fragment
    }

    /// Adds a fragment of this update that [`Self::find`] does not find.
    pub(super) fn insert(&mut self, identity: Digest, fragment: FragmentId, len: u32) {
        let recent = Recent { identity, len, fragment };
        let hash = |recent: &Recent| first_bits(&recent.identity);
        self.recent.insert_unique(first_bits(&identity), recent, hash);
    }

    /// A page of this update was written: the records of its fragments need not be kept any more
    /// where `reader` reads them back.
    pub(super) fn page_written(
        &mut self,
        page: FragmentPage,
        reference: PageReference<u64>,
        reader: Option<&FrameReader>,
    ) -> Result<()> {
        for record in &page.blocks {
            for fragment in &record.fragments {
                self.forget_recent(fragment);
            }
        }
        self.hints.insert_all(learned(&page, page_number(self.pages.len())?).collect());
        self.pages.push(reference);
        let page = LoadedPage::new(page);
        if let (OwnPages::None, Some(reader)) = (&self.own, reader) {
            self.own = OwnPages::Written(self.stored.without_runs(reader.clone()));
        }
        match &mut self.own {
            OwnPages::None => self.own = OwnPages::Kept(vec![page]),
            OwnPages::Written(table) => drop(table.keep(page)),
            OwnPages::Kept(pages) => pages.push(page),
        }
        Ok(())
    }

    fn forget_recent(&mut self, fragment: &FragmentRecord) {
        let is_it =
            |recent: &Recent| (&recent.identity, recent.len) == (&fragment.identity, fragment.len);
        if let Ok(recent) = self.recent.find_entry(first_bits(&fragment.identity), is_it) {
            recent.remove();
        }
    }

    /// All pages up to now are in runs, which `reader` reads: hints at them are of no more use. What cannot be
    /// read back is only found through hints.
    pub(super) fn covered(
        &mut self,
        covered: &Covered,
        reader: Option<&FrameReader>,
    ) -> Result<()> {
        let Some(reader) = reader else { return Ok(()) };
        self.runs.replace(reader, &covered.live, &covered.records)?;
        self.hints = PageHints::new(0, page_number(self.pages.len())?);
        Ok(())
    }
}

/// A fragment, and the page that records it.
struct Found {
    fragment: FragmentId,
    page: Option<Arc<LoadedPage>>,
}

impl Found {
    fn in_page(page: Arc<LoadedPage>, identity: &Digest, len: u32) -> Option<Self> {
        let fragment = page.find(identity, len)?;
        Some(Self { fragment, page: Some(page) })
    }
}

/// First bits of the identities that a page records, with its number.
fn learned(page: &FragmentPage, number: u32) -> impl Iterator<Item = (u64, u32)> + '_ {
    let fragments = page.blocks.iter().flat_map(|record| &record.fragments);
    fragments.map(move |fragment| (first_bits(&fragment.identity), number))
}

fn page_number(number: usize) -> Result<u32> {
    u32::try_from(number).map_err(|_| {
        Error::new(ErrorKind::Unsupported, "cannot add to this archive")
            .because("it has 2^32 pages of fragments, more than this zarc can deduplicate against")
            .hint("start a new archive")
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::archive::{Archive, OpenOptions};
    use crate::base::Environment;
    use crate::format::{BlockRecord, FragmentRecord, Place};

    /// Few of these differ, and most only behind the bits that the table looks at first.
    fn identity(number: u8) -> Digest {
        let mut bytes = [0; Digest::LEN];
        let at = if number.is_multiple_of(4) { 0 } else { 31 - usize::from(number % 16) };
        bytes[at] = number;
        Digest::from_bytes(bytes)
    }

    fn empty_index() -> FragmentIndex {
        let environment = Environment::system();
        let archive = Archive::open_nowhere(OpenOptions::plain(6), &environment).unwrap();
        let (runs, _) = StoredIdentities::open(&archive.reader(), &[]);
        FragmentIndex::new(Arc::new(BlockTable::empty(&archive)), runs, 0)
    }

    /// A page of blocks as they were filled.
    fn page(first_block: u64, blocks: &[Vec<FragmentRecord>]) -> FragmentPage {
        let blocks = blocks.iter().cloned().map(BlockRecord::without_data).collect();
        FragmentPage { first_block, blocks }
    }

    proptest! {
        /// A step stores a fragment, closes the block, or writes the page of all closed blocks.
        #[test]
        fn a_fragment_is_found_exactly_if_it_was_stored(
            steps in prop::collection::vec((0_u8..10, any::<u8>(), 1_u32..3), 1..400),
        ) {
            let mut index = empty_index();
            let mut model = BTreeMap::<(Digest, u32), FragmentId>::new();
            let (mut first_block, mut closed, mut open) = (0_u64, Vec::new(), Vec::new());
            for (what, number, len) in steps {
                match what {
                    0 if !closed.is_empty() => {
                        let page = page(first_block, &closed);
                        let records = closed.len() as u64;
                        first_block += records;
                        closed.clear();
                        let reference = PageReference {
                            first_key: page.first_block,
                            place: Place::default(),
                            payload_len: 0,
                            records,
                        };
                        index.page_written(page, reference, None).unwrap();
                    }
                    1 if !open.is_empty() => closed.push(std::mem::take(&mut open)),
                    _ => {
                        let identity = identity(number);
                        let found = index.find(&identity, len).unwrap();
                        prop_assert_eq!(found, model.get(&(identity, len)).copied());
                        if found.is_none() {
                            let block = first_block + closed.len() as u64;
                            let id = FragmentId { block, index: u32::try_from(open.len()).unwrap() };
                            index.insert(identity, id, len);
                            model.insert((identity, len), id);
                            open.push(FragmentRecord { len, identity });
                        }
                    }
                }
            }
            for ((identity, len), id) in model {
                prop_assert_eq!(index.find(&identity, len).unwrap(), Some(id));
            }
        }
    }

    #[test]
    fn what_a_page_records_is_not_kept_twice() {
        let mut index = empty_index();
        let record = |number| FragmentRecord { len: 5, identity: identity(number) };
        for number in 0..10 {
            let id = FragmentId { block: 0, index: u32::from(number) };
            index.insert(identity(number), id, 5);
        }
        let page = page(0, &[(0..8).map(record).collect()]);
        let (place, payload_len) = (Place::default(), 0);
        let reference = PageReference { first_key: 0, place, payload_len, records: 1 };
        index.page_written(page, reference, None).unwrap();
        assert_eq!(index.recent.len(), 2, "fragments of a block that is not written");
        for number in 0..10 {
            let id = FragmentId { block: 0, index: u32::from(number) };
            assert_eq!(index.find(&identity(number), 5).unwrap(), Some(id));
        }
    }
}
