//! Every size limit: `spec/format.md` section 14. A test compares this file with that table.

/// Commit page, header page.
pub const PAGE_BYTES: u64 = 4096;
/// Raw length of a block.
pub const BLOCK_BYTES_MAX: u64 = 1 << 28;
/// Fragments of a block.
pub const BLOCK_FRAGMENTS_MAX: u64 = 1 << 20;
/// Base blocks of a block.
pub const BLOCK_BASES_MAX: u64 = 16;
/// Bytes that a block takes from its base blocks.
pub const BLOCK_PREFIX_BYTES_MAX: u64 = 1 << 26;
/// Base blocks one behind another.
pub const BLOCK_DEPTH_MAX: u64 = 2;
/// Payload of a DATA frame.
pub const DATA_PAYLOAD_BYTES_MAX: u64 = (1 << 28) + (1 << 24);
/// Payload and raw bytes of every packed frame.
pub const META_BYTES_MAX: u64 = 1 << 26;
/// Payload of an UPDATE frame.
pub const UPDATE_PAYLOAD_BYTES_MAX: u64 = 4096;
/// Payload of a COMMIT, INTENT or ANCHOR frame.
pub const COMMIT_PAYLOAD_BYTES_MAX: u64 = 416;
/// Payload of an ORIGIN frame.
pub const ORIGIN_PAYLOAD_BYTES_MAX: u64 = 1 << 24;
/// Path.
pub const PATH_BYTES_MAX: u64 = 32768;
/// Component of a path.
pub const COMPONENT_BYTES_MAX: u64 = 1023;
/// Value of an entry's field but content.
pub const FIELD_BYTES_MAX: u64 = 1 << 24;
/// Comment.
pub const COMMENT_BYTES_MAX: u64 = 65536;
/// Live runs of one kind.
pub const RUNS_MAX: u64 = 1024;
/// Counts of names, blocks and fragments; block numbers.
pub const COUNT_MAX: u64 = 1 << 62;
/// Number of a part.
pub const PARTS_MAX: u64 = 1 << 18;
/// Parts of one update.
pub const UPDATE_PARTS_MAX: u64 = 1 << 16;
/// Ranges of one base block.
pub const BASE_RANGES_MAX: u64 = 1 << 16;
/// Records of an identity page.
pub const IDENTITY_PAGE_RECORDS_MAX: u64 = 1 << 16;
/// Levels of directories of a run.
pub const DIRECTORY_LEVELS_MAX: u64 = 16;
/// Raw bytes of a directory.
pub const DIRECTORY_BYTES_MAX: u64 = 1 << 20;

const _: () = assert!(BLOCK_BYTES_MAX < DATA_PAYLOAD_BYTES_MAX);
// Each fragment of a block takes at most 4 bytes of length and 32 of identity.
const _: () = assert!(BLOCK_FRAGMENTS_MAX * 36 + 64 <= META_BYTES_MAX);
// A directory may need to list several pages with the longest first keys.
const _: () = assert!(17 * (PATH_BYTES_MAX + 40) < DIRECTORY_BYTES_MAX);
const _: () = assert!(FIELD_BYTES_MAX < META_BYTES_MAX);
const _: () = assert!(PATH_BYTES_MAX == crate::base::StoredPath::LEN_MAX as u64);
const _: () = assert!(COMPONENT_BYTES_MAX == crate::base::StoredPath::COMPONENT_LEN_MAX as u64);
