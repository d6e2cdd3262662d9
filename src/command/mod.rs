//! One file a verb: `add`, `extract`, `list`, `test`.
//!
//! A command takes options, does the work, tells [`crate::base::Progress`] how it goes and returns
//! a summary. It neither parses nor prints.

mod add;
mod changes;
mod comparison;
mod content_reader;
mod list;
mod object_reader;
mod options;
mod scope;
mod status;

pub use add::add;
pub use list::list;
pub use options::{
    AddOptions, AddSummary, Comparison, ExtractOptions, ExtractSummary, ListOptions, ListSummary,
    Row, VerifyOptions, VerifySummary,
};

use crate::base::{Error, Progress, Result};

/// Restores objects from a version.
pub fn extract(_options: &ExtractOptions, _progress: &dyn Progress) -> Result<ExtractSummary> {
    Err(Error::usage("extract is not written yet"))
}

/// Reads and checks every stored byte.
pub fn verify(_options: &VerifyOptions, _progress: &dyn Progress) -> Result<VerifySummary> {
    Err(Error::usage("test is not written yet"))
}
