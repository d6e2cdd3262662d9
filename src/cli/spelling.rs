//! zpaq's spelling (`-unt 3`, `-m14`, `-not a b`) to clap's (`--until=3`, `--method=14`,
//! `--not=a --not=b`), driven by clap's own table of commands and options.
//!
//! clap reads `-until` as a cluster of one-letter options (clap#1210). Here each option is found by
//! its name or an unambiguous beginning, takes the values that the manual gives it, and is handed
//! on with its value attached; files follow behind `--`, so that clap has nothing left to guess.

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

/// The same request in the spelling of clap; `table` is built, `typed` is without the program.
pub(super) fn spelled_for_clap(table: &Command, typed: &[OsString]) -> Result<Vec<OsString>> {
    // Where the command stands is known only when it is known which options take values.
    let mut everything = Options::of([table].into_iter().chain(table.get_subcommands()), None);
    let mut at = 0;
    while let Some(argument) = typed.get(at).filter(|argument| is_option(argument)) {
        if argument.as_bytes() == b"--" {
            at = typed.len();
            break;
        }
        let spelled = everything.take(typed, &mut at)?;
        if let [word] = &spelled[..]
            && (word == "--help" || word == "--version")
        {
            return Ok(spelled);
        }
    }
    let Some(word) = typed.get(at) else {
        return Err(Error::usage(
            "no command: the right form is zarc add|extract|list|test ARCHIVE",
        ));
    };
    let verb = command_named(table, word)?;
    let rest = [&typed[..at], &typed[at + 1..]].concat();
    if verb.get_name() == "help" {
        let topic = rest
            .first()
            .map(|word| command_named(table, word))
            .transpose()?;
        let names = [Some(verb), topic];
        return Ok(names
            .into_iter()
            .flatten()
            .map(|verb| verb.get_name().into())
            .collect());
    }
    everything = Options::of([verb], Some((table, verb)));
    let mut options: Vec<OsString> = vec![verb.get_name().into()];
    let mut files = vec![OsString::from("--")];
    at = 0;
    while let Some(argument) = rest.get(at) {
        if argument.as_bytes() == b"--" {
            files.extend_from_slice(&rest[at + 1..]);
            break;
        } else if is_option(argument) {
            options.extend(everything.take(&rest, &mut at)?);
        } else {
            files.push(argument.clone());
            at += 1;
        }
    }
    options.extend(files);
    Ok(options)
}

/// A single `-` is a name.
fn is_option(argument: &OsStr) -> bool {
    matches!(argument.as_bytes(), [b'-', _, ..])
}

fn is_negative_number(argument: &OsStr) -> bool {
    matches!(argument.as_bytes(), [b'-', digit, ..] if digit.is_ascii_digit())
}

/// The command of that name, alias or unambiguous beginning.
fn command_named<'a>(table: &'a Command, word: &OsStr) -> Result<&'a Command> {
    let word = word.to_string_lossy();
    let exact = |verb: &&Command| {
        verb.get_name() == word || verb.get_all_aliases().any(|alias| alias == word)
    };
    if let Some(verb) = table.get_subcommands().find(exact) {
        return Ok(verb);
    }
    let begins = |verb: &&Command| !word.is_empty() && verb.get_name().starts_with(&*word);
    let found: Vec<&Command> = table.get_subcommands().filter(begins).collect();
    match found[..] {
        [verb] => Ok(verb),
        [] => Err(Error::usage(format!(
            "unknown command {}: the commands are add, extract, list and test",
            word.escape_debug()
        ))),
        _ => {
            let names = found.iter().map(|verb| verb.get_name());
            Err(ambiguous(
                "command",
                &word,
                names.map(String::from).collect(),
            ))
        }
    }
}

fn ambiguous(what: &str, word: &str, mut candidates: Vec<String>) -> Error {
    candidates.sort();
    let candidates = candidates.join(", ");
    Error::usage(format!(
        "{what} {} is ambiguous: {candidates}",
        word.escape_debug()
    ))
}

/// The options that may stand in one place.
struct Options<'a> {
    arguments: Vec<&'a Arg>,
    /// The whole table and the command these are of, for a better error.
    context: Option<(&'a Command, &'a Command)>,
}

impl<'a> Options<'a> {
    fn of(
        commands: impl IntoIterator<Item = &'a Command>,
        context: Option<(&'a Command, &'a Command)>,
    ) -> Self {
        let mut arguments: Vec<&Arg> = Vec::new();
        for argument in commands.into_iter().flat_map(Command::get_arguments) {
            let is_known = |known: &&Arg| known.get_long() == argument.get_long();
            if argument.get_long().is_some() && !arguments.iter().any(is_known) {
                arguments.push(argument);
            }
        }
        Self { arguments, context }
    }

    /// The option at `at` with its values in clap's spelling; `at` is moved behind them.
    fn take(&self, typed: &[OsString], at: &mut usize) -> Result<Vec<OsString>> {
        let argument = typed[*at].as_bytes();
        *at += 1;
        let bare = argument.strip_prefix(b"--").or(argument.strip_prefix(b"-"));
        let (word, attached) = split_value(bare.unwrap_or(argument));
        let (option, glued) = self.find(&String::from_utf8_lossy(word))?;
        let attached = attached
            .map(<[u8]>::to_vec)
            .or(glued.map(String::into_bytes));
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
            return Ok(vec![format!("--{name}").into()]);
        }
        let spelled =
            |value: Vec<u8>| OsString::from_vec([b"--", name.as_bytes(), b"=", &value].concat());
        Ok(values.into_iter().map(spelled).collect())
    }

    /// The option that `word` names, with the number that may be glued to it.
    fn find(&self, word: &str) -> Result<(&'a Arg, Option<String>)> {
        if let Some(option) = self.named(word)? {
            return Ok((option, None));
        }
        let letters = word.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
        let number = &word[letters.len()..];
        let short = GLUED.iter().find(|(letter, _)| *letter == letters);
        let name = short.map_or(letters, |(_, name)| name);
        if number.starts_with(|c: char| c.is_ascii_digit())
            && let Some(option) = self.named(name)?
            && GLUED
                .iter()
                .any(|(_, long)| option.get_long() == Some(long))
        {
            return Ok((option, Some(number.to_owned())));
        }
        Err(self.unknown(word))
    }

    /// The option of that name, letter or unambiguous beginning.
    fn named(&self, word: &str) -> Result<Option<&'a Arg>> {
        let long = |option: &Arg| option.get_long().unwrap_or_default().to_owned();
        let is_exact = |option: &&&Arg| {
            long(option) == word || option.get_short().is_some_and(|c| word.chars().eq([c]))
        };
        if let Some(option) = self.arguments.iter().find(is_exact) {
            return Ok(Some(option));
        }
        let begins = |option: &&&Arg| !word.is_empty() && long(option).starts_with(word);
        let mut found: Vec<&Arg> = self.arguments.iter().filter(begins).copied().collect();
        match found.len() {
            0 | 1 => Ok(found.pop()),
            _ => {
                let names = found.iter().map(|option| format!("-{}", long(option)));
                Err(ambiguous("option", &format!("-{word}"), names.collect()))
            }
        }
    }

    fn unknown(&self, word: &str) -> Error {
        let shown = word.escape_debug();
        let Some((table, verb)) = self.context else {
            return Error::usage(format!(
                "unknown option -{shown}: zarc help lists the commands"
            ));
        };
        let verb = verb.get_name();
        let owners: Vec<&str> = table
            .get_subcommands()
            .filter(|other| {
                other
                    .get_arguments()
                    .any(|option| option.get_long() == Some(word))
            })
            .map(Command::get_name)
            .collect();
        if owners.is_empty() {
            Error::usage(format!(
                "unknown option -{shown}: zarc help {verb} lists the options"
            ))
        } else {
            let owners = owners.join(" and ");
            Error::usage(format!(
                "option -{shown} is one of zarc {owners}, not of zarc {verb}"
            ))
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
    let first = rest
        .first()
        .filter(|word| is_value(word) || is_negative_number(word));
    let mut values: Vec<Vec<u8>> = match takes {
        Takes::Nothing => Vec::new(),
        Takes::One | Takes::Date => first
            .map(|word| word.as_bytes().to_vec())
            .into_iter()
            .collect(),
        Takes::OptionalNumber => first
            .filter(|word| word.as_bytes().iter().all(u8::is_ascii_digit) && !word.is_empty())
            .map(|word| word.as_bytes().to_vec())
            .into_iter()
            .collect(),
        Takes::Many(_) => rest
            .iter()
            .take_while(is_value)
            .map(|word| word.as_bytes().to_vec())
            .collect(),
    };
    *at += values.len();
    if takes == Takes::Date
        && let [date] = &mut values[..]
        && let Some(time) = rest
            .get(1)
            .filter(|word| is_date(date) && is_time(word.as_bytes()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::command_table;

    fn spelled(words: &str) -> std::result::Result<String, String> {
        // `_` stands for a space within an argument.
        let typed: Vec<OsString> = words
            .split(' ')
            .map(|word| word.replace('_', " ").into())
            .collect();
        match spelled_for_clap(&command_table(), &typed) {
            Ok(words) => Ok(words.join(OsStr::new(" ")).to_string_lossy().into_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn each_spelling_has_one_meaning() {
        for (typed, meant) in [
            ("a x f", "add -- x f"),
            ("e x", "extract -- x"),
            ("x x", "extract -- x"),
            ("ex x", "extract -- x"),
            ("l x", "list -- x"),
            ("te x", "test -- x"),
            ("list x -unt 3 f", "list --until=3 -- x f"),
            ("list x -until -1 f", "list --until=-1 -- x f"),
            (
                "list x -until 2014/04/30 11:30 f",
                "list --until=2014/04/30 11:30 -- x f",
            ),
            (
                "list x -until 2014/04/30 11 f",
                "list --until=2014/04/30 -- x 11 f",
            ),
            ("list x -until 3 11:30", "list --until=3 -- x 11:30"),
            (
                "list x -until 2014/04/30_11:30 1:2",
                "list --until=2014/04/30 11:30 -- x 1:2",
            ),
            ("list --until=-1 x", "list --until=-1 -- x"),
            ("list x -al 2 f", "list --all=2 -- x f"),
            ("list x -all f 2", "list --all -- x f 2"),
            ("list x -all", "list --all -- x"),
            (
                "list x f -not a -b",
                "unknown option -b: zarc help list lists the options",
            ),
            (
                "list x f -not a* =# -f",
                "list --not=a* --not==# --force -- x f",
            ),
            (
                "list x -not -only a b -- -c",
                "list --not --only=a --only=b -- x -c",
            ),
            ("list -not=a x", "list --not=a -- x"),
            ("add x f -m3 -t4", "add --method=3 --threads=4 -- x f"),
            (
                "add x f -method14 -th2",
                "add --method=14 --threads=2 -- x f",
            ),
            (
                "add x f -m 0 -me=zstd:12",
                "add --method=0 --method=zstd:12 -- x f",
            ),
            ("add x f -s10 -key", "add --summary=10 --key -- x f"),
            ("add x f -key a b -f", "add --key=a --key=b --force -- x f"),
            ("add x -fragment -1 f", "add --fragment=-1 -- x f"),
            ("-quiet -m 3 add x f -", "add --quiet --method=3 -- x f -"),
            ("add -help", "add --help --"),
            ("-h", "--help"),
            ("-vers", "--version"),
            ("help a", "help add"),
        ] {
            assert_eq!(
                spelled(typed).unwrap_or_else(|error| error),
                meant,
                "{typed}"
            );
        }
    }

    #[test]
    fn a_wrong_spelling_is_told() {
        for (typed, told) in [
            ("", "no command"),
            ("frob x", "unknown command frob"),
            (
                "add x f -t 4",
                "option -t is ambiguous: -test, -threads, -to",
            ),
            ("add x f -s", "option -s is ambiguous: -special, -summary"),
            (
                "add x f -no",
                "option -no is ambiguous: -noattributes, -nodelete, -not",
            ),
            (
                "add x f -fr",
                "option -fragment needs a value: the right form is -fragment N",
            ),
            (
                "add x f -only -f",
                "option -only needs a value: the right form is -only FILE",
            ),
            ("add x f -force=1", "option -force takes no value"),
            ("add x f -force1", "unknown option -force1"),
            ("list x -nodelete", "is one of zarc add, not of zarc list"),
        ] {
            let error = spelled(typed).unwrap_err();
            assert!(error.contains(told), "{typed}: {error}");
        }
    }

    #[test]
    fn names_are_bytes() {
        let name = OsString::from_vec(b"\xff -x".to_vec());
        let typed = [
            "list".into(),
            "x".into(),
            name.clone(),
            "-not".into(),
            name.clone(),
        ];
        let spelled = spelled_for_clap(&command_table(), &typed).unwrap();
        assert_eq!(spelled[1].as_bytes(), b"--not=\xff -x");
        assert_eq!(spelled[4], name);
    }
}
