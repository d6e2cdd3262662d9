//! A run of fragment records being written, page by page.

use crate::base::Result;
use crate::format::{BlockRecord, FragmentPage, FrameType, PageReference, RunReference};
use crate::journal::UpdateWriter;

use super::packed_frame;
use super::run_shape::RunShape;
use super::run_writer::RunWriter;

/// A page as it was written, and where.
pub(super) type WrittenPage = (FragmentPage, PageReference<u64>);

/// Records of consecutive blocks on their way into pages.
pub(super) struct FragmentRun {
    page: FragmentPage,
    page_bytes: usize,
    page_bytes_max: usize,
    pages: RunWriter<u64>,
    first_block: u64,
}

impl FragmentRun {
    pub(super) fn new(first_block: u64, shape: &RunShape) -> Self {
        Self {
            page: FragmentPage { first_block, blocks: Vec::new() },
            page_bytes: 0,
            page_bytes_max: shape.fragment_page_bytes,
            pages: RunWriter::new(shape.directory_bytes),
            first_block,
        }
    }

    /// The block whose record comes next.
    pub(super) fn next_block(&self) -> u64 {
        self.page.first_block + self.page.blocks.len() as u64
    }

    /// Whether all records are in pages that are written.
    pub(super) fn is_at_page_start(&self) -> bool {
        self.page.blocks.is_empty()
    }

    /// Appends the record of the next block; returns the page if it is full and was written.
    pub(super) fn push(
        &mut self,
        writer: &mut UpdateWriter<'_>,
        record: BlockRecord,
    ) -> Result<Option<WrittenPage>> {
        self.page_bytes += 16 + 36 * record.fragments.len();
        self.page.blocks.push(record);
        if self.page_bytes >= self.page_bytes_max { self.end_page(writer) } else { Ok(None) }
    }

    /// Lists a page that was written before; its records come next.
    pub(super) fn push_page(
        &mut self,
        writer: &mut UpdateWriter<'_>,
        page: &PageReference<u64>,
    ) -> Result<()> {
        self.end_page(writer)?;
        assert_eq!(page.first_key, self.next_block(), "blocks are numbered without gaps");
        self.page.first_block += page.records;
        self.pages.push(writer, page)
    }

    fn end_page(&mut self, writer: &mut UpdateWriter<'_>) -> Result<Option<WrittenPage>> {
        let records = self.page.blocks.len() as u64;
        if records == 0 {
            return Ok(None);
        }
        let payload = packed_frame::pack(&self.page.encode())?;
        let (place, payload_len) = writer.append(FrameType::Fragments, &payload)?;
        let first_key = self.page.first_block;
        let next = FragmentPage { first_block: first_key + records, blocks: Vec::new() };
        let page = std::mem::replace(&mut self.page, next);
        self.page_bytes = 0;
        let reference = PageReference { first_key, place, payload_len, records };
        self.pages.push(writer, &reference)?;
        Ok(Some((page, reference)))
    }

    /// Writes what is left; nothing is returned if there are no records.
    pub(super) fn finish(
        mut self,
        writer: &mut UpdateWriter<'_>,
        updates: (u64, u64),
    ) -> Result<Option<RunReference>> {
        self.end_page(writer)?;
        self.pages.finish(writer, updates, self.first_block)
    }
}
