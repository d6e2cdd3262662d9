//! What a `list` without files goes through: the wanted entries of one version, or with `-all`
//! those that every version changed.

use crate::archive::{Archive, Catalog, Entry, History, Version};
use crate::base::{Result, StoredPath, Timestamp};
use crate::select::{in_version, version_directory};

use super::options::{ListOptions, Row};
use super::rows::Rows;
use super::scope::is_wanted;

/// What is met on the way through all versions.
pub(super) enum Met {
    /// What follows is of this version; its row, unless it is not wanted.
    Version(Option<Row>),
    /// An entry that the version changed, with the number and the digits of its directory.
    Entry(Entry, (u64, usize)),
}

/// Gives the wanted entries to `take`.
pub(super) fn each_wanted(
    catalog: &Catalog,
    options: &ListOptions,
    rows: &mut Rows<'_>,
    take: &mut dyn FnMut(&mut Rows<'_>, Entry) -> Result<()>,
) -> Result<()> {
    for entry in catalog.entries() {
        rows.check_stopped()?;
        let Some(entry) = rows.readable(entry) else { continue };
        if is_wanted(&options.selection, &entry, entry.path.as_bytes()) {
            take(rows, entry)?;
        }
    }
    Ok(())
}

/// Gives every version as a directory to `take`: its date and counts, then what it changed.
pub(super) fn each_version(
    archive: &Archive,
    options: &ListOptions,
    digits: usize,
    rows: &mut Rows<'_>,
    take: &mut dyn FnMut(&mut Rows<'_>, Met) -> Result<()>,
) -> Result<()> {
    let named: Vec<StoredPath> =
        options.files.iter().map(|file| StoredPath::normalized(file)).collect::<Result<_>>()?;
    for version in History::of(archive).versions(options.until)? {
        let Some(version) = rows.readable(version) else { continue };
        let number = (version.number(), digits);
        let root = version_directory(number);
        let is_root_wanted = options.selection.is_wanted(root.as_bytes(), true);
        take(rows, Met::Version(is_root_wanted.then(|| version_row(&version, number))))?;
        let Some(changes) = rows.readable(Catalog::of_changes(archive, &version)) else { continue };
        for entry in changes.changes() {
            rows.check_stopped()?;
            let Some(entry) = rows.readable(entry) else { continue };
            if entry.object.stored().is_some_and(|stored| stored.is_touched) {
                continue;
            }
            let is_named = named.is_empty() || named.iter().any(|name| entry.path.is_within(name));
            let shown = in_version(number.0, number.1, &entry.path)?;
            if is_named && is_wanted(&options.selection, &entry, shown.as_bytes()) {
                take(rows, Met::Entry(entry, number))?;
            }
        }
    }
    Ok(())
}

fn version_row(version: &Version, number: (u64, usize)) -> Row {
    let counts = &version.manifest.counts;
    Row::Version {
        version: number,
        date: Timestamp { seconds: version.date(), nanos: 0 },
        updates: counts.added + counts.updated,
        deletions: counts.deleted,
        size: counts.content_bytes,
        stored_bytes: version.stored_bytes(),
    }
}
