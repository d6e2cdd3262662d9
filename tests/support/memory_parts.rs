//! Parts in memory, which are read or changed but neither made nor removed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use zarc::base::{Error, ErrorKind, Result};
use zarc::storage::{Backend, Memory, PartStore};

use super::indexed_parts::Files;

/// Parts in memory, and in which order they were opened to be changed.
pub struct InMemory {
    parts: BTreeMap<u32, Arc<dyn Backend>>,
    opened: Mutex<Vec<u32>>,
}

impl InMemory {
    /// These parts.
    pub fn new(parts: BTreeMap<u32, Arc<dyn Backend>>) -> Arc<Self> {
        Arc::new(Self { parts, opened: Mutex::default() })
    }

    /// Parts with these bytes, of which part 0 is the index.
    pub fn of_files(files: &Files) -> Arc<Self> {
        let backend =
            |bytes: &Vec<u8>| -> Arc<dyn Backend> { Arc::new(Memory::with_bytes(bytes.clone())) };
        Self::new(files.iter().map(|(part, bytes)| (*part, backend(bytes))).collect())
    }

    /// Which parts were opened to be changed, in order.
    pub fn opened(&self) -> Vec<u32> {
        self.opened.lock().expect("nobody panicked").clone()
    }
}

impl PartStore for InMemory {
    fn numbers(&self) -> Result<Vec<u32>> {
        Ok(self.parts.keys().copied().filter(|&part| part > 0).collect())
    }

    fn index(&self) -> Result<Option<Arc<dyn Backend>>> {
        Ok(self.parts.get(&0).cloned())
    }

    fn open(&self, part: u32) -> Result<Arc<dyn Backend>> {
        let missing = || Error::new(ErrorKind::Missing, "no such part");
        self.parts.get(&part).cloned().ok_or_else(missing)
    }

    fn open_for_writing(&self, part: u32) -> Result<Arc<dyn Backend>> {
        self.opened.lock().expect("nobody panicked").push(part);
        self.open(part)
    }

    fn create(&self, part: u32) -> Result<Arc<dyn Backend>> {
        panic!("part {part} is made")
    }

    fn remove(&self, part: u32) -> Result<()> {
        panic!("part {part} is removed")
    }

    fn name(&self, part: u32) -> String {
        format!("part{part}")
    }

    fn is_split(&self) -> bool {
        true
    }
}
