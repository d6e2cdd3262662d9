//! Frames that survive a crash: appended, committed, found again.
//!
//! Knows frames and commits, not what is in them. The order of writes and why a crash at any byte
//! is harmless is argued in `spec/recovery.md`; `tests/crash.rs` tries it.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

mod absent_parts;
mod away_part;
mod commit_point;
mod frame_reader;
mod frame_walk;
mod header_region;
mod index;
mod index_check;
mod index_load;
mod index_rebuild;
mod index_upkeep;
mod index_writer;
mod key_cache;
mod keychain;
mod new_part;
mod part_chain;
mod parts;
mod password_change;
mod pieces;
mod recovery;
mod rollback;
mod tail;
mod update_writer;
mod writer_recovery;

pub use commit_point::CommitPoint;
pub use frame_reader::{Frame, FrameReader};
pub use frame_walk::{FrameWalk, Step};
pub use header_region::NewPart;
pub use index_rebuild::IndexUpkeep;
pub use password_change::{PasswordChange, not_encrypted};
pub use recovery::{Journal, Tail};
pub use rollback::RollbackStage;
pub use update_writer::UpdateWriter;
