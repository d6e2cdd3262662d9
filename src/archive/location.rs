//! Where an archive is: the words of the command line that name one.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where an archive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// Nowhere: an empty archive that forgets what it is given. `""` on the command line.
    Nowhere,
    /// One file.
    File(PathBuf),
}

impl Location {
    /// The file, if there is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Nowhere => None,
            Self::File(path) => Some(path),
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
        }
    }
}
