//! `test`, the live runs of a version: those of the version before and those of its own update,
//! and where merged runs stand in place of some, whether they hold the same.

use crate::archive::{
    Archive, BlockRecord, BlockTable, Catalog, Entry, IdentityRun, Manifest, Object, RunReference,
    has_identities_of,
};
use crate::base::{Error, ErrorKind, Result};

use super::findings::Findings;

/// Runs of the version before, and the run that stands in their place.
struct Replaced<'a> {
    /// In the order of the manifest.
    runs: &'a [RunReference],
    /// Nothing if all that they held was deleted.
    by: Option<&'a RunReference>,
}

/// Compares the live runs of a version with those of the version before.
pub(super) fn check_live_runs(
    archive: &Archive,
    manifest: &Manifest,
    before: &Manifest,
    findings: &mut Findings<'_>,
) {
    let own = manifest.delta_entries.as_slice();
    let entries = manifest.entry_runs.strip_prefix(own);
    let entries = entries.and_then(|older| replaced(&before.entry_runs, older));
    let own = manifest.delta_fragments.as_slice();
    let fragments = manifest.fragment_runs.strip_suffix(own);
    let fragments = fragments.and_then(|older| replaced(&before.fragment_runs, older));
    let update = manifest.update;
    let (Some(entries), Some(fragments)) = (entries, fragments) else {
        findings.damage(Error::corrupt(format!(
            "the manifest of update {update} does not continue the runs of the one before"
        )));
        return;
    };
    let oldest = before.entry_runs.last();
    let mut are_same = true;
    for merged in entries {
        are_same &= has_same_entries(archive, &merged, merged.runs.last() == oldest);
    }
    for merged in fragments {
        are_same &= has_same_blocks(archive, &merged);
    }
    if !has_same_identities(archive, manifest, before) {
        findings.damage(
            Error::corrupt(format!("identities in the index of update {update} are wrong"))
                .hint("no content is lost: fragments are stored again where they are not found"),
        );
    }
    if !are_same {
        findings.damage(Error::corrupt(format!(
            "a merged run of update {update} does not hold what the runs in whose place it stands do"
        )));
    }
}

/// Whether the runs of identities that are new in a version hold what the fragment records of the same blocks do.
fn has_same_identities(archive: &Archive, manifest: &Manifest, before: &Manifest) -> bool {
    let Ok(table) = BlockTable::of_runs(archive, &manifest.fragment_runs) else { return true };
    let mut first_block = 0;
    let with_first_block = |first_block: &mut u64, run: &IdentityRun| {
        let before = *first_block;
        *first_block += run.blocks;
        Some((before, *run))
    };
    let before: Vec<_> = before.identity_runs.iter().scan(0, with_first_block).collect();
    manifest.identity_runs.iter().all(|run| {
        let blocks = first_block..first_block + run.blocks;
        first_block = blocks.end;
        before.contains(&(blocks.start, *run))
            || match has_identities_of(archive, run, &table, blocks) {
                Ok(has) => has,
                // What is in parts that are missing is not known to be wrong.
                Err(error) => error.kind() == ErrorKind::Missing,
            }
    })
}

/// Which runs others stand in place of; nothing if it cannot be that way.
fn replaced<'a>(before: &'a [RunReference], now: &'a [RunReference]) -> Option<Vec<Replaced<'a>>> {
    let (mut rest, mut replaced) = (before, Vec::new());
    for run in now {
        if rest.first() == Some(run) {
            rest = &rest[1..];
            continue;
        }
        let is_within =
            |old: &&RunReference| run.updates.0 <= old.updates.0 && old.updates.1 <= run.updates.1;
        let (runs, others) = rest.split_at(rest.iter().take_while(is_within).count());
        let updates = runs.iter().map(|run| run.updates);
        let span = updates.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        if runs.len() < 2 || span != Some(run.updates) {
            return None;
        }
        replaced.push(Replaced { runs, by: Some(run) });
        rest = others;
    }
    if !rest.is_empty() {
        replaced.push(Replaced { runs: rest, by: None });
    }
    Some(replaced)
}

/// Whether both sides hold the same entries. Where nothing is older, deletions say nothing. What
/// cannot be read was named with its frame.
fn has_same_entries(archive: &Archive, merged: &Replaced<'_>, is_oldest: bool) -> bool {
    let is_needed = |entry: &Result<Entry>| {
        !is_oldest || entry.as_ref().map_or(true, |entry| entry.object != Object::Deleted)
    };
    let by = merged.by.map(std::slice::from_ref).unwrap_or_default();
    let [runs, by] = [merged.runs, by].map(|runs| Catalog::of_runs(archive, runs));
    let (Ok(runs), Ok(by)) = (runs, by) else { return true };
    are_equal(runs.changes().filter(is_needed), by.changes().filter(is_needed))
}

fn has_same_blocks(archive: &Archive, merged: &Replaced<'_>) -> bool {
    let by = merged.by.map(std::slice::from_ref).unwrap_or_default();
    let [runs, by] = [merged.runs, by].map(|runs| BlockTable::of_runs(archive, runs));
    let (Ok(runs), Ok(by)) = (runs, by) else { return true };
    are_equal(records(&runs), records(&by))
}

/// The records of all blocks with their numbers.
fn records(table: &BlockTable) -> impl Iterator<Item = Result<(u64, BlockRecord)>> + '_ {
    table.pages().flat_map(|page| {
        let (records, error) = match page {
            Ok(page) => ((page.first_block..).zip(page.blocks).collect(), None),
            Err(error) => (Vec::new(), Some(Err(error))),
        };
        records.into_iter().map(Ok).chain(error)
    })
}

/// Whether two sequences are equal, up to the first thing that cannot be read.
fn are_equal<T: PartialEq>(
    mut some: impl Iterator<Item = Result<T>>,
    mut others: impl Iterator<Item = Result<T>>,
) -> bool {
    loop {
        match (some.next(), others.next()) {
            (Some(Err(_)), _) | (_, Some(Err(_))) | (None, None) => return true,
            (Some(Ok(one)), Some(Ok(other))) if one == other => {}
            _ => return false,
        }
    }
}
