//! What a version has to hold, and the comparison of an archive with it.
//!
//! Goal: nothing that is read as if it were right may differ from the truth. Method: every entry
//! and every byte of content that the library returns is compared; what it does not return must
//! be spoken of by an error.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zarc::archive::{
    Archive, BlockFetcher, BlockTable, Catalog, DecodedBlock, Entry, History, Piece, Version,
    WantedBlock,
};
use zarc::base::{Digest, Error, Result, StoredPath, Until};

/// One version as it was meant.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// Number of the update.
    pub number: u64,
    /// The comment of the update: names the attempt.
    pub comment: Vec<u8>,
    /// Its objects and their content.
    pub objects: BTreeMap<StoredPath, (Entry, Arc<Vec<u8>>)>,
}

/// How much of a version could be read.
#[derive(Debug, Default)]
pub struct Reading {
    /// Everything that the reader complained about.
    pub errors: Vec<Error>,
}

impl Reading {
    /// Whether all of the version was there.
    pub fn is_whole(&self) -> bool {
        self.errors.is_empty()
    }
}

impl Truth {
    /// Reads all of `version` and compares it. Panics if anything differs or is missing silently.
    pub fn compare(&self, archive: &Archive, version: &Version) -> Reading {
        let (entries, mut reading) = self.compare_names(archive, version);
        if let Err(error) = self.compare_content(archive, version, &entries, &mut reading) {
            reading.errors.push(error);
        }
        reading
    }

    /// The same without the content; returns the entries that can be read.
    pub fn compare_names(&self, archive: &Archive, version: &Version) -> (Vec<Entry>, Reading) {
        assert_eq!(version.number(), self.number);
        assert_eq!(version.manifest.comment, self.comment, "another update was made of this one");
        let mut reading = Reading::default();
        let entries = self.compare_entries(&Catalog::of_readable(archive, version), &mut reading);
        (entries, reading)
    }

    fn compare_entries(&self, catalog: &Catalog, reading: &mut Reading) -> Vec<Entry> {
        let mut entries = Vec::new();
        for entry in catalog.entries() {
            match entry {
                Ok(entry) => {
                    let (truth, _) = self.objects.get(&entry.path).expect("no such name");
                    assert_eq!(*truth, entry, "an entry differs");
                    entries.push(entry);
                }
                Err(error) => reading.errors.push(error),
            }
        }
        assert!(
            entries.len() == self.objects.len() || !reading.is_whole(),
            "names of version {} are missing and nothing is said of it",
            self.number
        );
        entries
    }

    /// Reads the content of `entries` and compares it.
    pub fn compare_content(
        &self,
        archive: &Archive,
        version: &Version,
        entries: &[Entry],
        reading: &mut Reading,
    ) -> Result<()> {
        let mut wanted = BTreeSet::new();
        for piece in entries.iter().filter_map(|e| e.object.stored()).flat_map(|s| &s.content) {
            if let Piece::Data(run) = piece {
                wanted.insert(run.first.block);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let table = Arc::new(BlockTable::of_readable(archive, version).0);
        if !archive.holds_data() {
            return entries.iter().try_for_each(|entry| self.compare_identities(entry, &table));
        }
        let mut blocks = BTreeMap::new();
        let wanted: Vec<_> = wanted.into_iter().map(WantedBlock::whole).collect();
        BlockFetcher::new(table, 1)?.fetch(&wanted, |number, block| {
            match block {
                Ok(block) => drop(blocks.insert(number, block)),
                Err(error) => reading.errors.push(error),
            }
            Ok(())
        })?;
        for entry in entries {
            let (_, content) = &self.objects[&entry.path];
            reading.errors.extend(compare_file(entry, content, &blocks));
        }
        Ok(())
    }
}

impl Truth {
    /// Compares the identities of a file's fragments with those of its content.
    fn compare_identities(&self, entry: &Entry, table: &BlockTable) -> Result<()> {
        let (_, content) = &self.objects[&entry.path];
        let mut rest = content.as_slice();
        for piece in entry.object.stored().into_iter().flat_map(|stored| &stored.content) {
            let (mut truth, after) = rest.split_at(usize::try_from(piece.bytes()).unwrap());
            rest = after;
            let Piece::Data(run) = piece else { continue };
            let record = table.record(run.first.block)?;
            let first = run.first.index as usize;
            for fragment in &record.fragments[first..first + run.count as usize] {
                let (bytes, after) = truth.split_at(fragment.len as usize);
                assert_eq!(Digest::of(bytes), fragment.identity, "content of {}", entry.path);
                truth = after;
            }
            assert!(truth.is_empty(), "{} has fragments of another length", entry.path);
        }
        assert!(rest.is_empty(), "{} has lost its end", entry.path);
        Ok(())
    }
}

/// Compares one file piece by piece; what cannot be read is an error.
fn compare_file(
    entry: &Entry,
    content: &[u8],
    blocks: &BTreeMap<u64, DecodedBlock>,
) -> Option<Error> {
    let mut rest = content;
    for piece in &entry.object.stored()?.content {
        let (truth, after) = rest.split_at(usize::try_from(piece.bytes()).unwrap());
        rest = after;
        match piece {
            Piece::Hole(_) => assert!(truth.iter().all(|&byte| byte == 0)),
            Piece::Data(run) => match blocks.get(&run.first.block).map(|block| block.run(run)) {
                Some(Ok(bytes)) => assert!(bytes == truth, "content of {} differs", entry.path),
                Some(Err(error)) => return Some(error),
                // The block's own error was noted already.
                None => {}
            },
        }
    }
    assert!(rest.is_empty(), "{} has lost its end", entry.path);
    None
}

/// The newest version, or nothing.
pub fn newest(archive: &Archive) -> Option<Version> {
    History::of(archive).newest().expect("the newest version is readable")
}

/// Panics unless the archive shows exactly `truths`, the versions from 1 on: the newest and
/// version `also` read in full, of all others the manifest.
pub fn assert_shows(archive: &Archive, truths: &[Arc<Truth>], also: usize) {
    let history = History::of(archive);
    let versions = history.versions(Until::Latest).expect("the history is whole");
    let versions: Vec<Version> = versions.map(|v| v.expect("a version is readable")).collect();
    assert_eq!(versions.len(), truths.len(), "number of versions");
    for (index, (version, truth)) in versions.iter().zip(truths).enumerate() {
        assert_eq!(version.number(), index as u64 + 1);
        assert_eq!(version.manifest.comment, truth.comment, "version {}", index + 1);
        if index == also || index + 1 == truths.len() {
            let reading = truth.compare(archive, version);
            assert!(reading.is_whole(), "version {}: {:?}", index + 1, reading.errors);
        }
    }
}
