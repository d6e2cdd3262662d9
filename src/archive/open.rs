//! Opens, makes and closes archives.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::base::{Environment, ErrorKind, Result};
use crate::format::{ArchiveHeader, BLOCK_BYTES_MAX, HeaderFlags};
use crate::journal::{FrameReader, Journal, Tail};
use crate::storage::{Backend, Discard, LocalFile, Memory};

use super::location::Location;

/// Something the user should know about the archive before its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// An interrupted update of so many bytes follows the last one and is ignored.
    Unfinished(u64),
    /// Committed bytes are damaged; they start near this offset.
    Damaged(u64),
    /// The last update lacked only its commit and got it.
    Completed,
}

/// An archive, opened to read or to append.
pub struct Archive {
    pub(super) journal: Journal,
    notice: Option<Notice>,
    identity: Option<(u64, u64)>,
}

impl Archive {
    /// Opens an archive file to read.
    pub fn open_path(path: &Path) -> Result<Self> {
        let file = LocalFile::open(path)?;
        let identity = Some(file.identity()?);
        let archive = Self::open(Arc::new(file)).map_err(|error| error.at(path.display()))?;
        Ok(Self { identity, ..archive })
    }

    /// Whether a file is an archive by its first bytes; nothing if there is nothing of that name.
    /// What cannot be read is none: whoever needs it as a file is told why.
    pub fn is_at(path: &Path) -> Option<bool> {
        match LocalFile::begins_with(path, &ArchiveHeader::MAGIC) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            begins => Some(begins.unwrap_or(false)),
        }
    }

    /// Opens an archive to read.
    pub fn open(backend: Arc<dyn Backend>) -> Result<Self> {
        let journal = Journal::open(backend)?;
        let notice = match journal.tail() {
            Tail::None => None,
            Tail::Unfinished(bytes) => Some(Notice::Unfinished(*bytes)),
            Tail::Damaged { from } => Some(Notice::Damaged(*from)),
        };
        Ok(Self { journal, notice, identity: None })
    }

    /// Opens an archive to append, or makes it. Nothing is kept of what goes nowhere.
    pub fn open_location_for_writing(
        location: &Location,
        fragment_exponent: u8,
        environment: &Environment,
    ) -> Result<Self> {
        let Location::File(path) = location else {
            return Self::open_nowhere(fragment_exponent, environment);
        };
        let file = LocalFile::open_for_writing(path)?;
        let identity = Some(file.identity()?);
        let archive = Self::open_for_writing(Arc::new(file), fragment_exponent, environment)
            .map_err(|error| error.at(path.display()))?;
        Ok(Self { identity, ..archive })
    }

    /// Like [`Self::open_location_for_writing`], but nothing that is written reaches the disk.
    pub fn open_location_for_trial(
        location: &Location,
        fragment_exponent: u8,
        environment: &Environment,
    ) -> Result<Self> {
        let Location::File(path) = location else {
            return Self::open_nowhere(fragment_exponent, environment);
        };
        let file = match LocalFile::open(path) {
            Err(error) if error.kind() == ErrorKind::Missing => {
                return Self::open_nowhere(fragment_exponent, environment);
            }
            file => file?,
        };
        let identity = Some(file.identity()?);
        let backend = Arc::new(Discard::over(Arc::new(file))?);
        let archive = Self::open_for_writing(backend, fragment_exponent, environment)?;
        Ok(Self { identity, ..archive })
    }

    /// An empty archive that forgets what it is given.
    pub fn open_nowhere(fragment_exponent: u8, environment: &Environment) -> Result<Self> {
        let backend = Discard::over(Arc::new(Memory::default()))?;
        Self::open_for_writing(Arc::new(backend), fragment_exponent, environment)
    }

    /// Opens an archive to append, or makes it in an empty backend.
    pub fn open_for_writing(
        backend: Arc<dyn Backend>,
        fragment_exponent: u8,
        environment: &Environment,
    ) -> Result<Self> {
        let new_header = || new_header(fragment_exponent, environment);
        let (journal, is_completed) = Journal::open_for_writing(backend, new_header)?;
        let notice = is_completed.then_some(Notice::Completed);
        Ok(Self { journal, notice, identity: None })
    }

    /// What the user should know first.
    pub fn notice(&self) -> Option<&Notice> {
        self.notice.as_ref()
    }

    /// Device and inode number of the archive file: it must not archive itself.
    pub fn identity(&self) -> Option<(u64, u64)> {
        self.identity
    }

    /// `-fragment` of this archive.
    pub fn fragment_exponent(&self) -> u8 {
        self.journal.header().fragment_exponent
    }

    /// Length in bytes up to the last commit; 0 while there is none.
    pub fn committed_bytes(&self) -> u64 {
        if self.journal.last().is_some() { self.journal.end() } else { 0 }
    }

    /// Removes an archive file that was made but got no update.
    pub fn remove_if_unused(&self) -> Result<()> {
        self.journal.remove_if_unused()
    }

    pub(super) fn reader(&self) -> FrameReader {
        self.journal.reader()
    }
}

/// Blocks may be as large as the format allows.
const BLOCK_BITS: u8 = 28;
const _: () = assert!(BLOCK_BYTES_MAX == 1 << BLOCK_BITS);

pub(super) fn new_header(
    fragment_exponent: u8,
    environment: &Environment,
) -> Result<ArchiveHeader> {
    let mut archive_id = [0; 16];
    (environment.random)(&mut archive_id)?;
    Ok(ArchiveHeader {
        flags: HeaderFlags::default(),
        part: 1,
        archive_id,
        created: (environment.now)().seconds,
        block_bits: BLOCK_BITS,
        fragment_exponent,
        link: crate::base::Digest::default(),
        first_update: 1,
    })
}
