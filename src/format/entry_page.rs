//! A page of entries: `spec/format.md` section 7.2.

use crate::base::{ByteReader, ByteWriter, Result, StoredPath};

use super::entry::Entry;
use super::entry_fields;

/// A decoded page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryPage {
    /// Its entries, in archive order.
    pub entries: Vec<Entry>,
}

impl EntryPage {
    /// Reads the raw bytes of a page.
    pub fn decode(raw: &[u8]) -> Result<Self> {
        let entries = EntryPageReader::new(raw.to_vec())?.collect::<Result<_>>()?;
        Ok(Self { entries })
    }
}

/// The entries of a page, decoded one by one as they are asked for: most of them are looked at
/// and dropped. After an error there are no more.
#[derive(Debug, Clone)]
pub struct EntryPageReader {
    raw: Vec<u8>,
    /// Where the next entry begins.
    offset: usize,
    /// How many entries are to come.
    left: u64,
    before: Option<StoredPath>,
}

impl EntryPageReader {
    /// Will decode the raw bytes of a page.
    pub fn new(raw: Vec<u8>) -> Result<Self> {
        let mut reader = ByteReader::new(&raw, "entry page");
        let left = reader.varint_at_most(reader.remaining() as u64, "number of entries")?;
        if left == 0 {
            return Err(reader.corrupt("it is empty"));
        }
        let offset = raw.len() - reader.remaining();
        Ok(Self { raw, offset, left, before: None })
    }

    /// How many entries are to come, if nothing is wrong with them.
    pub fn left(&self) -> u64 {
        self.left
    }

    fn decode_next(&mut self) -> Result<Entry> {
        let bytes = self.raw.get(self.offset..).unwrap_or_default();
        let mut reader = ByteReader::new(bytes, "entry page");
        let path = decode_path(&mut reader, self.before.as_ref())?;
        let object = entry_fields::decode(&mut reader)?;
        self.offset = self.raw.len() - reader.remaining();
        match &mut self.before {
            Some(before) => before.clone_from(&path),
            None => self.before = Some(path.clone()),
        }
        self.left -= 1;
        if self.left == 0 {
            reader.finish()?;
        }
        Ok(Entry { path, object })
    }
}

impl Iterator for EntryPageReader {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let entry = self.decode_next();
        if entry.is_err() {
            self.left = 0;
        }
        Some(entry)
    }
}

fn decode_path(reader: &mut ByteReader<'_>, before: Option<&StoredPath>) -> Result<StoredPath> {
    let before_bytes = before.map(StoredPath::as_bytes).unwrap_or_default();
    let shared = reader.varint_at_most(before_bytes.len() as u64, "shared bytes")?;
    let shared = usize::try_from(shared).unwrap_or(usize::MAX);
    let rest = reader.byte_string(StoredPath::LEN_MAX, "path length")?;
    let Some(before) = before else {
        return StoredPath::from_bytes(rest.to_vec());
    };
    let path = before.with_end(shared, rest)?;
    // What both begin with does not decide.
    let end_before = before_bytes.get(shared..).unwrap_or_default();
    if StoredPath::compare_bytes(end_before, rest).is_ge() {
        return Err(reader.corrupt("paths are out of order"));
    }
    Ok(path)
}

/// Builds the raw bytes of a page.
#[derive(Debug, Default)]
pub struct EntryPageBuilder {
    entries: ByteWriter,
    count: u64,
    first: Option<StoredPath>,
    last: Option<StoredPath>,
}

impl EntryPageBuilder {
    /// An empty page.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an entry; its path is above all paths before it.
    pub fn push(&mut self, entry: &Entry) {
        let before = self.last.as_ref().map(StoredPath::as_bytes).unwrap_or_default();
        assert!(
            self.last.as_ref().is_none_or(|last| *last < entry.path),
            "entries are recorded in archive order"
        );
        let path = entry.path.as_bytes();
        let shared = StoredPath::shared_len(before, path);
        self.entries.varint(shared as u64);
        self.entries.byte_string(path.get(shared..).unwrap_or_default());
        entry_fields::encode(&entry.object, &mut self.entries);
        self.count += 1;
        self.first.get_or_insert_with(|| entry.path.clone());
        self.last = Some(entry.path.clone());
    }

    /// Length of the page so far in bytes.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no entry.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The first path, the number of entries, and the raw bytes; nothing if it is empty.
    pub fn finish(self) -> Option<(StoredPath, u64, Vec<u8>)> {
        let mut writer = ByteWriter::new();
        writer.varint(self.count).bytes(self.entries.as_bytes());
        Some((self.first?, self.count, writer.into_bytes()))
    }
}
