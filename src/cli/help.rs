//! The words of the help: what stands below the options of each command, and the spelling of it all.
//!
//! A text is made of blocks with empty lines between them. A block is a paragraph in one line, or a
//! title that ends with a colon and indented lines that stay as they are: examples, one a line, each
//! with a comment behind two spaces or more. The manual page is made from the same blocks.

use clap::Command;

/// Columns of a page.
pub(super) const WIDTH: usize = 80;

/// Below the commands.
pub(super) const FIRST_PAGE: &str = "\
Examples:
  zarc add backup docs              append what is new in docs, at first all
  zarc extract backup docs -until 2024/01/01 -to old    docs as it was then

Commands and options may be abbreviated while that is unambiguous: a, x, -unt 3.

Exit code: 0 done; 1 done, with named problems; 2 not done; 130 interrupted.";

/// Below the options of `add`.
pub(super) const ADD: &str = "\
Files are saved with all below them, under the names given. Each add that finds a change makes one \
more version; what is gone from disk is marked as deleted in it. A file counts as changed when its \
size, a time or its inode number is another. What cannot be read is named and stays as it is in the \
archive. When add is interrupted, the archive is what it was before. The archive \"\" is nowhere: a \
trial. With * or ? in its name, as in 'part??', the archive is kept in parts: each update makes the \
next one. With -until the archive first goes back to an older version: what is lost needs -force, or a \
yes on the terminal.

Symbols:
  +  added, with its size and, behind ->, what of it was not stored yet
  #  updated
  -  deleted

Examples:
  zarc add backup /home/me -not '*.o' /home/me/.cache
  zarc add backup docs notes -to archive/docs archive/notes
  zarc add backup docs -method 3 -threads 2    smaller, but slower
  zarc add backup docs -summary     say how far it is, not each file
  zarc add backup docs -test        what would it take?
  zarc add backup docs notes -until -1 -force    in place of the last version";

/// Below the options of `extract`.
pub(super) const EXTRACT: &str = "\
Files are restored with all below them, as they were in the newest version or at -until. Objects \
that exist are left alone without -force. Absolute names are restored below the current directory, \
or below -to, and nothing is written outside of it. The content of each file is compared with its \
identity; what is damaged is named, the rest is restored. With -plan, a line for each part tells whether it is there (=) or missing (?), and the first and last \
byte of all that is needed of it. Where parts are missing, what they cost is said first, and \
everything else is restored.

Symbols:
  >  written, with its size
  ?  exists, and was left alone
  =  exists, and is identical (with -force)

Examples:
  zarc extract backup -to restored
  zarc extract backup docs -test    can it be restored?
  zarc extract backup docs -plan    which bytes have to be fetched?
  zarc extract backup docs/notes.txt -force
  zarc extract backup docs notes -to old/docs old/notes -until 2024/01/01
  zarc extract backup -all -to versions";

/// Below the options of `list`.
pub(super) const LIST: &str = "\
A row is a symbol, the date of the last change in universal time, the size, the type and permission \
bits, and the name. Without files everything inside is shown. Files are compared with what is on \
disk, by dates, sizes and attributes, or by content with -force; both sides are shown where they \
differ. add in place of list would change just that. The archive \"\" is empty. With -all, the \
directory of a version shows its date, what it added, updated and deleted, and the bytes it takes. \
With -summary, directories have the size of all in them, and ^ stands for a file with the content of \
the one before. If the only file is an archive that this one has no copy of, the two are compared.

Symbols:
  =  the same inside and outside
  #  different: this is inside, + is outside
  -  inside only, or not compared
  +  outside only
  ^  a duplicate (with -summary)

Examples:
  zarc list backup docs -not =      what would add change?
  zarc list backup docs -force      is the content still the same?
  zarc list backup -all -only '*/notes.txt'
  zarc list backup -all 2 -not '??/?*'    the dates of all updates
  zarc list backup -until -1        without the last update
  zarc list backup -summary 10      the 10 largest, and which of them are alike";

/// Below the options of `index`.
pub(super) const INDEX: &str = "\
Part 0 has all of an archive in parts but the contents of files. It is made with part 1, and each add \
keeps it up to date: with it alone one can list, compare and add, when the other parts were moved to \
another place. This command makes it from the parts, all of which have to be there, or records the \
updates that it lacks. One that disagrees with the parts is left as it is, but with -force.

Examples:
  zarc index 'part??'               make it, or let it catch up
  zarc index 'part??' -force        make it anew from the parts";

/// Below the options of `passwd`.
pub(super) const PASSWD: &str = "\
The archive then opens with the new password and no longer with the old one. What is in it is \
encrypted under a key of its own, which only the password locks: no data is written anew, and \
copies of the file that were made before still open with the old password. If that one may be \
known to others, extract into a new archive with a new key. Of an archive in parts, those that are \
there are changed. An interrupted change leaves an archive \
that opens with one of both. What no option gives is asked for: the old password once, the new one \
twice.

Examples:
  zarc passwd secret -keyfile old-key -newkeyfile new-key
  zarc passwd secret -keycmd 'cat new-key' -newkeycmd 'cat old-key'    as before";

/// Below the options of `test`.
pub(super) const TEST: &str = "\
Every block is decoded and every fragment, page and commit of all versions up to -until is compared \
with its checksum, and every file with the fragments it is made of. Nothing is written. What is \
damaged is named, and the exit code is 2. That an older state of the whole archive was put in its \
place shows in the fingerprint alone: note the one that add prints, and give it to -expect.

Examples:
  zarc test backup
  zarc test backup -until 10        only the first ten versions";

/// Below the options of `help`.
pub(super) const HELP: &str = "\
The manual page holds the help of all commands, for man.

Examples:
  zarc help add
  zarc help man > zarc.1";

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block<'a> {
    /// Sentences, all in one line.
    Paragraph(&'a str),
    /// A title without its colon, and lines that stay as they are, without their indentation.
    Lines(&'a str, Vec<&'a str>),
}

/// The blocks of a text.
pub(super) fn blocks_of(text: &str) -> impl Iterator<Item = Block<'_>> {
    text.split("\n\n").map(|block| {
        let titled = block.split_once('\n').map(|(title, rest)| (title.strip_suffix(':'), rest));
        match titled {
            Some((Some(title), rest)) => {
                Block::Lines(title, rest.lines().map(|line| line.trim_start_matches(' ')).collect())
            }
            _ => Block::Paragraph(block),
        }
    })
}

/// The help of a command in the spelling that the manual has.
pub(super) fn help_of(command: &Command) -> String {
    one_dash(&command.clone().render_help().to_string())
}

/// A text of clap in the spelling that the manual has.
pub(super) fn one_dash(help: &str) -> String {
    // The text beside an option moves left by one; so do the lines that continue it.
    help.replace("--", "-").replace(&format!("\n{CONTINUED}"), &format!("\n{}", &CONTINUED[1..]))
}

/// Only lines that continue the text of an option are indented so deep.
const CONTINUED: &str = "                ";

#[cfg(test)]
mod tests {
    use super::super::arguments::command_table;
    use super::*;

    #[test]
    fn pages_fit_and_leave_no_option_out() {
        let table = command_table();
        let first = help_of(&table);
        assert!(first.lines().count() <= 24, "{first}");
        for command in [&table].into_iter().chain(table.get_subcommands()) {
            let help = help_of(command);
            assert!(help.lines().all(|line| line.chars().count() <= WIDTH), "{help}");
            assert!(!help.contains("--"), "{help}");
            for option in command.get_arguments().filter(|option| !option.is_hide_set()) {
                let Some(name) = option.get_long() else { continue };
                let is_shown =
                    |line: &str| line.split([' ', ',']).any(|word| word == format!("-{name}"));
                assert!(help.lines().any(is_shown), "-{name} is not in {help}");
                let text = option.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!text.is_empty(), "-{name} is not explained");
            }
        }
    }

    #[test]
    fn a_text_is_paragraphs_and_titled_lines() {
        let text = "One: two.\n\nExamples:\n  zarc a  b\n  zarc c\n\nLast: 3";
        let blocks: Vec<Block<'_>> = blocks_of(text).collect();
        let lines = Block::Lines("Examples", vec!["zarc a  b", "zarc c"]);
        assert_eq!(blocks, [Block::Paragraph("One: two."), lines, Block::Paragraph("Last: 3")]);
    }
}
