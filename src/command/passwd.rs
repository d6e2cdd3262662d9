//! `passwd`: another password for an encrypted archive.

use crate::archive::{Archive, begin_password_change};
use crate::base::{Error, Progress, Result};

use super::options::{PasswdOptions, PasswdSummary};

/// Changes the password. No data is written anew: what was encrypted stays as it is.
pub fn passwd(options: &PasswdOptions, progress: &dyn Progress) -> Result<PasswdSummary> {
    let unchanged = "the password was not changed";
    Archive::expect_key(&options.archive, true).map_err(|error| error.outcome(unchanged))?;
    let old = options.key.password("Old password: ", false, progress)?;
    // Whoever does not know the old one is not asked for a new one.
    let change =
        begin_password_change(&options.archive, &old).map_err(|error| error.outcome(unchanged))?;
    for absent in change.absent_parts() {
        progress.warn(&format!("{absent}; what is missing keeps the old password"));
    }
    let new = options
        .new_key
        .password("New password: ", true, progress)
        .map_err(|error| error.outcome(unchanged))?;
    if new.is_same(&old) {
        return Err(Error::usage("the new password is the old one").outcome(unchanged));
    }
    let generation =
        change.finish(&new, options.key_cost, &options.environment).map_err(|error| {
            error
                .at(&options.archive)
                .outcome("either the old password opens the archive or the new one")
        })?;
    Ok(PasswdSummary { generation })
}
