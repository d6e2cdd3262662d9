//! From the words typed to the exit code: parse, dispatch over the verbs, report.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use clap::error::{ContextKind, ErrorKind};

use crate::base::{Error, Result};
use crate::command;

use super::arguments::{
    AddArguments, Arguments, Common, ExtractArguments, ListArguments, TestArguments, Verb,
    command_table, one_dash,
};
use super::listing::Listing;
use super::message::{DONE, exit_code, tell, tell_error};
use super::progress_line::{ProgressLine, stop_on_signals};
use super::request;
use super::spelling::spelled_for_clap;
use super::summary::{self, Report};

/// Does what the program's arguments ask for.
pub fn run() -> ExitCode {
    let typed: Vec<OsString> = std::env::args_os().skip(1).collect();
    let code = answer(&typed).unwrap_or_else(|error| {
        tell_error(&error);
        exit_code(error.kind())
    });
    ExitCode::from(code)
}

fn answer(typed: &[OsString]) -> Result<u8> {
    let spelled = spelled_for_clap(&command_table(), typed)?;
    match Arguments::try_parse_from([OsString::from("zarc")].into_iter().chain(spelled)) {
        Ok(arguments) => match arguments.verb {
            Verb::Add(arguments) => add(&arguments),
            Verb::Extract(arguments) => extract(&arguments),
            Verb::List(arguments) => list(&arguments),
            Verb::Test(arguments) => verify(&arguments),
        },
        Err(answer) => match answer.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                print(&one_dash(&answer.render().to_string()))?;
                Ok(DONE)
            }
            _ => Err(refusal(&answer)),
        },
    }
}

/// What clap has against the arguments, in one line with the right form.
fn refusal(answer: &clap::Error) -> Error {
    let told = answer.to_string();
    let first = told.lines().next().unwrap_or_default();
    let what = match (answer.kind(), answer.get(ContextKind::InvalidArg)) {
        (ErrorKind::MissingRequiredArgument, Some(missing)) => {
            format!("{} missing", missing.to_string().replace(['<', '>'], ""))
        }
        _ => first.trim_start_matches("error: ").to_owned(),
    };
    let usage = answer.get(ContextKind::Usage).map(ToString::to_string).unwrap_or_default();
    let form = usage.trim().trim_start_matches("Usage: ").to_owned();
    Error::usage(format!("{}: the right form is {}", one_dash(&what), one_dash(&form)))
}

fn add(arguments: &AddArguments) -> Result<u8> {
    let options = request::add(arguments)?;
    announce(&arguments.common, &options.archive);
    let (is_quiet, is_verbose) = (arguments.common.quiet, arguments.common.verbose);
    let began = Instant::now();
    let done = with_progress(is_quiet, |progress| {
        if is_verbose {
            progress.show_blocks();
        }
        command::add(&options, progress)
    })?;
    let mut report = summary::of_add(&done, options.is_dry(), began.elapsed());
    if is_verbose {
        report.lines.insert_str(0, &summary::more_of_add(&done));
    }
    finish(&report, is_quiet)
}

fn extract(arguments: &ExtractArguments) -> Result<u8> {
    let options = request::extract(arguments)?;
    announce(&arguments.common, options.archive.display());
    let is_quiet = arguments.common.quiet;
    let began = Instant::now();
    let done = with_progress(is_quiet, |progress| command::extract(&options, progress))?;
    finish(&summary::of_extract(&done, options.dry, began.elapsed()), is_quiet)
}

fn list(arguments: &ListArguments) -> Result<u8> {
    let options = request::list(arguments)?;
    announce(&arguments.common, &options.archive);
    let hidden = request::hidden_symbols(&arguments.names);
    let mut listing = Listing::on_stdout(hidden, options.attributes);
    // On one terminal, rows and a redrawn line would run into each other.
    let is_silent = arguments.common.quiet || std::io::stdout().is_terminal();
    let is_compared = !options.files.is_empty();
    let result = with_progress(is_silent, |progress| {
        let done = command::list(&options, &mut |row| listing.show(&row), progress)?;
        if !arguments.common.quiet {
            listing.finish(&done, is_compared)?;
        }
        Ok(done)
    });
    // What was shown before an error is worth seeing.
    let flushed = listing.flush();
    if listing.is_closed() {
        return Ok(DONE);
    }
    let done = result?;
    flushed?;
    let is_filtered = !options.selection.is_everything();
    finish(&summary::of_list(&done, is_compared, is_filtered), arguments.common.quiet)
}

fn verify(arguments: &TestArguments) -> Result<u8> {
    let options = request::verify(arguments)?;
    announce(&arguments.common, options.archive.display());
    let (is_quiet, is_verbose) = (arguments.common.quiet, arguments.common.verbose);
    let began = Instant::now();
    let done = with_progress(is_quiet, |progress| command::verify(&options, progress))?;
    let mut report = summary::of_verify(&done, began.elapsed());
    if is_verbose {
        report.lines.insert_str(0, &summary::more_of_verify(&done));
    }
    finish(&report, is_quiet)
}

/// With `-verbose`, which program looks at which file.
fn announce(common: &Common, archive: impl Display) {
    if common.verbose {
        let version = env!("CARGO_PKG_VERSION");
        tell(&format!("zarc {version}: archive {archive}"));
    }
}

/// Runs `work` with signals heard and its progress shown.
fn with_progress<T>(is_quiet: bool, work: impl FnOnce(&ProgressLine) -> Result<T>) -> Result<T> {
    let progress = ProgressLine::on_stderr(is_quiet, stop_on_signals()?);
    let result = work(&progress);
    progress.finish();
    result
}

fn finish(report: &Report, is_quiet: bool) -> Result<u8> {
    if !is_quiet {
        print(&report.lines)?;
    }
    if let Some(problem) = &report.problem {
        tell(&format!("zarc: {problem}"));
    }
    Ok(report.code)
}

/// Prints to stdout; a reader that has gone away has seen enough.
fn print(lines: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(lines.as_bytes()).and_then(|()| stdout.flush()) {
        Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::io("cannot write to stdout", cause))
        }
        _ => Ok(()),
    }
}
