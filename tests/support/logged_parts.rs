//! Parts and an index in memory, each recorded, and the order in which all of them were written.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use zarc::base::{Error, ErrorKind, Result};
use zarc::storage::{Backend, PartStore};

use super::crash_storage::Recorder;

/// Part 0 is the index.
#[derive(Clone, Default)]
pub struct LoggedParts {
    files: Arc<Mutex<BTreeMap<u32, Recorder>>>,
    /// The part of each recorded operation.
    log: Arc<Mutex<Vec<u32>>>,
    /// Which parts were removed, each with how many operations were recorded before.
    removals: Arc<Mutex<Vec<(usize, u32)>>>,
    /// The call that changes anything after so many fails, and all after it.
    fails_after: Arc<Mutex<Option<usize>>>,
}

struct Logged {
    recorder: Recorder,
    part: u32,
    parts: LoggedParts,
}

impl LoggedParts {
    /// Files with this content.
    pub fn of(files: &BTreeMap<u32, Vec<u8>>) -> Self {
        let parts = Self::default();
        for (part, bytes) in files {
            parts.files.lock().unwrap().insert(*part, Recorder::over(bytes.clone()));
        }
        parts
    }

    /// The content of all files.
    pub fn files(&self) -> BTreeMap<u32, Vec<u8>> {
        let parts: Vec<u32> = self.files.lock().unwrap().keys().copied().collect();
        parts.into_iter().map(|part| (part, self.bytes(part))).collect()
    }

    /// What was asked of a file.
    pub fn recorder(&self, part: u32) -> Option<Recorder> {
        self.files.lock().unwrap().get(&part).cloned()
    }

    /// The part of each operation so far.
    pub fn log(&self) -> Vec<u32> {
        self.log.lock().unwrap().clone()
    }

    /// The parts that were removed, in order, and how many operations were recorded before.
    pub fn removals(&self) -> Vec<(usize, u32)> {
        self.removals.lock().unwrap().clone()
    }

    /// Lets calls fail.
    pub fn fail_after(&self, calls: usize) {
        *self.fails_after.lock().unwrap() = Some(calls);
    }

    /// Whether one has failed; from now on none does.
    pub fn heal(&self) -> bool {
        self.fails_after.lock().unwrap().take() == Some(usize::MAX)
    }

    fn bytes(&self, part: u32) -> Vec<u8> {
        let recorder = self.recorder(part).expect("the part is there");
        let mut bytes = vec![0; usize::try_from(recorder.len().unwrap()).unwrap()];
        recorder.read_at(0, &mut bytes).unwrap();
        bytes
    }

    fn change(&self) -> Result<()> {
        let mut left = self.fails_after.lock().unwrap();
        match *left {
            None => Ok(()),
            Some(0 | usize::MAX) => {
                *left = Some(usize::MAX);
                Err(Error::new(ErrorKind::Io, "the disk says no"))
            }
            Some(more) => {
                *left = Some(more - 1);
                Ok(())
            }
        }
    }
}

impl Logged {
    fn changed(&self, change: impl FnOnce(&Recorder) -> Result<()>) -> Result<()> {
        self.parts.change()?;
        change(&self.recorder)?;
        self.parts.log.lock().unwrap().push(self.part);
        Ok(())
    }
}

impl Backend for Logged {
    fn len(&self) -> Result<u64> {
        self.recorder.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.recorder.read_at(offset, buffer)
    }

    fn append(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.changed(|recorder| recorder.append(offset, bytes))
    }

    fn sync(&self) -> Result<()> {
        self.changed(Backend::sync)
    }

    fn overwrite(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.changed(|recorder| recorder.overwrite(offset, bytes))
    }

    fn truncate(&self, len: u64) -> Result<()> {
        self.changed(|recorder| recorder.truncate(len))
    }
}

impl PartStore for LoggedParts {
    fn numbers(&self) -> Result<Vec<u32>> {
        Ok(self.files.lock().unwrap().keys().copied().filter(|&part| part > 0).collect())
    }

    fn open(&self, part: u32) -> Result<Arc<dyn Backend>> {
        let missing = || Error::new(ErrorKind::Missing, "there is no such part");
        let recorder = self.recorder(part).ok_or_else(missing)?;
        Ok(Arc::new(Logged { recorder, part, parts: self.clone() }))
    }

    fn open_for_writing(&self, part: u32) -> Result<Arc<dyn Backend>> {
        self.open(part)
    }

    fn create(&self, part: u32) -> Result<Arc<dyn Backend>> {
        self.change()?;
        let before = self.files.lock().unwrap().insert(part, Recorder::over(Vec::new()));
        assert!(before.is_none(), "part {part} is there");
        self.open(part)
    }

    fn remove(&self, part: u32) -> Result<()> {
        self.change()?;
        assert!(self.files.lock().unwrap().remove(&part).is_some(), "there is no part {part}");
        self.removals.lock().unwrap().push((self.log().len(), part));
        Ok(())
    }

    fn index(&self) -> Result<Option<Arc<dyn Backend>>> {
        if self.recorder(0).is_some() { self.open(0).map(Some) } else { Ok(None) }
    }

    fn keeps_index(&self) -> bool {
        true
    }

    fn name(&self, part: u32) -> String {
        format!("part{part}")
    }

    fn is_split(&self) -> bool {
        true
    }
}
