//! The output for people: a table and last lines on stdout, everything else on stderr.

use std::cell::RefCell;
use std::io::StdoutLock;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::base::{Error, Progress, Result};
use crate::command::{PlannedPart, Row};

use super::listing::Listing;
use super::message::{print, tell_failure};
use super::output::{Manner, Output};
use super::plan_line::plan_line;
use super::progress_line::ProgressLine;
use super::summary::Done;

/// Tells a person.
pub(super) struct HumanOutput {
    manner: Manner,
    progress: ProgressLine,
    listing: RefCell<Listing<StdoutLock<'static>>>,
}

impl HumanOutput {
    /// On stdout and stderr.
    pub(super) fn new(manner: Manner, stop: Arc<AtomicBool>) -> Self {
        let progress = ProgressLine::on_stderr(manner.talk, stop);
        if manner.is_verbose {
            progress.show_blocks();
        }
        Self { manner, progress, listing: RefCell::new(Listing::on_stdout()) }
    }

    /// The footer of a listing, or the last lines.
    fn write_end(&self, done: &Done, lines: &str) -> Result<()> {
        let mut listing = self.listing.borrow_mut();
        if self.manner.is_quiet() {
            return listing.flush();
        }
        if let Done::List { summary, is_compared, largest, .. } = done {
            listing.finish(summary, *is_compared, *largest)?;
        }
        listing.flush()?;
        print(lines)
    }
}

impl Output for HumanOutput {
    fn progress(&self) -> &dyn Progress {
        &self.progress
    }

    fn row(&self, row: &Row, _is_compared: bool) -> Result<()> {
        self.listing.borrow_mut().show(row)
    }

    fn part(&self, part: &PlannedPart) -> Result<()> {
        print(&plan_line(part))
    }

    fn finish(&self, done: &Done, took: Duration) -> Result<u8> {
        self.progress.finish();
        let report = done.report(took, self.manner.is_verbose);
        report.close(self.write_end(done, &report.lines))
    }

    fn fail(&self, error: &Error) -> u8 {
        self.progress.finish();
        // What was shown before the error is worth seeing; where it cannot be shown, the error is
        // worth more than a second one.
        let _ = self.listing.borrow_mut().flush();
        tell_failure(error)
    }
}
