//! What an `extract` has done so far, and whom it tells.

use std::collections::HashSet;
use std::io;

use crate::base::{Error, ErrorKind, Item, Progress, Result, StoredPath};
use crate::filesystem::Unapplied;

use super::options::ExtractSummary;

/// Counts and tells what became of each object.
pub(super) struct Ledger<'a> {
    pub(super) progress: &'a dyn Progress,
    pub(super) summary: ExtractSummary,
    done_bytes: u64,
    planned_bytes: u64,
    /// 0 if it is not known before.
    total_bytes: u64,
    /// Damage that was told: each name that is asked for may meet it again.
    told: HashSet<String>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(progress: &'a dyn Progress) -> Self {
        Self {
            progress,
            summary: ExtractSummary::default(),
            done_bytes: 0,
            planned_bytes: 0,
            total_bytes: 0,
            told: HashSet::new(),
        }
    }

    /// All content together is known to have so many bytes.
    pub(super) fn expect(&mut self, total_bytes: u64) {
        self.total_bytes = total_bytes;
    }

    /// So many bytes of content are looked for.
    pub(super) fn plan(&mut self, bytes: u64) {
        self.planned_bytes = self.planned_bytes.saturating_add(bytes);
    }

    /// So many bytes of content are where they belong.
    pub(super) fn advance(&mut self, bytes: u64) {
        self.done_bytes = self.done_bytes.saturating_add(bytes);
        let total = self.total_bytes.max(self.planned_bytes);
        self.progress.advance(self.done_bytes, total);
    }

    fn tell(&self, mark: char, name: &StoredPath, size: Option<u64>) {
        self.progress.item(&Item { mark, name: name.as_bytes(), size, new_bytes: None });
    }

    pub(super) fn written(&mut self, name: &StoredPath, size: Option<u64>) {
        self.summary.written += 1;
        self.summary.bytes += size.unwrap_or(0);
        self.tell('>', name, size);
    }

    /// An object got another name.
    pub(super) fn linked(&mut self, name: &StoredPath, size: Option<u64>) {
        self.summary.written += 1;
        self.advance(size.unwrap_or(0));
        self.tell('>', name, size);
    }

    pub(super) fn skipped(&mut self, name: &StoredPath, size: Option<u64>) {
        self.summary.skipped += 1;
        self.advance(size.unwrap_or(0));
        self.tell('?', name, size);
    }

    pub(super) fn identical(&mut self, name: &StoredPath, size: Option<u64>) {
        self.summary.identical += 1;
        self.advance(size.unwrap_or(0));
        self.tell('=', name, size);
    }

    /// Something the user should know that makes the result no worse.
    pub(super) fn note(&self, text: &str) {
        self.progress.warn(text);
    }

    /// A name that was asked for is not there.
    pub(super) fn missing(&mut self, name: &StoredPath) {
        self.summary.missing += 1;
        self.progress.problem(name.as_bytes(), "not in the archive");
    }

    /// An object could not be restored completely.
    pub(super) fn problem(&mut self, name: &StoredPath, why: impl std::fmt::Display) {
        self.summary.problems += 1;
        self.progress.problem(name.as_bytes(), &why.to_string());
    }

    /// Some metadata of an object could not be restored.
    pub(super) fn unapplied(&mut self, name: &StoredPath, parts: Vec<Unapplied>) {
        for part in parts {
            self.problem(name, part);
        }
    }

    /// An object is not restored because its stored bytes are damaged.
    pub(super) fn damaged_object(&mut self, name: &StoredPath, error: &str) {
        self.summary.damaged += 1;
        self.problem(name, format_args!("not restored: {error}"));
    }

    /// Bytes of the archive are damaged, and nobody knows which objects they stood for.
    pub(super) fn damage(&mut self, why: impl std::fmt::Display) {
        let why = why.to_string();
        if self.told.contains(&why) {
            return;
        }
        self.summary.damaged += 1;
        self.summary.problems += 1;
        self.progress.warn(&why);
        self.told.insert(why);
    }

    /// The target refused something. An object is named and the others go on, but nothing more can
    /// be restored to a full or read-only disk.
    pub(super) fn refused(&mut self, name: &StoredPath, error: io::Error) -> Result<()> {
        let is_final = matches!(
            error.kind(),
            io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::ReadOnlyFilesystem
        );
        if is_final {
            return Err(Error::io("cannot restore", error).at(name));
        }
        self.problem(name, error);
        Ok(())
    }

    /// Fails if the user asked to stop.
    pub(super) fn check_stopped(&self) -> Result<()> {
        if self.progress.is_stopped() {
            return Err(Error::new(ErrorKind::Stopped, "interrupted"));
        }
        Ok(())
    }
}
