//! `add -until`: goes back to an older version, if the user agrees to lose those after it.

use crate::archive::{Archive, OpenOptions, Rollback, RollbackStage, Version};
use crate::base::{Error, ErrorKind, Progress, Result};

use super::options::{AddOptions, AddSummary};

/// Makes `base` the version that the update follows, or the archive anew with `anew`, and says what is lost by it: nothing, if it
/// is the newest one. No byte is lost before something is written.
pub(super) fn roll_back(
    archive: &mut Archive,
    base: Option<&Version>,
    anew: OpenOptions<'_>,
    options: &AddOptions,
    progress: &dyn Progress,
) -> Result<Option<Rollback>> {
    let Some(rollback) = archive.rollback_to(base) else {
        return Ok(None);
    };
    if !(options.is_dry() || options.force || progress.confirms(&question(&rollback, options))) {
        return Err(if progress.is_stopped() {
            Error::new(ErrorKind::Stopped, "interrupted")
        } else {
            refusal(&rollback, options)
        });
    }
    archive.roll_back(base, anew, &options.environment)?;
    Ok(Some(rollback))
}

fn question(rollback: &Rollback, options: &AddOptions) -> String {
    let (archive, bytes) = (&options.archive, rollback.bytes);
    format!("Delete {rollback} of {archive}, {bytes} bytes, for good?")
}

fn refusal(rollback: &Rollback, options: &AddOptions) -> Error {
    let Rollback { to, bytes, .. } = rollback;
    Error::new(ErrorKind::Exists, format!("cannot roll back to version {to}"))
        .at(&options.archive)
        .because(format!(
            "{rollback}, {bytes} bytes, would be lost for good; say -force if that is meant"
        ))
        .outcome("nothing was changed")
}

/// Lets a rollback happen that no update follows; not for a slip in the names of all files.
pub(super) fn finish(archive: &mut Archive, summary: &AddSummary) -> Result<()> {
    let is_pending = archive.rollback_stage().0 == RollbackStage::Pending;
    if is_pending && summary.seen == 0 && summary.problems > 0 {
        return Err(Error::new(ErrorKind::Missing, "cannot roll back and add")
            .because("none of the files can be found and read")
            .outcome("nothing was changed"));
    }
    archive.finish_rollback()
}

/// What an `add` that failed has done: how far going back to which version has come.
pub(super) fn outcome_of_failure(stage: (RollbackStage, u64), is_dry: bool) -> String {
    match stage {
        (RollbackStage::Done, to) if !is_dry => {
            format!("the archive was rolled back to version {to}, and nothing was added")
        }
        (RollbackStage::Unknown, to) if !is_dry => {
            format!(
                "it is unknown whether the archive was rolled back to version {to}; nothing was added"
            )
        }
        _ => "nothing was added".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_is_known_of_the_rollback() {
        for (stage, is_dry, outcome) in [
            (RollbackStage::None, false, "nothing was added"),
            (RollbackStage::Pending, false, "nothing was added"),
            (RollbackStage::Done, true, "nothing was added"),
            (
                RollbackStage::Done,
                false,
                "the archive was rolled back to version 3, and nothing was added",
            ),
            (
                RollbackStage::Unknown,
                false,
                "it is unknown whether the archive was rolled back to version 3; nothing was added",
            ),
        ] {
            assert_eq!(outcome_of_failure((stage, 3), is_dry), outcome);
        }
    }
}
