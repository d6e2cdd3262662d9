//! Walks the entries of one run, page by page.

use std::sync::Arc;

use crate::base::{Error, Result, StoredPath};
use crate::format::{Directory, Entry, EntryPageReader, FrameType, PageReference, RunReference};
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
        EntryCursor { run: self.clone(), next_page, page: None, start: start.cloned() }
    }
}

/// A page whose entries are being asked for.
struct OpenPage {
    reference: PageReference<StoredPath>,
    /// The first entry, which was looked at.
    first: Option<Entry>,
    rest: EntryPageReader,
}

impl OpenPage {
    fn next(&mut self) -> Option<Result<Entry>> {
        let place = self.reference.place;
        self.first
            .take()
            .map(Ok)
            .or_else(|| self.rest.next().map(|entry| entry.map_err(|error| error.at(place))))
    }
}

/// A place in a run.
pub struct EntryCursor {
    run: EntryRun,
    next_page: usize,
    page: Option<OpenPage>,
    start: Option<StoredPath>,
}

impl EntryCursor {
    fn read_page(&self, reference: PageReference<StoredPath>) -> Result<OpenPage> {
        let PageReference { place, payload_len, .. } = reference;
        let decode = |raw: &[u8]| EntryPageReader::new(raw.to_vec());
        let reader = &self.run.reader;
        let mut rest = packed_frame::read(reader, place, FrameType::Entries, payload_len, decode)?;
        let is_counted = rest.left() == reference.records;
        let first = rest.next().transpose().map_err(|error| error.at(place))?;
        if is_counted && first.as_ref().is_some_and(|first| first.path == reference.first_key) {
            return Ok(OpenPage { reference, first, rest });
        }
        Err(Error::corrupt("an entry page is not the one that is referred to").at(place))
    }

    /// The next entry or gap.
    pub(super) fn next_met(&mut self) -> Option<Met> {
        loop {
            while let Some(next) = self.page.as_mut().and_then(OpenPage::next) {
                match next {
                    Ok(entry) if self.start.as_ref().is_none_or(|start| entry.path >= *start) => {
                        self.start = None;
                        return Some(Met::Entry(entry));
                    }
                    Ok(_) => {}
                    Err(error) => return Some(self.gap(error)),
                }
            }
            let reference = self.run.pages.get(self.next_page)?.clone();
            self.next_page += 1;
            match self.read_page(reference) {
                Ok(page) => self.page = Some(page),
                Err(error) => return Some(self.gap(error)),
            }
        }
    }

    /// What an error in the page that was read last means.
    fn gap(&self, error: Error) -> Met {
        let key = |index: usize| self.run.pages.get(index).map(|page| page.first_key.clone());
        let from = key(self.next_page - 1).expect("a page was read");
        Met::Gap { from, to: key(self.next_page), error }
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
