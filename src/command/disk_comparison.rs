//! `list FILES`: the archive beside the disk, name by name.

use std::io;

use crate::archive::{Archive, BlockTable, Entry, Stored, Version};
use crate::base::{Error, Kind, Metadata, Result};
use crate::filesystem::{AccountNames, Object};

use super::changes::{Changes, Step};
use super::content_comparison::{Likeness, compare_content};
use super::difference::{is_known, is_same_metadata, is_same_thing};
use super::options::{Comparison, ListOptions};
use super::portion::Failure;
use super::rows::Rows;
use super::scope::{Scope, catalog};

/// Shows how what the version holds compares with the disk.
pub(super) fn compare_with_disk(
    archive: &Archive,
    version: Option<&Version>,
    scope: &Scope,
    options: &ListOptions,
    rows: &mut Rows<'_>,
) -> Result<()> {
    let stored = scope.entries(&catalog(archive, version));
    let walk = scope.walk(options.special, &options.archive, archive);
    let names = AccountNames::new();
    let mut comparer = DiskComparison { archive, version, options, names, blocks: None, rows };
    for step in Changes::new(walk, stored, options.special) {
        comparer.rows.check_stopped()?;
        if let Some(step) = comparer.rows.readable(step) {
            comparer.take(step)?;
        }
    }
    Ok(())
}

/// What is found under a name that both sides have.
enum Found {
    Same,
    /// Also what the disk has.
    Different(Metadata),
    /// Contents cannot be compared, and why.
    Unknown(Metadata, Error),
}

struct DiskComparison<'a, 'b> {
    archive: &'a Archive,
    version: Option<&'a Version>,
    options: &'a ListOptions,
    names: AccountNames,
    /// Where the identities of stored contents are looked up, from the first comparison on.
    blocks: Option<BlockTable>,
    rows: &'a mut Rows<'b>,
}

impl DiskComparison<'_, '_> {
    fn take(&mut self, step: Step) -> Result<()> {
        match step {
            Step::New(object) => match self.read_metadata(&object) {
                Ok(metadata) => self.rows.external(&object.path, metadata, object.status.size),
                Err(error) => self.take_unread(&object, None, &error),
            },
            Step::Both(object, entry) => self.take_both(&object, &entry),
            Step::Gone(entry) => self.rows.entry(Comparison::InternalOnly, entry, None),
            Step::Unknown(_) => Ok(()),
            Step::Unreadable(path, error) => {
                self.rows.problem(&path, &error);
                Ok(())
            }
            Step::Missing(path) => {
                self.rows.missing(&path);
                Ok(())
            }
        }
    }

    fn take_both(&mut self, object: &Object, entry: &Entry) -> Result<()> {
        let metadata = match self.compare(object, entry) {
            Ok(Found::Same) => return self.rows.entry(Comparison::Same, entry.clone(), None),
            Ok(Found::Different(metadata)) => metadata,
            Ok(Found::Unknown(metadata, error)) => {
                self.rows.incomparable(&entry.path, &error);
                metadata
            }
            Err(Failure::Source(error)) => return self.take_unread(object, Some(entry), &error),
            Err(Failure::Archive(error)) => return Err(error),
        };
        self.rows.entry(Comparison::Different, entry.clone(), None)?;
        self.rows.external(&object.path, metadata, object.status.size)
    }

    /// An object that cannot be read is no change, unless it just went away.
    fn take_unread(
        &mut self,
        object: &Object,
        entry: Option<&Entry>,
        error: &io::Error,
    ) -> Result<()> {
        if error.kind() == io::ErrorKind::NotFound {
            return entry
                .map_or(Ok(()), |e| self.rows.entry(Comparison::InternalOnly, e.clone(), None));
        }
        self.rows.problem(&object.path, &format_args!("cannot read: {error}"));
        Ok(())
    }

    /// What the disk has; also makes sure that a file could be read.
    fn read_metadata(&mut self, object: &Object) -> io::Result<Metadata> {
        match object.kind {
            Kind::File => object.metadata_opened(&object.open()?, &mut self.names),
            _ => object.metadata(&mut self.names),
        }
    }

    /// With `-force` dates and attributes do not count, and contents always do.
    fn compare(&mut self, object: &Object, entry: &Entry) -> std::result::Result<Found, Failure> {
        let ListOptions { attributes, force, .. } = *self.options;
        let old = entry.object.stored();
        if !force && old.is_some_and(|old| is_known(object, old, attributes)) {
            return Ok(Found::Same);
        }
        let new = self.read_metadata(object)?;
        let is_like = |old: &&Stored| {
            if force {
                is_same_thing(&new, &old.metadata)
            } else {
                is_same_metadata(&new, old, attributes)
            }
        };
        let Some(old) = old.filter(is_like) else { return Ok(Found::Different(new)) };
        if object.kind != Kind::File {
            return Ok(Found::Same);
        }
        let progress = self.rows.progress;
        let Some(blocks) = self.blocks() else { return Ok(Found::Different(new)) };
        let (file, is_stopped) = (object.open()?, || progress.is_stopped());
        Ok(match compare_content(file, &old.content, blocks, &mut Vec::new(), &is_stopped)? {
            Likeness::Same => Found::Same,
            Likeness::Different => Found::Different(new),
            Likeness::Unknown(error) => Found::Unknown(new, error),
        })
    }

    /// The blocks of the version; there is none only where there is no version either.
    fn blocks(&mut self) -> Option<&BlockTable> {
        if let (None, Some(version)) = (&self.blocks, self.version) {
            let (blocks, errors) = BlockTable::of_readable(self.archive, version);
            for error in &errors {
                self.rows.damage(error);
            }
            self.blocks = Some(blocks);
        }
        self.blocks.as_ref()
    }
}
