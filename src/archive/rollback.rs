//! Going back to an older version, so that the next update follows that one.

use std::fmt;

use crate::base::{Environment, Result};
use crate::journal::RollbackStage;

use super::history::Version;
use super::open::{Archive, OpenOptions, new_part};

/// The versions that going back takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollback {
    /// The version that is left as the newest; 0 is the empty archive.
    pub to: u64,
    /// The newest one that is lost; the oldest is the one after `to`.
    pub newest: u64,
    /// Length of the lost updates in the archive, in bytes.
    pub bytes: u64,
}

impl fmt::Display for Rollback {
    /// The lost versions: `version 4`, `versions 4 to 7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (oldest, newest) = (self.to + 1, self.newest);
        if oldest == newest {
            write!(f, "version {newest}")
        } else {
            write!(f, "versions {oldest} to {newest}")
        }
    }
}

impl Archive {
    /// What going back to `base` would take away; nothing if that is the newest version.
    pub fn rollback_to(&self, base: Option<&Version>) -> Option<Rollback> {
        let newest = self.journal.last()?;
        let to = base.map_or(0, Version::number);
        let oldest_start = base.map_or(self.journal.first_start(), Version::end);
        (to < newest.commit.update).then(|| Rollback {
            to,
            newest: newest.commit.update,
            bytes: self.committed_bytes() - oldest_start,
        })
    }

    /// Goes back to `base`, or to an archive that is made anew with `options`. The file keeps all its bytes until
    /// the first frame of an update is written or [`Self::finish_rollback`] is called.
    pub fn roll_back(
        &mut self,
        base: Option<&Version>,
        options: OpenOptions<'_>,
        environment: &Environment,
    ) -> Result<()> {
        match base {
            Some(version) => self.journal.roll_back(version.point.clone()),
            None => self.journal.start_anew(new_part(options, environment)?),
        }
        Ok(())
    }

    /// Cuts the file to the version gone back to, if that was not done yet. After an error it is
    /// unknown whether the later versions are there.
    pub fn finish_rollback(&mut self) -> Result<()> {
        self.journal.cut_off()
    }

    /// How far going back has come, and the version that an update would follow; 0 is none.
    pub fn rollback_stage(&self) -> (RollbackStage, u64) {
        let newest = self.journal.last().map_or(0, |last| last.commit.update);
        (self.journal.rollback_stage(), newest)
    }
}
