//! Pages that were used last, so that memory does not grow with the history.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What takes memory.
pub(super) trait InMemory {
    /// So many bytes, about.
    fn bytes(&self) -> usize;
}

/// Pages by where they are, for several threads.
pub(super) struct PageCache<Key, Page> {
    state: Mutex<State<Key, Page>>,
    bytes_max: usize,
}

struct State<Key, Page> {
    /// Each with the moment of its last use.
    pages: HashMap<Key, (u64, Arc<Page>)>,
    by_use: BTreeMap<u64, Key>,
    moment: u64,
    bytes: usize,
}

impl<Key: Copy + Eq + Hash, Page: InMemory> PageCache<Key, Page> {
    /// Keeps pages of so many bytes, and always the one that was used last.
    pub(super) fn new(bytes_max: usize) -> Self {
        let (pages, by_use) = (HashMap::new(), BTreeMap::new());
        Self { state: Mutex::new(State { pages, by_use, moment: 0, bytes: 0 }), bytes_max }
    }

    /// A page, if it is kept.
    pub(super) fn get(&self, key: Key) -> Option<Arc<Page>> {
        let mut state = self.state();
        let moment = state.next_moment();
        let (used, page) = state.pages.get_mut(&key)?;
        let (used, page) = (std::mem::replace(used, moment), Arc::clone(page));
        state.by_use.remove(&used);
        state.by_use.insert(moment, key);
        Some(page)
    }

    /// Keeps a page; those go that were not used for the longest time.
    pub(super) fn put(&self, key: Key, page: &Arc<Page>) {
        let mut state = self.state();
        state.remove(key);
        state.bytes += page.bytes();
        while state.bytes > self.bytes_max
            && let Some((_, oldest)) = state.by_use.first_key_value()
        {
            let oldest = *oldest;
            state.remove(oldest);
        }
        let moment = state.next_moment();
        state.by_use.insert(moment, key);
        state.pages.insert(key, (moment, Arc::clone(page)));
    }

    fn state(&self) -> MutexGuard<'_, State<Key, Page>> {
        // Nothing can be half done while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Key: Copy + Eq + Hash, Page: InMemory> State<Key, Page> {
    fn next_moment(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }

    fn remove(&mut self, key: Key) {
        if let Some((used, page)) = self.pages.remove(&key) {
            self.by_use.remove(&used);
            self.bytes -= page.bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl InMemory for Vec<u8> {
        fn bytes(&self) -> usize {
            self.len()
        }
    }

    fn page(bytes: usize) -> Arc<Vec<u8>> {
        Arc::new(vec![0; bytes])
    }

    #[test]
    fn the_pages_that_were_used_last_are_kept_and_no_more_than_fit() {
        let cache = PageCache::new(80);
        for number in 0..100 {
            cache.put(number, &page(10));
            assert!(cache.get(0).is_some(), "it is used all the time");
            assert!(cache.state().bytes <= 80);
        }
        for number in 1..100 {
            assert_eq!(cache.get(number).is_some(), number > 92, "{number}");
        }
        // One that alone is more than fits is kept as long as it is the last one.
        cache.put(100, &page(1000));
        assert!(cache.get(100).is_some() && cache.get(99).is_none());
        cache.put(101, &page(1));
        assert!(cache.get(101).is_some() && cache.get(100).is_none());
    }
}
