//! Extended attributes of an object, whichever way it can be reached.
//!
//! Linux has no calls that take a directory descriptor and a name. The links of `/proc/self/fd`
//! stand in for them: they lead to the open object itself, whatever happens to its name.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::fs::{Access, Mode, OFlags, XattrFlags, access, openat};
use rustix::io::Errno;

use crate::base::{Kind, Xattr};

/// What a list or a value is tried with first; nearly all fit.
const FIRST_BYTES: usize = 512;
/// More than Linux lets a list or a value have.
const BYTES_MAX: usize = 1 << 20;

/// A way to an object's attributes.
#[derive(Debug)]
pub(super) enum Handle<'a> {
    /// An open file or directory.
    Open(BorrowedFd<'a>),
    /// A path through `/proc` to a descriptor that is only a place (`O_PATH`).
    Link(Vec<u8>),
    /// A path through `/proc` to a directory and a name in it that is not followed.
    Named(Vec<u8>),
}

impl<'a> Handle<'a> {
    /// For a descriptor opened with `O_PATH`.
    pub(super) fn link(place: BorrowedFd<'a>) -> Self {
        Self::Link(format!("/proc/self/fd/{}", place.as_raw_fd()).into_bytes())
    }

    /// For a name in an open directory.
    pub(super) fn named(directory: BorrowedFd<'a>, name: &[u8]) -> Self {
        let mut path = format!("/proc/self/fd/{}/", directory.as_raw_fd()).into_bytes();
        path.extend_from_slice(name);
        Self::Named(path)
    }

    /// All attributes, sorted by name.
    pub(super) fn read(&self) -> rustix::io::Result<Vec<Xattr>> {
        let mut xattrs = Vec::new();
        for name in self.names()? {
            match self.value(&name) {
                Ok(value) => xattrs.push(Xattr { name, value }),
                // It was removed meanwhile, or is only a name that the file system shows.
                Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
                Err(errno) => return Err(errno),
            }
        }
        xattrs.sort_unstable();
        Ok(xattrs)
    }

    /// The names of all attributes.
    pub(super) fn names(&self) -> rustix::io::Result<Vec<Vec<u8>>> {
        let list = grow(|buffer| match self {
            Self::Open(file) => rustix::fs::flistxattr(file, buffer),
            Self::Link(path) => rustix::fs::listxattr(path.as_slice(), buffer),
            Self::Named(path) => rustix::fs::llistxattr(path.as_slice(), buffer),
        });
        match list {
            Ok(list) => {
                let names = list.split(|&byte| byte == 0).filter(|name| !name.is_empty());
                Ok(names.map(<[u8]>::to_vec).collect())
            }
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(Vec::new()),
            Err(errno) => Err(errno),
        }
    }

    /// The value of one attribute.
    pub(super) fn value(&self, name: &[u8]) -> rustix::io::Result<Vec<u8>> {
        grow(|buffer| match self {
            Self::Open(file) => rustix::fs::fgetxattr(file, name, buffer),
            Self::Link(path) => rustix::fs::getxattr(path.as_slice(), name, buffer),
            Self::Named(path) => rustix::fs::lgetxattr(path.as_slice(), name, buffer),
        })
    }

    /// Sets an attribute, new or not.
    pub(super) fn set(&self, xattr: &Xattr) -> rustix::io::Result<()> {
        let (name, value, flags) = (xattr.name.as_slice(), &xattr.value, XattrFlags::empty());
        match self {
            Self::Open(file) => rustix::fs::fsetxattr(file, name, value, flags),
            Self::Link(path) => rustix::fs::setxattr(path.as_slice(), name, value, flags),
            Self::Named(path) => rustix::fs::lsetxattr(path.as_slice(), name, value, flags),
        }
    }

    /// Removes an attribute.
    pub(super) fn remove(&self, name: &[u8]) -> rustix::io::Result<()> {
        match self {
            Self::Open(file) => rustix::fs::fremovexattr(file, name),
            Self::Link(path) => rustix::fs::removexattr(path.as_slice(), name),
            Self::Named(path) => rustix::fs::lremovexattr(path.as_slice(), name),
        }
    }
}

/// The attributes of `name` in a directory, sorted; the object itself is not opened.
pub(super) fn read_named(
    directory: BorrowedFd<'_>,
    name: &[u8],
    kind: Kind,
) -> io::Result<Vec<Xattr>> {
    match Handle::named(directory, name).read() {
        Err(Errno::NOENT) if access("/proc/self/fd", Access::EXISTS).is_err() => {
            // Without /proc only what may be opened can be asked.
            if !matches!(kind, Kind::File | Kind::Directory) {
                return Ok(Vec::new());
            }
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let object = openat(directory, name, flags, Mode::empty())?;
            Ok(Handle::Open(object.as_fd()).read()?)
        }
        result => Ok(result?),
    }
}

/// Calls with ever larger buffers until the answer fits.
fn grow(
    mut call: impl FnMut(&mut [u8]) -> rustix::io::Result<usize>,
) -> rustix::io::Result<Vec<u8>> {
    let mut first = [0_u8; FIRST_BYTES];
    match call(&mut first) {
        Ok(len) => return Ok(first[..len].to_vec()),
        Err(Errno::RANGE) => {}
        Err(errno) => return Err(errno),
    }
    let mut buffer = vec![0_u8; FIRST_BYTES];
    loop {
        buffer.resize(buffer.len() * 8, 0);
        match call(&mut buffer) {
            Ok(len) => {
                buffer.truncate(len);
                return Ok(buffer);
            }
            Err(Errno::RANGE) if buffer.len() < BYTES_MAX => {}
            Err(errno) => return Err(errno),
        }
    }
}
