//! The wrapper of compressed metadata payloads: `spec/format.md` section 4, *packed*.

use crate::base::{ByteReader, ByteWriter, Result};

use super::limits::META_BYTES_MAX;

/// A packed payload, still packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackedPayload<'a> {
    /// Id of the codec.
    pub codec: u8,
    /// Length of the raw bytes.
    pub raw_len: usize,
    /// The packed bytes.
    pub packed: &'a [u8],
}

impl<'a> PackedPayload<'a> {
    /// The payload.
    pub fn encode(&self) -> Vec<u8> {
        let len = |len: usize| u32::try_from(len).expect("packed frames are below META_BYTES_MAX");
        let mut writer = ByteWriter::new();
        writer.u8(self.codec).u32(len(self.raw_len)).u32(len(self.packed.len()));
        writer.bytes(self.packed);
        writer.into_bytes()
    }

    /// Reads a payload.
    pub fn decode(payload: &'a [u8]) -> Result<Self> {
        let mut reader = ByteReader::new(payload, "packed payload");
        let (codec, raw_len, packed_len) = (reader.u8()?, reader.u32()?, reader.u32()?);
        if u64::from(raw_len) > META_BYTES_MAX {
            return Err(reader.corrupt(format_args!("{raw_len} raw bytes, above the limit")));
        }
        let packed = reader.bytes(packed_len as usize)?;
        reader.finish_padded()?;
        Ok(Self { codec, raw_len: raw_len as usize, packed })
    }
}
