//! How long the parts of an archive become.

use super::open::Archive;

impl Archive {
    /// From now on an update goes on in another part when one would be longer than this, if the archive
    /// is kept in parts; a frame is never split.
    pub fn set_part_bytes(&mut self, part_bytes: Option<u64>) {
        self.journal.set_part_bytes(part_bytes);
    }
}
