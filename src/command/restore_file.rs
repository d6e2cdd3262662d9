//! A regular file made from its pieces: under a temporary name, moved into its place when it is whole.

use std::io;

use crate::archive::{DecodedBlock, Piece, Run, Stored};
use crate::base::Error;
use crate::filesystem::{NewFile, Restored};

use super::restore_place::Place;

/// How objects are written.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    /// What is there gives way.
    pub(super) replace: bool,
    /// Attributes that were saved are restored.
    pub(super) attributes: bool,
}

/// A piece of a file.
pub(super) struct PlannedPiece {
    pub(super) run: Run,
    /// Where it goes in the file.
    pub(super) offset: u64,
    /// Index of the file in its window.
    pub(super) file: usize,
}

/// Why a file cannot be restored.
pub(super) enum Flaw {
    /// Its stored bytes are damaged.
    Damaged(Error),
    /// The target refuses it.
    Refused(io::Error),
}

/// Makes a file of which `block` holds all the data. Threads may do this side by side.
pub(super) fn make_file(
    place: &Place,
    stored: &Stored,
    pieces: &[PlannedPiece],
    block: &DecodedBlock,
    manner: Manner,
) -> Result<Restored, Flaw> {
    let mut contents = Vec::with_capacity(pieces.len());
    for piece in pieces {
        contents.push((piece.offset, block.run(&piece.run).map_err(Flaw::Damaged)?));
    }
    let write = || {
        let attributes = manner.attributes && stored.has_attributes;
        let (target, path) = (&place.target, &place.path);
        let mut file = target.create_file_with(path, &stored.metadata, attributes)?;
        for (offset, bytes) in contents {
            file.write_at(offset, bytes)?;
        }
        finish_file(Some(file), place, stored, manner)
    };
    write().map_err(Flaw::Refused)
}

/// Gives a file that has all its data its length, metadata and name.
pub(super) fn finish_file(
    begun: Option<NewFile>,
    place: &Place,
    stored: &Stored,
    manner: Manner,
) -> io::Result<Restored> {
    let mut file = match begun {
        Some(file) => file,
        None => place.target.create_file(&place.path)?,
    };
    if matches!(stored.content.last(), Some(Piece::Hole(_))) {
        file.set_len(stored.size())?;
    }
    let attributes = manner.attributes && stored.has_attributes;
    file.finish(&stored.metadata, attributes, manner.replace)
}
