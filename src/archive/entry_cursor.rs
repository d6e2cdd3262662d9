//! Walks the entries of one run, page by page.

use std::sync::Arc;

use crate::base::{Error, Result, StoredPath};
use crate::format::{Directory, Entry, EntryPage, FrameType, PageReference, RunReference};
use crate::journal::FrameReader;

use super::packed_frame;

type Pages = Arc<Vec<PageReference<StoredPath>>>;

/// What a cursor meets.
#[derive(Debug)]
pub(super) enum Met {
    /// An entry.
    Entry(Entry),
    /// A page that cannot be read: what the run says of paths from `from` up to but not with
    /// `to` (or to the end) is unknown.
    Gap { from: StoredPath, to: Option<StoredPath>, error: Error },
}

/// One run, opened: its directory is in memory, its pages are not.
#[derive(Clone)]
pub(super) struct EntryRun {
    reader: FrameReader,
    pages: Pages,
}

impl EntryRun {
    pub(super) fn open(reader: &FrameReader, run: &RunReference) -> Result<Self> {
        let decode = |raw: &[u8]| match Directory::decode(raw)? {
            Directory::Entries(pages) => Ok(pages),
            Directory::Fragments(_) => Err(Error::corrupt("a run of the wrong kind")),
        };
        let pages =
            packed_frame::read(reader, run.place, FrameType::Directory, run.payload_len, decode)?;
        Ok(Self { reader: reader.clone(), pages: Arc::new(pages) })
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
                    return Some(Met::Gap { from: page.first_key, to, error });
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
