//! The figures of each command's summary, as the last line of `-json` has them.
//!
//! Each summary is taken apart field by field, without `..`: a figure that a command learns to
//! tell is not forgotten here.

use serde::Serialize;

use crate::command::{
    AddSummary, ExtractSummary, IndexUpkeep, ListSummary, PasswdSummary, PlanSummary, VerifySummary,
};

use super::summary::Done;

/// What a command did, in figures.
#[derive(Serialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub(super) enum Figures<'a> {
    Add(AddFigures<'a>),
    Extract(ExtractFigures),
    Index(IndexFigures),
    List(ListFigures),
    Passwd(PasswdFigures),
    Plan(PlanFigures),
    Test(TestFigures<'a>),
}

/// Of `add`.
#[derive(Serialize)]
pub(super) struct AddFigures<'a> {
    dry: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<&'a str>,
    seen: u64,
    seen_bytes: u64,
    added: u64,
    updated: u64,
    deleted: u64,
    touched: u64,
    new_bytes: u64,
    stored_bytes: u64,
    archive_bytes_before: u64,
    problems: u64,
    missing: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rolled_back_to: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost_versions: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost_bytes: Option<u64>,
}

/// Of `extract`.
#[derive(Serialize)]
pub(super) struct ExtractFigures {
    dry: bool,
    written: u64,
    skipped: u64,
    identical: u64,
    bytes: u64,
    missing: u64,
    problems: u64,
    damaged: u64,
}

/// Of `extract -plan`.
#[derive(Serialize)]
pub(super) struct PlanFigures {
    objects: u64,
    content_bytes: u64,
    parts: u64,
    missing_parts: u64,
    ranges: u64,
    bytes: u64,
    missing: u64,
    damaged: u64,
}

/// Of `list`.
#[derive(Serialize)]
pub(super) struct ListFigures {
    versions: u64,
    archive_bytes: u64,
    objects: u64,
    duplicates: u64,
    #[serde(flatten)]
    comparisons: Option<Comparisons>,
    problems: u64,
    damaged: u64,
}

/// Where files were compared.
#[derive(Serialize)]
struct Comparisons {
    same: u64,
    different: u64,
    internal: u64,
    external: u64,
}

/// Of `index`.
#[derive(Serialize)]
pub(super) struct IndexFigures {
    updates: u64,
    recorded: u64,
    made: bool,
}

/// Of `passwd`.
#[derive(Serialize)]
pub(super) struct PasswdFigures {
    generation: u32,
}

/// Of `test`.
#[derive(Serialize)]
pub(super) struct TestFigures<'a> {
    versions: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<&'a str>,
    frames: u64,
    blocks: u64,
    fragments: u64,
    files: u64,
    bytes: u64,
    unchecked: u64,
    damaged: u64,
}

impl<'a> Figures<'a> {
    /// Those of a command that came to its end.
    pub(super) fn of(done: &'a Done) -> Self {
        match done {
            Done::Add { summary, is_dry } => Self::Add(AddFigures::of(summary, *is_dry)),
            Done::Extract { summary, is_dry } => {
                Self::Extract(ExtractFigures::of(summary, *is_dry))
            }
            Done::List { summary, is_compared, .. } => {
                Self::List(ListFigures::of(summary, *is_compared))
            }
            Done::Index { summary: IndexUpkeep { updates, recorded, is_made } } => {
                let (updates, recorded, made) = (*updates, *recorded, *is_made);
                Self::Index(IndexFigures { updates, recorded, made })
            }
            Done::Passwd { summary: PasswdSummary { generation } } => {
                Self::Passwd(PasswdFigures { generation: *generation })
            }
            Done::Plan { summary } => Self::Plan(PlanFigures::of(summary)),
            Done::Test { summary } => Self::Test(TestFigures::of(summary)),
        }
    }
}

impl<'a> AddFigures<'a> {
    fn of(summary: &'a AddSummary, dry: bool) -> Self {
        let AddSummary {
            seen,
            seen_bytes,
            added,
            updated,
            deleted,
            touched,
            new_bytes,
            stored_bytes,
            archive_bytes_before,
            version,
            ref fingerprint,
            problems,
            named: _,
            missing,
            rolled_back,
        } = *summary;
        Self {
            dry,
            version,
            fingerprint: fingerprint.as_deref(),
            seen,
            seen_bytes,
            added,
            updated,
            deleted,
            touched,
            new_bytes,
            stored_bytes,
            archive_bytes_before,
            problems,
            missing,
            rolled_back_to: rolled_back.map(|lost| lost.to),
            lost_versions: rolled_back.map(|lost| lost.newest - lost.to),
            lost_bytes: rolled_back.map(|lost| lost.bytes),
        }
    }
}

impl ExtractFigures {
    fn of(summary: &ExtractSummary, dry: bool) -> Self {
        let ExtractSummary { written, skipped, identical, bytes, missing, problems, damaged } =
            *summary;
        Self { dry, written, skipped, identical, bytes, missing, problems, damaged }
    }
}

impl PlanFigures {
    fn of(summary: &PlanSummary) -> Self {
        let PlanSummary {
            objects,
            content_bytes,
            parts,
            missing_parts,
            ranges,
            bytes,
            missing,
            damaged,
        } = *summary;
        Self { objects, content_bytes, parts, missing_parts, ranges, bytes, missing, damaged }
    }
}

impl ListFigures {
    fn of(summary: &ListSummary, is_compared: bool) -> Self {
        let ListSummary {
            versions,
            archive_bytes,
            same,
            different,
            internal_only: internal,
            external_only: external,
            problems,
            damaged,
            duplicates,
            is_of_two_archives: _,
        } = *summary;
        let comparisons = Comparisons { same, different, internal, external };
        Self {
            versions,
            archive_bytes,
            objects: same + different + internal + external + duplicates,
            duplicates,
            comparisons: is_compared.then_some(comparisons),
            problems,
            damaged,
        }
    }
}

impl<'a> TestFigures<'a> {
    fn of(summary: &'a VerifySummary) -> Self {
        let VerifySummary {
            versions,
            frames,
            blocks,
            fragments,
            files,
            bytes,
            damaged,
            unchecked,
            ref fingerprint,
        } = *summary;
        Self {
            versions,
            fingerprint: fingerprint.as_deref(),
            frames,
            blocks,
            fragments,
            files,
            bytes,
            unchecked,
            damaged,
        }
    }
}
