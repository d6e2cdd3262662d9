//! The last lines of a command, and the exit code that its summary means.

use std::time::Duration;

use crate::base::Result;
use crate::command::{
    AddSummary, ExtractSummary, IndexUpkeep, ListSummary, PasswdSummary, PlanSummary, Rollback,
    VerifySummary,
};

use super::message::{
    DONE, DONE_WITH_PROBLEMS, NOT_DONE, counted, is_closed_pipe, megabytes, tell,
};

/// What a finished command says and returns.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// For stdout.
    pub(super) lines: String,
    /// For stderr, when not everything went well.
    pub(super) problem: Option<String>,
    /// The exit code.
    pub(super) code: u8,
    /// What holds even if nothing of this can be written.
    pub(super) kept: Option<String>,
}

impl Report {
    /// Says on stderr what did not go well, and returns the exit code unless the rest could not be
    /// written to stdout. A reader that has gone away has seen enough.
    pub(super) fn close(&self, written: Result<()>) -> Result<u8> {
        if let Some(problem) = &self.problem {
            tell(&format!("zarc: {problem}"));
        }
        match written {
            Err(error) if !is_closed_pipe(&error) => Err(match &self.kept {
                Some(kept) => error.outcome(kept),
                None => error,
            }),
            _ => Ok(self.code),
        }
    }
}

/// What a command came to, with what its arguments say of the summary.
#[derive(Debug)]
pub(super) enum Done {
    /// Of `add`.
    Add {
        /// What was done.
        summary: AddSummary,
        /// Whether nothing of it was kept.
        is_dry: bool,
    },
    /// Of `extract`.
    Extract {
        /// What was done.
        summary: ExtractSummary,
        /// Whether nothing was written.
        is_dry: bool,
    },
    /// Of `list`.
    List {
        /// What was found.
        summary: ListSummary,
        /// Whether files were named.
        is_named: bool,
        /// Whether they were compared with the disk.
        is_compared: bool,
        /// Whether `-only` or `-not` chose among them.
        is_filtered: bool,
        /// How many were asked for by `-summary`.
        largest: Option<usize>,
    },
    /// Of `index`.
    Index {
        /// What was done.
        summary: IndexUpkeep,
    },
    /// Of `passwd`.
    Passwd {
        /// What was done.
        summary: PasswdSummary,
    },
    /// Of `extract -plan`.
    Plan {
        /// What is needed.
        summary: PlanSummary,
    },
    /// Of `test`.
    Test {
        /// What was found.
        summary: VerifySummary,
    },
}

impl Done {
    /// What is said of it, and more if `is_verbose`.
    pub(super) fn report(&self, took: Duration, is_verbose: bool) -> Report {
        let (mut report, more) = match self {
            Self::Add { summary, is_dry } => (of_add(summary, *is_dry, took), more_of_add(summary)),
            Self::Extract { summary, is_dry } => {
                (of_extract(summary, *is_dry, took), String::new())
            }
            Self::List { summary, is_named, is_filtered, .. } => {
                (of_list(summary, *is_named, *is_filtered), String::new())
            }
            Self::Index { summary } => (of_index(*summary), String::new()),
            Self::Passwd { summary } => (of_passwd(), more_of_passwd(summary)),
            Self::Plan { summary } => (of_plan(summary), String::new()),
            Self::Test { summary } => (of_verify(summary, took), more_of_verify(summary)),
        };
        if is_verbose {
            report.lines.insert_str(0, &more);
        }
        report
    }
}

/// What is said of an `add`.
fn of_add(summary: &AddSummary, is_dry: bool, took: Duration) -> Report {
    if summary.missing > 0 && summary.missing == summary.named {
        let problem = "none of the files is on disk or in the archive; nothing was added";
        let (lines, problem) = (String::new(), Some(problem.to_owned()));
        return Report { lines, problem, code: NOT_DONE, kept: None };
    }
    let AddSummary { seen, added, updated, deleted, problems, .. } = summary;
    let outcome = match (summary.version, &summary.fingerprint) {
        (Some(version), Some(print)) => format!("version {version}, fingerprint {print}"),
        (Some(version), None) => format!("version {version}"),
        (None, _) if is_dry => "nothing written".to_owned(),
        (None, _) => "nothing to add".to_owned(),
    };
    let rolled_back = summary.rolled_back.as_ref().map(|lost| rolled_back(lost, is_dry));
    let lines = format!(
        "{}{added} +added, {updated} #updated, {deleted} -deleted\n\
         {outcome}: {seen} names and {} seen, {} new, {} stored, {}\n",
        rolled_back.unwrap_or_default(),
        megabytes(summary.seen_bytes),
        megabytes(summary.new_bytes),
        megabytes(summary.stored_bytes),
        seconds(took),
    );
    let problem = (*problems > 0).then(|| named_above(*problems, "problem"));
    let code = if problem.is_some() { DONE_WITH_PROBLEMS } else { DONE };
    let kept = summary.version.map(|version| format!("version {version} is in the archive"));
    Report { lines, problem, code, kept }
}

/// What `-until` took away.
fn rolled_back(lost: &Rollback, is_dry: bool) -> String {
    let Rollback { to, bytes, .. } = lost;
    let bytes = megabytes(*bytes);
    if is_dry {
        return format!("would roll back to version {to}: {lost} would be lost, {bytes}\n");
    }
    let are = if to + 1 == lost.newest { "is" } else { "are" };
    format!("rolled back to version {to}: {lost} {are} gone, {bytes}\n")
}

/// What `-verbose` says of an `add` besides.
fn more_of_add(summary: &AddSummary) -> String {
    format!(
        "{} names looked at again and found unchanged\narchive {} + {}\n",
        summary.touched,
        megabytes(summary.archive_bytes_before),
        megabytes(summary.stored_bytes),
    )
}

/// What is said of an `extract`.
fn of_extract(summary: &ExtractSummary, is_dry: bool, took: Duration) -> Report {
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
    let problem = (code != DONE).then(|| told.join(", "));
    Report { lines, problem, code, kept: None }
}

/// What is said of an `extract -plan`.
fn of_plan(summary: &PlanSummary) -> Report {
    let PlanSummary { objects, content_bytes, parts, missing_parts, missing, damaged, .. } =
        summary;
    let absent = match missing_parts {
        0 => String::new(),
        count => format!(", {count} of them missing"),
    };
    let lines = format!(
        "{} of {} need {} in {} of {}{absent}\n",
        counted(*objects, "object"),
        megabytes(*content_bytes),
        counted(summary.bytes, "byte"),
        counted(summary.ranges, "range"),
        counted(*parts, "part"),
    );
    let is_incomplete = *damaged > 0 || (*missing > 0 && *objects == 0);
    let code = match (is_incomplete, *missing) {
        (true, _) => NOT_DONE,
        (false, 0) => DONE,
        _ => DONE_WITH_PROBLEMS,
    };
    let problem = (code != DONE).then(|| "not all of it can be extracted".to_owned());
    Report { lines, problem, code, kept: None }
}

/// What is said of a `list` behind its footer; `is_filtered` when `-only` or `-not` chose.
fn of_list(summary: &ListSummary, is_named: bool, is_filtered: bool) -> Report {
    let ListSummary { same, different, internal_only, external_only, problems, .. } = summary;
    // A duplicate never comes alone.
    let is_empty = same + different + internal_only + external_only == 0;
    let (problem, code) = if summary.damaged > 0 {
        (Some("the archive is damaged; not everything could be listed".to_owned()), NOT_DONE)
    } else if is_named && is_empty && !is_filtered && !summary.is_of_two_archives {
        (Some("none of the files is in the archive or on disk".to_owned()), NOT_DONE)
    } else if *problems > 0 {
        (Some(named_above(*problems, "problem")), DONE_WITH_PROBLEMS)
    } else {
        (None, DONE)
    };
    Report { lines: String::new(), problem, code, kept: None }
}

/// What is said of an `index`.
fn of_index(summary: IndexUpkeep) -> Report {
    let IndexUpkeep { updates, recorded, is_made } = summary;
    let lines = match (is_made, recorded) {
        (true, _) => format!("the index was made, with {}\n", counted(updates, "update")),
        (false, 0) => format!("the index is right: {}\n", counted(updates, "update")),
        (false, _) => format!("{} recorded, {updates} in all\n", counted(recorded, "update")),
    };
    Report { lines, problem: None, code: DONE, kept: None }
}

/// What is said of a `passwd`.
fn of_passwd() -> Report {
    let lines = "the password was changed\n\
                 copies of the archive that were made before still open with the old one\n";
    let kept = Some("the password was changed".to_owned());
    Report { lines: lines.to_owned(), problem: None, code: DONE, kept }
}

/// What `-verbose` says of a `passwd` besides.
fn more_of_passwd(summary: &PasswdSummary) -> String {
    format!("password {} of this archive\n", summary.generation)
}

/// What is said of a `test`.
fn of_verify(summary: &VerifySummary, took: Duration) -> Report {
    let VerifySummary { versions, files, fragments, damaged, .. } = summary;
    let print = summary.fingerprint.as_ref().map(|print| format!(", fingerprint {print}"));
    let unchecked = (summary.unchecked > 0).then(|| {
        let count = counted(summary.unchecked, "fragment");
        format!("{count} not checked: the archive is an index, or their parts are not there\n")
    });
    let lines = format!(
        "{}, {}, {}, {} checked, {}{}\n{}",
        counted(*versions, "version"),
        counted(*files, "file"),
        counted(*fragments, "fragment"),
        megabytes(summary.bytes),
        seconds(took),
        print.unwrap_or_default(),
        unchecked.unwrap_or_default(),
    );
    let problem = (*damaged > 0).then(|| named_above(*damaged, "damaged place"));
    let code = if problem.is_some() { NOT_DONE } else { DONE };
    Report { lines, problem, code, kept: None }
}

/// What `-verbose` says of a `test` besides.
fn more_of_verify(summary: &VerifySummary) -> String {
    format!("{} frames, {} blocks\n", summary.frames, summary.blocks)
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
        for (named, missing, code) in [(2, 1, 1), (2, 2, 2)] {
            let summary = AddSummary { named, missing, problems: missing, ..AddSummary::default() };
            assert_eq!(of_add(&summary, false, Duration::ZERO).code, code, "{summary:?}");
        }
        summary.version = None;
        assert!(of_add(&summary, false, Duration::ZERO).lines.contains("nothing to add"));
        assert!(of_add(&summary, true, Duration::ZERO).lines.contains("nothing written"));
    }
}
