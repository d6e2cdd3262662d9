//! Keeps the live runs of a version few: merged runs take the place of older ones.

use crate::base::{Error, ErrorKind, Progress, Result};
use crate::format::{Manifest, RUNS_MAX, RunReference};
use crate::journal::{FrameReader, UpdateWriter};

use super::entry_merger::EntryMerger;
use super::fragment_merger::merge_fragments;
use super::run_shape::RunShape;

/// Merges the runs of the version before an update, as far as its shape asks for it.
pub(super) struct RunMerger<'a> {
    pub reader: &'a FrameReader,
    pub shape: &'a RunShape,
    pub progress: &'a dyn Progress,
}

impl RunMerger<'_> {
    /// Writes merged runs and puts them in place of the live runs that they stand for. Of the
    /// update itself nothing is live yet.
    pub(super) fn merge(
        &self,
        writer: &mut UpdateWriter<'_>,
        manifest: &mut Manifest,
    ) -> Result<()> {
        let live = &mut manifest.entry_runs;
        let count = self.count(live.iter());
        if let Some(merged) = self.told(self.entries(writer, live, count))? {
            live.splice(..count, merged);
        }
        let live = &mut manifest.fragment_runs;
        let from = live.len() - self.count(live.iter().rev());
        if let Some(merged) = self.told(self.fragments(writer, &live[from..]))? {
            live.splice(from.., merged);
        }
        Ok(())
    }

    /// How many runs are to become one, of those given newest first.
    fn count<'r>(&self, runs: impl Iterator<Item = &'r RunReference>) -> usize {
        let records: Vec<u64> = runs.map(|run| run.records).collect();
        self.shape.newest_to_merge(&records, usize::try_from(RUNS_MAX).unwrap_or(usize::MAX))
    }

    fn entries(
        &self,
        writer: &mut UpdateWriter<'_>,
        live: &[RunReference],
        count: usize,
    ) -> Result<Option<RunReference>> {
        let (runs, older) = live.split_at(count);
        let merger =
            EntryMerger::new(self.reader, runs, older.is_empty(), self.shape, self.progress)?;
        merger.run(writer, updates_of(runs))
    }

    fn fragments(
        &self,
        writer: &mut UpdateWriter<'_>,
        runs: &[RunReference],
    ) -> Result<Option<RunReference>> {
        merge_fragments(writer, self.reader, runs, updates_of(runs), self.shape)
    }

    /// Where a page cannot be read, the runs stay as they are: what was written of the merged run
    /// does no harm, and the update itself does not depend on it.
    fn told<T>(&self, merged: Result<T>) -> Result<Option<T>> {
        match merged {
            Ok(merged) => Ok(Some(merged)),
            Err(error) if is_damage(&error) => {
                self.progress.warn(&format!(
                    "the index of older updates is damaged and is left as it is: {error}"
                ));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether what was read is not what was written.
pub(super) fn is_damage(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Truncated | ErrorKind::Unsupported)
}

fn updates_of(runs: &[RunReference]) -> (u64, u64) {
    let oldest = runs.iter().map(|run| run.updates.0).min().unwrap_or(0);
    let newest = runs.iter().map(|run| run.updates.1).max().unwrap_or(0);
    (oldest, newest)
}
