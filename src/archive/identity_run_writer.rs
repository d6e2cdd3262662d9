//! A run of identities being written, page by page.

use crate::base::{Error, Result};
use crate::format::{
    FrameType, IDENTITY_PAGE_RECORDS_MAX, IdentityPage, IdentityPrefix, IdentityRecord,
    IdentityRun, PageReference,
};
use crate::journal::UpdateWriter;

use super::packed_frame;
use super::run_shape::RunShape;
use super::run_writer::RunWriter;

/// Records in rising order on their way into pages.
pub(super) struct IdentityRunWriter {
    page: Vec<IdentityRecord>,
    page_records: usize,
    pages: RunWriter<IdentityPrefix>,
}

impl IdentityRunWriter {
    pub(super) fn new(shape: &RunShape) -> Self {
        let (page, pages) = (Vec::new(), RunWriter::new(shape.directory_bytes));
        Self { page, page_records: shape.identity_page_records, pages }
    }

    /// Appends a record, which is not below the last one.
    pub(super) fn push(
        &mut self,
        writer: &mut UpdateWriter<'_>,
        record: IdentityRecord,
    ) -> Result<()> {
        let is_alike = self.page.last().is_some_and(|last| last.prefix == record.prefix);
        if self.page.len() >= self.page_records && !is_alike {
            self.end_page(writer)?;
        }
        // Fragments whose identities begin alike are in one page, so that a question reads one. By chance there
        // are hardly two; only whoever makes up identities has so many.
        if self.page.len() as u64 >= IDENTITY_PAGE_RECORDS_MAX {
            return Err(Error::corrupt("too many identities begin alike"));
        }
        self.page.push(record);
        Ok(())
    }

    fn end_page(&mut self, writer: &mut UpdateWriter<'_>) -> Result<()> {
        let Some(first) = self.page.first() else { return Ok(()) };
        let (first_key, records) = (first.prefix, self.page.len() as u64);
        let payload = packed_frame::pack(&IdentityPage::encode(&self.page))?;
        let (place, payload_len) = writer.append(FrameType::Identities, &payload)?;
        self.page.clear();
        self.pages.push(writer, &PageReference { first_key, place, payload_len, records })
    }

    /// Writes what is left; the run holds all fragments of so many blocks. Nothing is returned if it has none.
    pub(super) fn finish(
        mut self,
        writer: &mut UpdateWriter<'_>,
        blocks: u64,
    ) -> Result<Option<IdentityRun>> {
        self.end_page(writer)?;
        let run = self.pages.finish(writer, (0, 0), 0)?;
        Ok(run.map(|run| IdentityRun {
            place: run.place,
            payload_len: run.payload_len,
            records: run.records,
            blocks,
        }))
    }
}
