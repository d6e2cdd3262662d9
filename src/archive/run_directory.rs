//! The directory of a run, read as far as it is asked for: which pages hold a range of keys.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::{Error, Result};
use crate::format::{Directory, FrameType, PageReference, Place, RunKey, RunReference};
use crate::journal::FrameReader;

use super::packed_frame;

/// How many directories below the root are kept for look-ups.
const DIRECTORIES_KEPT: usize = 8;

/// The directory of one run. Only its root is in memory from the start.
pub(super) struct RunDirectory<Key> {
    reader: FrameReader,
    root: Arc<Directory<Key>>,
    /// Directories below the root, most recently used last.
    kept: Mutex<Vec<(Place, Arc<Directory<Key>>)>>,
}

/// A directory below the root that cannot be read, so that its pages are not known.
#[derive(Debug)]
pub(super) struct Unlisted<Key> {
    /// The first key that is in one of those pages.
    pub first_key: Key,
    /// Why.
    pub error: Error,
}

impl<Key: RunKey> RunDirectory<Key> {
    /// Reads the root.
    pub(super) fn open(reader: &FrameReader, run: &RunReference) -> Result<Self> {
        let root = read_directory(reader, run.place, run.payload_len)?;
        if root.records() != Some(run.records) {
            return Err(not_referred_to().at(run.place));
        }
        Ok(Self { reader: reader.clone(), root: Arc::new(root), kept: Mutex::default() })
    }

    /// The first key of the run.
    pub(super) fn first_key(&self) -> Option<&Key> {
        self.root.first_key()
    }

    /// The page that holds `key` if the run does; nothing if all pages are above it.
    pub(super) fn page_of(&self, key: &Key) -> Result<Option<PageReference<Key>>> {
        let mut directory = Arc::clone(&self.root);
        loop {
            let above = directory.listed.partition_point(|page| page.first_key <= *key);
            let Some(found) = above.checked_sub(1).and_then(|index| directory.listed.get(index))
            else {
                return Ok(None);
            };
            if directory.level == 1 {
                return Ok(Some(found.clone()));
            }
            let below = self.kept_below(directory.level, found)?;
            directory = below;
        }
    }

    /// All pages in order, from the one that may hold `start` on.
    pub(super) fn pages(self: &Arc<Self>, start: Option<&Key>) -> Pages<Key> {
        let mut pages =
            Pages { run: Arc::clone(self), path: Vec::new(), start: start.cloned(), last: None };
        pages.enter(Arc::clone(&self.root));
        pages
    }

    /// A directory that one of `level` lists.
    fn below(&self, level: u8, listed: &PageReference<Key>) -> Result<Directory<Key>> {
        let below: Directory<Key> = read_directory(&self.reader, listed.place, listed.payload_len)?;
        let is_it = below.level + 1 == level
            && below.records() == Some(listed.records)
            && below.first_key() == Some(&listed.first_key);
        if is_it { Ok(below) } else { Err(not_referred_to().at(listed.place)) }
    }

    fn kept_below(&self, level: u8, listed: &PageReference<Key>) -> Result<Arc<Directory<Key>>> {
        {
            let mut kept = self.kept();
            if let Some(found) = kept.iter().position(|(place, _)| *place == listed.place) {
                let found = kept.remove(found);
                kept.push(found.clone());
                return Ok(found.1);
            }
        }
        let below = Arc::new(self.below(level, listed)?);
        let mut kept = self.kept();
        if kept.len() >= DIRECTORIES_KEPT {
            kept.remove(0);
        }
        kept.push((listed.place, Arc::clone(&below)));
        Ok(below)
    }

    fn kept(&self) -> MutexGuard<'_, Vec<(Place, Arc<Directory<Key>>)>> {
        // Nothing can be half done while it is locked.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_directory<Key: RunKey>(
    reader: &FrameReader,
    place: Place,
    payload_len: u64,
) -> Result<Directory<Key>> {
    packed_frame::read(reader, place, FrameType::Directory, payload_len, Directory::decode)
}

fn not_referred_to() -> Error {
    Error::corrupt("a run directory is not the one that is referred to")
}

/// Pages of a run in order. Where a directory cannot be read, that takes the place of its pages.
pub(super) struct Pages<Key> {
    run: Arc<RunDirectory<Key>>,
    /// From the root down: a directory and what comes next in it.
    path: Vec<(Arc<Directory<Key>>, usize)>,
    start: Option<Key>,
    /// The first key of the last page.
    last: Option<Key>,
}

impl<Key: RunKey> Pages<Key> {
    /// Fails if a page begins before the one before it, in another directory.
    fn check(
        &mut self,
        listed: PageReference<Key>,
    ) -> std::result::Result<PageReference<Key>, Unlisted<Key>> {
        if self.last.as_ref().is_some_and(|last| *last >= listed.first_key) {
            let error = Error::corrupt("directories of a run are out of order").at(listed.place);
            return Err(Unlisted { first_key: listed.first_key, error });
        }
        self.last = Some(listed.first_key.clone());
        Ok(listed)
    }

    fn enter(&mut self, directory: Arc<Directory<Key>>) {
        let next = self.start.as_ref().map_or(0, |start| {
            // In directories further on all keys are above.
            let above = directory.listed.partition_point(|page| page.first_key <= *start);
            above.saturating_sub(1)
        });
        self.path.push((directory, next));
    }
}

impl<Key: RunKey> Iterator for Pages<Key> {
    type Item = std::result::Result<PageReference<Key>, Unlisted<Key>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (directory, next) = self.path.last_mut()?;
            let Some(listed) = directory.listed.get(*next).cloned() else {
                self.path.pop();
                continue;
            };
            *next += 1;
            let level = directory.level;
            if level == 1 {
                return Some(self.check(listed));
            }
            match self.run.below(level, &listed) {
                Ok(below) => self.enter(Arc::new(below)),
                Err(error) => {
                    return Some(Err(Unlisted { first_key: listed.first_key, error }));
                }
            }
        }
    }
}
