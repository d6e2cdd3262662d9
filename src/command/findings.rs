//! What a `test` has found so far, and whom it tells.

use crate::base::{Error, ErrorKind, Progress, Result};

use super::options::VerifySummary;

/// Counts and tells.
pub(super) struct Findings<'a> {
    progress: &'a dyn Progress,
    pub(super) summary: VerifySummary,
    /// Bytes of all blocks, as far as the pages of their records could be read.
    pub(super) total_bytes: u64,
}

impl<'a> Findings<'a> {
    pub(super) fn new(progress: &'a dyn Progress) -> Self {
        Self { progress, summary: VerifySummary::default(), total_bytes: 0 }
    }

    /// Something is wrong.
    pub(super) fn damage(&mut self, error: impl std::fmt::Display) {
        self.summary.damaged += 1;
        self.progress.warn(&error.to_string());
    }

    /// Fails softly: an error is damage.
    pub(super) fn expect(&mut self, result: Result<()>) {
        if let Err(error) = result {
            self.damage(error);
        }
    }

    /// Something the user should know that is not wrong.
    pub(super) fn note(&self, text: &str) {
        self.progress.warn(text);
    }

    /// So many more bytes of fragments are checked.
    pub(super) fn advance(&mut self, bytes: u64) {
        self.summary.bytes += bytes;
        self.progress.advance(self.summary.bytes, self.total_bytes);
    }

    /// Fails if the user asked to stop.
    pub(super) fn check_stopped(&self) -> Result<()> {
        if self.progress.is_stopped() {
            return Err(Error::new(ErrorKind::Stopped, "interrupted"));
        }
        Ok(())
    }
}
