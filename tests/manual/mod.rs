//! Goal: the sentences of `spec/command-line.md` hold for the program as it is built. Method: it is
//! run in a fresh directory on real files; what it prints and what it leaves on disk is compared with
//! what `std::fs` says. The table names these tests; `tests/manual_table.rs` ties the two.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod add;
mod beyond;
mod changes;
mod extract;
mod list;
mod methods;
mod options;
mod until;
mod versions;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::extraction::tree;
use crate::support::workbench::set_mtime;

/// When files were modified unless a test says otherwise, and how it is shown.
const DATE: i64 = 1_000_000_000;
const SHOWN_DATE: &str = "2001-09-09 01:46:40";

/// A fresh directory, and the program in it.
struct Desk {
    dir: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// With these files, whose directories are made.
    fn with(files: &[(&str, &str)]) -> Self {
        let desk = Self::new();
        for (name, content) in files {
            desk.write(name, content.as_bytes());
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file with mode 644 in directories of mode 755, all modified at [`DATE`].
    fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        let folder = path.parent().unwrap();
        fs::create_dir_all(folder).unwrap();
        fs::write(&path, content).unwrap();
        self.set_mode(name, 0o644);
        set_mtime(&path, (DATE, 0));
        for folder in folder.ancestors().take_while(|folder| *folder != self.dir.path()) {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
            set_mtime(folder, (DATE, 0));
        }
    }

    /// Removes a file; its directory keeps its date.
    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
        set_mtime(self.path(name).parent().unwrap(), (DATE, 0));
    }

    fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn len(&self, name: &str) -> u64 {
        fs::metadata(self.path(name)).unwrap().len()
    }

    /// Permissions, and when it was modified.
    fn mode_and_date(&self, name: &str) -> (u32, (i64, i64)) {
        let metadata = fs::symlink_metadata(self.path(name)).unwrap();
        (metadata.mode() & 0o7777, (metadata.mtime(), metadata.mtime_nsec()))
    }

    /// Everything below a directory, sorted.
    fn tree(&self, name: &str) -> Vec<String> {
        tree(&self.path(name))
    }

    /// The program with words that are parted by spaces; `''` is the empty one.
    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zarc"));
        command.args(line.split(' ').map(|word| if word == "''" { "" } else { word }));
        command.current_dir(self.dir.path());
        command
    }

    /// Runs the program.
    fn zarc(&self, line: &str) -> Said {
        Said::of(line, self.command(line).output().unwrap())
    }

    /// Runs the program, which must do all that it is asked for.
    fn done(&self, line: &str) -> Said {
        let said = self.zarc(line);
        assert_eq!(said.code, 0, "{line}: {}", said.talk);
        said
    }
}

/// What the program said.
struct Said {
    line: String,
    code: i32,
    /// On stdout.
    data: String,
    /// On stderr.
    talk: String,
}

impl Said {
    fn of(line: &str, output: Output) -> Self {
        Self {
            line: line.to_owned(),
            code: output.status.code().unwrap(),
            data: String::from_utf8(output.stdout).unwrap(),
            talk: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Objects that were added, extracted and so on, sorted by name: `+ name size`.
    fn items(&self) -> Vec<&str> {
        let is_item = |line: &&str| {
            matches!(line.as_bytes(), [b'+' | b'#' | b'-' | b'>' | b'?' | b'=', b' ', ..])
        };
        let mut items: Vec<&str> = self.talk.lines().filter(is_item).collect();
        items.sort_by(|left, right| left[2..].cmp(&right[2..]));
        items
    }

    /// The rows of a listing, in order.
    fn rows(&self) -> Vec<Row<'_>> {
        self.data.lines().take_while(|line| !line.is_empty()).map(Row::of).collect()
    }

    /// Symbol and name of each row.
    fn names(&self) -> Vec<String> {
        self.rows().iter().map(|row| format!("{} {}", row.symbol, row.name)).collect()
    }

    /// The number that stands before `word` on stdout.
    fn number_before(&self, word: &str) -> u64 {
        let words: Vec<&str> = self.data.split_whitespace().collect();
        let found = words.windows(2).find(|pair| pair[1].trim_end_matches(',') == word);
        let found = found.unwrap_or_else(|| panic!("{}: no {word} in {}", self.line, self.data));
        found[0].parse().unwrap()
    }
}

/// One row of a listing.
#[derive(Debug, PartialEq, Eq)]
struct Row<'a> {
    symbol: char,
    date: &'a str,
    size: u64,
    mode: &'a str,
    name: &'a str,
}

impl<'a> Row<'a> {
    fn of(line: &'a str) -> Self {
        Self {
            symbol: line.chars().next().unwrap(),
            date: line[2..21].trim_end(),
            size: line[22..34].trim_start().parse().unwrap(),
            mode: &line[35..40],
            name: &line[41..],
        }
    }
}

/// Whether two paths hold the same bytes.
fn is_same_file(one: &Path, two: &Path) -> bool {
    fs::read(one).unwrap() == fs::read(two).unwrap()
}
