//! The update of an `add`, which begins with the first fragment or change: without one there is none.

use std::sync::Arc;

use crate::archive::{Archive, RunShape, Transaction, TransactionOptions, Version};
use crate::base::Result;
use crate::compress::MethodChoice;

use super::object_reader::Sources;
use super::options::AddOptions;

/// An update that begins when it is needed.
pub(super) struct LazyUpdate<'a> {
    archive: Option<&'a mut Archive>,
    transaction: Option<Transaction<'a>>,
    base: Option<Version>,
    options: &'a AddOptions,
    sources: &'a Sources<'a>,
    /// How many errors were told.
    told: usize,
}

impl<'a> LazyUpdate<'a> {
    /// An update on top of `base`.
    pub(super) fn new(
        archive: &'a mut Archive,
        base: Option<Version>,
        options: &'a AddOptions,
        sources: &'a Sources<'a>,
    ) -> Self {
        Self { archive: Some(archive), transaction: None, base, options, sources, told: 0 }
    }

    /// The update, begun now if it was not before.
    pub(super) fn begun(&mut self) -> Result<&mut Transaction<'a>> {
        if let Some(archive) = self.archive.take() {
            let options = TransactionOptions {
                method: self.options.method.and_then(MethodChoice::of_blocks).unwrap_or_default(),
                threads: self.options.threads,
                environment: self.options.environment,
                comment: Vec::new(),
                date: self.options.date(),
                shape: RunShape::default(),
            };
            let base = self.base.as_ref().zip(self.sources.blocks.as_ref().map(Arc::clone));
            let transaction = Transaction::begin_over(archive, base, &options)?;
            self.transaction = Some(transaction.reporting_to(self.sources.progress));
            self.tell_unreadable();
        }
        Ok(self.transaction.as_mut().expect("it is begun when the archive is taken"))
    }

    /// The archive is damaged where it records fragments: the update is worth making all the same. Tells what
    /// was not told before.
    fn tell_unreadable(&mut self) {
        let Some(transaction) = &self.transaction else { return };
        let pages = transaction.unreadable();
        let mut errors = self.sources.unreadable.iter().chain(pages).skip(self.told);
        if let Some(error) = errors.next() {
            let others = match errors.count() {
                0 => String::new(),
                count => format!(" and {count} more"),
            };
            self.sources.progress.warn(&format!(
                "stored fragments cannot be found: {error}{others}; they are stored again where they \
                 are met; check the archive with `zarc test`"
            ));
        }
        self.told = self.sources.unreadable.len() + pages.len();
    }

    /// Ends with how many errors there were where the archive records fragments, and the update, if it was begun.
    pub(super) fn into_transaction(mut self) -> (usize, Option<Transaction<'a>>) {
        self.tell_unreadable();
        (self.told, self.transaction)
    }

    /// Bytes that no earlier fragment held, so far.
    pub(super) fn new_bytes(&self) -> u64 {
        self.transaction.as_ref().map_or(0, |transaction| transaction.counts().new_bytes)
    }
}
