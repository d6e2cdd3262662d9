//! One directory as a walk sees it: its descriptor, its names in order, and what `stat` said of the first of them.

use std::collections::VecDeque;
use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags, Stat, openat, statat};
use rustix::io::Errno;

use super::names::Names;

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// So many objects of a directory are looked at ahead; the others when their turn comes.
const LOOKED_AT_MAX: usize = 4096;

/// A directory to be listed.
#[derive(Debug, Clone)]
pub(super) struct Unlisted {
    pub parent: Arc<OwnedFd>,
    pub name: Box<[u8]>,
    /// Longer names in it are left out.
    pub name_len_max: usize,
}

/// An open directory and what is left of its names.
#[derive(Debug)]
pub(super) struct Listing {
    pub directory: Arc<OwnedFd>,
    names: Names,
    /// What was found of the names that come next.
    found: VecDeque<rustix::io::Result<Stat>>,
    /// Some names were left out.
    pub is_too_long: bool,
    /// Not all names could be read.
    pub error: Option<Errno>,
}

impl Unlisted {
    /// Opens the directory and reads its names.
    pub(super) fn list(&self, buffer: &mut Vec<u8>) -> rustix::io::Result<Listing> {
        let directory = openat(&self.parent, &*self.name, DIRECTORY, Mode::empty())?;
        let (mut names, error) = Names::read(directory.as_fd(), buffer);
        let is_too_long = names.limit(self.name_len_max);
        let (directory, found) = (Arc::new(directory), VecDeque::new());
        Ok(Listing { directory, names, found, is_too_long, error })
    }
}

impl Listing {
    /// Looks at the objects that come first.
    pub(super) fn look(&mut self) {
        let names = self.names.in_order().take(LOOKED_AT_MAX);
        self.found = names.map(|name| stat(&self.directory, name)).collect();
    }

    /// The next name, whether the directory says that it is a directory itself, and what was found of it.
    pub(super) fn next(&mut self) -> Option<(&CStr, bool, rustix::io::Result<Stat>)> {
        let (name, is_directory) = self.names.next()?;
        let found = self.found.pop_front().unwrap_or_else(|| stat(&self.directory, name));
        Some((name, is_directory, found))
    }

    /// The first directory among the names that come after a place in them, and its place; those that the directory
    /// does not call directories are not found.
    pub(super) fn directory_after(&self, place: Option<usize>) -> Option<(usize, &CStr)> {
        self.names.directory_after(place)
    }
}

fn stat(directory: &OwnedFd, name: &CStr) -> rustix::io::Result<Stat> {
    statat(directory, name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT)
}
