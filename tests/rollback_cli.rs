//! Goal: `zarc add -until`, as it is typed, asks before it deletes, and says what it did. Method:
//! the program is run with and without `-force`, at a terminal that answers, and with a limit on
//! the length of files that lets it fail in the middle.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::support::noise;
use super::support::terminal::Terminal;

/// Three versions of one directory.
fn three_versions() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("d")).unwrap();
    for version in 1..=3 {
        fs::write(directory.path().join(format!("d/f{version}")), noise(version, 9000)).unwrap();
        assert_eq!(zarc(directory.path(), &["add", "a", "d"]).status.code(), Some(0));
    }
    directory
}

fn zarc(directory: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zarc"));
    command.args(words).current_dir(directory).stdin(Stdio::null()).output().unwrap()
}

fn archive(directory: &tempfile::TempDir) -> Vec<u8> {
    fs::read(directory.path().join("a.zarc")).unwrap()
}

/// The version that would be told by `list -all`.
fn versions(directory: &tempfile::TempDir) -> usize {
    let output = zarc(directory.path(), &["list", "a", "-all", "-not", "??/?*", "-not", "????/?*"]);
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap().lines().filter(|l| l.starts_with("- ")).count()
}

#[test]
fn without_force_it_is_one_line_and_exit_code_2() {
    let directory = three_versions();
    let before = archive(&directory);
    for (until, lost) in [("1", "versions 2 to 3"), ("-1", "version 3"), ("0", "versions 1 to 3")] {
        let output = zarc(directory.path(), &["add", "a", "d", "-until", until]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(told.starts_with("zarc: cannot roll back to version "), "{told}");
        assert!(
            told.contains(lost) && told.contains(" bytes,") && told.contains("-force"),
            "{told}"
        );
        assert!(output.stdout.is_empty() && archive(&directory) == before);
    }
}

#[test]
fn with_force_it_says_what_is_gone() {
    let directory = three_versions();
    let dry = zarc(directory.path(), &["add", "a", "d", "-until", "1", "-test"]);
    let told = String::from_utf8(dry.stdout).unwrap();
    assert!(told.starts_with("would roll back to version 1: versions 2 to 3 would be lost, 0.0"));
    assert_eq!((dry.status.code(), versions(&directory)), (Some(0), 3), "{told}");
    for (until, said, left) in [
        ("1", "rolled back to version 1: versions 2 to 3 are gone, 0.0", 2),
        ("-1", "rolled back to version 1: version 2 is gone, 0.0", 2),
        ("2999/01/01", "0 +added", 2),
        ("0", "rolled back to version 0: versions 1 to 2 are gone, 0.0", 1),
    ] {
        let output = zarc(directory.path(), &["add", "a", "d", "-force", "-until", until]);
        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{told}");
        assert!(told.starts_with(said), "{told}");
        assert_eq!(versions(&directory), left);
        assert_eq!(zarc(directory.path(), &["test", "a"]).status.code(), Some(0));
    }
}

/// `add backup files -until 2014/04/30 11:30`: the update has the last second of that minute.
#[test]
fn the_example_of_the_manual_dates_the_update() {
    let directory = three_versions();
    let date = ["2014/04/30", "11:30"];
    let words = [&["add", "a", "d", "-until"], &date[..]].concat();
    assert_eq!(zarc(directory.path(), &words).status.code(), Some(2), "it needs -force");
    assert_eq!(versions(&directory), 3);
    let output = zarc(directory.path(), &[&words[..], &["-force"]].concat());
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.starts_with("rolled back to version 0: versions 1 to 3 are gone"), "{told}");
    // Nothing is younger than the next date, so nothing is lost.
    fs::write(directory.path().join("d/later"), "later").unwrap();
    let words = ["add", "a", "d", "-until", "2014/05/01"];
    assert_eq!(zarc(directory.path(), &words).status.code(), Some(0));
    let listed = zarc(directory.path(), &["list", "a", "-all", "-not", "????/?*"]).stdout;
    let listed = String::from_utf8(listed).unwrap();
    let dates: Vec<&str> = listed.lines().take(2).map(|row| &row[2..21]).collect();
    assert_eq!(dates, ["2014-04-30 11:30:59", "2014-05-01 23:59:59"], "{listed}");
}

#[test]
fn a_person_at_the_terminal_is_asked() {
    for (answer, code, left) in [("yes\n", 0, 2), ("y\n", 0, 2), ("no\n", 2, 3), ("\n", 2, 3)] {
        let directory = three_versions();
        let before = archive(&directory);
        let mut terminal = Terminal::run(directory.path(), &["add", "a", "d", "-until", "1"]);
        let question = terminal.question("(yes/no) ");
        assert!(question.contains("Delete versions 2 to 3 of a.zarc, "), "{question}");
        terminal.type_in(answer);
        let (ended, told) = terminal.end();
        assert_eq!((ended, versions(&directory)), (Some(code), left), "{answer:?}: {told}");
        assert!(code == 0 || archive(&directory) == before);
    }
}

#[test]
fn a_signal_is_an_answer_too() {
    let directory = three_versions();
    let before = archive(&directory);
    let mut terminal = Terminal::run(directory.path(), &["add", "a", "d", "-until", "1"]);
    terminal.question("(yes/no) ");
    terminal.interrupt();
    let (code, told) = terminal.end();
    assert_eq!(code, Some(130), "{told}");
    assert!(told.contains("interrupted; nothing was added"), "{told}");
    assert!(archive(&directory) == before);
}

#[test]
fn quiet_asks_nobody() {
    let directory = three_versions();
    let before = archive(&directory);
    let terminal = Terminal::run(directory.path(), &["add", "a", "d", "-until", "1", "-quiet"]);
    let (code, told) = terminal.end();
    assert!(code == Some(2) && told.starts_with("zarc: cannot roll back"), "{code:?}: {told}");
    assert!(archive(&directory) == before);
}

#[test]
fn a_failure_after_the_cut_is_told_with_the_rollback() {
    let directory = three_versions();
    // Longer than the limit, which no version before reached.
    fs::write(directory.path().join("d/long"), noise(9, 4_000_000)).unwrap();
    let line = format!(
        "trap '' XFSZ; ulimit -f 2000; exec '{}' add a d -until 1 -force",
        env!("CARGO_BIN_EXE_zarc")
    );
    let mut shell = Command::new("sh");
    let output = shell.args(["-c", &line]).current_dir(directory.path()).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("; the archive was rolled back to version 1, and nothing was added"),
        "{told}"
    );
    assert_eq!(versions(&directory), 1);
    assert_eq!(zarc(directory.path(), &["test", "a"]).status.code(), Some(0));
}
