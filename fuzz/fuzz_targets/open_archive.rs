//! A whole file of arbitrary bytes, opened and read to the end. The checksums of frames are made
//! right first, so that what is behind them is reached.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use zarc::archive::{Archive, BlockFetcher, BlockTable, Catalog, History, WantedBlock};
use zarc::base::{Digest, Until};
use zarc::storage::Memory;

/// Recomputes the checksums of the header page and of all frames that can be followed.
fn repair(bytes: &mut [u8]) {
    if bytes.len() < 4096 {
        return;
    }
    let genesis = Digest::of(&bytes[..480]);
    bytes[480..512].copy_from_slice(genesis.as_bytes());
    let mut offset = 4096;
    while offset + 96 <= bytes.len() {
        bytes[offset + 40..offset + 48].copy_from_slice(&(offset as u64).to_le_bytes());
        let checksum = Digest::of(&bytes[offset..offset + 56]).prefix();
        bytes[offset + 56..offset + 64].copy_from_slice(&checksum);
        let len = u64::from_le_bytes(bytes[offset + 32..offset + 40].try_into().unwrap());
        let Some(end) = usize::try_from(len).ok().and_then(|len| (offset + 64).checked_add(len))
        else {
            return;
        };
        if end.checked_add(32).is_none_or(|end| end > bytes.len()) {
            return;
        }
        let tag = Digest::of(&bytes[offset..end]);
        bytes[end..end + 32].copy_from_slice(tag.as_bytes());
        let is_commit = bytes[offset + 8] == 7;
        offset = if is_commit { offset + 4096 } else { (end + 32).next_multiple_of(8) };
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    repair(&mut bytes);
    let Ok(archive) = Archive::open(Arc::new(Memory::with_bytes(bytes)), None) else { return };
    let Ok(versions) = History::of(&archive).versions(Until::Latest) else { return };
    for version in versions.flatten() {
        if let Ok(catalog) = Catalog::of(&archive, &version) {
            catalog.entries().take(10_000).for_each(drop);
        }
        let Ok(table) = BlockTable::of(&archive, &version) else { continue };
        let blocks = version.manifest.counts.blocks.min(16);
        let Ok(fetcher) = BlockFetcher::new(Arc::new(table), 1) else { continue };
        let blocks: Vec<_> = (0..blocks).map(WantedBlock::whole).collect();
        let _ = fetcher.fetch(&blocks, |_, _| Ok(()));
    }
});
