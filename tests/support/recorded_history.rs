//! What may be on a disk at each moment of a recorded history with rollbacks.

use std::sync::Arc;

use super::crash_storage::Recording;
use super::truth::Truth;

/// An update that may count or not: from when to when.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The moment at which only its commit was left to do.
    pub from: usize,
    /// When it is known not to count; it is decided by the first sync after operation `cut`.
    pub cut: Option<usize>,
    /// What it would hold.
    pub truth: Arc<Truth>,
}

/// When a version began to be safe.
#[derive(Debug, Clone)]
pub enum Safe {
    /// From this moment on.
    At(usize),
    /// A later process found it; it is safe from the first sync after this operation on.
    AfterSyncFrom(usize),
}

/// A history between two rollbacks: versions that only become more.
#[derive(Debug, Default)]
pub struct Line {
    /// The operation that cut off the line before; nothing for the first one.
    pub begun_by: Option<usize>,
    /// Versions that were safe when the line began.
    pub versions_before: Vec<Arc<Truth>>,
    /// Versions made since.
    pub versions: Vec<(Safe, Arc<Truth>)>,
    /// Updates that were about to be committed.
    pub attempts: Vec<Attempt>,
}

impl Line {
    /// The newest version.
    pub fn latest(&self) -> Option<&Arc<Truth>> {
        self.versions.last().map(|(_, truth)| truth).or(self.versions_before.last())
    }

    /// All versions.
    pub fn truths(&self) -> Vec<Arc<Truth>> {
        let made = self.versions.iter().map(|(_, truth)| truth);
        self.versions_before.iter().chain(made).cloned().collect()
    }
}

/// What a disk may show: all that was promised, then some of the candidates.
#[derive(Debug, Clone)]
pub struct Promise {
    /// Versions that must be there.
    pub promised: Vec<Arc<Truth>>,
    /// The version after them and, if a later process saw that one before it was safe, one on top.
    pub candidates: Vec<Arc<Truth>>,
}

/// A history as it was recorded.
pub struct History {
    /// What was asked of the disk.
    pub recording: Recording,
    /// Never empty; each but the first began with a rollback.
    pub lines: Vec<Line>,
}

impl History {
    /// What may be there at moment `at`: the newest line alone, or, while a rollback has cut the
    /// file and was not yet synced, either of two.
    pub fn allowed(&self, at: usize) -> Vec<Promise> {
        let has_begun = |line: &Line| line.begun_by.is_none_or(|cut| cut < at);
        let is_settled =
            |line: &Line| line.begun_by.is_none_or(|cut| self.recording.synced_after(cut) <= at);
        let begun: Vec<&Line> = self.lines.iter().take_while(|line| has_begun(line)).collect();
        let from = begun.iter().rposition(|line| is_settled(line)).expect("the first one is");
        begun[from..].iter().map(|line| self.promise(line, at)).collect()
    }

    fn promise(&self, line: &Line, at: usize) -> Promise {
        let mut promised = line.versions_before.clone();
        for (safe, truth) in &line.versions {
            let from = match *safe {
                Safe::At(from) => from,
                Safe::AfterSyncFrom(operation) => self.recording.synced_after(operation),
            };
            if from <= at {
                promised.push(Arc::clone(truth));
            }
        }
        let may_count = |attempt: &&Attempt| {
            let is_over = attempt.cut.is_some_and(|cut| self.recording.synced_after(cut) <= at);
            attempt.from <= at && !is_over && attempt.truth.number > promised.len() as u64
        };
        let candidates = line.attempts.iter().filter(may_count);
        let candidates = candidates.map(|attempt| Arc::clone(&attempt.truth)).collect();
        Promise { promised, candidates }
    }
}
