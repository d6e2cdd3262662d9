//! What times and numbers tell of an object on disk, and what is left of its metadata.

use crate::archive::{Entry, Stored};
use crate::base::{Kind, Metadata, Status, Timestamp};
use crate::filesystem::Object;

/// Objects younger than this, when looked at, may change again without a new time.
const SETTLED_AFTER_SECONDS: i64 = 2;

/// What an object's times and numbers tell; taken from the walk, or again after reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// What tells changes.
    pub status: Status,
    /// When the content was last modified.
    pub mtime: Timestamp,
}

impl Look {
    /// What the walk saw.
    pub(super) fn of(object: &Object) -> Self {
        Self { status: object.status, mtime: object.mtime }
    }

    /// Number of the file system, if the object has several names.
    pub(super) fn link_device(&self, kind: Kind) -> Option<u64> {
        (kind != Kind::Directory && self.status.links > 1).then_some(self.status.device)
    }

    /// Whether the object could have changed at the present instant without a trace. The change
    /// time decides, since nobody can set it; the modification time too, for file systems that
    /// have no other.
    pub(super) fn is_unsettled(&self, now: Timestamp) -> bool {
        let settled = now.seconds - SETTLED_AFTER_SECONDS;
        let mtime = self.mtime.seconds;
        self.status.ctime.seconds >= settled || (mtime >= settled && mtime <= now.seconds)
    }
}

/// Leaves what is saved with `-noattributes`.
pub(super) fn drop_attributes(metadata: &mut Metadata) {
    metadata.mode = 0;
    (metadata.uid, metadata.gid) = (0, 0);
    metadata.user.clear();
    metadata.group.clear();
    metadata.xattrs.clear();
    metadata.windows_attributes = None;
}

/// Length of an entry's content in bytes.
pub(super) fn size_of(entry: &Entry) -> u64 {
    entry.object.stored().map_or(0, Stored::size)
}
