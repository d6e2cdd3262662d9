//! The content of a file as pieces: `spec/format.md` section 7.2.1.

use crate::base::{ByteReader, ByteWriter, Result};

use super::limits::{BLOCK_FRAGMENTS_MAX, COUNT_MAX};
use super::place::FragmentId;

/// Consecutive fragments of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Run {
    /// The first fragment.
    pub first: FragmentId,
    /// How many fragments, at least 1.
    pub count: u32,
    /// Their length together, in bytes.
    pub len: u64,
}

/// A stretch of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Piece {
    /// So many zero bytes that take no room on disk.
    Hole(u64),
    /// Stored bytes.
    Data(Run),
}

impl Piece {
    /// Length in bytes.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Hole(len) => *len,
            Self::Data(run) => run.len,
        }
    }

    /// Appends one fragment of `len` bytes to a content, joining it to the last run if it follows.
    pub fn push_fragment(content: &mut Vec<Self>, fragment: FragmentId, len: u32) {
        if let Some(Self::Data(run)) = content.last_mut() {
            let next_index = u64::from(run.first.index) + u64::from(run.count);
            if run.first.block == fragment.block && next_index == u64::from(fragment.index) {
                run.count += 1;
                run.len += u64::from(len);
                return;
            }
        }
        content.push(Self::Data(Run { first: fragment, count: 1, len: u64::from(len) }));
    }

    /// Appends a hole, joining it to one before it.
    pub fn push_hole(content: &mut Vec<Self>, len: u64) {
        match content.last_mut() {
            _ if len == 0 => {}
            Some(Self::Hole(before)) => *before += len,
            _ => content.push(Self::Hole(len)),
        }
    }

    pub(super) fn encode_all(content: &[Self], writer: &mut ByteWriter) {
        let mut block_before = 0;
        for piece in content {
            match piece {
                Self::Hole(len) => {
                    writer.varint(0).varint(*len);
                }
                Self::Data(run) => {
                    writer.varint(u64::from(run.count));
                    writer
                        .signed_varint((run.first.block.wrapping_sub(block_before)).cast_signed());
                    writer.varint(u64::from(run.first.index)).varint(run.len);
                    block_before = run.first.block;
                }
            }
        }
    }

    pub(super) fn decode_all(mut reader: ByteReader<'_>) -> Result<Vec<Self>> {
        // Most files are one piece.
        let mut content = Vec::with_capacity(1);
        let (mut block_before, mut size) = (0_u64, 0_u64);
        while reader.remaining() > 0 {
            let count = reader.varint_at_most(BLOCK_FRAGMENTS_MAX, "number of fragments")?;
            let piece = if count == 0 {
                Self::Hole(reader.varint()?)
            } else {
                let run = decode_run(&mut reader, count, block_before)?;
                block_before = run.first.block;
                Self::Data(run)
            };
            size = match size.checked_add(piece.bytes()) {
                Some(sum) if sum <= u64::MAX >> 1 && piece.bytes() > 0 => sum,
                _ => return Err(reader.corrupt("an impossible file size")),
            };
            content.push(piece);
        }
        Ok(content)
    }
}

fn decode_run(reader: &mut ByteReader<'_>, count: u64, block_before: u64) -> Result<Run> {
    let delta = reader.signed_varint()?;
    let block = block_before.checked_add_signed(delta).filter(|block| *block <= COUNT_MAX);
    let index = reader.varint_at_most(BLOCK_FRAGMENTS_MAX - 1, "fragment index")?;
    let (Some(block), Ok(index), Ok(count)) = (block, u32::try_from(index), u32::try_from(count))
    else {
        return Err(reader.corrupt("an impossible fragment"));
    };
    Ok(Run { first: FragmentId { block, index }, count, len: reader.varint()? })
}
