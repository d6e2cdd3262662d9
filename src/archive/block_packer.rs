//! Fragments to blocks, gathered by kind of content.

use crate::base::Digest;
use crate::compress::{ContentKind, Method};
use crate::crypto::IdentityHash;
use crate::format::{BLOCK_FRAGMENTS_MAX, FragmentId, FragmentRecord};

use super::base_choice::SimilarRanges;
use super::earlier_content::BlockRange;

/// A block is sealed when so many later ones were opened, so that the records of the blocks
/// after it never have to wait for long.
const BLOCKS_OPEN_BEHIND: u64 = 64;

/// Longest block of content that cannot be compressed.
const STORED_BLOCK_BYTES: usize = 8 << 20;

/// A block that still takes fragments.
struct OpenBlock {
    number: u64,
    kind: ContentKind,
    raw: Vec<u8>,
    raw_len: usize,
    fragments: Vec<FragmentRecord>,
    similar: SimilarRanges,
}

/// A block that is ready to be compressed.
pub(super) struct FullBlock {
    pub number: u64,
    pub identities: IdentityHash,
    pub kind: ContentKind,
    pub raw: Vec<u8>,
    pub fragments: Vec<FragmentRecord>,
    pub similar: SimilarRanges,
}

/// Gathers fragments into blocks.
pub(super) struct BlockPacker {
    identities: IdentityHash,
    open: Vec<OpenBlock>,
    next_number: u64,
    method: Method,
    keeps_data: bool,
    /// Buffers of blocks that were written.
    spare: Vec<Vec<u8>>,
}

impl BlockPacker {
    /// The first block gets number `next_number`; the method says how large blocks get.
    pub(super) fn new(next_number: u64, method: Method, identities: IdentityHash) -> Self {
        let (open, spare) = (Vec::new(), Vec::new());
        Self { identities, open, next_number, method, keeps_data: true, spare }
    }

    /// The same, but blocks only number fragments: their bytes are not kept, so their kind does not
    /// matter.
    pub(super) fn without_data(self) -> Self {
        Self { keeps_data: false, ..self }
    }

    /// Number that the next block will get.
    pub(super) fn next_number(&self) -> u64 {
        self.next_number
    }

    /// Takes the buffer of a block that was written, for the next one.
    pub(super) fn reuse(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.spare.push(buffer);
    }

    /// Puts a fragment into a block of its kind and says where it is. Blocks that became full
    /// are appended to `full`.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        identity: Digest,
        kind: ContentKind,
        full: &mut Vec<FullBlock>,
    ) -> FragmentId {
        let fragment = self.push_record(bytes.len(), identity, kind, full);
        if self.keeps_data {
            let block = self.open.iter_mut().find(|block| block.number == fragment.block);
            block.expect("it takes fragments").raw.extend_from_slice(bytes);
        }
        fragment
    }

    /// The same for a fragment of which only length and identity are known.
    pub(super) fn push_record(
        &mut self,
        bytes: usize,
        identity: Digest,
        kind: ContentKind,
        full: &mut Vec<FullBlock>,
    ) -> FragmentId {
        let kind = if self.keeps_data { kind } else { ContentKind::Other };
        let block_bytes = self.method.of(kind).block_bytes();
        let block_bytes = match kind {
            // Stored blocks gain nothing from being large.
            ContentKind::Incompressible => block_bytes.min(STORED_BLOCK_BYTES),
            _ => block_bytes,
        };
        let is_too_full = |block: &OpenBlock| {
            block.kind == kind
                && (block.raw_len + bytes > block_bytes
                    || block.fragments.len() as u64 == BLOCK_FRAGMENTS_MAX)
        };
        if let Some(index) = self.open.iter().position(is_too_full) {
            full.push(self.open.remove(index).close(&self.identities));
        }
        let index = match self.open.iter().position(|block| block.kind == kind) {
            Some(index) => index,
            None => self.open_block(kind, full),
        };
        let block = &mut self.open[index];
        let number =
            u32::try_from(block.fragments.len()).expect("blocks have 2^20 fragments at most");
        let len = u32::try_from(bytes).expect("fragments are shorter than a block");
        block.raw_len += bytes;
        block.fragments.push(FragmentRecord { len, identity });
        FragmentId { block: block.number, index: number }
    }

    /// Says that an open block may be like a place in an earlier one.
    pub(super) fn is_like(&mut self, number: u64, range: BlockRange) {
        let open = self.open.iter_mut().find(|block| block.number == number);
        if let Some(block) = open.filter(|block| block.kind != ContentKind::Incompressible) {
            block.similar.push(range);
        }
    }

    /// Opens a block and returns its index; the oldest open one may have to be closed for it.
    fn open_block(&mut self, kind: ContentKind, full: &mut Vec<FullBlock>) -> usize {
        let number = self.next_number;
        self.next_number += 1;
        // Blocks stand in `open` in the order of their numbers.
        while self.open.first().is_some_and(|block| number - block.number >= BLOCKS_OPEN_BEHIND) {
            full.push(self.open.remove(0).close(&self.identities));
        }
        let raw = self.spare.pop().unwrap_or_default();
        let (fragments, similar) = (Vec::new(), SimilarRanges::default());
        self.open.push(OpenBlock { number, kind, raw, raw_len: 0, fragments, similar });
        self.open.len() - 1
    }

    /// Closes all blocks.
    pub(super) fn finish(&mut self) -> Vec<FullBlock> {
        self.open.drain(..).map(|block| block.close(&self.identities)).collect()
    }
}

impl OpenBlock {
    fn close(self, identities: &IdentityHash) -> FullBlock {
        let Self { number, kind, raw, fragments, similar, .. } = self;
        FullBlock { number, identities: identities.clone(), kind, raw, fragments, similar }
    }
}
