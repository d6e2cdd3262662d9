//! The table of contents of a run, a tree of directories: `spec/format.md` section 7.3.

use crate::base::{ByteReader, ByteWriter, Error, ErrorKind, Result, StoredPath};

use super::identity_page::IdentityPrefix;
use super::limits::{DIRECTORY_BYTES_MAX, DIRECTORY_LEVELS_MAX, META_BYTES_MAX};
use super::place::Place;

/// What the records of a run are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunKind {
    /// Entries, by path.
    Entries = 1,
    /// Fragment records, by block number.
    Fragments = 2,
    /// In which blocks fragments are, by identity.
    Identities = 3,
}

impl RunKind {
    pub(super) fn decode(reader: &mut ByteReader<'_>) -> Result<Option<Self>> {
        match reader.u8()? {
            0 => Ok(None),
            1 => Ok(Some(Self::Entries)),
            2 => Ok(Some(Self::Fragments)),
            3 => Ok(Some(Self::Identities)),
            other => Err(reader.corrupt(format_args!("run kind {other}"))),
        }
    }
}

/// What the records of a run are ordered by.
pub trait RunKey: Ord + Clone {
    /// The kind of the run.
    const KIND: RunKind;

    /// Appends the key.
    fn encode(&self, writer: &mut ByteWriter);

    /// Reads a key.
    fn decode(reader: &mut ByteReader<'_>) -> Result<Self>;

    /// Whether so many records that begin with this key can be followed by `next`.
    fn is_followed_by(&self, records: u64, next: &Self) -> bool;
}

impl RunKey for StoredPath {
    const KIND: RunKind = RunKind::Entries;

    fn encode(&self, writer: &mut ByteWriter) {
        writer.byte_string(self.as_bytes());
    }

    fn decode(reader: &mut ByteReader<'_>) -> Result<Self> {
        let path = reader.byte_string(StoredPath::LEN_MAX, "path length")?;
        StoredPath::from_bytes(path.to_vec())
    }

    fn is_followed_by(&self, _records: u64, next: &Self) -> bool {
        self < next
    }
}

impl RunKey for u64 {
    const KIND: RunKind = RunKind::Fragments;

    fn encode(&self, writer: &mut ByteWriter) {
        writer.varint(*self);
    }

    fn decode(reader: &mut ByteReader<'_>) -> Result<Self> {
        reader.varint()
    }

    /// Blocks are numbered without gaps.
    fn is_followed_by(&self, records: u64, next: &Self) -> bool {
        self.checked_add(records) == Some(*next)
    }
}

impl RunKey for IdentityPrefix {
    const KIND: RunKind = RunKind::Identities;

    fn encode(&self, writer: &mut ByteWriter) {
        writer.varint(self.number());
    }

    fn decode(reader: &mut ByteReader<'_>) -> Result<Self> {
        let number = reader.varint_at_most(Self::MAX.number(), "first bytes of an identity")?;
        Ok(Self::from_number(number))
    }

    fn is_followed_by(&self, _records: u64, next: &Self) -> bool {
        self < next
    }
}

/// One page of a run, or one directory of pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageReference<Key> {
    /// The first key of the page.
    pub first_key: Key,
    /// Where the page's frame starts.
    pub place: Place,
    /// Payload length of the frame in bytes.
    pub payload_len: u64,
    /// How many records the page has, or all pages of the directory together.
    pub records: u64,
}

/// A directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory<Key> {
    /// 1 lists pages; one above lists directories of the level below.
    pub level: u8,
    /// What it lists, never empty.
    pub listed: Vec<PageReference<Key>>,
}

impl<Key: RunKey> Directory<Key> {
    /// Reads the raw bytes.
    pub fn decode(raw: &[u8]) -> Result<Self> {
        let mut reader = ByteReader::new(raw, "run directory");
        if RunKind::decode(&mut reader)? != Some(Key::KIND) {
            return Err(reader.corrupt("it belongs to a run of another kind"));
        }
        if raw.len() as u64 > DIRECTORY_BYTES_MAX {
            return Err(reader.corrupt(format_args!("{} bytes, above the limit", raw.len())));
        }
        let level = reader.u8()?;
        if level == 0 || u64::from(level) > DIRECTORY_LEVELS_MAX {
            return Err(reader.corrupt(format_args!("level {level}")));
        }
        let records = reader.varint()?;
        let listed = decode_listed(&mut reader, level)?;
        let directory = Self { level, listed };
        if directory.records() != Some(records) {
            return Err(reader.corrupt(format_args!("not {records} records in its pages")));
        }
        reader.finish()?;
        Ok(directory)
    }

    /// How many records there are in all pages, unless too many to count.
    pub fn records(&self) -> Option<u64> {
        self.listed.iter().try_fold(0_u64, |sum, page| sum.checked_add(page.records))
    }

    /// The key of the first record.
    pub fn first_key(&self) -> Option<&Key> {
        self.listed.first().map(|page| &page.first_key)
    }
}

fn decode_listed<Key: RunKey>(
    reader: &mut ByteReader<'_>,
    level: u8,
) -> Result<Vec<PageReference<Key>>> {
    let count = reader.varint_at_most(reader.remaining() as u64, "number of pages")?;
    if count == 0 {
        return Err(reader.corrupt("it is empty"));
    }
    // Each record of a page takes at least a byte.
    let records_max = if level == 1 { META_BYTES_MAX } else { u64::MAX };
    let mut listed: Vec<PageReference<Key>> = Vec::new();
    for _ in 0..count {
        let page = PageReference {
            first_key: Key::decode(reader)?,
            place: Place::decode(reader)?,
            payload_len: reader.varint_at_most(META_BYTES_MAX, "payload length")?,
            records: reader.varint_at_most(records_max, "number of records")?,
        };
        if page.records == 0 {
            return Err(reader.corrupt("a page without records"));
        }
        let follows = |before: &PageReference<Key>| {
            before.first_key.is_followed_by(before.records, &page.first_key)
        };
        if !listed.last().is_none_or(follows) {
            return Err(reader.corrupt("pages are out of order"));
        }
        listed.push(page);
    }
    Ok(listed)
}

/// Fails unless the raw bytes are a directory of some kind.
pub fn check_directory(raw: &[u8]) -> Result<()> {
    match RunKind::decode(&mut ByteReader::new(raw, "run directory"))? {
        Some(RunKind::Entries) => Directory::<StoredPath>::decode(raw).map(drop),
        Some(RunKind::Fragments) => Directory::<u64>::decode(raw).map(drop),
        Some(RunKind::Identities) => Directory::<IdentityPrefix>::decode(raw).map(drop),
        None => Err(Error::new(ErrorKind::Corrupt, "a run directory has no kind")),
    }
}

/// Builds the raw bytes of a directory.
#[derive(Debug)]
pub struct DirectoryBuilder<Key> {
    level: u8,
    listed: ByteWriter,
    count: u64,
    records: u64,
    first_key: Option<Key>,
}

impl<Key: RunKey> DirectoryBuilder<Key> {
    /// An empty directory.
    pub fn new(level: u8) -> Self {
        Self { level, listed: ByteWriter::new(), count: 0, records: 0, first_key: None }
    }

    /// Appends a page, or a directory of the level below.
    pub fn push(&mut self, page: &PageReference<Key>) {
        page.first_key.encode(&mut self.listed);
        page.place.encode(&mut self.listed);
        self.listed.varint(page.payload_len).varint(page.records);
        self.count += 1;
        self.records += page.records;
        self.first_key.get_or_insert_with(|| page.first_key.clone());
    }

    /// Length of the directory so far in bytes.
    pub fn len(&self) -> usize {
        self.listed.len()
    }

    /// Whether it lists nothing.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How much it lists.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The first key, the number of records, and the raw bytes; nothing if it is empty.
    pub fn finish(self) -> Option<(Key, u64, Vec<u8>)> {
        let mut writer = ByteWriter::new();
        writer.u8(Key::KIND as u8).u8(self.level).varint(self.records).varint(self.count);
        writer.bytes(self.listed.as_bytes());
        Some((self.first_key?, self.records, writer.into_bytes()))
    }
}
