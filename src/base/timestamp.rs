//! Instants in universal time, and the forms of `-until`.

use super::error::Result;

/// An instant: seconds since 1970-01-01 00:00:00 UT (negative before) and nanoseconds after that
/// second (0 to 999,999,999).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp {
    /// Whole seconds, rounded down.
    pub seconds: i64,
    /// The rest, below one second.
    pub nanos: u32,
}

/// Which state of the archive is meant: the argument of `-until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Until {
    /// The newest.
    #[default]
    Latest,
    /// After this many updates; 0 is the empty archive.
    Version(u64),
    /// This many updates before the newest.
    Before(u64),
    /// Whatever was committed at or before this second.
    Date(i64),
}

impl Until {
    /// Reads a version number, a negative one, or a date in any of the manual's forms.
    pub fn parse(_text: &str) -> Result<Self> {
        Err(super::error::Error::usage("not written yet"))
    }
}
