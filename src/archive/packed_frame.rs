//! Metadata frames: packed on the way out, checked and unpacked on the way in.

use crate::base::Result;
use crate::compress::{self, Codec, ContentKind, Method};
use crate::format::{FrameType, PackedPayload, Place};
use crate::journal::FrameReader;

/// Compresses the raw bytes of a metadata frame.
pub(super) fn pack(raw: &[u8]) -> Result<Vec<u8>> {
    pack_by(raw, Method::metadata())
}

/// The same by another method than most.
pub(super) fn pack_by(raw: &[u8], method: Method) -> Result<Vec<u8>> {
    let packed = compress::pack(raw, &method, ContentKind::Other)?;
    let codec = packed.codec as u8;
    Ok(PackedPayload { codec, raw_len: raw.len(), packed: &packed.bytes }.encode())
}

/// Reads a metadata frame and gives it to `decode`; errors name the place.
pub(super) fn read<T>(
    reader: &FrameReader,
    place: Place,
    frame_type: FrameType,
    payload_len: u64,
    decode: impl FnOnce(&[u8]) -> Result<T>,
) -> Result<T> {
    let frame = reader.frame(place, frame_type, payload_len)?;
    unpack(frame.payload()).and_then(|raw| decode(&raw)).map_err(|error| error.at(place))
}

/// The raw bytes of a packed payload.
pub(super) fn unpack(payload: &[u8]) -> Result<Vec<u8>> {
    let packed = PackedPayload::decode(payload)?;
    let mut raw = Vec::new();
    compress::unpack(Codec::from_id(packed.codec)?, packed.packed, packed.raw_len, &mut raw)?;
    Ok(raw)
}
