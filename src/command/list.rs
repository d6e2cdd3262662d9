//! `list`: versions, their objects, and how they compare with the disk or another archive.

use std::collections::HashSet;

use crate::archive::{Archive, History, Location, OpenOptions, Version};
use crate::base::{Progress, Result};
use crate::filesystem;

use super::archive_comparison::compare_archives;
use super::disk_comparison::compare_with_disk;
use super::key_source::password_of;
use super::largest_objects::show_largest;
use super::options::{Comparison, ListOptions, ListSummary, Row};
use super::other_archive::OtherArchive;
use super::rows::Rows;
use super::scope::{Scope, catalog, tell_notice};
use super::versions::{Met, each_version, each_wanted};

/// Shows versions and compares them with the disk or another archive; rows come in stored order, with `-summary` by
/// decreasing size.
pub fn list(
    options: &ListOptions,
    show: &mut dyn FnMut(Row) -> Result<()>,
    progress: &dyn Progress,
) -> Result<ListSummary> {
    let password = password_of(&options.archive, options.key.as_ref(), progress)?;
    let archive = match &options.archive {
        location @ (Location::File(_) | Location::Parts(_)) => {
            Archive::open_location(location, password.as_ref())?
        }
        Location::Nowhere => Archive::open_nowhere(OpenOptions::plain(0), &options.environment)?,
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
    let (attributes, told) = (options.attributes, HashSet::new());
    let mut rows = Rows { show, progress, attributes, summary, told };
    let version = version.as_ref();
    let other =
        OtherArchive::find(&archive, version, &scope, options, password.as_ref(), progress)?;
    filesystem::raise_descriptor_limit();
    if let Some(other) = other {
        compare_archives(&archive, version, &other, options, &mut rows)?;
    } else if let Some(count) = options.summary {
        show_largest(&archive, version, &scope, options, count, &mut rows)?;
    } else if let Some(digits) = options.all {
        each_version(&archive, options, digits, &mut rows, &mut |rows, met| match met {
            Met::Version(row) => row.map_or(Ok(()), |row| rows.show(row)),
            Met::Entry(entry, number) => rows.entry(Comparison::InternalOnly, entry, Some(number)),
        })?;
    } else if options.files.is_empty() {
        let catalog = catalog(&archive, version);
        each_wanted(&catalog, options, &mut rows, &mut |rows, entry| {
            rows.entry(Comparison::InternalOnly, entry, None)
        })?;
    } else {
        compare_with_disk(&archive, version, &scope, options, &mut rows)?;
    }
    Ok(rows.summary)
}
