//! `extract -plan`: which bytes of which parts an extraction needs. Nothing is written, and no content
//! is read: the pages of the index tell where it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::archive::{Archive, BlockTable, History, Object, Piece};
use crate::base::{ByteRanges, ErrorKind, Progress, Result};

use super::extract::find_version;
use super::findings::Findings;
use super::key_source::password_of;
use super::options::{ExtractOptions, PlanSummary, PlannedPart};
use super::requested::Requested;
use super::scope::tell_notice;
use super::wanted::{Request, Wanted};

/// Shows of each part what an extraction needs of it, in order.
pub fn plan(
    options: &ExtractOptions,
    show: &mut dyn FnMut(&PlannedPart) -> Result<()>,
    progress: &dyn Progress,
) -> Result<PlanSummary> {
    plan_of(options, show, progress).map_err(|error| error.at(&options.archive))
}

fn plan_of(
    options: &ExtractOptions,
    show: &mut dyn FnMut(&PlannedPart) -> Result<()>,
    progress: &dyn Progress,
) -> Result<PlanSummary> {
    let mut requested = Requested::new(&options.files)?;
    let password = password_of(&options.archive, options.key.as_ref(), progress)?;
    let (archive, record) = Archive::open_location_recorded(&options.archive, password.as_ref())?;
    super::extract::expect_data(&archive)?;
    let mut findings = Findings::new(progress);
    let mut summary = PlanSummary::default();
    findings.summary.damaged += u64::from(tell_notice(&archive, progress));
    let version = find_version(&History::of(&archive), options)?;
    let (table, unreadable) = BlockTable::of_readable(&archive, &version);
    for error in unreadable {
        findings.damage(error);
    }
    let request = Request { archive: &archive, version: &version, options };
    let blocks = wanted_blocks(&request, &mut requested, &mut findings, &mut summary)?;
    let mut needed = BTreeMap::<u32, ByteRanges>::new();
    let mut unknown = BTreeMap::<u32, u64>::new();
    for block in table.with_bases(blocks) {
        findings.check_stopped()?;
        match table.frame_of(block) {
            Ok((place, len)) => needed.entry(place.part).or_default().add(place.offset, len),
            // The part tells where in it the block is, once it is there.
            Err(error) if error.kind() == ErrorKind::Missing => {
                let part = table.part_of(block)?;
                *unknown.entry(part).or_default() += 1;
                let ranges = needed.entry(part).or_default();
                if let Ok((place, len)) = table.page_of(block) {
                    ranges.add(place.offset, len);
                }
            }
            Err(error) => findings.damage(format_args!("block {block}: {error}")),
        }
    }
    for (place, len) in archive.absent_runs(&version) {
        needed.entry(place.part).or_default().add(place.offset, len);
    }
    for (part, reads) in record.reads() {
        let ranges = needed.entry(part).or_default();
        reads.iter().for_each(|(start, len)| ranges.add(start, len));
    }
    for (part, mut ranges) in needed {
        let is_there = archive.gone_part(part).is_none();
        if !is_there {
            let opening = archive.opening_ranges(part)?;
            for (start, len) in opening {
                ranges.add(start, len);
            }
        }
        summary.take(&ranges, is_there);
        let name = archive.part_name(part).unwrap_or_else(|| options.archive.to_string());
        let unknown_blocks = unknown.get(&part).copied().unwrap_or_default();
        show(&PlannedPart { part, name, is_there, ranges, unknown_blocks })?;
    }
    for name in requested.missing() {
        progress.problem(name.as_bytes(), "not in the archive");
        summary.missing += 1;
    }
    summary.damaged = findings.summary.damaged;
    Ok(summary)
}

/// The blocks that hold content of the wanted files.
fn wanted_blocks(
    request: &Request<'_>,
    requested: &mut Requested,
    findings: &mut Findings<'_>,
    summary: &mut PlanSummary,
) -> Result<BTreeSet<u64>> {
    let mut blocks = BTreeSet::new();
    let mut told = BTreeSet::new();
    request.each(requested, &mut |wanted| {
        match wanted {
            Wanted::Lost(error) => {
                if told.insert(error.to_string()) {
                    findings.damage(error);
                }
            }
            Wanted::Entry(entry, _) => {
                if let Object::Stored(stored) = &entry.object {
                    summary.objects += 1;
                    summary.content_bytes = summary.content_bytes.saturating_add(stored.size());
                    blocks.extend(stored.content.iter().filter_map(|piece| match piece {
                        Piece::Data(run) => Some(run.first.block),
                        Piece::Hole(_) => None,
                    }));
                }
            }
            Wanted::Version(..) | Wanted::End => {}
        }
        findings.check_stopped()
    })?;
    Ok(blocks)
}
