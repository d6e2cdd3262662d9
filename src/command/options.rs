//! What can be asked of each command and what it answers: plain values, no work.

use crate::archive::{Location, PartNames, Rollback};
use crate::base::{ByteRanges, Environment, Metadata, StoredPath, Timestamp, Until};
use crate::compress::MethodChoice;
use crate::crypto::KeyCost;
use crate::select::{Rename, Selection};

use super::key_source::KeySource;

/// What `add` is asked to do.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub struct AddOptions {
    /// The archive.
    pub archive: Location,
    /// `-key`: that of an encrypted archive; a new one is encrypted with it.
    pub key: Option<KeySource>,
    /// What a guess at the password of a new archive costs.
    pub key_cost: KeyCost,
    /// Files and directories as the user named them, as bytes.
    pub files: Vec<Vec<u8>>,
    /// `-only` and `-not`, applied to names on disk.
    pub selection: Selection,
    /// `-to`: names on disk to names in the archive.
    pub rename: Rename,
    /// `-until`: the version to go back to before anything is added; a date is also that of the
    /// update.
    pub until: Until,
    /// `-force`: read every file, also those whose size and times did not change; lose versions by
    /// `-until` unasked.
    pub force: bool,
    /// `-fragment N`; without it an archive keeps its own, a new one takes 6.
    pub fragment: Option<u8>,
    /// `-partsize`: an update goes on in another part of an archive in parts when one would be longer
    /// than so many bytes.
    pub part_bytes: Option<u64>,
    /// `-method`; without it an archive stays what it is, and a new one keeps data.
    pub method: Option<MethodChoice>,
    /// Whether mode, owner and extended attributes are saved (not with `-noattributes`).
    pub attributes: bool,
    /// Whether what is gone from disk is marked deleted (not with `-nodelete`).
    pub delete: bool,
    /// `-special`: device nodes and sockets too.
    pub special: bool,
    /// `-test`: do everything but write.
    pub dry: bool,
    /// `-threads N`: blocks compressed at the same time, at least 1.
    pub threads: usize,
    /// Clock and dice.
    pub environment: Environment,
}

impl AddOptions {
    /// Whether nothing is kept of what is done.
    pub fn is_dry(&self) -> bool {
        self.dry || self.archive == Location::Nowhere
    }

    /// The date that the update is to have; without one it is the present.
    pub fn date(&self) -> Option<i64> {
        match self.until {
            Until::Date(date) => Some(date),
            Until::Latest | Until::Version(_) | Until::Before(_) => None,
        }
    }
}

/// What `add` did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddSummary {
    /// Files, directories and other objects met on disk.
    pub seen: u64,
    /// Bytes of content met on disk.
    pub seen_bytes: u64,
    /// Names that were not in the archive.
    pub added: u64,
    /// Names whose content or metadata changed.
    pub updated: u64,
    /// Names marked deleted.
    pub deleted: u64,
    /// Names looked at again without finding a change worth showing (new ctime or inode only).
    pub touched: u64,
    /// Bytes of content that no earlier fragment held.
    pub new_bytes: u64,
    /// Bytes appended to the archive.
    pub stored_bytes: u64,
    /// Length of the archive before, without the versions that were rolled back.
    pub archive_bytes_before: u64,
    /// The versions that `-until` took away, or would have taken away with `-test`.
    pub rolled_back: Option<Rollback>,
    /// The update that was committed; nothing when nothing changed or with `-test`.
    pub version: Option<u64>,
    /// First bytes of the new state's digest, in hexadecimal: stands for the whole history.
    pub fingerprint: Option<String>,
    /// Objects that could not be stored as they are; each was named to `Progress::warn`.
    pub problems: u64,
    /// Files that were named, each once.
    pub named: u64,
    /// Of these, the ones that are neither on disk nor in the archive; each is a problem too.
    pub missing: u64,
}

/// What `list` is asked to show.
#[derive(Debug, Clone)]
pub struct ListOptions {
    /// The archive.
    pub archive: Location,
    /// `-key`: that of an encrypted archive.
    pub key: Option<KeySource>,
    /// Files and directories to compare with the disk, or another archive to compare with; none
    /// lists the archive alone.
    pub files: Vec<Vec<u8>>,
    /// `-only` and `-not`.
    pub selection: Selection,
    /// `-to`: names on disk to names in the archive.
    pub rename: Rename,
    /// `-until`.
    pub until: Until,
    /// `-all`: every version, its number with this many digits.
    pub all: Option<usize>,
    /// `-summary`: only so many, the largest, at least 1; nothing is compared.
    pub summary: Option<usize>,
    /// `-force`: compare contents, not dates.
    pub force: bool,
    /// Whether mode, owner and extended attributes are compared and shown.
    pub attributes: bool,
    /// `-special`: compare device nodes and sockets too.
    pub special: bool,
    /// Clock and dice.
    pub environment: Environment,
}

/// Whether an object is the same inside and outside the archive: the manual's symbols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Same,
    /// `#`: the archive's side of a pair that differs.
    Different,
    /// `-`: in the archive only, or not compared.
    InternalOnly,
    /// `+`: on disk only, or the disk's side of a pair that differs.
    ExternalOnly,
    /// `^`: a file of the archive with the content of the file before it, with `-summary`.
    Duplicate,
}

impl Comparison {
    /// The manual's symbol.
    pub fn symbol(self) -> char {
        match self {
            Self::Same => '=',
            Self::Different => '#',
            Self::InternalOnly => '-',
            Self::ExternalOnly => '+',
            Self::Duplicate => '^',
        }
    }
}

/// One line of `list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// An object inside or outside.
    Object {
        /// How the two sides compare.
        comparison: Comparison,
        /// Version directory with `-all`: the number, and how many digits it has at least.
        version: Option<(u64, usize)>,
        /// The name; as stored for the inside, as renamed for the outside.
        path: StoredPath,
        /// Nothing for a deleted object, and for one of a kind that only a newer zarc knows.
        metadata: Option<Metadata>,
        /// Whether mode, owner and extended attributes of `metadata` mean something.
        has_attributes: bool,
        /// Whether the version marks it as deleted.
        is_deleted: bool,
        /// Length of the content in bytes; of a directory, with `-summary`, of all in it.
        size: u64,
    },
    /// The root directory of one version, with `-all`.
    Version {
        /// The number, and how many digits it has at least.
        version: (u64, usize),
        /// When it was committed.
        date: Timestamp,
        /// Names added or updated.
        updates: u64,
        /// Names marked deleted.
        deletions: u64,
        /// Bytes of content in the whole version; with `-summary`, of what is listed of it.
        size: u64,
        /// Bytes it takes in the archive.
        stored_bytes: u64,
    },
}

/// What `list` found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListSummary {
    /// Updates in the archive, up to the one listed.
    pub versions: u64,
    /// Length of the archive file up to there.
    pub archive_bytes: u64,
    /// Pairs that are the same.
    pub same: u64,
    /// Pairs that differ.
    pub different: u64,
    /// Inside only.
    pub internal_only: u64,
    /// Objects of the outside that are shown: outside only, and the outside of pairs that differ, as
    /// zpaq counts them.
    pub external_only: u64,
    /// Files with the content of the file before them, with `-summary`.
    pub duplicates: u64,
    /// The file that was named is an archive, and the two were compared.
    pub is_of_two_archives: bool,
    /// Objects on disk that could not be read.
    pub problems: u64,
    /// Pages of the index that could not be read; each was named.
    pub damaged: u64,
}

/// What `extract` is asked to restore.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub struct ExtractOptions {
    /// The archive file.
    pub archive: Location,
    /// `-key`: that of an encrypted archive.
    pub key: Option<KeySource>,
    /// Names in the archive; none means all.
    pub files: Vec<Vec<u8>>,
    /// `-only` and `-not`, applied to names in the archive.
    pub selection: Selection,
    /// `-to`: names in the archive to names on disk, or one prefix for all.
    pub rename: Rename,
    /// `-until`.
    pub until: Until,
    /// `-all`: every version in its own numbered directory with this many digits.
    pub all: Option<usize>,
    /// `-force`: overwrite what differs.
    pub force: bool,
    /// Whether mode, owner and extended attributes are restored.
    pub attributes: bool,
    /// `-special`: create device nodes and sockets.
    pub special: bool,
    /// `-test`: decode and check, write nothing.
    pub dry: bool,
    /// Blocks decoded at the same time, at least 1.
    pub threads: usize,
}

/// What `extract` did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtractSummary {
    /// Objects written.
    pub written: u64,
    /// Objects that existed and were left alone.
    pub skipped: u64,
    /// Objects found identical (with `-force`).
    pub identical: u64,
    /// Bytes of content written.
    pub bytes: u64,
    /// Names asked for that the version does not hold.
    pub missing: u64,
    /// Objects that could not be restored completely; each was named.
    pub problems: u64,
    /// Of these, the ones whose stored bytes are damaged.
    pub damaged: u64,
}

/// What an extraction needs of one part, with `-plan`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedPart {
    /// Its number; 1 for an archive of one file.
    pub part: u32,
    /// The name of its file, or of the archive if that is one file.
    pub name: String,
    /// Whether it can be read.
    pub is_there: bool,
    /// The bytes that are needed.
    pub ranges: ByteRanges,
    /// Blocks of it that are needed too; where they are is known when it is there.
    pub unknown_blocks: u64,
}

/// What an extraction needs in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanSummary {
    /// Objects that are wanted.
    pub objects: u64,
    /// Bytes of their content.
    pub content_bytes: u64,
    /// Parts that are needed.
    pub parts: u64,
    /// Of these, the ones that are missing.
    pub missing_parts: u64,
    /// Ranges of bytes in all of them.
    pub ranges: u64,
    /// Bytes of these ranges.
    pub bytes: u64,
    /// Names asked for that the version does not hold.
    pub missing: u64,
    /// Parts and pages of the index that cannot be read; each was named.
    pub damaged: u64,
}

impl PlanSummary {
    /// Counts a part.
    pub(super) fn take(&mut self, ranges: &ByteRanges, is_there: bool) {
        self.parts += 1;
        self.missing_parts += u64::from(!is_there);
        self.ranges += ranges.count() as u64;
        self.bytes = self.bytes.saturating_add(ranges.bytes());
    }
}

/// What `test` is asked to check.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// The archive file.
    pub archive: Location,
    /// `-key`: that of an encrypted archive.
    pub key: Option<KeySource>,
    /// `-until`: check this state and those before it.
    pub until: Until,
    /// `-expect`: what the fingerprint of that state begins with, in small letters.
    pub expect: Option<String>,
    /// Blocks decoded at the same time, at least 1.
    pub threads: usize,
}

/// What `test` found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifySummary {
    /// Updates checked.
    pub versions: u64,
    /// Frames whose checksum was computed.
    pub frames: u64,
    /// Blocks decoded.
    pub blocks: u64,
    /// Fragments whose digest was computed.
    pub fragments: u64,
    /// Entries, over all versions, whose content was found complete.
    pub files: u64,
    /// Bytes of fragments checked.
    pub bytes: u64,
    /// Fragments that cannot be checked: the archive holds no data, or their parts are not there.
    pub unchecked: u64,
    /// Things found wrong; each was named.
    pub damaged: u64,
    /// Fingerprint of the newest state checked.
    pub fingerprint: Option<String>,
}

/// What `passwd` is asked to do.
#[derive(Debug, Clone)]
pub struct PasswdOptions {
    /// The archive.
    pub archive: Location,
    /// `-key`: the password that opens it now.
    pub key: KeySource,
    /// `-newkey`: the one that is to.
    pub new_key: KeySource,
    /// What a guess at the new one costs.
    pub key_cost: KeyCost,
    /// Clock and dice.
    pub environment: Environment,
}

/// What `passwd` did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswdSummary {
    /// How many passwords the archive has had, with this one.
    pub generation: u32,
}

/// What `index` is asked to do.
#[derive(Debug, Clone)]
pub struct IndexOptions {
    /// The archive, which is in parts.
    pub archive: PartNames,
    /// `-key`: its password.
    pub key: Option<KeySource>,
    /// Make it anew, whatever is there.
    pub force: bool,
}
