//! Goal: whatever the files do while they are read, `add` stores what it says, says what it could
//! not store, and keeps what it had. Method: files change at chosen moments of an `add` (the
//! progress that it asks is ours), are unreadable for the user who adds, or are the archive itself.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use zarc::archive::Archive;
use zarc::base::{Environment, ErrorKind, Item, Progress, Until};
use zarc::command::add;

use crate::support::workbench::{Workbench, is_root, run_add, run_extract};
use crate::support::{DATA, Told, noise};

/// Changes a file each time `add` looks whether it should stop, so many times; `add` looks before
/// each object and each read.
struct Meddler {
    file: PathBuf,
    times: AtomicU64,
    told: Told,
}

impl Progress for Meddler {
    fn item(&self, item: &Item<'_>) {
        self.told.item(item);
    }

    fn problem(&self, name: &[u8], why: &str) {
        self.told.problem(name, why);
    }

    fn warn(&self, text: &str) {
        self.told.warn(text);
    }

    fn advance(&self, _done: u64, _total: u64) {}

    fn is_stopped(&self) -> bool {
        let left =
            self.times.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        if let Ok(left) = left {
            let mut file = fs::File::options().append(true).open(&self.file).unwrap();
            file.write_all(&noise(left, 10_000)).unwrap();
        }
        false
    }
}

fn bench() -> Workbench {
    Workbench::new(tempfile::tempdir().unwrap())
}

fn meddle(bench: &Workbench, times: u64) -> (zarc::command::AddSummary, String) {
    let file = bench.work().join("log");
    fs::write(&file, noise(1, 3_000_000)).unwrap();
    let told = Told::default();
    let meddler = Meddler { file, times: AtomicU64::new(times), told };
    let summary = add(&bench.add_options(b""), &meddler).unwrap();
    (summary, meddler.told.warnings())
}

#[test]
fn a_file_that_never_keeps_still_is_stored_with_a_warning() {
    let bench = bench();
    let (summary, warnings) = meddle(&bench, u64::MAX);
    assert_eq!(summary.problems, 1, "{warnings}");
    assert!(warnings.contains("changed while it was read"), "{warnings}");
    // What was stored is a beginning of what is there now, whole up to its length.
    run_extract(&bench.archive(), &bench.path("out"), Until::Latest, false).unwrap();
    let stored = fs::read(find(&bench.path("out"), "log")).unwrap();
    assert!(stored.len() >= 3_000_000);
    assert!(fs::read(bench.work().join("log")).unwrap().starts_with(&stored));
    // It is read again although its times may say nothing.
    let (again, _) = run_add(&bench.add_options(b""));
    assert!(again.updated >= 1);
}

#[test]
fn a_file_that_changes_once_is_read_again_without_a_warning() {
    let bench = bench();
    // Once before the directory, once before the file, once in its first reading.
    let (summary, warnings) = meddle(&bench, 4);
    assert_eq!((summary.problems, warnings.as_str()), (0, ""));
    run_extract(&bench.archive(), &bench.path("out"), Until::Latest, false).unwrap();
    let stored = fs::read(find(&bench.path("out"), "log")).unwrap();
    assert_eq!(stored, fs::read(bench.work().join("log")).unwrap());
}

/// The only file of that name below a directory.
fn find(directory: &Path, name: &str) -> PathBuf {
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with(name) {
                return path;
            }
        }
    }
    panic!("no {name} below {}", directory.display());
}

/// The program, run by somebody who may not read everything.
fn zarc_as_nobody(words: &[&str], directory: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zarc"));
    command.args(words).current_dir(directory);
    if is_root() {
        command.uid(65_534).gid(65_534);
    }
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn what_cannot_be_read_is_named_and_kept_at_its_last_good_version() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let allow = |name: &str, mode| {
        fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    fs::create_dir_all(at("t/secret")).unwrap();
    for (name, content) in [("t/secret/a", "a"), ("t/file", "old"), ("t/open", "one")] {
        fs::write(at(name), content).unwrap();
    }
    // Whatever the mask of this process is at the moment.
    for (name, mode) in [("", 0o777), ("t", 0o755), ("t/secret", 0o755)] {
        allow(name, mode);
    }
    for name in ["t/secret/a", "t/file", "t/open"] {
        allow(name, 0o644);
    }
    let reachable = zarc_as_nobody(&["-version"], directory.path()).0 == Some(0);
    if !reachable {
        println!("skipped: another user cannot run the program here");
        return;
    }
    let (code, told) = zarc_as_nobody(&["add", "a.zarc", "t"], directory.path());
    assert_eq!(code, Some(0), "{told}");
    fs::write(at("t/file"), "newer").unwrap();
    fs::write(at("t/open"), "two").unwrap();
    fs::write(at("t/secret/b"), "b").unwrap();
    allow("t/file", 0);
    allow("t/secret", 0);
    fs::write(at("t/unseen"), "").unwrap();
    allow("t/unseen", 0);
    let (code, listed) = zarc_as_nobody(&["list", "a.zarc", "t"], directory.path());
    assert_eq!(code, Some(1), "{listed}");
    let (code, told) = zarc_as_nobody(&["add", "a.zarc", "t"], directory.path());
    assert_eq!(code, Some(1), "{told}");
    let problems = |told: &str| -> Vec<String> {
        let lines = told.lines().filter_map(|line| line.strip_prefix("zarc: warning: "));
        let names = lines.filter_map(|line| line.split_once(": "));
        names.map(|(name, _)| name.to_owned()).collect()
    };
    assert_eq!(problems(&listed), problems(&told));
    assert_eq!(problems(&told), ["t/file", "t/secret", "t/unseen"]);
    assert!(told.contains("t/file: cannot read") && told.contains("t/secret: "), "{told}");
    let words = ["extract", "a.zarc", "-to", "out", "-noattributes"];
    assert_eq!(zarc_as_nobody(&words, directory.path()).0, Some(0));
    let content = |name: &str| fs::read_to_string(at("out/t").join(name)).unwrap();
    assert_eq!((content("file"), content("open")), ("old".to_owned(), "two".to_owned()));
    assert_eq!(content("secret/a"), "a");
    assert!(!at("out/t/secret/b").exists());
    allow("t/secret", 0o755);
}

#[test]
fn the_archive_is_not_in_itself() {
    let bench = bench();
    fs::write(bench.work().join("file"), "content").unwrap();
    let mut options = bench.add_options(b"");
    options.archive = bench.work().join("inside.zarc").into();
    let (summary, _) = run_add(&options);
    assert_eq!((summary.problems, summary.added), (0, 2));
}

#[test]
fn a_second_writer_is_told_and_changes_nothing() {
    let bench = bench();
    fs::write(bench.work().join("file"), "content").unwrap();
    run_add(&bench.add_options(b""));
    let before = fs::read(bench.archive()).unwrap();
    let first =
        Archive::open_location_for_writing(&bench.archive().into(), DATA, &Environment::system())
            .unwrap();
    fs::write(bench.work().join("more"), "content").unwrap();
    let error = add(&bench.add_options(b""), &Told::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.to_string().contains("in use"), "{error}");
    assert!(error.to_string().contains("nothing was added"), "{error}");
    assert_eq!(fs::read(bench.archive()).unwrap(), before);
    drop(first);
    assert_eq!(run_add(&bench.add_options(b"")).0.added, 1);
}

#[test]
fn a_stop_at_any_moment_leaves_the_archive_as_it_was() {
    let bench = bench();
    fs::write(bench.work().join("file"), noise(1, 100_000)).unwrap();
    run_add(&bench.add_options(b""));
    let before = fs::read(bench.archive()).unwrap();
    for number in 0..20 {
        fs::write(bench.work().join(format!("{number}")), noise(number, 50_000)).unwrap();
    }
    let mut stops = 0;
    for stop_at in 1.. {
        match add(&bench.add_options(b""), &Told::stopping_at(stop_at)) {
            Ok(summary) => {
                assert_eq!(summary.added, 20);
                break;
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Stopped);
                assert!(error.to_string().contains("nothing was added"), "{error}");
                assert!(fs::read(bench.archive()).unwrap() == before, "stop {stop_at}");
                stops += 1;
            }
        }
    }
    assert!(stops >= 20, "{stops}");
    // A first update that is stopped leaves no file.
    let mut options = bench.add_options(b"");
    options.archive = bench.path("never.zarc").into();
    let error = add(&options, &Told::stopping_at(5)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped);
    assert!(!bench.path("never.zarc").exists());
}
