//! The parts of an archive, and what it needs of the place that holds them.

use std::sync::Arc;

use crate::base::{Error, ErrorKind, Result};

use super::backend::Backend;

/// Where the numbered parts of an archive are.
pub trait PartStore: Send + Sync {
    /// The numbers of the parts that are there, from 1 up, rising.
    fn numbers(&self) -> Result<Vec<u32>>;

    /// Opens a part to read.
    fn open(&self, part: u32) -> Result<Arc<dyn Backend>>;

    /// Opens a part that an interrupted update left, to complete it or to cut it.
    fn open_for_writing(&self, part: u32) -> Result<Arc<dyn Backend>>;

    /// Makes a part. That it is there already is an error of kind `Busy`: another writer is at
    /// work.
    fn create(&self, part: u32) -> Result<Arc<dyn Backend>>;

    /// Removes a part. It is gone for good when this returns.
    fn remove(&self, part: u32) -> Result<()>;

    /// Part 0, the index, if it is there.
    fn index(&self) -> Result<Option<Arc<dyn Backend>>> {
        Ok(None)
    }

    /// An empty file that becomes part 0 with [`Self::place_index`].
    fn new_index(&self) -> Result<Arc<dyn Backend>> {
        Err(no_such_part(0))
    }

    /// Puts the new index, whose bytes were synced, in the place of part 0, durably.
    fn place_index(&self) -> Result<()> {
        Err(no_such_part(0))
    }

    /// Whether updates are recorded in part 0: a new archive gets one, and one that is there is
    /// written.
    fn keeps_index(&self) -> bool {
        false
    }

    /// What the index has of a part that is not there, as this store hands out parts.
    fn stand_in(&self, _part: u32, copies: Arc<dyn Backend>) -> Arc<dyn Backend> {
        copies
    }

    /// What people call the part.
    fn name(&self, part: u32) -> String;

    /// Whether each update goes into a part of its own.
    fn is_split(&self) -> bool;
}

/// An archive in one file: part 1, and no others.
pub struct OnePart(Arc<dyn Backend>);

impl OnePart {
    /// The part behind `backend`.
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self(backend)
    }
}

impl PartStore for OnePart {
    fn numbers(&self) -> Result<Vec<u32>> {
        Ok(vec![1])
    }

    fn open(&self, part: u32) -> Result<Arc<dyn Backend>> {
        if part == 1 { Ok(Arc::clone(&self.0)) } else { Err(no_such_part(part)) }
    }

    fn open_for_writing(&self, part: u32) -> Result<Arc<dyn Backend>> {
        self.open(part)
    }

    fn create(&self, part: u32) -> Result<Arc<dyn Backend>> {
        Err(no_such_part(part))
    }

    fn remove(&self, part: u32) -> Result<()> {
        Err(no_such_part(part))
    }

    fn name(&self, _part: u32) -> String {
        "the archive".to_owned()
    }

    fn is_split(&self) -> bool {
        false
    }
}

/// The index of an archive whose parts are somewhere else.
pub struct IndexAlone(Arc<dyn Backend>);

impl IndexAlone {
    /// Part 0 behind `backend`.
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self(backend)
    }

    fn not_there<T>(&self, part: u32) -> Result<T> {
        Err(Error::new(ErrorKind::Missing, "a part of the archive is not there")
            .at(self.name(part)))
    }
}

impl PartStore for IndexAlone {
    fn numbers(&self) -> Result<Vec<u32>> {
        Ok(Vec::new())
    }

    fn open(&self, part: u32) -> Result<Arc<dyn Backend>> {
        self.not_there(part)
    }

    fn open_for_writing(&self, part: u32) -> Result<Arc<dyn Backend>> {
        self.not_there(part)
    }

    fn create(&self, part: u32) -> Result<Arc<dyn Backend>> {
        self.not_there(part)
    }

    fn remove(&self, part: u32) -> Result<()> {
        self.not_there(part)
    }

    fn index(&self) -> Result<Option<Arc<dyn Backend>>> {
        Ok(Some(Arc::clone(&self.0)))
    }

    fn name(&self, part: u32) -> String {
        format!("part {part}")
    }

    fn is_split(&self) -> bool {
        true
    }
}

fn no_such_part(part: u32) -> Error {
    Error::corrupt("a frame of another part is referred to")
        .because(format!("the archive is one file, and has no part {part}"))
}
