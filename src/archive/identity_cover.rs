//! How far the runs of identities reach: what is in none yet waits until there is enough for another.

use crate::base::{Error, Result};
use crate::format::{FragmentPage, IdentityPrefix, IdentityRecord, IdentityRun, RUNS_MAX};
use crate::journal::UpdateWriter;

use super::identity_merger::merge_identities;
use super::identity_run_writer::IdentityRunWriter;
use super::run_merger::is_damage;
use super::run_shape::RunShape;

/// The runs of identities of the version that an update makes.
pub(super) struct IdentityCover {
    shape: RunShape,
    /// In rising order of blocks.
    live: Vec<IdentityRun>,
    /// Blocks before this are in runs or in `waiting`.
    next_block: u64,
    waiting: Vec<IdentityRecord>,
    waiting_blocks: u64,
    /// Nothing is written yet.
    is_held: bool,
    /// Why runs are left out, if some are.
    damage: Option<Error>,
    /// This update writes no more runs.
    is_ended: bool,
}

/// Runs as they are now, after fragments were put into one.
pub(super) struct Covered {
    /// All of them.
    pub live: Vec<IdentityRun>,
    /// The fragments that are in a run now and were not before.
    pub records: Vec<IdentityRecord>,
}

impl IdentityCover {
    /// Goes on with these runs; `damage` is why others are left out.
    pub(super) fn new(live: Vec<IdentityRun>, damage: Option<Error>, shape: &RunShape) -> Self {
        Self {
            shape: *shape,
            next_block: live.iter().map(|run| run.blocks).sum(),
            live,
            waiting: Vec::new(),
            waiting_blocks: 0,
            is_held: false,
            damage,
            is_ended: false,
        }
    }

    /// Lets nothing be written as long as it is held.
    pub(super) fn hold(&mut self, is_held: bool) {
        self.is_held = is_held;
    }

    /// The first block of which fragments are neither in a run nor waiting for one.
    pub(super) fn next_block(&self) -> u64 {
        self.next_block
    }

    /// Takes the fragments of a page that stands in the archive, but for blocks that were taken. Where pages
    /// before it were left out, a run cannot reach so far.
    pub(super) fn push_page(
        &mut self,
        writer: &mut UpdateWriter<'_>,
        page: &FragmentPage,
    ) -> Result<Option<Covered>> {
        let is_full = self.waiting.len() >= self.shape.identity_run_max;
        if page.first_block > self.next_block || self.is_ended || (is_full && self.is_held) {
            return Ok(None);
        }
        let (blocks, next) = ((page.first_block..).zip(&page.blocks), self.next_block);
        for (block, record) in blocks.skip_while(|(block, _)| *block < next) {
            let prefixes = record.fragments.iter().map(|f| IdentityPrefix::of(&f.identity));
            self.waiting.extend(prefixes.map(|prefix| IdentityRecord { prefix, block }));
            self.next_block += 1;
            self.waiting_blocks += 1;
        }
        if self.waiting.len() < self.shape.identity_run_max || self.is_held {
            return Ok(None);
        }
        self.write(writer)
    }

    /// Writes the last run, if there is enough for one. Says what the runs are, and why some were left out.
    pub(super) fn finish(
        mut self,
        writer: &mut UpdateWriter<'_>,
    ) -> Result<(Vec<IdentityRun>, Option<Error>)> {
        if self.waiting.len() >= self.shape.identity_run_min && !self.is_ended {
            self.write(writer)?;
        }
        Ok((self.live, self.damage))
    }

    /// Leaves out the run at a place, which turned out to be damaged, and those of later blocks: the next
    /// update writes them anew.
    pub(super) fn leave_out(&mut self, damaged: &IdentityRun) {
        if let Some(index) = self.live.iter().position(|run| run.place == damaged.place) {
            self.live.truncate(index);
            self.is_ended = true;
        }
    }

    /// Puts what waits into a run. Where that shows damage, the runs are left as they are known.
    fn write(&mut self, writer: &mut UpdateWriter<'_>) -> Result<Option<Covered>> {
        let mut records = std::mem::take(&mut self.waiting);
        let blocks = std::mem::take(&mut self.waiting_blocks);
        records.sort_unstable();
        match self.write_run(writer, &records, blocks) {
            Ok(run) => self.live.extend(run),
            // Only made-up identities cannot be in a run: they are found without.
            Err(error) if is_damage(&error) => self.is_ended = true,
            Err(error) => return Err(error),
        }
        self.merge(writer)?;
        Ok((!self.is_ended).then(|| Covered { live: self.live.clone(), records }))
    }

    fn write_run(
        &self,
        writer: &mut UpdateWriter<'_>,
        records: &[IdentityRecord],
        blocks: u64,
    ) -> Result<Option<IdentityRun>> {
        let mut run = IdentityRunWriter::new(&self.shape);
        for &record in records {
            run.push(writer, record)?;
        }
        run.finish(writer, blocks)
    }

    /// Keeps the runs few. What cannot be read back waits for an update that can.
    fn merge(&mut self, writer: &mut UpdateWriter<'_>) -> Result<()> {
        let Some(reader) = writer.reader() else { return Ok(()) };
        let records: Vec<u64> = self.live.iter().rev().map(|run| run.records).collect();
        let runs_max = usize::try_from(RUNS_MAX).unwrap_or(usize::MAX);
        let count = self.shape.newest_to_merge(&records, runs_max);
        if count == 0 {
            return Ok(());
        }
        let from = self.live.len() - count;
        match merge_identities(writer, &reader, &self.live[from..], &self.shape)? {
            Ok(merged) => {
                self.live.splice(from.., merged);
            }
            Err(error) => {
                self.live.truncate(from);
                self.is_ended = true;
                self.damage = Some(error);
            }
        }
        Ok(())
    }
}
