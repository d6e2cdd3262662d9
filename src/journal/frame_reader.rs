//! Reads frames and checks everything that the format has to check them by.

use std::sync::Arc;

use crate::base::{Digest, Error, ErrorKind, Result};
use crate::format::{FrameHeader, FrameType, Place};
use crate::storage::Backend;

/// A frame whose header and tag are right.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Its header.
    pub header: FrameHeader,
    /// Its tag.
    pub tag: Digest,
    bytes: Vec<u8>,
}

impl Frame {
    /// The payload.
    pub fn payload(&self) -> &[u8] {
        let header_len = usize::try_from(FrameHeader::LEN).unwrap_or(usize::MAX);
        let payload_end = self.bytes.len().saturating_sub(Digest::LEN);
        self.bytes.get(header_len..payload_end).unwrap_or_default()
    }
}

/// Reads the frames of one part.
#[derive(Clone)]
pub struct FrameReader {
    backend: Arc<dyn Backend>,
    part: u32,
}

impl FrameReader {
    /// Reads frames of part `part` from `backend`.
    pub fn new(backend: Arc<dyn Backend>, part: u32) -> Self {
        Self { backend, part }
    }

    /// Length of the part in bytes.
    pub fn part_len(&self) -> Result<u64> {
        self.backend.len()
    }

    /// `len` bytes from `offset` on, unchecked.
    pub fn raw(&self, offset: u64, len: u64) -> Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
        self.backend.read_at(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// The header of the frame that starts at `offset`.
    pub fn header_at(&self, offset: u64) -> Result<FrameHeader> {
        let mut bytes = [0; 64];
        self.backend.read_at(offset, &mut bytes)?;
        let header = FrameHeader::decode(&bytes)?;
        header.expect_at(self.part, offset)?;
        Ok(header)
    }

    /// The frame that starts at `offset`, of any type.
    pub fn frame_at(&self, offset: u64) -> Result<Frame> {
        let header = self.header_at(offset)?;
        self.frame(Place { part: self.part, offset }, header.frame_type, header.payload_len)
    }

    /// The frame that starts at `place`, whose type and payload length are known from elsewhere.
    pub fn frame(&self, place: Place, frame_type: FrameType, payload_len: u64) -> Result<Frame> {
        self.checked_frame(place, frame_type, payload_len).map_err(|error| error.at(place))
    }

    fn checked_frame(&self, place: Place, wanted: FrameType, payload_len: u64) -> Result<Frame> {
        if place.part != self.part {
            return Err(Error::corrupt("a frame of another part is referred to"));
        }
        if payload_len > wanted.payload_bytes_max() {
            return Err(Error::corrupt("a frame is longer than its type may be"));
        }
        let frame_len = FrameHeader::LEN + payload_len + Digest::LEN as u64;
        let part_len = self.backend.len()?;
        if place.offset.checked_add(frame_len).is_none_or(|end| end > part_len) {
            return Err(Error::new(ErrorKind::Truncated, "a frame is cut off"));
        }
        let mut bytes = vec![0; usize::try_from(frame_len).unwrap_or(usize::MAX)];
        self.backend.read_at(place.offset, &mut bytes)?;
        let header = FrameHeader::decode(bytes.get(..64).unwrap_or_default())?;
        header.expect_at(place.part, place.offset)?;
        if (header.frame_type, header.payload_len) != (wanted, payload_len) {
            return Err(Error::corrupt("a frame is not the one that is referred to"));
        }
        let (checked, tag) = bytes.split_at_checked(bytes.len() - Digest::LEN).unwrap_or_default();
        let computed = Digest::of(checked);
        if tag != computed.as_bytes() {
            return Err(Error::corrupt("a frame is damaged").because("its checksum differs"));
        }
        Ok(Frame { header, tag: computed, bytes })
    }
}
