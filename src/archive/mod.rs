//! An open archive: its versions, the entries of a version, blocks and fragments, and the one way
//! to write, a transaction.
//!
//! Knows no terminal and no file system but the archive's own storage.

mod audit;
mod audited_update;
mod base_choice;
mod block_fetcher;
mod block_packer;
mod block_reader;
mod block_table;
mod catalog;
mod earlier_content;
mod entry_cursor;
mod fragment_index;
mod frame_queue;
mod history;
mod location;
mod merge;
mod open;
mod packed_frame;
mod password;
mod rollback;
mod transaction;

pub use audit::{Audit, Finding};
pub use audited_update::AuditedUpdate;
pub use block_fetcher::BlockFetcher;
pub use block_reader::DecodedBlock;
pub use block_table::BlockTable;
pub use catalog::Catalog;
pub use entry_cursor::EntryCursor;
pub use history::{History, Version};
pub use location::Location;
pub use open::{Archive, Notice, OpenOptions};
pub use password::begin_password_change;
pub use rollback::Rollback;
pub use transaction::{Change, Committed, Transaction, TransactionOptions};

// What entries and runs are made of is the format's business; commands get it here.
pub use crate::format::{
    BlockRecord, Commit, Counts, Entry, FragmentId, FragmentPage, Manifest, Object, Piece, Place,
    Run, Stored,
};
// How far a rollback has come is the journal's.
pub use crate::journal::RollbackStage;
// What parts are called is the storage's.
pub use crate::storage::PartNames;
