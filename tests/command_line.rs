//! What the program says to wrong and to right words, seen from outside.

use std::ffi::OsStr;
use std::fs;
use std::fs::Permissions;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

use rustix::fs::{FileType, Mode};

use super::support::workbench::is_root;

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

/// Names and kinds of all that is in a directory, with bytes and times of files and directories.
fn content(directory: &Path) -> Vec<(PathBuf, Option<Vec<u8>>, SystemTime)> {
    let mut content = Vec::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let about = fs::symlink_metadata(&path).unwrap();
            if about.is_dir() {
                folders.push(path.clone());
            }
            let bytes = about.is_file().then(|| fs::read(&path).unwrap());
            content.push((path, bytes, about.modified().unwrap()));
        }
    }
    content.sort();
    content
}

/// Words, what names the mistake, what names the right form. There are an archive `x`, a file `d/f`
/// in it, a directory `dir.zarc` and a file `notes.zarc` that is no archive,
/// a pipe `pipe.zarc`.
const MISTAKES: &[(&[&str], &str, &str)] = &[
    // Commands and names.
    (&[], "no command", "zarc add|extract|index|list|passwd|test"),
    (&["-quiet"], "no command", "zarc add|extract|index|list|passwd|test"),
    (&["frob", "x"], "unknown command \"frob\"", "add, extract, index, list, passwd and test"),
    (&["", "x"], "unknown command \"\"", "add, extract, index, list, passwd and test"),
    (&["help", "frob"], "unknown command \"frob\"", "add, extract, index, list, passwd and test"),
    (&["help", "-frob"], "option -frob", "zarc help help"),
    (&["help", "add", "list"], "one name too many, \"list\"", "zarc help [COMMAND|man]"),
    (&["add"], "ARCHIVE, FILE... missing", "zarc add ARCHIVE[.zarc] FILE..."),
    (&["add", "x"], "FILE... missing", "zarc add ARCHIVE[.zarc] FILE..."),
    (&["extract"], "ARCHIVE missing", "zarc extract ARCHIVE[.zarc]"),
    (&["l"], "ARCHIVE missing", "zarc list ARCHIVE[.zarc]"),
    (&["test", "x", "y"], "one name too many, \"y\"", "zarc test ARCHIVE[.zarc] [-OPTION]"),
    (&["add", "x", "d", "-until", "2014/13/01"], "month 13", "YYYY-MM-DD"),
    (&["add", "x", "d", "-method", "brotli:12"], "-method brotli:12", "brotli[:N][,SIZE]"),
    (&["add", "x", "d", "-method", "i4"], "-method i4", "or i"),
    (&["add", "x", "d", "-method", "zstd,9"], "-method zstd,9", "SIZE is a number from 0 to 8"),
    (&["add", "x", "d", "-method", "i"], "x.zarc", "-method i"),
    (&["list", "x", ""], "file name is empty", "\".\""),
    (&["add", "x", "d", ""], "file name is empty", "\".\""),
    (&["add", "x", "nosuch", "nor/this"], "none of the files", "on disk or in the archive"),
    (&["add", "new", "nosuch"], "none of the files", "nothing was added"),
    (&["list", "x", "nosuch"], "none of the files", "in the archive or on disk"),
    (&["extract", "x", "nosuch"], "1 name", "not in the archive"),
    // The archive.
    (&["extract", ""], "the archive \"\" holds nothing", "only add and list take it"),
    (&["test", ""], "the archive \"\" holds nothing", "only add and list take it"),
    (&["list", "d/"], "the archive d/ is a directory", "name of a file"),
    (&["add", "..", "d"], "the archive .. is a directory", "name of a file"),
    (&["list", "dir"], "dir.zarc", "it is a directory"),
    (&["add", "dir", "d"], "dir.zarc", "nothing was added"),
    (&["extract", "nowhere"], "nowhere.zarc", "No such file"),
    (&["test", "nowhere"], "nowhere.zarc", "No such file"),
    (&["add", "nowhere/x", "d"], "nowhere/x.zarc", "nothing was added"),
    (&["add", "notes", "d"], "not a zarc archive", "nothing was added"),
    (&["list", "pipe"], "pipe.zarc", "it is no regular file"),
    (&["add", "pipe", "d"], "pipe.zarc", "it is no regular file"),
    // Options.
    (&["list", "x", "-frob"], "option -frob", "zarc help list"),
    (&["test", "x", "-special"], "option -special is one of", "not of zarc test"),
    (&["list", "x", "-no"], "-no is ambiguous", "-noattributes, -not"),
    (&["add", "x", "d", "-t", "4"], "-t is ambiguous", "-test, -threads, -to"),
    (&["list", "x", "-quiet", "-verbose"], "'-quiet'", "cannot be used with"),
    (&["list", "x", "-force=yes"], "-force takes no value", "option -force"),
    (&["add", "x", "d", "-fragment"], "-fragment needs a value", "-fragment N"),
    (&["add", "x", "d", "-method"], "-method needs a value", "-method LEVEL"),
    (&["list", "x", "-until"], "-until needs a value", "-until DATE|[-]N"),
    (&["add", "x", "d", "-threads", "-force"], "-threads needs a value", "-threads N"),
    (&["list", "x", "-only"], "-only needs a value", "-only FILE"),
    (&["add", "x", "d", "-fragment", "99"], "-fragment 99", "N from 0 to"),
    (&["add", "x", "d", "-fragment", "-1"], "-fragment -1", "N from 0 to"),
    (&["add", "x", "d", "-t0"], "-threads 0", "N from 1 to"),
    (&["add", "x", "d", "-threads", "many"], "-threads many", "N from 1 to"),
    (&["list", "x", "-all", "0"], "-all 0", "N from 1 to"),
    (&["list", "x", "-all", "99"], "-all 99", "N from 1 to"),
    (&["add", "x", "d", "-m9"], "-method 9", "LEVEL"),
    (&["add", "x", "d", "-method", "zstd:23"], "-method zstd:23", "from 1 to 22"),
    (&["add", "x", "d", "-method", "312"], "-method 312", "from 0 to 8"),
    (&["add", "x", "d", "-method", ""], "-method", "is not a method"),
    (&["extract", "x", "d", "-to", "a", "b"], "2 names for 1 files", "at most one"),
    (&["add", "x", "d", "-to", "a", "b"], "2 names for 1 files", "at most one"),
    (&["extract", "x", "-to", ""], "-to \"\"", "cannot be empty"),
    // Dates.
    (&["list", "x", "-until", "2024/02/30"], "no day 30", "YYYY-MM-DD"),
    (&["list", "x", "-until", "2024/01/01 25:00"], "the hour 25", "00 to 23"),
    (&["list", "x", "-until", "1800/01/01"], "the year 1800", "1900 to 2999"),
    (&["test", "x", "-until", "202401011"], "not 9", "8, 10, 12 or 14 digits"),
    (&["extract", "x", "-until", "yesterday"], "neither a date nor", "YYYY-MM-DD"),
    (&["extract", "x", "-until", "-20240101"], "cannot be negative", "YYYY-MM-DD"),
];

/// Each mistake is told in one line on stderr that names it and the right form; exit code 2.
/// Nothing on disk is touched.
#[test]
fn a_mistake_is_told_in_one_line_with_the_right_form() {
    let directory = archived();
    fs::create_dir(directory.path().join("dir.zarc")).unwrap();
    fs::write(directory.path().join("notes.zarc"), "no archive\n").unwrap();
    let pipe = directory.path().join("pipe.zarc");
    rustix::fs::mknodat(rustix::fs::CWD, pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
    let before = content(directory.path());
    for (words, mistake, form) in MISTAKES {
        let output = zarc_in(directory.path(), words);
        let told = String::from_utf8(output.stderr).expect("errors are text");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        // Names that are nowhere are warned of one by one before.
        let is_warning = |line: &&str| line.starts_with("zarc: warning: n");
        let lines: Vec<&str> = told.lines().filter(|line| !is_warning(line)).collect();
        assert_eq!(lines.len(), 1, "{words:?}: {told}");
        assert!(lines[0].starts_with("zarc: "), "{words:?}: {told}");
        assert!(lines[0].contains(mistake) && lines[0].contains(form), "{words:?}: {told}");
        // What list and extract found is data, even when it is nothing.
        let is_data = words.contains(&"nosuch") && words[0] != "add";
        assert!(output.stdout.is_empty() || is_data, "{words:?}");
        assert_eq!(content(directory.path()), before, "{words:?} touched something");
    }
}

/// An archive that may not be written is refused, and stays.
#[test]
fn an_archive_that_may_not_be_written_is_refused() {
    let directory = archived();
    if is_root() {
        eprintln!("skipped: nothing is forbidden to root");
        return;
    }
    let [archive, folder] = ["x.zarc", "d"].map(|name| directory.path().join(name));
    fs::set_permissions(&archive, Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o555)).unwrap();
    fs::write(directory.path().join("new"), "new\n").unwrap();
    let before = content(directory.path());
    for (archive, name) in [("x", "x.zarc"), ("d/y", "d/y.zarc")] {
        let output = zarc_in(directory.path(), &["add", archive, "new"]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(name) && told.contains("Permission denied"), "{told}");
        assert!(told.contains("nothing was added") && told.lines().count() == 1, "{told}");
    }
    assert_eq!(content(directory.path()), before);
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
}

/// Files that are missing among others are named, and the others are added.
#[test]
fn some_files_that_are_missing_are_problems() {
    let directory = archived();
    for (words, code) in [
        (&["add", "y", "nosuch", "d"][..], 1),
        (&["add", "y", "nosuch"], 2),
        (&["add", "y", "nosuch", "-quiet"], 2),
        (&["add", "y", "nosuch", "-test"], 2),
        (&["add", "", "nosuch", "nosuch"], 2),
    ] {
        let output = zarc_in(directory.path(), words);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {told}");
        assert!(told.contains("zarc: warning: nosuch: no such file or directory\n"), "{told}");
    }
    // What is gone from disk but in the archive is not missing: it is deleted.
    fs::remove_dir_all(directory.path().join("d")).unwrap();
    for (words, told) in
        [(&["add", "y", "d"][..], "- d\n- d/f\n"), (&["add", "x", "d", "-nod"], "")]
    {
        let output = zarc_in(directory.path(), words);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), told);
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

/// -to that renames nothing is not passed over in silence.
#[test]
fn names_that_rename_nothing_are_told() {
    let directory = archived();
    for (words, told) in [
        (&["list", "x", "-to", "y"][..], "-to has no effect on list without files"),
        (&["list", "x", "d", "-all", "-to", "y"], "-to has no effect on list -all"),
        (
            &["extract", "x", "-to", "p", "q", "-test"],
            "without files everything goes below p; other names of -to have no effect",
        ),
        (
            &["add", "", "d", "d/f", "-to", "p", "q"],
            "-to q has no effect: d/f is renamed with d, which is named before",
        ),
        (
            &["list", "x", "d", "d", "-to", "p", "q"],
            "-to q has no effect: d is renamed with d, which is named before",
        ),
    ] {
        let output = zarc_in(directory.path(), words);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(&format!("zarc: warning: {told}\n")), "{words:?}: {said}");
        let quiet = zarc_in(directory.path(), &[words, &["-quiet"]].concat());
        assert_eq!(quiet.stderr, b"", "{words:?}");
    }
    for words in [
        &["list", "x", "d", "-to", "y"][..],
        &["extract", "x", "-to", "p", "-test"],
        &["add", "", "d/f", "d", "-to", "q", "p"],
        &["add", "", "d", "d/f", "-to", "p"],
    ] {
        let output = zarc_in(directory.path(), words);
        assert!(!String::from_utf8(output.stderr).unwrap().contains("-to"), "{words:?}");
    }
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
/// Help is data: on stdout, in the manual's spelling, exit code 0, whoever listens.
#[test]
fn help_is_in_one_dash_spelling() {
    for words in
        [&["-h"][..], &["--help"], &["help"], &["help", "a"], &["l", "-help"], &["help", "help"]]
    {
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
        ("level 0 to 5, and the size of blocks, 0 to 8 for 2^0 to 2^8 MiB (zstd:5,5)", &["50"]),
        ("store[,SIZE]", &["store", "store,3"]),
        ("zstd[:1 to 22][,SIZE]", &["zstd", "zstd,2", "zstd:22", "zstd:1,8"]),
        ("brotli[:0 to 11][,SIZE]", &["brotli", "brotli,0", "brotli:11", "brotli:0,8"]),
        ("lzma[:0 to 9][,SIZE]", &["lzma", "lzma:9,0", "3"]),
        ("ppmd[:2 to 32][,SIZE]", &["ppmd", "ppmd:32,0"]),
        ("cm[:1 to 2][,SIZE]", &["cm", "cm:1,0", "4"]),
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
