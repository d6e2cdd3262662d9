//! Opens, makes and closes archives.

use std::path::Path;
use std::sync::Arc;

use crate::base::{Environment, Error, ErrorKind, Result};
use crate::compress::MethodChoice;
use crate::crypto::{IdentityHash, KeyCost, KeyRecord, MasterKey, Password};
use crate::format::{ArchiveHeader, BLOCK_BYTES_MAX, HeaderFlags};
use crate::journal::{FrameReader, Journal, NewPart, Tail};
use crate::storage::{
    Backend, Discard, DiscardParts, IndexAlone, LocalFile, LocalParts, Memory, OnePart, PartStore,
    ReadRecord,
};

use super::location::Location;

/// Something the user should know about the archive before its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// An interrupted update of so many bytes follows the last one and is ignored.
    Unfinished(u64),
    /// Committed bytes are damaged; they start near this offset.
    Damaged(u64),
    /// A part before the newest is damaged, as it says.
    DamagedPart(String),
    /// A part that was begun was given up, as it says.
    GivenUp(String),
    /// The last update lacked only its commit and got it.
    Completed,
}

/// What is asked of an archive that is opened to append.
#[derive(Debug, Clone, Copy)]
pub struct OpenOptions<'a> {
    /// `-fragment` of a new archive; one that is there keeps its own.
    pub fragment_exponent: u8,
    /// `-method`: an index is no archive with data, and stays one. Without it the archive is
    /// taken as it is, and a new one keeps data.
    pub method: Option<MethodChoice>,
    /// `-key`: the archive is encrypted, or is to be.
    pub password: Option<&'a Password>,
    /// What a guess at the password of a new archive is to cost.
    pub key_cost: KeyCost,
    /// `-force`: a part that was begun, and of which nothing is known, is given up.
    pub force: bool,
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

    /// Opens an archive to read, wherever it is. Nowhere there is none.
    pub fn open_location(location: &Location, password: Option<&Password>) -> Result<Self> {
        match location {
            Location::Nowhere => Err(Error::new(ErrorKind::Missing, "there is no archive")),
            Location::File(path) => Self::open_path(path, password),
            Location::Parts(names) => {
                let parts = Arc::new(LocalParts::open(names)?);
                Self::open_parts(parts, password).map_err(|error| error.at(names))
            }
        }
    }

    /// Opens an archive to read, and remembers which bytes are read of it.
    pub fn open_location_recorded(
        location: &Location,
        password: Option<&Password>,
    ) -> Result<(Self, Arc<ReadRecord>)> {
        let store: Arc<dyn PartStore> = match location {
            Location::Nowhere => return Err(Error::new(ErrorKind::Missing, "there is no archive")),
            Location::File(path) => store_of(Arc::new(LocalFile::open(path)?)),
            Location::Parts(names) => Arc::new(LocalParts::open(names)?),
        };
        let record = Arc::new(ReadRecord::over(store));
        let parts = Arc::<ReadRecord>::clone(&record);
        let archive = Self::open_parts(parts, password).map_err(|error| error.at(location))?;
        Ok((archive, record))
    }

    /// Opens an archive to read; part 0 of an archive in parts stands for all of it.
    pub fn open(backend: Arc<dyn Backend>, password: Option<&Password>) -> Result<Self> {
        Self::open_parts(store_of(backend), password)
    }

    /// Opens an archive in parts to read.
    pub fn open_parts(parts: Arc<dyn PartStore>, password: Option<&Password>) -> Result<Self> {
        Ok(Self::opened(Journal::open_parts(parts, password)?))
    }

    fn opened(journal: Journal) -> Self {
        let notice = match journal.tail() {
            Tail::None => None,
            Tail::Unfinished(bytes) => Some(Notice::Unfinished(*bytes)),
            Tail::Damaged { from } => Some(Notice::Damaged(*from)),
            Tail::DamagedPart(what) => Some(Notice::DamagedPart(what.clone())),
        };
        Self { journal, notice, identity: None }
    }

    /// Opens an archive to append, or makes it. Nothing is kept of what goes nowhere.
    pub fn open_location_for_writing(
        location: &Location,
        options: OpenOptions<'_>,
        environment: &Environment,
    ) -> Result<Self> {
        let path = match location {
            Location::Nowhere => return Self::open_nowhere(options, environment),
            Location::Parts(names) => {
                let parts = Arc::new(LocalParts::open_for_writing(names)?);
                return Self::open_parts_for_writing(parts, options, environment)
                    .map_err(|error| error.at(names));
            }
            Location::File(path) => path,
        };
        let file = LocalFile::open_for_writing(path)?;
        let identity = Some(file.identity()?);
        let archive = Self::open_for_writing(Arc::new(file), options, environment)
            .map_err(|error| error.at(path.display()))?;
        Ok(Self { identity, ..archive })
    }

    /// Like [`Self::open_location_for_writing`], but nothing that is written reaches the disk.
    pub fn open_location_for_trial(
        location: &Location,
        options: OpenOptions<'_>,
        environment: &Environment,
    ) -> Result<Self> {
        let path = match location {
            Location::Parts(names) if LocalParts::exist(names) => {
                let parts = Arc::new(DiscardParts::over(Arc::new(LocalParts::open(names)?)));
                return Self::open_parts_for_writing(parts, options, environment)
                    .map_err(|error| error.at(names));
            }
            Location::Nowhere | Location::Parts(_) => {
                return Self::open_nowhere(options, environment);
            }
            Location::File(path) => path,
        };
        let file = match LocalFile::open(path) {
            Err(error) if error.kind() == ErrorKind::Missing => {
                return Self::open_nowhere(options, environment);
            }
            file => file?,
        };
        let identity = Some(file.identity()?);
        let backend = Arc::new(Discard::over(Arc::new(file))?);
        let archive = Self::open_for_writing(backend, options, environment)
            .map_err(|error| error.at(path.display()))?;
        Ok(Self { identity, ..archive })
    }

    /// An empty archive that forgets what it is given.
    pub fn open_nowhere(options: OpenOptions<'_>, environment: &Environment) -> Result<Self> {
        let backend = Discard::over(Arc::new(Memory::default()))?;
        Self::open_for_writing(Arc::new(backend), options, environment)
    }

    /// Opens an archive to append, or makes it in an empty backend.
    pub fn open_for_writing(
        backend: Arc<dyn Backend>,
        options: OpenOptions<'_>,
        environment: &Environment,
    ) -> Result<Self> {
        Self::open_parts_for_writing(Arc::new(OnePart::new(backend)), options, environment)
    }

    /// The same of an archive in parts.
    pub fn open_parts_for_writing(
        parts: Arc<dyn PartStore>,
        options: OpenOptions<'_>,
        environment: &Environment,
    ) -> Result<Self> {
        let new_part = || new_part(options, environment);
        let accept = |header: &ArchiveHeader| check_method(header, options.method);
        let (journal, is_completed) = Journal::open_parts_for_writing(
            parts,
            options.password,
            new_part,
            accept,
            options.force,
        )?;
        let given_up = journal.given_up().map(|what| Notice::GivenUp(what.to_owned()));
        let notice = given_up.or(is_completed.then_some(Notice::Completed));
        Ok(Self { journal, notice, identity: None })
    }

    /// What the user should know first.
    pub fn notice(&self) -> Option<&Notice> {
        self.notice.as_ref()
    }

    /// How a message names a byte of the newest part.
    pub fn place_named(&self, offset: u64) -> String {
        self.reader().place_named(offset)
    }

    /// Device and inode number of the archive file: it must not archive itself.
    pub fn identity(&self) -> Option<(u64, u64)> {
        self.identity
    }

    /// The random identifier that all its parts have.
    pub fn id(&self) -> [u8; 16] {
        self.journal.header().archive_id
    }

    /// `-fragment` of this archive.
    pub fn fragment_exponent(&self) -> u8 {
        self.journal.header().fragment_exponent
    }

    /// What fragments are called.
    pub fn identity_hash(&self) -> IdentityHash {
        IdentityHash::new(self.journal.master_key().map(MasterKey::identity_key))
    }

    /// Whether equal fragments have equal identities in both archives, as in all that are not
    /// encrypted and in copies of one that is.
    pub fn shares_identities_with(&self, other: &Self) -> bool {
        self.identity_hash().is_same(&other.identity_hash())
    }

    /// What the cut rule multiplies with in an encrypted archive; nothing in a plain one.
    pub fn cut_constants<const LEN: usize>(&self) -> Option<[u8; LEN]> {
        self.journal.master_key().map(MasterKey::cut_constants)
    }

    /// Whether it holds data; else it is an index, made with `-method i`.
    pub fn holds_data(&self) -> bool {
        !self.journal.header().flags.no_data
    }

    /// Length in bytes up to the last commit; 0 while there is none.
    pub fn committed_bytes(&self) -> u64 {
        self.journal.committed_bytes()
    }

    /// Removes an archive file that was made but got no update.
    pub fn remove_if_unused(&self) -> Result<()> {
        self.journal.remove_if_unused()
    }

    pub(super) fn reader(&self) -> FrameReader {
        self.journal.reader()
    }
}

/// The parts of an archive in one file, or none beside an index.
fn store_of(backend: Arc<dyn Backend>) -> Arc<dyn PartStore> {
    if Journal::is_index(backend.as_ref()) {
        Arc::new(IndexAlone::new(backend))
    } else {
        Arc::new(OnePart::new(backend))
    }
}

/// Blocks may be as large as the format allows.
const BLOCK_BITS: u8 = 28;
const _: () = assert!(BLOCK_BYTES_MAX == 1 << BLOCK_BITS);

impl OpenOptions<'_> {
    /// For an archive that is not encrypted, and keeps data if it is new.
    pub const fn plain(fragment_exponent: u8) -> Self {
        let (method, password, key_cost) = (None, None, KeyCost::DEFAULT);
        Self { fragment_exponent, method, password, key_cost, force: false }
    }
}

pub(super) fn new_part(options: OpenOptions<'_>, environment: &Environment) -> Result<NewPart> {
    let mut archive_id = [0; 16];
    (environment.random)(&mut archive_id)?;
    let header = ArchiveHeader {
        flags: HeaderFlags {
            encrypted: options.password.is_some(),
            no_data: options.method == Some(MethodChoice::Index),
            ..HeaderFlags::default()
        },
        part: 1,
        archive_id,
        created: (environment.now)().seconds,
        block_bits: BLOCK_BITS,
        fragment_exponent: options.fragment_exponent,
        link: crate::base::Digest::default(),
        first_update: 1,
        continues: None,
    };
    let Some(password) = options.password else {
        return Ok(NewPart { header, key: None });
    };
    let master_key = MasterKey::generate(archive_id, environment)?;
    let record = KeyRecord::wrap(&master_key, password, options.key_cost, 1, environment)?;
    Ok(NewPart { header, key: Some((master_key, record)) })
}

/// Fails if the archive is no index and is to become one, or the other way round.
fn check_method(header: &ArchiveHeader, method: Option<MethodChoice>) -> Result<()> {
    let Some(method) = method else { return Ok(()) };
    let cause = match (header.flags.no_data, method) {
        (true, MethodChoice::Index) | (false, MethodChoice::Data(_)) => return Ok(()),
        (true, MethodChoice::Data(_)) => "the archive is an index, which takes only -method i",
        (false, MethodChoice::Index) => "the archive holds data, and takes any method but i",
    };
    Err(Error::usage(format!("cannot add with -method {method}")).because(cause))
}

#[cfg(test)]
mod tests {
    use super::super::begin_password_change;
    use super::*;
    use crate::crypto::tally;

    /// Each way to open an archive guesses once: a wrong password is not tried on both key records.
    #[test]
    fn a_wrong_password_is_stretched_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.zarc");
        let [right, wrong] = [b"right", b"wrong"].map(|word| Password::new(word.to_vec()));
        let key_cost = KeyCost::with_log_n(10).unwrap();
        let options = OpenOptions { password: Some(&right), key_cost, ..OpenOptions::plain(6) };
        let part = new_part(options, &Environment::system()).unwrap();
        assert_eq!(tally::take(), 1, "a new key record");
        let record = part.key.unwrap().1.encode();
        let (mut region, _) = part.header.encode(Some([&record, &record]));
        // Longer than an archive that was never made.
        region.resize(3 * 4096, 0);
        std::fs::write(&path, region).unwrap();
        let (environment, location) = (Environment::system(), Location::File(path.clone()));
        let to_write = OpenOptions { password: Some(&wrong), ..options };
        let refused = [
            Archive::open_path(&path, Some(&wrong)).map(drop),
            Archive::open_location_for_writing(&location, to_write, &environment).map(drop),
            Archive::open_location_for_trial(&location, to_write, &environment).map(drop),
            begin_password_change(&location, &wrong).map(drop),
        ];
        for error in refused.map(Result::unwrap_err) {
            assert!(error.to_string().starts_with("wrong password"), "{error}");
        }
        assert_eq!(tally::take(), 4);
        Archive::open_path(&path, Some(&right)).map(drop).unwrap();
        Archive::open_path(&path, None).map(drop).unwrap_err();
        assert_eq!(tally::take(), 1);
    }
}
