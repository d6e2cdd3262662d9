//! The header of every frame: `spec/format.md` section 4.

use crate::base::{ByteReader, ByteWriter, Digest, Error, ErrorKind, Result};

use super::limits::{
    COMMIT_PAYLOAD_BYTES_MAX, DATA_PAYLOAD_BYTES_MAX, META_BYTES_MAX, ORIGIN_PAYLOAD_BYTES_MAX,
    PAGE_BYTES, UPDATE_PAYLOAD_BYTES_MAX,
};

const SYNC: [u8; 8] = [0x9e, 0x5a, 0xc3, 0x52, 0x41, 0x5a, 0x0f, 0xe1];
const FLAG_ENCRYPTED: u8 = 1;
const FLAG_LAST: u8 = 2;

/// What a frame's payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the table in the specification")]
pub enum FrameType {
    Update = 1,
    Data = 2,
    Fragments = 3,
    Entries = 4,
    Directory = 5,
    Manifest = 6,
    Commit = 7,
    Origin = 10,
    Intent = 11,
    Anchor = 12,
    Identities = 13,
}

impl FrameType {
    fn from_id(id: u8) -> Result<Self> {
        let unwritten = match id {
            1 => return Ok(Self::Update),
            2 => return Ok(Self::Data),
            3 => return Ok(Self::Fragments),
            4 => return Ok(Self::Entries),
            5 => return Ok(Self::Directory),
            6 => return Ok(Self::Manifest),
            7 => return Ok(Self::Commit),
            10 => return Ok(Self::Origin),
            11 => return Ok(Self::Intent),
            12 => return Ok(Self::Anchor),
            13 => return Ok(Self::Identities),
            8 => "PARITY",
            9 => "BADBLOCK",
            _ => "unknown",
        };
        Err(Error::new(ErrorKind::Unsupported, "the archive needs a newer zarc")
            .because(format!("frame type {id} ({unwritten})")))
    }

    /// Whether payloads of this type are encrypted in an encrypted archive. What the keys are derived
    /// from is not, nor what an index says of places.
    pub fn is_secret(self) -> bool {
        !matches!(self, Self::Update | Self::Commit) && !self.is_of_index()
    }

    /// Whether frames of this type stand in part 0, and nowhere else.
    pub fn is_of_index(self) -> bool {
        matches!(self, Self::Origin | Self::Intent | Self::Anchor)
    }

    /// Encrypted payloads are padded to a multiple of so many bytes.
    pub fn padding_bytes(self) -> usize {
        match self {
            Self::Data => 64 * 1024,
            _ => 4096,
        }
    }

    /// Longest payload of this type in bytes.
    pub fn payload_bytes_max(self) -> u64 {
        match self {
            Self::Update => UPDATE_PAYLOAD_BYTES_MAX,
            Self::Data => DATA_PAYLOAD_BYTES_MAX,
            Self::Commit | Self::Anchor | Self::Intent => COMMIT_PAYLOAD_BYTES_MAX,
            Self::Origin => ORIGIN_PAYLOAD_BYTES_MAX,
            Self::Fragments
            | Self::Identities
            | Self::Entries
            | Self::Directory
            | Self::Manifest => META_BYTES_MAX,
        }
    }
}

/// The 64 bytes before a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// What the payload is.
    pub frame_type: FrameType,
    /// The payload is encrypted.
    pub is_encrypted: bool,
    /// The frame before the commit.
    pub is_last: bool,
    /// Part that the frame was written to.
    pub part: u32,
    /// Update that the frame belongs to.
    pub update: u64,
    /// Index of the frame in its update.
    pub index: u64,
    /// Length of the payload in bytes.
    pub payload_len: u64,
    /// Where the frame stands in its part.
    pub offset: u64,
    /// First bytes of the update's nonce.
    pub nonce_prefix: [u8; 8],
}

impl FrameHeader {
    /// Length in bytes.
    pub const LEN: u64 = 64;

    /// Whether `bytes` begins with a frame's sync word.
    pub fn is_at_start_of(bytes: &[u8]) -> bool {
        bytes.starts_with(&SYNC)
    }

    /// The 64 bytes.
    pub fn encode(&self) -> [u8; 64] {
        let mut writer = ByteWriter::new();
        let flags =
            u8::from(self.is_encrypted) * FLAG_ENCRYPTED + u8::from(self.is_last) * FLAG_LAST;
        writer.bytes(&SYNC).u8(self.frame_type as u8).u8(flags);
        writer.u16(64).u32(self.part).u64(self.update).u64(self.index).u64(self.payload_len);
        writer.u64(self.offset).bytes(&self.nonce_prefix);
        let checksum = Digest::of(writer.as_bytes()).prefix();
        writer.bytes(&checksum);
        let mut bytes = [0; 64];
        bytes.copy_from_slice(writer.as_bytes());
        bytes
    }

    /// Reads the 64 bytes of a frame of unknown type; whether it stands where it should is
    /// [`Self::expect_at`]'s question.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = ByteReader::new(bytes, "frame header");
        let checked = bytes.get(..56).unwrap_or_default();
        if reader.array::<8>()? != SYNC {
            return Err(reader.corrupt("no frame starts here"));
        }
        if bytes.get(56..64) != Some(&Digest::of(checked).prefix()) {
            return Err(reader.corrupt("its checksum differs"));
        }
        let (id, flags, len) = (reader.u8()?, reader.u8()?, reader.u16()?);
        let frame_type = FrameType::from_id(id)?;
        if u64::from(len) != Self::LEN || flags & !(FLAG_ENCRYPTED | FLAG_LAST) != 0 {
            return Err(reader.corrupt(format_args!("header length {len}, flags {flags:#x}")));
        }
        let header = Self {
            frame_type,
            is_encrypted: flags & FLAG_ENCRYPTED != 0,
            is_last: flags & FLAG_LAST != 0,
            part: reader.u32()?,
            update: reader.u64()?,
            index: reader.u64()?,
            payload_len: reader.payload_len(frame_type.payload_bytes_max())?,
            offset: reader.u64()?,
            nonce_prefix: reader.array()?,
        };
        Ok(header)
    }

    /// Fails unless the frame stands in `part` at `offset`.
    pub fn expect_at(&self, part: u32, offset: u64) -> Result<()> {
        let is_in_index = part == 0;
        if (self.part, self.offset) == (part, offset)
            && self.frame_type.is_of_index() == is_in_index
        {
            return Ok(());
        }
        Err(Error::corrupt("a frame stands in the wrong place")
            .because(format!("it was written to part {} at byte {}", self.part, self.offset)))
    }

    /// Length of a frame with so long a payload: header, payload and tag.
    pub fn bytes_of_frame(payload_len: u64) -> u64 {
        payload_len.saturating_add(Self::LEN + Digest::LEN as u64)
    }

    /// Header, payload and tag together, without padding.
    pub fn frame_len(&self) -> u64 {
        Self::LEN + self.payload_len + Digest::LEN as u64
    }

    /// Where the next frame starts, if it is none that has a page of its own.
    pub fn next_offset(&self) -> u64 {
        match self.frame_type {
            FrameType::Commit | FrameType::Intent | FrameType::Anchor => self.offset + PAGE_BYTES,
            _ => (self.offset + self.frame_len()).next_multiple_of(8),
        }
    }
}

impl ByteReader<'_> {
    /// The length of a payload, at most `limit`.
    fn payload_len(&mut self, limit: u64) -> Result<u64> {
        let value = self.u64()?;
        if value > limit {
            return Err(self.corrupt(format_args!("payload of {value} bytes, limit {limit}")));
        }
        Ok(value)
    }
}
