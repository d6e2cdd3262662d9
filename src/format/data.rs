//! A block of fragments: `spec/format.md` section 6.

use crate::base::{ByteReader, ByteWriter, Error, ErrorKind, Result};

use super::limits::{BLOCK_BASES_MAX, BLOCK_BYTES_MAX, BLOCK_FRAGMENTS_MAX};

/// Payload of a DATA frame, still compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data<'a> {
    /// Id of the codec.
    pub codec: u8,
    /// Number of the block.
    pub block: u64,
    /// Length of each fragment in bytes.
    pub lengths: Vec<u32>,
    /// The compressed bytes.
    pub packed: &'a [u8],
}

impl<'a> Data<'a> {
    /// Sum of the fragments' lengths in bytes.
    pub fn raw_len(&self) -> usize {
        self.lengths.iter().map(|&len| len as usize).sum()
    }

    /// The payload.
    pub fn encode(&self) -> Vec<u8> {
        let narrow = |len: usize| u32::try_from(len).expect("blocks are below BLOCK_BYTES_MAX");
        let mut writer = ByteWriter::with_capacity(24 + 4 * self.lengths.len() + self.packed.len());
        writer.u8(self.codec).u8(0).u8(0).u8(0).u32(narrow(self.raw_len())).u64(self.block);
        writer.u32(narrow(self.lengths.len())).u32(narrow(self.packed.len()));
        for &len in &self.lengths {
            writer.varint(u64::from(len));
        }
        writer.bytes(self.packed);
        writer.into_bytes()
    }

    /// Reads a payload.
    pub fn decode(payload: &'a [u8]) -> Result<Self> {
        let mut reader = ByteReader::new(payload, "data frame");
        let (codec, filter, bases) = (reader.u8()?, reader.u8()?, reader.u8()?);
        if reader.u8()? != 0 {
            return Err(reader.corrupt("reserved bytes are not zero"));
        }
        if u64::from(bases) > BLOCK_BASES_MAX {
            return Err(reader.corrupt(format_args!("{bases} base blocks")));
        }
        if (filter, bases) != (0, 0) {
            return Err(Error::new(ErrorKind::Unsupported, "the archive needs a newer zarc")
                .because(format!("a block has filter {filter} and {bases} base blocks")));
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
        let lengths = decode_lengths(&mut reader, count, raw_len)?;
        let packed = reader.bytes(packed_len as usize)?;
        reader.finish_padded()?;
        Ok(Self { codec, block, lengths, packed })
    }
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
