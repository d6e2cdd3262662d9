//! Directories of a target, opened safely and kept for a while.
//!
//! Invariants:
//! - every descriptor was reached from the target's own by opening one component after the other
//!   without following links;
//! - what is remembered is descriptors, never that a path was found safe: a name that is exchanged
//!   later leads nowhere else.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, mkdirat, openat};
use rustix::io::{Errno, retry_on_intr};

use crate::base::StoredPath;

/// How many directories stay open.
const KEPT_MAX: usize = 64;

/// A place descriptor: good for names in a directory, needs no permission to read it.
const PLACE: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// What to do about a directory that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// Make it, with the permissions of any new directory.
    Make,
    /// Say so.
    Refuse,
}

/// Where an object is or will be: an open directory and a name in it.
#[derive(Debug)]
pub(super) struct Location {
    pub(super) parent: Arc<OwnedFd>,
    /// One component, or `.` for the target itself.
    pub(super) name: Vec<u8>,
}

/// The target directory and those below it that were used last.
#[derive(Debug)]
pub(super) struct Directories {
    target: Arc<OwnedFd>,
    /// The last one used first.
    kept: Vec<(Vec<u8>, Arc<OwnedFd>)>,
    /// The path being looked up: components joined by slashes.
    key: Vec<u8>,
}

impl Directories {
    pub(super) fn new(target: OwnedFd) -> Self {
        Self { target: Arc::new(target), kept: Vec::new(), key: Vec::new() }
    }

    /// The target directory.
    pub(super) fn target(&self) -> &OwnedFd {
        &self.target
    }

    /// Finds the directory that `path` is in.
    pub(super) fn locate(&mut self, path: &StoredPath, missing: Missing) -> io::Result<Location> {
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        for component in path.components_below() {
            if !key.is_empty() {
                key.push(b'/');
            }
            key.extend_from_slice(component);
        }
        let (parent, name) = match key.iter().rposition(|&byte| byte == b'/') {
            Some(slash) => (&key[..slash], &key[slash + 1..]),
            None if key.is_empty() => (&key[..], &b"."[..]),
            None => (&b""[..], &key[..]),
        };
        let found = self.directory(parent, missing);
        let location = found.map(|parent| Location { parent, name: name.to_vec() });
        self.key = key;
        location
    }

    /// Opens the directory `key`, from the nearest one above it that is still open.
    fn directory(&mut self, key: &[u8], missing: Missing) -> io::Result<Arc<OwnedFd>> {
        let mut known = key.len();
        let mut directory = loop {
            if let Some(directory) = self.kept(&key[..known]) {
                break directory;
            }
            known = key[..known].iter().rposition(|&byte| byte == b'/').unwrap_or(0);
        };
        while known < key.len() {
            let start = if known == 0 { 0 } else { known + 1 };
            let rest = &key[start..];
            let end = start + rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
            directory = match open(&directory, &key[start..end], missing) {
                Ok(opened) => Arc::new(opened),
                Err(errno) => return Err(named(errno, &key[..end])),
            };
            self.keep(&key[..end], &directory);
            known = end;
        }
        Ok(directory)
    }

    fn kept(&mut self, key: &[u8]) -> Option<Arc<OwnedFd>> {
        if key.is_empty() {
            return Some(Arc::clone(&self.target));
        }
        let index = self.kept.iter().position(|(kept, _)| kept == key)?;
        self.kept[..=index].rotate_right(1);
        Some(Arc::clone(&self.kept[0].1))
    }

    fn keep(&mut self, key: &[u8], directory: &Arc<OwnedFd>) {
        self.kept.truncate(KEPT_MAX - 1);
        self.kept.insert(0, (key.to_vec(), Arc::clone(directory)));
    }
}

fn open(parent: &OwnedFd, name: &[u8], missing: Missing) -> rustix::io::Result<OwnedFd> {
    let open = || retry_on_intr(|| openat(parent, name, PLACE, Mode::empty()));
    match open() {
        Err(Errno::NOENT) if missing == Missing::Make => {
            match mkdirat(parent, name, Mode::from_raw_mode(0o777)) {
                // Somebody else made it at the same moment: if it is a directory it will do.
                Ok(()) | Err(Errno::EXIST) => open(),
                Err(errno) => Err(errno),
            }
        }
        result => result,
    }
}

/// Says which directory on the way it was.
fn named(errno: Errno, key: &[u8]) -> io::Error {
    let error = io::Error::from(errno);
    if errno == Errno::NOENT {
        return error;
    }
    let name = key.escape_ascii();
    match errno {
        Errno::NOTDIR | Errno::LOOP => io::Error::new(
            io::ErrorKind::NotADirectory,
            format!("{name} in the target is not a directory, and links are not followed"),
        ),
        _ => io::Error::new(error.kind(), format!("{name} in the target: {error}")),
    }
}
