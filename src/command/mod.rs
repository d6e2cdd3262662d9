//! One file a verb: `add`, `extract`, `index`, `list`, `passwd`, `test` (`verify.rs`), and the parts they share.
//!
//! A command takes options, does the work, tells [`crate::base::Progress`] how it goes and returns
//! a summary. It neither parses nor prints.

mod add;
mod adder;
mod archive_comparison;
mod changes;
mod content_comparison;
mod content_reader;
mod core_files;
mod difference;
mod disk_comparison;
mod extract;
mod findings;
mod hard_links;
mod index;
mod key_source;
mod largest;
mod largest_objects;
mod lazy_update;
mod list;
mod missing_parts;
mod object_reader;
mod options;
mod other_archive;
mod passwd;
mod plan;
mod portion;
mod readers;
mod requested;
mod restore_directories;
mod restore_file;
mod restore_fresh;
mod restore_held;
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
mod verify_runs;
mod verify_version;
mod versions;
mod wanted;

pub use add::add;
pub use extract::extract;
pub use index::index;
pub use key_source::KeySource;
pub use list::list;
pub use options::{
    AddOptions, AddSummary, Comparison, ExtractOptions, ExtractSummary, IndexOptions, ListOptions,
    ListSummary, PasswdOptions, PasswdSummary, PlanSummary, PlannedPart, Row, VerifyOptions,
    VerifySummary,
};
pub use passwd::passwd;
pub use plan::plan;
pub use verify::verify;

pub use crate::archive::{IndexUpkeep, Location, PartNames, Rollback};
pub use crate::crypto::{KeyCost, Password};
