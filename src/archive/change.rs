//! What an entry changes, and how it counts.

use crate::format::Counts;

/// What an entry changes in the version before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The name is new.
    Added,
    /// The object changed; its content had so many bytes.
    Updated(u64),
    /// The object is gone; its content had so many bytes.
    Deleted(u64),
    /// Only what tells changes apart is new: ctime, inode, links.
    Touched,
}

impl Counts {
    /// Whether nothing was recorded.
    pub fn is_unchanged(&self) -> bool {
        self.added + self.updated + self.deleted + self.touched == 0
    }

    /// Counts one entry whose content has `size` bytes.
    pub(super) fn count(&mut self, change: Change, size: u64) {
        match change {
            Change::Added => {
                self.added += 1;
                self.names += 1;
                self.names_bytes = self.names_bytes.saturating_add(size);
                self.content_bytes = self.content_bytes.saturating_add(size);
            }
            Change::Updated(size_before) => {
                self.updated += 1;
                self.names_bytes =
                    self.names_bytes.saturating_sub(size_before).saturating_add(size);
                self.content_bytes = self.content_bytes.saturating_add(size);
            }
            Change::Deleted(size_before) => {
                self.deleted += 1;
                self.names = self.names.saturating_sub(1);
                self.names_bytes = self.names_bytes.saturating_sub(size_before);
            }
            Change::Touched => self.touched += 1,
        }
    }
}
