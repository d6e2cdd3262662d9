//! Whether there is an archive where somebody says so, without opening it.

use std::io;
use std::path::Path;

use crate::format::ArchiveHeader;
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

    /// Whether there is something where the archive should be.
    pub fn exists(location: &Location) -> bool {
        match location {
            Location::Nowhere => false,
            Location::File(path) => LocalFile::exists(path),
            Location::Parts(names) => LocalParts::exist(names),
        }
    }
}
