//! One block to its fragments: read, check, decode; with the base blocks that it needs.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::{Error, Result};
use crate::compress::{self, Codec, Filter};
use crate::format::{BLOCK_DEPTH_MAX, Base, BlockRecord, Data, FrameType};
use crate::journal::Frame;

use super::block_table::BlockTable;
use super::decoded_block::DecodedBlock;
use super::lent_bases::LentBases;

/// Base blocks of so many bytes together are kept, since the next block needs the same ones.
const BASES_KEPT_BYTES: u64 = 96 << 20;

/// Decodes blocks, and keeps those that others are decoded with.
pub(super) struct BlockReader {
    table: Arc<BlockTable>,
    /// Most recently used last.
    bases: Mutex<VecDeque<Arc<DecodedBlock>>>,
}

impl BlockReader {
    pub(super) fn new(table: Arc<BlockTable>) -> Self {
        Self { table, bases: Mutex::new(VecDeque::new()) }
    }

    /// Bytes of all fragments of a block, or 0 if it is not known.
    pub(super) fn raw_bytes(&self, block: u64) -> u64 {
        self.table.with_record(block, BlockRecord::raw_len).unwrap_or(0)
    }

    /// A block of the archive, decoded in `buffer`; its base blocks are decoded if they are not lent.
    pub(super) fn block(
        &self,
        block: u64,
        lent: &LentBases,
        buffer: Vec<u8>,
    ) -> Result<DecodedBlock> {
        self.decode(block, BLOCK_DEPTH_MAX, lent, buffer)
    }

    /// A block that others are decoded with; it may have bases of its own up to `depth_max`.
    fn base(&self, block: u64, depth_max: u64) -> Result<Arc<DecodedBlock>> {
        let base = if let Some(base) = self.kept_base(block) {
            base
        } else {
            let decoded = self.decode(block, depth_max, &LentBases::default(), Vec::new());
            self.keep(Arc::new(decoded?))
        };
        if base.depth() > depth_max { Err(too_deep(block)) } else { Ok(base) }
    }

    /// The bytes of base blocks that a block is decoded with, and how deep that is.
    pub(super) fn prefix(&self, bases: &[Base], depth_max: u64) -> Result<(Vec<u8>, u64)> {
        let mut prefix = Vec::new();
        let mut depth = 0;
        for wanted in bases {
            let base = self.base(wanted.block, depth_max)?;
            depth = depth.max(1 + base.depth());
            for &(start, len) in &wanted.ranges {
                prefix.extend_from_slice(base.range(start, len)?);
            }
        }
        Ok((prefix, depth))
    }

    /// What a block is decoded with, and how many blocks one behind another that are; the block
    /// itself is not decoded.
    pub(super) fn bases_of(&self, block: u64, depth_max: u64) -> Result<(Vec<Base>, u64)> {
        let bases = self.own_bases(block)?;
        if depth_max == 0 && !bases.is_empty() {
            return Err(too_deep(block));
        }
        let mut depth = 0;
        for base in &bases {
            depth = depth.max(1 + self.bases_of(base.block, depth_max.saturating_sub(1))?.1);
        }
        Ok((bases, depth))
    }

    /// What a block itself names as its bases, as its record has them: each is smaller than the block.
    pub(super) fn own_bases(&self, block: u64) -> Result<Vec<Base>> {
        // Most have none, and records are long.
        if self.table.with_record(block, |record| record.bases.is_empty())? {
            return Ok(Vec::new());
        }
        let record = self.table.record(block)?;
        let frame = self.frame(&record)?;
        Ok(described(&frame, block, &record)?.bases)
    }

    fn frame(&self, record: &BlockRecord) -> Result<Frame> {
        self.table.reader().frame(record.place, FrameType::Data, record.payload_len)
    }

    fn kept_base(&self, block: u64) -> Option<Arc<DecodedBlock>> {
        let mut kept = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|base| base.number() == block)?;
        let base = kept.remove(found)?;
        kept.push_back(Arc::clone(&base));
        Some(base)
    }

    fn keep(&self, base: Arc<DecodedBlock>) -> Arc<DecodedBlock> {
        let mut kept = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have decoded the same one.
        kept.retain(|other| other.number() != base.number());
        let mut bytes = base.raw_bytes() + kept.iter().map(|base| base.raw_bytes()).sum::<u64>();
        while bytes > BASES_KEPT_BYTES
            && let Some(oldest) = kept.pop_front()
        {
            bytes -= oldest.raw_bytes();
        }
        // The newest is kept however large it is.
        kept.push_back(Arc::clone(&base));
        base
    }

    fn decode(
        &self,
        block: u64,
        depth_max: u64,
        lent: &LentBases,
        mut buffer: Vec<u8>,
    ) -> Result<DecodedBlock> {
        let record = self.table.record(block)?;
        let place = record.place;
        let frame = self.frame(&record)?;
        let data = described(&frame, block, &record)?;
        if depth_max == 0 && !data.bases.is_empty() {
            return Err(too_deep(block).at(place));
        }
        let found = lent
            .prefix(&data.bases)
            .map_or_else(|| self.prefix(&data.bases, depth_max.saturating_sub(1)), Ok);
        let (prefix, depth) = found.map_err(|error| {
            let what = format!("an earlier block that block {block} needs cannot be used");
            Error::new(error.kind(), what).because(error)
        })?;
        unpack(&data, &prefix, &mut buffer).map_err(|error| error.at(place))?;
        let identities = self.table.identity_hash();
        Ok(DecodedBlock::new(buffer, record.fragments, identities, block, depth))
    }
}

/// A DATA frame, which has to be the one that the record of the block describes.
fn described<'a>(frame: &'a Frame, block: u64, record: &BlockRecord) -> Result<Data<'a>> {
    let data = Data::decode(frame.payload()).map_err(|error| error.at(record.place))?;
    let lengths = record.fragments.iter().map(|fragment| fragment.len);
    let bases = data.bases.iter().map(|base| base.block);
    let is_described = data.block == block
        && data.lengths.iter().copied().eq(lengths)
        && bases.eq(record.bases.iter().copied());
    if is_described {
        return Ok(data);
    }
    let what = format!("block {block} is not the one that its record describes");
    Err(Error::corrupt(what).at(record.place))
}

fn unpack(data: &Data<'_>, prefix: &[u8], bytes: &mut Vec<u8>) -> Result<()> {
    let (codec, filter) = (Codec::from_id(data.codec)?, Filter::from_id(data.filter)?);
    compress::unpack_after(prefix, codec, data.packed, data.raw_len(), bytes)?;
    filter.undo(bytes);
    Ok(())
}

fn too_deep(block: u64) -> Error {
    Error::corrupt(format!("block {block} has base blocks, which it may not have where it is used"))
}
