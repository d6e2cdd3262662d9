//! Gives a restored object its metadata: owner, extended attributes, mode, times, in this order.
//!
//! The order matters: a change of owner takes away set-user-id and file capabilities, a new access
//! control list changes the mode, and everything changes the time.

use std::ffi::CStr;
use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{
    AtFlags, CWD, Gid, Mode, Stat, Timespec, Timestamps, UTIME_OMIT, Uid, chmodat, chownat, fchmod,
    futimens, utimensat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::status;
use super::xattr::Handle;
use crate::base::{Kind, Metadata, Timestamp};

const SET_USER_ID: u32 = 0o4000;
const SET_GROUP_ID: u32 = 0o2000;
const THIS_DESCRIPTOR: &CStr = c"";

/// A part of the metadata that could not be restored.
#[derive(Debug)]
pub struct Unapplied {
    /// Which part: "owner", "mode", "extended attribute user.note", "modification time".
    pub what: String,
    /// Why.
    pub error: io::Error,
}

impl fmt::Display for Unapplied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot set {}: {}", self.what, self.error)
    }
}

/// What becomes of mode, owner and extended attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attributes {
    /// They are restored.
    Restore,
    /// They stay as they are.
    Leave,
    /// The mode becomes this, the rest stays.
    Default(u32),
}

impl Attributes {
    /// Those of a regular file; without attributes of its own it is like any new one.
    pub(super) fn of_file(attributes: bool, umask: u32) -> Self {
        if attributes { Self::Restore } else { Self::Default(0o666 & !umask) }
    }

    /// The mode to make a file with: as far as possible the one it is going to have.
    pub(super) fn first_mode(self, metadata: &Metadata) -> Mode {
        let mode = match self {
            Self::Default(mode) => mode,
            // Owner, group and access control list may be others until the end. Whom the owner's
            // bits or a list keep out is not let in before, nor does it matter who is the group if
            // everybody may do the same.
            Self::Restore
                if metadata.uid == geteuid().as_raw()
                    && metadata.mode >> 3 & 0o7 == metadata.mode & 0o7
                    && metadata.xattrs.is_empty() =>
            {
                // Some network file systems let nobody write to a file that forbids it.
                metadata.mode & 0o777 | 0o200
            }
            Self::Restore | Self::Leave => 0o600,
        };
        Mode::from_raw_mode(mode)
    }
}

/// An object by its descriptor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    descriptor: BorrowedFd<'a>,
    /// Opened with `O_PATH`: it stands for the object, but allows less.
    is_place: bool,
}

impl<'a> Subject<'a> {
    /// An open file or directory.
    pub(super) fn open(descriptor: BorrowedFd<'a>) -> Self {
        Self { descriptor, is_place: false }
    }

    /// An object that cannot be opened itself: a link, a pipe, a device node.
    pub(super) fn place(descriptor: BorrowedFd<'a>) -> Self {
        Self { descriptor, is_place: true }
    }

    /// Applies what `attributes` asks for, and the modification time, to what was `before`; tells
    /// what did not work.
    pub(super) fn apply(
        self,
        metadata: &Metadata,
        attributes: Attributes,
        before: &Stat,
    ) -> Vec<Unapplied> {
        let mut report = Report(Vec::new());
        match attributes {
            Attributes::Restore => self.restore(metadata, before, &mut report),
            Attributes::Default(mode) if mode != status::mode(before) => {
                report.note("mode", self.set_mode(mode));
            }
            Attributes::Default(_) | Attributes::Leave => {}
        }
        report.note("modification time", self.set_mtime(metadata.mtime));
        report.0
    }

    fn restore(self, metadata: &Metadata, before: &Stat, report: &mut Report) {
        let mut mode = metadata.mode & 0o7777;
        let owner = self.set_owner(metadata, before);
        let is_owner_kept = matches!(owner, Ok(false));
        if let Err(errno) = owner {
            // Without the owner the permission of the owner must not be given to somebody else.
            if before.st_uid != metadata.uid {
                mode &= !SET_USER_ID;
            }
            if before.st_gid != metadata.gid {
                mode &= !SET_GROUP_ID;
            }
            // Only root may give files away; for everyone else that is how it has to be.
            if errno != Errno::PERM || geteuid().is_root() {
                report.note("owner", Err(errno));
            }
        }
        self.set_xattrs(metadata, status::mode(before), report);
        // A new owner and new attributes change the mode too.
        let is_mode_kept =
            is_owner_kept && metadata.xattrs.is_empty() && mode == status::mode(before);
        if metadata.kind != Kind::Symlink && !is_mode_kept {
            report.note("mode", self.set_mode(mode));
        }
    }

    /// False if it was right already.
    fn set_owner(self, metadata: &Metadata, before: &Stat) -> rustix::io::Result<bool> {
        let owner = (before.st_uid != metadata.uid).then_some(metadata.uid);
        let group = (before.st_gid != metadata.gid).then_some(metadata.gid);
        // The largest number means "leave it" to the system, and is nobody's.
        if owner == Some(u32::MAX) || group == Some(u32::MAX) {
            return Err(Errno::INVAL);
        }
        if owner.is_none() && group.is_none() {
            return Ok(false);
        }
        let (owner, group) = (owner.map(Uid::from_raw), group.map(Gid::from_raw));
        chownat(self.descriptor, THIS_DESCRIPTOR, owner, group, AtFlags::EMPTY_PATH)?;
        Ok(true)
    }

    fn set_xattrs(self, metadata: &Metadata, mode_before: u32, report: &mut Report) {
        let handle = self.handle();
        let existing = match handle.names() {
            Ok(names) => names,
            // The file system of `/proc` is not there, or the object allows none.
            Err(errno) if metadata.xattrs.is_empty() && self.is_place => {
                debug_assert!(errno != Errno::BADF, "a descriptor was closed early");
                return;
            }
            Err(errno) => return report.note("extended attributes", Err(errno)),
        };
        let is_wanted = |name: &[u8]| metadata.xattrs.iter().any(|xattr| xattr.name == name);
        let surplus = existing.iter().filter(|name| decides_on(name) && !is_wanted(name));
        let is_changed = !metadata.xattrs.is_empty();
        if is_changed && mode_before & 0o200 == 0 && metadata.kind != Kind::Symlink {
            // Attributes of a read-only object are read-only too; its mode is set afterwards.
            let _ = self.set_mode(mode_before | 0o200);
        }
        for name in surplus {
            let result = match handle.remove(name) {
                Err(Errno::NODATA) => Ok(()),
                result => result,
            };
            report.note(format_args!("extended attribute {}", name.escape_ascii()), result);
        }
        for xattr in &metadata.xattrs {
            let result = match handle.set(xattr) {
                // What the system sets by itself, such as labels, may be right already.
                Err(_) if handle.value(&xattr.name).is_ok_and(|now| now == xattr.value) => Ok(()),
                result => result,
            };
            report.note(format_args!("extended attribute {}", xattr.name.escape_ascii()), result);
        }
    }

    fn set_mode(self, mode: u32) -> rustix::io::Result<()> {
        let mode = Mode::from_raw_mode(mode);
        match self.handle() {
            Handle::Link(path) => chmodat(CWD, path.as_slice(), mode, AtFlags::empty()),
            _ => fchmod(self.descriptor, mode),
        }
    }

    fn set_mtime(self, mtime: Timestamp) -> rustix::io::Result<()> {
        if mtime.nanos >= 1_000_000_000 {
            // Some of these numbers have a meaning of their own to the system.
            return Err(Errno::INVAL);
        }
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec { tv_sec: mtime.seconds, tv_nsec: mtime.nanos.into() },
        };
        if self.is_place {
            return utimensat(self.descriptor, THIS_DESCRIPTOR, &times, AtFlags::EMPTY_PATH);
        }
        futimens(self.descriptor, &times)
    }

    fn handle(self) -> Handle<'a> {
        if self.is_place { Handle::link(self.descriptor) } else { Handle::Open(self.descriptor) }
    }
}

/// Whether an attribute that the archive does not have is taken away: those that people and access
/// control set, not the labels of the system.
fn decides_on(name: &[u8]) -> bool {
    name.starts_with(b"user.")
        || name.starts_with(b"system.posix_acl_")
        || name == b"security.capability"
}

struct Report(Vec<Unapplied>);

impl Report {
    fn note(&mut self, what: impl fmt::Display, result: rustix::io::Result<()>) {
        if let Err(errno) = result {
            self.0.push(Unapplied { what: what.to_string(), error: errno.into() });
        }
    }
}
