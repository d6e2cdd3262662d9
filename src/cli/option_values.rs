//! One option and its values: found by its name, letter or unambiguous beginning, given the values
//! that the manual gives it, and spelled for clap.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::{Arg, Command};

use crate::base::{Error, Result};

/// What follows an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    One,
    /// A number, or nothing: whatever else follows is a file.
    OptionalNumber,
    /// One word, and a second one when it looks like a time.
    Date,
    /// Everything up to the next option, at least this many.
    Many(usize),
}

/// Numbers may be glued to these letters and to any beginning of the words.
const GLUED: [(&str, &str); 3] = [("m", "method"), ("t", "threads"), ("s", "summary")];

/// What the manual has. Such an option may stand with a command that does not use it, as in zpaq:
/// whoever replaces `list` by `add` in a command line leaves its options as they are.
const OF_THE_MANUAL: [&str; 14] = [
    "all",
    "force",
    "fragment",
    "key",
    "method",
    "noattributes",
    "nodelete",
    "not",
    "only",
    "summary",
    "test",
    "threads",
    "to",
    "until",
];

/// The options that may stand in one place.
pub(super) struct Options<'a> {
    /// What is found first.
    own: Vec<&'a Arg>,
    /// The manual's options of other commands, which have no effect.
    others: Vec<&'a Arg>,
    /// The whole table and the command these are of, for a better error.
    context: Option<(&'a Command, &'a Command)>,
}

/// An option with its values.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// In the spelling of clap.
    pub(super) spelled: Vec<OsString>,
    /// Whether it is one of another command.
    pub(super) is_ignored: bool,
}

impl<'a> Options<'a> {
    /// Those of all commands in the table.
    pub(super) fn of_all(table: &'a Command) -> Self {
        let commands = [table].into_iter().chain(table.get_subcommands());
        Self { own: options_of(commands), others: Vec::new(), context: None }
    }

    /// Those of one command in the table, and those that have no effect on it.
    pub(super) fn of(verb: &'a Command, table: &'a Command) -> Self {
        let own = options_of([verb]);
        let is_others = |option: &&Arg| {
            let is_own = own.iter().any(|known| known.get_long() == option.get_long());
            !is_own && option.get_long().is_some_and(|long| OF_THE_MANUAL.contains(&long))
        };
        let others = options_of(table.get_subcommands()).into_iter().filter(is_others).collect();
        Self { own, others, context: Some((table, verb)) }
    }

    /// The option at `at` with its values; `at` is moved behind them.
    pub(super) fn take(&self, typed: &[OsString], at: &mut usize) -> Result<Taken<'a>> {
        let argument = typed[*at].as_bytes();
        *at += 1;
        let bare = argument.strip_prefix(b"--").or(argument.strip_prefix(b"-"));
        let (word, attached) = split_value(bare.unwrap_or(argument));
        let Found { option, glued, is_ignored } = self.find(&String::from_utf8_lossy(word))?;
        let attached = attached.map(<[u8]>::to_vec).or(glued.map(String::into_bytes));
        let name = option.get_long().unwrap_or_default();
        let values = match (takes(option), attached) {
            (Takes::Nothing, Some(_)) => {
                return Err(Error::usage(format!("option -{name} takes no value")));
            }
            (_, Some(value)) => vec![value],
            (takes, None) => following(takes, &typed[*at..], at),
        };
        let least = match takes(option) {
            Takes::One | Takes::Date => 1,
            Takes::Many(least) => least,
            Takes::Nothing | Takes::OptionalNumber => 0,
        };
        if values.len() < least {
            let names = option.get_value_names().unwrap_or_default();
            let form = names.first().map_or("VALUE", |name| name.as_str());
            return Err(Error::usage(format!(
                "option -{name} needs a value: the right form is -{name} {form}"
            )));
        }
        if values.is_empty() {
            return Ok(Taken { name, spelled: vec![format!("--{name}").into()], is_ignored });
        }
        let spelled =
            |value: Vec<u8>| OsString::from_vec([b"--", name.as_bytes(), b"=", &value].concat());
        Ok(Taken { name, spelled: values.into_iter().map(spelled).collect(), is_ignored })
    }

    /// The option that `word` names: the command's own first.
    fn find(&self, word: &str) -> Result<Found<'a>> {
        for (options, is_ignored) in [(&self.own, false), (&self.others, true)] {
            if let Some((option, glued)) = named_or_glued(options, word)? {
                return Ok(Found { option, glued, is_ignored });
            }
        }
        Err(self.unknown(word))
    }

    fn unknown(&self, word: &str) -> Error {
        let shown = word.escape_debug();
        let Some((table, verb)) = self.context else {
            return Error::usage(format!("unknown option -{shown}: zarc help lists the commands"));
        };
        let verb = verb.get_name();
        let owners: Vec<&str> = table
            .get_subcommands()
            .filter(|other| other.get_arguments().any(|option| option.get_long() == Some(word)))
            .map(Command::get_name)
            .collect();
        if owners.is_empty() {
            Error::usage(format!("unknown option -{shown}: zarc help {verb} lists the options"))
        } else {
            let owners = owners.join(" and ");
            Error::usage(format!("option -{shown} is one of zarc {owners}, not of zarc {verb}"))
        }
    }
}

/// An option, and the number that was glued to its name.
struct Found<'a> {
    option: &'a Arg,
    glued: Option<String>,
    is_ignored: bool,
}

/// The options of some commands, each name once.
fn options_of<'a>(commands: impl IntoIterator<Item = &'a Command>) -> Vec<&'a Arg> {
    let mut options: Vec<&Arg> = Vec::new();
    for option in commands.into_iter().flat_map(Command::get_arguments) {
        let is_known = |known: &&Arg| known.get_long() == option.get_long();
        if option.get_long().is_some() && !options.iter().any(is_known) {
            options.push(option);
        }
    }
    options
}

/// The one of `options` that `word` names, with the number that may be glued to it.
fn named_or_glued<'a>(
    options: &[&'a Arg],
    word: &str,
) -> Result<Option<(&'a Arg, Option<String>)>> {
    if let Some(option) = named(options, word)? {
        return Ok(Some((option, None)));
    }
    let letters = word.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    let number = &word[letters.len()..];
    let short = GLUED.iter().find(|(letter, _)| *letter == letters);
    let name = short.map_or(letters, |(_, name)| name);
    if number.starts_with(|c: char| c.is_ascii_digit())
        && let Some(option) = named(options, name)?
        && GLUED.iter().any(|(_, long)| option.get_long() == Some(long))
    {
        return Ok(Some((option, Some(number.to_owned()))));
    }
    Ok(None)
}

/// The one of `options` with that name, letter or unambiguous beginning.
fn named<'a>(options: &[&'a Arg], word: &str) -> Result<Option<&'a Arg>> {
    let long = |option: &Arg| option.get_long().unwrap_or_default().to_owned();
    let is_exact = |option: &&&Arg| {
        long(option) == word || option.get_short().is_some_and(|c| word.chars().eq([c]))
    };
    if let Some(option) = options.iter().find(is_exact) {
        return Ok(Some(option));
    }
    let begins = |option: &&&Arg| !word.is_empty() && long(option).starts_with(word);
    let mut found: Vec<&Arg> = options.iter().filter(begins).copied().collect();
    // What zarc adds makes no abbreviation of zpaq's ambiguous.
    let is_of_the_manual = |option: &&&Arg| OF_THE_MANUAL.contains(&long(option).as_str());
    if let [option] = found.iter().filter(is_of_the_manual).collect::<Vec<_>>()[..] {
        return Ok(Some(option));
    }
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => {
            let names = found.iter().map(|option| format!("-{}", long(option)));
            Err(ambiguous("option", &format!("-{word}"), names.collect()))
        }
    }
}

/// `name=value` at its first `=`.
fn split_value(word: &[u8]) -> (&[u8], Option<&[u8]>) {
    match word.iter().position(|&byte| byte == b'=') {
        Some(at) => (&word[..at], Some(&word[at + 1..])),
        None => (word, None),
    }
}

/// What the table says of an option's values.
fn takes(option: &Arg) -> Takes {
    let range = option.get_num_args().unwrap_or_default();
    match (range.min_values(), range.max_values()) {
        (_, 0) => Takes::Nothing,
        (1, 1) if option.get_id() == "until" => Takes::Date,
        (1, 1) => Takes::One,
        (_, 1) => Takes::OptionalNumber,
        (least, _) => Takes::Many(least),
    }
}

/// The values among the arguments behind an option; `at` is moved behind them.
fn following(takes: Takes, rest: &[OsString], at: &mut usize) -> Vec<Vec<u8>> {
    let is_value = |word: &&OsString| !is_option(word);
    let first = rest.first().filter(|word| is_value(word) || is_negative_number(word));
    let mut values: Vec<Vec<u8>> = match takes {
        Takes::Nothing => Vec::new(),
        Takes::One | Takes::Date => {
            first.map(|word| word.as_bytes().to_vec()).into_iter().collect()
        }
        Takes::OptionalNumber => first
            .filter(|word| word.as_bytes().iter().all(u8::is_ascii_digit) && !word.is_empty())
            .map(|word| word.as_bytes().to_vec())
            .into_iter()
            .collect(),
        Takes::Many(_) => {
            rest.iter().take_while(is_value).map(|word| word.as_bytes().to_vec()).collect()
        }
    };
    *at += values.len();
    if takes == Takes::Date
        && let [date] = &mut values[..]
        && let Some(time) = rest.get(1).filter(|word| is_date(date) && is_time(word.as_bytes()))
    {
        date.push(b' ');
        date.extend_from_slice(time.as_bytes());
        *at += 1;
    }
    values
}

fn is_date(word: &[u8]) -> bool {
    word.iter().filter(|byte| byte.is_ascii_digit()).count() == 8
}

/// `11`, `11:30`, `11:30:59`: at most two digits between colons. A lone number is a file.
fn is_time(word: &[u8]) -> bool {
    let is_part = |part: &[u8]| matches!(part.len(), 1 | 2) && part.iter().all(u8::is_ascii_digit);
    word.contains(&b':') && word.split(|&byte| byte == b':').all(is_part)
}

/// A single `-` is a name.
pub(super) fn is_option(argument: &OsStr) -> bool {
    matches!(argument.as_bytes(), [b'-', _, ..])
}

fn is_negative_number(argument: &OsStr) -> bool {
    matches!(argument.as_bytes(), [b'-', digit, ..] if digit.is_ascii_digit())
}

/// An abbreviation that stands for several names.
pub(super) fn ambiguous(what: &str, word: &str, mut candidates: Vec<String>) -> Error {
    candidates.sort();
    let candidates = candidates.join(", ");
    Error::usage(format!("{what} {} is ambiguous: {candidates}", word.escape_debug()))
}
