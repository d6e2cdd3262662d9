//! `zarc index`: part 0 from the parts, all of which have to be there.
//!
//! Invariants: the parts are only read; an index is replaced whole, under another name until it is
//! on stable storage.

use std::sync::Arc;

use crate::base::{Error, ErrorKind, Result};
use crate::crypto::Password;
use crate::storage::PartStore;

use super::part_chain::Gaps;
use super::parts::Parts;
use super::recovery::Journal;

/// What became of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexUpkeep {
    /// Updates that it has now.
    pub updates: u64,
    /// How many of them were recorded just now.
    pub recorded: u64,
    /// Whether it was made anew.
    pub is_made: bool,
}

impl Journal {
    /// Makes the index of an archive in parts, or lets it catch up. One that disagrees with the
    /// parts is an error, or is made anew with `force`.
    pub fn update_index(
        store: Arc<dyn PartStore>,
        password: Option<&Password>,
        force: bool,
    ) -> Result<IndexUpkeep> {
        if !store.numbers()?.contains(&1) {
            return Err(Error::new(ErrorKind::Missing, "cannot make an index")
                .because(format!("{} is not there", store.name(1)))
                .hint("it is made from all parts: bring them back"));
        }
        let parts = if force { Parts::without_index(store) } else { Parts::new(store) };
        let (journal, chain) = Self::open_at_last_commit(&parts, password, Gaps::Refused)?;
        if let Some(damage) = chain.damage {
            return Err(damage.outcome("nothing was changed"));
        }
        let is_followed = journal.backend.len()? > journal.end();
        if is_followed && (journal.later_commits()?.newest.is_some() || journal.lacks_commit()?) {
            return Err(Error::corrupt("committed updates of the archive are damaged")
                .at(journal.reader().place_named(journal.end()))
                .because("an index made from what is left would not know them")
                .hint("keep the index that is there, and restore what is needed")
                .outcome("nothing was changed"));
        }
        journal.expect_index(chain.unmade.map(|(part, _)| part), false)?;
        let updates = journal.last_update();
        if updates == 0 {
            return Err(Error::new(ErrorKind::Missing, "cannot make an index")
                .because("no update of the archive was completed"));
        }
        if let Some(index) = parts.index() {
            let recorded = updates - index.last_update();
            index.cut_tail()?;
            journal.record_missing(&index)?;
            return Ok(IndexUpkeep { updates, recorded, is_made: false });
        }
        let backend = parts.new_index()?;
        let made =
            journal.index_in(Arc::clone(&backend)).and_then(|index| journal.record_missing(&index));
        if let Err(error) = made {
            // A file that was made for nothing goes away.
            let _ = backend.truncate(0);
            return Err(error.outcome("nothing was changed"));
        }
        parts.place_index()?;
        Ok(IndexUpkeep { updates, recorded: updates, is_made: true })
    }
}
