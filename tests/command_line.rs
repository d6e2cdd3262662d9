//! What the program says to wrong and to right words, seen from outside.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output, Stdio};

fn zarc<S: AsRef<OsStr>>(words: &[S]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zarc")).args(words).output().expect("the program starts")
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
    (&["add", "x", "f", "-method", "brotli:12"], "-method brotli:12", "brotli[:N][,SIZE]"),
    (&["add", "x", "f", "-method", "i4"], "-method i4", "or i"),
    (&["add", "x", "f", "-method", "zstd,9"], "-method zstd,9", "SIZE is a number from 0 to 8"),
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

/// What the manual has and this version has not is refused by name.
#[test]
fn what_is_not_there_yet_is_refused() {
    for (words, what) in [
        (&["add", "x", "f", "-key", "two", "words"][..], "-key"),
        (&["list", "x", "-key"], "-key"),
        (&["list", "x", "-summary", "10"], "-summary"),
        (&["add", "x", "f", "-s10"], "-summary"),
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

/// Every form of `-method` is taken, and the help of `add` has it.
#[test]
fn every_spelling_of_a_method_is_in_the_help_and_taken() {
    let help = String::from_utf8(zarc(&["help", "add"]).stdout).expect("help is text");
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for (form, values) in [
        ("-method <LEVEL[SIZE]>", &["0", "1", "25", "58"][..]),
        ("level 0 to 5, then block size 2^0 to 2^8 MiB (25)", &["50"]),
        ("store[,SIZE]", &["store", "store,3"]),
        ("zstd[:1 to 22][,SIZE]", &["zstd", "zstd,2", "zstd:22", "zstd:1,8"]),
        ("brotli[:0 to 11][,SIZE]", &["brotli", "brotli,0", "brotli:11", "brotli:0,8"]),
        ("i: an index, which keeps no data", &["i"]),
    ] {
        assert!(help.contains(form), "{form}: {help}");
        for value in values {
            let output = zarc(&["add", "", "Cargo.toml", "-method", value]);
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{value}: {told}");
        }
    }
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
