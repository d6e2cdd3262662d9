//! Bytes of base blocks, on loan to whoever decodes or makes what comes after them.

use std::sync::Arc;

use crate::base::ByteRanges;
use crate::format::{BLOCK_DEPTH_MAX, Base};

use super::decoded_block::DecodedBlock;

/// Bytes of a block that others are decoded with.
pub(super) struct KeptBase {
    block: u64,
    /// How many blocks one behind another it was decoded with.
    depth: u64,
    /// Where each part starts in the block, rising.
    parts: Vec<(u64, Vec<u8>)>,
}

impl KeptBase {
    /// The needed bytes of a block, if they are right.
    pub(super) fn of(decoded: &DecodedBlock, needed: &ByteRanges) -> Option<Self> {
        let part = |(start, len): (u64, u64)| {
            let (from, len) = (u32::try_from(start).ok()?, u32::try_from(len).ok()?);
            Some((start, decoded.range(from, len).ok()?.to_vec()))
        };
        let parts = needed.iter().map(part).collect::<Option<_>>()?;
        Some(Self { block: decoded.number(), depth: decoded.depth(), parts })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.parts.iter().map(|(_, part)| part.len() as u64).sum()
    }

    fn range(&self, (start, len): (u32, u32)) -> Option<&[u8]> {
        let (start, len) = (u64::from(start), len as usize);
        let before = self.parts.partition_point(|(part, _)| *part <= start).checked_sub(1)?;
        let (part, bytes) = self.parts.get(before)?;
        bytes.get(usize::try_from(start - part).ok()?..)?.get(..len)
    }

    pub(super) fn has(&self, base: &Base) -> bool {
        base.ranges.iter().all(|&range| self.range(range).is_some())
    }
}

/// What was kept for one block.
#[derive(Default)]
pub(super) struct LentBases(pub(super) Vec<Arc<KeptBase>>);

impl LentBases {
    /// The bytes of these bases, and how many blocks one behind another that makes, if all are here.
    pub(super) fn prefix(&self, bases: &[Base]) -> Option<(Vec<u8>, u64)> {
        let find = |base: &Base| self.0.iter().find(|kept| kept.block == base.block);
        let kept: Vec<_> = bases.iter().map(find).collect::<Option<_>>()?;
        let depth = kept.iter().map(|kept| 1 + kept.depth).max().unwrap_or(0);
        if depth > BLOCK_DEPTH_MAX {
            return None;
        }
        let bytes: u64 = bases.iter().map(Base::bytes).sum();
        let mut prefix = Vec::with_capacity(usize::try_from(bytes).ok()?);
        for (base, kept) in bases.iter().zip(kept) {
            for &range in &base.ranges {
                prefix.extend_from_slice(kept.range(range)?);
            }
        }
        Some((prefix, depth))
    }
}
