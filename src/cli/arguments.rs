//! The table of commands and options; `help` and `manual_page` are made from it.
//!
//! Values stay text here; `request` reads them, so that a wrong one is told in our words.
//! `spelling` turns zpaq's one-dash options into the two-dash ones that this table knows.

use std::ffi::OsString;

use clap::{Args, CommandFactory, Parser, Subcommand};

use super::help;

/// Journaling archiver: keeps the whole history of a directory tree in one file
#[derive(Debug, Parser)]
#[command(
    name = "zarc",
    version,
    args_override_self = true,
    disable_help_subcommand = true,
    max_term_width = help::WIDTH,
    override_usage = "zarc COMMAND ARCHIVE[.zarc] [FILE]... [-OPTION]...",
    after_help = help::FIRST_PAGE
)]
pub(super) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// The commands, and help.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Append what changed in files to the archive, or create it (a)
    #[command(
        override_usage = "zarc add ARCHIVE[.zarc] FILE... [-OPTION]...",
        after_help = help::ADD,
        mut_arg("until", |option| option.help(ADD_UNTIL))
    )]
    Add(AddArguments),
    /// Restore files, or everything (x, e)
    #[command(
        alias = "x",
        override_usage = "zarc extract ARCHIVE[.zarc] [FILE]... [-OPTION]...",
        after_help = help::EXTRACT
    )]
    Extract(ExtractArguments),
    /// Make the index of an archive in parts, part 0, or let it catch up
    #[command(
        override_usage = "zarc index PARTS[.zarc] [-OPTION]...",
        after_help = help::INDEX,
        mut_arg("until", |option| option.hide(true))
    )]
    Index(IndexArguments),
    /// Show what is inside, or compare files with the disk (l)
    #[command(
        override_usage = "zarc list ARCHIVE[.zarc] [FILE]... [-OPTION]...",
        after_help = help::LIST
    )]
    List(ListArguments),
    /// Change the password of an encrypted archive
    #[command(
        override_usage = "zarc passwd ARCHIVE[.zarc] [-OPTION]...",
        after_help = help::PASSWD,
        mut_arg("key", |option| option.help(OLD_KEY)),
        mut_arg("until", |option| option.hide(true))
    )]
    Passwd(PasswdArguments),
    /// Read and check every stored byte (t)
    #[command(
        override_usage = "zarc test ARCHIVE[.zarc] [-OPTION]...",
        after_help = help::TEST
    )]
    Test(TestArguments),
    /// Explain a command, or print the manual page
    #[command(override_usage = "zarc help [COMMAND|man]", after_help = help::HELP)]
    Help(HelpArguments),
}

impl Verb {
    /// Its name in the table, and what it has in common with others, if anything.
    pub(super) fn about(&self) -> (&'static str, Option<&Common>) {
        match self {
            Self::Add(arguments) => ("add", Some(&arguments.common)),
            Self::Extract(arguments) => ("extract", Some(&arguments.common)),
            Self::Index(arguments) => ("index", Some(&arguments.common)),
            Self::List(arguments) => ("list", Some(&arguments.common)),
            Self::Passwd(arguments) => ("passwd", Some(&arguments.common)),
            Self::Test(arguments) => ("test", Some(&arguments.common)),
            Self::Help(_) => ("help", None),
        }
    }
}

/// What every command takes.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// The archive file, or 'part??' for parts: * is a part's number, each ? one digit of it
    #[arg(value_name = "ARCHIVE")]
    pub(super) archive: OsString,
    /// The state after version N; -N: without the last N versions; or at a date YYYY-MM-DD[
    /// HH[:MM[:SS]]] in universal time, its last second where less is said
    #[arg(long, value_name = "DATE|[-]N")]
    pub(super) until: Option<OsString>,
    /// Say only what went wrong; list shows its rows
    #[arg(long)]
    pub(super) quiet: bool,
    /// Say more about what was done
    #[arg(short, long, conflicts_with = "quiet")]
    pub(super) verbose: bool,
    /// For programs: results and problems on stdout, one JSON object a line
    #[arg(long)]
    pub(super) json: bool,
    /// The archive is encrypted, or is to be, under this password of one or more words. Without a
    /// word it is asked for and not shown, twice if the archive is new
    #[arg(long, value_name = "WORD", num_args = 0..)]
    pub(super) key: Option<Vec<OsString>>,
    /// The same with the password that a file holds
    #[arg(long, value_name = "FILE")]
    pub(super) keyfile: Option<OsString>,
    /// The same with the password that a shell command prints. Without these three the variables ZARC_KEY,
    /// ZARC_KEY_FILE and ZARC_KEY_COMMAND are looked at
    #[expect(clippy::doc_markdown, reason = "the help shows it as it is")]
    #[arg(long, value_name = "COMMAND")]
    pub(super) keycmd: Option<OsString>,
}

/// Which names are meant, and what they are called on the other side.
#[derive(Debug, Args)]
pub(super) struct Names {
    /// Leave out what matches: * is any string, ? any byte, / included; a directory stands for
    /// all below it. With list, =[#+-^]... hides rows that are identical or have these symbols
    #[arg(long, value_name = "FILE", num_args = 0..)]
    pub(super) not: Vec<OsString>,
    /// Leave out what matches none of these; -not goes first
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(super) only: Vec<OsString>,
    /// Other names: for add and list inside of the archive, for extract outside, one for each
    /// file. Extract without files: the directory for everything. -only and -not see the names
    /// before that
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(super) to: Vec<OsString>,
    /// Neither save, restore nor compare mode, owner and extended attributes
    #[arg(long)]
    pub(super) noattributes: bool,
    /// Device nodes and sockets too
    #[arg(long)]
    pub(super) special: bool,
}

/// `zarc add`.
#[derive(Debug, Args)]
pub(super) struct AddArguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// Files and directories
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<OsString>,
    #[command(flatten)]
    pub(super) names: Names,
    /// Read all files, also those whose size and times did not change; what is the same inside is
    /// not added
    #[arg(short, long)]
    pub(super) force: bool,
    /// Cut files into fragments of 2^N KiB on average, from 1/16 to 8 times that (6, or what the
    /// archive was made with). Other fragments are not found again
    #[arg(long, value_name = "N")]
    pub(super) fragment: Option<OsString>,
    /// Compression level 0 to 5, and the size of blocks, 0 to 8 for 2^0 to 2^8 MiB (zstd:5,5); or
    /// store[,SIZE], zstd[:1 to 22][,SIZE], brotli[:0 to 11][,SIZE], lzma[:0 to 9][,SIZE], ppmd[:2 to 32][,SIZE],
    /// cm[:1 to 2][,SIZE]. Higher and larger: smaller, but slower. 3 is slow to add, 4 and 5 (context
    /// mixing) are slow to extract, too. i: an index, which keeps no data
    #[arg(long, value_name = "LEVEL[SIZE]")]
    pub(super) method: Option<OsString>,
    /// Do not mark deleted what is gone from disk
    #[arg(long)]
    pub(super) nodelete: bool,
    /// Of an archive in parts: go on in another part when one would be longer than so many bytes, or
    /// KiB, MiB, GiB with k, M, G; from 1M. Blocks stay whole, so that a part may be longer by itself
    #[arg(long, value_name = "BYTES")]
    pub(super) partsize: Option<OsString>,
    /// Show how far it is, but no files; N has no effect
    #[arg(long, value_name = "N", num_args = 0..=1)]
    pub(super) summary: Option<Vec<OsString>>,
    /// Do everything but write: what would it take?
    #[arg(long)]
    pub(super) test: bool,
    /// Compress at most N blocks, and read at most N files, at a time (number of cores)
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<OsString>,
}

/// `zarc extract`.
#[derive(Debug, Args)]
pub(super) struct ExtractArguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// Names in the archive
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<OsString>,
    #[command(flatten)]
    pub(super) names: Names,
    /// What each version changed, in a directory of its own, its number N digits wide (4)
    #[arg(long, value_name = "N", num_args = 0..=1)]
    pub(super) all: Option<Vec<OsString>>,
    /// Overwrite files that differ, and set dates and attributes of those that do not
    #[arg(short, long)]
    pub(super) force: bool,
    /// Show how far it is, but no files; N has no effect
    #[arg(long, value_name = "N", num_args = 0..=1)]
    pub(super) summary: Option<Vec<OsString>>,
    /// Decode and check, write nothing
    #[arg(long)]
    pub(super) test: bool,
    /// Which bytes of which parts would it need? Only the index is read, nothing is written
    #[arg(long, conflicts_with = "test")]
    pub(super) plan: bool,
    /// Decode at most N blocks at a time (number of cores)
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<OsString>,
}

/// `zarc index`.
#[derive(Debug, Args)]
pub(super) struct IndexArguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// Make it anew, in the place of one that disagrees with the parts
    #[arg(short, long)]
    pub(super) force: bool,
}

/// `zarc list`.
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// Files and directories to compare, or another archive
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<OsString>,
    #[command(flatten)]
    pub(super) names: Names,
    /// What each version changed, in a directory of its own, its number N digits wide (4)
    #[arg(long, value_name = "N", num_args = 0..=1)]
    pub(super) all: Option<Vec<OsString>>,
    /// Compare contents, by reading them, but not dates and attributes
    #[arg(short, long)]
    pub(super) force: bool,
    /// Only the N largest files and directories, the largest first (20)
    #[arg(long, value_name = "N", num_args = 0..=1)]
    pub(super) summary: Option<Vec<OsString>>,
}

/// `zarc passwd`.
#[derive(Debug, Args)]
pub(super) struct PasswdArguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// The new password, of one or more words. Without a word it is asked for twice and not shown
    #[arg(long, value_name = "WORD", num_args = 0..)]
    pub(super) newkey: Option<Vec<OsString>>,
    /// The same with the password that a file holds
    #[arg(long, value_name = "FILE")]
    pub(super) newkeyfile: Option<OsString>,
    /// The same with the password that a shell command prints
    #[arg(long, value_name = "COMMAND")]
    pub(super) newkeycmd: Option<OsString>,
}

/// `zarc test`.
#[derive(Debug, Args)]
pub(super) struct TestArguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// Fail at once unless the fingerprint begins with these digits, 8 or more: the one that add or
    /// test printed last. Else the archive was put back to an older state, or is another one
    #[arg(long, value_name = "FINGERPRINT")]
    pub(super) expect: Option<OsString>,
    /// Decode at most N blocks at a time (number of cores)
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<OsString>,
}

/// `zarc help`.
#[derive(Debug, Args)]
pub(super) struct HelpArguments {
    /// What to explain
    #[arg(value_name = "COMMAND|man")]
    pub(super) topic: Option<OsString>,
}

/// The table of commands and options, for the man page, completions and the spelling.
pub fn command_table() -> clap::Command {
    let mut table = Arguments::command();
    table.build();
    table
}

/// `-until` takes away when adding; elsewhere it only looks.
const ADD_UNTIL: &str = "Roll back first: to version N; -N: by N versions; or to a date, which the \
    update gets too; versions that are lost need --force or a yes on the terminal";

/// Elsewhere the key may be new.
const OLD_KEY: &str = "The password that opens the archive now, of one or more words. Without a \
    word, or without any of these options, it is asked for and not shown";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        Arguments::command().debug_assert();
    }
}
