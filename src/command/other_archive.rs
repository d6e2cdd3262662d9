//! The second archive of a `list`: when a file that the user names is meant as one.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::archive::{Archive, History, Location, PartNames, Version};
use crate::base::{Error, ErrorKind, Progress, Result, Until};
use crate::crypto::Password;

use super::options::ListOptions;
use super::scope::{Scope, catalog, tell_notice_of};

/// The second archive and its version that is meant.
pub(super) struct OtherArchive {
    pub location: Location,
    pub archive: Archive,
    pub version: Option<Version>,
    /// Whether something of it is damaged; that was told.
    pub is_damaged: bool,
}

impl OtherArchive {
    /// Opens the only file that is named, if it is an archive and `version` has nothing of that
    /// name. A negative `-until` counts from the end of the first archive.
    pub(super) fn find(
        archive: &Archive,
        version: Option<&Version>,
        scope: &Scope,
        options: &ListOptions,
        password: Option<&Password>,
        progress: &dyn Progress,
    ) -> Result<Option<Self>> {
        let ([typed], [root]) = (&options.files[..], &scope.roots[..]) else { return Ok(None) };
        let Some(location) = archive_called(typed) else { return Ok(None) };
        if catalog(archive, version).entries_within(&root.stored).any(|entry| entry.is_ok()) {
            progress.warn(&format!(
                "{location} is an archive, but also a name in the first one: it is compared as a file"
            ));
            return Ok(None);
        }
        let refused = [
            ("-to", !options.rename.is_none()),
            ("-all", options.all.is_some()),
            ("-summary", options.summary.is_some()),
        ];
        if let Some((option, _)) = refused.iter().find(|(_, is_given)| *is_given) {
            return Err(Error::usage(format!("{option} with two archives")).because(format_args!(
                "{location} is an archive that the first one does not hold as a file, so the two are compared"
            )));
        }
        let archive = open(&location, password, progress)?;
        let is_damaged = tell_notice_of(&archive, &format!("{location}: "), progress);
        let until = match options.until {
            Until::Before(_) => Until::Version(version.map_or(0, Version::number)),
            until => until,
        };
        let version = History::of(&archive).at(until).map_err(|error| error.at(&location))?;
        Ok(Some(Self { location, archive, version, is_damaged }))
    }
}

/// Opens an archive that may be encrypted with the password of the first one, or not at all: then
/// whoever gave a password is told that it protects only one of both.
fn open(
    location: &Location,
    password: Option<&Password>,
    progress: &dyn Progress,
) -> Result<Archive> {
    match (Archive::open_location(location, None), password) {
        (Err(error), Some(_)) if error.kind() == ErrorKind::Usage => {
            Archive::open_location(location, password)
        }
        (Ok(archive), Some(_)) => {
            progress.warn(&format!("{location} is not encrypted, the first archive is"));
            Ok(archive)
        }
        (opened, _) => opened,
    }
}

/// The archive on disk that has this name, or this name and the extension if nothing has it.
fn archive_called(typed: &[u8]) -> Option<Location> {
    let path = Path::new(OsStr::from_bytes(typed));
    match Archive::is_at(path) {
        Some(is_archive) => return is_archive.then(|| Location::File(path.to_owned())),
        None if PartNames::is_pattern(path.as_os_str()) => {
            let names = PartNames::parse(path.as_os_str()).ok()?;
            if let Some(parts) = Archive::are_at(&names) {
                return parts.then_some(Location::Parts(names));
            }
        }
        None => {}
    }
    if path.file_name().is_none_or(|name| name.as_bytes().contains(&b'.')) {
        return None;
    }
    let path = path.with_extension("zarc");
    if PartNames::is_pattern(path.as_os_str()) {
        let names = PartNames::parse(path.as_os_str()).ok()?;
        return Archive::are_at(&names)?.then_some(Location::Parts(names));
    }
    Archive::is_at(&path)?.then_some(Location::File(path))
}
