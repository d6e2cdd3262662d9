//! The last lines of a command, and the exit code that its summary means.

use std::time::Duration;

use crate::command::{AddSummary, ExtractSummary, ListSummary, VerifySummary};

use super::message::{DONE, DONE_WITH_PROBLEMS, NOT_DONE, megabytes};

/// What a finished command says and returns.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// For stdout.
    pub(super) lines: String,
    /// For stderr, when not everything went well.
    pub(super) problem: Option<String>,
    /// The exit code.
    pub(super) code: u8,
}

/// What is said of an `add`.
pub(super) fn of_add(summary: &AddSummary, is_dry: bool, took: Duration) -> Report {
    let AddSummary { seen, added, updated, deleted, problems, .. } = summary;
    let outcome = match (summary.version, &summary.fingerprint) {
        (Some(version), Some(print)) => format!("version {version}, fingerprint {print}"),
        (Some(version), None) => format!("version {version}"),
        (None, _) if is_dry => "nothing written".to_owned(),
        (None, _) => "nothing to add".to_owned(),
    };
    let lines = format!(
        "{added} +added, {updated} #updated, {deleted} -deleted\n\
         {outcome}: {seen} names and {} seen, {} new, {} stored, {}\n",
        megabytes(summary.seen_bytes),
        megabytes(summary.new_bytes),
        megabytes(summary.stored_bytes),
        seconds(took),
    );
    let problem = (*problems > 0).then(|| named_above(*problems, "problem"));
    let code = if problem.is_some() { DONE_WITH_PROBLEMS } else { DONE };
    Report { lines, problem, code }
}

/// What `-verbose` says of an `add` besides.
pub(super) fn more_of_add(summary: &AddSummary) -> String {
    format!(
        "{} names looked at again and found unchanged\narchive {} + {}\n",
        summary.touched,
        megabytes(summary.archive_bytes_before),
        megabytes(summary.stored_bytes),
    )
}

/// What is said of an `extract`.
pub(super) fn of_extract(summary: &ExtractSummary, is_dry: bool, took: Duration) -> Report {
    let ExtractSummary { written, skipped, identical, missing, problems, damaged, .. } = summary;
    let verb = if is_dry { "checked, nothing written (-test)" } else { "written" };
    let lines = format!(
        "{written} >{verb}, {skipped} ?skipped, {identical} =identical: {}, {}\n",
        megabytes(summary.bytes),
        seconds(took),
    );
    let found_nothing = *missing > 0 && written + skipped + identical == 0;
    let code = if *damaged > 0 || found_nothing {
        NOT_DONE
    } else if *problems > 0 || *missing > 0 {
        DONE_WITH_PROBLEMS
    } else {
        DONE
    };
    let told: Vec<String> = [
        (*problems, counted(*problems, "problem")),
        (*damaged, format!("{damaged} of them damage")),
        (*missing, format!("{} not in the archive", counted(*missing, "name"))),
    ]
    .into_iter()
    .filter_map(|(count, text)| (count > 0).then_some(text))
    .collect();
    Report { lines, problem: (code != DONE).then(|| told.join(", ")), code }
}

/// What is said of a `list` behind its footer; `is_filtered` when `-only` or `-not` chose.
pub(super) fn of_list(summary: &ListSummary, is_compared: bool, is_filtered: bool) -> Report {
    let ListSummary { same, different, internal_only, external_only, problems, .. } = summary;
    let is_empty = same + different + internal_only + external_only == 0;
    let (problem, code) = if summary.damaged > 0 {
        (Some("the archive is damaged; not everything could be listed".to_owned()), NOT_DONE)
    } else if is_compared && is_empty && !is_filtered {
        (Some("none of the files is in the archive or on disk".to_owned()), NOT_DONE)
    } else if *problems > 0 {
        (Some(named_above(*problems, "problem")), DONE_WITH_PROBLEMS)
    } else {
        (None, DONE)
    };
    Report { lines: String::new(), problem, code }
}

/// What is said of a `test`.
pub(super) fn of_verify(summary: &VerifySummary, took: Duration) -> Report {
    let VerifySummary { versions, files, fragments, damaged, .. } = summary;
    let print = summary.fingerprint.as_ref().map(|print| format!(", fingerprint {print}"));
    let unchecked = (summary.unchecked > 0).then(|| {
        let count = counted(summary.unchecked, "fragment");
        format!("{count} not checked: the archive is an index and holds no data\n")
    });
    let lines = format!(
        "{versions} versions, {files} files, {fragments} fragments, {} checked, {}{}\n{}",
        megabytes(summary.bytes),
        seconds(took),
        print.unwrap_or_default(),
        unchecked.unwrap_or_default(),
    );
    let problem = (*damaged > 0).then(|| named_above(*damaged, "damaged place"));
    let code = if problem.is_some() { NOT_DONE } else { DONE };
    Report { lines, problem, code }
}

/// What `-verbose` says of a `test` besides.
pub(super) fn more_of_verify(summary: &VerifySummary) -> String {
    format!("{} frames, {} blocks\n", summary.frames, summary.blocks)
}

/// So many of something, in words that fit one and many.
fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// So many of something that was told before.
fn named_above(count: u64, noun: &str) -> String {
    format!("{}, named above", counted(count, noun))
}

fn seconds(took: Duration) -> String {
    format!("{}.{:03} seconds", took.as_secs(), took.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_tells_done_from_not_done() {
        let extract = |written, missing, problems, damaged| ExtractSummary {
            written,
            missing,
            problems,
            damaged,
            ..ExtractSummary::default()
        };
        for (summary, code) in [
            (extract(1, 0, 0, 0), 0),
            (extract(0, 0, 0, 0), 0),
            (extract(1, 1, 0, 0), 1),
            (extract(0, 1, 0, 0), 2),
            (extract(1, 0, 1, 0), 1),
            (extract(1, 0, 1, 1), 2),
        ] {
            assert_eq!(of_extract(&summary, false, Duration::ZERO).code, code, "{summary:?}");
        }
        let list = ListSummary { different: 1, ..ListSummary::default() };
        assert_eq!(of_list(&list, true, false).code, 0);
        assert_eq!(of_list(&ListSummary::default(), true, false).code, 2);
        assert_eq!(of_list(&ListSummary::default(), true, true).code, 0);
        let damaged = VerifySummary { damaged: 1, ..VerifySummary::default() };
        assert_eq!(of_verify(&damaged, Duration::ZERO).code, 2);
    }

    #[test]
    fn an_add_ends_with_its_version() {
        let mut summary = AddSummary {
            seen: 12,
            seen_bytes: 3_000_000,
            version: Some(3),
            fingerprint: Some("1a2b".to_owned()),
            problems: 1,
            ..AddSummary::default()
        };
        let report = of_add(&summary, false, Duration::from_millis(20));
        let end = "version 3, fingerprint 1a2b: 12 names and 3.000000 MB seen, \
                   0.000000 MB new, 0.000000 MB stored, 0.020 seconds\n";
        assert!(report.lines.ends_with(end), "{}", report.lines);
        assert_eq!(report.code, 1);
        summary.version = None;
        assert!(of_add(&summary, false, Duration::ZERO).lines.contains("nothing to add"));
        assert!(of_add(&summary, true, Duration::ZERO).lines.contains("nothing written"));
    }
}
