//! What the program says to wrong and to right words, seen from outside.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn zarc<S: AsRef<OsStr>>(words: &[S]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zarc")).args(words).output().expect("the program starts")
}

/// The same in a directory.
fn zarc_in(directory: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zarc"));
    command.args(words).current_dir(directory).output().expect("the program starts")
}

/// A directory with a file `f` in a directory `d`, and an archive `x` of them.
fn archived() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("d")).unwrap();
    fs::write(directory.path().join("d/f"), "content\n").unwrap();
    let output = zarc_in(directory.path(), &["add", "x", "d"]);
    assert!(output.status.success(), "{output:?}");
    directory
}

/// Words, what names the mistake, what names the right form.
const MISTAKES: &[(&[&str], &str, &str)] = &[
    (&[], "no command", "zarc add|extract|list|test"),
    (&["frob", "x"], "unknown command \"frob\"", "add, extract, list and test"),
    (&["add"], "ARCHIVE, FILE... missing", "zarc add ARCHIVE[.zarc] FILE..."),
    (&["add", "x"], "FILE... missing", "zarc add ARCHIVE[.zarc] FILE..."),
    (&["test", "x", "y"], "'y'", "zarc test ARCHIVE[.zarc] [-OPTION]"),
    (&["list", "x", "-frob"], "option -frob", "zarc help list"),
    (&["add", "x", "f", "-fragment"], "-fragment needs a value", "-fragment N"),
    (&["add", "x", "f", "-fragment", "99"], "-fragment 99", "N from 0 to"),
    (&["add", "x", "f", "-t0"], "-threads 0", "N from 1 to"),
    (&["list", "x", "-all", "99"], "-all 99", "N from 1 to"),
    (&["add", "x", "f", "-m9"], "-method 9", "LEVEL"),
    (&["list", "x", "-until", "2014/02/30"], "no day 30", "YYYY-MM-DD"),
    (&["list", "x", "-no"], "-no is ambiguous", "-noattributes, -not"),
    (&["extract", "x", "f", "-to", "a", "b"], "2 names for 1 files", "at most one"),
    (&["extract", "x", "-to", ""], "-to \"\"", "cannot be empty"),
    (&["list", "x", ""], "file name is empty", "\".\""),
    (&["list", "dir/"], "is a directory", "name of a file"),
];

/// Each mistake is told in one line on stderr that names it and the right form; exit code 2.
#[test]
fn a_mistake_is_told_in_one_line_with_the_right_form() {
    for (words, mistake, form) in MISTAKES {
        let output = zarc(words);
        let told = String::from_utf8(output.stderr).expect("errors are text");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert_eq!(told.lines().count(), 1, "{words:?}: {told}");
        assert!(told.starts_with("zarc: "), "{words:?}: {told}");
        assert!(told.contains(mistake) && told.contains(form), "{words:?}: {told}");
        assert!(output.stdout.is_empty(), "{words:?}");
    }
}

/// As in zpaq, an option may stay where the command changes: it is named once, unless `-quiet`
/// forbids it, and changes neither what is done nor the exit code.
#[test]
fn an_option_of_another_command_has_no_effect_and_says_so() {
    let directory = archived();
    let run = |words: &[&str]| {
        let output = zarc_in(directory.path(), words);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (plain, nothing_told) = run(&["list", "x"]);
    assert_eq!(nothing_told, "");
    let (shown, told) = run(&["list", "x", "-nodelete", "-m3", "-nodel", "-fragment", "6"]);
    assert_eq!(shown, plain);
    assert_eq!(
        told,
        "zarc: warning: -nodelete has no effect on list\n\
         zarc: warning: -method has no effect on list\n\
         zarc: warning: -fragment has no effect on list\n"
    );
    let (_, told) = run(&["test", "x", "-to", "a", "b", "-test", "-quiet"]);
    assert_eq!(told, "");
    let (_, told) = run(&["add", "x", "d", "-all"]);
    assert_eq!(told, "zarc: warning: -all has no effect on add\n");
    // Nothing that it would have changed is changed.
    let (_, told) = run(&["test", "x", "-test", "-force"]);
    assert!(told.starts_with("zarc: warning: -test has no effect on test\n"), "{told}");
}

/// -summary takes the lines of files away, and nothing else.
#[test]
fn with_summary_no_files_are_listed() {
    let directory = archived();
    for (words, line) in
        [(&["add", "y", "d"][..], "+ d/f 8\n"), (&["extract", "x", "-to", "out"], "> out/d/f 8\n")]
    {
        let dry = zarc_in(directory.path(), &[words, &["-test"]].concat());
        assert!(String::from_utf8_lossy(&dry.stderr).contains(line), "{words:?}: {dry:?}");
        for summary in ["-summary", "-s10"] {
            for dry in [&["-test"][..], &[]] {
                let output = zarc_in(directory.path(), &[words, &[summary], dry].concat());
                assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
                assert!(!output.stdout.is_empty(), "{words:?} {summary}");
            }
        }
    }
    assert_eq!(fs::read(directory.path().join("out/d/f")).unwrap(), b"content\n");
    assert!(directory.path().join("y.zarc").exists());
}

/// What the manual has and this version has not is refused by name.
#[test]
fn what_is_not_there_yet_is_refused() {
    for (words, what) in [
        (&["add", "x", "f", "-key", "two", "words"][..], "-key"),
        (&["list", "x", "-key"], "-key"),
        (&["list", "x", "-summary", "10"], "-summary"),
        (&["list", "part??"], "a multi-part archive"),
        (&["add", "x", "f", "-until", "0"], "add -until"),
    ] {
        let output = zarc(words);
        let told = String::from_utf8(output.stderr).expect("errors are text");
        assert!(told.starts_with(&format!("zarc: {what}")), "{words:?}: {told}");
        assert!(told.ends_with(" is not available in this version\n"), "{words:?}: {told}");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
    }
}

/// Help is data: on stdout, in the manual's spelling, exit code 0, whoever listens.
#[test]
fn help_is_in_one_dash_spelling() {
    for words in [&["-h"][..], &["--help"], &["help"], &["help", "a"], &["l", "-help"]] {
        let output = zarc(words);
        let help = String::from_utf8(output.stdout).expect("help is text");
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert!(help.contains("Usage: zarc") && !help.contains("--"), "{words:?}: {help}");
    }
    let version = zarc(&["-version"]).stdout;
    assert_eq!(version, concat!("zarc ", env!("CARGO_PKG_VERSION"), "\n").as_bytes());
    let mut closed = Command::new(env!("CARGO_BIN_EXE_zarc"))
        .arg("-help")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(closed.stdout.take());
    assert!(closed.wait().expect("the program ends").success());
}

/// A name that is not UTF-8 is a name; a value that must be text is told from it.
#[test]
fn names_that_are_not_text_are_no_mistake() {
    let odd = OsStr::from_bytes(b"\xff");
    let [list, archive, until] = ["list", "/nonexistent/x", "-until"].map(OsStr::new);
    let told = |words: &[&OsStr]| String::from_utf8_lossy(&zarc(words).stderr).into_owned();
    assert!(told(&[list, archive, until, odd]).contains("-until \\xff: it is not text"));
    assert!(!told(&[list, archive, odd]).contains("text"));
}
