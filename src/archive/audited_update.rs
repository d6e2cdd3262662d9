//! One update in an audit: whether its frames and its commit agree with each other and with the
//! commit before.

use crate::base::{Digest, Error, Result};
use crate::format::{Commit, CommitLink, FrameHeader, FrameType, Place, Update};
use crate::journal::{CommitPoint, Frame, FrameReader};

use super::audit::Before;
use super::history::Version;
use super::open::Archive;

/// An update whose commit counts.
pub struct AuditedUpdate {
    point: CommitPoint,
    /// Nothing if its part is not there.
    data: Option<Vec<(Place, u64)>>,
}

impl AuditedUpdate {
    pub(super) fn new(point: CommitPoint, data: Option<Vec<(Place, u64)>>) -> Self {
        Self { point, data }
    }

    /// The version that the update made.
    pub fn version(&self, archive: &Archive) -> Result<Version> {
        Version::open(&archive.reader(), self.point.clone())
    }

    /// Number of the update.
    pub fn number(&self) -> u64 {
        self.point.commit.update
    }

    /// Stands for the whole history up to here.
    pub fn fingerprint(&self) -> String {
        self.point.commit.fingerprint()
    }

    /// Places and payload lengths of its DATA frames, if its parts are there; they are not known any
    /// more then.
    pub fn take_data(&mut self) -> Option<Vec<(Place, u64)>> {
        std::mem::take(&mut self.data)
    }
}

/// An update of which not all frames were seen yet.
pub(super) struct UpdateInAudit {
    pub(super) number: u64,
    start: Place,
    nonce_prefix: [u8; 8],
    next_index: u64,
    tags: blake3::Hasher,
    update: Option<Update>,
    manifest: Option<Place>,
    data: Vec<(Place, u64)>,
    /// Nothing wrong was found in it, so what its commit says must be true.
    pub(super) is_whole: bool,
}

impl UpdateInAudit {
    /// Begins with an UPDATE frame; also says what is wrong with it.
    pub(super) fn begin(
        header: &FrameHeader,
        frame: Result<Frame>,
        before: &Before,
    ) -> (Self, Result<()>) {
        let mut begun = Self {
            number: header.update,
            start: Place { part: header.part, offset: header.offset },
            nonce_prefix: header.nonce_prefix,
            next_index: 1,
            tags: blake3::Hasher::new(),
            update: None,
            manifest: None,
            data: Vec::new(),
            is_whole: true,
        };
        let result = begun.take_first(header, frame, before);
        (begun, result)
    }

    /// An update whose first frames are in a part that is not there.
    pub(super) fn without_begin(header: &FrameHeader) -> Self {
        Self {
            number: header.update,
            start: Place::default(),
            nonce_prefix: header.nonce_prefix,
            next_index: header.index,
            tags: blake3::Hasher::new(),
            update: None,
            manifest: None,
            data: Vec::new(),
            is_whole: false,
        }
    }

    fn take_first(
        &mut self,
        header: &FrameHeader,
        frame: Result<Frame>,
        before: &Before,
    ) -> Result<()> {
        let frame = frame?;
        self.tags.update(frame.tag.as_bytes());
        let update = self.update.insert(Update::decode(frame.payload())?);
        let (number, tag) = match before {
            Before::Unknown => return Ok(()),
            Before::Genesis(tag) => (0, tag),
            Before::Commit(point) => (point.commit.update, &point.tag),
        };
        let is_next = header.index == 0
            && header.update == number + 1
            && update.previous_tag == *tag
            && update.nonce.prefix() == header.nonce_prefix;
        if is_next {
            return Ok(());
        }
        Err(Error::corrupt(format!("update {} does not follow update {number}", header.update)))
    }

    /// Fails unless the frame is the one that comes next.
    pub(super) fn expect_next(&mut self, header: &FrameHeader) -> Result<()> {
        let index = std::mem::replace(&mut self.next_index, header.index + 1);
        let is_next = header.index == index
            && header.update == self.number
            && header.nonce_prefix == self.nonce_prefix
            && (self.manifest.is_none() || header.frame_type == FrameType::Commit);
        // After damage the numbers of the frames that were lost are missing.
        if is_next || (!self.is_whole && header.update == self.number && header.index > index) {
            return Ok(());
        }
        Err(Error::corrupt(format!(
            "frame {} of update {} stands where frame {index} of update {} belongs",
            header.index, header.update, self.number
        )))
    }

    /// Takes a frame between UPDATE and COMMIT.
    pub(super) fn add(&mut self, header: &FrameHeader, tag: &Digest) {
        self.tags.update(tag.as_bytes());
        let place = Place { part: header.part, offset: header.offset };
        match header.frame_type {
            FrameType::Data => self.data.push((place, header.payload_len)),
            FrameType::Manifest => self.manifest = Some(place),
            _ => {}
        }
    }

    /// Compares the update with its commit: where its DATA frames are, and what is wrong.
    pub(super) fn end(
        self,
        point: &CommitPoint,
        before: &Before,
        reader: &FrameReader,
    ) -> (Vec<(Place, u64)>, Vec<Error>) {
        let mut wrong = Vec::new();
        if self.is_whole && !self.is_described_by(point) {
            wrong.push(Error::corrupt(format!(
                "the frames of update {} are not those that were committed",
                self.number
            )));
        }
        if !follows(point, before, reader) {
            wrong.push(Error::corrupt(format!(
                "the commit of update {} does not follow the one before",
                self.number
            )));
        }
        (self.data, wrong)
    }

    fn is_described_by(&self, point: &CommitPoint) -> bool {
        let commit = &point.commit;
        let manifest = Place { offset: commit.manifest_offset, ..point.place };
        let root = Digest::from_bytes(*self.tags.finalize().as_bytes());
        commit.start == self.start
            && commit.frames + 1 == self.next_index
            && Some(manifest) == self.manifest
            && commit.root == root
            && self.update.as_ref().is_some_and(|update| {
                update.date == commit.date && update.previous_tag == commit.previous_tag
            })
    }
}

/// Whether a commit continues the one before it: links, state, dates and jump.
fn follows(point: &CommitPoint, before: &Before, reader: &FrameReader) -> bool {
    let commit = &point.commit;
    match before {
        Before::Unknown => true,
        Before::Genesis(tag) => {
            commit.update == 1
                && commit.previous_tag == *tag
                && commit.jump == CommitLink::default()
                && commit.state == Commit::state_after(&Digest::default(), &commit.root)
        }
        Before::Commit(before) => {
            let jump = before.jump_of_next(reader);
            commit.update == before.commit.update + 1
                && commit.previous == before.place
                && commit.previous_tag == before.tag
                && commit.date > before.commit.date
                // A jump that cannot be followed was found wrong at its own commit.
                && jump.map_or(true, |jump| jump == commit.jump)
                && commit.state == Commit::state_after(&before.commit.state, &commit.root)
        }
    }
}
