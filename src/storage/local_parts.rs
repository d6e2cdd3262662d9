//! Parts as files of one directory.
//!
//! Invariants: a part is created under its name, exclusively, and removed durably. The writer's lock
//! is on part 1, which is there as long as the archive is.

use std::path::Path;
use std::sync::Arc;

use crate::base::{Error, ErrorKind, Result};

use super::backend::Backend;
use super::local_file::LocalFile;
use super::part_names::PartNames;
use super::part_store::PartStore;

/// The parts that have names of a pattern.
pub struct LocalParts {
    names: PartNames,
    /// Part 1, open with the writer's lock.
    locked: Option<Arc<LocalFile>>,
}

impl LocalParts {
    /// The parts of that name, to read.
    pub fn open(names: &PartNames) -> Result<Self> {
        let cause = match LocalFile::parts_of(names)?.as_slice() {
            [] => "there is no part of that name",
            [0] => "only its index, part 0, is there, and this zarc cannot read it yet",
            _ => return Ok(Self { names: names.clone(), locked: None }),
        };
        Err(Error::new(ErrorKind::Missing, "cannot open archive").at(names).because(cause))
    }

    /// The same to append to, alone: another writer is an error of kind `Busy`. If there are no
    /// parts, part 1 is made.
    pub fn open_for_writing(names: &PartNames) -> Result<Self> {
        let numbers = LocalFile::parts_of(names)?;
        match numbers.first() {
            None | Some(1) => {}
            Some(0) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "cannot add to an archive with an index",
                )
                .at(names)
                .because("part 0 is there, and this zarc cannot update it yet"));
            }
            // Part 1 must not be made beside parts that follow another one. It is named as missing.
            Some(_) => return Ok(Self { names: names.clone(), locked: None }),
        }
        let locked = LocalFile::open_for_writing(&names.path(1)?)?;
        Ok(Self { names: names.clone(), locked: Some(Arc::new(locked)) })
    }

    /// Whether there is any part.
    pub fn exist(names: &PartNames) -> bool {
        LocalFile::parts_of(names).is_ok_and(|numbers| !numbers.is_empty())
    }

    /// The number of the first part that is there.
    pub fn first(names: &PartNames) -> Option<u32> {
        LocalFile::parts_of(names).ok()?.first().copied()
    }

    fn make(&self, part: u32) -> Result<LocalFile> {
        LocalFile::create(&self.names.path(part)?)
    }
}

impl PartStore for LocalParts {
    fn numbers(&self) -> Result<Vec<u32>> {
        let mut numbers = LocalFile::parts_of(&self.names)?;
        numbers.retain(|&number| number > 0);
        Ok(numbers)
    }

    fn open(&self, part: u32) -> Result<Arc<dyn Backend>> {
        if part == 1
            && let Some(locked) = &self.locked
        {
            return Ok(Arc::<LocalFile>::clone(locked));
        }
        Ok(Arc::new(LocalFile::open(&self.names.path(part)?)?))
    }

    fn open_for_writing(&self, part: u32) -> Result<Arc<dyn Backend>> {
        if part == 1 {
            return self.open(part);
        }
        Ok(Arc::new(LocalFile::open_for_writing(&self.names.path(part)?)?))
    }

    fn create(&self, part: u32) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(self.make(part)?))
    }

    fn remove(&self, part: u32) -> Result<()> {
        LocalFile::remove(&self.names.path(part)?)
    }

    fn name(&self, part: u32) -> String {
        let name = self.names.name(part).unwrap_or_default();
        Path::new(&name).display().to_string()
    }

    fn is_split(&self) -> bool {
        true
    }
}
