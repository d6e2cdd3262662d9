//! What stands at a name in the target before something is restored there.

use std::io;

use rustix::fs::{AtFlags, readlinkat, statat};
use rustix::io::Errno;

use super::directories::Location;
use super::status;
use crate::base::{Kind, Timestamp};

/// An object in the target; a link is looked at, not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    /// What it is.
    pub kind: Kind,
    /// Permission bits with set-user-id, set-group-id and sticky.
    pub mode: u32,
    /// When the content was last modified.
    pub mtime: Timestamp,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Length of a regular file's content.
    pub size: u64,
    /// Numbers of its file system and of itself: names of one object agree in both.
    pub identity: (u64, u64),
    /// How many names it has: with more than one, metadata applied here shows elsewhere too.
    pub links: u64,
    /// Major and minor number of a device node; (0, 0) for everything else.
    pub rdev: (u32, u32),
    /// Where a symbolic link points; empty for everything else.
    pub link_target: Vec<u8>,
}

impl Existing {
    /// What is there now, if anything.
    pub(super) fn look(location: &Location) -> io::Result<Option<Self>> {
        let (parent, name) = (&location.parent, location.name.as_slice());
        let stat = match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(None),
            stat => stat?,
        };
        let Some(kind) = status::kind(&stat) else {
            return Err(io::Error::other("an object of unknown type"));
        };
        let link_target = match kind {
            Kind::Symlink => readlinkat(parent, name, Vec::new())?.into_bytes(),
            _ => Vec::new(),
        };
        Ok(Some(Self {
            kind,
            mode: status::mode(&stat),
            mtime: status::mtime(&stat),
            uid: stat.st_uid,
            gid: stat.st_gid,
            size: status::size(&stat),
            identity: (stat.st_dev, stat.st_ino),
            links: status::status(&stat).links,
            rdev: status::device_numbers(&stat),
            link_target,
        }))
    }
}
