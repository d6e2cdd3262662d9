//! One file a verb: `add`, `extract`, `list`, `test`.
//!
//! A command takes options, does the work, tells [`crate::base::Progress`] how it goes and returns
//! a summary. It neither parses nor prints.

mod extract;
mod findings;
mod options;
mod requested;
mod restore_directories;
mod restore_ledger;
mod restore_links;
mod restore_place;
mod restore_window;
mod restorer;
mod same_object;
mod verify;
mod verify_blocks;
mod verify_entries;
mod verify_version;

pub use extract::extract;
pub use options::{
    AddOptions, AddSummary, Comparison, ExtractOptions, ExtractSummary, ListOptions, ListSummary,
    Row, VerifyOptions, VerifySummary,
};
pub use verify::verify;

use crate::base::{Error, Progress, Result};

/// Appends what changed on disk as one update.
pub fn add(_options: &AddOptions, _progress: &dyn Progress) -> Result<AddSummary> {
    Err(Error::usage("add is not written yet"))
}

/// Shows versions and compares them with the disk; rows come in stored order.
pub fn list(
    _options: &ListOptions,
    _show: &mut dyn FnMut(Row) -> Result<()>,
    _progress: &dyn Progress,
) -> Result<ListSummary> {
    Err(Error::usage("list is not written yet"))
}
