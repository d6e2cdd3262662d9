//! The index follows the parts: made with the first update, told of each new part, caught up when
//! it is behind, cut before a rollback.
//!
//! Invariants: the index never knows an update that is not committed in its part.

use std::sync::Arc;

use crate::base::{Error, ErrorKind, Result};
use crate::crypto::KeyRecord;
use crate::format::{ArchiveHeader, HeaderFlags, Update};
use crate::storage::Backend;

use super::commit_point::CommitPoint;
use super::header_region::{HeaderRegion, write_region};
use super::index::Index;
use super::recovery::Journal;

impl Journal {
    /// The index that this journal writes, if it has one.
    fn kept_index(&self) -> Option<Arc<Index>> {
        self.parts.index().filter(|_| self.parts.keeps_index())
    }

    /// Part 0 is to be made: with the first update, or because it was begun and never got its header.
    fn lacks_index(&self) -> Result<bool> {
        let is_wanted = self.parts.keeps_index() && self.parts.index().is_none();
        Ok(is_wanted && (self.last().is_none() || self.parts.index_backend()?.is_some()))
    }

    /// Makes part 0, with nothing in it.
    fn make_index(&self) -> Result<()> {
        let backend = match self.parts.index_backend()? {
            Some(unmade) => unmade,
            None => self.parts.create(0)?,
        };
        if !backend.is_empty()? {
            backend.truncate(0)?;
            backend.sync()?;
        }
        let index = self.index_in(backend)?;
        self.parts.enter_index(Arc::new(index), &self.parts.numbers()?);
        Ok(())
    }

    /// The index of this archive in an empty file, with nothing in it.
    pub(super) fn index_in(&self, backend: Arc<dyn Backend>) -> Result<Index> {
        let header = ArchiveHeader {
            flags: HeaderFlags { index: true, in_parts: true, ..self.header.flags },
            part: 0,
            link: *self.genesis(),
            first_update: 1,
            continues: None,
            ..self.header.clone()
        };
        let record = self.key_record.as_ref().map(KeyRecord::encode);
        let (bytes, genesis) = header.encode(record.as_deref().map(|record| [record, record]));
        write_region(backend.as_ref(), &bytes)?;
        let region = HeaderRegion { header, genesis, key_record: self.key_record.clone() };
        Ok(Index::new(backend, region, self.keychain.clone()))
    }

    /// Tells the index, which is made if it has to be, that a part is about to be written.
    pub(super) fn announce(&self, part: u32, number: u64, update: &Update) -> Result<()> {
        if self.lacks_index()? {
            self.make_index()?;
        }
        match self.kept_index() {
            Some(index) => index.announce(part, number, update),
            None => Ok(()),
        }
    }

    /// Takes back what [`Self::announce`] did. The part is removed after this, not before: what was
    /// announced and is nowhere would have to be asked about.
    pub(super) fn retract(&self) -> Result<()> {
        if self.last().is_some() {
            return self.cut_index_tail();
        }
        self.parts.leave_index();
        let is_there = self.parts.keeps_index() && self.parts.index_backend()?.is_some();
        if is_there { self.parts.remove(0) } else { Ok(()) }
    }

    /// Cuts off what an interrupted writer left in the index.
    pub(super) fn cut_index_tail(&self) -> Result<()> {
        self.kept_index().map_or(Ok(()), |index| index.cut_tail())
    }

    /// Records the updates that the index does not have yet.
    pub(super) fn catch_up_index(&self) -> Result<()> {
        if self.lacks_index()? && self.last().is_some() {
            self.make_index()?;
        }
        self.kept_index().map_or(Ok(()), |index| self.record_missing(&index))
    }

    /// Records the updates that an index does not have yet.
    pub(super) fn record_missing(&self, index: &Index) -> Result<()> {
        let reader = &self.reader();
        let mut newest_first: Vec<CommitPoint> = Vec::new();
        let mut next = self.last().cloned();
        while let Some(point) = next.filter(|point| point.commit.update > index.last_update()) {
            let is_first = point.commit.update == 1;
            next = if is_first { None } else { Some(point.previous(reader)?) };
            newest_first.push(point);
        }
        for point in newest_first.iter().rev() {
            let bytes = self.parts.bytes_before(point.place.part) + point.end();
            index.record(reader, point, bytes)?;
        }
        Ok(())
    }

    /// Records the update that was just committed.
    pub(super) fn record_in_index(&self) -> Result<()> {
        self.catch_up_index().map_err(|error| {
            let number = self.last_update();
            error
                .outcome(format!(
                    "update {number} is complete in {}, but {} does not have it yet",
                    self.parts.name(self.part()),
                    self.parts.name(0)
                ))
                .hint("the next add, or `zarc index`, lets the index catch up")
        })
    }

    /// Fails if a part that a rollback takes away, or has to cut, is not there.
    pub(super) fn expect_removable(&self, newest: u32) -> Result<()> {
        let kept = self.last().map_or(1, |last| last.place.part);
        let is_cut = |part| {
            let index = self.parts.index();
            let end = index.and_then(|index| index.last_in(part)).map(|anchor| anchor.commit);
            part > kept || end != self.last().map(|last| last.place)
        };
        let missing = (kept..=newest).find(|&part| self.parts.is_away(part) && is_cut(part));
        let Some(part) = missing else { return Ok(()) };
        Err(Error::new(ErrorKind::Missing, "cannot roll the archive back")
            .because(format!("{} was moved away", self.parts.name(part)))
            .hint("bring back all parts that are rolled back")
            .outcome("nothing was changed"))
    }

    /// Lets the index end with the commit that a rollback keeps; with none it is as if never made.
    pub(super) fn cut_index(&self) -> Result<()> {
        let Some(index) = self.kept_index() else { return Ok(()) };
        if self.last().is_some() {
            index.forget_after(self.last_update());
            return index.cut_tail();
        }
        self.parts.leave_index();
        index.backend.truncate(0)?;
        index.backend.sync()
    }
}
