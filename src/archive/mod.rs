//! An open archive: its versions, the entries of a version, blocks and fragments, and the one way
//! to write, a transaction.
//!
//! Knows no terminal and no file system but the archive's own storage.

mod audit;
mod audited_update;
mod base_choice;
mod base_gatherer;
mod block_fetcher;
mod block_packer;
mod block_reader;
mod block_sealer;
mod block_table;
mod catalog;
mod change;
mod decoded_block;
mod earlier_blocks;
mod earlier_content;
mod entry_cursor;
mod entry_merger;
mod fragment_index;
mod fragment_merger;
mod fragment_run;
mod frame_queue;
mod gone_parts;
mod history;
mod identity_check;
mod identity_cover;
mod identity_filter;
mod identity_merger;
mod identity_run;
mod identity_run_writer;
mod index;
mod kept_bases;
mod lent_bases;
mod loaded_page;
mod location;
mod merge;
mod open;
mod packed_frame;
mod page_cache;
mod page_hints;
mod part_size;
mod password;
mod presence;
mod rollback;
mod run_directory;
mod run_merger;
mod run_shape;
mod run_writer;
mod stored_identities;
mod transaction;
mod worker_buffer;

pub use audit::{Audit, Finding};
pub use audited_update::AuditedUpdate;
pub use block_fetcher::{BlockFetcher, WantedBlock};
pub use block_table::BlockTable;
pub use catalog::Catalog;
pub use change::Change;
pub use decoded_block::DecodedBlock;
pub use entry_cursor::EntryCursor;
pub use history::{History, Version};
pub use identity_check::has_identities_of;
pub use index::update_index;
pub use location::Location;
pub use open::{Archive, Notice, OpenOptions};
pub use page_hints::PageHints;
pub use password::begin_password_change;
pub use rollback::Rollback;
pub use run_shape::RunShape;
pub use transaction::{Committed, Transaction, TransactionOptions};

// What entries and runs are made of is the format's business; commands get it here.
pub use crate::format::{
    BlockRecord, Commit, Counts, Entry, FragmentId, FragmentPage, IdentityRun, Manifest, Object,
    Piece, Place, Run, RunReference, Stored,
};
// How far a rollback has come is the journal's.
pub use crate::journal::RollbackStage;
// So are what became of an index, and what has no password.
pub use crate::journal::{IndexUpkeep, not_encrypted};
// What parts are called is the storage's.
pub use crate::storage::PartNames;
