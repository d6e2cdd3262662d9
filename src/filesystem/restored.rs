//! What was made in a target.

use rustix::fs::Stat;

use super::apply::Unapplied;

/// An object that was restored.
#[derive(Debug)]
pub struct Restored {
    /// Numbers of its file system and of itself: what they belong to later is this object.
    pub identity: (u64, u64),
    /// The metadata that it did not get.
    pub unapplied: Vec<Unapplied>,
}

impl Restored {
    pub(super) fn new(stat: &Stat, unapplied: Vec<Unapplied>) -> Self {
        Self { identity: (stat.st_dev, stat.st_ino), unapplied }
    }
}
