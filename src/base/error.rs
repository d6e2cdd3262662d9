//! The one error of zarc: what kind, what was being done, where, why, what to do.
//!
//! Reading a file that is to be archived fails with `std::io::Error` instead, so that a bad
//! source file can never be taken for a failed write to the archive, nor the other way round.

use std::fmt;

/// What went wrong, as far as a program can act on it. Decides hint and exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request makes no sense: unknown option, contradiction, impossible date.
    Usage,
    /// Something asked for does not exist.
    Missing,
    /// Something is in the way that must not be overwritten.
    Exists,
    /// Bytes of the archive are not what was written.
    Corrupt,
    /// The bytes end before they should.
    Truncated,
    /// Made by a newer zarc, or with a feature that this one cannot read.
    Unsupported,
    /// Another process is writing to the archive.
    Busy,
    /// The operating system refused a read or a write of the archive or the target.
    Io,
    /// A person or a signal stopped the work.
    Stopped,
}

/// An error with its story: `doing (place): cause; outcome`.
#[derive(Debug)]
pub struct Error(Box<Story>);

/// Boxed, so that a result is not larger for what it tells when it fails.
#[derive(Debug)]
struct Story {
    kind: ErrorKind,
    doing: String,
    place: Option<String>,
    cause: Option<String>,
    outcome: Option<String>,
    hint: Option<String>,
    source: Option<std::io::Error>,
}

/// The result of everything that can fail with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of `kind` that happened while `doing` (a verb phrase: "cannot read block 17").
    pub fn new(kind: ErrorKind, doing: impl Into<String>) -> Self {
        let doing = doing.into();
        let (place, cause, outcome, hint, source) = (None, None, None, None, None);
        Self(Box::new(Story { kind, doing, place, cause, outcome, hint, source }))
    }

    /// Bytes are not what they should be.
    pub fn corrupt(doing: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, doing)
    }

    /// The request makes no sense.
    pub fn usage(doing: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, doing)
    }

    /// The operating system said no.
    pub fn io(doing: impl Into<String>, source: std::io::Error) -> Self {
        let mut error = Self::new(ErrorKind::Io, doing);
        error.0.source = Some(source);
        error
    }

    /// Names the file, part or offset; the first place named, the innermost, stays.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.0.place.get_or_insert_with(|| place.to_string());
        self
    }

    /// Says why.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Says what state things are in now; the first one said stays.
    #[must_use]
    pub fn outcome(mut self, outcome: impl Into<String>) -> Self {
        self.0.outcome.get_or_insert_with(|| outcome.into());
        self
    }

    /// Says what the user can do; the first one said stays.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// What a program can act on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The file, part or offset, if one was named.
    pub fn place_text(&self) -> Option<&str> {
        self.0.place.as_deref()
    }

    /// What the user can do, if anything is known.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.doing)?;
        if let Some(place) = &self.0.place {
            write!(f, " ({place})")?;
        }
        if let Some(cause) = &self.0.cause {
            write!(f, ": {cause}")?;
        }
        if let Some(source) = &self.0.source {
            write!(f, ": {source}")?;
        }
        if let Some(outcome) = &self.0.outcome {
            write!(f, "; {outcome}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}
