//! Where an archive is: the words of the command line that name one.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::storage::{LocalFile, PartNames};

/// Where an archive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// Nowhere: an empty archive that forgets what it is given. `""` on the command line.
    Nowhere,
    /// One file.
    File(PathBuf),
    /// A file for each update.
    Parts(PartNames),
}

impl Location {
    /// Whether a file on disk is one of the archive's parts, or will be: an archive must not archive
    /// itself. One file is told by its identity instead.
    pub fn has_part(&self, path: &Path) -> bool {
        match self {
            Self::Nowhere | Self::File(_) => false,
            Self::Parts(names) => LocalFile::is_part(names, path),
        }
    }
}

impl From<PathBuf> for Location {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("\"\""),
            Self::File(path) => path.display().fmt(f),
            Self::Parts(names) => names.fmt(f),
        }
    }
}
