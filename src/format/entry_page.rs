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
        let mut reader = ByteReader::new(raw, "entry page");
        let count = reader.varint_at_most(reader.remaining() as u64, "number of entries")?;
        if count == 0 {
            return Err(reader.corrupt("it is empty"));
        }
        let mut entries: Vec<Entry> = Vec::new();
        for _ in 0..count {
            let before = entries.last().map(|entry| &entry.path);
            let path = decode_path(&mut reader, before)?;
            entries.push(Entry { path, object: entry_fields::decode(&mut reader)? });
        }
        reader.finish()?;
        Ok(Self { entries })
    }
}

fn decode_path(reader: &mut ByteReader<'_>, before: Option<&StoredPath>) -> Result<StoredPath> {
    let before_bytes = before.map(StoredPath::as_bytes).unwrap_or_default();
    let shared = reader.varint_at_most(before_bytes.len() as u64, "shared bytes")?;
    let shared = usize::try_from(shared).unwrap_or(usize::MAX);
    let rest = reader.byte_string(StoredPath::LEN_MAX, "path length")?;
    let mut bytes = before_bytes.get(..shared).unwrap_or_default().to_vec();
    bytes.extend_from_slice(rest);
    let path = StoredPath::from_bytes(bytes)?;
    if before.is_some_and(|before| *before >= path) {
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
        let shared = before.iter().zip(path).take_while(|(a, b)| a == b).count();
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
