//! `index`: part 0 of an archive in parts is made, or catches up.

use crate::archive::{IndexUpkeep, update_index};
use crate::base::{Progress, Result};

use super::key_source::password;
use super::options::IndexOptions;

/// Makes the index from all parts, or lets it catch up with them.
pub fn index(options: &IndexOptions, progress: &dyn Progress) -> Result<IndexUpkeep> {
    let password = password(options.key.as_ref(), false, progress)?;
    update_index(&options.archive, password.as_ref(), options.force)
}
