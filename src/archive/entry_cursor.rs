//! Walks the entries of one run, page by page.

use std::sync::Arc;

use crate::base::{Error, ErrorKind, Result, StoredPath};
use crate::format::{Directory, Entry, EntryPage, FrameType, PageReference, RunReference};
use crate::journal::FrameReader;

use super::packed_frame;

type Pages = Arc<Vec<PageReference<StoredPath>>>;

/// What a cursor meets.
#[derive(Debug)]
pub(super) enum Met {
    /// An entry.
    Entry(Entry),
    /// Something that cannot be read: what the run says of paths from `from` (or the start) up to but
    /// not with `to` (or to the end) is unknown.
    Gap { from: Option<StoredPath>, to: Option<StoredPath>, error: Error },
}

/// One run, opened: its directory is in memory, its pages are not.
#[derive(Clone)]
pub(super) struct EntryRun {
    reader: FrameReader,
    pages: Pages,
    /// Why nothing of it can be read, if so.
    lost: Option<Lost>,
}

/// Why a run cannot be opened; told by each cursor.
#[derive(Clone)]
struct Lost {
    kind: ErrorKind,
    why: String,
}

impl EntryRun {
    /// A run that may be lost: then a gap stands for all that it may say.
    pub(super) fn open_if_readable(reader: &FrameReader, run: &RunReference) -> Self {
        Self::open(reader, run).unwrap_or_else(|error| {
            let (oldest, newest) = run.updates;
            let updates = if oldest == newest {
                format!("what update {oldest} changed")
            } else {
                format!("what updates {oldest} to {newest} changed")
            };
            let lost = Lost {
                kind: error.kind(),
                why: format!(
                    "{updates} cannot be read, so names that only older ones tell of are left out: {error}"
                ),
            };
            Self { reader: reader.clone(), pages: Arc::default(), lost: Some(lost) }
        })
    }

    pub(super) fn open(reader: &FrameReader, run: &RunReference) -> Result<Self> {
        let decode = |raw: &[u8]| match Directory::decode(raw)? {
            Directory::Entries(pages) => Ok(pages),
            Directory::Fragments(_) => Err(Error::corrupt("a run of the wrong kind")),
        };
        let pages =
            packed_frame::read(reader, run.place, FrameType::Directory, run.payload_len, decode)?;
        let records = pages.iter().map(|page| page.records).fold(0, u64::saturating_add);
        if records != run.records {
            let what = "an entry run is not the one that is referred to";
            return Err(Error::corrupt(what).at(run.place));
        }
        Ok(Self { reader: reader.clone(), pages: Arc::new(pages), lost: None })
    }

    /// A cursor at the first entry that is not below `start`.
    pub(super) fn cursor(&self, start: Option<&StoredPath>) -> EntryCursor {
        let next_page = match start {
            Some(start) => {
                self.pages.partition_point(|page| page.first_key <= *start).saturating_sub(1)
            }
            None => 0,
        };
        EntryCursor {
            lost: self.lost.clone(),
            run: self.clone(),
            next_page,
            entries: Vec::new().into_iter(),
            start: start.cloned(),
        }
    }
}

/// A place in a run.
pub struct EntryCursor {
    run: EntryRun,
    /// What is still to be told of a run that is lost.
    lost: Option<Lost>,
    next_page: usize,
    entries: std::vec::IntoIter<Entry>,
    start: Option<StoredPath>,
}

impl EntryCursor {
    fn read_page(&self, page: &PageReference<StoredPath>) -> Result<Vec<Entry>> {
        let reader = &self.run.reader;
        let decode = EntryPage::decode;
        let frame_type = FrameType::Entries;
        let decoded = packed_frame::read(reader, page.place, frame_type, page.payload_len, decode)?;
        let is_listed = decoded.entries.first().is_some_and(|e| e.path == page.first_key)
            && decoded.entries.len() as u64 == page.records;
        if is_listed {
            return Ok(decoded.entries);
        }
        Err(Error::corrupt("an entry page is not the one that is referred to").at(page.place))
    }

    /// The next entry or gap.
    pub(super) fn next_met(&mut self) -> Option<Met> {
        if let Some(Lost { kind, why }) = self.lost.take() {
            return Some(Met::Gap { from: None, to: None, error: Error::new(kind, why) });
        }
        loop {
            for entry in self.entries.by_ref() {
                if self.start.as_ref().is_none_or(|start| entry.path >= *start) {
                    self.start = None;
                    return Some(Met::Entry(entry));
                }
            }
            let page = self.run.pages.get(self.next_page)?.clone();
            self.next_page += 1;
            match self.read_page(&page) {
                Ok(entries) => self.entries = entries.into_iter(),
                Err(error) => {
                    let to = self.run.pages.get(self.next_page).map(|next| next.first_key.clone());
                    return Some(Met::Gap { from: Some(page.first_key), to, error });
                }
            }
        }
    }
}

impl Iterator for EntryCursor {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_met().map(|met| match met {
            Met::Entry(entry) => Ok(entry),
            Met::Gap { error, .. } => Err(error),
        })
    }
}
