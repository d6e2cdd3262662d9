//! The frame that opens an update: `spec/format.md` section 5.

use crate::base::{ByteReader, ByteWriter, Digest, Result};

/// Payload of an UPDATE frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Never occurred before.
    pub nonce: Digest,
    /// Tag of the commit before, or the genesis tag.
    pub previous_tag: Digest,
    /// Date of the update, seconds since 1970.
    pub date: i64,
    /// Tag of the newest commit that was rolled back to make room, or zero.
    pub rolled_back: Digest,
    /// Name and version of the writer.
    pub writer: String,
}

impl Update {
    /// The payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = ByteWriter::new();
        writer.bytes(self.nonce.as_bytes()).bytes(self.previous_tag.as_bytes()).i64(self.date);
        writer.bytes(self.rolled_back.as_bytes()).byte_string(self.writer.as_bytes());
        writer.into_bytes()
    }

    /// Reads a payload.
    pub fn decode(payload: &[u8]) -> Result<Self> {
        let mut reader = ByteReader::new(payload, "update frame");
        let update = Self {
            nonce: Digest::from_bytes(reader.array()?),
            previous_tag: Digest::from_bytes(reader.array()?),
            date: reader.i64()?,
            rolled_back: Digest::from_bytes(reader.array()?),
            writer: String::from_utf8_lossy(reader.byte_string(255, "writer")?).into_owned(),
        };
        reader.finish()?;
        Ok(update)
    }
}
