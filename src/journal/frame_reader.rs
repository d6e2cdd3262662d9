//! Reads frames and checks everything that the format has to check them by.

use std::sync::Arc;

use crate::base::{Digest, Error, ErrorKind, Result};
use crate::format::{FrameHeader, FrameType, Place};
use crate::storage::{Backend, OnePart};

use super::commit_point::CommitPoint;
use super::keychain::Keychain;
use super::parts::Parts;
use super::tail::if_there;

/// A frame whose header and tag are right.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Its header.
    pub header: FrameHeader,
    /// Its tag.
    pub tag: Digest,
    /// Header, payload decrypted, tag.
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

/// Reads the frames of an archive. Calls that name no part mean the one that the reader is for.
#[derive(Clone)]
pub struct FrameReader {
    parts: Arc<Parts>,
    part: u32,
    /// Of an encrypted archive.
    keychain: Option<Arc<Keychain>>,
}

impl FrameReader {
    /// Reads frames of a plain archive in one file.
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self::of_part(Parts::new(Arc::new(OnePart::new(backend))), 1)
    }

    /// Reads frames of a plain archive in parts.
    pub(super) fn of_part(parts: Arc<Parts>, part: u32) -> Self {
        Self { parts, part, keychain: None }
    }

    /// The same for another part.
    #[must_use]
    pub fn in_part(&self, part: u32) -> Self {
        Self { part, ..self.clone() }
    }

    /// The part that it is for.
    pub(super) fn part(&self) -> u32 {
        self.part
    }

    /// Whether a part is not there, but known to the index.
    pub fn is_away(&self, part: u32) -> bool {
        self.parts.is_away(part)
    }

    /// Whether a part is not there, whatever is known of it.
    pub fn is_gone(&self, part: u32) -> bool {
        self.parts.is_away(part) || self.parts.absent_part(part).is_some()
    }

    /// Where the frames stand in this part that the index has of it.
    pub fn copied_frames(&self) -> Result<Vec<u64>> {
        let Some(index) = self.parts.index() else { return Ok(Vec::new()) };
        let mut offsets = Vec::new();
        for anchor in index.anchors_in(self.part) {
            let ranges = index.ranges(&anchor)?;
            for range in ranges.iter().filter(|range| range.place.part == self.part) {
                let mut offset = range.place.offset;
                while offset < range.place.offset + range.len {
                    offsets.push(offset);
                    let header = self.header_at(offset)?;
                    offset = (offset + header.frame_len()).next_multiple_of(8);
                }
            }
        }
        Ok(offsets)
    }

    /// Bytes in all parts before `part`.
    pub fn bytes_before(&self, part: u32) -> u64 {
        self.parts.bytes_before(part)
    }

    /// The part after this one that can be read.
    pub fn next_part(&self) -> Result<Option<u32>> {
        let numbers = self.parts.readable_numbers()?;
        Ok(numbers.into_iter().find(|&number| number > self.part))
    }

    /// The newest commit before update `update` that a part up to `part` ends with: what is left to
    /// begin with where the commits after it cannot be read.
    pub fn last_commit_before(&self, update: u64, part: u32) -> Result<Option<CommitPoint>> {
        for number in self.parts.readable_numbers()?.into_iter().rev() {
            if number > part {
                continue;
            }
            let last = if_there(CommitPoint::last_of(&self.in_part(number)))?;
            if let Some(last) = last.filter(|last| last.commit.update < update) {
                return Ok(Some(last));
            }
        }
        Ok(None)
    }

    /// What a message says before a place in this part: nothing in an archive of one file.
    pub fn part_named(&self) -> String {
        if self.parts.is_split() {
            format!("{}, ", self.parts.name(self.part))
        } else {
            String::new()
        }
    }

    /// How a message names a byte of this part.
    pub fn place_named(&self, offset: u64) -> String {
        format!("{}byte {offset}", self.part_named())
    }

    /// The same with the keys of an encrypted archive, if there are.
    pub(super) fn with_keychain(self, keychain: Option<Arc<Keychain>>) -> Self {
        Self { keychain, ..self }
    }

    /// Length of the part in bytes.
    pub fn part_len(&self) -> Result<u64> {
        self.parts.backend(self.part)?.len()
    }

    /// `len` bytes from `offset` on, unchecked.
    pub fn raw(&self, offset: u64, len: u64) -> Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
        self.parts.backend(self.part)?.read_at(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// The header of the frame that starts at `offset`.
    pub fn header_at(&self, offset: u64) -> Result<FrameHeader> {
        let mut bytes = [0; 64];
        self.parts.backend(self.part)?.read_at(offset, &mut bytes)?;
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
        if payload_len > wanted.payload_bytes_max() {
            return Err(Error::corrupt("a frame is longer than its type may be"));
        }
        let frame_len = FrameHeader::LEN + payload_len + Digest::LEN as u64;
        let backend = self.parts.backend(place.part)?;
        let end = place.offset.checked_add(frame_len);
        let is_there = |end| self.parts.reaches(place.part, backend.as_ref(), end);
        if !end.map_or(Ok(false), is_there)? {
            if self.is_away(place.part) {
                // Its length may not be known. If the index has nothing there, that is the error.
                backend.read_at(place.offset, &mut [0; 64])?;
            }
            return Err(Error::new(ErrorKind::Truncated, "a frame is cut off"));
        }
        let mut bytes = vec![0; usize::try_from(frame_len).unwrap_or(usize::MAX)];
        backend.read_at(place.offset, &mut bytes)?;
        let header = FrameHeader::decode(bytes.get(..64).unwrap_or_default())?;
        header.expect_at(place.part, place.offset)?;
        if (header.frame_type, header.payload_len) != (wanted, payload_len) {
            return Err(Error::corrupt("a frame is not the one that is referred to"));
        }
        let tag = self.open(&header, &mut bytes)?;
        Ok(Frame { header, tag, bytes })
    }

    /// Checks the tag of a frame, then decrypts its payload in place.
    fn open(&self, header: &FrameHeader, bytes: &mut [u8]) -> Result<Digest> {
        let (checked, tag) = bytes.split_at_mut(bytes.len() - Digest::LEN);
        let Some(keychain) = &self.keychain else {
            let computed = Digest::of(checked);
            if tag != computed.as_bytes() {
                return Err(Error::corrupt("a frame is damaged").because("its checksum differs"));
            }
            if header.is_encrypted {
                return Err(Error::corrupt("an encrypted frame in a plain archive"));
            }
            return Ok(computed);
        };
        let header_len = usize::try_from(FrameHeader::LEN).unwrap_or(usize::MAX);
        let payload = checked.get_mut(header_len..).unwrap_or_default();
        let keys = keychain.keys_of_frame(self, header, payload)?;
        let computed = keys.checked_tag(tag, &[checked]).ok_or_else(|| {
            Error::corrupt("a frame is damaged or was tampered with").because("it is not authentic")
        })?;
        if header.is_encrypted != header.frame_type.is_secret() {
            return Err(Error::corrupt("a frame that must be encrypted is not, or otherwise"));
        }
        keychain.keep(header, &keys);
        if header.is_encrypted {
            let payload = checked.get_mut(header_len..).unwrap_or_default();
            keys.apply_keystream(header.index, payload);
        }
        Ok(computed)
    }
}
