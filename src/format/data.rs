//! A block of fragments: `spec/format.md` section 6.

use crate::base::{ByteReader, ByteWriter, Result};

use super::limits::{
    BASE_RANGES_MAX, BLOCK_BASES_MAX, BLOCK_BYTES_MAX, BLOCK_FRAGMENTS_MAX, BLOCK_PREFIX_BYTES_MAX,
};

/// Payload of a DATA frame, still compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data<'a> {
    /// Id of the codec.
    pub codec: u8,
    /// Id of the filter.
    pub filter: u8,
    /// What of earlier blocks is the codec's prefix, in rising order of blocks.
    pub bases: Vec<Base>,
    /// Number of the block.
    pub block: u64,
    /// Length of each fragment in bytes.
    pub lengths: Vec<u32>,
    /// The compressed bytes.
    pub packed: &'a [u8],
}

/// An earlier block that a block is decoded with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Its number.
    pub block: u64,
    /// Which of its raw bytes, in rising order: offset and length.
    pub ranges: Vec<(u32, u32)>,
}

impl Base {
    /// Bytes of all ranges.
    pub fn bytes(&self) -> u64 {
        self.ranges.iter().map(|&(_, len)| u64::from(len)).sum()
    }
}

impl<'a> Data<'a> {
    /// Sum of the fragments' lengths in bytes.
    pub fn raw_len(&self) -> usize {
        self.lengths.iter().map(|&len| len as usize).sum()
    }

    /// The payload.
    pub fn encode(&self) -> Vec<u8> {
        let narrow = |len: usize| u32::try_from(len).expect("blocks are below BLOCK_BYTES_MAX");
        let bases = u8::try_from(self.bases.len()).expect("bases are at most BLOCK_BASES_MAX");
        let mut writer = ByteWriter::with_capacity(24 + 4 * self.lengths.len() + self.packed.len());
        writer.u8(self.codec).u8(self.filter).u8(bases).u8(0);
        writer.u32(narrow(self.raw_len())).u64(self.block);
        writer.u32(narrow(self.lengths.len())).u32(narrow(self.packed.len()));
        for base in &self.bases {
            encode_base(&mut writer, base);
        }
        for &len in &self.lengths {
            writer.varint(u64::from(len));
        }
        writer.bytes(self.packed);
        writer.into_bytes()
    }

    /// Reads a payload.
    pub fn decode(payload: &'a [u8]) -> Result<Self> {
        let mut reader = ByteReader::new(payload, "data frame");
        let (codec, filter, base_count) = (reader.u8()?, reader.u8()?, reader.u8()?);
        if reader.u8()? != 0 {
            return Err(reader.corrupt("reserved bytes are not zero"));
        }
        if u64::from(base_count) > BLOCK_BASES_MAX {
            return Err(reader.corrupt(format_args!("{base_count} base blocks")));
        }
        let (raw_len, block) = (u64::from(reader.u32()?), reader.u64()?);
        let (count, packed_len) = (u64::from(reader.u32()?), reader.u32()?);
        // A length takes at least a byte, so the count is bounded by the payload too.
        let in_bounds = (1..=BLOCK_FRAGMENTS_MAX).contains(&count)
            && count <= reader.remaining() as u64
            && raw_len <= BLOCK_BYTES_MAX;
        if !in_bounds {
            return Err(reader.corrupt(format_args!("{count} fragments, {raw_len} bytes")));
        }
        let bases = decode_bases(&mut reader, base_count, block)?;
        let lengths = decode_lengths(&mut reader, count, raw_len)?;
        let packed = reader.bytes(packed_len as usize)?;
        reader.finish_padded()?;
        Ok(Self { codec, filter, bases, block, lengths, packed })
    }
}

fn encode_base(writer: &mut ByteWriter, base: &Base) {
    writer.varint(base.block).varint(base.ranges.len() as u64);
    let mut end = 0;
    for &(start, len) in &base.ranges {
        writer.varint(u64::from(start) - end).varint(u64::from(len));
        end = u64::from(start) + u64::from(len);
    }
}

/// The bases of a block with this number.
fn decode_bases(reader: &mut ByteReader<'_>, count: u8, of_block: u64) -> Result<Vec<Base>> {
    let mut bases: Vec<Base> = Vec::new();
    let mut prefix_bytes = 0;
    for _ in 0..count {
        let block = reader.varint()?;
        let is_next = block < of_block && bases.last().is_none_or(|last| last.block < block);
        if !is_next {
            return Err(reader.corrupt(format_args!("base block {block} of block {of_block}")));
        }
        let ranges = decode_ranges(reader)?;
        let base = Base { block, ranges };
        prefix_bytes += base.bytes();
        if prefix_bytes > BLOCK_PREFIX_BYTES_MAX {
            return Err(reader.corrupt("more bytes of base blocks than there may be"));
        }
        bases.push(base);
    }
    Ok(bases)
}

fn decode_ranges(reader: &mut ByteReader<'_>) -> Result<Vec<(u32, u32)>> {
    let count = reader.varint_at_most(BASE_RANGES_MAX, "number of ranges")?;
    let mut ranges = Vec::new();
    let mut end = 0;
    for _ in 0..count {
        let start = end + reader.varint_at_most(BLOCK_BYTES_MAX, "start of a range")?;
        let len = reader.varint_at_most(BLOCK_BYTES_MAX, "length of a range")?;
        end = start + len;
        if len == 0 || end > BLOCK_BYTES_MAX {
            return Err(reader.corrupt("a range of a base block is empty or outside of it"));
        }
        let narrow = |number: u64| u32::try_from(number).map_err(|_| reader.corrupt("range"));
        ranges.push((narrow(start)?, narrow(len)?));
    }
    if ranges.is_empty() {
        return Err(reader.corrupt("a base block without a range"));
    }
    Ok(ranges)
}

fn decode_lengths(reader: &mut ByteReader<'_>, count: u64, raw_len: u64) -> Result<Vec<u32>> {
    let mut sum = 0;
    let mut lengths = Vec::new();
    for _ in 0..count {
        let len = reader.varint_at_most(BLOCK_BYTES_MAX, "fragment length")?;
        sum += len;
        lengths.push(u32::try_from(len).map_err(|_| reader.corrupt("fragment length"))?);
        if len == 0 {
            return Err(reader.corrupt("an empty fragment"));
        }
    }
    if sum != raw_len {
        return Err(reader.corrupt(format_args!("fragments of {sum} bytes in {raw_len}")));
    }
    Ok(lengths)
}
