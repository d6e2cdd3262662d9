//! What the parts that are missing cost, told before anything is restored.

use std::collections::{BTreeMap, BTreeSet};

use crate::archive::{Archive, BlockTable, Object, Piece};
use crate::base::{Progress, Result};

use super::requested::Requested;
use super::wanted::{Request, Wanted};

/// Says of each missing part how many of the wanted files need it.
pub(super) fn tell_costs(
    request: &Request<'_>,
    requested: &mut Requested,
    table: &BlockTable,
    progress: &dyn Progress,
) -> Result<()> {
    let archive = request.archive;
    if !archive.has_gone_parts() {
        return Ok(());
    }
    let (mut files, mut costs) = (0_u64, BTreeMap::<u32, u64>::new());
    request.each(requested, &mut |wanted| {
        if let Wanted::Entry(entry, _) = &wanted
            && let Object::Stored(stored) = &entry.object
            && !stored.content.is_empty()
        {
            files += 1;
            for part in missing_parts(archive, table, &stored.content) {
                *costs.entry(part).or_default() += 1;
            }
        }
        Ok(())
    })?;
    for (part, cost) in costs {
        let why = archive.gone_part(part).map(|why| why.to_string()).unwrap_or_default();
        let need = match (files, cost) {
            (1, _) => "the file that is wanted needs it".to_owned(),
            (_, 1) => format!("1 of the {files} files that are wanted needs it"),
            _ => format!("{cost} of the {files} files that are wanted need it"),
        };
        progress.warn(&format!("{why}: {need}"));
    }
    Ok(())
}

/// The missing parts that a content needs, for what it is decoded with, too.
fn missing_parts(archive: &Archive, table: &BlockTable, content: &[Piece]) -> BTreeSet<u32> {
    let blocks = content.iter().filter_map(|piece| match piece {
        Piece::Data(run) => Some(run.first.block),
        Piece::Hole(_) => None,
    });
    // A block that is damaged otherwise is told with the file that needs it.
    let parts = table.with_bases(blocks).into_iter().filter_map(|block| table.part_of(block).ok());
    parts.filter(|&part| archive.gone_part(part).is_some()).collect()
}
