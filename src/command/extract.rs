//! `extract`: which entries of which version are restored.

use crate::archive::{Archive, BlockTable, History, Version};
use crate::base::{Error, ErrorKind, Progress, Result};

use super::key_source::password_of;
use super::missing_parts::tell_costs;
use super::options::{ExtractOptions, ExtractSummary};
use super::requested::Requested;
use super::restore_ledger::Ledger;
use super::restorer::Restorer;
use super::scope::tell_notice;
use super::wanted::Request;

/// Restores objects from a version.
pub fn extract(options: &ExtractOptions, progress: &dyn Progress) -> Result<ExtractSummary> {
    extract_from(options, progress).map_err(|error| error.at(&options.archive))
}

fn extract_from(options: &ExtractOptions, progress: &dyn Progress) -> Result<ExtractSummary> {
    let mut requested = Requested::new(&options.files)?;
    let password = password_of(&options.archive, options.key.as_ref(), progress)?;
    let archive = Archive::open_location(&options.archive, password.as_ref())?;
    expect_data(&archive)?;
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
    let request = Request { archive: &archive, version: &newest, options };
    tell_costs(&request, &mut requested, &table, progress)?;
    let mut restorer = Restorer::new(options, table, ledger)?;
    let result = request.each(&mut requested, &mut |wanted| restorer.take(wanted));
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

/// Fails if there is nothing that could be extracted.
pub(super) fn expect_data(archive: &Archive) -> Result<()> {
    if archive.holds_data() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Missing, "cannot extract")
        .because("the archive is an index, made with -method i, and holds no data"))
}

/// The version that is meant.
pub(super) fn find_version(history: &History, options: &ExtractOptions) -> Result<Version> {
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
