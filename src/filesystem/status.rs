//! From the system's `stat` structure to the words of [`crate::base`].

use rustix::fs::{FileType, Stat};

use crate::base::{Kind, Status, Timestamp};

/// What the object is; nothing for a type that no Unix has today.
pub(super) fn kind(stat: &Stat) -> Option<Kind> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Some(Kind::File),
        FileType::Directory => Some(Kind::Directory),
        FileType::Symlink => Some(Kind::Symlink),
        FileType::Fifo => Some(Kind::Fifo),
        FileType::CharacterDevice => Some(Kind::CharacterDevice),
        FileType::BlockDevice => Some(Kind::BlockDevice),
        FileType::Socket => Some(Kind::Socket),
        FileType::Unknown => None,
    }
}

/// What tells whether the object changed.
pub(super) fn status(stat: &Stat) -> Status {
    Status {
        size: size(stat),
        ctime: timestamp(stat.st_ctime, stat.st_ctime_nsec),
        device: stat.st_dev,
        inode: stat.st_ino,
        #[expect(clippy::useless_conversion, reason = "narrower on other machines")]
        links: stat.st_nlink.into(),
    }
}

/// When the content was last modified.
pub(super) fn mtime(stat: &Stat) -> Timestamp {
    timestamp(stat.st_mtime, stat.st_mtime_nsec)
}

/// Length of a regular file's content, 0 for everything else.
pub(super) fn size(stat: &Stat) -> u64 {
    match kind(stat) {
        Some(Kind::File) => u64::try_from(stat.st_size).unwrap_or(0),
        _ => 0,
    }
}

/// Permission bits with set-user-id, set-group-id and sticky.
pub(super) fn mode(stat: &Stat) -> u32 {
    stat.st_mode & 0o7777
}

/// Major and minor number of a device node, (0, 0) for everything else.
pub(super) fn device_numbers(stat: &Stat) -> (u32, u32) {
    match kind(stat) {
        Some(Kind::CharacterDevice | Kind::BlockDevice) => {
            (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev))
        }
        _ => (0, 0),
    }
}

/// Whether fewer bytes are on disk than the length says: only then are holes looked for.
pub(super) fn is_sparse(stat: &Stat) -> bool {
    // The unit of st_blocks is 512 bytes on every Unix we know, whatever the block size is.
    u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512) < size(stat)
}

fn timestamp(seconds: i64, nanos: u64) -> Timestamp {
    Timestamp { seconds, nanos: u32::try_from(nanos).unwrap_or(0) }
}
