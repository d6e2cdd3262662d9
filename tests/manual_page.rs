//! Goal: `zarc help man` says what the help says, in roff that formatters take. Method: it is compared
//! with the table of commands and with the help, and given to a checker where there is one.

use std::io::Write;
use std::process::{Command, Stdio};

use zarc::cli::command_table;

fn shown(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_zarc")).args(words).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{words:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The page as it is read, without what only a formatter reads.
fn page_as_read() -> String {
    let page = shown(&["help", "man"]);
    let (_, page) = page.split_once(".TH ZARC 1").expect("a title");
    [(r"\-", "-"), (r"\*(Aq", "'"), (r"\&", ""), (r"\fB", ""), (r"\fI", ""), (r"\fR", "")]
        .iter()
        .fold(page.to_owned(), |page, (roff, text)| page.replace(roff, text))
}

fn examples_in(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_start).filter(|line| line.starts_with("zarc ")).collect()
}

#[test]
fn the_manual_page_has_every_command_and_option() {
    let page = page_as_read();
    assert!(!page.contains("--"), "{page}");
    for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "EXAMPLES", "\"EXIT STATUS\""] {
        assert!(page.contains(&format!("\n.SH {heading}\n")), "{heading} is not in {page}");
    }
    let table = command_table();
    for command in table.get_subcommands() {
        let name = command.get_name();
        let start = page.find(&format!(".SS \"zarc {name} ")).expect("a command has its part");
        let part = &page[start + 1..];
        let part = &part[..part.find("\n.S").expect("another part follows")];
        for option in command.get_arguments().filter(|option| !option.is_hide_set()) {
            let Some(option) = option.get_long() else { continue };
            let is_head =
                |line: &str| line.split([' ', ',']).any(|word| word == format!("-{option}"));
            let heads = part.split(".TP\n").skip(1).filter_map(|item| item.lines().next());
            assert!(heads.into_iter().any(is_head), "-{option} is not in {part}");
        }
    }
}

#[test]
fn the_manual_page_has_the_examples_of_the_help() {
    let page = page_as_read();
    let mut wanted: Vec<String> = Vec::new();
    for topic in ["", "add", "extract", "index", "list", "passwd", "test", "help"] {
        let words: Vec<&str> =
            ["help", topic].into_iter().filter(|word| !word.is_empty()).collect();
        let help = shown(&words);
        let (_, examples) = help.split_once("\nExamples:\n").expect("each page has examples");
        wanted.extend(examples_in(examples).into_iter().map(str::to_owned));
    }
    let (_, body) = page.split_once(".SH COMMANDS").unwrap();
    let mut found: Vec<String> = examples_in(body).into_iter().map(str::to_owned).collect();
    wanted.sort();
    found.sort();
    assert_eq!(found, wanted);
    assert!(found.len() >= 15, "only {} examples", found.len());
}

/// What a checker has against the page; nothing when it is not installed.
fn complaints(checker: &[&str], page: &str) -> Option<String> {
    let mut command = Command::new(checker[0]);
    command.args(&checker[1..]).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().ok()?;
    child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    // The page of one program is always the same: no day stands on it.
    let is_meant = |line: &&str| !line.contains("missing date");
    Some(said.lines().filter(is_meant).collect::<Vec<_>>().join("\n"))
}

#[test]
fn formatters_take_the_manual_page() {
    let page = shown(&["help", "man"]);
    let broken = page.replace(".SH NAME", ".SH NAME\n.frobnicate\n\\*[nosuch]");
    let mut checked = 0;
    for checker in [&["mandoc", "-T", "lint"][..], &["groff", "-man", "-ww", "-z"]] {
        let Some(complaints_of_it) = complaints(checker, &page) else {
            eprintln!("skipped: {} is not installed", checker[0]);
            continue;
        };
        assert_eq!(complaints_of_it, "", "{checker:?}");
        let complaints_of_broken = complaints(checker, &broken).unwrap();
        assert!(!complaints_of_broken.is_empty(), "{checker:?} complains of nothing");
        checked += 1;
    }
    eprintln!("{checked} checkers had no complaint");
}
