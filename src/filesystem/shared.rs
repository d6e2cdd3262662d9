//! What a target shares with the files in progress: its directories and fresh names.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{
    AtFlags, Mode, RenameFlags, linkat, renameat, renameat_with, statat, syncfs, unlinkat,
};
use rustix::io::Errno;

use super::directories::{Directories, Location, Missing};
use crate::base::StoredPath;

/// How often a fresh name is tried before giving up: none is ever taken but by an attacker.
const TRIES_MAX: usize = 16;

/// The state behind a target.
#[derive(Debug)]
pub(super) struct Shared {
    directories: Mutex<Directories>,
    umask: u32,
    /// Seeded by the system: nobody can guess a name and put something there first.
    names: RandomState,
    next_name: AtomicU64,
}

/// The permissions that new objects of this process do not get.
fn process_umask() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let told = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    if let Some(umask) = told.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok()) {
        return umask;
    }
    // Elsewhere the mask can be read only by setting it; in between it forbids more, not less.
    let umask = rustix::process::umask(Mode::from_raw_mode(0o077));
    rustix::process::umask(umask);
    umask.as_raw_mode()
}

impl Shared {
    pub(super) fn new(target: OwnedFd) -> Self {
        Self {
            directories: Mutex::new(Directories::new(target)),
            umask: process_umask(),
            names: RandomState::new(),
            next_name: AtomicU64::new(0),
        }
    }

    /// The permissions that new objects do not get.
    pub(super) fn umask(&self) -> u32 {
        self.umask
    }

    /// The open directory and the name that `path` means.
    pub(super) fn locate(&self, path: &StoredPath, missing: Missing) -> io::Result<Location> {
        // Directories are whole after each step: a panic elsewhere does not spoil them.
        let mut directories = self.directories.lock().unwrap_or_else(PoisonError::into_inner);
        directories.locate(path, missing)
    }

    /// Makes something under a name that is not in use; returns the name too.
    pub(super) fn with_temporary_name<T>(
        &self,
        make: impl Fn(&[u8]) -> rustix::io::Result<T>,
    ) -> io::Result<(Vec<u8>, T)> {
        for _ in 0..TRIES_MAX {
            let number = self.next_name.fetch_add(1, Ordering::Relaxed);
            let name = format!(".zarc-{:016x}", self.names.hash_one(number)).into_bytes();
            match make(&name) {
                Err(Errno::EXIST) => {}
                result => return Ok((name, result?)),
            }
        }
        Err(Errno::EXIST.into())
    }

    /// Writes everything to the disk that the target's file system still holds back.
    pub(super) fn sync(&self) -> io::Result<()> {
        let directories = self.directories.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(syncfs(directories.target())?)
    }
}

/// Gives a complete object its final name. What is there is an error, or with `replace` is
/// replaced unless it is a directory.
pub(super) fn move_into_place(
    parent: &OwnedFd,
    temporary: &[u8],
    name: &[u8],
    replace: bool,
) -> io::Result<()> {
    if replace {
        return Ok(renameat(parent, temporary, parent, name)?);
    }
    match renameat_with(parent, temporary, parent, name, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => {}
        result => return Ok(result?),
    }
    // This file system cannot rename without replacing: a second name does not replace either.
    match linkat(parent, temporary, parent, name, AtFlags::empty()) {
        Ok(()) => Ok(unlinkat(parent, temporary, AtFlags::empty())?),
        Err(Errno::PERM | Errno::NOSYS | Errno::OPNOTSUPP) => {
            // Nor does it know second names: look first, which is as good as it gets there.
            match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => Ok(renameat(parent, temporary, parent, name)?),
                Ok(_) => Err(Errno::EXIST.into()),
                Err(errno) => Err(errno.into()),
            }
        }
        Err(errno) => Err(errno.into()),
    }
}
