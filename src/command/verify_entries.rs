//! `test`, the entries: whether the content of each can be put together from sound fragments.

use std::collections::HashMap;

use crate::archive::{Archive, BlockTable, Catalog, Entry, Object, Piece, Run, Stored, Version};
use crate::base::{Error, ErrorKind, Kind, Result};

use super::findings::Findings;
use super::verify_blocks::BadBlocks;

/// Lengths of the fragments of so many blocks are kept.
const BLOCKS_KEPT: usize = 256;

/// Checks entries against blocks.
pub(super) struct EntryCheck<'a> {
    archive: &'a Archive,
    table: &'a BlockTable,
    bad: &'a BadBlocks,
    /// For each block where its fragments start, and where the last one ends.
    starts: HashMap<u64, Vec<u64>>,
}

/// What the entries of an update are, counted.
#[derive(Default)]
struct Tally {
    changed: u64,
    deleted: u64,
    bytes: u64,
    is_complete: bool,
}

impl<'a> EntryCheck<'a> {
    pub(super) fn new(archive: &'a Archive, table: &'a BlockTable, bad: &'a BadBlocks) -> Self {
        Self { archive, table, bad, starts: HashMap::new() }
    }

    /// Checks the entries that a version's own update wrote.
    pub(super) fn check_changes(
        &mut self,
        version: &Version,
        findings: &mut Findings<'_>,
    ) -> Result<()> {
        // A directory that cannot be read was named with its version.
        let Ok(catalog) = Catalog::of_changes(self.archive, version) else {
            return Ok(());
        };
        let mut tally = Tally { is_complete: true, ..Tally::default() };
        for entry in catalog.changes() {
            findings.check_stopped()?;
            match entry {
                Ok(entry) => self.check_entry(&entry, version, &mut tally, findings),
                Err(error) => {
                    findings.damage(error);
                    tally.is_complete = false;
                }
            }
        }
        let counts = &version.manifest.counts;
        let changed = [counts.added, counts.updated, counts.touched];
        let changed = changed.into_iter().fold(0, u64::saturating_add);
        let is_counted = (tally.changed, tally.deleted) == (changed, counts.deleted)
            && tally.bytes >= counts.content_bytes;
        if tally.is_complete && !is_counted {
            let number = version.number();
            findings.damage(format_args!("update {number} counts other entries than it has"));
        }
        Ok(())
    }

    fn check_entry(
        &mut self,
        entry: &Entry,
        version: &Version,
        tally: &mut Tally,
        findings: &mut Findings<'_>,
    ) {
        let stored = match &entry.object {
            Object::Deleted => {
                tally.deleted += 1;
                return;
            }
            Object::Unknown { kind, .. } => {
                let path = &entry.path;
                findings.note(&format!("{path}: objects of kind {kind} need a newer zarc"));
                tally.changed += 1;
                return;
            }
            Object::Stored(stored) => stored,
        };
        tally.changed += 1;
        tally.bytes = tally.bytes.saturating_add(stored.size());
        match self.check_content(stored, version.manifest.counts.blocks) {
            Ok(()) => findings.summary.files += 1,
            Err(error) => {
                let (path, number) = (&entry.path, version.number());
                findings.damage(format_args!("{path} in version {number}: {error}"));
            }
        }
    }

    fn check_content(&mut self, stored: &Stored, blocks: u64) -> Result<()> {
        if stored.metadata.kind != Kind::File && !stored.content.is_empty() {
            return Err(Error::corrupt("an object that is no file has content"));
        }
        for piece in &stored.content {
            let Piece::Data(run) = piece else { continue };
            if run.first.block >= blocks {
                let block = run.first.block;
                return Err(Error::corrupt(format!("block {block} is of a later update")));
            }
            self.check_run(run)?;
            self.bad.check(run)?;
        }
        Ok(())
    }

    fn check_run(&mut self, run: &Run) -> Result<()> {
        let block = run.first.block;
        if !self.starts.contains_key(&block) {
            let record = self.table.record(block)?;
            let mut starts = vec![0];
            let mut end = 0;
            for fragment in &record.fragments {
                end += u64::from(fragment.len);
                starts.push(end);
            }
            if self.starts.len() >= BLOCKS_KEPT {
                self.starts.clear();
            }
            self.starts.insert(block, starts);
        }
        let starts = self.starts.get(&block).map(Vec::as_slice).unwrap_or_default();
        let first = run.first.index as usize;
        let last = first.saturating_add(run.count as usize);
        match (starts.get(first), starts.get(last)) {
            (Some(start), Some(end)) if end - start == run.len => Ok(()),
            _ => Err(Error::corrupt(format!(
                "fragments {first} to {last} of block {block} are not what the file says"
            ))),
        }
    }

    /// Counts the names of a version and their bytes.
    pub(super) fn check_names(&self, version: &Version, findings: &mut Findings<'_>) -> Result<()> {
        let catalog = match Catalog::of(self.archive, version) {
            Ok(catalog) => catalog,
            // The part was named when the archive was opened.
            Err(error) if error.kind() == ErrorKind::Missing => return Ok(()),
            Err(error) => {
                findings.damage(error);
                return Ok(());
            }
        };
        let (mut names, mut bytes) = (0_u64, 0_u64);
        for entry in catalog.entries() {
            findings.check_stopped()?;
            // A page that cannot be read was named with its update.
            let Ok(entry) = entry else { return Ok(()) };
            names += 1;
            let size = entry.object.stored().map_or(0, Stored::size);
            bytes = bytes.saturating_add(size);
        }
        let counts = &version.manifest.counts;
        if (names, bytes) != (counts.names, counts.names_bytes) {
            findings.damage(format_args!(
                "version {} has {names} names and {bytes} bytes, not {} and {} as it says",
                version.number(),
                counts.names,
                counts.names_bytes
            ));
        }
        Ok(())
    }
}
