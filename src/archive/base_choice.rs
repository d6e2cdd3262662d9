//! Which blocks of the archive a new block is compressed with.
//!
//! Depends on committed bytes and on the order of the update's fragments alone, never on threads.

use std::collections::BTreeMap;

use crate::format::{
    BASE_RANGES_MAX, BLOCK_BASES_MAX, BLOCK_DEPTH_MAX, BLOCK_PREFIX_BYTES_MAX, Base,
};

use super::block_reader::BlockReader;
use super::earlier_content::BlockRange;

/// A base has to be decoded as a whole, so at least one in so many of its bytes must be of use.
const USE_MIN: u64 = 512;

/// Places in earlier blocks that may be like a block.
#[derive(Default)]
pub(super) struct SimilarRanges {
    ranges: Vec<BlockRange>,
}

impl SimilarRanges {
    /// Adds a place; those that touch the last one are joined to it.
    pub(super) fn push(&mut self, (block, start, len): BlockRange) {
        if let Some((last_block, last_start, last_len)) = self.ranges.last_mut()
            && *last_block == block
            && (*last_start..=*last_start + *last_len).contains(&start)
        {
            *last_len = (*last_len).max(start + len - *last_start);
            return;
        }
        self.ranges.push((block, start, len));
    }

    /// The best bases, in rising order.
    pub(super) fn choose(&self, reader: &BlockReader) -> Vec<Base> {
        let mut wanted: BTreeMap<u64, Vec<(u32, u32)>> = BTreeMap::new();
        for &(block, start, len) in &self.ranges {
            wanted.entry(block).or_default().push((start, len));
        }
        let wanted = most_useful(wanted, reader);
        let wanted = most_useful(shallow(wanted, reader), reader);
        let mut bases = Vec::new();
        let mut room = BLOCK_PREFIX_BYTES_MAX;
        for mut base in wanted {
            base.ranges.truncate(usize::try_from(BASE_RANGES_MAX).unwrap_or(usize::MAX));
            base.ranges.retain_mut(|(_, len)| {
                let taken = u64::from(*len).min(room);
                room -= taken;
                *len = u32::try_from(taken).unwrap_or(*len);
                *len > 0
            });
            if !base.ranges.is_empty() {
                bases.push(base);
            }
        }
        bases.sort_unstable_by_key(|base| base.block);
        bases
    }
}

/// At most so many blocks as there may be bases, those of which most bytes are of use first.
fn most_useful(wanted: BTreeMap<u64, Vec<(u32, u32)>>, reader: &BlockReader) -> Vec<Base> {
    let joined = wanted.into_iter().map(|(block, ranges)| Base { block, ranges: join(ranges) });
    let mut useful: Vec<Base> =
        joined.filter(|base| base.bytes() * USE_MIN >= reader.raw_bytes(base.block)).collect();
    useful.sort_by_key(|base| (std::cmp::Reverse(base.bytes()), base.block));
    useful.truncate(usize::try_from(BLOCK_BASES_MAX).unwrap_or(usize::MAX));
    useful
}

/// In place of a block that is as deep as a block may be: what it was itself decoded with.
fn shallow(wanted: Vec<Base>, reader: &BlockReader) -> BTreeMap<u64, Vec<(u32, u32)>> {
    let mut result: BTreeMap<u64, Vec<(u32, u32)>> = BTreeMap::new();
    for Base { block, ranges } in wanted {
        let Ok((bases, depth)) = reader.bases_of(block, BLOCK_DEPTH_MAX) else { continue };
        if depth < BLOCK_DEPTH_MAX {
            result.entry(block).or_default().extend(ranges);
            continue;
        }
        for base in bases {
            result.entry(base.block).or_default().extend(&base.ranges);
        }
    }
    result
}

/// Ranges in rising order that do not touch each other.
fn join(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut joined: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
    for (start, len) in ranges {
        match joined.last_mut() {
            Some((last, last_len)) if start <= *last + *last_len => {
                *last_len = (*last_len).max(start + len - *last);
            }
            _ => joined.push((start, len)),
        }
    }
    joined
}
