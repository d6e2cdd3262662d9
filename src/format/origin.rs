//! Which bytes of which part stand where in an index: `spec/format.md` section 10.

use crate::base::{ByteReader, ByteWriter, Result};

use super::place::Place;

/// Bytes of a part that were copied to part 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopiedRange {
    /// Where they stand in the part.
    pub place: Place,
    /// How many they are.
    pub len: u64,
    /// Where they stand in part 0.
    pub copy: u64,
}

/// Payload of an ORIGIN frame: the copies of one update, rising in both files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The ranges.
    pub ranges: Vec<CopiedRange>,
}

impl Origin {
    /// The payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = ByteWriter::new();
        writer.varint(self.ranges.len() as u64);
        for range in &self.ranges {
            range.place.encode(&mut writer);
            writer.varint(range.len).varint(range.copy);
        }
        writer.into_bytes()
    }

    /// Reads a payload.
    pub fn decode(payload: &[u8]) -> Result<Self> {
        let mut reader = ByteReader::new(payload, "origin");
        // Each range takes four bytes at least.
        let count = reader.varint_at_most(payload.len() as u64 / 4, "number of ranges")?;
        let mut ranges: Vec<CopiedRange> = Vec::new();
        for _ in 0..count {
            let place = Place::decode(&mut reader)?;
            let len = reader.varint_at_most(1 << 62, "length")?;
            let copy = reader.varint_at_most(1 << 62, "offset")?;
            let follows = ranges.last().is_none_or(|last| {
                (last.place.part, last.place.offset.saturating_add(last.len))
                    <= (place.part, place.offset)
                    && last.copy.saturating_add(last.len) <= copy
            });
            if !follows || len == 0 {
                return Err(reader.corrupt("ranges that do not follow each other"));
            }
            ranges.push(CopiedRange { place, len, copy });
        }
        reader.finish()?;
        Ok(Self { ranges })
    }
}
