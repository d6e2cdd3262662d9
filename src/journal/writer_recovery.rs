//! Opens an archive to append: what an interrupted writer left is completed or cut off.
//!
//! Invariants: nothing is changed before the archive pleased its reader; nothing is cut off unless
//! it is proved to be an update that was never committed.

use std::sync::Arc;

use crate::base::{Error, Result};
use crate::crypto::Password;
use crate::format::ArchiveHeader;
use crate::storage::{Backend, OnePart, PartStore};

use super::header_region::{NewPart, is_unmade, write_region};
use super::part_chain::Gaps;
use super::parts::Parts;
use super::recovery::{Journal, Tail};
use super::rollback::Rollback;
use super::tail::{follow_uncommitted, has_update_after};
use super::update_writer::UpdateWriter;

/// What to do when a writer finds damage.
const NOTHING_CHANGED: &str = "nothing was changed; check it with `zarc test`, restore what is needed, and add to a new archive";

impl Journal {
    /// Opens an archive in one file to append, or makes it with what `new_part` returns. One that
    /// is there has to please `accept` before anything is changed. The tail is gone when this
    /// returns: an unfinished update is cut off, one that only lacks its commit gets it (the second
    /// value is true then), and damage is an error that leaves everything as it is.
    pub fn open_for_writing(
        backend: Arc<dyn Backend>,
        password: Option<&Password>,
        new_part: impl FnOnce() -> Result<NewPart>,
        accept: impl FnOnce(&ArchiveHeader) -> Result<()>,
    ) -> Result<(Self, bool)> {
        let store = Arc::new(OnePart::new(backend));
        Self::open_parts_for_writing(store, password, new_part, accept, false)
    }

    /// The same of an archive in parts: each update goes into a new one. With `force` a part that was
    /// begun and is nowhere is given up.
    pub fn open_parts_for_writing(
        store: Arc<dyn PartStore>,
        password: Option<&Password>,
        new_part: impl FnOnce() -> Result<NewPart>,
        accept: impl FnOnce(&ArchiveHeader) -> Result<()>,
        force: bool,
    ) -> Result<(Self, bool)> {
        let parts = Parts::new(store);
        if is_new(&parts)? {
            return Ok((Self::create(parts, new_part()?)?, false));
        }
        let (mut journal, chain) = Self::open_at_last_commit(&parts, password, Gaps::Refused)?;
        if let Some(damage) = chain.damage {
            return Err(damage.hint(NOTHING_CHANGED));
        }
        accept(&journal.header)?;
        journal.expect_whole()?;
        journal.given_up = journal.expect_index(chain.unmade.map(|(part, _)| part), force)?;
        // What the index knows of a part that was begun goes before that part.
        journal.cut_index_tail()?;
        if let Some((part, _)) = chain.unmade {
            parts.remove(part)?;
        }
        let is_completed = journal.resolve_tail()?;
        journal.catch_up_index()?;
        Ok((journal, is_completed))
    }

    fn create(parts: Arc<Parts>, mut part: NewPart) -> Result<Self> {
        part.header.flags.in_parts = parts.is_split();
        let backend = parts.backend(1)?;
        if !backend.is_empty()? {
            backend.truncate(0)?;
        }
        // Nothing that was there may come back behind the new header, whoever cut it off.
        if let Err(error) = backend.sync() {
            // A file that was made for nothing goes away.
            let _ = backend.truncate(0);
            return Err(error);
        }
        let (region, genesis) = part.region();
        write_region(backend.as_ref(), &region)?;
        Ok(Self {
            parts,
            backend,
            genesis,
            keychain: part.keychain(),
            header: part.header,
            key_record: part.key.map(|(_, record)| record),
            last: None,
            tail: Tail::None,
            is_made: true,
            given_up: None,
            rollback: Rollback::default(),
            part_bytes: None,
        })
    }

    /// Whether an update was found complete and got its commit.
    fn resolve_tail(&mut self) -> Result<bool> {
        let (end, len) = (self.end(), self.backend.len()?);
        if len != end && self.parts.is_split() {
            self.backend = self.parts.reopened_for_writing(self.part())?;
        }
        if len <= end {
            self.drop_tail(end)?;
            return Ok(false);
        }
        let found = self.later_commits()?;
        if let Some(newest) = found.newest {
            return Err(damaged_between(end, newest.place.offset, newest.commit.update));
        }
        let (number, previous_tag) = (self.last_update() + 1, self.last_tag());
        let start = self.tail_start();
        let region = self.header.region_bytes();
        let followed = follow_uncommitted(&self.reader(), start, region, number, &previous_tag)?;
        if let Some(complete) = followed {
            if has_update_after(&self.reader(), complete.end, number)? {
                // Several commits are lost: cutting off what follows this one would lose what a
                // repair can save.
                return Err(damaged_between(complete.end, len, number));
            }
            // The frames may be in memory only, and what follows them is not a commit.
            self.end_at(complete.end)?;
            UpdateWriter::resume(self, complete).commit()?;
            return Ok(true);
        }
        if let Some(offset) = found.damaged {
            return Err(damaged_between(end, offset, number));
        }
        self.drop_tail(end)?;
        Ok(false)
    }

    /// Lets the archive end with its last commit, durably. A part that has none goes away.
    fn drop_tail(&mut self, end: u64) -> Result<()> {
        let (kept, newest) = (self.last.as_ref().map_or(1, |last| last.place.part), self.part());
        if newest > kept {
            // The newest one first: what a crash leaves is the beginning of an update.
            for part in (kept + 1..=newest).rev() {
                self.parts.remove(part)?;
            }
            self.enter_part(kept)?;
            if self.last.is_none() {
                self.backend = self.parts.reopened_for_writing(kept)?;
            }
        }
        if newest == kept || self.last.is_none() {
            self.end_at(if newest == kept { end } else { self.end() })?;
        }
        self.parts.set_len(self.part(), self.end());
        // The commit may be one whose sync was never waited for, and one that was cut off must not
        // come back after a crash.
        self.backend.sync()
    }

    /// Lets the file end at `end`: what stands after it is cut off, what is missing of the zeros
    /// before it is filled in.
    fn end_at(&self, end: u64) -> Result<()> {
        let len = self.backend.len()?;
        if len >= end {
            return if len > end { self.backend.truncate(end) } else { Ok(()) };
        }
        let missing = usize::try_from(end - len).unwrap_or(usize::MAX);
        self.backend.append(len, &vec![0; missing])
    }
}

/// Whether there is nothing but a part 1 that was never made, and perhaps an index that was not.
fn is_new(parts: &Parts) -> Result<bool> {
    if parts.numbers()? != [1] || !is_unmade(parts.backend(1)?.as_ref())? {
        return Ok(false);
    }
    parts.index_backend()?.map_or(Ok(true), |index| is_unmade(index.as_ref()))
}

fn damaged_between(from: u64, to: u64, update: u64) -> Error {
    Error::corrupt("cannot add: the archive is damaged")
        .because(format!(
            "bytes {from} to {to} cannot be followed, but update {update} was committed after them"
        ))
        .hint(NOTHING_CHANGED)
}
