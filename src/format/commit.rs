//! The page that makes an update count: `spec/format.md` section 9.

use crate::base::{ByteReader, ByteWriter, Digest, Result};

use super::place::Place;

/// A commit seen from another one: its update number and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommitLink {
    /// Update number; 0 for none.
    pub update: u64,
    /// Where the commit stands.
    pub place: Place,
}

/// Payload of a COMMIT frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Id of the archive.
    pub archive_id: [u8; 16],
    /// Update number.
    pub update: u64,
    /// Date of the update, seconds since 1970.
    pub date: i64,
    /// Where the UPDATE frame stands.
    pub start: Place,
    /// Where the commit before stands; part 0 if there is none.
    pub previous: Place,
    /// Frames of the update, the commit not counted.
    pub frames: u64,
    /// Offset of the MANIFEST frame, in the part of this commit.
    pub manifest_offset: u64,
    /// A commit further back, so that any version is found in a few steps.
    pub jump: CommitLink,
    /// Tag of the commit before, or the genesis tag.
    pub previous_tag: Digest,
    /// Digest of the tags of all frames of the update.
    pub root: Digest,
    /// Digest of the state before and the root.
    pub state: Digest,
    /// The update's nonce again, so that its keys do not depend on one frame alone.
    pub nonce: Digest,
}

impl Commit {
    /// Length of the payload in bytes.
    pub const LEN: u64 = 224;

    /// The payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = ByteWriter::new();
        writer.u64(self.update).i64(self.date).u32(self.start.part).u32(self.previous.part);
        writer.u64(self.start.offset).u64(self.previous.offset).u64(self.frames);
        writer.u64(self.manifest_offset).u64(self.jump.update).u64(self.jump.place.offset);
        writer.u32(self.jump.place.part).u32(0);
        for digest in [self.previous_tag, self.root, self.state] {
            writer.bytes(digest.as_bytes());
        }
        writer.bytes(&self.archive_id).bytes(self.nonce.as_bytes());
        writer.into_bytes()
    }

    /// Reads a payload.
    pub fn decode(payload: &[u8]) -> Result<Self> {
        let mut reader = ByteReader::new(payload, "commit");
        let (update, date) = (reader.u64()?, reader.i64()?);
        let (start_part, previous_part) = (reader.u32()?, reader.u32()?);
        let start = Place { part: start_part, offset: reader.u64()? };
        let previous = Place { part: previous_part, offset: reader.u64()? };
        let (frames, manifest_offset) = (reader.u64()?, reader.u64()?);
        let (jump_update, jump_offset) = (reader.u64()?, reader.u64()?);
        let jump_place = Place { part: reader.u32()?, offset: jump_offset };
        if reader.u32()? != 0 {
            return Err(reader.corrupt("reserved bytes are not zero"));
        }
        let commit = Self {
            update,
            date,
            start,
            previous,
            frames,
            manifest_offset,
            jump: CommitLink { update: jump_update, place: jump_place },
            previous_tag: Digest::from_bytes(reader.array()?),
            root: Digest::from_bytes(reader.array()?),
            state: Digest::from_bytes(reader.array()?),
            archive_id: reader.array()?,
            nonce: Digest::from_bytes(reader.array()?),
        };
        if update == 0 || jump_update >= update {
            return Err(reader.corrupt(format_args!("update {update} jumps to {jump_update}")));
        }
        reader.finish()?;
        Ok(commit)
    }

    /// The state after an update whose frames have the digest `root`.
    pub fn state_after(state_before: &Digest, root: &Digest) -> Digest {
        Digest::of_pieces(&[state_before.as_bytes(), root.as_bytes()])
    }

    /// The eight bytes that stand for the whole history, in hexadecimal.
    pub fn fingerprint(&self) -> String {
        format!("{:016x}", u64::from_be_bytes(self.state.prefix()))
    }
}
