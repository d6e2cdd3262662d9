//! Where a frame starts, and what a fragment is called: `spec/format.md` section 1.

use std::fmt;

use crate::base::{ByteReader, ByteWriter, Result};

use super::limits::PARTS_MAX;

/// Part number and byte offset in that part where a frame starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// Number of the part, from 1.
    pub part: u32,
    /// Bytes from the start of the part's file.
    pub offset: u64,
}

impl Place {
    pub(super) fn encode(self, writer: &mut ByteWriter) {
        writer.varint(u64::from(self.part)).varint(self.offset);
    }

    pub(super) fn decode(reader: &mut ByteReader<'_>) -> Result<Self> {
        let part = reader.varint_at_most(PARTS_MAX, "part number")?;
        let part = u32::try_from(part).map_err(|_| reader.corrupt("part number"))?;
        Ok(Self { part, offset: reader.varint_at_most(u64::MAX >> 1, "offset")? })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "part {} at byte {}", self.part, self.offset)
    }
}

/// A fragment of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FragmentId {
    /// Number of the block that holds it.
    pub block: u64,
    /// Its index in the block, from 0.
    pub index: u32,
}
