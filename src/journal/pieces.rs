//! Updates that go on in further parts, and whether those belong together.

use std::sync::Arc;

use crate::base::{Digest, Error, Result};
use crate::format::{ArchiveHeader, Continuation, FrameType, Place};

use super::frame_reader::FrameReader;
use super::parts::Parts;
use super::recovery::Journal;
use super::tail::if_there;

/// How a part and an earlier one of the same update fit.
pub(super) enum Fit {
    /// As far as can be known.
    Right,
    /// The earlier one does not end where the other one goes on.
    Damaged(Error),
    /// They are of different updates, or attempts at one.
    Fork(Error),
}

/// How `after`, which says that its update starts in `before` or an earlier part, fits to `before`.
pub(super) fn fit_of_pieces(
    parts: &Arc<Parts>,
    before: &ArchiveHeader,
    (after, piece): (&ArchiveHeader, &Continuation),
    genesis: &Digest,
) -> Result<Fit> {
    let (this, next) = (parts.name(before.part), parts.name(after.part));
    let link = if before.part == 1 { genesis } else { &before.link };
    let is_knowable = !parts.is_away(before.part) && !parts.is_away(after.part);
    let is_same = match &before.continues {
        None => before.part == piece.start_part && begins_with(parts, before, after, piece)?,
        Some(earlier) => {
            (earlier.start_part, earlier.nonce) == (piece.start_part, piece.nonce)
                && (!is_knowable || earlier.first_index <= piece.first_index)
        }
    };
    if !is_same || (link, before.first_update) != (&after.link, after.first_update) {
        let update = after.first_update;
        return Ok(Fit::Fork(
            Error::corrupt(format!("{next} does not follow {this}"))
                .because(format!(
                    "{next} goes on with update {update}, of which {this} is no part, or one of another attempt"
                ))
                .hint("one of them comes from another copy of the archive, or from an update that was given up"),
        ));
    }
    if is_knowable && before.part + 1 == after.part {
        let len = parts.backend(before.part)?.len()?;
        if len != piece.bytes_before {
            let cause =
                format!("it has {len} bytes, and {next} goes on behind {}", piece.bytes_before);
            let what = "a part of the archive is damaged or cut short";
            return Ok(Fit::Damaged(Error::corrupt(what).at(this).because(cause)));
        }
    }
    Ok(Fit::Right)
}

/// Whether a part begins with the update; one whose first frame cannot be read is taken to.
fn begins_with(
    parts: &Arc<Parts>,
    before: &ArchiveHeader,
    after: &ArchiveHeader,
    piece: &Continuation,
) -> Result<bool> {
    let reader = FrameReader::of_part(Arc::clone(parts), before.part);
    Ok(if_there(reader.header_at(before.region_bytes()))?.is_none_or(|header| {
        header.frame_type == FrameType::Update
            && header.update == after.first_update
            && header.nonce_prefix == piece.nonce.prefix()
    }))
}

impl Journal {
    /// From now on updates go on in another part when one would be longer than this; a frame is
    /// never split.
    pub fn set_part_bytes(&mut self, part_bytes: Option<u64>) {
        self.part_bytes = part_bytes.filter(|_| self.parts.is_split());
    }

    /// Index of the first frame behind the last commit in the newest part.
    pub(super) fn tail_index(&self) -> u64 {
        let piece = self.header.continues.as_ref().filter(|_| self.is_without_commit());
        piece.map_or(0, |piece| piece.first_index)
    }

    /// Where the update starts that follows the last commit.
    pub(super) fn tail_start(&self) -> Place {
        if self.is_without_commit() {
            Place { part: self.header.start_part(), offset: self.header.region_bytes() }
        } else {
            Place { part: self.part(), offset: self.end() }
        }
    }

    /// Bytes of an unfinished update in the parts before the newest.
    pub(super) fn unfinished_before(&self) -> u64 {
        if !self.is_without_commit() {
            return 0;
        }
        let bytes = |part| self.parts.bytes_before(part);
        bytes(self.part()).saturating_sub(bytes(self.header.start_part()))
    }

    /// Whether no commit of the newest part counts.
    fn is_without_commit(&self) -> bool {
        self.last.as_ref().is_none_or(|last| last.place.part != self.part())
    }
}
