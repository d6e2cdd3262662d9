//! The page of an index that makes the copy of an update count: `spec/format.md` section 10.

use crate::base::{ByteReader, ByteWriter, Digest, Result};

use super::limits::{PARTS_MAX, UPDATE_PARTS_MAX};
use super::place::Place;

/// Payload of an ANCHOR frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Id of the archive.
    pub archive_id: [u8; 16],
    /// Number of the update.
    pub update: u64,
    /// The update's nonce, which its keys come from.
    pub nonce: Digest,
    /// Tag of the commit before, or the genesis tag.
    pub previous_tag: Digest,
    /// Tag of the update's commit.
    pub commit_tag: Digest,
    /// Where the update starts in the parts.
    pub start: Place,
    /// Where its commit stands in the parts.
    pub commit: Place,
    /// Offset of the ORIGIN frame in part 0, and the length of its payload.
    pub origin: (u64, u64),
    /// Offset of the ANCHOR before in part 0; 0 if there is none.
    pub previous: u64,
    /// Bytes of all parts up to the end of the commit.
    pub archive_bytes: u64,
}

impl Anchor {
    /// Length of the payload in bytes.
    pub const LEN: u64 = 184;

    /// The payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = ByteWriter::new();
        writer.bytes(&self.archive_id).u64(self.update);
        for digest in [self.nonce, self.previous_tag, self.commit_tag] {
            writer.bytes(digest.as_bytes());
        }
        writer.u32(self.start.part).u32(self.commit.part);
        writer.u64(self.start.offset).u64(self.commit.offset);
        writer.u64(self.origin.0).u64(self.origin.1).u64(self.previous).u64(self.archive_bytes);
        writer.u64(0);
        writer.into_bytes()
    }

    /// Reads a payload.
    pub fn decode(payload: &[u8]) -> Result<Self> {
        let mut reader = ByteReader::new(payload, "anchor");
        let archive_id = reader.array()?;
        let update = reader.u64()?;
        let mut digest = || reader.array().map(Digest::from_bytes);
        let (nonce, previous_tag, commit_tag) = (digest()?, digest()?, digest()?);
        let (start_part, commit_part) = (reader.u32()?, reader.u32()?);
        let anchor = Self {
            archive_id,
            update,
            nonce,
            previous_tag,
            commit_tag,
            start: Place { part: start_part, offset: reader.u64()? },
            commit: Place { part: commit_part, offset: reader.u64()? },
            origin: (reader.u64()?, reader.u64()?),
            previous: reader.u64()?,
            archive_bytes: reader.u64()?,
        };
        if reader.u64()? != 0 {
            return Err(reader.corrupt("reserved bytes are not zero"));
        }
        let is_in_part = anchor.start < anchor.commit
            && anchor.start.part > 0
            && u64::from(anchor.commit.part) <= PARTS_MAX
            && u64::from(anchor.commit.part - anchor.start.part) < UPDATE_PARTS_MAX
            && anchor.commit.offset < 1 << 62
            && anchor.archive_bytes < 1 << 62;
        if update == 0 || update == u64::MAX || !is_in_part {
            return Err(reader.corrupt(format_args!("update {update} in no part")));
        }
        reader.finish()?;
        Ok(anchor)
    }
}
