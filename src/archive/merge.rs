//! Merges runs into one sequence of entries: for each path, the newest run that holds it wins.
//!
//! Where a page cannot be read, older runs may not speak for it: what they say of its paths may
//! have been replaced. The error takes the place of those entries.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::base::{Result, StoredPath};
use crate::format::Entry;

use super::entry_cursor::{EntryCursor, Met};

/// The next entry of one run; the smallest path, then the newest run, comes first.
struct Head {
    entry: Entry,
    age: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives its greatest element first.
        other.entry.path.cmp(&self.entry.path).then(other.age.cmp(&self.age))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}

struct Gap {
    age: usize,
    from: Option<StoredPath>,
    to: Option<StoredPath>,
}

impl Gap {
    fn hides(&self, head: &Head) -> bool {
        let path = &head.entry.path;
        head.age > self.age
            && self.from.as_ref().is_none_or(|from| path >= from)
            && self.to.as_ref().is_none_or(|to| path < to)
    }
}

/// Entries of several runs as one sequence, deletions included.
pub(super) struct Merge {
    cursors: Vec<EntryCursor>,
    heads: BinaryHeap<Head>,
    gaps: Vec<Gap>,
    errors: Vec<crate::base::Error>,
}

impl Merge {
    /// Merges runs, newest first.
    pub(super) fn new(cursors: Vec<EntryCursor>) -> Self {
        let (heads, gaps, errors) = (BinaryHeap::new(), Vec::new(), Vec::new());
        let mut merge = Self { cursors, heads, gaps, errors };
        for age in 0..merge.cursors.len() {
            merge.advance(age);
        }
        merge
    }

    fn advance(&mut self, age: usize) {
        while let Some(met) = self.cursors[age].next_met() {
            match met {
                Met::Entry(entry) => {
                    self.heads.push(Head { entry, age });
                    return;
                }
                Met::Gap { from, to, error } => {
                    self.gaps.push(Gap { age, from, to });
                    self.errors.push(error);
                }
            }
        }
    }
}

impl Iterator for Merge {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(error) = self.errors.pop() {
                return Some(Err(error));
            }
            let head = self.heads.pop()?;
            self.advance(head.age);
            if self.cursors.len() == 1 {
                return Some(Ok(head.entry));
            }
            while let Some(older) = self.heads.peek() {
                if older.entry.path != head.entry.path {
                    break;
                }
                let age = older.age;
                self.heads.pop();
                self.advance(age);
            }
            if !self.gaps.iter().any(|gap| gap.hides(&head)) {
                return Some(Ok(head.entry));
            }
        }
    }
}
