//! Several runs of identities become one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::base::Result;
use crate::format::IdentityRun;
use crate::journal::{FrameReader, UpdateWriter};

use super::identity_run::OpenIdentityRun;
use super::identity_run_writer::IdentityRunWriter;
use super::run_shape::RunShape;

/// Merges consecutive runs. A page of each is in memory.
pub(super) fn merge_identities(
    writer: &mut UpdateWriter<'_>,
    reader: &FrameReader,
    runs: &[IdentityRun],
    shape: &RunShape,
) -> Result<Option<IdentityRun>> {
    let mut records = Vec::new();
    for run in runs {
        records.push(OpenIdentityRun::open(reader, run)?.records());
    }
    let mut heads = BinaryHeap::new();
    for (index, records) in records.iter_mut().enumerate() {
        if let Some(record) = records.next().transpose()? {
            heads.push(Reverse((record, index)));
        }
    }
    let mut merged = IdentityRunWriter::new(shape);
    while let Some(Reverse((record, index))) = heads.pop() {
        merged.push(writer, record)?;
        if let Some(next) = records[index].next().transpose()? {
            heads.push(Reverse((next, index)));
        }
    }
    merged.finish(writer, runs.iter().map(|run| run.blocks).sum())
}
