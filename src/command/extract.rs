//! `extract`: which entries of which version are restored.

use crate::archive::{Archive, BlockTable, Catalog, Entry, History, Version};
use crate::base::{Error, ErrorKind, Progress, Result};
use crate::select::{in_version, version_directory};

use super::key_source::password;
use super::options::{ExtractOptions, ExtractSummary};
use super::requested::Requested;
use super::restore_ledger::Ledger;
use super::restorer::Restorer;
use super::scope::{is_wanted, tell_notice};

/// Restores objects from a version.
pub fn extract(options: &ExtractOptions, progress: &dyn Progress) -> Result<ExtractSummary> {
    extract_from(options, progress).map_err(|error| error.at(&options.archive))
}

fn extract_from(options: &ExtractOptions, progress: &dyn Progress) -> Result<ExtractSummary> {
    let mut requested = Requested::new(&options.files)?;
    let password = password(options.key.as_ref(), false, progress)?;
    let archive = Archive::open_location(&options.archive, password.as_ref())?;
    if !archive.holds_data() {
        return Err(Error::new(ErrorKind::Missing, "cannot extract")
            .because("the archive is an index, made with -method i, and holds no data"));
    }
    let mut ledger = Ledger::new(progress);
    if tell_notice(&archive, progress) {
        ledger.summary.damaged += 1;
        ledger.summary.problems += 1;
    }
    let history = History::of(&archive);
    let newest = find_version(&history, options)?;
    if options.all.is_none() && requested.is_everything() && options.selection.is_everything() {
        ledger.expect(newest.manifest.counts.names_bytes);
    }
    let (table, unreadable) = BlockTable::of_readable(&archive, &newest);
    for error in unreadable {
        ledger.damage(error);
    }
    let mut restorer = Restorer::new(options, table, ledger)?;
    let extraction = Extraction { archive, options };
    let result = match options.all {
        None => extraction.newest(&newest, &mut requested, &mut restorer),
        Some(digits) => extraction.all(&history, digits, &mut requested, &mut restorer),
    };
    if let Err(error) = result {
        // Next time these directories are there and keep the metadata that they have now. What
        // fails here has failed already.
        let _ = restorer.finish_directories();
        return Err(error.outcome(if options.dry || restorer.ledger.summary.written == 0 {
            "nothing was restored"
        } else {
            "what was restored before is whole and stays"
        }));
    }
    for name in requested.missing() {
        restorer.ledger.missing(name);
    }
    restorer.sync()?;
    Ok(restorer.ledger.summary)
}

fn find_version(history: &History, options: &ExtractOptions) -> Result<Version> {
    let found = history.at(options.until).map_err(|error| {
        error.hint("-until with a smaller version may find one that can be read")
    })?;
    found.ok_or_else(|| {
        let missing = |what| Error::new(ErrorKind::Missing, what);
        match history.newest() {
            Ok(None) => missing("the archive holds no complete update"),
            _ => missing("no version is as old as -until asks for"),
        }
    })
}

struct Extraction<'a> {
    archive: Archive,
    options: &'a ExtractOptions,
}

impl Extraction<'_> {
    /// Restores what a version holds.
    fn newest(
        &self,
        version: &Version,
        requested: &mut Requested,
        restorer: &mut Restorer<'_>,
    ) -> Result<()> {
        let catalog = Catalog::of(&self.archive, version).map_err(|error| {
            error.hint("-until with a smaller version may find one that can be read")
        })?;
        self.restore_requested(&catalog, None, requested, restorer)
    }

    /// Restores what each version changed into a directory of its own.
    fn all(
        &self,
        history: &History,
        digits: usize,
        requested: &mut Requested,
        restorer: &mut Restorer<'_>,
    ) -> Result<()> {
        for version in history.versions(self.options.until)? {
            let catalog = version.and_then(|version| {
                let catalog = Catalog::of_changes(&self.archive, &version)?;
                Ok((version, catalog))
            });
            match catalog {
                Ok((version, catalog)) => {
                    let number = (version.number(), digits);
                    let root = version_directory(number);
                    if self.options.selection.is_wanted(root.as_bytes(), true) {
                        restorer.restore_version(number, version.date())?;
                    }
                    self.restore_requested(&catalog, Some(number), requested, restorer)?;
                }
                Err(error) => restorer.ledger.damage(error),
            }
        }
        Ok(())
    }

    fn restore_requested(
        &self,
        catalog: &Catalog,
        version: Option<(u64, usize)>,
        requested: &mut Requested,
        restorer: &mut Restorer<'_>,
    ) -> Result<()> {
        requested.for_each_entry(catalog, |entry| match entry {
            Err(error) => {
                restorer.ledger.damage(error);
                Ok(())
            }
            Ok(entry) if self.is_wanted(&entry, version) => restorer.restore(entry, version),
            Ok(_) => Ok(()),
        })?;
        restorer.finish_version()
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
