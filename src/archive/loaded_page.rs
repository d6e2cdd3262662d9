//! A fragment page in memory, in which fragments are looked for.

use std::sync::OnceLock;

use hashbrown::HashTable;

use crate::base::Digest;
use crate::format::{FragmentId, FragmentPage, FragmentRecord};

use super::page_cache::InMemory;

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
}

impl InMemory for LoadedPage {
    /// Records, and at most two places for each.
    fn bytes(&self) -> usize {
        let each = size_of::<FragmentRecord>() + 2 * (size_of::<(u32, u32)>() + 1);
        size_of::<Self>() + 96 * self.page.blocks.len() + each * self.fragments()
    }
}

/// An identity is random already: its first bits spread well.
pub(super) fn first_bits(identity: &Digest) -> u64 {
    u64::from_be_bytes(identity.prefix())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::BlockRecord;

    fn page(first_block: u64, fragments: u32) -> LoadedPage {
        let record = |len: u32| {
            let identity = Digest::of(format!("{first_block}/{len}").as_bytes());
            FragmentRecord { len, identity }
        };
        let fragments = (1..=fragments).map(record).collect();
        let block = BlockRecord::without_data(fragments);
        LoadedPage::new(FragmentPage { first_block, blocks: vec![block] })
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
}
