//! Several runs of fragment records become one. Their blocks follow each other, so full pages
//! are listed again as they are, and only small ones that stand side by side are written anew.

use crate::base::Result;
use crate::format::{PageReference, RunReference};
use crate::journal::{FrameReader, UpdateWriter};

use super::block_table::{open_run, read_page};
use super::fragment_run::FragmentRun;
use super::run_shape::RunShape;

/// Merges runs in rising order of blocks.
pub(super) fn merge_fragments(
    writer: &mut UpdateWriter<'_>,
    reader: &FrameReader,
    runs: &[RunReference],
    updates: (u64, u64),
    shape: &RunShape,
) -> Result<Option<RunReference>> {
    let first_block = runs.first().map_or(0, |run| run.first_block);
    let mut merged = FragmentRun::new(first_block, shape);
    // A small page, until it is known whether it stands alone.
    let mut single: Option<PageReference<u64>> = None;
    for run in runs {
        for page in open_run(reader, run)?.pages(None) {
            let page = page.map_err(|unlisted| unlisted.error)?;
            // Identities do not compress, so the payload tells how full a page is.
            if page.payload_len * 2 >= shape.fragment_page_bytes as u64 {
                if let Some(single) = single.take() {
                    merged.push_page(writer, &single)?;
                }
                merged.push_page(writer, &page)?;
            } else if merged.is_at_page_start() && single.is_none() {
                single = Some(page);
            } else {
                for page in single.take().iter().chain([&page]) {
                    for record in read_page(reader, page)?.blocks {
                        merged.push(writer, record)?;
                    }
                }
            }
        }
    }
    if let Some(single) = single {
        merged.push_page(writer, &single)?;
    }
    merged.finish(writer, updates)
}
