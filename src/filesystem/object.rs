//! One object that a walk met: what `stat` said of it, and the way to the rest.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{Stat, readlinkat};

use super::accounts::AccountNames;
use super::source::SourceFile;
use super::status;
use super::xattr;
use crate::base::{Kind, Metadata, Status, StoredPath, Timestamp, Xattr};

/// Something on disk as a walk met it. Keeps the directory it is in open.
#[derive(Debug)]
pub struct Object {
    /// Its name in the archive.
    pub path: StoredPath,
    /// What it is.
    pub kind: Kind,
    /// What tells whether it changed.
    pub status: Status,
    /// Permission bits with set-user-id, set-group-id and sticky.
    pub mode: u32,
    /// When the content was last modified.
    pub mtime: Timestamp,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Major and minor number of a device node; (0, 0) for everything else.
    pub rdev: (u32, u32),
    place: Place,
}

/// Where an object is on disk: a name in an open directory.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) parent: Arc<OwnedFd>,
    /// What a root is called; everything below is called as in the archive.
    pub(super) root_name: Option<Arc<[u8]>>,
}

impl Place {
    /// The name of what has this path in the archive.
    pub(super) fn name<'a>(&'a self, path: &'a StoredPath) -> &'a [u8] {
        match &self.root_name {
            Some(name) => name,
            None => path.last_component(),
        }
    }
}

impl Object {
    pub(super) fn new(place: Place, path: StoredPath, kind: Kind, stat: &Stat) -> Self {
        Self {
            path,
            kind,
            status: status::status(stat),
            mode: status::mode(stat),
            mtime: status::mtime(stat),
            uid: stat.st_uid,
            gid: stat.st_gid,
            rdev: status::device_numbers(stat),
            place,
        }
    }

    /// All that is saved of it besides its content: asks for attributes and link target now.
    pub fn metadata(&self, names: &mut AccountNames) -> io::Result<Metadata> {
        let xattrs = xattr::read_named(self.place.parent.as_fd(), self.name(), self.kind)?;
        self.metadata_with(xattrs, names)
    }

    /// The same of a file that [`Self::open`] opened, for half the work.
    pub fn metadata_opened(
        &self,
        file: &SourceFile,
        names: &mut AccountNames,
    ) -> io::Result<Metadata> {
        self.metadata_with(file.xattrs()?, names)
    }

    fn metadata_with(&self, xattrs: Vec<Xattr>, names: &mut AccountNames) -> io::Result<Metadata> {
        let link_target = match self.kind {
            Kind::Symlink => readlinkat(&self.place.parent, self.name(), Vec::new())?.into_bytes(),
            _ => Vec::new(),
        };
        Ok(Metadata {
            kind: self.kind,
            mode: self.mode,
            mtime: self.mtime,
            uid: self.uid,
            gid: self.gid,
            user: names.user(self.uid).to_vec(),
            group: names.group(self.gid).to_vec(),
            xattrs,
            link_target,
            device: self.rdev,
            windows_attributes: None,
        })
    }

    /// Opens a regular file for reading; an error if it is no longer the one the walk met.
    pub fn open(&self) -> io::Result<SourceFile> {
        let file = SourceFile::open(self.place.parent.as_fd(), self.name())?;
        if file.identity() != (self.status.device, self.status.inode) {
            return Err(io::Error::other("another file took its place meanwhile"));
        }
        Ok(file)
    }

    fn name(&self) -> &[u8] {
        self.place.name(&self.path)
    }
}
