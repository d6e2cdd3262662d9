//! Several runs of entries become one: for each path, the newest run that holds it wins. Pages
//! that nothing is merged into are listed again as they are; others are written anew, one after
//! another.

use std::iter::Peekable;
use std::sync::Arc;

use crate::base::{Error, ErrorKind, Progress, Result, StoredPath};
use crate::format::{Entry, EntryPageBuilder, FrameType, Object, PageReference, RunReference};
use crate::journal::{FrameReader, UpdateWriter};

use super::entry_cursor::{first_key, overlap, read_page};
use super::packed_frame;
use super::run_directory::{Pages, RunDirectory};
use super::run_shape::RunShape;
use super::run_writer::RunWriter;

/// What is next in one of the runs.
enum Head {
    /// A page that was not read yet.
    Page(PageReference<StoredPath>),
    Entry(Entry),
    End,
}

/// One of the runs.
struct Input {
    reader: FrameReader,
    pages: Peekable<Pages<StoredPath>>,
    /// The rest of the page that was read last.
    entries: std::vec::IntoIter<Entry>,
    head: Head,
}

impl Input {
    fn open(reader: &FrameReader, run: &RunReference) -> Result<Self> {
        let pages = Arc::new(RunDirectory::open(reader, run)?).pages(None).peekable();
        let entries = Vec::new().into_iter();
        let mut input = Self { reader: reader.clone(), pages, entries, head: Head::End };
        input.advance()?;
        Ok(input)
    }

    fn key(&self) -> Option<&StoredPath> {
        match &self.head {
            Head::Page(page) => Some(&page.first_key),
            Head::Entry(entry) => Some(&entry.path),
            Head::End => None,
        }
    }

    /// Goes on; returns what was next.
    fn advance(&mut self) -> Result<Head> {
        let next = match self.entries.next() {
            Some(entry) => Head::Entry(entry),
            None => match self.pages.next() {
                Some(Ok(page)) => Head::Page(page),
                Some(Err(unlisted)) => return Err(unlisted.error),
                None => Head::End,
            },
        };
        Ok(std::mem::replace(&mut self.head, next))
    }

    /// Reads the page that is next, if one is.
    fn enter(&mut self) -> Result<()> {
        if let Head::Page(page) = &self.head {
            let entries = read_page(&self.reader, page)?;
            let next = self.pages.peek().map(first_key);
            if let (Some(last), Some(next)) = (entries.last(), next)
                && last.path >= *next
            {
                return Err(overlap().at(page.place));
            }
            self.entries = entries.into_iter();
            self.advance()?;
        }
        Ok(())
    }

    /// Where the page that is next ends: the first key after it, if it is not the last.
    fn end_of_page(&mut self) -> Option<StoredPath> {
        self.pages.peek().map(first_key).cloned()
    }
}

/// A merge on its way.
pub(super) struct EntryMerger<'a> {
    /// Newest first.
    inputs: Vec<Input>,
    /// No older run is left that a deletion would have to hide something of.
    drops_deleted: bool,
    page: EntryPageBuilder,
    page_bytes: usize,
    /// When the page that is being filled ends.
    page_end: usize,
    pages: RunWriter<StoredPath>,
    progress: &'a dyn Progress,
}

impl<'a> EntryMerger<'a> {
    /// Merges runs that follow each other in age, newest first.
    pub(super) fn new(
        reader: &FrameReader,
        runs: &[RunReference],
        drops_deleted: bool,
        shape: &RunShape,
        progress: &'a dyn Progress,
    ) -> Result<Self> {
        Ok(Self {
            inputs: runs.iter().map(|run| Input::open(reader, run)).collect::<Result<_>>()?,
            drops_deleted,
            page: EntryPageBuilder::new(),
            page_bytes: shape.entry_page_bytes,
            page_end: shape.entry_page_bytes,
            pages: RunWriter::new(shape.directory_bytes),
            progress,
        })
    }

    /// Writes the merged run; nothing is returned if nothing is left.
    pub(super) fn run(
        mut self,
        writer: &mut UpdateWriter<'_>,
        updates: (u64, u64),
    ) -> Result<Option<RunReference>> {
        while let Some(first) = self.first() {
            match self.inputs[first].head {
                Head::Page(_) => self.take_page(writer, first)?,
                Head::Entry(_) => self.take_entry(writer, first)?,
                Head::End => {}
            }
        }
        self.end_page(writer)?;
        self.pages.finish(writer, updates, 0)
    }

    /// The run with the smallest path, and of those with the same path the newest.
    fn first(&self) -> Option<usize> {
        let keys = self.inputs.iter().enumerate();
        let keys = keys.filter_map(|(index, input)| input.key().map(|key| (key, index)));
        keys.min().map(|(_, index)| index)
    }

    fn take_page(&mut self, writer: &mut UpdateWriter<'_>, first: usize) -> Result<()> {
        if self.progress.is_stopped() {
            return Err(Error::new(ErrorKind::Stopped, "interrupted"));
        }
        let end = self.inputs[first].end_of_page();
        let is_behind = |input: &Input| match (input.key(), &end) {
            (Some(key), Some(end)) => key >= end,
            (Some(_), None) => false,
            (None, _) => true,
        };
        let mut others = self.inputs.iter().enumerate().filter(|(index, _)| *index != first);
        if !others.all(|(_, input)| is_behind(input)) {
            return self.inputs[first].enter();
        }
        if !self.page.is_empty() && self.page.len() < self.page_bytes / 4 {
            // A page of its own for so little would stay: it goes in front of this one.
            self.page_end = 2 * self.page_bytes;
            return self.inputs[first].enter();
        }
        self.end_page(writer)?;
        match self.inputs[first].advance()? {
            Head::Page(page) => self.pages.push(writer, &page),
            Head::Entry(_) | Head::End => Ok(()),
        }
    }

    fn take_entry(&mut self, writer: &mut UpdateWriter<'_>, first: usize) -> Result<()> {
        let Head::Entry(entry) = self.inputs[first].advance()? else { return Ok(()) };
        for older in &mut self.inputs[first + 1..] {
            if older.key() == Some(&entry.path) {
                older.enter()?;
                older.advance()?;
            }
        }
        if self.drops_deleted && entry.object == Object::Deleted {
            return Ok(());
        }
        self.page.push(&entry);
        if self.page.len() >= self.page_end { self.end_page(writer) } else { Ok(()) }
    }

    fn end_page(&mut self, writer: &mut UpdateWriter<'_>) -> Result<()> {
        self.page_end = self.page_bytes;
        let Some((first_key, records, raw)) = std::mem::take(&mut self.page).finish() else {
            return Ok(());
        };
        let payload = packed_frame::pack(&raw)?;
        let (place, payload_len) = writer.append(FrameType::Entries, &payload)?;
        self.pages.push(writer, &PageReference { first_key, place, payload_len, records })
    }
}
