//! Archives in memory that have parts and an index, perhaps a password, perhaps updates in several parts; and what
//! they have to show.

use std::collections::BTreeMap;
use std::sync::Arc;

use zarc::archive::{Archive, Catalog, Entry, History, OpenOptions};
use zarc::base::{Environment, Result, Until};
use zarc::storage::PartStore;

use super::DATA;
use super::keys::{cheap, word};
use super::logged_parts::LoggedParts;
use super::random_history::{Ending, Updates};
use super::truth::{Truth, newest};

/// The content of the parts; part 0 is the index.
pub type Files = BTreeMap<u32, Vec<u8>>;

/// How an archive is kept.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kept {
    /// Its password.
    pub key: Option<&'static str>,
    /// Its updates are divided at this size.
    pub part_bytes: Option<u64>,
}

impl Kept {
    /// Neither encrypted nor divided.
    pub const PLAIN: Self = Self { key: None, part_bytes: None };
    /// In all ways. Encrypted data is padded to 64 KiB, and is alone in its part.
    pub const ALL: [Self; 4] = [
        Self::PLAIN,
        Self { key: Some("word"), part_bytes: None },
        Self { key: None, part_bytes: Some(8000) },
        Self { key: Some("word"), part_bytes: Some(20_000) },
    ];

    /// Opens the archive to read.
    pub fn open(self, store: Arc<dyn PartStore>) -> Result<Archive> {
        Archive::open_parts(store, self.key.map(word).as_ref())
    }

    /// The same of parts in memory.
    pub fn open_files(self, files: &Files) -> Result<Archive> {
        self.open(Arc::new(LoggedParts::of(files)))
    }

    /// Opens the archive to append.
    pub fn open_for_writing(
        self,
        store: Arc<dyn PartStore>,
        environment: &Environment,
        force: bool,
    ) -> Result<Archive> {
        let password = self.key.map(word);
        let options = OpenOptions { password: password.as_ref(), key_cost: cheap(), force, ..DATA };
        let mut archive = Archive::open_parts_for_writing(store, options, environment)?;
        archive.set_part_bytes(self.part_bytes);
        Ok(archive)
    }

    /// The same of parts in memory.
    pub fn open_logged(self, files: &LoggedParts, updates: &Updates) -> Result<Archive> {
        self.open_for_writing(Arc::new(files.clone()), &updates.environment, false)
    }

    /// Appends an update to parts in memory, and to the truths about them.
    pub fn update(
        self,
        files: &LoggedParts,
        updates: &mut Updates,
        truths: &mut Vec<Arc<Truth>>,
    ) -> Result<()> {
        let mut archive = self.open_logged(files, updates)?;
        let made = updates.update(&mut archive, truths.last(), Ending::Commit, |_| {})?;
        truths.push(made.expect("a commit").0);
        Ok(())
    }

    /// The same history each time, and the truth about it.
    pub fn small_history(self, count: usize) -> (Files, Vec<Arc<Truth>>) {
        let mut updates = Updates::new(99, 3, 300);
        let files = LoggedParts::of(&[(1, Vec::new())].into());
        let mut truths = Vec::new();
        for _ in 0..count {
            self.update(&files, &mut updates, &mut truths).expect("nothing fails");
        }
        (files.files(), truths)
    }

    /// Panics unless the index alone lists what the parts list.
    pub fn assert_index_is_right(self, files: &Files) {
        let whole = self.open_files(files).expect("it is whole");
        assert_eq!(whole.notice(), None);
        let alone = self.open_files(&index_alone(files)).expect("the index is whole");
        assert_eq!(alone.notice(), None);
        assert_eq!(listing(&alone).unwrap(), listing(&whole).unwrap());
        for update in 1..=whole.updates_in_index() {
            whole.check_copies(update).unwrap();
        }
        assert_eq!(whole.updates_in_index(), newest(&whole).map_or(0, |version| version.number()));
    }
}

/// What a listing shows of a version: its fingerprint, its length, its entries.
pub type Listed = (String, u64, Vec<Entry>);

/// Everything that can be listed.
pub fn listing(archive: &Archive) -> Result<Vec<Listed>> {
    let mut all = Vec::new();
    for version in History::of(archive).versions(Until::Latest)? {
        let version = version?;
        let entries: Result<Vec<Entry>> = Catalog::of(archive, &version)?.entries().collect();
        all.push((version.fingerprint(), version.end(), entries?));
    }
    Ok(all)
}

/// Part 0 of these.
pub fn index_alone(files: &Files) -> Files {
    files
        .iter()
        .filter(|(part, _)| **part == 0)
        .map(|(part, bytes)| (*part, bytes.clone()))
        .collect()
}
