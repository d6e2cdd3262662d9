//! Opens, makes and closes archives.

use std::path::Path;
use std::sync::Arc;

use crate::base::{Environment, ErrorKind, Result};
use crate::crypto::{IdentityHash, KeyCost, KeyRecord, MasterKey, Password};
use crate::format::{ArchiveHeader, BLOCK_BYTES_MAX, HeaderFlags};
use crate::journal::{FrameReader, Journal, NewPart, Tail};
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

/// What an archive is made with, if there is none yet; and the way into one that is there.
#[derive(Debug, Clone, Copy)]
pub struct NewArchive<'a> {
    /// `-fragment`.
    pub fragment_exponent: u8,
    /// `-key`: the archive is encrypted, or is to be.
    pub password: Option<&'a Password>,
    /// What a guess at the password is to cost.
    pub key_cost: KeyCost,
    /// Clock and dice.
    pub environment: &'a Environment,
}

/// An archive, opened to read or to append.
pub struct Archive {
    pub(super) journal: Journal,
    notice: Option<Notice>,
    identity: Option<(u64, u64)>,
}

impl Archive {
    /// Opens an archive file to read.
    pub fn open_path(path: &Path, password: Option<&Password>) -> Result<Self> {
        let file = LocalFile::open(path)?;
        let identity = Some(file.identity()?);
        let archive =
            Self::open(Arc::new(file), password).map_err(|error| error.at(path.display()))?;
        Ok(Self { identity, ..archive })
    }

    /// Opens an archive to read.
    pub fn open(backend: Arc<dyn Backend>, password: Option<&Password>) -> Result<Self> {
        let journal = Journal::open(backend, password)?;
        let notice = match journal.tail() {
            Tail::None => None,
            Tail::Unfinished(bytes) => Some(Notice::Unfinished(*bytes)),
            Tail::Damaged { from } => Some(Notice::Damaged(*from)),
        };
        Ok(Self { journal, notice, identity: None })
    }

    /// Whether there is something where the archive should be.
    pub fn exists(location: &Location) -> bool {
        location.file().is_some_and(LocalFile::exists)
    }

    /// Opens an archive to append, or makes it. Nothing is kept of what goes nowhere.
    pub fn open_location_for_writing(location: &Location, new: &NewArchive<'_>) -> Result<Self> {
        let Location::File(path) = location else {
            return Self::open_nowhere(new);
        };
        let file = LocalFile::open_for_writing(path)?;
        let identity = Some(file.identity()?);
        let archive = Self::open_for_writing(Arc::new(file), new)
            .map_err(|error| error.at(path.display()))?;
        Ok(Self { identity, ..archive })
    }

    /// Like [`Self::open_location_for_writing`], but nothing that is written reaches the disk.
    pub fn open_location_for_trial(location: &Location, new: &NewArchive<'_>) -> Result<Self> {
        let Location::File(path) = location else {
            return Self::open_nowhere(new);
        };
        let file = match LocalFile::open(path) {
            Err(error) if error.kind() == ErrorKind::Missing => {
                return Self::open_nowhere(new);
            }
            file => file?,
        };
        let identity = Some(file.identity()?);
        let backend = Arc::new(Discard::over(Arc::new(file))?);
        let archive = Self::open_for_writing(backend, new)?;
        Ok(Self { identity, ..archive })
    }

    /// An empty archive to compare with.
    pub fn open_empty(environment: &Environment) -> Result<Self> {
        Self::open_nowhere(&NewArchive::plain(0, environment))
    }

    /// An empty archive that forgets what it is given.
    fn open_nowhere(new: &NewArchive<'_>) -> Result<Self> {
        let backend = Discard::over(Arc::new(Memory::default()))?;
        Self::open_for_writing(Arc::new(backend), new)
    }

    /// Opens an archive to append, or makes it in an empty backend.
    pub fn open_for_writing(backend: Arc<dyn Backend>, new: &NewArchive<'_>) -> Result<Self> {
        let (journal, is_completed) =
            Journal::open_for_writing(backend, new.password, || new.part())?;
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

    /// What fragments are called.
    pub(super) fn identity_hash(&self) -> IdentityHash {
        IdentityHash::new(self.journal.master_key().map(MasterKey::identity_key))
    }

    /// What the cut rule multiplies with in an encrypted archive; nothing in a plain one.
    pub fn cut_constants<const LEN: usize>(&self) -> Option<[u8; LEN]> {
        self.journal.master_key().map(MasterKey::cut_constants)
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

impl<'a> NewArchive<'a> {
    /// Not encrypted.
    pub fn plain(fragment_exponent: u8, environment: &'a Environment) -> Self {
        Self { fragment_exponent, password: None, key_cost: KeyCost::default(), environment }
    }

    fn part(&self) -> Result<NewPart> {
        let mut archive_id = [0; 16];
        (self.environment.random)(&mut archive_id)?;
        let header = ArchiveHeader {
            flags: HeaderFlags { encrypted: self.password.is_some(), ..HeaderFlags::default() },
            part: 1,
            archive_id,
            created: (self.environment.now)().seconds,
            block_bits: BLOCK_BITS,
            fragment_exponent: self.fragment_exponent,
            link: crate::base::Digest::default(),
            first_update: 1,
        };
        let key = match self.password {
            None => None,
            Some(password) => {
                let master_key = MasterKey::generate(archive_id, self.environment)?;
                let (cost, dice) = (self.key_cost, self.environment);
                let record = KeyRecord::wrap(&master_key, password, cost, 1, dice)?;
                Some((master_key, record))
            }
        };
        Ok(NewPart { header, key })
    }
}
