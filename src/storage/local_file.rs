//! A part as a file of the operating system.
//!
//! Invariants: at most one writer, kept by an advisory lock that dies with the process; bytes go
//! out by positioned writes only; an error of a write, a sync or a close is never swallowed.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::base::{Error, ErrorKind, Result};

use super::backend::Backend;
use super::part_names::PartNames;

/// An open archive file.
#[derive(Debug)]
pub struct LocalFile {
    file: File,
    path: PathBuf,
    /// Made by this handle: it goes away with its last byte, and its name must be made durable.
    is_new: bool,
}

impl LocalFile {
    /// Whether there is a file of that name that is not empty.
    pub fn exists(path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0)
    }

    /// Opens an existing file to read.
    pub fn open(path: &Path) -> Result<Self> {
        let about = std::fs::metadata(path).map_err(|source| cannot("open", path, source))?;
        if !about.is_file() {
            // To open a pipe would wait for whoever writes to it.
            let cause = if about.is_dir() { "it is a directory" } else { "it is no regular file" };
            return Err(Error::usage("cannot open archive").at(path.display()).because(cause));
        }
        let file = File::open(path).map_err(|source| cannot("open", path, source))?;
        Ok(Self { file, path: path.to_owned(), is_new: false })
    }

    /// Whether a regular file begins with these bytes. Anything else does not, and is not opened.
    pub fn begins_with(path: &Path, bytes: &[u8]) -> io::Result<bool> {
        if !std::fs::metadata(path)?.is_file() {
            return Ok(false);
        }
        let mut start = vec![0; bytes.len()];
        match File::open(path)?.read_exact_at(&mut start, 0) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            read => read.map(|()| start == bytes),
        }
    }

    /// Opens a file to append, alone: another writer is an error of kind `Busy`. A file that does
    /// not exist is made.
    pub fn open_for_writing(path: &Path) -> Result<Self> {
        expect_regular(path)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let (file, is_new) = match options.open(path) {
            Ok(file) => (file, false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let created = options.create_new(true).open(path);
                (created.map_err(|source| cannot("create", path, source))?, true)
            }
            Err(source) => return Err(cannot("write to", path, source)),
        };
        lock(&file, path)?;
        Ok(Self { file, path: path.to_owned(), is_new })
    }

    /// Opens a file that exists to change it, alone: another writer is an error of kind `Busy`.
    pub fn open_to_change(path: &Path) -> Result<Self> {
        expect_regular(path)?;
        let opened = OpenOptions::new().read(true).write(true).open(path);
        let file = opened.map_err(|source| cannot("write to", path, source))?;
        lock(&file, path)?;
        Ok(Self { file, path: path.to_owned(), is_new: false })
    }

    /// Makes a file. That it is there already is an error of kind `Busy`.
    pub fn create(path: &Path) -> Result<Self> {
        let created = OpenOptions::new().read(true).write(true).create_new(true).open(path);
        let file = created.map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => Error::new(ErrorKind::Busy, "the archive is in use")
                .at(path.display())
                .because("another zarc has just made this part")
                .hint("try again when the other one is done"),
            _ => cannot("create", path, source),
        })?;
        lock(&file, path)?;
        Ok(Self { file, path: path.to_owned(), is_new: true })
    }

    /// Removes a file; its name is gone for good when this returns.
    pub fn remove(path: &Path) -> Result<()> {
        std::fs::remove_file(path).map_err(|source| cannot("remove", path, source))?;
        sync_directory_of(path)
    }

    /// Gives a file the name of another one, in whose place it is for good when this returns.
    pub fn rename(from: &Path, to: &Path) -> Result<()> {
        std::fs::rename(from, to).map_err(|source| cannot("rename", from, source))?;
        sync_directory_of(to)
    }

    /// The numbers of all files in the directory whose names are of the pattern, rising.
    pub fn parts_of(names: &PartNames) -> Result<Vec<u32>> {
        let directory = names.directory();
        let failed = |source| cannot("look for the parts of", directory, source);
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(failed)? {
            numbers.extend(names.number(&entry.map_err(failed)?.file_name()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Whether a path means a file of the directory whose name is of the pattern.
    pub fn is_part(names: &PartNames, path: &Path) -> bool {
        let Some(name) = path.file_name() else { return false };
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let real = |path: &Path| std::fs::canonicalize(path).ok();
        names.number(name).is_some()
            && real(directory.unwrap_or(Path::new("."))) == real(names.directory())
    }

    /// Device and inode number: what a walk has to leave out.
    pub fn identity(&self) -> Result<(u64, u64)> {
        let metadata = self.file.metadata().map_err(|e| cannot("look at", &self.path, e))?;
        Ok((metadata.dev(), metadata.ino()))
    }

    fn failed(&self, doing: &str, source: io::Error) -> Error {
        cannot(doing, &self.path, source)
    }
}

/// Makes the coming or going of a name as durable as the bytes of its file.
fn sync_directory_of(path: &Path) -> Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let failed = |source| cannot("sync the directory of", path, source);
    match File::open(parent).map_err(failed)?.sync_all() {
        // Some network file systems have no such call; there the name is durable or nothing is.
        Err(error) if is_unsupported(&error) => Ok(()),
        result => result.map_err(failed),
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported)
}

/// Takes the writer's lock and makes sure that the name still means the locked file.
fn lock(file: &File, path: &Path) -> Result<()> {
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => {
            return Err(Error::new(ErrorKind::Busy, "the archive is in use")
                .at(path.display())
                .because("another zarc is writing to it")
                .hint("try again when the other one is done"));
        }
        Err(std::fs::TryLockError::Error(source)) => return Err(cannot("lock", path, source)),
    }
    let locked = file.metadata().map_err(|source| cannot("look at", path, source))?;
    let named = std::fs::metadata(path).map_err(|source| cannot("look at", path, source))?;
    if (locked.dev(), locked.ino()) != (named.dev(), named.ino()) {
        // A writer that gave up its first update has just removed the file it made.
        return Err(Error::new(ErrorKind::Busy, "the archive was replaced meanwhile")
            .at(path.display())
            .hint("try again"));
    }
    Ok(())
}

/// Fails where something stands that is neither a file nor a directory, which the system refuses itself.
fn expect_regular(path: &Path) -> Result<()> {
    if std::fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir()) {
        let what = Error::usage("cannot write to archive").at(path.display());
        return Err(what.because("it is no regular file"));
    }
    Ok(())
}

fn cannot(doing: &str, path: &Path, source: io::Error) -> Error {
    let hint = match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("make room on the file system that holds the archive, then add again")
        }
        io::ErrorKind::FileTooLarge => Some("the file system or a limit forbids larger files"),
        _ => None,
    };
    let kind = match source.kind() {
        io::ErrorKind::NotFound => ErrorKind::Missing,
        _ => ErrorKind::Io,
    };
    let mut error =
        Error::new(kind, format!("cannot {doing} archive")).at(path.display()).because(source);
    if let Some(hint) = hint {
        error = error.hint(hint);
    }
    error
}

impl Drop for LocalFile {
    fn drop(&mut self) {
        // A child that another thread is just starting has the file open too, and with it the
        // lock, until it becomes another program. Of a file without a lock this asks nothing.
        let _ = self.file.unlock();
    }
}

impl Backend for LocalFile {
    fn len(&self) -> Result<u64> {
        Ok(self.file.metadata().map_err(|e| self.failed("look at", e))?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.file.read_exact_at(buffer, offset).map_err(|source| {
            if source.kind() == io::ErrorKind::UnexpectedEof {
                Error::new(ErrorKind::Truncated, "the archive ends too early")
                    .at(self.path.display())
            } else {
                self.failed("read", source)
            }
        })
    }

    fn append(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        // Short writes and interrupted calls are continued by `write_all_at`.
        self.file.write_all_at(bytes, offset).map_err(|e| self.failed("write to", e))
    }

    fn overwrite(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.append(offset, bytes)
    }

    fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|e| self.failed("sync", e))?;
        if self.is_new { sync_directory_of(&self.path) } else { Ok(()) }
    }

    fn truncate(&self, len: u64) -> Result<()> {
        self.file.set_len(len).map_err(|e| self.failed("shorten", e))?;
        if len == 0 && self.is_new {
            match std::fs::remove_file(&self.path) {
                // It was given up before.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed.map_err(|e| self.failed("remove", e))?,
            }
        }
        Ok(())
    }
}
