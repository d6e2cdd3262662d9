//! What the archive knows of one name in one update: `spec/format.md` section 7.2.

use crate::base::{Metadata, StoredPath, Timestamp};

use super::content::Piece;

/// A name and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub path: StoredPath,
    /// What it stands for.
    pub object: Object,
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// Nothing any more.
    Deleted,
    /// An object.
    Stored(Box<Stored>),
    /// Something this zarc does not know: kept when entries are rewritten, never extracted.
    Unknown {
        /// Number of the kind.
        kind: u8,
        /// Its fields, tag and value.
        fields: Vec<(u64, Vec<u8>)>,
    },
}

/// An object with everything saved of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What is restored besides the content. Without attributes, mode, owner, group and extended
    /// attributes are empty; those of Windows are there or not by themselves.
    pub metadata: Metadata,
    /// Whether mode, owner, group and extended attributes were saved.
    pub has_attributes: bool,
    /// When content or metadata last changed on disk.
    pub ctime: Timestamp,
    /// Number in its file system.
    pub inode: u64,
    /// Number of its file system, if the object had several names.
    pub device: Option<u64>,
    /// The object was too young, when it was read, to be sure that a later change shows.
    pub is_unsettled: bool,
    /// The update that wrote this changed nothing of the object that is restored.
    pub is_touched: bool,
    /// The content of a regular file.
    pub content: Vec<Piece>,
    /// Fields this zarc does not know, tag and value.
    pub unknown: Vec<(u64, Vec<u8>)>,
}

impl Stored {
    /// Length of the content in bytes.
    pub fn size(&self) -> u64 {
        self.content.iter().map(Piece::bytes).sum()
    }

    /// Whether two entries are names of one object.
    pub fn is_linked_with(&self, other: &Self) -> bool {
        self.device.is_some()
            && (self.device, self.inode, self.ctime) == (other.device, other.inode, other.ctime)
            && self.metadata.mtime == other.metadata.mtime
            && self.content == other.content
    }
}

impl Object {
    /// The object, if there is one that this zarc knows.
    pub fn stored(&self) -> Option<&Stored> {
        match self {
            Self::Stored(stored) => Some(stored),
            Self::Deleted | Self::Unknown { .. } => None,
        }
    }
}
