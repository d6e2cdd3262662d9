//! Identity to fragment: what is already stored is not stored again.
//!
//! In memory are hints at the pages that record fragments, a few pages, and the fragments of this
//! update that no page records yet. A fragment is only found where a page that was read, or a record
//! that will be written, has its whole identity and its length.

use std::sync::Arc;

use hashbrown::HashTable;

use crate::base::{Digest, Error, ErrorKind, Result};
use crate::format::{FragmentId, FragmentPage, PageReference};
use crate::journal::FrameReader;

use super::block_table::BlockTable;
use super::page_cache::{LoadedPage, first_bits};
use super::page_hints::PageHints;

/// So many fragments are learned at a time: 16 MiB.
const BATCH: usize = 1 << 20;

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
    hints: PageHints,
    stored: Arc<BlockTable>,
    /// All pages that hints are of: first those that are stored, then those of this update.
    pages: Vec<PageReference<u64>>,
    stored_pages: usize,
    own: OwnPages,
    recent: HashTable<Recent>,
}

impl FragmentIndex {
    /// Learns all fragments of the archive, which has about so many. Those in pages that cannot be
    /// read are not known, so they are stored again where they are met; also says what is wrong.
    pub(super) fn load(stored: Arc<BlockTable>, fragments: u64) -> Result<(Self, Vec<Error>)> {
        let (mut pages, mut errors, mut batch) = (Vec::new(), Vec::new(), Vec::new());
        for page in stored.listed_pages() {
            match page {
                Ok(page) => pages.push(page),
                Err(error) => errors.push(error),
            }
        }
        let stored_pages = pages.len();
        let mut hints = PageHints::new(fragments, page_number(stored_pages)?);
        for (number, reference) in (0..).zip(&pages) {
            match stored.read_page(reference) {
                Ok(page) => batch.extend(learned(&page, number)),
                Err(error) => errors.push(error),
            }
            if batch.len() >= BATCH {
                hints.insert_all(std::mem::take(&mut batch));
            }
        }
        hints.insert_all(batch);
        let (own, recent) = (OwnPages::None, HashTable::new());
        Ok((Self { hints, stored, pages, stored_pages, own, recent }, errors))
    }

    /// The stored fragment with this identity and length. Several threads may ask at a time.
    pub(super) fn find(&self, identity: &Digest, len: u32) -> Result<Option<FragmentId>> {
        let hash = first_bits(identity);
        let is_it = |recent: &Recent| recent.identity == *identity && recent.len == len;
        if let Some(recent) = self.recent.find(hash, is_it) {
            return Ok(Some(recent.fragment));
        }
        for number in self.hints.pages(hash) {
            if let Some(found) = self.find_in(number as usize, identity, len)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn find_in(&self, number: usize, identity: &Digest, len: u32) -> Result<Option<FragmentId>> {
        let Some(reference) = self.pages.get(number) else { return Ok(None) };
        if number < self.stored_pages {
            // It could be read when the update began: if it cannot now, the disk is failing.
            return Ok(self.stored.loaded_page(reference)?.find(identity, len));
        }
        match &self.own {
            OwnPages::None => Ok(None),
            OwnPages::Written(table) => Ok(table.loaded_page(reference)?.find(identity, len)),
            OwnPages::Kept(pages) => {
                let page = pages.get(number - self.stored_pages);
                Ok(page.and_then(|page| page.find(identity, len)))
            }
        }
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
                let is_it = |recent: &Recent| {
                    (&recent.identity, recent.len) == (&fragment.identity, fragment.len)
                };
                if let Ok(recent) = self.recent.find_entry(first_bits(&fragment.identity), is_it) {
                    recent.remove();
                }
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
        FragmentIndex::load(Arc::new(BlockTable::empty(&archive)), 0).unwrap().0
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
