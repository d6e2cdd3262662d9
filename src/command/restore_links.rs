//! Hard links: the first name of an object is restored, later ones become links to it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::archive::Stored;
use crate::base::Timestamp;

use super::restore_place::Place;

/// The first restored name of an object.
struct First {
    place: Place,
    stored: Arc<Stored>,
    /// Numbers of the file system and of the object that was made or found there.
    identity: Option<(u64, u64)>,
}

/// Numbers of file system and object, and its times: of an object that changed while only some of
/// its names were archived, there are several.
type Key = (u64, u64, Timestamp, Timestamp);

/// First names.
#[derive(Default)]
pub(super) struct HardLinks {
    first: HashMap<Key, First>,
}

/// Nothing for an object with one name.
fn key(stored: &Stored) -> Option<Key> {
    Some((stored.device?, stored.inode, stored.ctime, stored.metadata.mtime))
}

impl HardLinks {
    /// Whether an earlier name of the same object is restored or being restored.
    pub(super) fn has_earlier(&self, stored: &Stored, place: &Place) -> bool {
        self.find(stored, place).is_some()
    }

    /// The place of an earlier name of the same object that is restored, and which object that is.
    pub(super) fn restored(&self, stored: &Stored, place: &Place) -> Option<(Place, (u64, u64))> {
        let first = self.find(stored, place)?;
        Some((first.place.clone(), first.identity?))
    }

    fn find(&self, stored: &Stored, place: &Place) -> Option<&First> {
        let first = self.first.get(&key(stored)?)?;
        // A crafted archive may give one number to objects that differ.
        let is_same = first.stored.is_linked_with(stored)
            && first.stored.metadata.kind == stored.metadata.kind
            && first.stored.metadata.link_target == stored.metadata.link_target
            && first.stored.metadata.device == stored.metadata.device;
        (is_same && Arc::ptr_eq(&first.place.target, &place.target)).then_some(first)
    }

    /// Remembers that the object is being restored at `place`.
    pub(super) fn begin(&mut self, stored: &Arc<Stored>, place: &Place) {
        if let Some(key) = key(stored) {
            let first = First { place: place.clone(), stored: Arc::clone(stored), identity: None };
            self.first.insert(key, first);
        }
    }

    /// The object is restored at `place`: later names can be links to it as long as it is there.
    pub(super) fn finish(&mut self, stored: &Stored, place: &Place, identity: (u64, u64)) {
        if let Some(key) = key(stored)
            && let Some(first) = self.first.get_mut(&key)
            && first.place.path == place.path
        {
            first.identity = Some(identity);
        }
    }

    /// Forgets all objects.
    pub(super) fn clear(&mut self) {
        self.first.clear();
    }
}
