//! An archive in parts beside a directory that is archived into it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use zarc::base::{Result, Until};
use zarc::command::{
    AddOptions, AddSummary, ExtractOptions, ExtractSummary, IndexOptions, IndexUpkeep, KeySource,
    ListOptions, Location, PartNames, VerifyOptions, VerifySummary, add, extract, index, verify,
};

use super::keys::{cheap, key_words};
use super::trees::{Tree, differences, walk};
use super::workbench::{
    Workbench, fresh_in_memory, real_seconds, remove_tree, set_clock, verify_options,
};
use super::{Told, noise};

/// The parts of that name in a directory.
pub fn parts(directory: &Path, pattern: &str) -> Location {
    let name = directory.join(pattern);
    Location::Parts(PartNames::parse(name.as_os_str()).expect("a pattern"))
}

/// An archive in parts.
pub struct InParts {
    /// Everything beside it.
    pub bench: Workbench,
    /// Its password.
    pub key: Option<&'static str>,
    /// Whether it keeps its index; else part 0 is deleted as soon as it is there.
    pub index: bool,
}

impl InParts {
    /// No part yet.
    pub fn new(dir: tempfile::TempDir) -> Self {
        let bench = Workbench::new(dir);
        fs::create_dir(bench.path("off")).expect("a directory");
        Self { bench, key: None, index: false }
    }

    /// Where the parts are.
    pub fn directory(&self) -> PathBuf {
        self.bench.path("off")
    }

    /// The archive.
    pub fn location(&self) -> Location {
        parts(&self.directory(), "part??.zarc")
    }

    /// One part.
    pub fn part(&self, number: u32) -> PathBuf {
        self.directory().join(format!("part{number:02}.zarc"))
    }

    /// The names and bytes of all parts, with the index if that is kept.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = fs::read_dir(self.directory()).expect("the directory");
        let mut paths: Vec<PathBuf> =
            entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        paths.retain(|path| self.index || *path != self.part(0));
        paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("a part"))).collect()
    }

    /// Makes the parts these.
    pub fn restore(&self, files: &[(PathBuf, Vec<u8>)]) {
        fs::remove_dir_all(self.directory()).expect("the directory");
        fs::create_dir(self.directory()).expect("a directory");
        for (path, bytes) in files {
            fs::write(path, bytes).expect("a part");
        }
    }

    /// Where its password comes from.
    pub fn key(&self) -> Option<KeySource> {
        self.key.map(key_words)
    }

    /// Archives the directory.
    pub fn add_options(&self) -> AddOptions {
        AddOptions {
            archive: self.location(),
            key: self.key(),
            key_cost: cheap(),
            ..self.bench.add_options(b"")
        }
    }

    /// Archives the directory.
    pub fn add(&self) -> Result<AddSummary> {
        self.add_with(&self.add_options())
    }

    /// The same with other options.
    pub fn add_with(&self, options: &AddOptions) -> Result<AddSummary> {
        let done = add(options, &Told::default());
        if !self.index && self.part(0).exists() {
            fs::remove_file(self.part(0)).expect("the index");
        }
        done
    }

    /// Writes a file and archives it.
    pub fn add_file(&self, name: &str, bytes: &[u8]) {
        fs::write(self.bench.work().join(name), bytes).expect("a file");
        self.add().expect("an update");
    }

    /// Makes the index, or lets it catch up.
    pub fn update_index(&self, force: bool) -> Result<IndexUpkeep> {
        let Location::Parts(archive) = self.location() else { panic!("parts") };
        index(&IndexOptions { archive, key: self.key(), force }, &Told::default())
    }

    /// Lists the archive.
    pub fn list_options(&self, until: Until) -> ListOptions {
        ListOptions { archive: self.location(), key: self.key(), ..self.bench.list_options(until) }
    }

    /// Restores as much of a version as can be.
    pub fn extract_told(&self, until: Until) -> (Result<ExtractSummary>, Told, Tree) {
        let (out, told) = (self.bench.path("out"), Told::default());
        let options = ExtractOptions {
            archive: self.location(),
            key: self.key(),
            until,
            ..self.bench.extract_options(&out)
        };
        let done = extract(&options, &told);
        let tree = walk(&out.join("t"));
        if out.exists() {
            remove_tree(&out);
        }
        (done, told, tree)
    }

    /// Restores a version.
    pub fn extract(&self, until: Until) -> Result<(u64, Tree)> {
        let (done, _, tree) = self.extract_told(until);
        Ok((done?.problems, tree))
    }

    /// Checks everything.
    pub fn verify(&self) -> Result<(VerifySummary, String)> {
        let options = VerifyOptions { key: self.key(), ..verify_options(self.location()) };
        let told = Told::default();
        let summary = verify(&options, &told)?;
        Ok((summary, told.warnings()))
    }

    /// Panics unless the archive holds these versions and passes a test, and its index has them all.
    pub fn assert_holds(&self, trees: &[Tree]) {
        for (number, tree) in (1..).zip(trees) {
            let (problems, restored) = self.extract(Until::Version(number)).expect("a version");
            let told = differences(tree, &restored);
            assert!(told.is_empty() && problems == 0, "version {number}: {told:#?}");
        }
        let (summary, told) = self.verify().expect("a check");
        assert_eq!((summary.versions, summary.damaged), (trees.len() as u64, 0), "{told}");
        if self.index {
            assert_eq!(self.update_index(false).expect("an index").recorded, 0);
        }
    }
}

/// An archive of `count` updates, each of which adds one file and changes another, and the trees.
pub fn history_in_parts(count: u32, key: Option<&'static str>) -> (InParts, Vec<Tree>) {
    history_of(InParts { key, ..InParts::new(fresh_in_memory()) }, count)
}

/// The same with its index.
pub fn history_with_index(count: u32, key: Option<&'static str>) -> (InParts, Vec<Tree>) {
    history_of(InParts { key, index: true, ..InParts::new(fresh_in_memory()) }, count)
}

fn history_of(archive: InParts, count: u32) -> (InParts, Vec<Tree>) {
    set_clock(real_seconds() + 1_000_000);
    let mut trees = Vec::new();
    for number in 1..=count {
        fs::write(archive.bench.work().join("same"), number.to_string()).expect("a file");
        archive.add_file(&format!("f{number}"), &noise(number.into(), 20_000));
        trees.push(walk(&archive.bench.work()));
    }
    (archive, trees)
}

/// Runs the program in a directory: exit code, stdout, stderr.
pub fn zarc_in(directory: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_zarc"));
    let words = words.iter().map(OsStr::new);
    let output = command.args(words).current_dir(directory).output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}
