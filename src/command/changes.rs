//! The disk beside the archive: two sorted streams merged into steps, name by name.

use std::io;
use std::iter::Peekable;

use crate::archive::Entry;
use crate::base::{Kind, Result, StoredPath};
use crate::filesystem::{Item, Object, Walk};

/// What is found under one name.
#[derive(Debug)]
pub(super) enum Step {
    /// On disk only.
    New(Object),
    /// On both sides.
    Both(Object, Entry),
    /// In the archive only.
    Gone(Entry),
    /// In the archive; what is on disk is not known.
    Unknown(Entry),
    /// This name, or something below it, cannot be read.
    Unreadable(StoredPath, io::Error),
    /// The user named something that is on neither side.
    Missing(StoredPath),
}

/// Merges a walk with the stored entries of the same scope.
pub(super) struct Changes<Entries: Iterator<Item = Result<Entry>>> {
    walk: Peekable<Walk>,
    entries: Peekable<Entries>,
    /// What lies here or below was not seen, so it is not gone.
    unseen: Option<StoredPath>,
    special: bool,
}

impl<Entries: Iterator<Item = Result<Entry>>> Changes<Entries> {
    /// Both streams are in archive order.
    pub(super) fn new(walk: Walk, entries: Entries, special: bool) -> Self {
        Self { walk: walk.peekable(), entries: entries.peekable(), unseen: None, special }
    }

    fn archived_only(&self, entry: Entry) -> Step {
        let is_unseen = self.unseen.as_ref().is_some_and(|unseen| entry.path.is_within(unseen));
        // Without -special the walk leaves these out, whatever is there.
        let is_left_out = !self.special
            && entry.object.stored().is_some_and(|stored| {
                let kind = stored.metadata.kind;
                matches!(kind, Kind::CharacterDevice | Kind::BlockDevice | Kind::Socket)
            });
        if is_unseen || is_left_out { Step::Unknown(entry) } else { Step::Gone(entry) }
    }

    fn walked(&mut self, item: Item) -> Option<Step> {
        match item {
            Item::Object(object) => Some(Step::New(object)),
            Item::Unreadable { path, error } => {
                if !self.unseen.as_ref().is_some_and(|unseen| path.is_within(unseen)) {
                    self.unseen = Some(path.clone());
                }
                Some(Step::Unreadable(path, error))
            }
            Item::Absent { path } => match self.entries.peek() {
                Some(Ok(entry)) if entry.path.is_within(&path) => None,
                _ => Some(Step::Missing(path)),
            },
        }
    }
}

impl<Entries: Iterator<Item = Result<Entry>>> Iterator for Changes<Entries> {
    type Item = Result<Step>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let order = match (self.walk.peek(), self.entries.peek()) {
                (None, None) => return None,
                (_, Some(Err(_))) | (None, Some(Ok(_))) => std::cmp::Ordering::Greater,
                (Some(_), None) => std::cmp::Ordering::Less,
                (Some(item), Some(Ok(entry))) => item.path().cmp(&entry.path),
            };
            if order.is_gt() {
                let entry = self.entries.next()?;
                return Some(entry.map(|entry| self.archived_only(entry)));
            }
            match self.walk.next()? {
                Item::Object(object) if order.is_eq() => {
                    let entry = self.entries.next()?;
                    return Some(entry.map(|entry| Step::Both(object, entry)));
                }
                item => {
                    if let Some(step) = self.walked(item) {
                        return Some(Ok(step));
                    }
                }
            }
        }
    }
}
