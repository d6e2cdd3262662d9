//! Whom a command tells how it goes and what it came to: a person, or with `-json` a program.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::base::{Error, Progress, Result};
use crate::command::{PlannedPart, Row};

use super::arguments::Verb;
use super::human_output::HumanOutput;
use super::json_output::JsonOutput;
use super::progress_line::Talk;
use super::summary::Done;

/// Listens to one command.
pub(super) trait Output {
    /// What the command tells while it runs.
    fn progress(&self) -> &dyn Progress;

    /// Shows a row of `list`; `is_compared` when files were named. An error means that nobody can
    /// see more rows.
    fn row(&self, row: &Row, is_compared: bool) -> Result<()>;

    /// Shows what an extraction needs of a part.
    fn part(&self, part: &PlannedPart) -> Result<()>;

    /// The last word of a command that came to its end; returns the exit code.
    fn finish(&self, done: &Done, took: Duration) -> Result<u8>;

    /// The last word of a command that did not come to its end; returns the exit code.
    fn fail(&self, error: &Error) -> u8;
}

/// Which output, and how much of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Manner {
    pub(super) is_json: bool,
    pub(super) talk: Talk,
    pub(super) is_verbose: bool,
}

impl Manner {
    /// What the user asks for.
    pub(super) fn of(verb: &Verb) -> Self {
        let Some(common) = verb.about().1 else { return Self::default() };
        let is_brief = match verb {
            Verb::Add(arguments) => arguments.summary.is_some(),
            Verb::Extract(arguments) => arguments.summary.is_some(),
            Verb::Index(_) | Verb::List(_) | Verb::Passwd(_) | Verb::Test(_) | Verb::Help(_) => {
                false
            }
        };
        let talk = Talk::of(common.quiet, is_brief);
        Self { is_json: common.json, talk, is_verbose: common.verbose }
    }

    /// Whether only warnings are wanted.
    pub(super) fn is_quiet(self) -> bool {
        self.talk == Talk::Quiet
    }
}

/// The output on stdout and stderr; `stop` is raised when the user wants the command to end.
pub(super) fn output(manner: Manner, stop: Arc<AtomicBool>) -> Box<dyn Output> {
    if manner.is_json {
        Box::new(JsonOutput::on_stdout(manner, stop))
    } else {
        Box::new(HumanOutput::new(manner, stop))
    }
}
