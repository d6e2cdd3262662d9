//! `list`: versions, their objects, and how they compare with the disk.

use crate::archive::{Archive, Catalog, History, Location, Version};
use crate::base::{Progress, Result, StoredPath, Timestamp};
use crate::filesystem;
use crate::select::in_version;

use super::disk_comparison::compare_with_disk;
use super::options::{Comparison, ListOptions, ListSummary, Row};
use super::rows::Rows;
use super::scope::{Scope, catalog, tell_notice};

/// Shows versions and compares them with the disk; rows come in stored order.
pub fn list(
    options: &ListOptions,
    show: &mut dyn FnMut(Row) -> Result<()>,
    progress: &dyn Progress,
) -> Result<ListSummary> {
    let archive = match &options.archive {
        Location::File(path) => Archive::open_path(path)?,
        Location::Nowhere => Archive::open_nowhere(0, &options.environment)?,
    };
    let is_damaged = tell_notice(&archive, progress);
    let scope = Scope::new(&options.files, &options.selection, &options.rename)?;
    let version = History::of(&archive).at(options.until)?;
    let summary = ListSummary {
        versions: version.as_ref().map_or(0, Version::number),
        archive_bytes: version.as_ref().map_or(0, Version::end),
        damaged: u64::from(is_damaged),
        ..ListSummary::default()
    };
    let mut rows = Rows { show, progress, attributes: options.attributes, summary };
    if let Some(digits) = options.all {
        list_versions(&archive, options, digits, &mut rows)?;
    } else if options.files.is_empty() {
        list_version(&catalog(&archive, version.as_ref())?, options, &mut rows)?;
    } else {
        filesystem::raise_descriptor_limit();
        compare_with_disk(&archive, version.as_ref(), &scope, options, &mut rows)?;
    }
    Ok(rows.summary)
}

fn list_version(catalog: &Catalog, options: &ListOptions, rows: &mut Rows<'_>) -> Result<()> {
    for entry in catalog.entries() {
        rows.check_stopped()?;
        let Some(entry) = rows.readable(entry) else { continue };
        if options.selection.is_wanted(entry.path.as_bytes()) {
            rows.entry(Comparison::InternalOnly, &entry, None)?;
        }
    }
    Ok(())
}

/// Every version as a directory: its date and counts, then what it changed.
fn list_versions(
    archive: &Archive,
    options: &ListOptions,
    digits: usize,
    rows: &mut Rows<'_>,
) -> Result<()> {
    let named: Vec<StoredPath> =
        options.files.iter().map(|file| StoredPath::normalized(file)).collect::<Result<_>>()?;
    for version in History::of(archive).versions(options.until)? {
        let version = version?;
        let number = (version.number(), digits);
        if options.selection.is_wanted(format!("{:0digits$}/", number.0).as_bytes()) {
            rows.show(version_row(&version, number))?;
        }
        for entry in Catalog::of_changes(archive, &version)?.changes() {
            rows.check_stopped()?;
            let Some(entry) = rows.readable(entry) else { continue };
            let is_named = named.is_empty() || named.iter().any(|name| entry.path.is_within(name));
            let shown = in_version(number.0, number.1, &entry.path)?;
            if is_named && options.selection.is_wanted(shown.as_bytes()) {
                rows.entry(Comparison::InternalOnly, &entry, Some(number))?;
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
