//! The bytes of an archive, one file a section of `spec/format.md`. Pure: no I/O, no clock.
//!
//! Types are plain data with `encode` and `decode`; decoding checks every rule, so a value that
//! exists is valid. What is read here comes from outside and may be hostile.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

mod anchor;
mod archive_header;
mod commit;
mod content;
mod data;
mod directory;
mod entry;
mod entry_fields;
mod entry_page;
mod fragment_page;
mod frame;
mod identity_page;
mod intent;
mod limits;
mod manifest;
mod origin;
mod packed;
mod place;
mod update;

pub use anchor::Anchor;
pub use archive_header::{ArchiveHeader, Continuation, HeaderFlags};
pub use commit::{Commit, CommitLink};
pub use content::{Piece, Run};
pub use data::{Base, Data};
pub use directory::{Directory, DirectoryBuilder, PageReference, RunKey, RunKind, check_directory};
pub use entry::{Entry, Object, Stored};
pub use entry_page::{EntryPage, EntryPageBuilder, EntryPageReader};
pub use fragment_page::{BlockRecord, FragmentPage, FragmentRecord};
pub use frame::{FrameHeader, FrameType};
pub use identity_page::{IdentityPage, IdentityPrefix, IdentityRecord};
pub use intent::Intent;
pub use limits::{
    BASE_RANGES_MAX, BLOCK_BASES_MAX, BLOCK_BYTES_MAX, BLOCK_DEPTH_MAX, BLOCK_FRAGMENTS_MAX,
    BLOCK_PREFIX_BYTES_MAX, COMMENT_BYTES_MAX, DIRECTORY_LEVELS_MAX, IDENTITY_PAGE_RECORDS_MAX,
    META_BYTES_MAX, PAGE_BYTES, PARTS_MAX, RUNS_MAX, UPDATE_PARTS_MAX,
};
pub use manifest::{Counts, IdentityRun, Manifest, RunReference};
pub use origin::{CopiedRange, Origin};
pub use packed::PackedPayload;
pub use place::{FragmentId, Place};
pub use update::Update;
