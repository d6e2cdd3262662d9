//! The second archive of a `list`: when a file that the user names is meant as one.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::archive::{Archive, History, Version};
use crate::base::{Error, ErrorKind, Progress, Result, Until};
use crate::crypto::Password;

use super::options::ListOptions;
use super::scope::{Scope, catalog, tell_notice_of};

/// The second archive and its version that is meant.
pub(super) struct OtherArchive {
    pub path: PathBuf,
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
        let Some(path) = archive_called(typed) else { return Ok(None) };
        if catalog(archive, version)?.entries_within(&root.stored).next().is_some() {
            progress.warn(&format!(
                "{} is an archive, but also a name in the first one: it is compared as a file",
                path.display()
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
                "{} is an archive that the first one does not hold as a file, so the two are compared",
                path.display()
            )));
        }
        let archive = open(&path, password)?;
        let is_damaged = tell_notice_of(&archive, &format!("{}: ", path.display()), progress);
        let until = match options.until {
            Until::Before(_) => Until::Version(version.map_or(0, Version::number)),
            until => until,
        };
        let version = History::of(&archive).at(until).map_err(|error| error.at(path.display()))?;
        Ok(Some(Self { path, archive, version, is_damaged }))
    }
}

/// Opens an archive that may be encrypted with the password of the first one, or not at all.
fn open(path: &Path, password: Option<&Password>) -> Result<Archive> {
    match (Archive::open_path(path, None), password) {
        (Err(error), Some(_)) if error.kind() == ErrorKind::Usage => {
            Archive::open_path(path, password)
        }
        (opened, _) => opened,
    }
}

/// The archive on disk that has this name, or this name and the extension if nothing has it.
fn archive_called(typed: &[u8]) -> Option<PathBuf> {
    let path = Path::new(OsStr::from_bytes(typed));
    let is_archive = match Archive::is_at(path) {
        None if path.file_name().is_some_and(|name| !name.as_bytes().contains(&b'.')) => {
            let path = path.with_extension("zarc");
            return Archive::is_at(&path)?.then_some(path);
        }
        is_archive => is_archive?,
    };
    is_archive.then(|| path.to_owned())
}
