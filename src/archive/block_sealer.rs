//! A block to the frame that it becomes: compressed in the way that makes it smallest, and checked.

use crate::base::{Error, Result};
use crate::compress::{self, Codec, Filter, Method};
use crate::format::{BLOCK_DEPTH_MAX, Base, Data};

use super::block_packer::FullBlock;
use super::earlier_blocks::LentBlocks;
use super::lent_bases::LentBases;
use super::worker_buffer;

/// A difference to earlier content that takes less than one in so many bytes of a block is not compared with
/// what a slow codec would make of it: hardly any content becomes that small.
const SMALL_DIFFERENCE: usize = 10;

/// What of earlier blocks a block is compressed with.
pub(super) struct Earlier<'a> {
    pub bases: Vec<Base>,
    /// What of them is here already.
    pub lent: &'a LentBases,
    pub blocks: &'a LentBlocks,
}

impl Earlier<'_> {
    /// The bytes of the bases, if there are any. One that cannot be decoded is none: the new block must not
    /// depend on it.
    fn prefix(&self) -> Option<Vec<u8>> {
        if self.bases.is_empty() {
            return None;
        }
        let find = || {
            let depth_max = BLOCK_DEPTH_MAX - 1;
            self.blocks.with(|blocks| blocks?.prefix(&self.bases, depth_max).ok())
        };
        Some(self.lent.prefix(&self.bases).or_else(find)?.0)
    }
}

/// A block as it will be written, and its buffer to be used again.
pub(super) struct SealedBlock {
    pub payload: Vec<u8>,
    /// What is in it is of no use any more.
    pub raw: Vec<u8>,
    /// How it was packed: stored if it would not have become smaller.
    pub method: Method,
    /// The earlier blocks that it is decoded with.
    pub bases: Vec<u64>,
}

/// What a block is to become.
struct Packing {
    method: Method,
    codec: Codec,
    filter: Filter,
    bases: Vec<Base>,
    /// The bytes of the bases.
    prefix: Vec<u8>,
    /// No more than the block has.
    bytes: Vec<u8>,
}

impl FullBlock {
    /// Compresses the block and proves that what will be written gives its fragments back: a
    /// wrong compressor or a flipped bit in memory shows here and not at a restore.
    ///
    /// What earlier blocks have like it is the prefix, if they can be read.
    pub(super) fn seal(mut self, method: Method, earlier: Earlier<'_>) -> Result<SealedBlock> {
        let method = method.of(self.kind);
        let mut packing = self.difference(method, earlier)?;
        let is_enough = |difference: &Packing| {
            difference.method == method
                || difference.bytes.len() * SMALL_DIFFERENCE < self.raw.len()
        };
        if !packing.as_ref().is_some_and(is_enough) {
            let whole = self.whole(method)?;
            let len = |packing: &Packing| packing.bytes.len();
            if packing.as_ref().map_or(usize::MAX, len) > whole.as_ref().map_or(usize::MAX, len) {
                packing = whole;
            }
        }
        let Some(packing) = packing else {
            self.check(&self.raw)?;
            let payload = self.payload(Codec::Store, Filter::None, Vec::new(), &self.raw);
            let method = method.stored();
            return Ok(SealedBlock { payload, raw: self.raw, method, bases: Vec::new() });
        };
        let Packing { method, codec, filter, bases, prefix, bytes } = packing;
        let mut unpacked = worker_buffer::take();
        compress::unpack_after(&prefix, codec, &bytes, self.raw.len(), &mut unpacked)
            .map_err(|error| Self::not_reproduced().because(error))?;
        filter.undo(&mut unpacked);
        self.check(&unpacked)?;
        worker_buffer::put_back(unpacked);
        let numbers = bases.iter().map(|base| base.block).collect();
        let payload = self.payload(codec, filter, bases, &bytes);
        Ok(SealedBlock { payload, raw: self.raw, method, bases: numbers })
    }

    /// The block as the difference to what earlier blocks have like it; nothing if they have nothing of use.
    fn difference(&self, method: Method, earlier: Earlier<'_>) -> Result<Option<Packing>> {
        let Some(method) = method.of_differences() else { return Ok(None) };
        let Some(prefix) = earlier.prefix() else { return Ok(None) };
        let bases = earlier.bases;
        // Nothing takes as much memory as what follows, so the buffer makes room for it.
        drop(worker_buffer::take());
        let packed = compress::pack_after(&prefix, &self.raw, &method, self.kind)?;
        if packed.codec == Codec::Store {
            return Ok(None);
        }
        let (codec, bytes) = (packed.codec, packed.bytes.into_owned());
        // What is like an earlier block is more so as it is.
        let filter = Filter::None;
        Ok(Some(Packing { method, codec, filter, bases, prefix, bytes }))
    }

    /// The block by itself; nothing if that does not become smaller. If it does, its filter is not undone.
    fn whole(&mut self, method: Method) -> Result<Option<Packing>> {
        if method.codec() == Codec::Store {
            return Ok(None);
        }
        let filter = Filter::of(self.kind);
        filter.apply(&mut self.raw);
        let packed = compress::pack(&self.raw, &method, self.kind)?;
        if packed.codec == Codec::Store {
            filter.undo(&mut self.raw);
            return Ok(None);
        }
        let (codec, bytes) = (packed.codec, packed.bytes.into_owned());
        let (bases, prefix) = (Vec::new(), Vec::new());
        Ok(Some(Packing { method, codec, filter, bases, prefix, bytes }))
    }

    fn payload(&self, codec: Codec, filter: Filter, bases: Vec<Base>, packed: &[u8]) -> Vec<u8> {
        let lengths = self.fragments.iter().map(|fragment| fragment.len).collect();
        let (codec, filter, block) = (codec.id(), filter.id(), self.number);
        Data { codec, filter, bases, block, lengths, packed }.encode()
    }

    /// Fails unless `unpacked` is the fragments, one after another.
    fn check(&self, unpacked: &[u8]) -> Result<()> {
        let mut rest = unpacked;
        for fragment in &self.fragments {
            let (bytes, after) =
                rest.split_at_checked(fragment.len as usize).ok_or_else(Self::not_reproduced)?;
            if self.identities.of(bytes) != fragment.identity {
                return Err(Self::not_reproduced());
            }
            rest = after;
        }
        Ok(())
    }

    fn not_reproduced() -> Error {
        Error::corrupt("a compressed block does not give its content back")
            .hint("memory, processor or disk of this machine may be failing; nothing was added")
    }
}
