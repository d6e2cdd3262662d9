//! What readers hand to the one who writes the update: bytes of files, already cut and hashed.

use std::io;

use crate::archive::Piece;
use crate::base::{Digest, Error};
use crate::compress::ContentKind;

use super::changes::Step;
use super::object_reader::ReadResult;

/// Why a file could not be read into the archive.
pub(super) enum Failure {
    /// The file cannot be read.
    Source(io::Error),
    /// The archive cannot be written, or the user asked to stop.
    Archive(Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Source(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Archive(error)
    }
}

/// Something that the update has to take notice of, in its turn.
pub(super) struct Work {
    pub step: Step,
    /// Whether the object is read by a reader; else nothing is to be read, or only in its turn.
    pub is_read_ahead: bool,
    /// Bytes of content met up to here, with those of this object.
    pub seen_bytes: u64,
}

/// The next thing that a reader has to tell.
pub(super) enum Part {
    /// The object being read had this content before.
    Before(Vec<Piece>),
    /// A fragment of the object being read: its bytes are the next ones of the portion.
    Fragment { len: u32, identity: Digest, kind: ContentKind },
    /// A hole of so many bytes.
    Hole(u64),
    /// The object changed and is read once more: what came of it does not count.
    Again,
    /// All of a work.
    Done(Box<Outcome>),
}

/// A work, and what became of its object if it was read.
pub(super) struct Outcome {
    pub work: Work,
    pub read: Option<ReadResult>,
}

/// Some parts and the bytes of their fragments, one after another.
pub(super) struct Portion {
    pub bytes: Vec<u8>,
    pub parts: Vec<Part>,
}
