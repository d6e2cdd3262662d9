//! `passwd`: another password for an encrypted archive.

use crate::archive::{Archive, begin_password_change, not_encrypted};
use crate::base::{Error, ErrorKind, Progress, Result};

use super::options::{PasswdOptions, PasswdSummary};

/// Changes the password. No data is written anew: what was encrypted stays as it is.
pub fn passwd(options: &PasswdOptions, progress: &dyn Progress) -> Result<PasswdSummary> {
    let unchanged = "the password was not changed";
    // Before anybody is asked in vain; what is wrong with it otherwise shows when it is opened.
    let checked = Archive::expect_key(&options.archive, true);
    checked.map_err(|error| {
        match error.kind() {
            ErrorKind::Usage => not_encrypted().at(&options.archive),
            _ => error,
        }
        .outcome(unchanged)
    })?;
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
