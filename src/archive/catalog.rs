//! The entries of a version.

use crate::base::{Result, StoredPath};
use crate::format::{Entry, Object, RunReference};

use super::entry_cursor::EntryRun;
use super::history::Version;
use super::merge::Merge;
use super::open::Archive;

/// The entries of one version, read page by page as they are asked for.
pub struct Catalog {
    /// Newest first.
    runs: Vec<EntryRun>,
}

impl Catalog {
    /// What the version holds, for whoever appends to it: all of it, or an error.
    pub fn of(archive: &Archive, version: &Version) -> Result<Self> {
        Self::of_runs(archive, &version.manifest.entry_runs)
    }

    /// What the version holds, as far as it can be read: an error stands for the names that a run
    /// may have changed which cannot be opened.
    pub fn of_readable(archive: &Archive, version: &Version) -> Self {
        let reader = archive.reader();
        let runs = version.manifest.entry_runs.iter();
        Self { runs: runs.map(|run| EntryRun::open_if_readable(&reader, run)).collect() }
    }

    /// What the version's own update changed, deletions included.
    pub fn of_changes(archive: &Archive, version: &Version) -> Result<Self> {
        Self::of_runs(archive, version.manifest.delta_entries.as_slice())
    }

    /// A catalog without entries.
    pub fn empty() -> Self {
        Self { runs: Vec::new() }
    }

    /// What some of the runs of a version hold together, newest first.
    pub fn of_runs(archive: &Archive, runs: &[RunReference]) -> Result<Self> {
        let reader = archive.reader();
        let runs = runs.iter().map(|run| EntryRun::open(&reader, run)).collect::<Result<_>>()?;
        Ok(Self { runs })
    }

    /// All entries in archive order, deletions included. An error stands for a page that cannot
    /// be read; entries go on after it.
    pub fn changes(&self) -> impl Iterator<Item = Result<Entry>> + use<> {
        Merge::new(self.runs.iter().map(|run| run.cursor(None)).collect())
    }

    /// The objects there are, in archive order.
    pub fn entries(&self) -> impl Iterator<Item = Result<Entry>> + use<> {
        self.changes().filter(is_there)
    }

    /// `root` and the objects below it, in archive order; only their pages are read.
    pub fn entries_within(&self, root: &StoredPath) -> impl Iterator<Item = Result<Entry>> + use<> {
        let root = root.clone();
        let cursors = self.runs.iter().map(|run| run.cursor(Some(&root))).collect();
        // In archive order the objects below a path follow it directly.
        Merge::new(cursors)
            .take_while(move |entry| entry.as_ref().map_or(true, |e| e.path.is_within(&root)))
            .filter(is_there)
    }
}

fn is_there(entry: &Result<Entry>) -> bool {
    !matches!(entry, Ok(Entry { object: Object::Deleted, .. }))
}
