//! Fragment pages that were used last, so that memory does not grow with the history.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use hashbrown::HashTable;

use crate::base::Digest;
use crate::format::{FragmentId, FragmentPage, FragmentRecord};

/// A fragment page in memory.
pub(super) struct LoadedPage {
    pub(super) page: FragmentPage,
    /// Block and fragment by identity, made when a fragment is first looked for.
    places: OnceLock<HashTable<(u32, u32)>>,
}

impl LoadedPage {
    pub(super) fn new(page: FragmentPage) -> Self {
        Self { page, places: OnceLock::new() }
    }

    /// The fragment with this identity and length, if the page records it.
    pub(super) fn find(&self, identity: &Digest, len: u32) -> Option<FragmentId> {
        let places = self.places.get_or_init(|| self.places());
        let is_it = |&place: &(u32, u32)| {
            let found = self.fragment(place);
            found.identity == *identity && found.len == len
        };
        places.find(first_bits(identity), is_it).map(|&(block, index)| FragmentId {
            block: self.page.first_block + u64::from(block),
            index,
        })
    }

    fn fragment(&self, (block, index): (u32, u32)) -> &FragmentRecord {
        &self.page.blocks[block as usize].fragments[index as usize]
    }

    fn places(&self) -> HashTable<(u32, u32)> {
        let mut places = HashTable::with_capacity(self.fragments());
        for (block, record) in (0_u32..).zip(&self.page.blocks) {
            for (index, fragment) in (0_u32..).zip(&record.fragments) {
                let hash = |&place: &(u32, u32)| first_bits(&self.fragment(place).identity);
                places.insert_unique(first_bits(&fragment.identity), (block, index), hash);
            }
        }
        places
    }

    fn fragments(&self) -> usize {
        self.page.blocks.iter().map(|block| block.fragments.len()).sum()
    }

    /// Bytes of memory, about: records, and at most two places for each.
    fn bytes(&self) -> usize {
        let each = size_of::<FragmentRecord>() + 2 * (size_of::<(u32, u32)>() + 1);
        size_of::<Self>() + 96 * self.page.blocks.len() + each * self.fragments()
    }
}

/// An identity is random already: its first bits spread well.
pub(super) fn first_bits(identity: &Digest) -> u64 {
    u64::from_be_bytes(identity.prefix())
}

/// Pages by their first block, for several threads.
pub(super) struct PageCache {
    state: Mutex<State>,
    bytes_max: usize,
}

#[derive(Default)]
struct State {
    /// Each with the moment of its last use.
    pages: HashMap<u64, (u64, Arc<LoadedPage>)>,
    by_use: BTreeMap<u64, u64>,
    moment: u64,
    bytes: usize,
}

impl PageCache {
    /// Keeps pages of so many bytes, and always the one that was used last.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { state: Mutex::default(), bytes_max }
    }

    /// A page, if it is kept.
    pub(super) fn get(&self, first_block: u64) -> Option<Arc<LoadedPage>> {
        let mut state = self.state();
        let moment = state.next_moment();
        let (used, page) = state.pages.get_mut(&first_block)?;
        let (used, page) = (std::mem::replace(used, moment), Arc::clone(page));
        state.by_use.remove(&used);
        state.by_use.insert(moment, first_block);
        Some(page)
    }

    /// Keeps a page; those go that were not used for the longest time.
    pub(super) fn put(&self, first_block: u64, page: &Arc<LoadedPage>) {
        let mut state = self.state();
        state.remove(first_block);
        state.bytes += page.bytes();
        while state.bytes > self.bytes_max
            && let Some((_, oldest)) = state.by_use.first_key_value()
        {
            let oldest = *oldest;
            state.remove(oldest);
        }
        let moment = state.next_moment();
        state.by_use.insert(moment, first_block);
        state.pages.insert(first_block, (moment, Arc::clone(page)));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing can be half done while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_moment(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }

    fn remove(&mut self, first_block: u64) {
        if let Some((used, page)) = self.pages.remove(&first_block) {
            self.by_use.remove(&used);
            self.bytes -= page.bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::BlockRecord;

    fn page(first_block: u64, fragments: u32) -> Arc<LoadedPage> {
        let record = |len: u32| {
            let identity = Digest::of(format!("{first_block}/{len}").as_bytes());
            FragmentRecord { len, identity }
        };
        let fragments = (1..=fragments).map(record).collect();
        let block = BlockRecord::without_data(fragments);
        Arc::new(LoadedPage::new(FragmentPage { first_block, blocks: vec![block] }))
    }

    #[test]
    fn a_page_finds_its_fragments_by_identity_and_length() {
        let loaded = page(7, 100);
        for index in 0..100 {
            let FragmentRecord { len, identity } = *loaded.fragment((0, index));
            assert_eq!(loaded.find(&identity, len), Some(FragmentId { block: 7, index }));
            assert_eq!(loaded.find(&identity, len + 1), None, "of another length");
        }
        let mut alike = *loaded.fragment((0, 3)).identity.as_bytes();
        alike[31] ^= 1;
        assert_eq!(loaded.find(&Digest::from_bytes(alike), 4), None, "only the last bit differs");
    }

    #[test]
    fn the_pages_that_were_used_last_are_kept_and_no_more_than_fit() {
        let bytes = page(0, 10).bytes();
        let cache = PageCache::new(8 * bytes);
        for number in 0..100 {
            cache.put(number, &page(number, 10));
            assert!(cache.get(0).is_some(), "it is used all the time");
            assert!(cache.state().bytes <= 8 * bytes);
        }
        for number in 1..100 {
            assert_eq!(cache.get(number).is_some(), number > 92, "{number}");
        }
        // One that alone is more than fits is kept as long as it is the last one.
        cache.put(100, &page(100, 1000));
        assert!(cache.get(100).is_some() && cache.get(99).is_none());
        cache.put(101, &page(101, 1));
        assert!(cache.get(101).is_some() && cache.get(100).is_none());
    }
}
