//! `index`: part 0 of an archive in parts is made, or catches up.

use crate::archive::{IndexUpkeep, Location, update_index};
use crate::base::{Progress, Result};

use super::key_source::password_of;
use super::options::IndexOptions;

/// Makes the index from all parts, or lets it catch up with them.
pub fn index(options: &IndexOptions, progress: &dyn Progress) -> Result<IndexUpkeep> {
    let archive = Location::Parts(options.archive.clone());
    let password = password_of(&archive, options.key.as_ref(), progress)?;
    update_index(&options.archive, password.as_ref(), options.force)
}
