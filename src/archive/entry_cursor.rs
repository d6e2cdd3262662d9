//! Walks the entries of one run, page by page.

use std::iter::Peekable;
use std::sync::Arc;

use crate::base::{Error, Result, StoredPath};
use crate::format::{Entry, EntryPage, FrameType, PageReference, RunReference};
use crate::journal::FrameReader;

use super::packed_frame;
use super::run_directory::{Pages, RunDirectory, Unlisted};

/// What a cursor meets.
#[derive(Debug)]
pub(super) enum Met {
    /// An entry.
    Entry(Entry),
    /// Pages that cannot be read: what the run says of paths from `from` up to but not with
    /// `to` (or to the end) is unknown.
    Gap { from: StoredPath, to: Option<StoredPath>, error: Error },
}

/// One run, opened: the root of its directory is in memory, its pages are not.
#[derive(Clone)]
pub(super) struct EntryRun {
    reader: FrameReader,
    directory: Arc<RunDirectory<StoredPath>>,
}

impl EntryRun {
    pub(super) fn open(reader: &FrameReader, run: &RunReference) -> Result<Self> {
        let directory = Arc::new(RunDirectory::open(reader, run)?);
        Ok(Self { reader: reader.clone(), directory })
    }

    /// Its pages in order, from the one that may hold `start` on.
    pub(super) fn pages(&self, start: Option<&StoredPath>) -> Pages<StoredPath> {
        self.directory.pages(start)
    }

    /// A cursor at the first entry that is not below `start`.
    pub(super) fn cursor(&self, start: Option<&StoredPath>) -> EntryCursor {
        EntryCursor {
            reader: self.reader.clone(),
            pages: self.pages(start).peekable(),
            entries: Vec::new().into_iter(),
            start: start.cloned(),
        }
    }
}

/// A place in a run.
pub struct EntryCursor {
    reader: FrameReader,
    pages: Peekable<Pages<StoredPath>>,
    entries: std::vec::IntoIter<Entry>,
    start: Option<StoredPath>,
}

impl EntryCursor {
    /// The first key of the page or directory that comes next.
    fn next_first_key(&mut self) -> Option<&StoredPath> {
        self.pages.peek().map(|next| match next {
            Ok(page) => &page.first_key,
            Err(unlisted) => &unlisted.first_key,
        })
    }

    fn gap(&mut self, from: StoredPath, error: Error) -> Met {
        Met::Gap { from, to: self.next_first_key().cloned(), error }
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
            match self.pages.next()? {
                Ok(page) => match read_page(&self.reader, &page) {
                    Ok(entries) => self.entries = entries.into_iter(),
                    Err(error) => return Some(self.gap(page.first_key, error)),
                },
                Err(Unlisted { first_key, error }) => return Some(self.gap(first_key, error)),
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

/// The entries of a page.
pub(super) fn read_page(
    reader: &FrameReader,
    page: &PageReference<StoredPath>,
) -> Result<Vec<Entry>> {
    let (frame_type, decode) = (FrameType::Entries, EntryPage::decode);
    let decoded = packed_frame::read(reader, page.place, frame_type, page.payload_len, decode)?;
    let is_listed = decoded.entries.first().is_some_and(|e| e.path == page.first_key)
        && decoded.entries.len() as u64 == page.records;
    if is_listed {
        return Ok(decoded.entries);
    }
    Err(Error::corrupt("an entry page is not the one that is referred to").at(page.place))
}
