//! The keys of the updates that were met last, so that memory does not grow with the history.

use std::collections::HashMap;

use crate::crypto::UpdateKeys;

/// Number of an update and the first bytes of its nonce: a number alone may have been given twice,
/// to an update that was never committed and to the one that was.
pub(super) type Name = (u64, [u8; 8]);

/// So many updates at most.
const UPDATES_MAX: usize = 1024;

/// Keys, each with the moment of its last use.
#[derive(Debug, Default)]
pub(super) struct KeyCache {
    keys: HashMap<Name, (u64, UpdateKeys)>,
    moment: u64,
}

impl KeyCache {
    /// The keys of an update, if they are kept.
    pub(super) fn get(&mut self, name: &Name) -> Option<UpdateKeys> {
        self.moment += 1;
        let (used, keys) = self.keys.get_mut(name)?;
        *used = self.moment;
        Some(keys.clone())
    }

    /// Keeps keys; when there are too many, those go that were not used for the longest time.
    pub(super) fn put(&mut self, name: Name, keys: UpdateKeys) {
        self.moment += 1;
        if self.keys.len() >= UPDATES_MAX && !self.keys.contains_key(&name) {
            let oldest = self.keys.iter().min_by_key(|(_, (used, _))| *used).map(|(name, _)| *name);
            oldest.and_then(|name| self.keys.remove(&name));
        }
        self.keys.insert(name, (self.moment, keys));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Digest, Environment};
    use crate::crypto::MasterKey;

    #[test]
    fn the_keys_that_were_used_last_are_kept() {
        let master_key = MasterKey::generate([0; 16], &Environment::system()).unwrap();
        let keys = master_key.update_keys(1, &Digest::default(), &Digest::default());
        let mut cache = KeyCache::default();
        let most = UPDATES_MAX as u64;
        for number in 0..3 * most {
            cache.put((number, [7; 8]), keys.clone());
            assert!(cache.get(&(0, [7; 8])).is_some(), "it is used all the time");
            assert!(cache.get(&(0, [8; 8])).is_none(), "the number of another attempt");
        }
        assert_eq!(cache.keys.len(), UPDATES_MAX);
        for number in 1..3 * most {
            let is_kept = cache.keys.contains_key(&(number, [7; 8]));
            assert_eq!(is_kept, number > 2 * most, "{number}");
        }
        cache.put((0, [7; 8]), keys);
        assert_eq!(cache.keys.len(), UPDATES_MAX);
    }
}
