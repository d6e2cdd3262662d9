//! Whether an object on disk is the one that an entry describes, found out without decoding.

use std::io;

use crate::archive::{BlockTable, Stored};
use crate::base::{Kind, Progress};
use crate::filesystem::Existing;

use super::content_comparison::is_same_content;
use super::restore_place::Place;

/// Whether what is there needs no more than the metadata of a regular file with one name.
pub(super) fn is_same(
    existing: &Existing,
    place: &Place,
    stored: &Stored,
    attributes: bool,
    table: &BlockTable,
    progress: &dyn Progress,
) -> io::Result<bool> {
    let metadata = &stored.metadata;
    if existing.kind != metadata.kind || existing.size != stored.size() {
        return Ok(false);
    }
    // What is applied to one name of an object shows at its other names, which may be anywhere:
    // such an object is left as it is or replaced, never changed.
    let is_changeable = existing.kind == Kind::File && existing.links == 1;
    if !is_changeable && !has_metadata(existing, stored, attributes) {
        return Ok(false);
    }
    if existing.kind != Kind::File {
        return Ok(true);
    }
    match place.target.open_existing(&place.path) {
        Ok(file) => is_same_content(file, &stored.content, table, progress),
        // A file that cannot be read is replaced.
        Err(_) => Ok(false),
    }
}

fn has_metadata(existing: &Existing, stored: &Stored, attributes: bool) -> bool {
    let metadata = &stored.metadata;
    let has_mode = existing.kind == Kind::Symlink || existing.mode == metadata.mode;
    let has_owner = (existing.uid, existing.gid) == (metadata.uid, metadata.gid);
    // Attributes of what is there are not read: an object that should have some is replaced.
    (!attributes || has_mode && has_owner && metadata.xattrs.is_empty())
        && existing.mtime == metadata.mtime
        && existing.link_target == metadata.link_target
        && existing.rdev == metadata.device
}
