//! The page of an index that tells of a part that was begun: `spec/format.md` section 10.

use crate::base::{ByteReader, ByteWriter, Digest, Result};

/// Payload of an INTENT frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Number of the part.
    pub part: u32,
    /// The update that it was begun for.
    pub update: u64,
    /// The update's nonce, which its keys come from.
    pub nonce: Digest,
    /// Tag of the commit before, or the genesis tag.
    pub previous_tag: Digest,
    /// When, in seconds since 1970.
    pub time: i64,
}

impl Intent {
    /// Length of the payload in bytes.
    pub const LEN: u64 = 88;

    /// The payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = ByteWriter::new();
        writer.u32(self.part).u32(0).u64(self.update).bytes(self.nonce.as_bytes());
        writer.bytes(self.previous_tag.as_bytes()).i64(self.time);
        writer.into_bytes()
    }

    /// Reads a payload.
    pub fn decode(payload: &[u8]) -> Result<Self> {
        let mut reader = ByteReader::new(payload, "intent");
        let part = reader.u32()?;
        if reader.u32()? != 0 {
            return Err(reader.corrupt("reserved bytes are not zero"));
        }
        let intent = Self {
            part,
            update: reader.u64()?,
            nonce: Digest::from_bytes(reader.array()?),
            previous_tag: Digest::from_bytes(reader.array()?),
            time: reader.i64()?,
        };
        if intent.part == 0 || intent.update == 0 {
            return Err(reader.corrupt("a part or an update 0"));
        }
        reader.finish()?;
        Ok(intent)
    }
}
