//! Goal: what `-json` says is what happened. Method: the program runs on real trees; its lines are
//! compared with the disk, with the archive file, and with what it says to people.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::support::json::{Answer, bytes, read, zarc, zarc_json};
use super::support::trees::{Node, Tree, join, place, walk};
use super::support::workbench::{is_root, set_mtime, set_xattr};
use super::support::{frames, noise};

/// A directory `d` with objects of each kind and names of each sort.
fn fixture() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let d = directory.path().join("d");
    let at = |name: &[u8]| place(&d, name);
    fs::create_dir_all(at(b"sub/empty")).unwrap();
    fs::write(at(b"sub/noise"), noise(1, 70_000)).unwrap();
    fs::write(at(b"text"), "words\n").unwrap();
    fs::write(at(b"nothing"), "").unwrap();
    fs::write(at(b"odd \xff\x1b\n\"\\ \xc2\x9b"), "odd").unwrap();
    fs::write(at("é \u{85}".as_bytes()), "accent").unwrap();
    fs::hard_link(at(b"text"), at(b"other name")).unwrap();
    std::os::unix::fs::symlink("text", at(b"link")).unwrap();
    std::os::unix::fs::symlink(place(Path::new(""), b"\xfe\x01"), at(b"odd link")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, at(b"pipe"), rustix::fs::Mode::from_raw_mode(0o604))
        .unwrap();
    set_xattr(&at(b"text"), "user.note", b"\xff\0");
    set_mtime(&at(b"nothing"), (-77, 999_999_999));
    if is_root() {
        std::os::unix::fs::lchown(at(b"nothing"), Some(12_345), Some(54_321)).unwrap();
    }
    directory
}

/// What is on disk, as the archive calls it.
fn tree(directory: &Path) -> Tree {
    let named = |name: Vec<u8>| if name.is_empty() { b"d".to_vec() } else { join(b"d", &name) };
    walk(&directory.join("d")).into_iter().map(|(name, node)| (named(name), node)).collect()
}

fn sorted(mut told: Vec<(Vec<u8>, String)>) -> Vec<(Vec<u8>, String)> {
    told.sort();
    told
}

fn all(tree: &Tree, word: &str) -> Vec<(Vec<u8>, String)> {
    tree.keys().map(|name| (name.clone(), word.to_owned())).collect()
}

fn file_bytes(tree: &Tree) -> u64 {
    tree.values().map(|node| node.content.len() as u64).sum()
}

fn len(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

#[test]
fn add_tells_what_became_of_each_object() {
    let directory = fixture();
    let at = |name: &str| directory.path().join(name);
    let first = tree(directory.path());
    let answer = zarc_json(directory.path(), &[b"add", b"a", b"d"]);
    assert_eq!((answer.code, answer.told.as_str()), (0, ""));
    assert_eq!(sorted(answer.objects("change")), all(&first, "added"));
    for line in answer.of_type("object") {
        let node = &first[&bytes(line, "path")];
        let size = (node.kind == '-').then_some(node.content.len() as u64);
        assert_eq!(line["size"].as_u64(), size, "{line}");
    }
    let new: u64 = answer.of_type("object").iter().filter_map(|l| l["new_bytes"].as_u64()).sum();
    assert_eq!(answer.figure("new_bytes"), new);
    assert_eq!(new, 70_000 + "words\noddaccent".len() as u64);
    let count = first.len() as u64;
    assert_eq!((answer.figure("seen"), answer.figure("added")), (count, count));
    assert_eq!(answer.figure("seen_bytes"), file_bytes(&first));
    assert_eq!(answer.figure("archive_bytes_before"), 0);
    assert_eq!(answer.figure("stored_bytes"), len(&at("a.zarc")));
    assert_eq!((answer.figure("version"), answer.figure("exit_code")), (1, 0));
    let before = len(&at("a.zarc"));

    fs::write(at("d/sub/noise"), noise(2, 50_000)).unwrap();
    fs::remove_file(at("d/nothing")).unwrap();
    fs::write(at("d/sub/fresh"), "fresh").unwrap();
    let dry = zarc_json(directory.path(), &[b"add", b"a", b"d", b"-test"]);
    assert_eq!((&dry.last()["dry"], dry.last().get("version")), (&Value::Bool(true), None));
    assert_eq!(len(&at("a.zarc")), before);
    let answer = zarc_json(directory.path(), &[b"add", b"a", b"d"]);
    assert_eq!(dry.objects("change"), answer.objects("change"));
    let expected = [
        ("d", "updated"),
        ("d/nothing", "deleted"),
        ("d/sub", "updated"),
        ("d/sub/fresh", "added"),
        ("d/sub/noise", "updated"),
    ];
    let expected = expected.map(|(name, word)| (name.as_bytes().to_vec(), word.to_owned()));
    assert_eq!(sorted(answer.objects("change")), expected);
    assert_eq!(answer.figure("new_bytes"), 50_005);
    assert_eq!(answer.figure("archive_bytes_before"), before);
    assert_eq!(answer.figure("stored_bytes"), len(&at("a.zarc")) - before);
    assert_eq!(["added", "updated", "deleted"].map(|name| answer.figure(name)), [1, 3, 1]);

    let test = zarc_json(directory.path(), &[b"test", b"a"]);
    assert_eq!((test.code, test.figure("versions"), test.figure("damaged")), (0, 2, 0));
    assert_eq!(test.last()["fingerprint"], answer.last()["fingerprint"]);
    assert_eq!(test.figure("bytes"), new + 50_005);
}

/// Compares a row of an object with the disk.
fn check_row(line: &Value, node: &Node) {
    let kinds = [
        ('-', "file"),
        ('d', "directory"),
        ('l', "symlink"),
        ('p', "fifo"),
        ('c', "character_device"),
    ];
    let kind = kinds.iter().find(|(letter, _)| *letter == node.kind).unwrap().1;
    assert_eq!(line["kind"], kind);
    let size = (node.kind == '-').then_some(node.content.len() as u64);
    assert_eq!(line["size"].as_u64(), size, "{line}");
    let mtime = chrono::DateTime::parse_from_rfc3339(line["mtime"].as_str().unwrap()).unwrap();
    assert_eq!((mtime.timestamp(), i64::from(mtime.timestamp_subsec_nanos())), node.mtime);
    assert_eq!(line["mode"], format!("{:04o}", node.mode), "{line}");
    let owner = (line["uid"].as_u64().unwrap(), line["gid"].as_u64().unwrap());
    assert_eq!(owner, (node.owner.0.into(), node.owner.1.into()), "{line}");
    assert_eq!(line.get("target").is_some(), node.kind == 'l', "{line}");
    if node.kind == 'l' {
        assert_eq!(bytes(line, "target"), node.target);
    }
    let device = line.get("device").map(|device| {
        let [major, minor] = [0, 1].map(|n| u32::try_from(device[n].as_u64().unwrap()).unwrap());
        rustix::fs::makedev(major, minor)
    });
    assert_eq!(device, matches!(node.kind, 'c' | 'b').then_some(node.device), "{line}");
    let xattrs = line["xattrs"].as_array().cloned().unwrap_or_default();
    let decoded = |x: &Value| data_encoding::BASE64.decode(x.as_str().unwrap().as_bytes()).unwrap();
    let xattrs: Vec<_> =
        xattrs.iter().map(|x| (bytes(x, "name"), decoded(&x["value_base64"]))).collect();
    assert_eq!(xattrs, node.xattrs, "{line}");
}

/// The line that people get for a row.
fn line_for_people(line: &Value) -> Vec<u8> {
    let symbols = [("same", "="), ("different", "#"), ("internal", "-"), ("external", "+")];
    let symbol = symbols.iter().find(|(word, _)| line["comparison"] == *word);
    let symbol = symbol.map_or("-", |(_, symbol)| symbol);
    let date = line["mtime"].as_str().map(|t| t[..19].replace('T', " ")).unwrap_or_default();
    let letters = [("directory", "d"), ("symlink", "l"), ("fifo", "p"), ("character_device", "c")];
    let letter = letters.iter().find(|(kind, _)| line["kind"] == *kind).map_or(" ", |(_, l)| l);
    let mode = line["mode"].as_str().map(|mode| format!("{letter}{mode}")).unwrap_or_default();
    let size = line["size"].as_u64().unwrap_or(0);
    let mut shown = format!("{symbol} {date:19} {size:12} {mode:5} ").into_bytes();
    if let Some(version) = line["version"].as_u64() {
        shown.extend(format!("{version:04}/").bytes());
    }
    shown.extend(bytes(line, "path"));
    match letter {
        "d" => shown.push(b'/'),
        "l" => shown.extend([b" -> ", &*bytes(line, "target")].concat()),
        _ => {}
    }
    shown
}

/// The rows that people get are those that programs get, in that order.
fn check_for_people(directory: &Path, words: &[&str], answer: &Answer) {
    let human = zarc(directory, words).stdout;
    let rows = answer.of_type("object").into_iter().map(line_for_people);
    let expected: Vec<u8> = rows.flat_map(|row| [row, b"\n".to_vec()].concat()).collect();
    let without_versions = |line: &&[u8]| {
        let name = line.get(41..).unwrap_or_default();
        !(name.starts_with(b"0") && name[4..].starts_with(b"/ +"))
    };
    let shown: Vec<u8> = human
        .split_inclusive(|byte| *byte == b'\n')
        .filter(without_versions)
        .collect::<Vec<_>>()
        .concat();
    let rest = shown.strip_prefix(&*expected);
    let rest = rest
        .unwrap_or_else(|| panic!("{}\nis not\n{}", shown.escape_ascii(), expected.escape_ascii()));
    assert!(rest.starts_with(b"\n"), "only the footer is left: {}", rest.escape_ascii());
}

#[test]
fn rows_of_list_are_what_is_on_disk() {
    let directory = fixture();
    let make = |name: &str| {
        let path = directory.path().join("d").join(name);
        let mode = rustix::fs::Mode::from_raw_mode(0o640);
        let kind = rustix::fs::FileType::CharacterDevice;
        rustix::fs::mknodat(rustix::fs::CWD, path, kind, mode, rustix::fs::makedev(7, 300)).is_ok()
    };
    let has_device = is_root() && make("device");
    let truth = tree(directory.path());
    assert_eq!(has_device, truth.contains_key(&b"d/device"[..]));
    zarc_json(directory.path(), &[b"add", b"a", b"d", b"-special"]);
    for (words, comparison) in [
        (&["list", "a", "-special"][..], "none"),
        (&["list", "a", "d", "-special"], "same"),
        (&["list", "a", "d", "-special", "-force"], "same"),
    ] {
        let typed: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let answer = zarc_json(directory.path(), &typed);
        assert_eq!((answer.code, answer.told.as_str()), (0, ""), "{words:?}");
        assert_eq!(sorted(answer.objects("comparison")), all(&truth, comparison));
        for line in answer.of_type("object") {
            check_row(line, &truth[&bytes(line, "path")]);
        }
        assert_eq!(answer.figure("objects"), truth.len() as u64);
        assert_eq!(answer.figure("archive_bytes"), len(&directory.path().join("a.zarc")));
        check_for_people(directory.path(), words, &answer);
    }
    // What is not asked for is not said, and what was not saved is not made up.
    let bare = zarc_json(directory.path(), &[b"list", b"a", b"-noattributes"]);
    zarc_json(directory.path(), &[b"add", b"b", b"d", b"-noattributes"]);
    let unsaved = zarc_json(directory.path(), &[b"list", b"b"]);
    check_for_people(directory.path(), &["list", "b"], &unsaved);
    assert!(unsaved.figure("objects") >= 10 && bare.figure("objects") >= 10);
    for line in bare.of_type("object").into_iter().chain(unsaved.of_type("object")) {
        let saved = ["mode", "uid", "gid", "user", "group", "xattrs"];
        assert!(saved.iter().all(|field| line.get(field).is_none()), "{line}");
    }
}

#[test]
fn a_comparison_says_of_both_sides_what_they_are() {
    let directory = fixture();
    zarc_json(directory.path(), &[b"add", b"a", b"d"]);
    fs::remove_file(directory.path().join("d/pipe")).unwrap();
    fs::write(directory.path().join("d/text"), "other words\n").unwrap();
    fs::write(directory.path().join("d/fresh"), "fresh").unwrap();
    let truth = tree(directory.path());
    let words = ["list", "a", "d", "nowhere", "-not", "="];
    let typed = words.map(str::as_bytes);
    let answer = zarc_json(directory.path(), &typed);
    let expected = [
        ("d", "different"),
        ("d", "external"),
        ("d/fresh", "external"),
        ("d/other name", "different"),
        ("d/other name", "external"),
        ("d/pipe", "internal"),
        ("d/text", "different"),
        ("d/text", "external"),
    ];
    let expected = expected.map(|(name, word)| (name.as_bytes().to_vec(), word.to_owned()));
    assert_eq!(answer.objects("comparison"), expected);
    for line in answer.of_type("object").into_iter().filter(|l| l["comparison"] == "external") {
        check_row(line, &truth[&bytes(line, "path")]);
    }
    let figures = ["different", "external", "internal", "problems"].map(|name| answer.figure(name));
    assert_eq!(figures, [3, 4, 1, 1]);
    assert_eq!(answer.figure("same") + 8, answer.figure("objects"));
    assert_eq!((answer.code, &answer.of_type("problem")[0]["path"]), (1, &"nowhere".into()));
    check_for_people(directory.path(), &words, &answer);

    zarc_json(directory.path(), &[b"add", b"a", b"d"]);
    let history = zarc_json(directory.path(), &[b"list", b"a", b"-all"]);
    assert_eq!(history.of_type("version").len(), 2);
    let second = history.of_type("version")[1];
    let [updates, deletions] = ["updates", "deletions"].map(|name| second[name].as_u64().unwrap());
    assert_eq!((updates, deletions, &second["version"]), (4, 1, &2.into()));
    let rows: Vec<&Value> = history.of_type("object");
    assert_eq!(rows.iter().filter(|row| row["version"] == 2).count(), 5);
    let deleted: Vec<_> = rows.iter().filter(|row| row["deleted"] == true).collect();
    assert_eq!((deleted.len(), &deleted[0]["path"]), (1, &"d/pipe".into()));
    assert!(deleted[0].get("kind").is_none() && rows.iter().all(|r| r["comparison"] == "none"));
    check_for_people(directory.path(), &["list", "a", "-all"], &history);
}

#[test]
fn extract_tells_what_became_of_each_object() {
    let directory = fixture();
    let truth = tree(directory.path());
    zarc_json(directory.path(), &[b"add", b"a", b"d"]);
    let moved = |word: &str, is_told: fn(&Node) -> bool| -> Vec<(Vec<u8>, String)> {
        let told = truth.iter().filter(|(_, node)| is_told(node));
        told.map(|(name, _)| (join(b"out", name), word.to_owned())).collect()
    };
    let all_kinds = |_: &Node| true;
    let dry = zarc_json(directory.path(), &[b"extract", b"a", b"-to", b"out", b"-test"]);
    assert_eq!(dry.last()["dry"], true);
    assert!(!directory.path().join("out").exists());
    let answer = zarc_json(directory.path(), &[b"extract", b"a", b"-to", b"out"]);
    assert_eq!((answer.code, answer.told.as_str()), (0, ""));
    assert_eq!(sorted(answer.objects("result")), moved("written", all_kinds));
    assert_eq!(answer.figure("written"), walk(&directory.path().join("out/d")).len() as u64);
    for line in answer.of_type("object") {
        let path = bytes(line, "path");
        let node = &truth[path.strip_prefix(b"out/").unwrap()];
        let size = (node.kind == '-').then_some(node.content.len() as u64);
        assert_eq!(line["size"].as_u64(), size, "{line}");
    }

    let no_directory = |node: &Node| node.kind != 'd';
    let again = zarc_json(directory.path(), &[b"extract", b"a", b"-to", b"out"]);
    assert_eq!(sorted(again.objects("result")), moved("skipped", no_directory));
    // Directories that are there are counted without a word.
    assert_eq!(again.figure("skipped"), truth.len() as u64);
    assert_eq!(again.figure("written") + again.figure("bytes"), 0);
    fs::write(directory.path().join("out/d/sub/noise"), "changed").unwrap();
    let forced = zarc_json(directory.path(), &[b"extract", b"a", b"-to", b"out", b"-force"]);
    let results: BTreeMap<_, _> = forced.objects("result").into_iter().collect();
    assert_eq!(results[&b"out/d/sub/noise"[..]], "written");
    assert_eq!(results[&b"out/d/nothing"[..]], "identical");
    // An object of several names that has attributes is always written again: its first name.
    let is_again = !truth[&b"d/text"[..]].xattrs.is_empty();
    assert_eq!(forced.figure("bytes"), 70_000 + if is_again { "words\n".len() as u64 } else { 0 });
    let by_word = |word: &str| results.values().filter(|result| *result == word).count() as u64;
    let directories = truth.values().filter(|node| node.kind == 'd').count() as u64;
    assert_eq!(forced.figure("written"), by_word("written"));
    assert_eq!(forced.figure("identical"), by_word("identical") + directories);
    assert_eq!(forced.figure("skipped"), 0);
    let missing =
        zarc_json(directory.path(), &[b"extract", b"a", b"d/text", b"no\xff", b"-to", b"x"]);
    let problem = missing.of_type("problem")[0];
    assert_eq!((bytes(problem, "path"), missing.code), (b"no\xff".to_vec(), 1));
    assert_eq!((missing.figure("missing"), missing.figure("written")), (1, 1));
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem() {
    let directory = fixture();
    let at = |name: &str| directory.path().join(name);
    let missing = zarc_json(directory.path(), &[b"add", b"a", b"d/text", b"d/no\xfe"]);
    let problem = missing.of_type("problem")[0];
    assert_eq!((bytes(problem, "path"), missing.code), (b"d/no\xfe".to_vec(), 1));
    assert_eq!((missing.figure("problems"), missing.figure("added")), (1, 1));

    for (name, mode) in [("", 0o777), ("d", 0o755), ("d/sub", 0o755), ("d/sub/noise", 0o000)] {
        fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_zarc"));
    command.args(["add", "b", "d/sub", "-json"]).current_dir(directory.path());
    if is_root() {
        command.uid(65_534).gid(65_534);
    }
    let Ok(output) = command.output() else {
        println!("skipped: another user cannot run the program here");
        return;
    };
    let answer = read(&output);
    assert_eq!((answer.code, answer.figure("problems")), (1, 1));
    let problem = answer.of_type("problem")[0];
    assert_eq!(problem["path"], "d/sub/noise");
    assert!(problem["message"].as_str().unwrap().contains("cannot read"), "{problem}");
    let paths = answer.objects("change").into_iter().map(|(path, _)| path);
    assert_eq!(paths.collect::<Vec<_>>(), [b"d/sub".to_vec(), b"d/sub/empty".to_vec()]);
}

#[test]
fn damage_is_told_object_by_object() {
    let directory = fixture();
    let archive = directory.path().join("a.zarc");
    zarc_json(directory.path(), &[b"add", b"a", b"d"]);
    let sound = fs::read(&archive).unwrap();
    let (offset, length) = *frames(&sound, 2).iter().max_by_key(|(_, length)| *length).unwrap();
    let mut damaged = sound.clone();
    damaged[offset + length / 2] ^= 0x10;
    fs::write(&archive, &damaged).unwrap();

    let test = zarc_json(directory.path(), &[b"test", b"a"]);
    assert_eq!((test.code, test.of_type("warning").len() as u64), (2, test.figure("damaged")));
    assert!(test.figure("damaged") > 0);
    let extract = zarc_json(directory.path(), &[b"extract", b"a", b"-to", b"out"]);
    assert_eq!(extract.code, 2);
    let lost: Vec<Vec<u8>> =
        extract.of_type("problem").iter().map(|problem| bytes(problem, "path")).collect();
    assert!(lost.contains(&b"out/d/sub/noise".to_vec()), "{lost:?}");
    assert_eq!(extract.figure("damaged"), lost.len() as u64);
    let out = walk(&directory.path().join("out"));
    for (name, node) in tree(directory.path()) {
        let is_lost = lost.contains(&join(b"out", &name));
        let restored = out.get(&name).map(|restored| &restored.content);
        assert_eq!(restored, (!is_lost).then_some(&node.content), "{}", name.escape_ascii());
    }

    damaged[..4096].fill(0x55);
    fs::write(&archive, &damaged).unwrap();
    for command in [&b"list"[..], b"test", b"extract"] {
        let answer = zarc_json(directory.path(), &[command, b"a"]);
        assert_eq!((answer.code, answer.lines.len()), (2, 1));
        assert_eq!(answer.last()["kind"], "unsupported", "{}", answer.last());
    }
}

#[test]
fn an_error_is_the_last_line() {
    let directory = fixture();
    for (words, kind, part) in [
        (&["list", "nope"][..], "missing", "nope.zarc"),
        (&["test", "nope"], "missing", "nope.zarc"),
        (&["extract", "nope"], "missing", "nope.zarc"),
        (&["add", "nowhere/a", "d"], "missing", "nothing was added"),
        (&["frob", "a"], "usage", "unknown command"),
        (&[], "usage", "no command"),
        (&["add", "a"], "usage", "FILE... missing"),
        (&["list", "a", "-frob"], "usage", "option -frob"),
        (&["add", "a", "d", "-m9"], "usage", "-method 9"),
        (&["add", "a", "d", "-fragment"], "usage", "needs a value"),
        (&["list", "a", "-until"], "usage", "needs a value"),
        (&["list", "part??"], "missing", "no part of that name"),
        (&["list", "d?/part"], "usage", "last component"),
        (&["list", "a", "-quiet", "-frob"], "usage", "option -frob"),
    ] {
        let typed: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let answer = zarc_json(directory.path(), &typed);
        assert_eq!((answer.code, answer.lines.len()), (2, 1), "{words:?}");
        assert_eq!(answer.last()["kind"], kind, "{words:?}");
        assert!(answer.last()["message"].as_str().unwrap().contains(part), "{}", answer.last());
    }
    let missing = zarc_json(directory.path(), &[b"list", b"nope"]);
    assert_eq!(missing.last()["place"], "nope.zarc");
    let before_words = read(&zarc(directory.path(), &["--json", "list", "a", "-frob"]));
    assert_eq!(before_words.last()["kind"], "usage");
    let abbreviated = read(&zarc(directory.path(), &["list", "nope", "-js"]));
    assert_eq!(abbreviated.last()["kind"], "missing");
    // Behind -- it is the name of a file.
    let name = zarc(directory.path(), &["list", "nope", "-frob", "--", "-json"]);
    assert_eq!((name.status.code(), name.stdout.as_slice()), (Some(2), &b""[..]));
}

#[test]
fn an_archive_in_use_is_told_with_a_hint() {
    let directory = fixture();
    zarc_json(directory.path(), &[b"add", b"a", b"d"]);
    let archive = fs::File::open(directory.path().join("a.zarc")).unwrap();
    archive.lock().unwrap();
    let answer = zarc_json(directory.path(), &[b"add", b"a", b"d"]);
    assert_eq!((answer.code, &answer.last()["kind"]), (2, &"busy".into()));
    assert_eq!(answer.last()["hint"], "try again when the other one is done");
}

/// -summary sorts by sizes, those of directories too, and tells them.
#[test]
fn directories_have_their_size_with_summary_only() {
    let directory = fixture();
    zarc_json(directory.path(), &[b"add", b"a", b"d"]);
    let tree = tree(directory.path());
    let sized = |words: &[&[u8]]| -> BTreeMap<Vec<u8>, u64> {
        let answer = zarc_json(directory.path(), words);
        let objects = answer.of_type("object");
        let directories = objects.iter().filter(|line| line["kind"] == "directory");
        directories.filter_map(|line| Some((bytes(line, "path"), line["size"].as_u64()?))).collect()
    };
    let expected = [(b"d".to_vec(), file_bytes(&tree)), (b"d/sub".to_vec(), 70_000)];
    assert_eq!(sized(&[b"list", b"a", b"-summary"]), expected.into());
    assert_eq!(sized(&[b"list", b"a"]), BTreeMap::new());
    assert_eq!(sized(&[b"list", b"a", b"d"]), BTreeMap::new());
}

#[test]
fn quiet_leaves_problems_and_the_summary() {
    let directory = fixture();
    for words in [
        &["add", "a", "d", "nowhere", "-quiet"][..],
        &["list", "a", "-quiet"],
        &["list", "a", "-all", "-quiet"],
        &["extract", "a", "d", "nowhere", "-to", "x", "y", "-quiet"],
        &["test", "a", "-quiet"],
    ] {
        let typed: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let answer = zarc_json(directory.path(), &typed);
        let has_problem = words.contains(&"nowhere");
        let expected = if has_problem { &["problem", "summary"][..] } else { &["summary"] };
        assert!(answer.types().iter().eq(expected), "{words:?}: {:?}", answer.types());
        assert_eq!(answer.code, i32::from(has_problem), "{words:?}");
    }
}

/// A directory `many` with so many files that a listing of them fits no pipe.
fn make_many(directory: &Path) {
    let many = directory.join("many");
    fs::create_dir(&many).unwrap();
    for n in 0..1500 {
        fs::write(many.join(format!("a rather long name of a file, number {n}")), "").unwrap();
    }
}

/// The listing stands still while nobody reads it: then the signal comes.
#[test]
fn an_interrupted_command_ends_with_an_error() {
    let directory = tempfile::tempdir().unwrap();
    make_many(directory.path());
    zarc_json(directory.path(), &[b"add", b"a", b"many"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_zarc"));
    command.args(["list", "a", "-json"]).current_dir(directory.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 1000];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let mut output = child.wait_with_output().unwrap();
    output.stdout.splice(0..0, first);
    let answer = read(&output);
    assert_eq!((answer.code, &answer.last()["kind"]), (130, &"stopped".into()));
    let shown = answer.of_type("object").len();
    assert!((10..1501).contains(&shown), "{shown} rows");
}

/// `list` ends when nobody reads it, `add` does its work; neither finds it worth a word.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let directory = fixture();
    make_many(directory.path());
    let unread = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zarc"));
        command.args(words).arg("-json").current_dir(directory.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(unread(&["add", "a", "many", "d"]), (Some(0), String::new()));
    let there = zarc_json(directory.path(), &[b"list", b"a", b"many"]);
    assert_eq!((there.code, there.figure("same")), (0, 1501));
    assert_eq!(unread(&["list", "a"]), (Some(0), String::new()));
    assert_eq!(unread(&["extract", "a", "-to", "out"]), (Some(0), String::new()));
    assert_eq!(walk(&directory.path().join("out/many")).len(), 1501);
    assert_eq!(unread(&["list", "a", "-frob"]).0, Some(2));
}

/// What cannot be written is told, but the work is done.
#[test]
fn a_full_disk_behind_stdout_is_an_error_after_the_work() {
    let directory = fixture();
    let full = |words: &[&str]| {
        let stdout = fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_zarc"));
        command.args(words).arg("-json").current_dir(directory.path()).stdout(stdout);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for words in [&["add", "a", "d"][..], &["list", "a"], &["test", "a"]] {
        let (code, told) = full(words);
        assert_eq!(code, Some(2), "{words:?}");
        assert!(told.starts_with("zarc: cannot write to stdout: "), "{words:?}: {told}");
        let is_kept = told.ends_with("; version 1 is in the archive\n");
        assert_eq!(is_kept, words[0] == "add", "{words:?}: {told}");
    }
    assert_eq!(zarc_json(directory.path(), &[b"list", b"a"]).figure("versions"), 1);
}
