//! One update being appended. Nothing counts until `commit` returns; dropped before, the file
//! is cut back to where it was.

use crate::base::{Digest, Error, ErrorKind, Result};
use crate::crypto::UpdateKeys;
use crate::format::{
    Commit, CommitLink, Continuation, FrameHeader, FrameType, PAGE_BYTES, Place, UPDATE_PARTS_MAX,
    Update,
};
use crate::storage::Backend;

use super::commit_point::CommitPoint;
use super::frame_reader::FrameReader;
use super::new_part::OpenPart;
use super::recovery::Journal;
use super::rollback::RollbackStage;
use super::tail::Complete;

/// Payloads up to this length are copied to be written together with header and tag; a commit
/// always is, since it must be one write.
const COPIED_BYTES_MAX: usize = 64 * 1024;

/// Appends the frames of one update.
pub struct UpdateWriter<'a> {
    journal: &'a mut Journal,
    /// Where the update is written to, as soon as something is.
    part: Option<OpenPart>,
    update: Update,
    /// Of an encrypted archive.
    keys: Option<UpdateKeys>,
    number: u64,
    /// Where the UPDATE frame stands; the part is known when it is written.
    start: Place,
    offset: u64,
    /// No part is ended before this: a frame goes into a part that has no other one.
    part_begin: u64,
    /// The first part that was made for this update.
    first_made: Option<u32>,
    next_index: u64,
    root: blake3::Hasher,
    manifest_offset: Option<u64>,
    /// Whether anything may have been written.
    is_begun: bool,
    /// The commit page was written, in part at least.
    has_commit: bool,
    is_finished: bool,
}

impl<'a> UpdateWriter<'a> {
    /// `journal` has no tail. The UPDATE frame is appended before the first other frame, so that
    /// an update that turns out to be none before leaves the file untouched.
    pub(super) fn begin(journal: &'a mut Journal, update: Update) -> Result<Self> {
        let (known, on_disk) = (journal.len_before_update(), journal.backend().len()?);
        if on_disk != known {
            // A first update that was given up took the file away with it.
            return Err(Error::new(ErrorKind::Io, "cannot add: the archive changed meanwhile")
                .because(format!("its last update ends at byte {known}, the file has {on_disk}"))
                .hint("open it again"));
        }
        let region_bytes = journal.header().region_bytes();
        let offset = journal.next_part().map_or(journal.end(), |_| region_bytes);
        let number = journal.last().map_or(1, |last| last.commit.update + 1);
        Ok(Self {
            keys: journal.keys_of_update(number, &update),
            journal,
            part: None,
            update,
            number,
            start: Place { part: 0, offset },
            offset,
            part_begin: 0,
            first_made: None,
            next_index: 0,
            root: blake3::Hasher::new(),
            manifest_offset: None,
            is_begun: false,
            has_commit: false,
            is_finished: false,
        })
    }

    /// Number of this update.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Date of this update, seconds since 1970.
    pub fn date(&self) -> i64 {
        self.update.date
    }

    /// Whether its first frame cuts off later versions.
    pub fn cuts_off(&self) -> bool {
        self.update.rolled_back != Digest::default()
    }

    /// Reads frames of this update back, and those before it; nothing where what is written is gone.
    pub fn reader(&self) -> Option<FrameReader> {
        (!self.backend().forgets()).then(|| self.journal.reader())
    }

    /// Appends a frame and says where it stands and how long its payload is, with what encryption
    /// adds to it. The manifest is the last one.
    pub fn append(&mut self, frame_type: FrameType, payload: &[u8]) -> Result<(Place, u64)> {
        assert!(self.manifest_offset.is_none(), "nothing follows the manifest but the commit");
        if !self.is_begun {
            // Not before, so that what goes wrong until now costs nothing.
            self.journal.cut_off()?;
            let part = self.journal.open_part(self.update.date)?;
            self.start.part = part.number;
            self.first_made = part.made.is_some().then_some(part.number);
            self.part = Some(part);
            self.is_begun = true;
            self.journal.announce(self.part_number(), self.number, &self.update)?;
            let payload = self.update.encode();
            let (tag, _) = self.append_frame(FrameType::Update, false, &payload)?;
            self.root.update(tag.as_bytes());
            self.part_begin = self.offset;
        }
        if !self.fits(frame_type, payload.len() as u64) {
            self.go_on_in_next_part()?;
        }
        let is_last = frame_type == FrameType::Manifest;
        let place = Place { part: self.part_number(), offset: self.offset };
        let (tag, payload_len) = self.append_frame(frame_type, is_last, payload)?;
        self.root.update(tag.as_bytes());
        if is_last {
            self.manifest_offset = Some(place.offset);
        }
        Ok((place, payload_len))
    }

    /// Whether a frame goes into this part, the manifest with the commit behind it.
    fn fits(&self, kind: FrameType, payload_len: u64) -> bool {
        let Some(part_bytes) = self.journal.part_bytes else { return true };
        let is_padded = self.keys.is_some() && kind.is_secret();
        let padding = if is_padded { kind.padding_bytes() as u64 } else { 1 };
        let frame_len = FrameHeader::bytes_of_frame(payload_len.next_multiple_of(padding));
        let end = (self.offset + frame_len).next_multiple_of(8);
        let end = match kind {
            FrameType::Manifest => end.next_multiple_of(PAGE_BYTES) + PAGE_BYTES,
            _ => end,
        };
        end <= part_bytes || self.offset <= self.part_begin
    }

    /// Ends the part, durably, before the next one is begun.
    fn go_on_in_next_part(&mut self) -> Result<()> {
        let before = self.part_number();
        if u64::from(before - self.start.part) + 1 >= UPDATE_PARTS_MAX {
            let what = format!("an update cannot be in more than {UPDATE_PARTS_MAX} parts");
            return Err(Error::usage(what).hint("give a larger -partsize"));
        }
        self.expect_own_len()?;
        self.backend().sync()?;
        self.journal.parts.set_len(before, self.offset);
        let piece = Continuation {
            start_part: self.start.part,
            first_index: self.next_index,
            bytes_before: self.offset,
            nonce: self.update.nonce,
        };
        let part = self.journal.make_part(before + 1, self.update.date, Some(piece))?;
        self.first_made.get_or_insert(part.number);
        self.part = Some(part);
        self.offset = self.journal.header().region_bytes();
        self.part_begin = self.offset;
        Ok(())
    }

    /// Fails unless the part is exactly as long as what was written.
    fn expect_own_len(&self) -> Result<()> {
        let (on_disk, written) = (self.backend().len()?, self.offset);
        if on_disk == written {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Busy, "cannot commit: the archive changed meanwhile")
            .because(format!("{written} bytes were written, the file has {on_disk}"))
            .hint("another program writes to the archive"))
    }

    fn part_number(&self) -> u32 {
        self.part.as_ref().map_or(self.journal.part(), |part| part.number)
    }

    fn backend(&self) -> &dyn Backend {
        self.part.as_ref().map_or(self.journal.backend(), |part| part.backend.as_ref())
    }

    /// The payload as it is stored, if it is not as it is: padded, then encrypted under the index
    /// of the frame, which no other payload of this update gets.
    fn sealed(&self, kind: FrameType, payload: &[u8]) -> Option<Vec<u8>> {
        let keys = self.keys.as_ref().filter(|_| kind.is_secret())?;
        let mut sealed = Vec::with_capacity(payload.len().next_multiple_of(kind.padding_bytes()));
        sealed.extend_from_slice(payload);
        sealed.resize(sealed.capacity(), 0);
        keys.apply_keystream(self.next_index, &mut sealed);
        Some(sealed)
    }

    /// Appends header, payload, tag and padding; returns the tag and the payload's length.
    fn append_frame(
        &mut self,
        kind: FrameType,
        is_last: bool,
        payload: &[u8],
    ) -> Result<(Digest, u64)> {
        let sealed = self.sealed(kind, payload);
        let payload = sealed.as_deref().unwrap_or(payload);
        let header = FrameHeader {
            frame_type: kind,
            is_encrypted: sealed.is_some(),
            is_last,
            part: self.part_number(),
            update: self.number,
            index: self.next_index,
            payload_len: payload.len() as u64,
            offset: self.offset,
            nonce_prefix: self.update.nonce.prefix(),
        };
        assert!(header.payload_len <= kind.payload_bytes_max(), "a frame above its limit");
        let header_bytes = header.encode();
        let tag = match &self.keys {
            Some(keys) => keys.tag(&[&header_bytes, payload]),
            None => Digest::of_pieces(&[&header_bytes, payload]),
        };
        let next = match kind {
            FrameType::Commit => self.offset + PAGE_BYTES,
            _ => header.next_offset(),
        };
        let padding = usize::try_from(next - self.offset - header.frame_len()).unwrap_or(0);
        let end = [tag.as_bytes().as_slice(), &vec![0; padding]].concat();
        if payload.len() <= COPIED_BYTES_MAX {
            let frame = [&header_bytes, payload, &end].concat();
            self.backend().append(self.offset, &frame)?;
        } else {
            let payload_offset = self.offset + FrameHeader::LEN;
            self.backend().append(self.offset, &header_bytes)?;
            self.backend().append(payload_offset, payload)?;
            self.backend().append(payload_offset + header.payload_len, &end)?;
        }
        self.offset = next;
        self.next_index += 1;
        Ok((tag, header.payload_len))
    }

    /// Makes the update count: zeros up to a page boundary, sync, the commit page, sync.
    pub fn commit(mut self) -> Result<CommitPoint> {
        let is_ours = !self.is_finished;
        self.is_finished = true;
        match self.write_commit() {
            Ok(point) => {
                if let Some(part) = self.part.take() {
                    self.journal.take_part(part);
                }
                self.journal.parts.set_len(point.place.part, point.end());
                self.journal.set_last(point.clone());
                self.journal.record_in_index()?;
                Ok(point)
            }
            // Bytes of another writer are not ours to cut off.
            Err(error) if error.kind() == ErrorKind::Busy => Err(error),
            Err(error) if is_ours && self.cut_back().is_err() => Err(error
                .outcome(self.unknown_outcome())
                .hint("look at the archive with `zarc list -all` before the next add")),
            Err(error) => Err(error),
        }
    }

    fn unknown_outcome(&self) -> String {
        let rolled_back = match self.journal.rollback_stage() {
            RollbackStage::Done => {
                format!("the archive was rolled back to update {}; ", self.number - 1)
            }
            _ => String::new(),
        };
        format!("{rolled_back}it is unknown whether update {} counts", self.number)
    }

    fn write_commit(&mut self) -> Result<CommitPoint> {
        let Some(manifest_offset) = self.manifest_offset else {
            return Err(Error::corrupt("an update without a manifest cannot be committed"));
        };
        let page = self.offset.next_multiple_of(PAGE_BYTES);
        let gap = usize::try_from(page - self.offset).unwrap_or(usize::MAX);
        self.backend().append(self.offset, &vec![0; gap])?;
        self.offset = page;
        self.expect_own_len()?;
        let commit = self.commit_record(manifest_offset)?;
        self.backend().sync()?;
        let place = Place { part: self.part_number(), offset: self.offset };
        self.has_commit = true;
        let (tag, _) = self.append_frame(FrameType::Commit, false, &commit.encode())?;
        self.backend().sync()?;
        Ok(CommitPoint { commit, tag, place })
    }

    fn commit_record(&self, manifest_offset: u64) -> Result<Commit> {
        let last = self.journal.last();
        let root = Digest::from_bytes(*self.root.finalize().as_bytes());
        let state_before = last.map(|last| last.commit.state).unwrap_or_default();
        Ok(Commit {
            archive_id: self.journal.header().archive_id,
            update: self.number,
            date: self.update.date,
            start: self.start,
            previous: last.map(|last| last.place).unwrap_or_default(),
            frames: self.next_index,
            manifest_offset,
            jump: match last {
                Some(last) => last.jump_of_next(&self.journal.reader())?,
                None => CommitLink::default(),
            },
            previous_tag: self.update.previous_tag,
            root,
            state: Commit::state_after(&state_before, &root),
            nonce: self.update.nonce,
        })
    }

    /// Gives the update up and cuts the file back to where it was.
    pub fn abandon(mut self) -> Result<()> {
        self.is_finished = true;
        self.cut_back()
    }

    fn cut_back(&mut self) -> Result<()> {
        let is_kept = self.journal.is_kept();
        if !self.is_begun && is_kept {
            return Ok(());
        }
        self.journal.retract()?;
        if let Some(first) = self.first_made {
            for number in (first..=self.part_number()).rev() {
                self.journal.parts.remove(number)?;
            }
            if first == self.start.part {
                return Ok(());
            }
        }
        // Without a first update there is nothing to keep, not even the header.
        let len = if is_kept { self.start.offset } else { 0 };
        self.journal.backend().truncate(len)?;
        if self.has_commit && len > 0 {
            // A crash must not bring the commit back among frames of a later attempt.
            self.backend().sync()?;
        }
        Ok(())
    }

    /// Takes up an update whose frames are all there but whose commit is not.
    pub(super) fn resume(journal: &'a mut Journal, complete: Complete) -> Self {
        let Complete { start, update, tags, manifest_offset, end } = complete;
        let number = journal.last().map_or(1, |last| last.commit.update + 1);
        let keys = journal.keys_of_update(number, &update);
        let mut root = blake3::Hasher::new();
        for tag in &tags {
            root.update(tag.as_bytes());
        }
        Self {
            journal,
            part: None,
            update,
            keys,
            number,
            start,
            offset: end,
            part_begin: 0,
            first_made: None,
            next_index: tags.len() as u64,
            root,
            manifest_offset: Some(manifest_offset),
            is_begun: true,
            has_commit: false,
            // Whatever happens, these frames are not ours to cut off.
            is_finished: true,
        }
    }
}

impl Drop for UpdateWriter<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            // What cannot be cut off is a tail, and the next writer deals with it.
            let _ = self.cut_back();
        }
    }
}
