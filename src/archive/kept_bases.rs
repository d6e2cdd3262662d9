//! What the next blocks are decoded with: of each base block the bytes that they need, kept from when it
//! was decoded until the last of them was.
//!
//! It only saves work: what is damaged or asks for too much is not kept, and whoever decodes a block
//! looks for its base blocks without it then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::ByteRanges;
use crate::format::{BLOCK_DEPTH_MAX, Base};

use super::block_fetcher::WantedBlock;
use super::block_reader::BlockReader;
use super::decoded_block::DecodedBlock;
use super::lent_bases::{KeptBase, LentBases};

/// So many bytes of base blocks are kept at most.
const KEPT_BYTES_MAX: u64 = 96 << 20;
/// The needs of so many blocks to come are looked at.
const BLOCKS_AHEAD: usize = 32;

/// The base blocks of a sequence of blocks.
#[derive(Default)]
pub(super) struct KeptBases {
    /// Blocks below this were looked at.
    seen: u64,
    /// What blocks to come are decoded with.
    needs: BTreeMap<u64, Vec<Base>>,
    kept: BTreeMap<u64, Arc<KeptBase>>,
    /// Blocks of which nothing is kept.
    unusable: BTreeSet<u64>,
    /// There is no room for what further blocks need.
    is_full: bool,
}

impl KeptBases {
    /// Looks at what the next blocks need, which are in rising order, as far as there is room for it. What
    /// the next one needs beyond that is looked for by whoever decodes it.
    pub(super) fn look_ahead(&mut self, reader: &BlockReader, to_come: &[WantedBlock]) {
        let unseen = to_come.partition_point(|wanted| wanted.block < self.seen);
        let near = to_come.iter().enumerate().take(BLOCKS_AHEAD).skip(unseen);
        for (index, &WantedBlock { block, .. }) in near {
            let is_next = index == 0;
            if self.is_full && !is_next {
                return;
            }
            let mut added = Vec::new();
            self.expect(reader, block, BLOCK_DEPTH_MAX, &mut added);
            self.is_full = self.bytes_expected() > KEPT_BYTES_MAX;
            if self.is_full {
                for block in added {
                    self.needs.remove(&block);
                }
                if !is_next {
                    return;
                }
            }
            self.seen = block.saturating_add(1);
        }
    }

    /// Remembers what a block needs, and what that needs; `added` are the blocks of which that is new.
    fn expect(&mut self, reader: &BlockReader, block: u64, depth_max: u64, added: &mut Vec<u64>) {
        if depth_max == 0 {
            return;
        }
        // Why it cannot be read is told by whoever decodes it.
        let Ok(bases) = reader.own_bases(block) else { return };
        if !bases.is_empty() {
            self.expect_with(reader, block, bases, depth_max, added);
        }
    }

    fn expect_with(
        &mut self,
        reader: &BlockReader,
        block: u64,
        bases: Vec<Base>,
        depth_max: u64,
        added: &mut Vec<u64>,
    ) {
        for base in &bases {
            if !self.needs.contains_key(&base.block) && !self.is_kept(base) {
                self.expect(reader, base.block, depth_max - 1, added);
            }
        }
        if self.needs.insert(block, bases).is_none() {
            added.push(block);
        }
    }

    /// Remembers what a new block needs and what that needs, unless there is no room for it.
    pub(super) fn expect_new(&mut self, reader: &BlockReader, block: u64, bases: &[Base]) -> bool {
        let mut added = Vec::new();
        self.expect_with(reader, block, bases.to_vec(), BLOCK_DEPTH_MAX, &mut added);
        let has_room = self.bytes_expected() <= KEPT_BYTES_MAX;
        if !has_room {
            for block in added {
                self.needs.remove(&block);
            }
        }
        has_room
    }

    fn is_kept(&self, base: &Base) -> bool {
        self.kept.get(&base.block).is_some_and(|kept| kept.has(base))
    }

    /// Bytes of all bases that are kept or going to be.
    fn bytes_expected(&self) -> u64 {
        let bases: BTreeSet<u64> = self.needs.values().flatten().map(|base| base.block).collect();
        let bytes = |block: &u64| {
            self.kept.get(block).map_or_else(|| self.needed(*block).bytes(), |kept| kept.bytes())
        };
        bases.iter().map(bytes).sum()
    }

    /// What the blocks to come need of a block.
    pub(super) fn needed(&self, block: u64) -> ByteRanges {
        let mut needed = ByteRanges::default();
        for base in self.needs.values().flatten().filter(|base| base.block == block) {
            for &(start, len) in &base.ranges {
                needed.add(start.into(), len.into());
            }
        }
        needed
    }

    /// The blocks that have to be decoded before this one, so that their bytes are kept.
    pub(super) fn missing(&self, block: u64) -> impl Iterator<Item = u64> + '_ {
        let bases = self.needs.get(&block).into_iter().flatten();
        let missing =
            bases.filter(|base| !self.unusable.contains(&base.block) && !self.is_kept(base));
        missing.map(|base| base.block)
    }

    /// How many bytes a block is decoded with.
    pub(super) fn prefix_bytes(&self, block: u64) -> u64 {
        self.needs.get(&block).into_iter().flatten().map(Base::bytes).sum()
    }

    /// What was kept for a block that is decoded now.
    pub(super) fn lend(&mut self, block: u64) -> LentBases {
        let bases = self.needs.remove(&block).unwrap_or_default();
        let lent = bases.iter().filter_map(|base| self.kept.get(&base.block).cloned()).collect();
        let needed: BTreeSet<u64> = self.needs.values().flatten().map(|base| base.block).collect();
        self.kept.retain(|block, _| needed.contains(block));
        self.is_full &= bases.is_empty();
        LentBases(lent)
    }

    /// Keeps what the blocks to come need of a block that was decoded.
    pub(super) fn keep(&mut self, block: u64, decoded: Option<&DecodedBlock>) {
        // It may have been met again while it was on its way.
        self.needs.remove(&block);
        let needed = self.needed(block);
        if needed.count() == 0 {
            return;
        }
        match decoded.and_then(|decoded| KeptBase::of(decoded, &needed)) {
            Some(base) => drop(self.kept.insert(block, Arc::new(base))),
            None => drop(self.unusable.insert(block)),
        }
    }
}
