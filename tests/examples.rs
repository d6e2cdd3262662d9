//! Goal: README and help show nothing that is not so. Method: every command that they show is run,
//! in order, in a fresh directory, and must succeed; where README shows output, the output must be
//! that, but for dates, fingerprints and how long it took.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Makes what the examples speak of.
fn fixture() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for folder in ["docs", "notes", "home/me/.cache"] {
        fs::create_dir_all(at(folder)).unwrap();
    }
    fs::write(at("docs/notes.txt"), "notes\n").unwrap();
    fs::write(at("docs/todo.txt"), "all done\n").unwrap();
    fs::write(at("notes/one"), "one\n").unwrap();
    fs::write(at("old-key"), "old words\n").unwrap();
    fs::write(at("new-key"), "new words\n").unwrap();
    fs::write(at("home/me/main.o"), "object\n").unwrap();
    directory
}

/// Runs a command line as a shell would. Names and dates that cannot be on this machine stand for
/// some that are.
fn run(line: &str, directory: &Path) -> Output {
    let line = line.replace("/home/me", "home/me").replace("2024/01/01", "2999/12/31");
    let program = Path::new(env!("CARGO_BIN_EXE_zarc")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).current_dir(directory).env("PATH", path);
    let output = shell.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {:?}: {told}", output.status);
    output
}

/// A line without what is another each time: dates, times, fingerprints, seconds.
fn settled(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let is_made_of = |word: &str, form: &str| {
        word.len() == form.len()
            && word.bytes().zip(form.bytes()).all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                b'f' => byte.is_ascii_hexdigit(),
                _ => byte == form,
            })
    };
    let settled = words.iter().enumerate().map(|(at, word)| {
        let bare = word.trim_end_matches([',', ':']);
        let is_duration = words.get(at + 1).is_some_and(|next| next.starts_with("seconds"));
        if is_made_of(bare, "0000-00-00") || is_made_of(bare, "00:00:00") {
            "[when]"
        } else if is_made_of(bare, "ffffffffffffffff") {
            "[which]"
        } else if is_duration {
            "[long]"
        } else {
            word
        }
    });
    settled.collect::<Vec<_>>().join(" ")
}

/// The commands of a page's `console` blocks, each with the lines shown after it.
fn shown_in(page: &str) -> Vec<(String, Vec<String>)> {
    let mut shown: Vec<(String, Vec<String>)> = Vec::new();
    for block in page.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            match (line.strip_prefix("$ "), shown.last_mut()) {
                (Some(command), _) => shown.push((command.to_owned(), Vec::new())),
                (None, Some((_, lines))) if !line.is_empty() => lines.push(line.to_owned()),
                _ => {}
            }
        }
    }
    shown
}

#[test]
fn the_tour_of_the_readme_is_true() {
    let directory = fixture();
    let page = fs::read_to_string("README.md").unwrap();
    let shown = shown_in(&page);
    assert!(shown.len() >= 8, "the tour is gone");
    for (command, expected) in shown {
        let output = run(&command, directory.path());
        let said = [output.stderr, output.stdout].concat();
        let said = String::from_utf8(said).unwrap();
        let said: Vec<String> = said.lines().filter(|l| !l.is_empty()).map(settled).collect();
        let shown: Vec<String> = expected.iter().map(|line| settled(line)).collect();
        assert_eq!(said, shown, "{command}");
    }
    let table = page.lines().filter(|line| line.starts_with('|'));
    let commands: Vec<&str> = table
        .filter_map(|row| row.split('`').nth(1))
        .filter(|quoted| quoted.starts_with("zarc "))
        .collect();
    assert!(commands.len() >= 6, "the table is gone");
    for command in commands {
        run(command, directory.path());
    }
}

#[test]
fn the_examples_of_the_help_work() {
    let directory = fixture();
    let mut examples = 0;
    for topic in ["", "add", "extract", "index", "list", "passwd", "test", "help"] {
        let help = run(&format!("zarc help {topic}"), directory.path()).stdout;
        let help = String::from_utf8(help).unwrap();
        let (_, after) = help.split_once("Examples:\n").expect("each page has examples");
        for line in after.lines().filter(|line| line.trim_start().starts_with("zarc ")) {
            // What follows two spaces says what the example is for.
            let line = line.trim_start().split("  ").next().unwrap();
            run(line, directory.path());
            examples += 1;
        }
        // What the examples of the others speak of.
        run("zarc add backup docs notes", directory.path());
        run("zarc add secret docs -keyfile old-key", directory.path());
        run("zarc add 'part??' docs", directory.path());
    }
    assert!(examples >= 20, "only {examples} examples were found");
    // An example has done what it says.
    let at = |name: &str| fs::read(directory.path().join(name)).unwrap();
    assert_eq!(at("old/docs/notes.txt"), b"notes\n");
    assert_eq!(at("restored/docs/todo.txt"), b"all done\n");
    assert_eq!(at("versions/0001/docs/notes.txt"), b"notes\n");
    assert!(at("zarc.1").starts_with(b".ie"));
}

#[test]
fn only_what_is_another_each_time_does_not_count() {
    for (one, other, is_same) in [
        ("- 2026-01-01 10:00:00  5 a", "- 2027-12-31 23:59:59  5 a", true),
        ("- 2026-01-01 10:00:00  5 a", "- 2026-01-01 10:00:00  6 a", false),
        ("fingerprint 0123456789abcdef: 3", "fingerprint ffffffffffffffff: 3", true),
        ("fingerprint 0123456789abcdef: 3", "fingerprint 0123456789abcdef: 4", false),
        ("2 files, 0.001 seconds", "2 files, 17.350 seconds", true),
        ("2 files, 0.001 seconds", "3 files, 0.001 seconds", false),
    ] {
        assert_eq!(settled(one) == settled(other), is_same, "{one} and {other}");
    }
}
