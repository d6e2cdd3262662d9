//! The places on disk that files on their way are going to have: nothing else may go there meanwhile,
//! nor below, nor in the place of a directory above.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use crate::base::StoredPath;
use crate::filesystem::Target;

use super::restore_place::Place;

/// Places that are spoken for.
#[derive(Default)]
pub(super) struct HeldPlaces {
    /// All are below this one: of two directories one may lie within the other, or be the same.
    target: Option<Arc<Target>>,
    /// Hashes of paths; two of the same hash cost no more than a smaller window.
    paths: HashSet<u64>,
    /// Of the directories that they go to.
    above: HashSet<u64>,
}

impl HeldPlaces {
    /// Whether what goes to `place` has to wait until the files on their way are there.
    pub(super) fn is_held(&self, place: &Place) -> bool {
        let Some(target) = &self.target else { return false };
        let is_held = || {
            let (mut held, mut last) = (false, 0);
            for hash in hashes(&place.path) {
                held |= self.paths.contains(&hash);
                last = hash;
            }
            held || self.above.contains(&last)
        };
        !Arc::ptr_eq(target, &place.target) || is_held()
    }

    /// A file is on its way to `place`, which is not held.
    pub(super) fn add(&mut self, place: &Place) {
        self.target = Some(Arc::clone(&place.target));
        let mut hashes: Vec<u64> = hashes(&place.path).collect();
        self.paths.extend(hashes.pop());
        self.above.extend(hashes);
    }

    /// Nothing is on its way any more.
    pub(super) fn clear(&mut self) {
        self.target = None;
        self.paths.clear();
        self.above.clear();
    }
}

/// A hash for each directory on the way of a path, and for the path at last. Names that differ in
/// small and capital letters alone have the same: to some file systems they are one.
fn hashes(path: &StoredPath) -> impl Iterator<Item = u64> {
    let mut hasher = DefaultHasher::new();
    path.components_below().map(move |component| {
        if component.is_ascii() {
            hasher.write(&component.to_ascii_lowercase());
        } else {
            let name = String::from_utf8_lossy(component);
            // By way of the capitals, so that letters with two small forms are the same too.
            let letters = name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
            hasher.write(letters.collect::<String>().as_bytes());
        }
        hasher.write_u8(b'/');
        hasher.finish()
    })
}
