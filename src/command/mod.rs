//! One file a verb: `add`, `extract`, `index`, `list`, `passwd`, `test` (`verify.rs`), and the parts they share.
//!
//! A command takes options, does the work, tells [`crate::base::Progress`] how it goes and returns
//! a summary. It neither parses nor prints.

mod add;
mod archive_comparison;
mod changes;
mod content_comparison;
mod content_reader;
mod difference;
mod disk_comparison;
mod extract;
mod findings;
mod index;
mod key_source;
mod largest;
mod largest_objects;
mod list;
mod object_reader;
mod options;
mod other_archive;
mod passwd;
mod requested;
mod restore_directories;
mod restore_ledger;
mod restore_links;
mod restore_place;
mod restore_window;
mod restorer;
mod rollback;
mod rows;
mod same_object;
mod scope;
mod status;
mod verify;
mod verify_blocks;
mod verify_entries;
mod verify_version;
mod versions;

pub use add::add;
pub use extract::extract;
pub use index::index;
pub use key_source::KeySource;
pub use list::list;
pub use options::{
    AddOptions, AddSummary, Comparison, ExtractOptions, ExtractSummary, IndexOptions, ListOptions,
    ListSummary, PasswdOptions, PasswdSummary, Row, VerifyOptions, VerifySummary,
};
pub use passwd::passwd;
pub use verify::verify;

pub use crate::archive::{IndexUpkeep, Location, PartNames, Rollback};
pub use crate::crypto::{KeyCost, Password};
