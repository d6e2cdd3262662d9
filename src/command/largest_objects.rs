//! `list -summary`: the largest files and directories, a directory being as large as all that is
//! listed in it. Nothing is compared with the disk.

use crate::archive::{Archive, Entry, Version};
use crate::base::{Kind, Result, StoredPath};
use crate::filesystem::{AccountNames, Object};

use super::changes::{Changes, Step};
use super::largest::Largest;
use super::options::{Comparison, ListOptions, Row};
use super::rows::Rows;
use super::scope::{Scope, catalog};
use super::status::size_of;
use super::versions::{Met, each_version, each_wanted};

/// Shows the `count` largest objects of the version, or with `-all` of every version; with files,
/// those of the archive and those on disk.
pub(super) fn show_largest(
    archive: &Archive,
    version: Option<&Version>,
    scope: &Scope,
    options: &ListOptions,
    count: usize,
    rows: &mut Rows<'_>,
) -> Result<()> {
    let mut ranking = Ranking::new(count);
    if let Some(digits) = options.all {
        each_version(archive, options, digits, rows, &mut |rows, met| {
            match met {
                Met::Version(row) => ranking.begin_version(row),
                Met::Entry(entry, number) => ranking.take_entry(&entry, Some(number), rows),
            }
            Ok(())
        })?;
    } else if options.files.is_empty() {
        each_wanted(&catalog(archive, version), options, rows, &mut |rows, entry| {
            ranking.take_entry(&entry, None, rows);
            Ok(())
        })?;
    } else {
        ranking.take_both_sides(archive, version, scope, options, rows)?;
    }
    ranking.finish().try_for_each(|row| rows.show(row))
}

/// A directory whose contents may still be coming.
struct OpenDirectory {
    /// The root directory of a version has none: all that follows is in it.
    path: Option<StoredPath>,
    row: Row,
    bytes_before: u64,
}

/// Objects in archive order: a directory's size is known when the stream has left it.
#[derive(Default)]
struct Stream {
    open: Vec<OpenDirectory>,
    bytes: u64,
}

impl Stream {
    fn enter(&mut self, path: Option<StoredPath>, row: Row) {
        self.open.push(OpenDirectory { path, row, bytes_before: self.bytes });
    }

    /// Leaves the directories that `path` is not in; all of them without one.
    fn leave(&mut self, path: Option<&StoredPath>, largest: &mut Largest) {
        let is_left = |open: &mut OpenDirectory| match (path, &open.path) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(path), Some(directory)) => !path.is_within(directory),
        };
        while let Some(mut open) = self.open.pop_if(is_left) {
            let (Row::Object { size, .. } | Row::Version { size, .. }) = &mut open.row;
            *size = self.bytes - open.bytes_before;
            if largest.may_take(*size) {
                largest.take(open.row, None);
            }
        }
    }
}

struct Ranking {
    largest: Largest,
    internal: Stream,
    external: Stream,
    names: AccountNames,
}

impl Ranking {
    fn new(count: usize) -> Self {
        let (internal, external) = (Stream::default(), Stream::default());
        Self { largest: Largest::new(count), internal, external, names: AccountNames::new() }
    }

    fn take_both_sides(
        &mut self,
        archive: &Archive,
        version: Option<&Version>,
        scope: &Scope,
        options: &ListOptions,
        rows: &mut Rows<'_>,
    ) -> Result<()> {
        let stored = scope.entries(&catalog(archive, version));
        let walk = scope.walk(options.special, &options.archive, archive);
        for step in Changes::new(walk, stored, options.special) {
            rows.check_stopped()?;
            match rows.readable(step) {
                None => {}
                Some(Step::New(object)) => self.take_object(&object, rows),
                Some(Step::Both(object, entry)) => {
                    self.take_object(&object, rows);
                    self.take_entry(&entry, None, rows);
                }
                Some(Step::Gone(entry) | Step::Unknown(entry)) => {
                    self.take_entry(&entry, None, rows);
                }
                Some(Step::Unreadable(path, error)) => rows.problem(&path, &error),
                Some(Step::Missing(path)) => rows.missing(&path),
            }
        }
        Ok(())
    }

    /// All that follows is in this version; what is not wanted of it is not shown.
    fn begin_version(&mut self, row: Option<Row>) {
        self.internal.leave(None, &mut self.largest);
        if let Some(row) = row {
            self.internal.enter(None, row);
        }
    }

    fn take_entry(&mut self, entry: &Entry, version: Option<(u64, usize)>, rows: &Rows<'_>) {
        self.internal.leave(Some(&entry.path), &mut self.largest);
        let row = || rows.entry_row(Comparison::InternalOnly, entry.clone(), version);
        let (stored, size) = (entry.object.stored(), size_of(entry));
        if stored.is_some_and(|stored| stored.metadata.kind == Kind::Directory) {
            self.internal.enter(Some(entry.path.clone()), row());
            return;
        }
        self.internal.bytes = self.internal.bytes.saturating_add(size);
        if self.largest.may_take(size) {
            self.largest.take(row(), stored);
        }
    }

    fn take_object(&mut self, object: &Object, rows: &mut Rows<'_>) {
        self.external.leave(Some(&object.path), &mut self.largest);
        let (is_directory, size) = (object.kind == Kind::Directory, object.status.size);
        self.external.bytes = self.external.bytes.saturating_add(size);
        if !is_directory && !self.largest.may_take(size) {
            return;
        }
        let metadata = match object.metadata(&mut self.names) {
            Ok(metadata) => metadata,
            Err(error) => return rows.problem(&object.path, &error),
        };
        let row = rows.external_row(&object.path, metadata, size);
        if is_directory {
            self.external.enter(Some(object.path.clone()), row);
        } else {
            self.largest.take(row, None);
        }
    }

    fn finish(mut self) -> impl Iterator<Item = Row> {
        self.internal.leave(None, &mut self.largest);
        self.external.leave(None, &mut self.largest);
        self.largest.into_rows()
    }
}
