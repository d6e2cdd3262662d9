//! A file being restored: written under a temporary name, moved to its own name when complete.
//!
//! Whoever looks at the final name sees what was there before or the whole file, never a part.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags, fstat, ftruncate, openat, unlinkat};
use rustix::io::{Errno, pwrite, retry_on_intr};

use super::apply::{Attributes, Subject};
use super::directories::{Location, Missing};
use super::restored::Restored;
use super::shared::{Shared, move_into_place};
use crate::base::{Metadata, StoredPath};

const NEW: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const AGAIN: OFlags =
    OFlags::WRONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// A file on its way into a target; dropped unfinished it leaves nothing behind.
#[derive(Debug)]
pub struct NewFile {
    shared: Arc<Shared>,
    path: StoredPath,
    temporary: Vec<u8>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Holds descriptors of the file and its directory.
    Open(OwnedFd, Location),
    /// Holds none; device and inode number tell the file when it is opened again.
    Parked(u64, u64),
    /// Has its final name.
    Finished,
}

impl NewFile {
    /// With `mode`, less what the process masks.
    pub(super) fn create(shared: &Arc<Shared>, path: &StoredPath, mode: Mode) -> io::Result<Self> {
        let location = shared.locate(path, Missing::Make)?;
        let (temporary, file) =
            shared.with_temporary_name(|name| openat(&location.parent, name, NEW, mode))?;
        let (shared, path) = (Arc::clone(shared), path.clone());
        Ok(Self { shared, path, temporary, state: State::Open(file, location) })
    }

    /// Writes `bytes` at `offset`; what is never written reads as zeros.
    pub fn write_at(&mut self, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        let (file, _) = self.open()?;
        while !bytes.is_empty() {
            match retry_on_intr(|| pwrite(file, bytes, offset))? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                len => {
                    bytes = &bytes[len..];
                    offset += len as u64;
                }
            }
        }
        Ok(())
    }

    /// Gives the file its length: for a hole at the end.
    pub fn set_len(&mut self, len: u64) -> io::Result<()> {
        let (file, _) = self.open()?;
        Ok(retry_on_intr(|| ftruncate(file, len))?)
    }

    /// Closes all descriptors until the next use, so that thousands of files can be in progress.
    pub fn park(&mut self) -> io::Result<()> {
        if let State::Open(file, _) = &self.state {
            let stat = fstat(file)?;
            self.state = State::Parked(stat.st_dev, stat.st_ino);
        }
        Ok(())
    }

    /// Applies `metadata`, or with `attributes` false only the modification time, and gives the
    /// file its name. Something there is an error, or with `replace` gives way unless it is a
    /// directory.
    pub fn finish(
        mut self,
        metadata: &Metadata,
        attributes: bool,
        replace: bool,
    ) -> io::Result<Restored> {
        let attributes = Attributes::of_file(attributes, self.shared.umask());
        let temporary = self.temporary.clone();
        let result = self.open().and_then(|(file, location)| {
            let stat = fstat(file)?;
            let unapplied = Subject::open(file.as_fd()).apply(metadata, attributes, &stat);
            move_into_place(&location.parent, &temporary, &location.name, replace)?;
            Ok(Restored::new(&stat, unapplied))
        });
        if result.is_ok() {
            self.state = State::Finished;
        }
        result
    }

    fn open(&mut self) -> io::Result<(&OwnedFd, &Location)> {
        if let State::Parked(device, inode) = self.state {
            let location = self.shared.locate(&self.path, Missing::Refuse)?;
            let name = self.temporary.as_slice();
            let file = retry_on_intr(|| openat(&location.parent, name, AGAIN, Mode::empty()))?;
            let stat = fstat(&file)?;
            if (stat.st_dev, stat.st_ino) != (device, inode) {
                return Err(io::Error::other("somebody else exchanged the file being restored"));
            }
            self.state = State::Open(file, location);
        }
        match &self.state {
            State::Open(file, location) => Ok((file, location)),
            State::Parked(..) | State::Finished => Err(Errno::BADF.into()),
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        let parent = match &self.state {
            State::Finished => return,
            State::Open(_, location) => Arc::clone(&location.parent),
            State::Parked(..) => match self.shared.locate(&self.path, Missing::Refuse) {
                Ok(location) => location.parent,
                Err(_) => return,
            },
        };
        // The name is nobody else's; if it cannot be removed the user sees it.
        let _ = unlinkat(&parent, self.temporary.as_slice(), AtFlags::empty());
    }
}
