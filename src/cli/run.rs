//! From the words typed to the exit code: parse, dispatch over the verbs, report.

use std::ffi::OsString;
use std::fmt::Display;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use clap::Parser;
use clap::error::{ContextKind, ErrorKind};

use crate::base::{Error, Result};
use crate::command::{self, PlannedPart, Row};

use super::arguments::{Arguments, Common, HelpArguments, ListArguments, Verb, command_table};
use super::help::{help_of, one_dash};
use super::key::is_seen;
use super::manual_page::manual_page;
use super::message::{DONE, is_closed_pipe, print, tell, tell_failure};
use super::output::{Manner, Output, output};
use super::progress_line::stop_on_signals;
use super::request;
use super::spelling::{command_named, spelled_for_clap};
use super::summary::Done;

/// Does what the program's arguments ask for.
pub fn run() -> ExitCode {
    let typed: Vec<OsString> = std::env::args_os().skip(1).collect();
    ExitCode::from(match understood(&typed) {
        Ok(Wish::Page(page)) => match print(&page) {
            Err(error) if !is_closed_pipe(&error) => tell_failure(&error),
            _ => DONE,
        },
        Ok(Wish::Command(verb)) => obey(&verb),
        Err(error) => {
            let manner = Manner { is_json: is_json_typed(&typed), ..Manner::default() };
            output(manner, Arc::default()).fail(&error)
        }
    })
}

/// What the arguments ask for.
enum Wish {
    Page(String),
    Command(Box<Verb>),
}

fn understood(typed: &[OsString]) -> Result<Wish> {
    let spelled = spelled_for_clap(&command_table(), typed)?;
    match Arguments::try_parse_from([OsString::from("zarc")].into_iter().chain(spelled.words)) {
        Ok(arguments) => {
            tell_ignored(&arguments.verb, &spelled.ignored);
            tell_seen_password(&arguments.verb);
            match arguments.verb {
                Verb::Help(arguments) => help(&arguments).map(Wish::Page),
                verb => Ok(Wish::Command(Box::new(verb))),
            }
        }
        Err(answer) => match answer.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Ok(Wish::Page(one_dash(&answer.render().to_string())))
            }
            _ => Err(refusal(&answer)),
        },
    }
}

/// Whether arguments that make no sense ask for JSON: by the whole word, before any `--`. No
/// option takes a value that begins with `-j`, so that the word can only be the option.
fn is_json_typed(typed: &[OsString]) -> bool {
    let mut options = typed.iter().take_while(|argument| *argument != "--");
    options.any(|argument| argument == "-json" || argument == "--json")
}

/// Warns of options of other commands, and of names of `-to` that rename nothing. They are no
/// mistake, so `-quiet` does not want to know.
fn tell_ignored(verb: &Verb, ignored: &[String]) {
    let (name, common) = verb.about();
    if common.is_some_and(|common| common.quiet) {
        return;
    }
    for option in ignored {
        tell(&format!("zarc: warning: -{option} has no effect on {name}"));
    }
    for text in request::idle_to(verb) {
        tell(&format!("zarc: warning: {text}"));
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
        (ErrorKind::UnknownArgument, Some(word)) => {
            format!("one name too many, \"{}\"", word.to_string().escape_debug())
        }
        _ => first.trim_start_matches("error: ").to_owned(),
    };
    let usage = answer.get(ContextKind::Usage).map(ToString::to_string).unwrap_or_default();
    let form = usage.trim().trim_start_matches("Usage: ").to_owned();
    Error::usage(format!("{}: the right form is {}", one_dash(&what), one_dash(&form)))
}

/// Runs a command with signals heard and its output told.
fn obey(verb: &Verb) -> u8 {
    let stop: Arc<AtomicBool> = Arc::default();
    let output = output(Manner::of(verb), Arc::clone(&stop));
    let began = Instant::now();
    let done = stop_on_signals(&stop).and_then(|()| perform(verb, &*output));
    let code = match done {
        Ok(Some(done)) => output.finish(&done, began.elapsed()),
        // The reader of stdout has gone away: it has seen enough.
        Ok(None) => Ok(DONE),
        Err(error) => Err(error),
    };
    code.unwrap_or_else(|error| output.fail(&error))
}

/// Warns of a password that others can see.
fn tell_seen_password(verb: &Verb) {
    if verb.about().1.is_some_and(|common| is_seen(verb) && !common.quiet) {
        tell(
            "zarc: warning: other users of this machine can see the password while zarc runs; \
              -key alone, -keyfile and -keycmd hide it",
        );
    }
}

/// What the command came to; nothing if its rows went unread.
fn perform(verb: &Verb, output: &dyn Output) -> Result<Option<Done>> {
    match verb {
        Verb::Add(arguments) => {
            let options = request::add(arguments)?;
            announce(&arguments.common, &options.archive);
            let summary = command::add(&options, output.progress())?;
            Ok(Some(Done::Add { summary, is_dry: options.is_dry() }))
        }
        Verb::Extract(arguments) => {
            let options = request::extract(arguments)?;
            announce(&arguments.common, &options.archive);
            if arguments.plan {
                let mut show = |part: &PlannedPart| output.part(part);
                let summary = command::plan(&options, &mut show, output.progress())?;
                return Ok(Some(Done::Plan { summary }));
            }
            let summary = command::extract(&options, output.progress())?;
            Ok(Some(Done::Extract { summary, is_dry: options.dry }))
        }
        Verb::Index(arguments) => {
            let options = request::index(arguments)?;
            announce(&arguments.common, &options.archive);
            let summary = command::index(&options, output.progress())?;
            Ok(Some(Done::Index { summary }))
        }
        Verb::List(arguments) => list(arguments, output),
        Verb::Passwd(arguments) => {
            let options = request::passwd(arguments)?;
            announce(&arguments.common, &options.archive);
            let summary = command::passwd(&options, output.progress())?;
            Ok(Some(Done::Passwd { summary }))
        }
        Verb::Test(arguments) => {
            let options = request::verify(arguments)?;
            announce(&arguments.common, &options.archive);
            let summary = command::verify(&options, output.progress())?;
            Ok(Some(Done::Test { summary }))
        }
        Verb::Help(arguments) => print(&help(arguments)?).map(|()| None),
    }
}

fn list(arguments: &ListArguments, output: &dyn Output) -> Result<Option<Done>> {
    let options = request::list(arguments)?;
    announce(&arguments.common, &options.archive);
    let hidden = request::hidden_symbols(&arguments.names);
    let is_named = !options.files.is_empty();
    let is_compared = is_named && options.all.is_none();
    let is_filtered = !options.selection.is_everything();
    let mut is_unread = false;
    let mut show = |row: Row| match row {
        Row::Object { comparison, .. } if hidden.contains(&comparison.symbol()) => Ok(()),
        _ => output.row(&row, is_compared).inspect_err(|error| is_unread = is_closed_pipe(error)),
    };
    let result = command::list(&options, &mut show, output.progress());
    if is_unread {
        return Ok(None);
    }
    let summary = result?;
    let largest = options.summary;
    Ok(Some(Done::List { summary, is_named, is_compared, is_filtered, largest }))
}

/// The page on a topic.
fn help(arguments: &HelpArguments) -> Result<String> {
    let table = command_table();
    match &arguments.topic {
        None => Ok(help_of(&table)),
        Some(topic) if topic == "man" => manual_page(&table),
        Some(topic) => Ok(help_of(command_named(&table, topic)?)),
    }
}

/// With `-verbose`, which program looks at which file.
fn announce(common: &Common, archive: impl Display) {
    if common.verbose {
        let version = env!("CARGO_PKG_VERSION");
        tell(&format!("zarc {version}: archive {archive}"));
    }
}
