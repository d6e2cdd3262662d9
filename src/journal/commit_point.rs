//! A commit that counts, with its tag and place; and the rule of the jump commit.

use crate::base::{Digest, Error, ErrorKind, Result};
use crate::format::{ArchiveHeader, Commit, CommitLink, FrameType, PAGE_BYTES, Place, Update};

use super::frame_reader::FrameReader;
use super::tail::if_there;

/// A commit where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitPoint {
    /// What it says.
    pub commit: Commit,
    /// Its tag: what the next update names.
    pub tag: Digest,
    /// Where it stands.
    pub place: Place,
}

impl CommitPoint {
    /// Reads a commit whose own bytes are right; whether it counts is [`Self::check_links`].
    pub fn read(reader: &FrameReader, place: Place) -> Result<Self> {
        let frame = reader.frame(place, FrameType::Commit, Commit::LEN)?;
        let commit = Commit::decode(frame.payload()).map_err(|error| error.at(place))?;
        let is_own = commit.update == frame.header.update
            && place.offset.is_multiple_of(PAGE_BYTES)
            && commit.frames == frame.header.index;
        if !is_own {
            return Err(Error::corrupt("a commit contradicts its frame").at(place));
        }
        Ok(Self { commit, tag: frame.tag, place })
    }

    /// The commit that a part ends with, if it does.
    pub fn last_of(reader: &FrameReader) -> Result<Self> {
        let (part, len) = (reader.part(), reader.part_len()?);
        Self::read(reader, Place { part, offset: len.saturating_sub(PAGE_BYTES) })
    }

    /// Where the update after this one starts.
    pub fn end(&self) -> u64 {
        self.place.offset + PAGE_BYTES
    }

    /// Fails unless the commit is of this archive, and commit and update name the same commit
    /// before and stand where it ends. `genesis` is the genesis tag, `archive` the header of the
    /// commit's part: its link stands in for a commit in an earlier part that cannot be read.
    pub fn check_links(
        &self,
        reader: &FrameReader,
        archive: &ArchiveHeader,
        genesis: &Digest,
    ) -> Result<()> {
        let commit = &self.commit;
        let is_first = commit.update == archive.first_update;
        let part = if is_first { archive.start_part() } else { self.place.part };
        let region = Place { part, offset: archive.region_bytes() };
        let (before_tag, start, before_state) = if commit.update == 1 {
            (*genesis, region, Some(Digest::default()))
        } else if let Some(before) = self.previous_if_there(reader, archive)? {
            let is_here = before.place.part == self.place.part;
            let end = Place { offset: before.end(), ..before.place };
            (before.tag, if is_here { end } else { region }, Some(before.commit.state))
        } else {
            (archive.link, region, None)
        };
        let is_linked = commit.archive_id == archive.archive_id
            && commit.start == start
            && commit.previous_tag == before_tag
            && before_state
                .is_none_or(|before| commit.state == Commit::state_after(&before, &commit.root));
        if is_linked && self.is_of_its_update(reader)? {
            return Ok(());
        }
        Err(Error::corrupt(format!("update {} does not follow the one before", commit.update))
            .at(self.place))
    }

    /// Whether the UPDATE frame says the same; that of a part that is left out is not known to say
    /// otherwise.
    fn is_of_its_update(&self, reader: &FrameReader) -> Result<bool> {
        let Self { commit, place, .. } = self;
        let own = reader.in_part(place.part).header_at(place.offset)?;
        let header = match reader.in_part(commit.start.part).header_at(commit.start.offset) {
            Err(error) if error.kind() == ErrorKind::Missing && commit.start.part < place.part => {
                return Ok(true);
            }
            header => header?,
        };
        let update = reader.frame(commit.start, FrameType::Update, header.payload_len)?;
        let update_says = Update::decode(update.payload())?;
        Ok(update_says.previous_tag == commit.previous_tag
            && update_says.date == commit.date
            && update_says.nonce == commit.nonce
            && update.header.update == commit.update
            && update.header.nonce_prefix == own.nonce_prefix)
    }

    /// The commit before this one; nothing if it is in an earlier part and cannot be read there.
    fn previous_if_there(
        &self,
        reader: &FrameReader,
        archive: &ArchiveHeader,
    ) -> Result<Option<Self>> {
        let is_first_of_part = self.commit.update == archive.first_update
            && self.commit.previous.part < self.place.part;
        if is_first_of_part && if_there(Self::read(reader, self.commit.previous))?.is_none() {
            return Ok(None);
        }
        self.previous(reader).map(Some)
    }

    /// The commit before this one, which is not the first.
    pub fn previous(&self, reader: &FrameReader) -> Result<Self> {
        let before = Self::read(reader, self.commit.previous)?;
        let is_before = before.tag == self.commit.previous_tag
            && before.commit.update + 1 == self.commit.update
            && before.place < self.place
            && self.commit.start.part <= self.place.part
            && self
                .commit
                .start
                .part
                .checked_sub(before.place.part)
                .is_some_and(|parts| parts <= 1);
        if is_before {
            return Ok(before);
        }
        Err(Error::corrupt(format!(
            "update {} is not the one that update {} follows",
            before.commit.update, self.commit.update
        ))
        .at(before.place))
    }

    /// The commit that this one jumps back to, if any.
    pub fn jump(&self, reader: &FrameReader) -> Result<Option<Self>> {
        let link = self.commit.jump;
        if link.update == 0 {
            return Ok(None);
        }
        let target = Self::read(reader, link.place)?;
        if target.commit.update == link.update && target.place < self.place {
            return Ok(Some(target));
        }
        Err(Error::corrupt("a commit jumps to the wrong place").at(self.place))
    }

    /// What the commit after this one jumps to: `spec/format.md` section 9, *Jump commit*.
    pub fn jump_of_next(&self, reader: &FrameReader) -> Result<CommitLink> {
        let link = self.commit.jump;
        let further = match self.jump(reader)? {
            Some(jump) => jump.commit.jump,
            None => CommitLink::default(),
        };
        if self.commit.update - link.update == link.update - further.update {
            Ok(further)
        } else {
            Ok(CommitLink { update: self.commit.update, place: self.place })
        }
    }
}
