//! Going back to an older commit: those after it are cut off, as late as possible.
//!
//! Invariants: the file keeps all its bytes until `cut_off`, which the first frame of an update
//! calls, or whoever wants nothing but the rollback; the cut is durable before anything is
//! appended: `spec/recovery.md`.

use crate::base::{Digest, Error, ErrorKind, Result};

use super::commit_point::CommitPoint;
use super::header_region::{NewPart, write_region};
use super::recovery::Journal;

/// How far a rollback has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RollbackStage {
    /// There is none.
    #[default]
    None,
    /// Nothing was cut off yet.
    Pending,
    /// A call failed while the file was being cut: the later commits may be there or not.
    Unknown,
    /// The later commits are gone for good.
    Done,
}

/// What a rollback has to remember until an update was committed after it.
#[derive(Debug, Default)]
pub(super) struct Rollback {
    stage: RollbackStage,
    /// Tag of the newest commit that is cut off.
    newest_tag: Digest,
    /// Length of the file that holds it.
    len_before: u64,
    /// Number of that file, if it is one of several parts.
    newest_part: u32,
    /// The header region of an archive that is made anew.
    region: Vec<u8>,
}

impl Journal {
    /// Makes `point`, an older commit, the last one.
    pub fn roll_back(&mut self, point: CommitPoint) {
        self.begin_rollback();
        self.set_last_to_be(Some(point));
    }

    /// Makes this an archive without commits, with another header and key.
    pub fn start_anew(&mut self, part: NewPart) {
        self.begin_rollback();
        self.rollback.region = self.begin_part(part);
        self.set_last_to_be(None);
    }

    fn begin_rollback(&mut self) {
        assert!(self.rollback.stage == RollbackStage::None, "one rollback at a time");
        // A file that this journal made would lose its name when it is cut to nothing.
        assert!(!self.is_made(), "only an archive that was opened has anything to roll back");
        self.rollback = Rollback {
            stage: RollbackStage::Pending,
            newest_tag: self.last_tag(),
            len_before: self.end(),
            newest_part: self.part(),
            region: Vec::new(),
        };
    }

    /// How far the rollback has come.
    pub fn rollback_stage(&self) -> RollbackStage {
        self.rollback.stage
    }

    /// Tag of the newest commit that was rolled back since the last one was made, or zero.
    pub fn rolled_back_tag(&self) -> Digest {
        self.rollback.newest_tag
    }

    /// Cuts off what is rolled back, if anything is, and waits until that is on stable storage.
    pub fn cut_off(&mut self) -> Result<()> {
        match self.rollback.stage {
            RollbackStage::None | RollbackStage::Done => return Ok(()),
            RollbackStage::Pending => {}
            // A sync that failed proves nothing when it is asked for again.
            RollbackStage::Unknown => {
                return Err(Error::new(ErrorKind::Io, "cannot roll the archive back")
                    .because("it was tried before and failed")
                    .hint("open it again"));
            }
        }
        let (known, on_disk) = (self.rollback.len_before, self.backend().len()?);
        if on_disk != known {
            return Err(Error::new(
                ErrorKind::Busy,
                "cannot roll the archive back: it changed meanwhile",
            )
            .because(format!("it had {known} bytes, now the file has {on_disk}"))
            .hint("another program writes to the archive"));
        }
        if self.parts.is_split() {
            self.parts.expect_newest(self.rollback.newest_part)?;
        }
        self.expect_removable(self.rollback.newest_part)?;
        self.rollback.stage = RollbackStage::Unknown;
        self.cut_index()?;
        self.remove_later_parts()?;
        let end = if self.last().is_some() { self.end() } else { 0 };
        if self.backend().len()? != end {
            self.backend().truncate(end)?;
        }
        self.backend().sync()?;
        self.parts.set_len(self.part(), end);
        self.rollback.stage = RollbackStage::Done;
        if end == 0 { write_region(self.backend(), &self.rollback.region) } else { Ok(()) }
    }

    /// Removes the parts behind that of the last commit to be, the newest one first, so that what a
    /// crash leaves has no gap.
    fn remove_later_parts(&mut self) -> Result<()> {
        let kept = self.last().map_or(1, |last| last.place.part);
        for part in (kept + 1..=self.rollback.newest_part).rev() {
            self.parts.remove(part)?;
        }
        if !self.parts.is_split() {
            return Ok(());
        }
        if self.last().is_some() {
            self.enter_part(kept)?;
        }
        self.backend = self.parts.backend(kept)?;
        if self.last().is_some() && self.backend().len()? != self.end() {
            self.backend = self.parts.reopened_for_writing(kept)?;
        }
        Ok(())
    }

    /// Length of the file when nothing of an update was written yet.
    pub(super) fn len_before_update(&self) -> u64 {
        match self.rollback.stage {
            RollbackStage::Pending => self.rollback.len_before,
            _ => self.end(),
        }
    }

    /// Whether the file stays when it gets no update.
    pub(super) fn is_kept(&self) -> bool {
        self.last().is_some() || self.rollback.stage != RollbackStage::None
    }
}
