//! What times and numbers tell of an object on disk, and what is left of its metadata.

use crate::archive::{Entry, Stored};
use crate::base::{Kind, Metadata, Moment, Status, Timestamp};
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

    /// Whether the object could change after this moment without a trace. The change time decides, since
    /// nobody can set it. Where it is `fine`, the kernel gives a later one from the next tick on; where it may
    /// be anything, two seconds are waited, and the modification time counts too, for file systems that
    /// have no other.
    pub(super) fn is_unsettled(&self, moment: Moment, is_fine: impl FnOnce() -> bool) -> bool {
        let Moment { now, tick } = moment;
        let settled = now.seconds - SETTLED_AFTER_SECONDS;
        let (ctime, mtime) = (self.status.ctime, self.mtime.seconds);
        let is_young = ctime.seconds >= settled || (mtime >= settled && mtime <= now.seconds);
        is_young && !(tick.is_some_and(|tick| ctime < tick) && is_fine())
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

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64, nanos: u32) -> Timestamp {
        Timestamp { seconds, nanos }
    }

    fn is_unsettled(ctime: Timestamp, mtime: Timestamp, tick: Option<Timestamp>) -> bool {
        let status = Status { size: 1, ctime, device: 1, inode: 1, links: 1 };
        Look { status, mtime }.is_unsettled(Moment { now: at(1000, 50), tick }, || true)
    }

    #[test]
    fn times_settle_after_two_seconds_and_fine_ones_after_the_next_tick() {
        let (old, tick) = (at(500, 0), Some(at(1000, 40)));
        for (ctime, coarse, fine) in [
            (at(1001, 0), true, true),
            (at(1000, 41), true, true),
            (at(1000, 40), true, true),
            (at(1000, 39), true, false),
            (at(998, 0), true, false),
            (at(997, 999_999_999), false, false),
        ] {
            assert_eq!(is_unsettled(ctime, old, None), coarse, "{ctime}");
            assert_eq!(is_unsettled(ctime, old, tick), fine, "{ctime}");
        }
        let look = Look {
            status: Status { size: 1, ctime: at(999, 0), device: 1, inode: 1, links: 1 },
            mtime: old,
        };
        assert!(look.is_unsettled(Moment { now: at(1000, 50), tick }, || false));
    }

    #[test]
    fn without_fine_times_of_change_a_new_date_counts_and_one_to_come_does_not() {
        let old = at(500, 0);
        assert!(is_unsettled(old, at(999, 0), None));
        assert!(!is_unsettled(old, at(999, 0), Some(at(1000, 40))));
        assert!(!is_unsettled(old, at(2000, 0), None));
    }
}
