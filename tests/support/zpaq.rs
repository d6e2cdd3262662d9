//! The same words said to zarc and to zpaq 7.15, and what both answer in a form that can be compared.
//!
//! What normalising takes away, because the two programs differ there by design:
//! - The order of rows: zpaq sorts by bytes, zarc by components, as a walk comes along.
//! - Sizes of directories: zpaq shows those of all that is shown below them, zarc 0.
//! - Compared with the disk, a directory is another one for zpaq also when something below it has
//!   another size. The manual: `list` shows what `add` would change, and that is not the directory.
//! - Fractions of seconds, which zpaq does not keep, and stored bytes, which no two formats share.
//! - Dates of updates: two programs are never run at the same instant.
//! - Under `-all`, a file that becomes a directory, or a directory that becomes a file, is one
//!   update for zarc, a deletion and an addition for zpaq. Compared with the disk it is `#` for
//!   zarc, for zpaq `-` the one and `+` the other.
//! - Under `-all`, the slash behind the name of a deleted directory: a deletion in a zarc archive
//!   does not say what it was.
//! - Under `-all`, what only has new times of change (`ctime`) or is known to be settled now: zarc
//!   writes it down and lists it, without counting it as an update.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::trees::walk;
use super::workbench::{fresh_in_memory, set_mtime};

/// Times that tests give lie before this one, and the present after it.
const PRESENT: i64 = 1_700_000_000;

/// One line of a listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// `-`, `+`, `=`, `#` or `^`.
    pub symbol: char,
    /// Escaped; with a slash behind a directory that was not deleted.
    pub name: String,
    /// To the second; blank for a deletion.
    pub date: String,
    /// In bytes.
    pub size: u64,
    /// Letter and digits; blank where none is shown.
    pub mode: String,
}

impl Listed {
    fn is_deletion(&self) -> bool {
        self.date.trim().is_empty()
    }

    fn bare(&self) -> &str {
        self.name.strip_suffix('/').unwrap_or(&self.name)
    }

    /// Version and name of a row of `-all`.
    fn in_version(&self) -> Option<(u64, &str)> {
        let (number, rest) = self.bare().split_once('/')?;
        Some((number.parse().ok()?, rest))
    }
}

/// The line of a version under `-all`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Root {
    /// With its digits.
    pub name: String,
    /// When the update was made.
    pub date: String,
    /// Bytes of all files that it stored.
    pub size: u64,
    /// How many objects were added or changed.
    pub updates: u64,
    /// How many went away.
    pub deletions: u64,
}

/// A listing, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Objects.
    pub rows: Vec<Listed>,
    /// Versions.
    pub roots: Vec<Root>,
}

/// The lines that a program printed; `has_modes` unless the column of modes is missing.
pub fn parse(stdout: &[u8], has_modes: bool) -> Listing {
    let mut listing = Listing::default();
    for line in stdout.split(|&byte| byte == b'\n') {
        let Some((row, name)) = parse_line(line, has_modes) else { continue };
        match parse_root(&row, name) {
            Some(root) => listing.roots.push(root),
            None => listing.rows.push(row),
        }
    }
    listing
}

fn parse_line(line: &[u8], has_modes: bool) -> Option<(Listed, &[u8])> {
    let symbol = line.first().copied().filter(|byte| b"-+=#^".contains(byte))?;
    let date = std::str::from_utf8(line.get(2..21)?).ok()?;
    let rest = line[21..].trim_ascii_start();
    let digits = rest.iter().position(|&byte| byte == b' ')?;
    let size: u64 = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    let rest = &rest[digits + 1..];
    let (mode, name) = if has_modes { (&rest[..5], &rest[6..]) } else { (&b""[..], rest) };
    let row = Listed {
        symbol: char::from(symbol),
        name: name.escape_ascii().to_string(),
        date: date.to_owned(),
        size,
        mode: String::from_utf8_lossy(mode).trim_end().to_owned(),
    };
    Some((row, name))
}

/// `0002/ +4 -1 -> 847`.
fn parse_root(row: &Listed, name: &[u8]) -> Option<Root> {
    let name = std::str::from_utf8(name).ok()?;
    let words: Vec<&str> = name.split(' ').collect();
    let [directory, updates, deletions, "->", _] = words[..] else { return None };
    Some(Root {
        name: directory.strip_suffix('/')?.to_owned(),
        date: row.date.clone(),
        size: row.size,
        updates: updates.strip_prefix('+')?.parse().ok()?,
        deletions: deletions.strip_prefix('-')?.parse().ok()?,
    })
}

/// A directory to archive, an archive of each program, and places to extract to.
pub struct Pair {
    dir: tempfile::TempDir,
    clock: i64,
}

/// One of the two programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Stock zpaq.
    Zpaq,
    /// What is tested.
    Zarc,
}

impl Pair {
    /// Nothing, told visibly, where there is no zpaq 7.15; where `CI` is set that is a failure.
    pub fn find() -> Option<Self> {
        let answer = Command::new("zpaq").output();
        let is_there = answer.is_ok_and(|answer| answer.stdout.starts_with(b"zpaq v7.15"));
        if is_there {
            let dir = fresh_in_memory();
            fs::create_dir(dir.path().join("tree")).expect("a directory");
            return Some(Self { dir, clock: 1_500_000_000 });
        }
        let why = "there is no zpaq 7.15 (Debian package zpaq)";
        assert!(std::env::var_os("CI").is_none(), "{why}");
        eprintln!("skipped: {why}");
        None
    }

    /// What is archived; both programs run here.
    pub fn work(&self) -> PathBuf {
        self.dir.path().join("tree")
    }

    /// Writes a file; its directories are made.
    pub fn put(&mut self, name: &str, content: &[u8]) {
        let path = self.work().join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(&path, content).expect("a file");
        self.touch(name);
    }

    /// Gives an object a time that no other had.
    pub fn touch(&mut self, name: &str) {
        self.clock += 7;
        set_mtime(&self.work().join(name), (self.clock, 0));
    }

    /// Gives everything that changed just now a time that no other had, so that nothing depends
    /// on the second that the test runs in.
    fn settle(&mut self) {
        for (name, node) in walk(&self.work()).into_iter().rev() {
            if node.mtime.0 > PRESENT {
                self.clock += 7;
                let path = self.work().join(OsStr::from_bytes(&name));
                set_mtime(&path, (self.clock, 0));
            }
        }
    }

    /// Runs a program; the archive of both is called the same, beside the directory of the tree.
    pub fn run(&self, program: Program, from: &Path, command: &str, words: &[&str]) -> Output {
        let name = match program {
            Program::Zpaq => "zpaq",
            Program::Zarc => env!("CARGO_BIN_EXE_zarc"),
        };
        let archive = self.dir.path().join("a");
        let mut process = Command::new(name);
        process.current_dir(from).arg(command).arg(archive).args(words);
        process.output().expect("the program starts")
    }

    /// Archives with both, and compares what they tell of it; returns it.
    pub fn add(&mut self, words: &[&str]) -> BTreeSet<String> {
        let (theirs, ours) = self.add_apart(words);
        assert_eq!(theirs, ours, "add {words:?}: zpaq, zarc");
        ours
    }

    /// Archives with both; what each tells of it.
    pub fn add_apart(&mut self, words: &[&str]) -> (BTreeSet<String>, BTreeSet<String>) {
        self.settle();
        let work = self.work();
        let [theirs, ours] = [Program::Zpaq, Program::Zarc].map(|program| {
            let output = self.run(program, &work, "add", words);
            assert!(output.status.code().is_some_and(|code| code < 2), "{words:?}: {output:?}");
            told_changes(&[output.stdout, output.stderr].concat())
        });
        (theirs, ours)
    }

    /// What a program lists.
    pub fn list_with(&self, program: Program, words: &[&str]) -> Listing {
        let output = self.run(program, &self.work(), "list", words);
        assert!(output.status.code().is_some_and(|code| code < 2), "{words:?}: {output:?}");
        let has_modes = program == Program::Zarc || !words.contains(&"-noattributes");
        parse(&output.stdout, has_modes)
    }

    /// What both list, normalised.
    pub fn list(&self, words: &[&str]) -> (Listing, Listing) {
        let mut theirs = self.list_with(Program::Zpaq, words);
        let mut ours = self.list_with(Program::Zarc, words);
        if words.contains(&"-all") {
            let history = History::of(self);
            history.normalize(&mut theirs, Program::Zpaq);
            history.normalize(&mut ours, Program::Zarc);
        }
        let hides_same = words.windows(2).any(|pair| pair[0] == "-not" && pair[1].starts_with('='));
        join_kind_changes(&mut theirs.rows);
        join_directories(&mut theirs.rows, hides_same);
        let is_filtered = words.contains(&"-only") || words.contains(&"-not");
        for listing in [&mut theirs, &mut ours] {
            for row in &mut listing.rows {
                row.size = if row.name.ends_with('/') { 0 } else { row.size };
            }
            for root in &mut listing.roots {
                root.date.clear();
                // zpaq counts what is shown, as with all directories.
                root.size = if is_filtered { 0 } else { root.size };
            }
            listing.rows.sort();
            listing.roots.sort();
        }
        (theirs, ours)
    }

    /// Compares what both list; returns it.
    pub fn compare_lists(&self, words: &[&str]) -> Listing {
        let (theirs, ours) = self.list(words);
        assert_same(&theirs, &ours, words);
        ours
    }

    /// The dates of all updates of a program.
    pub fn dates(&self, program: Program) -> Vec<String> {
        self.list_with(program, &["-all"]).roots.into_iter().map(|root| root.date).collect()
    }

    /// Whether a program has made its archive.
    pub fn has_archive(&self, program: Program) -> bool {
        let extension = if program == Program::Zpaq { "zpaq" } else { "zarc" };
        self.dir.path().join("a").with_extension(extension).exists()
    }

    /// Extracts with a program into a directory of its own.
    pub fn run_extract(&self, program: Program, words: &[&str]) -> Output {
        let out = self.out(program);
        fs::create_dir_all(&out).expect("a directory");
        self.run(program, &out, "extract", words)
    }

    /// What a program has extracted.
    pub fn restored(&self, program: Program) -> Restored {
        restored(&self.out(program))
    }

    /// Where a program extracts to.
    pub fn out(&self, program: Program) -> PathBuf {
        self.dir.path().join(format!("{program:?}"))
    }

    /// Extracts with both, to empty places if `is_fresh`, and compares what is there then; returns it.
    pub fn compare_extracts(&self, words: &[&str], is_fresh: bool) -> Restored {
        let [mut theirs, mut ours] = [Program::Zpaq, Program::Zarc].map(|program| {
            if is_fresh && self.out(program).exists() {
                fs::remove_dir_all(self.out(program)).expect("an empty place");
            }
            let output = self.run_extract(program, words);
            assert!(output.status.success(), "{words:?}: {output:?}");
            self.restored(program)
        });
        if words.contains(&"-all") {
            let history = History::of(self);
            for tree in [&mut theirs, &mut ours] {
                tree.retain(|name, told| told != "d" && !history.is_version_or_touched(name));
            }
        }
        let only = |one: &Restored, other: &Restored| -> Restored {
            one.iter().filter(|(k, v)| other.get(*k) != Some(*v)).map(clone_pair).collect()
        };
        let (lost, extra) = (only(&theirs, &ours), only(&ours, &theirs));
        let is_same = lost.is_empty() && extra.is_empty();
        assert!(is_same, "extract {words:?}\nzpaq only: {lost:#?}\nzarc only: {extra:#?}");
        ours
    }
}

fn clone_pair((name, node): (&String, &String)) -> (String, String) {
    (name.clone(), node.clone())
}

/// A restored tree: what is to be compared of each object, by its name.
pub type Restored = BTreeMap<String, String>;

/// Kind, mode, time and content of everything below a directory.
fn restored(root: &Path) -> Restored {
    let mut found = Restored::new();
    for (name, node) in walk(root).into_iter().filter(|(name, _)| !name.is_empty()) {
        let name = name.escape_ascii().to_string();
        // A directory that only leads to what was restored is as new as the restoration.
        let told = if node.kind == 'd' && node.mtime.0 > PRESENT {
            "d".to_owned()
        } else {
            let content = node.content.escape_ascii();
            format!("{}{:04o} {} {content}", node.kind, node.mode, node.mtime.0)
        };
        found.insert(name, told);
    }
    found
}

/// What in the history of a pair is told in two ways.
struct History {
    /// Names of each version that became something of another kind.
    kind_changes: BTreeSet<(u64, String)>,
    /// Names of each version that are listed though nothing that is listed of them has changed.
    touched: BTreeSet<(u64, String)>,
}

impl History {
    fn of(pair: &Pair) -> Self {
        let mut kind_changes = BTreeSet::new();
        let theirs = pair.list_with(Program::Zpaq, &["-all"]).rows;
        let (deleted, stored): (Vec<_>, Vec<_>) = theirs.iter().partition(|row| row.is_deletion());
        let stored: BTreeSet<_> = stored.into_iter().filter_map(Listed::in_version).collect();
        for (version, name) in deleted.into_iter().filter_map(Listed::in_version) {
            if stored.contains(&(version, name)) {
                kind_changes.insert((version, name.to_owned()));
            }
        }
        let (mut touched, mut newest) = (BTreeSet::new(), BTreeMap::new());
        let ours = pair.list_with(Program::Zarc, &["-all"]).rows;
        for row in &ours {
            let Some((version, name)) = row.in_version() else { continue };
            let told = (&row.date, row.size, &row.mode);
            if newest.insert(name, told) == Some(told) {
                touched.insert((version, name.to_owned()));
            }
        }
        Self { kind_changes, touched }
    }

    /// Takes away what one program alone tells.
    fn normalize(&self, listing: &mut Listing, program: Program) {
        let is_among = |row: &Listed, names: &BTreeSet<(u64, String)>| {
            let key = row.in_version().map(|(version, name)| (version, name.to_owned()));
            key.is_some_and(|key| names.contains(&key))
        };
        match program {
            Program::Zpaq => {
                listing
                    .rows
                    .retain(|row| !(row.is_deletion() && is_among(row, &self.kind_changes)));
                for root in &mut listing.roots {
                    let number = root.name.parse().ok();
                    let is_of = |key: &&(u64, String)| Some(key.0) == number;
                    root.deletions -= self.kind_changes.iter().filter(is_of).count() as u64;
                }
            }
            Program::Zarc => listing.rows.retain(|row| !is_among(row, &self.touched)),
        }
        for row in listing.rows.iter_mut().filter(|row| row.is_deletion()) {
            row.name = row.bare().to_owned();
        }
    }

    /// Whether the name of a restored object is that of a version, or listed without need.
    fn is_version_or_touched(&self, name: &str) -> bool {
        let mut rest = name;
        loop {
            let (first, behind) = rest.split_once('/').unwrap_or((rest, ""));
            match first.parse::<u64>() {
                Ok(_) if behind.is_empty() => return true,
                Ok(version) => return self.touched.contains(&(version, behind.to_owned())),
                Err(_) if behind.is_empty() => return false,
                Err(_) => rest = behind,
            }
        }
    }
}

/// An object that is of another kind on disk is one difference.
fn join_kind_changes(rows: &mut [Listed]) {
    let outside = rows.iter().filter(|row| row.symbol == '+');
    let outside: BTreeSet<String> = outside.map(|row| row.name.clone()).collect();
    for row in rows.iter_mut().filter(|row| row.symbol == '-') {
        let is_directory = row.name.ends_with('/');
        let other = if is_directory { row.bare().to_owned() } else { format!("{}/", row.name) };
        if outside.contains(&other) {
            row.symbol = '#';
        }
    }
}

/// A directory with the same date and mode on both sides is the same.
fn join_directories(rows: &mut Vec<Listed>, hides_same: bool) {
    let told = |row: &Listed| (row.name.clone(), row.date.clone(), row.mode.clone());
    let outside = rows.iter().filter(|row| row.symbol == '+');
    let outside: BTreeSet<_> = outside.map(told).collect();
    let mut same = BTreeSet::new();
    for row in rows.iter_mut().filter(|row| row.symbol == '#' && row.name.ends_with('/')) {
        if outside.contains(&told(row)) {
            row.symbol = '=';
            same.insert(row.name.clone());
        }
    }
    rows.retain(|row| match row.symbol {
        '+' => !same.contains(&row.name),
        '=' => !hides_same,
        _ => true,
    });
}

/// The marked names that `add` tells, without sizes.
fn told_changes(output: &[u8]) -> BTreeSet<String> {
    let mut changes = BTreeSet::new();
    for line in output.split(|&byte| byte == b'\n') {
        if !matches!(line, [b'+' | b'#' | b'-', b' ', ..]) {
            continue;
        }
        let mut line = line.escape_ascii().to_string();
        // ` 5`, or ` 5 -> 0` where other files had some of it.
        while let Some((before, last)) = line.rsplit_once(' ') {
            let is_size = last == "->" || last.bytes().all(|byte| byte.is_ascii_digit());
            if !is_size || before.len() < 2 {
                break;
            }
            line.truncate(before.len());
        }
        changes.insert(line.strip_suffix('/').map(str::to_owned).unwrap_or(line));
    }
    let gone: Vec<String> = changes.iter().filter(|line| line.starts_with('-')).cloned().collect();
    for line in gone {
        let added = line.replacen('-', "+", 1);
        if changes.remove(&added) {
            changes.remove(&line);
            changes.insert(line.replacen('-', "#", 1));
        }
    }
    changes
}

/// Panics with what differs.
pub fn assert_same(theirs: &Listing, ours: &Listing, words: &[&str]) {
    let lost: Vec<_> = theirs.rows.iter().filter(|row| !ours.rows.contains(row)).collect();
    let extra: Vec<_> = ours.rows.iter().filter(|row| !theirs.rows.contains(row)).collect();
    let told = format!("list {words:?}\nzpaq only: {lost:#?}\nzarc only: {extra:#?}");
    assert!(lost.is_empty() && extra.is_empty(), "{told}");
    assert_eq!(theirs, ours, "list {words:?}: zpaq, zarc");
}
