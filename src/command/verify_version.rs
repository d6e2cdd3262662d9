//! `test`, one version: whether its manifest agrees with its commit, with the version before, and
//! with the blocks that the update added.

use crate::archive::{Archive, BlockTable, Catalog, Counts, Manifest, Place, Version};
use crate::base::{Error, Result};

use super::findings::Findings;
use super::verify_runs::check_live_runs;

/// Checks what a version says of itself. `before` is the version before if it is known, `data`
/// the offsets and payload lengths of the DATA frames of its update, if they could be looked at.
pub(super) fn check_version(
    archive: &Archive,
    version: &Version,
    before: Option<&Version>,
    data: Option<Vec<(Place, u64)>>,
    findings: &mut Findings<'_>,
) {
    let is_first = version.number() == 1;
    let empty = Manifest::default();
    let before = match before {
        Some(before) => Some(&before.manifest),
        None if is_first => Some(&empty),
        None => None,
    };
    let manifest = &version.manifest;
    if (manifest.update, manifest.date) != (version.number(), version.date()) {
        findings.damage(wrong(version, "does not belong to its commit"));
    }
    if !has_own_runs(manifest) {
        findings.damage(wrong(version, "has runs of other updates as its own"));
    }
    if let Some(before) = before {
        check_live_runs(archive, manifest, before, findings);
        if !counts_continue(&manifest.counts, &before.counts) {
            findings.damage(wrong(version, "does not count on from the one before"));
        }
    }
    // The entries themselves are checked when the blocks are known.
    findings.expect(Catalog::of_changes(archive, version).map(drop));
    let blocks = check_own_blocks(archive, version, before, data, findings);
    findings.expect(blocks);
}

fn wrong(version: &Version, what: &str) -> Error {
    Error::corrupt(format!("the manifest of update {} {what}", version.number()))
}

/// Whether the delta runs are of this update alone, with as many entries as were counted.
fn has_own_runs(manifest: &Manifest) -> bool {
    let own = (manifest.update, manifest.update);
    let counts = &manifest.counts;
    let changed = [counts.added, counts.updated, counts.deleted, counts.touched];
    let changed = changed.into_iter().fold(0, u64::saturating_add);
    let entries = manifest.delta_entries.as_ref();
    let fragments = manifest.delta_fragments.as_ref();
    entries.is_none_or(|run| run.updates == own)
        && fragments.is_none_or(|run| run.updates == own)
        && entries.map_or(0, |run| run.records) == changed
}

fn counts_continue(counts: &Counts, before: &Counts) -> bool {
    let names = before.names.checked_add(counts.added);
    names.and_then(|names| names.checked_sub(counts.deleted)) == Some(counts.names)
}

/// Compares the records of the blocks that the update added with its DATA frames.
fn check_own_blocks(
    archive: &Archive,
    version: &Version,
    before: Option<&Manifest>,
    data: Option<Vec<(Place, u64)>>,
    findings: &mut Findings<'_>,
) -> Result<()> {
    let mut recorded = Vec::new();
    let (mut blocks, mut fragments) = (0_u64, 0_u64);
    let (mut raw_bytes, mut data_bytes, mut there) = (0_u64, 0_u64, 0_u64);
    let holds_data = archive.holds_data();
    for page in BlockTable::of_changes(archive, version)?.pages() {
        // A page that cannot be read was named with its frame.
        let Ok(page) = page else { return Ok(()) };
        for block in &page.blocks {
            if holds_data {
                recorded.push((block.place, block.payload_len));
            } else if !block.is_without_data() {
                findings.damage(wrong(version, "has places of data, but the archive holds none"));
            }
            blocks += 1;
            fragments += block.fragments.len() as u64;
            raw_bytes += block.raw_len();
            there += if archive.is_away(block.place.part) { 0 } else { block.raw_len() };
            data_bytes = data_bytes.saturating_add(block.payload_len);
        }
    }
    findings.total_bytes += if holds_data { there } else { 0 };
    recorded.sort_unstable();
    let differs = data.is_some_and(|mut data| {
        data.sort_unstable();
        recorded != data
    });
    if differs {
        findings.damage(wrong(version, "records other blocks than those of its update"));
    }
    let counts = &version.manifest.counts;
    let is_counted = (counts.new_bytes, counts.data_bytes) == (raw_bytes, data_bytes)
        && before.is_none_or(|before| {
            before.counts.blocks.saturating_add(blocks) == counts.blocks
                && before.counts.fragments.saturating_add(fragments) == counts.fragments
        });
    if !is_counted {
        findings.damage(wrong(version, "counts other blocks than those of its update"));
    }
    Ok(())
}
