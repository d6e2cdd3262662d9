//! The new directories on the way to where an extraction is: nothing is in them but what it put there
//! itself, so names in them need not be looked for first.

use std::sync::Arc;

use super::restore_place::Place;

/// Directories that were made, each below the one before.
#[derive(Default)]
pub(super) struct FreshDirectories {
    way: Vec<Place>,
}

impl FreshDirectories {
    /// The way goes on into the directory at `place`, which `is_new` or was there: what is met again
    /// has something in it.
    pub(super) fn enter(&mut self, place: &Place, is_new: bool) {
        self.leave(place);
        self.way.retain(|directory| directory.path != place.path);
        if is_new {
            self.way.push(place.clone());
        }
    }

    /// Whether the directory of `place` was made on the way to it.
    pub(super) fn has_parent(&mut self, place: &Place) -> bool {
        self.leave(place);
        let parent_len = place.path.as_bytes().len() - place.path.last_component().len();
        // With the separator.
        self.way.last().is_some_and(|last| last.path.as_bytes().len() + 1 == parent_len)
    }

    /// Keeps the directories that `place` is below.
    fn leave(&mut self, place: &Place) {
        let holds = |directory: &Place| {
            Arc::ptr_eq(&directory.target, &place.target) && place.path.is_within(&directory.path)
        };
        while self.way.last().is_some_and(|directory| !holds(directory)) {
            self.way.pop();
        }
    }
}
