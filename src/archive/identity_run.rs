//! A run of identities that can be read: the page that would have an identity, and all records in order.

use std::sync::Arc;

use crate::base::{Error, Result};
use crate::format::{
    FrameType, IdentityPage, IdentityPrefix, IdentityRecord, IdentityRun, PageReference,
};
use crate::journal::FrameReader;

use super::packed_frame;
use super::run_directory::{Pages, RunDirectory};

/// A run whose directory can be read.
pub(super) struct OpenIdentityRun {
    reader: FrameReader,
    directory: Arc<RunDirectory<IdentityPrefix>>,
}

impl OpenIdentityRun {
    /// Reads the root of its directory.
    pub(super) fn open(reader: &FrameReader, run: &IdentityRun) -> Result<Self> {
        let directory = Arc::new(RunDirectory::open(reader, &run.reference())?);
        Ok(Self { reader: reader.clone(), directory })
    }

    /// The page that has the records with this prefix, if the run has any.
    pub(super) fn page_of(
        &self,
        prefix: IdentityPrefix,
    ) -> Result<Option<PageReference<IdentityPrefix>>> {
        self.directory.page_of(&prefix)
    }

    /// A page of this run.
    pub(super) fn read(&self, page: &PageReference<IdentityPrefix>) -> Result<IdentityPage> {
        read_page(&self.reader, page)
    }

    /// All pages in order, each or why it cannot be read.
    pub(super) fn pages(&self) -> impl Iterator<Item = Result<IdentityPage>> + use<> {
        let reader = self.reader.clone();
        self.directory.pages(None).map(move |listed| {
            listed.map_err(|unlisted| unlisted.error).and_then(|page| read_page(&reader, &page))
        })
    }

    /// All records in order, up to the first that cannot be read.
    pub(super) fn records(&self) -> IdentityRecords {
        IdentityRecords {
            reader: self.reader.clone(),
            pages: self.directory.pages(None),
            page: None,
            next: 0,
            last: None,
            is_ended: false,
        }
    }
}

fn read_page(reader: &FrameReader, page: &PageReference<IdentityPrefix>) -> Result<IdentityPage> {
    let (frame_type, decode) = (FrameType::Identities, IdentityPage::decode);
    let decoded = packed_frame::read(reader, page.place, frame_type, page.payload_len, decode)?;
    if decoded.record(0).prefix == page.first_key && decoded.len() as u64 == page.records {
        return Ok(decoded);
    }
    Err(Error::corrupt("an identity page is not the one that is referred to").at(page.place))
}

/// The records of a run, page by page.
pub(super) struct IdentityRecords {
    reader: FrameReader,
    pages: Pages<IdentityPrefix>,
    page: Option<IdentityPage>,
    next: usize,
    /// Where the last page ends.
    last: Option<IdentityPrefix>,
    is_ended: bool,
}

impl IdentityRecords {
    /// The page after this one, if there is another.
    fn next_page(&mut self) -> Option<Result<IdentityPage>> {
        let listed = self.pages.next()?.map_err(|unlisted| unlisted.error);
        Some(listed.and_then(|listed| self.read_next(&listed)))
    }

    fn read_next(&mut self, listed: &PageReference<IdentityPrefix>) -> Result<IdentityPage> {
        let page = read_page(&self.reader, listed)?;
        if self.last.is_some_and(|last| last >= listed.first_key) {
            return Err(Error::corrupt("identity pages overlap").at(listed.place));
        }
        self.last = Some(page.record(page.len() - 1).prefix);
        Ok(page)
    }
}

impl Iterator for IdentityRecords {
    type Item = Result<IdentityRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(page) = self.page.as_ref().filter(|page| self.next < page.len()) {
                let record = page.record(self.next);
                self.next += 1;
                return Some(Ok(record));
            }
            if self.is_ended {
                return None;
            }
            (self.page, self.next) = (None, 0);
            match self.next_page() {
                Some(Ok(page)) => self.page = Some(page),
                Some(Err(error)) => {
                    self.is_ended = true;
                    return Some(Err(error));
                }
                None => self.is_ended = true,
            }
        }
    }
}
