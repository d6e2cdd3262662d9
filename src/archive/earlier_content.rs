//! Where new content has something like it in the archive already: what the file held before.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::base::Result;
use crate::format::{BLOCK_BYTES_MAX, BlockRecord, FragmentId, Piece, Run};

use super::block_table::BlockTable;

/// Around the place where a fragment is new, so many bytes of what the file held before may be like
/// it, in either direction.
const NEAR_BYTES: u64 = 1 << 20;
/// How many runs ahead of the present one a known fragment is looked for.
const RUNS_AHEAD: usize = 64;
/// The offsets of the fragments of so many blocks are kept.
const BLOCKS_KEPT: usize = 8;

/// Bytes of a block of the archive: block, offset and length.
pub(super) type BlockRange = (u64, u32, u32);

/// Follows a file that is read again through the content that it had.
pub(super) struct EarlierContent {
    table: Arc<BlockTable>,
    /// Each run of the content and how many bytes of data come before it.
    runs: Vec<(u64, Run)>,
    /// Bytes of data, holes left out, before the place where the new content is now.
    position: u64,
    /// Where the fragments of blocks start; most recently used last.
    starts: VecDeque<(u64, Arc<Vec<u32>>)>,
}

impl EarlierContent {
    pub(super) fn new(table: Arc<BlockTable>) -> Self {
        Self { table, runs: Vec::new(), position: 0, starts: VecDeque::new() }
    }

    /// Begins a file that had this content.
    pub(super) fn begin(&mut self, content: &[Piece]) {
        (self.position, self.runs) = (0, Vec::new());
        let mut start = 0;
        for piece in content {
            if let Piece::Data(run) = piece {
                self.runs.push((start, *run));
                // The sum of all is the size of the file, which was checked.
                start += run.len;
            }
        }
    }

    /// The next fragment of the file is stored already, in `fragment`: if it was there that the file
    /// had it, the place in the earlier content is known again.
    pub(super) fn pass_known(&mut self, fragment: FragmentId, len: u32) {
        let first = self.runs.partition_point(|(start, run)| start + run.len <= self.position);
        let ahead = self.runs.iter().skip(first).take(RUNS_AHEAD);
        let is_in = |(_, run): &&(u64, Run)| {
            let index = fragment.index.checked_sub(run.first.index);
            run.first.block == fragment.block && index.is_some_and(|index| index < run.count)
        };
        let found = ahead.copied().find(|run| is_in(&run));
        // What cannot be looked up is no place to go to.
        let place = found.and_then(|(start, run)| {
            let starts = self.starts_of(fragment.block).ok()?;
            let before =
                starts.get(fragment.index as usize)? - starts.get(run.first.index as usize)?;
            Some(start + u64::from(before))
        });
        self.position = place.unwrap_or(self.position) + u64::from(len);
    }

    /// The next fragment of the file is new: what of earlier blocks may be like it.
    pub(super) fn pass_new(&mut self, len: u32, mut take: impl FnMut(BlockRange)) {
        let from = self.position.saturating_sub(NEAR_BYTES);
        let to = self.position + u64::from(len) + NEAR_BYTES;
        self.position += u64::from(len);
        let first = self.runs.partition_point(|(start, run)| start + run.len <= from);
        let last = self.runs.partition_point(|(start, _)| *start < to);
        for index in first..last.max(first) {
            let (start, run) = self.runs[index];
            let (from, to) = (from.max(start) - start, to.min(start + run.len) - start);
            // A block whose record cannot be read is no help.
            let Ok(starts) = self.starts_of(run.first.block) else { continue };
            let Some(&run_start) = starts.get(run.first.index as usize) else { continue };
            let start = u64::from(run_start) + from;
            let narrow = |bytes: u64| u32::try_from(bytes).ok();
            // A run that is longer than its block is damage, and no help either.
            if let (Some(start), Some(len)) = (narrow(start), narrow(to - from))
                && u64::from(start) + u64::from(len) <= BLOCK_BYTES_MAX
            {
                take((run.first.block, start, len));
            }
        }
    }

    fn starts_of(&mut self, block: u64) -> Result<Arc<Vec<u32>>> {
        if let Some(found) = self.starts.iter().position(|(number, _)| *number == block)
            && let Some(kept) = self.starts.remove(found)
        {
            self.starts.push_back(kept.clone());
            return Ok(kept.1);
        }
        let starts = Arc::new(self.table.with_record(block, starts)?);
        if self.starts.len() == BLOCKS_KEPT {
            self.starts.pop_front();
        }
        self.starts.push_back((block, Arc::clone(&starts)));
        Ok(starts)
    }
}

/// Where each fragment of a block starts.
fn starts(record: &BlockRecord) -> Vec<u32> {
    let mut end = 0;
    record
        .fragments
        .iter()
        .map(|fragment| {
            let start = end;
            end += fragment.len;
            start
        })
        .collect()
}
