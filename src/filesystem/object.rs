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
    parent: Arc<OwnedFd>,
    disk: Vec<u8>,
    name_start: usize,
}

impl Object {
    pub(super) fn new(
        parent: Arc<OwnedFd>,
        path: StoredPath,
        (disk, name_start): (Vec<u8>, usize),
        kind: Kind,
        stat: &Stat,
    ) -> Self {
        Self {
            path,
            kind,
            status: status::status(stat),
            mode: status::mode(stat),
            mtime: status::mtime(stat),
            uid: stat.st_uid,
            gid: stat.st_gid,
            rdev: status::device_numbers(stat),
            parent,
            disk,
            name_start,
        }
    }

    /// Its name on disk, below the root as the user typed it.
    pub fn disk_name(&self) -> &[u8] {
        &self.disk
    }

    /// All that is saved of it besides its content: asks for attributes and link target now.
    pub fn metadata(&self, names: &mut AccountNames) -> io::Result<Metadata> {
        let xattrs = xattr::read_named(self.parent.as_fd(), self.name(), self.kind)?;
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
            Kind::Symlink => readlinkat(&self.parent, self.name(), Vec::new())?.into_bytes(),
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
        let file = SourceFile::open(self.parent.as_fd(), self.name())?;
        if file.identity() != (self.status.device, self.status.inode) {
            return Err(io::Error::other("another file took its place meanwhile"));
        }
        Ok(file)
    }

    fn name(&self) -> &[u8] {
        match &self.disk[self.name_start..] {
            b"" => b".",
            name => name,
        }
    }
}
