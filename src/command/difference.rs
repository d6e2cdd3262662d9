//! What counts as a change: the one rule of `list` and of `add`.
//!
//! Where `stat` tells nothing new, an object is the same. Else it is looked at again: it differs if
//! its date, its attributes (if they are compared, and were saved) or its content differ. Contents
//! are compared by bytes, so that what was only cut in another way is the same. `add -force` looks
//! at everything again, and saves attributes that are not saved yet; `list -force` compares
//! contents only.

use crate::archive::Stored;
use crate::base::{Kind, Metadata};
use crate::filesystem::Object;

use super::status::{Look, drop_attributes};

/// Whether nothing that `stat` tells is new, so that the object need not be looked at again.
pub(super) fn is_known(object: &Object, old: &Stored, attributes: bool) -> bool {
    let look = Look::of(object);
    let metadata = &old.metadata;
    let has_mode = (object.mode, object.uid, object.gid)
        == (metadata.mode, metadata.uid, metadata.gid)
        || !(attributes && old.has_attributes);
    object.kind == metadata.kind
        && object.mtime == metadata.mtime
        && look.status.ctime == old.ctime
        && look.status.inode == old.inode
        && look.link_device(object.kind) == old.device
        && (object.kind != Kind::File || look.status.size == old.size())
        && has_mode
        && !old.is_unsettled
}

/// Whether date and attributes are the same, and all that is no regular file has.
pub(super) fn is_same_metadata(new: &Metadata, old: &Stored, attributes: bool) -> bool {
    new.mtime == old.metadata.mtime
        && is_same_thing(new, &old.metadata)
        && (!(attributes && old.has_attributes) || has_same_attributes(new, &old.metadata))
}

/// Whether kind, target of a link and numbers of a device are the same: what stands for the
/// content of everything but regular files.
pub(super) fn is_same_thing(new: &Metadata, old: &Metadata) -> bool {
    new.kind == old.kind && new.link_target == old.link_target && new.device == old.device
}

/// Whether all that `-noattributes` leaves out is the same.
pub(super) fn has_same_attributes(new: &Metadata, old: &Metadata) -> bool {
    (new.mode, new.uid, new.gid) == (old.mode, old.uid, old.gid)
        && new.user == old.user
        && new.group == old.group
        && new.xattrs == old.xattrs
}

/// What `add` saves, and whether it is a change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Saving {
    /// Not with `-noattributes`.
    pub attributes: bool,
    /// `-force`.
    pub force: bool,
}

impl Saving {
    /// Whether `new`, with all its attributes, is another object than `old` for the one who
    /// restores it. Leaves in it what is to be saved; if it is no change, the attributes of `old`.
    pub(super) fn is_change(self, new: &mut Stored, old: Option<&Stored>) -> bool {
        if let Some(old) = old
            && is_same_metadata(&new.metadata, old, self.attributes)
            && new.content == old.content
            && (old.has_attributes || !(self.force && self.attributes))
        {
            keep_what_was_saved(new, old);
            return false;
        }
        if !self.attributes {
            drop_attributes(&mut new.metadata);
            new.has_attributes = false;
        }
        true
    }
}

fn keep_what_was_saved(new: &mut Stored, old: &Stored) {
    // Old attributes beside a new change time would pass for those of that time: whoever saves
    // attributes the next time has to look again.
    new.is_unsettled |= old.has_attributes && !has_same_attributes(&new.metadata, &old.metadata);
    new.metadata = old.metadata.clone();
    new.has_attributes = old.has_attributes;
    new.is_touched = old.is_touched;
    new.unknown.clone_from(&old.unknown);
}
