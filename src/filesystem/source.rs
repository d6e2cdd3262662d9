//! Reads a regular file from start to end, holes told apart from data.
//!
//! Never blocks, never follows a link, never maps: a file that changes while it is read gives
//! other bytes, which the caller sees by its status, but no signal and no endless wait.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, SeekFrom, Stat, fstat, openat, seek};
use rustix::io::{Errno, pread, retry_on_intr};

use super::status;
use super::xattr::Handle;
use crate::base::{Kind, Status, Timestamp, Xattr};

/// What comes next in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// So many bytes were put at the front of the buffer.
    Data(usize),
    /// So many bytes are zero and not on disk.
    Hole(u64),
    /// Nothing comes any more.
    End,
}

/// A regular file that is read once from start to end.
#[derive(Debug)]
pub struct SourceFile {
    file: OwnedFd,
    opened: Stat,
    offset: u64,
    /// Where to look for the next hole; nothing if the file has none.
    data_end: Option<u64>,
}

impl SourceFile {
    /// Opens what is called `name` in a directory, if it is a regular file.
    pub(super) fn open(directory: BorrowedFd<'_>, name: &[u8]) -> io::Result<Self> {
        // Without NONBLOCK a pipe that took the file's place would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = |flags| retry_on_intr(|| openat(directory, name, flags, Mode::empty()));
        let file = match open(flags | OFlags::NOATIME) {
            // Only owners may read without leaving a trace.
            Err(Errno::PERM) => open(flags)?,
            opened => opened?,
        };
        let opened = fstat(&file)?;
        if status::kind(&opened) != Some(Kind::File) {
            return Err(io::Error::other("not a regular file"));
        }
        let data_end = status::is_sparse(&opened).then_some(0);
        Ok(Self { file, opened, offset: 0, data_end })
    }

    /// Device and inode number.
    pub(super) fn identity(&self) -> (u64, u64) {
        (self.opened.st_dev, self.opened.st_ino)
    }

    /// All extended attributes, sorted by name.
    pub(super) fn xattrs(&self) -> io::Result<Vec<Xattr>> {
        Ok(Handle::Open(self.file.as_fd()).read()?)
    }

    /// What the system said of the file when it was opened, and when it was last modified.
    pub fn status_opened(&self) -> (Status, Timestamp) {
        (status::status(&self.opened), status::mtime(&self.opened))
    }

    /// What the system says of the file at this moment, and when it was last modified.
    pub fn status(&self) -> io::Result<(Status, Timestamp)> {
        let stat = fstat(&self.file)?;
        Ok((status::status(&stat), status::mtime(&stat)))
    }

    /// Reads on: data as far as `buffer` and the extent go, or the length of a hole.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<Extent> {
        if let Some(data_end) = self.data_end
            && self.offset >= data_end
            && let Some(extent) = self.look_ahead()?
        {
            return Ok(extent);
        }
        let room = match self.data_end {
            Some(data_end) => usize::try_from(data_end - self.offset).unwrap_or(usize::MAX),
            None => usize::MAX,
        };
        let len = buffer.len().min(room);
        match retry_on_intr(|| pread(&self.file, &mut buffer[..len], self.offset))? {
            0 => Ok(Extent::End),
            len => {
                self.offset += len as u64;
                Ok(Extent::Data(len))
            }
        }
    }

    /// Finds out what stands at the offset; nothing means that data is to be read.
    fn look_ahead(&mut self) -> io::Result<Option<Extent>> {
        // Asked first: what is appended later must not be taken for a part of the last hole.
        let size = status::size(&fstat(&self.file)?);
        if self.offset >= size {
            return Ok(Some(Extent::End));
        }
        let data_start = match seek(&self.file, SeekFrom::Data(self.offset)) {
            Ok(start) => start,
            Err(Errno::NXIO) => size,
            Err(_) => {
                // This file system does not tell: everything is data.
                self.data_end = None;
                return Ok(None);
            }
        };
        if data_start > self.offset {
            let len = data_start - self.offset;
            self.offset = data_start;
            self.data_end = Some(data_start);
            return Ok(Some(Extent::Hole(len)));
        }
        // The end of the file counts as a hole.
        self.data_end = seek(&self.file, SeekFrom::Hole(self.offset)).ok();
        Ok(None)
    }
}
