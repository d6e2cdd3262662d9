//! Identity to fragment: what is already stored is not stored again.
//!
//! Takes about 50 bytes of memory a fragment.

use hashbrown::HashTable;

use crate::base::{Digest, Error, ErrorKind, Result};
use crate::format::FragmentId;

use super::block_table::BlockTable;

struct Known {
    identity: Digest,
    fragment: FragmentId,
    len: u32,
}

/// All fragments of the archive, and those of the update being written.
#[derive(Default)]
pub(super) struct FragmentIndex {
    known: Vec<Known>,
    table: HashTable<u32>,
}

impl FragmentIndex {
    /// Learns all fragments of the archive; a page that cannot be read is an error, since the
    /// archive is damaged and must not grow.
    pub(super) fn load(table: &BlockTable) -> Result<Self> {
        let mut index = Self::default();
        for page in table.pages() {
            let page = page?;
            for (block, record) in (page.first_block..).zip(&page.blocks) {
                for (number, fragment) in (0_u32..).zip(&record.fragments) {
                    let id = FragmentId { block, index: number };
                    index.insert(fragment.identity, id, fragment.len)?;
                }
            }
        }
        Ok(index)
    }

    /// The stored fragment with this identity and length.
    pub(super) fn find(&self, identity: &Digest, len: u32) -> Option<FragmentId> {
        let is_it = |&number: &u32| {
            let known = &self.known[number as usize];
            known.identity == *identity && known.len == len
        };
        self.table.find(spread(identity), is_it).map(|&number| self.known[number as usize].fragment)
    }

    /// Adds a fragment that [`Self::find`] does not find.
    pub(super) fn insert(
        &mut self,
        identity: Digest,
        fragment: FragmentId,
        len: u32,
    ) -> Result<()> {
        let Ok(number) = u32::try_from(self.known.len()) else {
            return Err(Error::new(ErrorKind::Unsupported, "cannot add to this archive")
                .because("it has 2^32 fragments, more than this zarc can deduplicate against")
                .hint("start a new archive"));
        };
        self.known.push(Known { identity, fragment, len });
        let known = &self.known;
        self.table.insert_unique(spread(&identity), number, |&number| {
            spread(&known[number as usize].identity)
        });
        Ok(())
    }
}

/// An identity is random already: any eight bytes of it spread well.
fn spread(identity: &Digest) -> u64 {
    u64::from_le_bytes(identity.prefix())
}
