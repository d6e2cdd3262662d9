//! Every frame of an archive, in the order of the file: read, checked, and checked against the
//! commits. What is wrong is a finding and not an error, and the audit goes on behind it.
//!
//! DATA frames are only looked at from outside: their bytes are checked when their block is
//! fetched, so that each is read once.

use std::collections::VecDeque;

use crate::base::{Digest, Error, Result};
use crate::format::{
    EntryPage, FragmentPage, FrameHeader, FrameType, IdentityPage, Manifest, Place, check_directory,
};
use crate::journal::{CommitPoint, FrameReader, FrameWalk, Step};

use super::audited_update::{AuditedUpdate, UpdateInAudit};
use super::open::Archive;
use super::packed_frame;

/// What an audit finds.
pub enum Finding {
    /// Something is wrong.
    Damage(Error),
    /// A commit counts: all frames of an update were seen.
    Update(Box<AuditedUpdate>),
}

/// An audit on its way.
pub struct Audit {
    /// Reads the part that is walked.
    reader: FrameReader,
    walk: FrameWalk,
    /// Where the frames stand that the index has of a part that is not there, the next one last.
    copied: Vec<u64>,
    part: u32,
    region_bytes: u64,
    end: Place,
    before: Before,
    current: Option<UpdateInAudit>,
    /// Parts before the one that is walked are not there, and no frame of it was seen.
    is_after_gap: bool,
    findings: VecDeque<Finding>,
    frames: u64,
}

/// What is known of the commit before the current update.
pub(super) enum Before {
    /// There is none: this is the genesis tag.
    Genesis(Digest),
    /// It counts.
    Commit(Box<CommitPoint>),
    /// It is damaged.
    Unknown,
}

impl Audit {
    /// Audits an archive up to `end`, where a commit ends.
    pub fn new(archive: &Archive, end: Place) -> Self {
        let region_bytes = archive.journal.header().region_bytes();
        let reader = archive.reader().in_part(0);
        Self {
            // The first part is entered like the others.
            walk: FrameWalk::new(reader.clone(), 0, 0),
            copied: Vec::new(),
            reader,
            part: 0,
            region_bytes,
            end,
            before: Before::Genesis(*archive.journal.genesis()),
            current: None,
            is_after_gap: false,
            findings: VecDeque::new(),
            frames: 0,
        }
    }

    /// Frames whose tag was computed so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// The next finding; nothing at the end. One step is one frame, most of which give none.
    pub fn step(&mut self) -> Option<Option<Finding>> {
        if let Some(finding) = self.findings.pop_front() {
            return Some(Some(finding));
        }
        if let Some(offset) = self.copied.pop() {
            self.take_copy(offset);
            return Some(self.findings.pop_front());
        }
        match self.walk.step() {
            Some(Step::Frame(header)) => {
                self.take_frame(&header);
            }
            Some(Step::Damage(error)) => {
                if let Some(current) = &mut self.current {
                    current.is_whole = false;
                }
                self.damage(error);
            }
            None if self.part < self.end.part => {
                if let Err(error) = self.enter_next_part() {
                    self.damage(error);
                }
            }
            None => {
                let rest = self.current.take()?;
                self.damage(Error::corrupt(format!(
                    "update {} has no commit that can be read",
                    rest.number
                )));
            }
        }
        Some(self.findings.pop_front())
    }

    /// Goes on in the next part that is there: those that are not were named when the archive was
    /// opened.
    fn enter_next_part(&mut self) -> Result<()> {
        let next = self.reader.next_part()?.unwrap_or(self.end.part).min(self.end.part);
        if next != self.part + 1 {
            if let Some(current) = &mut self.current {
                current.is_whole = false;
            }
            self.is_after_gap = true;
            self.before = Before::Unknown;
        }
        self.part = next;
        self.reader = self.reader.in_part(self.part);
        self.walk = walk_part(&self.reader, self.part, self.region_bytes, self.end)?;
        self.enter_copies()
    }

    /// Of a part that is not there only what the index has of it is walked.
    fn enter_copies(&mut self) -> Result<()> {
        if self.reader.is_away(self.part) {
            self.walk = FrameWalk::new(self.reader.clone(), 0, 0);
            self.copied = self.reader.copied_frames()?;
            self.copied.retain(|&offset| Place { part: self.part, offset } < self.end);
            self.copied.reverse();
        }
        Ok(())
    }

    /// A frame that the index has. There are no DATA frames, so that not all can be compared.
    fn take_copy(&mut self, offset: u64) {
        match self.reader.header_at(offset) {
            Ok(header) => self.take_frame(&header),
            Err(error) => self.damage(error.at(self.reader.place_named(offset))),
        }
        if let Some(current) = &mut self.current {
            current.is_whole = false;
        }
    }

    fn end_unfinished(&mut self) {
        if let Some(unfinished) = self.current.take() {
            self.before = Before::Unknown;
            self.damage(Error::corrupt(format!(
                "update {} has no commit that can be read",
                unfinished.number
            )));
        }
    }

    fn damage(&mut self, error: Error) {
        self.findings.push_back(Finding::Damage(error));
    }

    fn take_frame(&mut self, header: &FrameHeader) {
        if let Err(error) = self.check_frame(header) {
            if let Some(current) = &mut self.current {
                current.is_whole = false;
            }
            self.damage(error.at(self.reader.place_named(header.offset)));
        }
    }

    fn check_frame(&mut self, header: &FrameHeader) -> Result<()> {
        let is_after_gap = std::mem::replace(&mut self.is_after_gap, false);
        if header.frame_type == FrameType::Update {
            return self.begin_update(header);
        }
        let is_other = self.current.as_ref().is_none_or(|current| current.number != header.update);
        if is_after_gap && is_other {
            self.end_unfinished();
            self.current = Some(UpdateInAudit::without_begin(header));
        }
        let order = match &mut self.current {
            Some(current) => current.expect_next(header),
            None => Err(Error::corrupt("a frame stands outside of any update")),
        };
        if header.frame_type == FrameType::Commit {
            return order.and(self.end_update(header));
        }
        let tag = match header.frame_type {
            FrameType::Data => self.stored_tag(header)?,
            _ => self.checked_tag(header)?,
        };
        if let Some(current) = &mut self.current {
            current.add(header, &tag);
        }
        order
    }

    /// A tag as it stands there, for a frame that is checked elsewhere.
    fn stored_tag(&self, header: &FrameHeader) -> Result<Digest> {
        let offset = header.offset + FrameHeader::LEN + header.payload_len;
        let bytes = self.reader.raw(offset, Digest::LEN as u64)?;
        let tag = <[u8; Digest::LEN]>::try_from(bytes.as_slice());
        tag.map(Digest::from_bytes).map_err(|_| Error::corrupt("a tag is cut off"))
    }

    /// The tag of a metadata frame that can be decoded.
    fn checked_tag(&mut self, header: &FrameHeader) -> Result<Digest> {
        let frame = self.reader.frame_at(header.offset)?;
        self.frames += 1;
        let raw = packed_frame::unpack(frame.payload())?;
        match header.frame_type {
            FrameType::Entries => EntryPage::decode(&raw).map(drop),
            FrameType::Fragments => FragmentPage::decode(&raw).map(drop),
            FrameType::Identities => IdentityPage::decode(&raw).map(drop),
            FrameType::Directory => check_directory(&raw),
            FrameType::Manifest => Manifest::decode(&raw).map(drop),
            FrameType::Update | FrameType::Data | FrameType::Commit => Ok(()),
            FrameType::Origin | FrameType::Intent | FrameType::Anchor => {
                Err(Error::corrupt("a frame of an index in another part"))
            }
        }?;
        Ok(frame.tag)
    }

    fn begin_update(&mut self, header: &FrameHeader) -> Result<()> {
        self.end_unfinished();
        let frame = self.reader.frame_at(header.offset);
        self.frames += 1;
        let (update, result) = UpdateInAudit::begin(header, frame, &self.before);
        self.current = Some(update);
        result
    }

    fn end_update(&mut self, header: &FrameHeader) -> Result<()> {
        let before = std::mem::replace(&mut self.before, Before::Unknown);
        let current = self.current.take();
        let place = Place { part: header.part, offset: header.offset };
        let point = CommitPoint::read(&self.reader, place)?;
        self.frames += 1;
        self.before = Before::Commit(Box::new(point.clone()));
        let (data, wrong) = match current {
            Some(current) => current.end(&point, &before, &self.reader),
            None => (Vec::new(), Vec::new()),
        };
        for error in wrong {
            self.damage(error.at(self.reader.place_named(header.offset)));
        }
        let mut parts = point.commit.start.part.max(1)..=point.place.part;
        let is_there = parts.all(|part| !self.reader.is_gone(part));
        let data = is_there.then_some(data);
        let update = AuditedUpdate::new(point, data);
        self.findings.push_back(Finding::Update(Box::new(update)));
        Ok(())
    }
}

/// Walks a part, which is the last one or is walked to its end.
fn walk_part(
    reader: &FrameReader,
    part: u32,
    region_bytes: u64,
    archive_end: Place,
) -> Result<FrameWalk> {
    let end = if part == archive_end.part { archive_end.offset } else { reader.part_len()? };
    Ok(FrameWalk::new(reader.clone(), region_bytes, end))
}
