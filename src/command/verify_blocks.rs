//! `test`, the blocks: each is read, decoded, and its fragments compared with their identities.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::archive::{
    Archive, BlockFetcher, BlockRecord, BlockTable, FragmentPage, Run, WantedBlock,
};
use crate::base::{Error, Result};

use super::findings::Findings;

/// What cannot be used.
#[derive(Default)]
pub(super) struct BadBlocks {
    blocks: HashSet<u64>,
    fragments: BTreeSet<(u64, u32)>,
}

impl BadBlocks {
    /// Fails if a fragment of the run is damaged.
    pub(super) fn check(&self, run: &Run) -> Result<()> {
        let (block, first) = (run.first.block, run.first.index);
        if self.blocks.contains(&block) {
            return Err(Error::corrupt(format!("block {block} is damaged")));
        }
        let indices = (block, first)..(block, first.saturating_add(run.count));
        match self.fragments.range(indices).next() {
            Some((_, index)) => {
                Err(Error::corrupt(format!("fragment {index} of block {block} is damaged")))
            }
            None => Ok(()),
        }
    }
}

/// Checks all blocks of a version that is expected to have so many, but those of parts that are not there.
pub(super) fn check_blocks(
    archive: &Archive,
    table: &Arc<BlockTable>,
    expected: u64,
    threads: usize,
    findings: &mut Findings<'_>,
) -> Result<BadBlocks> {
    let fetcher = BlockFetcher::new(Arc::clone(table), threads)?;
    let mut bad = BadBlocks::default();
    for_each_page(table, expected, findings, |page, findings| {
        let mut blocks = Vec::with_capacity(page.blocks.len());
        for (number, block) in (page.first_block..).zip(&page.blocks) {
            if needs_part_away(archive, table, number, block) {
                findings.summary.unchecked += block.fragments.len() as u64;
            } else {
                blocks.push(WantedBlock::whole(number));
            }
        }
        fetcher.fetch(&blocks, |block, decoded| {
            findings.check_stopped()?;
            let decoded = match decoded {
                Ok(decoded) => decoded,
                Err(error) => {
                    bad.blocks.insert(block);
                    findings.damage(format_args!("block {block}: {error}"));
                    return Ok(());
                }
            };
            for (index, error) in decoded.wrong() {
                findings.damage(error);
                bad.fragments.insert((block, index));
            }
            findings.summary.frames += 1;
            findings.summary.blocks += 1;
            findings.summary.fragments += decoded.fragments();
            findings.advance(decoded.raw_bytes());
            fetcher.reuse(decoded);
            Ok(())
        })
    })?;
    Ok(bad)
}

/// Whether a block, or one that it is decoded with, is in a part that only the index is there for.
fn needs_part_away(
    archive: &Archive,
    table: &BlockTable,
    number: u64,
    block: &BlockRecord,
) -> bool {
    let is_away = |block| table.part_of(block).is_ok_and(|part| archive.is_away(part));
    archive.has_gone_parts()
        && (archive.is_away(block.place.part)
            || !block.bases.is_empty() && table.with_bases([number]).into_iter().any(is_away))
}

/// Counts the fragments of an archive without data: there is nothing to compare them with.
pub(super) fn count_blocks(
    table: &BlockTable,
    expected: u64,
    findings: &mut Findings<'_>,
) -> Result<BadBlocks> {
    for_each_page(table, expected, findings, |page, findings| {
        let fragments = page.blocks.iter().map(|block| block.fragments.len() as u64);
        findings.summary.unchecked += fragments.sum::<u64>();
        Ok(())
    })?;
    Ok(BadBlocks::default())
}

/// Gives each page of a table that is expected to record so many blocks to `take`.
fn for_each_page(
    table: &BlockTable,
    expected: u64,
    findings: &mut Findings<'_>,
    mut take: impl FnMut(&FragmentPage, &mut Findings<'_>) -> Result<()>,
) -> Result<()> {
    let (mut found, mut is_complete) = (0, table.is_whole());
    for page in table.pages() {
        findings.check_stopped()?;
        match page {
            Ok(page) => {
                found += page.blocks.len() as u64;
                take(&page, findings)?;
            }
            Err(error) => {
                findings.damage(format_args!("blocks cannot be found: {error}"));
                is_complete = false;
            }
        }
    }
    if is_complete && found != expected {
        findings.damage(format_args!("{found} blocks are recorded, not {expected}"));
    }
    Ok(())
}
