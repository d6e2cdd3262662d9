//! The directory that objects are restored into. Nothing outside of it is ever touched.
//!
//! Invariants:
//! - a path is followed one component after the other below the target, never through a link;
//! - what is there is never written to: new objects get a fresh name and are moved into place;
//! - directories are never removed.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, fstat, linkat, makedev, mkdirat, mknodat, openat, statat,
    symlinkat, unlinkat,
};
use rustix::io::{Errno, retry_on_intr};

use super::apply::{Attributes, Subject, Unapplied};
use super::directories::{Location, Missing};
use super::existing::Existing;
use super::new_file::NewFile;
use super::restored::Restored;
use super::shared::{Shared, move_into_place};
use super::source::SourceFile;
use super::status;
use crate::base::{Kind, Metadata, StoredPath};

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const READABLE: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
const PLACE: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A directory into which objects are restored. Threads may share it.
#[derive(Debug)]
pub struct Target {
    shared: Arc<Shared>,
}

impl Target {
    /// Opens a directory, made with its parents if missing. Only here links are followed.
    pub fn open(path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let directory = openat(CWD, path, DIRECTORY, Mode::empty())?;
        Ok(Self { shared: Arc::new(Shared::new(directory)) })
    }

    /// What stands at `path` now; nothing if it or a directory above it is missing.
    pub fn inspect(&self, path: &StoredPath) -> io::Result<Option<Existing>> {
        let location = match self.shared.locate(path, Missing::Refuse) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            location => location?,
        };
        Existing::look(&location)
    }

    /// Makes a directory, and those above it; false if it was there. Private until
    /// [`Self::finish_directory`] if its `attributes` are going to be restored. What is there and
    /// not a directory is an error, or is removed with `replace`.
    pub fn make_directory(
        &self,
        path: &StoredPath,
        attributes: bool,
        replace: bool,
    ) -> io::Result<bool> {
        let location = self.shared.locate(path, Missing::Make)?;
        let mode = Mode::from_raw_mode(if attributes { 0o700 } else { 0o777 });
        let make = || mkdirat(&location.parent, location.name.as_slice(), mode);
        match make() {
            Ok(()) => return Ok(true),
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
        let existing = Existing::look(&location)?;
        if existing.is_some_and(|existing| existing.kind == Kind::Directory) {
            return Ok(false);
        }
        if !replace {
            return Err(Errno::EXIST.into());
        }
        unlinkat(&location.parent, location.name.as_slice(), AtFlags::empty())?;
        make()?;
        Ok(true)
    }

    /// Begins a regular file, private until it is finished.
    pub fn create_file(&self, path: &StoredPath) -> io::Result<NewFile> {
        NewFile::create(&self.shared, path, Mode::from_raw_mode(0o600))
    }

    /// Begins a regular file that is finished before it is closed. Where that lets in nobody whom
    /// its own permissions keep out, it has them from the beginning.
    pub fn create_file_with(
        &self,
        path: &StoredPath,
        metadata: &Metadata,
        attributes: bool,
    ) -> io::Result<NewFile> {
        let attributes = Attributes::of_file(attributes, self.shared.umask());
        NewFile::create(&self.shared, path, attributes.first_mode(metadata))
    }

    /// Makes a symbolic link to `metadata.link_target`.
    pub fn make_symlink(
        &self,
        path: &StoredPath,
        metadata: &Metadata,
        attributes: bool,
        replace: bool,
    ) -> io::Result<Restored> {
        self.make_object(path, metadata, attributes, replace, |parent, name| {
            symlinkat(metadata.link_target.as_slice(), parent, name)
        })
    }

    /// Makes a named pipe, a device node or a socket, whichever `metadata.kind` says.
    pub fn make_node(
        &self,
        path: &StoredPath,
        metadata: &Metadata,
        attributes: bool,
        replace: bool,
    ) -> io::Result<Restored> {
        let file_type = match metadata.kind {
            Kind::Fifo => FileType::Fifo,
            Kind::CharacterDevice => FileType::CharacterDevice,
            Kind::BlockDevice => FileType::BlockDevice,
            Kind::Socket => FileType::Socket,
            Kind::File | Kind::Directory | Kind::Symlink => return Err(Errno::INVAL.into()),
        };
        let device = makedev(metadata.device.0, metadata.device.1);
        let mode = Mode::from_raw_mode(if attributes { 0o600 } else { 0o666 });
        self.make_object(path, metadata, attributes, replace, |parent, name| {
            mknodat(parent, name, file_type, mode, device)
        })
    }

    /// Gives the object at `existing` another name. False if it is not the object with this
    /// identity any more: then nothing has changed.
    pub fn make_hard_link(
        &self,
        existing: &StoredPath,
        identity: (u64, u64),
        path: &StoredPath,
        replace: bool,
    ) -> io::Result<bool> {
        let source = match self.shared.locate(existing, Missing::Refuse) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            source => source?,
        };
        // Looked at before too: an object of somebody else should get no new name at all.
        if Existing::look(&source)?.is_none_or(|found| found.identity != identity) {
            return Ok(false);
        }
        let Location { parent, name } = self.shared.locate(path, Missing::Make)?;
        let (temporary, ()) = self.shared.with_temporary_name(|name| {
            // Without the flag to follow it, a symbolic link itself gets the other name.
            linkat(&source.parent, source.name.as_slice(), &parent, name, AtFlags::empty())
        })?;
        let stat = statat(&parent, temporary.as_slice(), AtFlags::SYMLINK_NOFOLLOW);
        let result = match stat {
            Ok(stat) if (stat.st_dev, stat.st_ino) == identity => {
                move_into_place(&parent, &temporary, &name, replace).map(|()| true)
            }
            stat => stat.map(|_| false).map_err(io::Error::from),
        };
        // Moving a name onto another one of the same file does nothing, and is no error.
        let _ = unlinkat(&parent, temporary.as_slice(), AtFlags::empty());
        result
    }

    /// Gives a directory its metadata; called when nothing below it changes any more.
    pub fn finish_directory(
        &self,
        path: &StoredPath,
        metadata: &Metadata,
        attributes: bool,
    ) -> io::Result<Vec<Unapplied>> {
        self.apply_at(path, metadata, attributes, Kind::Directory)
    }

    /// Gives a regular file whose content is already right its metadata.
    pub fn apply_metadata(
        &self,
        path: &StoredPath,
        metadata: &Metadata,
        attributes: bool,
    ) -> io::Result<Vec<Unapplied>> {
        self.apply_at(path, metadata, attributes, Kind::File)
    }

    /// Removes what is in the way, unless it is a directory.
    pub fn remove(&self, path: &StoredPath) -> io::Result<()> {
        let location = self.shared.locate(path, Missing::Refuse)?;
        Ok(unlinkat(&location.parent, location.name.as_slice(), AtFlags::empty())?)
    }

    /// Opens a regular file of the target to compare its content.
    pub fn open_existing(&self, path: &StoredPath) -> io::Result<SourceFile> {
        let location = self.shared.locate(path, Missing::Refuse)?;
        SourceFile::open(location.parent.as_fd(), &location.name)
    }

    /// Waits until all that was restored is on the disk.
    pub fn sync(&self) -> io::Result<()> {
        self.shared.sync()
    }

    fn make_object(
        &self,
        path: &StoredPath,
        metadata: &Metadata,
        attributes: bool,
        replace: bool,
        make: impl Fn(&OwnedFd, &[u8]) -> rustix::io::Result<()>,
    ) -> io::Result<Restored> {
        let Location { parent, name } = self.shared.locate(path, Missing::Make)?;
        if !replace {
            make(&parent, &name)?;
            return finish_object(&parent, &name, metadata, attributes);
        }
        let (temporary, ()) = self.shared.with_temporary_name(|name| make(&parent, name))?;
        let result = finish_object(&parent, &temporary, metadata, attributes).and_then(|report| {
            move_into_place(&parent, &temporary, &name, replace)?;
            Ok(report)
        });
        if result.is_err() {
            let _ = unlinkat(&parent, temporary.as_slice(), AtFlags::empty());
        }
        result
    }

    fn apply_at(
        &self,
        path: &StoredPath,
        metadata: &Metadata,
        attributes: bool,
        kind: Kind,
    ) -> io::Result<Vec<Unapplied>> {
        let Location { parent, name } = self.shared.locate(path, Missing::Refuse)?;
        let attributes = if attributes { Attributes::Restore } else { Attributes::Leave };
        let open = |flags| retry_on_intr(|| openat(&parent, name.as_slice(), flags, Mode::empty()));
        let (object, is_place) = match open(READABLE) {
            // It is ours, but forbids even us to read it.
            Err(Errno::ACCESS) => (open(PLACE)?, true),
            opened => (opened?, false),
        };
        let stat = fstat(&object)?;
        if status::kind(&stat) != Some(kind) {
            return Err(io::Error::other("something else stands in its place"));
        }
        let object = object.as_fd();
        let subject = if is_place { Subject::place(object) } else { Subject::open(object) };
        Ok(subject.apply(metadata, attributes, &stat))
    }
}

/// Gives an object that was just made, and cannot be opened, its metadata.
fn finish_object(
    parent: &OwnedFd,
    name: &[u8],
    metadata: &Metadata,
    attributes: bool,
) -> io::Result<Restored> {
    let object = openat(parent, name, PLACE, Mode::empty())?;
    let stat = fstat(&object)?;
    // Whoever may write to the directory could have put a link to somebody's file here.
    if status::kind(&stat) != Some(metadata.kind) || status::status(&stat).links != 1 {
        return Err(io::Error::other("somebody else exchanged the object being restored"));
    }
    let attributes = if attributes { Attributes::Restore } else { Attributes::Leave };
    let unapplied = Subject::place(object.as_fd()).apply(metadata, attributes, &stat);
    Ok(Restored::new(&stat, unapplied))
}
