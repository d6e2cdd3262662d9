//! Whether there is an archive where somebody says so, without opening it.

use std::io;
use std::path::Path;

use crate::base::Result;
use crate::format::ArchiveHeader;
use crate::journal::Journal;
use crate::storage::{LocalFile, LocalParts, PartNames};

use super::location::Location;
use super::open::Archive;

impl Archive {
    /// Whether a file is an archive by its first bytes; nothing if there is nothing of that name.
    /// What cannot be read is none: whoever needs it as a file is told why.
    pub fn is_at(path: &Path) -> Option<bool> {
        match LocalFile::begins_with(path, &ArchiveHeader::MAGIC) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            begins => Some(begins.unwrap_or(false)),
        }
    }

    /// The same of files that have the names of parts: whether the first of them is an archive.
    pub fn are_at(names: &PartNames) -> Option<bool> {
        let first = LocalParts::first(names)?;
        Self::is_at(&names.path(first).ok()?)
    }

    /// Fails if there is no archive, if it needs a password and none is given, or if one is given that it does
    /// not need: before anybody is asked for one. Whatever else is wrong shows when it is opened.
    pub fn expect_key(location: &Location, is_given: bool) -> Result<()> {
        let paths = match location {
            Location::Nowhere => return Ok(()),
            Location::File(path) => {
                LocalFile::open(path)?;
                vec![path.clone()]
            }
            Location::Parts(names) => {
                LocalParts::open(names)?;
                let numbers = LocalFile::parts_of(names)?.into_iter();
                numbers.map(|number| names.path(number)).collect::<Result<_>>()?
            }
        };
        let mut result = Ok(());
        for path in paths {
            let Ok(file) = LocalFile::open(&path) else { return Ok(()) };
            result = Journal::expect_key(&file, is_given).map_err(|error| error.at(location));
            // If some parts are encrypted and others are not, that is what has to be said.
            if result.is_ok() {
                break;
            }
        }
        result
    }

    /// Whether there is something where the archive should be.
    pub fn exists(location: &Location) -> bool {
        match location {
            Location::Nowhere => false,
            Location::File(path) => LocalFile::exists(path),
            Location::Parts(names) => LocalParts::exist(names),
        }
    }
}
