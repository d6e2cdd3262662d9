//! Several runs of identities become one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::base::Result;
use crate::format::{IdentityRecord, IdentityRun};
use crate::journal::{FrameReader, UpdateWriter};

use super::identity_run::{IdentityRecords, OpenIdentityRun};
use super::identity_run_writer::IdentityRunWriter;
use super::run_merger::is_damage;
use super::run_shape::RunShape;

/// Merges consecutive runs; fails where nothing can be written. Where a run cannot be read, that is the result. A page
/// of each is in memory.
pub(super) fn merge_identities(
    writer: &mut UpdateWriter<'_>,
    reader: &FrameReader,
    runs: &[IdentityRun],
    shape: &RunShape,
) -> Result<Result<Option<IdentityRun>>> {
    let mut merge = match Merge::open(reader, runs) {
        Ok(merge) => merge,
        Err(error) => return Ok(Err(error)),
    };
    let mut merged = IdentityRunWriter::new(shape);
    loop {
        match merge.next() {
            Ok(Some(record)) => match merged.push(writer, record) {
                // Not the writer's fault: no page takes the records.
                Err(error) if is_damage(&error) => return Ok(Err(error)),
                pushed => pushed?,
            },
            Ok(None) => break,
            Err(error) => return Ok(Err(error)),
        }
    }
    merged.finish(writer, runs.iter().map(|run| run.blocks).sum()).map(Ok)
}

/// The records of several runs in order.
struct Merge {
    runs: Vec<IdentityRecords>,
    /// The next record of each run that has one.
    heads: BinaryHeap<Reverse<(IdentityRecord, usize)>>,
}

impl Merge {
    fn open(reader: &FrameReader, runs: &[IdentityRun]) -> Result<Self> {
        let open = |run| OpenIdentityRun::open(reader, run).map(|run| run.records());
        let runs = runs.iter().map(open).collect::<Result<Vec<_>>>()?;
        let mut merge = Self { runs, heads: BinaryHeap::new() };
        for index in 0..merge.runs.len() {
            merge.advance(index)?;
        }
        Ok(merge)
    }

    fn next(&mut self) -> Result<Option<IdentityRecord>> {
        let Some(Reverse((record, index))) = self.heads.pop() else { return Ok(None) };
        self.advance(index)?;
        Ok(Some(record))
    }

    fn advance(&mut self, index: usize) -> Result<()> {
        let next = self.runs[index].next().transpose()?;
        self.heads.extend(next.map(|record| Reverse((record, index))));
        Ok(())
    }
}
