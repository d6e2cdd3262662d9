//! Where blocks are and what their fragments are: `spec/format.md` section 7.1.

use crate::base::{ByteReader, ByteWriter, Digest, Result};

use super::limits::{
    BLOCK_BASES_MAX, BLOCK_BYTES_MAX, BLOCK_FRAGMENTS_MAX, COUNT_MAX, DATA_PAYLOAD_BYTES_MAX,
};
use super::place::Place;

/// One fragment of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FragmentRecord {
    /// Length in bytes.
    pub len: u32,
    /// BLAKE3-256 of its bytes.
    pub identity: Digest,
}

/// One block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRecord {
    /// Where its DATA frame starts.
    pub place: Place,
    /// Payload length of that frame in bytes.
    pub payload_len: u64,
    /// The earlier blocks that it is decoded with, rising.
    pub bases: Vec<u64>,
    /// Its fragments, in order.
    pub fragments: Vec<FragmentRecord>,
}

impl BlockRecord {
    /// A block of an archive without data.
    pub fn without_data(fragments: Vec<FragmentRecord>) -> Self {
        Self { place: Place::default(), payload_len: 0, bases: Vec::new(), fragments }
    }

    /// Whether it names no DATA frame.
    pub fn is_without_data(&self) -> bool {
        (self.place, self.payload_len) == (Place::default(), 0)
    }

    /// Sum of the fragments' lengths in bytes.
    pub fn raw_len(&self) -> u64 {
        self.fragments.iter().map(|fragment| u64::from(fragment.len)).sum()
    }
}

/// Records of consecutive blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FragmentPage {
    /// Number of the first block.
    pub first_block: u64,
    /// Its record and those of the blocks after it.
    pub blocks: Vec<BlockRecord>,
}

impl FragmentPage {
    /// The raw bytes of the page.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = ByteWriter::new();
        writer.varint(self.first_block).varint(self.blocks.len() as u64);
        for block in &self.blocks {
            block.place.encode(&mut writer);
            writer.varint(block.payload_len).varint(block.bases.len() as u64);
            for base in &block.bases {
                writer.varint(*base);
            }
            writer.varint(block.fragments.len() as u64);
            for fragment in &block.fragments {
                writer.varint(u64::from(fragment.len));
            }
            for fragment in &block.fragments {
                writer.bytes(fragment.identity.as_bytes());
            }
        }
        writer.into_bytes()
    }

    /// Reads the raw bytes of a page.
    pub fn decode(raw: &[u8]) -> Result<Self> {
        let mut reader = ByteReader::new(raw, "fragment page");
        let first_block = reader.varint_at_most(COUNT_MAX, "block number")?;
        let count = reader.varint_at_most(reader.remaining() as u64, "number of blocks")?;
        if count == 0 {
            return Err(reader.corrupt("it is empty"));
        }
        let mut blocks = Vec::new();
        for number in (first_block..).take(usize::try_from(count).unwrap_or(usize::MAX)) {
            blocks.push(decode_block(&mut reader, number)?);
        }
        reader.finish()?;
        Ok(Self { first_block, blocks })
    }
}

fn decode_block(reader: &mut ByteReader<'_>, number: u64) -> Result<BlockRecord> {
    let place = Place::decode(reader)?;
    let payload_len = reader.varint_at_most(DATA_PAYLOAD_BYTES_MAX, "payload length")?;
    let mut bases = Vec::new();
    for _ in 0..reader.varint_at_most(BLOCK_BASES_MAX, "number of base blocks")? {
        let base = reader.varint_at_most(COUNT_MAX, "base block number")?;
        if base >= number || bases.last().is_some_and(|last| *last >= base) {
            return Err(reader.corrupt(format_args!("base block {base} of block {number}")));
        }
        bases.push(base);
    }
    let count = reader.varint_at_most(BLOCK_FRAGMENTS_MAX, "number of fragments")?;
    if count == 0 || count > reader.remaining() as u64 {
        return Err(reader.corrupt(format_args!("{count} fragments")));
    }
    let (mut lengths, mut room) = (Vec::new(), BLOCK_BYTES_MAX);
    for _ in 0..count {
        let len = reader.varint_at_most(room, "fragment length")?;
        if len == 0 {
            return Err(reader.corrupt("an empty fragment"));
        }
        room -= len;
        lengths.push(u32::try_from(len).map_err(|_| reader.corrupt("fragment length"))?);
    }
    let mut fragments = Vec::with_capacity(lengths.len());
    for len in lengths {
        let identity = Digest::from_bytes(reader.array()?);
        fragments.push(FragmentRecord { len, identity });
    }
    Ok(BlockRecord { place, payload_len, bases, fragments })
}
