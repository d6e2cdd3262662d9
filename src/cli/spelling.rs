//! zpaq's spelling (`-unt 3`, `-m14`, `-not a b`) to clap's (`--until=3`, `--method=14`,
//! `--not=a --not=b`), driven by clap's own table of commands and options.
//!
//! clap reads `-until` as a cluster of one-letter options (clap#1210). Here each option is found by
//! its name or an unambiguous beginning, takes the values that the manual gives it, and is handed
//! on with its value attached; files follow behind `--`, so that clap has nothing left to guess.

use std::ffi::{OsStr, OsString};

use clap::Command;

use crate::base::{Error, Result};

use super::option_values::{Options, ambiguous, is_option};

/// A request in the spelling of clap.
#[derive(Debug)]
pub(super) struct Spelled {
    /// The arguments, without the program.
    pub(super) words: Vec<OsString>,
    /// Options that have no effect on the command, each once.
    pub(super) ignored: Vec<String>,
}

/// The same request in the spelling of clap; `table` is built, `typed` is without the program.
pub(super) fn spelled_for_clap(table: &Command, typed: &[OsString]) -> Result<Spelled> {
    let mut ignored = Vec::new();
    let place = match place_of_command(table, typed)? {
        Place::At(place) => place,
        Place::Nowhere(words) => return Ok(Spelled { words, ignored }),
    };
    let verb = command_named(table, &typed[place])?;
    let mut rest = typed.to_vec();
    rest.remove(place);
    let mut words: Vec<OsString> = vec![verb.get_name().into()];
    let options = Options::of(verb, table);
    let mut files = vec![OsString::from("--")];
    let mut at = 0;
    while let Some(argument) = rest.get(at) {
        if argument == "--" {
            files.extend_from_slice(&rest[at + 1..]);
            break;
        } else if is_option(argument) {
            let taken = options.take(&rest, &mut at)?;
            if !taken.is_ignored {
                words.extend(taken.spelled);
            } else if !ignored.iter().any(|name| name == taken.name) {
                ignored.push(taken.name.to_owned());
            }
        } else {
            files.push(argument.clone());
            at += 1;
        }
    }
    words.extend(files);
    Ok(Spelled { words, ignored })
}

/// Where the command stands among the arguments.
enum Place {
    At(usize),
    /// None is needed: this is all that clap is to know.
    Nowhere(Vec<OsString>),
}

/// Finds the command behind the options before it, which may be those of any command.
fn place_of_command(table: &Command, typed: &[OsString]) -> Result<Place> {
    let options = Options::of_all(table);
    let mut at = 0;
    while let Some(argument) = typed.get(at).filter(|argument| *argument != "--") {
        if !is_option(argument) {
            return Ok(Place::At(at));
        }
        let spelled = options.take(typed, &mut at)?.spelled;
        if spelled == ["--help"] || spelled == ["--version"] {
            return Ok(Place::Nowhere(spelled));
        }
    }
    Err(Error::usage(
        "no command: the right form is zarc add|extract|index|list|passwd|test ARCHIVE, and zarc help tells more",
    ))
}

/// The command of that name, alias or unambiguous beginning.
pub(super) fn command_named<'a>(table: &'a Command, word: &OsStr) -> Result<&'a Command> {
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
            "unknown command \"{}\": the commands are add, extract, index, list, passwd and test",
            word.escape_debug()
        ))),
        _ => {
            let names = found.iter().map(|verb| verb.get_name());
            Err(ambiguous("command", &word, names.map(String::from).collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::arguments::command_table;
    use super::*;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};

    fn spelled(words: &str) -> std::result::Result<String, String> {
        // `_` stands for a space within an argument.
        let typed: Vec<OsString> =
            words.split(' ').map(|word| word.replace('_', " ").into()).collect();
        match spelled_for_clap(&command_table(), &typed) {
            Ok(Spelled { words, ignored }) => {
                let words = words.join(OsStr::new(" ")).to_string_lossy().into_owned();
                Ok(ignored.iter().fold(words, |words, name| format!("{words}, not -{name}")))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    fn check(table: &[(&str, &str)]) {
        for (typed, meant) in table {
            assert_eq!(spelled(typed).unwrap_or_else(|error| error), *meant, "{typed}");
        }
    }

    #[test]
    fn commands_and_help_may_be_abbreviated() {
        check(&[
            ("a x f", "add -- x f"),
            ("e x", "extract -- x"),
            ("x x", "extract -- x"),
            ("ex x", "extract -- x"),
            ("l x", "list -- x"),
            ("te x", "test -- x"),
            ("add -help", "add --help --"),
            ("-h", "--help"),
            ("-vers", "--version"),
            ("help a", "help -- a"),
            ("h -h", "help --help --"),
        ]);
    }

    #[test]
    fn options_take_the_values_of_the_manual() {
        check(&[
            ("list x -unt 3 f", "list --until=3 -- x f"),
            ("list x -until -1 f", "list --until=-1 -- x f"),
            ("list x -until 2014/04/30 11:30 f", "list --until=2014/04/30 11:30 -- x f"),
            ("list x -until 2014/04/30 11 f", "list --until=2014/04/30 -- x 11 f"),
            ("list x -until 3 11:30", "list --until=3 -- x 11:30"),
            ("list x -until 2014/04/30_11:30 1:2", "list --until=2014/04/30 11:30 -- x 1:2"),
            ("list --until=-1 x", "list --until=-1 -- x"),
            ("list x -al 2 f", "list --all=2 -- x f"),
            ("list x -all f 2", "list --all -- x f 2"),
            ("list x -all", "list --all -- x"),
            ("list x f -not a -b", "unknown option -b: zarc help list lists the options"),
            ("list x f -not a* =# -f", "list --not=a* --not==# --force -- x f"),
            ("list x -not -only a b -- -c", "list --not --only=a --only=b -- x -c"),
            ("list -not=a x", "list --not=a -- x"),
            ("add x f -m3 -t4", "add --method=3 --threads=4 -- x f"),
            ("add x f -method14 -th2", "add --method=14 --threads=2 -- x f"),
            ("add x f -m 0 -me=zstd:12", "add --method=0 --method=zstd:12 -- x f"),
            ("add x f -s10 -key", "add --summary=10 --key -- x f"),
            ("add x f -s -k pw", "add --summary --key=pw -- x f"),
            ("add x f -key a b -f", "add --key=a --key=b --force -- x f"),
            ("add x -fragment -1 f", "add --fragment=-1 -- x f"),
            ("-quiet -m 3 add x f -", "add --quiet --method=3 -- x f -"),
        ]);
    }

    #[test]
    fn options_of_other_commands_are_left_out_with_their_values() {
        check(&[
            ("list x -nodelete f", "list -- x f, not -nodelete"),
            ("list x -m 14 f -fr 6 -t4", "list -- x f, not -method, not -fragment, not -threads"),
            ("list x -t f -te", "list --to=f -- x, not -test"),
            ("add x -all 2 f -al f", "add -- x f f, not -all"),
            ("extract x -met 3 -nod f", "extract -- x f, not -method, not -nodelete"),
            ("test x -to a b -not =# -q", "test --quiet -- x, not -to, not -not"),
            ("test x -s10", "test -- x, not -summary"),
            ("-force test x", "test -- x, not -force"),
        ]);
    }

    #[test]
    fn a_wrong_spelling_is_told() {
        for (typed, told) in [
            ("-quiet", "no command"),
            ("_ x", "unknown command \" \""),
            ("frob x", "unknown command \"frob\""),
            ("add x f -t 4", "option -t is ambiguous: -test, -threads, -to"),
            ("add x f -no", "option -no is ambiguous: -noattributes, -nodelete, -not"),
            ("add x f -fr", "option -fragment needs a value: the right form is -fragment N"),
            ("add x f -only -f", "option -only needs a value: the right form is -only FILE"),
            ("add x f -force=1", "option -force takes no value"),
            ("add x f -force1", "unknown option -force1"),
            ("test x -special", "is one of zarc add and extract and list, not of zarc test"),
            ("test x -n", "option -n is ambiguous: -noattributes, -nodelete, -not"),
            ("list x -fragment", "option -fragment needs a value"),
        ] {
            let error = spelled(typed).unwrap_err();
            assert!(error.contains(told), "{typed}: {error}");
        }
    }

    #[test]
    fn names_are_bytes() {
        let name = OsString::from_vec(b"\xff -x".to_vec());
        let typed = ["list".into(), "x".into(), name.clone(), "-not".into(), name.clone()];
        let spelled = spelled_for_clap(&command_table(), &typed).unwrap();
        assert_eq!(spelled.words[1].as_bytes(), b"--not=\xff -x");
        assert_eq!(spelled.words[4], name);
    }
}
