//! Parts as files of one directory.
//!
//! Invariants: a part is created under its name, exclusively, and removed durably. The writer's lock
//! is on part 1, on part 0 too if that is there, and on part 0 alone if all parts were moved away.

use std::path::{Path, PathBuf};
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
    /// Part 0, the same.
    index: Option<Arc<LocalFile>>,
}

impl LocalParts {
    /// The parts of that name, to read.
    pub fn open(names: &PartNames) -> Result<Self> {
        if !LocalFile::parts_of(names)?.is_empty() {
            return Ok(Self { names: names.clone(), locked: None, index: None });
        }
        let cause = "there is no part of that name";
        Err(Error::new(ErrorKind::Missing, "cannot open archive").at(names).because(cause))
    }

    /// The same to append to, alone: another writer is an error of kind `Busy`. If there are no
    /// parts, part 1 is made.
    pub fn open_for_writing(names: &PartNames) -> Result<Self> {
        // Part 1 must not be made beside parts that follow another one, nor beside an index that
        // knows one.
        let locked = match LocalFile::parts_of(names)?.as_slice() {
            [] => Some(LocalFile::open_for_writing(&names.path(1)?)?),
            numbers if numbers.contains(&1) => Some(LocalFile::open_to_change(&names.path(1)?)?),
            _ => None,
        };
        // Another writer may just have made it, but none does while part 1 is locked.
        let has_index = LocalFile::parts_of(names)?.first() == Some(&0);
        let index = has_index.then(|| LocalFile::open_to_change(&names.path(0)?)).transpose()?;
        let (locked, index) = (locked.map(Arc::new), index.map(Arc::new));
        Ok(Self { names: names.clone(), locked, index })
    }

    /// Whether there is any part.
    pub fn exist(names: &PartNames) -> bool {
        LocalFile::parts_of(names).is_ok_and(|numbers| !numbers.is_empty())
    }

    /// The number of the first part that is there.
    pub fn first(names: &PartNames) -> Option<u32> {
        LocalFile::parts_of(names).ok()?.first().copied()
    }

    /// Beside part 0, under a name that no part has.
    fn new_index_path(&self) -> Result<PathBuf> {
        let mut name = self.names.path(0)?.into_os_string();
        name.push(".new");
        Ok(name.into())
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
        Ok(Arc::new(LocalFile::open_to_change(&self.names.path(part)?)?))
    }

    fn create(&self, part: u32) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(self.make(part)?))
    }

    fn remove(&self, part: u32) -> Result<()> {
        LocalFile::remove(&self.names.path(part)?)
    }

    fn index(&self) -> Result<Option<Arc<dyn Backend>>> {
        if let Some(index) = &self.index {
            return Ok(Some(Arc::<LocalFile>::clone(index)));
        }
        if LocalFile::parts_of(&self.names)?.first() != Some(&0) {
            return Ok(None);
        }
        Ok(Some(Arc::new(LocalFile::open(&self.names.path(0)?)?)))
    }

    fn new_index(&self) -> Result<Arc<dyn Backend>> {
        let path = self.new_index_path()?;
        if std::fs::symlink_metadata(&path).is_ok() {
            // What an interrupted one left.
            LocalFile::remove(&path)?;
        }
        Ok(Arc::new(LocalFile::create(&path)?))
    }

    fn place_index(&self) -> Result<()> {
        LocalFile::rename(&self.new_index_path()?, &self.names.path(0)?)
    }

    fn keeps_index(&self) -> bool {
        true
    }

    fn name(&self, part: u32) -> String {
        let name = self.names.name(part).unwrap_or_default();
        Path::new(&name).display().to_string()
    }

    fn is_split(&self) -> bool {
        true
    }
}
