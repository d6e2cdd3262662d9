//! The rows of a `list` on their way out: shown, counted, and what could not be shown said.

use std::collections::HashSet;

use crate::archive::{Entry, Object};
use crate::base::{Error, ErrorKind, Metadata, Progress, Result, StoredPath};

use super::options::{Comparison, ListSummary, Row};
use super::status::{drop_attributes, size_of};

/// Takes rows.
pub(super) struct Rows<'a> {
    /// Receives them.
    pub show: &'a mut dyn FnMut(Row) -> Result<()>,
    /// Hears problems.
    pub progress: &'a dyn Progress,
    /// Whether rows have attributes.
    pub attributes: bool,
    /// What was shown and said so far.
    pub summary: ListSummary,
    /// Damage that was told: each file that is named may meet it again.
    pub told: HashSet<String>,
}

impl Rows<'_> {
    /// Fails if the user asked to stop.
    pub(super) fn check_stopped(&self) -> Result<()> {
        if self.progress.is_stopped() {
            return Err(Error::new(ErrorKind::Stopped, "interrupted"));
        }
        Ok(())
    }

    /// An object on disk that cannot be looked at.
    pub(super) fn problem(&mut self, path: &StoredPath, problem: &dyn std::fmt::Display) {
        self.summary.problems += 1;
        self.progress.problem(path.as_bytes(), &problem.to_string());
    }

    /// A name that the user typed and that is nowhere.
    pub(super) fn missing(&mut self, path: &StoredPath) {
        self.problem(path, &"neither on disk nor in the archive");
    }

    /// A page that cannot be read is said and counted; what other pages hold is still shown.
    pub(super) fn readable<T>(&mut self, read: Result<T>) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(error) => {
                self.damage(&error);
                None
            }
        }
    }

    /// Part of the index cannot be read.
    pub(super) fn damage(&mut self, error: &Error) {
        let error = error.to_string();
        if self.told.contains(&error) {
            return;
        }
        self.summary.damaged += 1;
        self.progress.warn(&format!("part of the index is lost: {error}"));
        self.told.insert(error);
    }

    /// Contents that cannot be compared because part of the index is lost.
    pub(super) fn incomparable(&mut self, path: &StoredPath, error: &Error) {
        self.summary.damaged += 1;
        let problem = format!("its content cannot be compared: {error}");
        self.progress.problem(path.as_bytes(), &problem);
    }

    /// Shows one row.
    pub(super) fn show(&mut self, row: Row) -> Result<()> {
        if let Row::Object { comparison, .. } = &row {
            match comparison {
                Comparison::Same => self.summary.same += 1,
                Comparison::Different => self.summary.different += 1,
                Comparison::InternalOnly => self.summary.internal_only += 1,
                Comparison::ExternalOnly => self.summary.external_only += 1,
                Comparison::Duplicate => self.summary.duplicates += 1,
            }
        }
        (self.show)(row)
    }

    /// Shows what an archive has of an object.
    pub(super) fn entry(
        &mut self,
        comparison: Comparison,
        entry: Entry,
        version: Option<(u64, usize)>,
    ) -> Result<()> {
        self.show(self.entry_row(comparison, entry, version))
    }

    /// The row of what an archive has of an object.
    pub(super) fn entry_row(
        &self,
        comparison: Comparison,
        entry: Entry,
        version: Option<(u64, usize)>,
    ) -> Row {
        let size = size_of(&entry);
        let Entry { path, object } = entry;
        let is_deleted = object == Object::Deleted;
        let stored = match object {
            Object::Stored(stored) => Some(*stored),
            Object::Deleted | Object::Unknown { .. } => None,
        };
        let has_attributes = self.attributes && stored.as_ref().is_some_and(|s| s.has_attributes);
        let metadata = stored.map(|stored| self.shown(stored.metadata));
        Row::Object { comparison, version, path, metadata, has_attributes, is_deleted, size }
    }

    /// Shows an object on disk.
    pub(super) fn external(
        &mut self,
        path: &StoredPath,
        metadata: Metadata,
        size: u64,
    ) -> Result<()> {
        self.show(self.external_row(path, metadata, size))
    }

    /// The row of an object on disk.
    pub(super) fn external_row(&self, path: &StoredPath, metadata: Metadata, size: u64) -> Row {
        let (comparison, version) = (Comparison::ExternalOnly, None);
        let (path, metadata) = (path.clone(), Some(self.shown(metadata)));
        let (has_attributes, is_deleted) = (self.attributes, false);
        Row::Object { comparison, version, path, metadata, has_attributes, is_deleted, size }
    }

    /// What is shown of metadata.
    fn shown(&self, mut metadata: Metadata) -> Metadata {
        if !self.attributes {
            drop_attributes(&mut metadata);
        }
        metadata
    }
}
