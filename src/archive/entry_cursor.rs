//! Walks the entries of one run, page by page.

use std::iter::Peekable;
use std::sync::Arc;

use crate::base::{Error, ErrorKind, Result, StoredPath};
use crate::format::{Entry, EntryPageReader, FrameType, PageReference, RunReference};
use crate::journal::FrameReader;

use super::packed_frame;
use super::run_directory::{Pages, RunDirectory, Unlisted};

/// What a cursor meets.
#[derive(Debug)]
pub(super) enum Met {
    /// An entry.
    Entry(Entry),
    /// Something that cannot be read: what the run says of paths from `from` (or the start) up to but
    /// not with `to` (or to the end) is unknown.
    Gap { from: Option<StoredPath>, to: Option<StoredPath>, error: Error },
}

/// One run, opened: the root of its directory is in memory, its pages are not.
#[derive(Clone)]
pub(super) struct EntryRun {
    reader: FrameReader,
    directory: std::result::Result<Arc<RunDirectory<StoredPath>>, LostRun>,
}

/// Why a run cannot be opened; told by each cursor.
#[derive(Clone)]
struct LostRun {
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
            let lost = LostRun {
                kind: error.kind(),
                why: format!(
                    "{updates} cannot be read, so names that only older ones tell of are left out: {error}"
                ),
            };
            Self { reader: reader.clone(), directory: Err(lost) }
        })
    }

    pub(super) fn open(reader: &FrameReader, run: &RunReference) -> Result<Self> {
        let directory = Arc::new(RunDirectory::open(reader, run)?);
        Ok(Self { reader: reader.clone(), directory: Ok(directory) })
    }

    /// A cursor at the first entry that is not below `start`.
    pub(super) fn cursor(&self, start: Option<&StoredPath>) -> EntryCursor {
        let pages = self.directory.as_ref().map(|run| run.pages(start).peekable());
        EntryCursor {
            reader: self.reader.clone(),
            lost: pages.as_ref().err().map(|lost| (*lost).clone()),
            pages: pages.ok(),
            page: None,
            start: start.cloned(),
        }
    }
}

/// Entries that cannot be read, from this key on.
type Lost = Unlisted<StoredPath>;

/// A page whose entries are being asked for.
struct OpenPage {
    reference: PageReference<StoredPath>,
    /// The first entry, which was looked at.
    first: Option<Entry>,
    rest: EntryPageReader,
}

impl OpenPage {
    fn read(
        reader: &FrameReader,
        reference: PageReference<StoredPath>,
    ) -> std::result::Result<Self, Lost> {
        match open_page(reader, &reference) {
            Ok((first, rest)) => Ok(Self { reference, first, rest }),
            Err(error) => Err(Lost { first_key: reference.first_key, error }),
        }
    }

    fn next(&mut self) -> Option<std::result::Result<Entry, Lost>> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        let PageReference { first_key, place, .. } = &self.reference;
        self.rest.next().map(|entry| {
            entry.map_err(|error| Lost { first_key: first_key.clone(), error: error.at(*place) })
        })
    }
}

/// A place in a run.
pub struct EntryCursor {
    reader: FrameReader,
    /// What is still to be told of a run that is lost.
    lost: Option<LostRun>,
    pages: Option<Peekable<Pages<StoredPath>>>,
    page: Option<OpenPage>,
    start: Option<StoredPath>,
}

impl EntryCursor {
    /// What is unknown where a page or directory cannot be read.
    fn gap(&mut self, Lost { first_key, error }: Lost) -> Met {
        Met::Gap { from: Some(first_key), to: self.next_key().cloned(), error }
    }

    /// The first key of the next page, if this is not the last.
    fn next_key(&mut self) -> Option<&StoredPath> {
        self.pages.as_mut().and_then(Peekable::peek).map(first_key)
    }

    /// Fails if an entry belongs behind the page that it is in.
    fn check_place(&mut self, entry: &Entry) -> std::result::Result<(), Lost> {
        if self.next_key().is_none_or(|next| entry.path < *next) {
            return Ok(());
        }
        match self.page.take() {
            Some(OpenPage { reference: PageReference { first_key, place, .. }, .. }) => {
                Err(Lost { first_key, error: overlap().at(place) })
            }
            None => Ok(()),
        }
    }

    /// The next entry or gap.
    pub(super) fn next_met(&mut self) -> Option<Met> {
        if let Some(LostRun { kind, why }) = self.lost.take() {
            return Some(Met::Gap { from: None, to: None, error: Error::new(kind, why) });
        }
        loop {
            while let Some(next) = self.page.as_mut().and_then(OpenPage::next) {
                let next = next.and_then(|entry| self.check_place(&entry).map(|()| entry));
                match next {
                    Ok(entry) if self.start.as_ref().is_none_or(|start| entry.path >= *start) => {
                        self.start = None;
                        return Some(Met::Entry(entry));
                    }
                    Ok(_) => {}
                    Err(lost) => return Some(self.gap(lost)),
                }
            }
            let opened =
                self.pages.as_mut()?.next()?.and_then(|page| OpenPage::read(&self.reader, page));
            match opened {
                Ok(page) => self.page = Some(page),
                Err(lost) => return Some(self.gap(lost)),
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

/// Where a page begins, or pages that are not known.
pub(super) fn first_key(
    listed: &std::result::Result<PageReference<StoredPath>, Lost>,
) -> &StoredPath {
    match listed {
        Ok(page) => &page.first_key,
        Err(unlisted) => &unlisted.first_key,
    }
}

/// An entry is not below the first one of the next page.
pub(super) fn overlap() -> Error {
    Error::corrupt("pages of entries are out of order")
}

/// The entries of a page.
pub(super) fn read_page(
    reader: &FrameReader,
    page: &PageReference<StoredPath>,
) -> Result<Vec<Entry>> {
    let (first, rest) = open_page(reader, page)?;
    let rest = rest.map(|entry| entry.map_err(|error| error.at(page.place)));
    first.map(Ok).into_iter().chain(rest).collect()
}

/// The first entry of a page, and what comes after it.
fn open_page(
    reader: &FrameReader,
    page: &PageReference<StoredPath>,
) -> Result<(Option<Entry>, EntryPageReader)> {
    let PageReference { first_key, place, payload_len, records } = page;
    let decode = |raw: &[u8]| EntryPageReader::new(raw.to_vec());
    let mut rest = packed_frame::read(reader, *place, FrameType::Entries, *payload_len, decode)?;
    let is_counted = rest.left() == *records;
    let first = rest.next().transpose().map_err(|error| error.at(*place))?;
    if is_counted && first.as_ref().is_some_and(|first| first.path == *first_key) {
        return Ok((first, rest));
    }
    Err(Error::corrupt("an entry page is not the one that is referred to").at(*place))
}
