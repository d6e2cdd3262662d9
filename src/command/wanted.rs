//! What an `extract` is asked for: the wanted entries of one version, or with `-all` of every version
//! what it changed.

use crate::archive::{Archive, Catalog, Entry, History, Version};
use crate::base::{Error, Result};
use crate::select::{in_version, version_directory};

use super::options::ExtractOptions;
use super::requested::Requested;
use super::scope::is_wanted;

/// What is met on the way.
pub(super) enum Wanted {
    /// What follows is of this version, which goes into a directory of that number and date.
    Version((u64, usize), i64),
    /// An entry, with the number and the digits of its version's directory if it has one.
    Entry(Entry, Option<(u64, usize)>),
    /// Something that cannot be read.
    Lost(Error),
    /// All entries of a version were there.
    End,
}

/// The version that is meant, and which of its entries.
pub(super) struct Request<'a> {
    pub archive: &'a Archive,
    pub version: &'a Version,
    pub options: &'a ExtractOptions,
}

impl Request<'_> {
    /// Gives all there is to `take`, in archive order, version by version.
    pub(super) fn each(
        &self,
        requested: &mut Requested,
        take: &mut dyn FnMut(Wanted) -> Result<()>,
    ) -> Result<()> {
        let Some(digits) = self.options.all else {
            let catalog = Catalog::of_readable(self.archive, self.version);
            return self.of_catalog(&catalog, None, requested, take);
        };
        for version in History::of(self.archive).versions(self.options.until)? {
            let changes = version.and_then(|version| {
                let catalog = Catalog::of_changes(self.archive, &version)?;
                Ok((version, catalog))
            });
            let (version, catalog) = match changes {
                Ok(changes) => changes,
                Err(error) => {
                    take(Wanted::Lost(error))?;
                    continue;
                }
            };
            let number = (version.number(), digits);
            let root = version_directory(number);
            if self.options.selection.is_wanted(root.as_bytes(), true) {
                take(Wanted::Version(number, version.date()))?;
            }
            self.of_catalog(&catalog, Some(number), requested, take)?;
        }
        Ok(())
    }

    fn of_catalog(
        &self,
        catalog: &Catalog,
        version: Option<(u64, usize)>,
        requested: &mut Requested,
        take: &mut dyn FnMut(Wanted) -> Result<()>,
    ) -> Result<()> {
        requested.for_each_entry(catalog, |entry| match entry {
            Err(error) => take(Wanted::Lost(error)),
            Ok(entry) if self.is_wanted(&entry, version) => take(Wanted::Entry(entry, version)),
            Ok(_) => Ok(()),
        })?;
        take(Wanted::End)
    }

    fn is_wanted(&self, entry: &Entry, version: Option<(u64, usize)>) -> bool {
        let selection = &self.options.selection;
        let is_touched = entry.object.stored().is_some_and(|stored| stored.is_touched);
        if version.is_some() && is_touched {
            // The version changed nothing of it.
            return false;
        }
        match version {
            None => is_wanted(selection, entry, entry.path.as_bytes()),
            Some((number, digits)) => {
                // A name too long for its directory is told when it is restored.
                in_version(number, digits, &entry.path)
                    .map_or(true, |path| is_wanted(selection, entry, path.as_bytes()))
            }
        }
    }
}
