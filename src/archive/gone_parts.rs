//! The parts of an archive that are not there, or not what their names say.

use crate::base::{Error, Result};
use crate::format::{FrameHeader, Place};

use super::history::Version;
use super::open::Archive;

impl Archive {
    /// A sentence that names all missing parts, and one for each that is something else than its name
    /// says; none if the archive is complete.
    pub fn absent_parts(&self) -> Vec<String> {
        self.journal.absent_parts()
    }

    /// Why the contents in a part cannot be read, if it is one of those, or only the index is there for it.
    pub fn gone_part(&self, part: u32) -> Option<Error> {
        self.journal.gone_part(part)
    }

    /// Whether there are such parts.
    pub fn has_gone_parts(&self) -> bool {
        self.journal.has_gone_parts()
    }

    /// What every reader reads of a part, as far as that is known of one that is not there: starts and lengths
    /// in bytes.
    pub fn opening_ranges(&self, part: u32) -> Result<Vec<(u64, u64)>> {
        self.journal.opening_ranges(part)
    }

    /// What people call a part; nothing in an archive of one file.
    pub fn part_name(&self, part: u32) -> Option<String> {
        self.journal.part_name(part)
    }

    /// Where the runs of a version begin that are in missing parts, which the index has no copy of: places of
    /// their directories, and lengths in bytes.
    pub fn absent_runs(&self, version: &Version) -> Vec<(Place, u64)> {
        let manifest = &version.manifest;
        let runs = manifest.entry_runs.iter().chain(&manifest.fragment_runs);
        runs.map(|run| (run, run.place.part))
            .filter(|(_, part)| self.gone_part(*part).is_some() && !self.is_away(*part))
            .map(|(run, _)| (run.place, FrameHeader::bytes_of_frame(run.payload_len)))
            .collect()
    }

    /// Whether a part is not there, but known to the index.
    pub fn is_away(&self, part: u32) -> bool {
        self.reader().is_away(part)
    }
}
