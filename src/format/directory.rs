//! The table of contents of a run: `spec/format.md` section 7.3.

use crate::base::{ByteReader, ByteWriter, Error, ErrorKind, Result, StoredPath};

use super::limits::META_BYTES_MAX;
use super::place::Place;

/// What the records of a run are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunKind {
    /// Entries, by path.
    Entries = 1,
    /// Fragment records, by block number.
    Fragments = 2,
}

impl RunKind {
    pub(super) fn decode(reader: &mut ByteReader<'_>) -> Result<Option<Self>> {
        match reader.u8()? {
            0 => Ok(None),
            1 => Ok(Some(Self::Entries)),
            2 => Ok(Some(Self::Fragments)),
            other => Err(reader.corrupt(format_args!("run kind {other}"))),
        }
    }
}

/// One page of a run; the key is the path or the block number, by the run's kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageReference<Key> {
    /// The first key of the page.
    pub first_key: Key,
    /// Where the page's frame starts.
    pub place: Place,
    /// Payload length of the frame in bytes.
    pub payload_len: u64,
    /// How many records the page has.
    pub records: u64,
}

/// A run's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Directory {
    /// Of entry pages.
    Entries(Vec<PageReference<StoredPath>>),
    /// Of fragment pages.
    Fragments(Vec<PageReference<u64>>),
}

impl Directory {
    /// The raw bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Entries(pages) => encode_pages(RunKind::Entries, pages, |writer, path| {
                writer.byte_string(path.as_bytes());
            }),
            Self::Fragments(pages) => encode_pages(RunKind::Fragments, pages, |writer, block| {
                writer.varint(*block);
            }),
        }
    }

    /// Reads the raw bytes.
    pub fn decode(raw: &[u8]) -> Result<Self> {
        let mut reader = ByteReader::new(raw, "run directory");
        let kind = RunKind::decode(&mut reader)?;
        let level = reader.u8()?;
        if level != 1 {
            return Err(Error::new(ErrorKind::Unsupported, "the archive needs a newer zarc")
                .because(format!("a run has a directory of level {level}")));
        }
        let directory = match kind {
            Some(RunKind::Entries) => Self::Entries(decode_pages(&mut reader, |reader| {
                let path = reader.byte_string(StoredPath::LEN_MAX, "path length")?;
                StoredPath::from_bytes(path.to_vec())
            })?),
            Some(RunKind::Fragments) => {
                Self::Fragments(decode_pages(&mut reader, ByteReader::varint)?)
            }
            None => return Err(reader.corrupt("it has no kind")),
        };
        reader.finish()?;
        Ok(directory)
    }
}

fn encode_pages<Key>(
    kind: RunKind,
    pages: &[PageReference<Key>],
    encode_key: impl Fn(&mut ByteWriter, &Key),
) -> Vec<u8> {
    let mut writer = ByteWriter::new();
    let records: u64 = pages.iter().map(|page| page.records).sum();
    writer.u8(kind as u8).u8(1).varint(records).varint(pages.len() as u64);
    for page in pages {
        encode_key(&mut writer, &page.first_key);
        page.place.encode(&mut writer);
        writer.varint(page.payload_len).varint(page.records);
    }
    writer.into_bytes()
}

fn decode_pages<'a, Key: Ord>(
    reader: &mut ByteReader<'a>,
    decode_key: impl Fn(&mut ByteReader<'a>) -> Result<Key>,
) -> Result<Vec<PageReference<Key>>> {
    let records = reader.varint()?;
    let count = reader.varint_at_most(reader.remaining() as u64, "number of pages")?;
    let mut pages: Vec<PageReference<Key>> = Vec::new();
    let mut sum = 0_u64;
    for _ in 0..count {
        let page = PageReference {
            first_key: decode_key(reader)?,
            place: Place::decode(reader)?,
            payload_len: reader.varint_at_most(META_BYTES_MAX, "payload length")?,
            records: reader.varint_at_most(META_BYTES_MAX, "number of records")?,
        };
        if pages.last().is_some_and(|before| before.first_key >= page.first_key) {
            return Err(reader.corrupt("pages are out of order"));
        }
        sum += page.records;
        pages.push(page);
    }
    if sum != records {
        return Err(reader.corrupt(format_args!("{sum} records in its pages, not {records}")));
    }
    Ok(pages)
}
