//! Goal: the program takes a password from every source, one at a time, and never shows it. Method: it
//! is run on archives whose passwords are cheap to try, at a terminal where it asks; what it leaves is
//! opened by the library.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use zarc::archive::Archive;
use zarc::base::Until;
use zarc::command::{AddOptions, add};
use zarc::crypto::KeyRecord;
use zarc::format::{ArchiveHeader, Commit};

use super::support::Told;
use super::support::keys::{cheap, key_words, word};
use super::support::terminal::Terminal;
use super::support::workbench::{Workbench, fresh_in_memory, set_clock};

const PASSWORD: &str = "open sesame";

/// An encrypted archive `a` of a directory `work`, and a plain one `plain` of the same.
fn bench() -> Workbench {
    set_clock(1_000_000_000);
    let bench = Workbench::new(fresh_in_memory());
    fs::write(bench.work().join("f"), "content\n".repeat(100)).unwrap();
    encrypt(&bench, "a.zarc", PASSWORD);
    add(
        &AddOptions { archive: bench.path("plain.zarc").into(), ..bench.add_options(b"") },
        &told(),
    )
    .unwrap();
    bench
}

fn told() -> Told {
    Told::default()
}

fn encrypt(bench: &Workbench, name: &str, password: &str) {
    let options = AddOptions {
        archive: bench.path(name).into(),
        key: Some(key_words(password)),
        key_cost: cheap(),
        ..bench.add_options(b"")
    };
    add(&options, &told()).unwrap();
}

fn home(bench: &Workbench) -> std::path::PathBuf {
    bench.path("")
}

fn command(directory: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zarc"));
    command.args(words).current_dir(directory).stdin(Stdio::null());
    for variable in ["ZARC_KEY", "ZARC_KEY_FILE", "ZARC_KEY_COMMAND"] {
        command.env_remove(variable);
    }
    command
}

fn zarc(bench: &Workbench, words: &[&str]) -> Output {
    command(&home(bench), words).output().unwrap()
}

fn stderr(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}

fn opens(bench: &Workbench, name: &str, password: &str) -> bool {
    let password = word(password);
    Archive::open_path(&bench.path(name), Some(&password)).is_ok()
}

/// The four commands on an archive, with more words.
fn on_each_command(archive: &str, more: &[&str], check: impl Fn(&[&str])) {
    let commands: [&[&str]; 4] = [
        &["add", archive, "work"],
        &["extract", archive, "-test"],
        &["list", archive],
        &["test", archive],
    ];
    for command in commands {
        check(&[command, more].concat());
    }
}

#[test]
fn words_are_one_password_with_single_spaces() {
    let bench = bench();
    for right in [&["open", "sesame"][..], &["open sesame"]] {
        on_each_command("a", &[&["-key"], right, &["-quiet"]].concat(), |words| {
            let output = zarc(&bench, words);
            // An add would change the names; here it finds only that work/f is new.
            assert_eq!(output.status.code(), Some(0), "{words:?}: {}", stderr(&output));
        });
    }
    for wrong in [
        &["open"][..],
        &["opensesame"],
        &["open  sesame"],
        &["open", "", "sesame"],
        &["sesame", "open"],
    ] {
        let output = zarc(&bench, &[&["list", "a", "-key"], wrong].concat());
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
    let output = zarc(&bench, &["list", "a", "-key", "open", "sesame", "-all", "1"]);
    assert_eq!(output.status.code(), Some(0), "an option ends the password: {}", stderr(&output));
}

#[test]
fn without_words_the_password_is_asked_for_and_not_shown() {
    let bench = bench();
    for (typed, code) in [("open sesame\n", 0), ("open says me\n", 2)] {
        let mut terminal = Terminal::run(&home(&bench), &["list", "a", "-key"]);
        let question = terminal.question("Password: ");
        terminal.type_in(typed);
        let (ended, said) = terminal.end();
        assert_eq!(ended, Some(code), "{said}");
        assert!(!(question + &said).contains(typed.trim_end()), "{said}");
    }
    // Nobody is there to be asked.
    let output = zarc(&bench, &["list", "a", "-key"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("nobody to ask") && stderr(&output).contains("-keyfile"));
}

#[test]
fn a_new_password_is_asked_for_until_it_is_given_twice_alike() {
    let bench = bench();
    let mut terminal = Terminal::run(&home(&bench), &["add", "new", "work", "-key"]);
    let mut said = terminal.question("Password: ");
    terminal.type_in("first try\n");
    said += &terminal.question("The same again: ");
    terminal.type_in("firts try\n");
    said += &terminal.question("Password: ");
    assert!(said.contains("the two passwords differ"), "{said}");
    terminal.type_in("second try\n");
    said += &terminal.question("The same again: ");
    terminal.type_in("second try\n");
    let (code, rest) = terminal.end();
    said += &rest;
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("first") && !said.contains("second"), "{said}");
    assert!(opens(&bench, "new.zarc", "second try") && !opens(&bench, "new.zarc", "first try"));
}

#[test]
fn an_interrupt_at_the_question_ends_with_130_and_changes_nothing() {
    let bench = bench();
    let before = fs::read(bench.archive()).unwrap();
    for (words, is_second) in [
        (["add", "new", "work", "-key"], false),
        (["add", "new", "work", "-key"], true),
        (["add", "a", "work", "-key"], false),
    ] {
        let mut terminal = Terminal::run(&home(&bench), &words);
        terminal.question("Password: ");
        if is_second {
            terminal.type_in("once\n");
            terminal.question("The same again: ");
        }
        terminal.interrupt();
        let (code, said) = terminal.end();
        assert_eq!(code, Some(130), "{said}");
        assert!(said.contains("interrupted; nothing was added"), "{said}");
        assert!(!bench.path("new.zarc").exists() && fs::read(bench.archive()).unwrap() == before);
    }
}

#[test]
fn a_password_comes_from_a_file_a_command_or_the_environment() {
    let bench = bench();
    fs::write(bench.path("key"), "open sesame\n").unwrap();
    fs::write(bench.path("windows-key"), "open sesame\r\n").unwrap();
    fs::write(bench.path("bare-key"), "open sesame").unwrap();
    fs::write(bench.path("wrong-key"), "open sesame\n\n").unwrap();
    for (source, code) in [
        (["-keyfile", "key"], 0),
        (["-keyfile", "windows-key"], 0),
        (["-keyfile", "bare-key"], 0),
        (["-keyfile", "wrong-key"], 2),
        (["-keycmd", "cat key"], 0),
        (["-keycmd", "echo open; echo sesame"], 2),
        (["-keycmd", "printf 'open %s' sesame"], 0),
    ] {
        let output = zarc(&bench, &[&["list", "a"], &source[..]].concat());
        assert_eq!(output.status.code(), Some(code), "{source:?}: {}", stderr(&output));
    }
    for (variable, value, code) in [
        ("ZARC_KEY", "open sesame", 0),
        ("ZARC_KEY", "open sesame ", 2),
        ("ZARC_KEY", "", 2),
        ("ZARC_KEY_FILE", "key", 0),
        ("ZARC_KEY_FILE", "wrong-key", 2),
        ("ZARC_KEY_COMMAND", "cat key", 0),
        ("ZARC_KEY_COMMAND", "false", 2),
    ] {
        let output = command(&home(&bench), &["list", "a"]).env(variable, value).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{variable}={value}: {}", stderr(&output));
    }
}

#[test]
fn a_source_without_a_password_is_an_error_that_makes_no_archive() {
    let bench = bench();
    fs::write(bench.path("empty"), "").unwrap();
    fs::write(bench.path("blank"), "\n").unwrap();
    fs::write(bench.path("long"), "x".repeat(70_000)).unwrap();
    for (source, said) in [
        (&["-keyfile", "nowhere"][..], "cannot read the key file (nowhere): No such file"),
        (&["-keyfile", "empty"], "the password is empty"),
        (&["-keyfile", "blank"], "the password is empty"),
        (&["-keyfile", "long"], "65536 bytes"),
        (&["-keycmd", "false"], "gave no password (false): exit status: 1"),
        (&["-keycmd", "true"], "the password is empty"),
        (&["-keycmd", "echo half; exit 3"], "exit status: 3"),
        (&["-keycmd", "kill -9 $$"], "signal: 9"),
        (&["-keycmd", "head -c 70000 /dev/zero"], "more than 64 KiB"),
        (&["-key", ""], "the password is empty"),
    ] {
        let output = zarc(&bench, &[&["add", "new", "work", "-quiet"], source].concat());
        assert_eq!(output.status.code(), Some(2), "{source:?}");
        let told = stderr(&output);
        assert!(told.lines().count() == 1 && told.contains(said), "{source:?}: {told}");
        assert!(!bench.path("new.zarc").exists());
    }
}

#[test]
fn two_sources_are_an_error_that_names_both() {
    let bench = bench();
    fs::write(bench.path("key"), "open sesame\n").unwrap();
    let options: [&[&str]; 3] =
        [&["-key", "open sesame"], &["-keyfile", "key"], &["-keycmd", "cat key"]];
    let variables =
        [("ZARC_KEY", "open sesame"), ("ZARC_KEY_FILE", "key"), ("ZARC_KEY_COMMAND", "cat key")];
    let check = |output: &Output, one: &str, other: &str| {
        let told = stderr(output);
        let line = told.lines().last().unwrap_or_default();
        assert_eq!(output.status.code(), Some(2), "{told}");
        let names = line.starts_with(&format!("zarc: {one} and {other}: "));
        assert!(names && line.contains("one source"), "{one}, {other}: {told}");
    };
    for (at, one) in options.iter().enumerate() {
        for other in &options[at + 1..] {
            check(&zarc(&bench, &[&["list", "a"], *one, other].concat()), one[0], other[0]);
        }
        for (variable, value) in variables {
            let words = [&["list", "a"], *one].concat();
            let output = command(&home(&bench), &words).env(variable, value).output().unwrap();
            check(&output, one[0], variable);
        }
    }
    for (at, (one, value)) in variables.into_iter().enumerate() {
        for (other, other_value) in &variables[at + 1..] {
            let mut both = command(&home(&bench), &["list", "a"]);
            check(&both.env(one, value).env(other, other_value).output().unwrap(), one, other);
        }
    }
}

/// One line and perhaps a hint, exit code 2, and the file as it was.
fn assert_refused(bench: &Workbench, archive: &str, words: &[&str], said: &str) {
    let path = bench.path(&format!("{archive}.zarc"));
    let before = fs::read(&path).unwrap();
    let output = zarc(bench, words);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{words:?}: {told}");
    let lines: Vec<&str> = told.lines().filter(|line| !line.starts_with("hint: ")).collect();
    assert!(lines.len() == 1 && lines[0].contains(said), "{words:?}: {told}");
    assert!(lines[0].contains(&format!("{archive}.zarc")), "{words:?}: {told}");
    assert!(output.stdout.is_empty(), "{words:?}");
    assert!(fs::read(&path).unwrap() == before, "{words:?}");
}

#[test]
fn a_wrong_password_is_one_line_and_changes_nothing() {
    let bench = bench();
    on_each_command("a", &["-quiet", "-key", "open", "says", "me"], |words| {
        assert_refused(&bench, "a", words, "wrong password");
    });
}

#[test]
fn every_command_wants_a_password_for_an_encrypted_archive_and_none_for_a_plain_one() {
    let bench = bench();
    on_each_command("a", &[], |words| {
        assert_refused(&bench, "a", words, "the archive is encrypted");
    });
    on_each_command("plain", &["-quiet", "-key", "open sesame"], |words| {
        assert_refused(&bench, "plain", words, "the archive is not encrypted");
    });
}

#[test]
fn the_password_is_in_no_output() {
    let bench = bench();
    let secret = "s3cr3t-w0rd";
    encrypt(&bench, "secret.zarc", secret);
    fs::write(bench.path("key"), secret).unwrap();
    for more in
        [&["-verbose"][..], &["-json"], &["-json", "-verbose"], &["-quiet"], &["-until", "x"]]
    {
        for archive in ["secret", "a", "plain", "nowhere"] {
            for source in [["-key", secret], ["-keyfile", "key"], ["-keycmd", "cat key"]] {
                on_each_command(archive, &[&source[..], more].concat(), |words| {
                    if words[..2] == ["add", "nowhere"] {
                        return;
                    }
                    let output = zarc(&bench, words);
                    let said = [output.stdout.as_slice(), &output.stderr].concat();
                    let is_shown = said.windows(secret.len()).any(|w| w == secret.as_bytes());
                    assert!(!is_shown, "{words:?}: {}", String::from_utf8_lossy(&said));
                });
            }
        }
    }
    let bytes = fs::read(bench.path("secret.zarc")).unwrap();
    assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
}

#[test]
fn a_password_among_the_arguments_is_warned_of() {
    let bench = bench();
    fs::write(bench.path("key"), PASSWORD).unwrap();
    let seen = zarc(&bench, &["list", "a", "-key", PASSWORD]);
    assert!(stderr(&seen).starts_with("zarc: warning: other users of this machine can see"));
    for hidden in [&["-keyfile", "key"][..], &["-keycmd", "cat key"], &["-quiet", "-key", PASSWORD]]
    {
        let output = zarc(&bench, &[&["list", "a"], hidden].concat());
        assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""), "{hidden:?}");
    }
}

/// The archive that the program makes: told by a flag and random bytes, at 128 MiB a guess.
#[test]
fn a_new_archive_is_encrypted_for_good_at_the_default_cost() {
    let bench = bench();
    let output = zarc(&bench, &["add", "new", "work", "-key", PASSWORD]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let bytes = fs::read(bench.path("new.zarc")).unwrap();
    assert!(ArchiveHeader::decode(&bytes).unwrap().0.flags.encrypted);
    let record = &bytes[ArchiveHeader::KEY_RECORD];
    // Version 1, scrypt, N = 2^17, r = 8, p = 1: section 11 of the format.
    assert_eq!(record[..9], *b"ZKEY\x01\x01\x11\x08\x01");
    let other = &fs::read(bench.archive()).unwrap()[ArchiveHeader::KEY_RECORD];
    assert!(record[32..128] != other[32..128], "another salt, another key");
    assert!(!bytes.windows(8).any(|window| window == b"content\n"));
    assert_refused(&bench, "new", &["add", "new", "work"], "the archive is encrypted");
    assert!(opens(&bench, "new.zarc", PASSWORD));
}

#[test]
fn an_index_can_be_encrypted() {
    let bench = bench();
    let key = &["-quiet", "-key", PASSWORD][..];
    let made = zarc(&bench, &[&["add", "index", "work", "-method", "i"], key].concat());
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let password = word(PASSWORD);
    let archive = Archive::open_path(&bench.path("index.zarc"), Some(&password)).unwrap();
    assert!(!archive.holds_data());
    let listed = zarc(&bench, &[&["list", "index", "work"], key].concat());
    assert_eq!([b'=', b'#', b'+', b'-'].map(|symbol| count(&listed, symbol)), [2, 0, 0, 0]);
    assert_eq!(listed.status.code(), Some(0), "{}", stderr(&listed));
    assert_refused(&bench, "index", &["test", "index"], "the archive is encrypted");
}

/// Rows with this symbol.
fn count(listed: &Output, symbol: u8) -> usize {
    listed.stdout.split(|&byte| byte == b'\n').filter(|row| row.first() == Some(&symbol)).count()
}

#[test]
fn contents_of_archives_with_different_keys_cannot_be_compared() {
    let bench = bench();
    encrypt(&bench, "b.zarc", PASSWORD);
    fs::copy(bench.archive(), bench.path("copy.zarc")).unwrap();
    for (pair, force) in
        [(["a", "b"], Some(2)), (["a", "plain"], Some(2)), (["a", "copy"], Some(0))]
    {
        let key = &["-quiet", "-key", PASSWORD][..];
        let names = zarc(&bench, &[&["list"], &pair[..], key].concat());
        let counts = [b'=', b'#', b'+', b'-'].map(|symbol| count(&names, symbol));
        assert_eq!(counts, [2, 0, 0, 0], "{pair:?}");
        let forced = zarc(&bench, &[&["list"], &pair[..], key, &["-force"]].concat());
        assert_eq!(forced.status.code(), force, "{pair:?}: {}", stderr(&forced));
        let is_told =
            stderr(&forced).contains("-force with two archives of which one is encrypted");
        assert!(force == Some(0) || (is_told && forced.stdout.is_empty()), "{}", stderr(&forced));
    }
}

/// What `add -until` leaves of the keys: another nonce for the same number, and after `-until 0`
/// another key of the archive under the same password.
#[test]
fn a_rollback_takes_new_keys() {
    let bench = bench();
    let password = word(PASSWORD);
    let update = |until: Until| {
        let options = AddOptions {
            key: Some(key_words(PASSWORD)),
            key_cost: cheap(),
            until,
            force: true,
            ..bench.add_options(b"")
        };
        fs::write(
            bench.work().join("f"),
            format!("{until:?} {:?}\n", fs::metadata(bench.archive()).unwrap().len()),
        )
        .unwrap();
        add(&options, &told()).unwrap();
        let bytes = fs::read(bench.archive()).unwrap();
        let header = ArchiveHeader::decode(&bytes).unwrap().0;
        let record = KeyRecord::decode(&bytes[ArchiveHeader::KEY_RECORD], &header.archive_id);
        let key = record.unwrap().unwrap(&password).unwrap();
        // The commit is the last page: a header of 64 bytes, then a payload of 224.
        let commit = Commit::decode(&bytes[bytes.len() - 4096 + 64..][..224]).unwrap();
        let keys = key.update_keys(commit.update, &commit.nonce, &commit.previous_tag);
        let mut stream = vec![0; 64];
        keys.apply_keystream(1, &mut stream);
        (commit.update, header.archive_id, key.identity_key().keyed_hash(&[]), stream)
    };
    let second = update(Until::Latest);
    let again = update(Until::Version(1));
    assert_eq!((second.0, again.0), (2, 2));
    assert_eq!((second.1, second.2), (again.1, again.2), "it is the same archive");
    assert_ne!(second.3, again.3, "the same keystream for two updates");
    let anew = update(Until::Version(0));
    assert_eq!(anew.0, 1);
    assert!(anew.1 != again.1 && anew.2 != again.2 && anew.3 != again.3, "an old key");
}

/// Nobody is asked for a password of no use: of an archive that is not there, or not encrypted.
#[test]
fn a_password_that_is_of_no_use_is_not_asked_for() {
    let bench = bench();
    let ask = ["-keycmd", "touch asked; echo word"];
    for (command, archive, words) in [
        ("list", "nowhere", "no such file"),
        ("extract", "plain", "the archive is not encrypted"),
        ("test", "plain", "the archive is not encrypted"),
        ("list", "part??", "no part of that name"),
        ("index", "part??", "no part of that name"),
        ("add", "plain", "the archive is not encrypted"),
        ("passwd", "plain", "the archive is not encrypted"),
    ] {
        let files: &[&str] = if command == "add" { &["work"] } else { &[] };
        let all = [&[command, archive], files, &ask].concat();
        let output = zarc(&bench, &all);
        let told = stderr(&output).to_lowercase();
        assert_eq!(output.status.code(), Some(2), "{command}: {told}");
        assert!(told.contains(words), "{command}: {told}");
        assert!(!bench.path("asked").exists(), "{command} asked");
    }
}
