//! The index of an archive in parts: made or caught up, and compared with the parts.

use std::sync::Arc;

use crate::base::{Error, Result};
use crate::crypto::Password;
use crate::journal::{IndexUpkeep, Journal};
use crate::storage::{LocalParts, PartNames};

use super::open::Archive;

/// So many bytes are compared at a time.
const PIECE_BYTES: usize = 1 << 20;

/// Makes part 0 from the parts of that name, or lets it catch up; with `force` it is made anew
/// whatever is there.
pub fn update_index(
    names: &PartNames,
    password: Option<&Password>,
    force: bool,
) -> Result<IndexUpkeep> {
    // Whoever opens parts to write makes the first one.
    LocalParts::open(names)?;
    let parts = Arc::new(LocalParts::open_for_writing(names)?);
    Journal::update_index(parts, password, force).map_err(|error| error.at(names))
}

impl Archive {
    /// How many updates the index knows; 0 without one.
    pub fn updates_in_index(&self) -> u64 {
        self.journal.updates_in_index()
    }

    /// Fails if what the index has of an update is not what its part has. A part that is not there
    /// is not compared.
    pub fn check_copies(&self, update: u64) -> Result<()> {
        for range in self.journal.copies_of(update)? {
            if self.is_away(range.place.part) {
                return Ok(());
            }
            let reader = self.reader().in_part(range.place.part);
            for start in (0..range.len).step_by(PIECE_BYTES) {
                let len = (PIECE_BYTES as u64).min(range.len - start);
                let offset = range.place.offset + start;
                let place = crate::format::Place { offset, ..range.place };
                if reader.raw(offset, len)? != self.journal.copied_bytes(place, len)? {
                    return Err(Error::corrupt(format!(
                        "the index has another update {update} than the part"
                    ))
                    .at(reader.place_named(offset))
                    .hint(
                        "if `zarc test` finds nothing else, make it anew with `zarc index -force`",
                    ));
                }
            }
        }
        Ok(())
    }
}
