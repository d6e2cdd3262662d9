//! The table of commands and options, and the help made from it.
//!
//! Values stay text here; `request` reads them, so that a wrong one is told in our words.
//! `spelling` turns zpaq's one-dash options into the two-dash ones that this table knows.

use std::ffi::OsString;

use clap::{Args, CommandFactory, Parser, Subcommand};

/// zarc keeps the whole history of a directory tree in one append-only file.
#[derive(Debug, Parser)]
#[command(
    name = "zarc",
    version,
    args_override_self = true,
    override_usage = "zarc COMMAND ARCHIVE[.zarc] [FILE]... [-OPTION]...",
    after_help = "Commands and options may be abbreviated as long as it is not ambiguous: a x l t, -unt 3.\n\
        `zarc help add` explains a command, with examples.\n\
        Exit code: 0 done; 1 done, with problems that are all named; 2 not done; 130 interrupted."
)]
pub(super) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// The four commands.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Append what changed in files to the archive, or create it (a)
    #[command(
        override_usage = "zarc add ARCHIVE[.zarc] FILE... [-OPTION]...",
        after_help = "Shows + for what is added, # updated, - deleted.\n\n\
            Examples:\n  \
            zarc add backup /home/me -not '*.o' /home/me/.cache\n  \
            zarc add backup docs -to archive/docs -method 3\n  \
            zarc add backup docs -test       what would it take?",
        mut_arg("until", |option| option.hide(true))
    )]
    Add(AddArguments),
    /// Restore files, or everything (x, e)
    #[command(
        alias = "x",
        override_usage = "zarc extract ARCHIVE[.zarc] [FILE]... [-OPTION]...",
        after_help = "Existing files are left alone without --force. Absolute names are restored below the\n\
            current directory, or below --to. Shows > for what is written, ? skipped, = identical.\n\n\
            Examples:\n  \
            zarc extract backup -to restored\n  \
            zarc extract backup docs notes -to old/docs old/notes -until 2024/01/01\n  \
            zarc extract backup -all -to versions"
    )]
    Extract(ExtractArguments),
    /// Show what is inside, or compare files with the disk (l)
    #[command(
        override_usage = "zarc list ARCHIVE[.zarc] [FILE]... [-OPTION]...",
        after_help = "With files, the first column is = for identical, # different, - inside only, + outside only.\n\n\
            Examples:\n  \
            zarc list backup docs -not =         what would add change?\n  \
            zarc list backup -all -only '*/notes.txt'\n  \
            zarc list backup -all 2 -not '??/?*'  the dates of all updates"
    )]
    List(ListArguments),
    /// Read and check every stored byte (t)
    #[command(
        override_usage = "zarc test ARCHIVE[.zarc] [-OPTION]...",
        after_help = "Examples:\n  zarc test backup\n  zarc test backup -until 10"
    )]
    Test(TestArguments),
}

/// What every command takes.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// The archive file
    #[arg(value_name = "ARCHIVE")]
    pub(super) archive: OsString,
    /// The state after version N, N versions back with -N, or at a date in universal time
    #[arg(long, value_name = "DATE|[-]N")]
    pub(super) until: Option<OsString>,
    /// Say nothing but warnings and errors
    #[arg(long)]
    pub(super) quiet: bool,
    /// Say more about what was done
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// Recognised, not there yet.
    #[arg(long, value_name = "PASSWORD", num_args = 0.., hide = true)]
    pub(super) key: Option<Vec<OsString>>,
    /// Recognised, not there yet.
    #[arg(long, value_name = "N", num_args = 0..=1, hide = true)]
    pub(super) summary: Option<Vec<OsString>>,
}

/// Which names are meant, and what they are called on the other side.
#[derive(Debug, Args)]
pub(super) struct Names {
    /// Leave out what matches: * is any string, ? any byte, / included; list: =#+- hides symbols
    #[arg(long, value_name = "FILE", num_args = 0..)]
    pub(super) not: Vec<OsString>,
    /// Leave out what matches none of these
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(super) only: Vec<OsString>,
    /// Other names for files, one by one; extract without files: the directory for everything
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(super) to: Vec<OsString>,
    /// Leave out mode, owner and extended attributes
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
    /// Read all files, also those whose size and times did not change
    #[arg(short, long)]
    pub(super) force: bool,
    /// Fragments of 2^N KiB on average (6)
    #[arg(long, value_name = "N")]
    pub(super) fragment: Option<OsString>,
    /// Compression level 0 to 5, then block size 2^0 to 2^8 MiB (25); or store[,SIZE],
    /// zstd[:1 to 22][,SIZE], brotli[:0 to 11][,SIZE]; i: an index, which keeps no data
    #[arg(long, value_name = "LEVEL[SIZE]")]
    pub(super) method: Option<OsString>,
    /// Do not mark deleted what is gone from disk
    #[arg(long)]
    pub(super) nodelete: bool,
    /// Do everything but write
    #[arg(long)]
    pub(super) test: bool,
    /// Compress at most N blocks at a time (number of cores)
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
    /// Every version in its own directory, its number N digits wide (4)
    #[arg(long, value_name = "N", num_args = 0..=1)]
    pub(super) all: Option<Vec<OsString>>,
    /// Overwrite files that differ
    #[arg(short, long)]
    pub(super) force: bool,
    /// Decode and check, write nothing
    #[arg(long)]
    pub(super) test: bool,
    /// Decode at most N blocks at a time (number of cores)
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<OsString>,
}

/// `zarc list`.
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// Files and directories to compare
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<OsString>,
    #[command(flatten)]
    pub(super) names: Names,
    /// Every version in its own directory, its number N digits wide (4)
    #[arg(long, value_name = "N", num_args = 0..=1)]
    pub(super) all: Option<Vec<OsString>>,
    /// Compare contents, not dates and attributes
    #[arg(short, long)]
    pub(super) force: bool,
}

/// `zarc test`.
#[derive(Debug, Args)]
pub(super) struct TestArguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// Decode at most N blocks at a time (number of cores)
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<OsString>,
}

/// The table of commands and options, for the man page, completions and the spelling.
pub fn command_table() -> clap::Command {
    let mut table = Arguments::command();
    table.build();
    table
}

/// The table's help in the spelling that the manual has.
pub(super) fn one_dash(help: &str) -> String {
    // The text beside an option moves left by one; so do the lines that continue it.
    help.replace("--", "-").replace(&format!("\n{CONTINUED}"), &format!("\n{}", &CONTINUED[1..]))
}

/// Only lines that continue the text of an option are indented so deep.
const CONTINUED: &str = "                ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound_and_its_first_page_fits_a_screen() {
        Arguments::command().debug_assert();
        let help = one_dash(&command_table().render_help().to_string());
        assert!(help.lines().count() <= 24, "{help}");
        assert!(help.lines().all(|line| line.len() <= 100), "{help}");
    }
}
