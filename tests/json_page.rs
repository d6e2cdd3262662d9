//! Goal: `spec/json.md` and the program say the same. Method: a corpus of commands that makes the
//! program say everything it can; each field that it says must be in the page's table of that
//! type, and each field of a table must be said; so must the page's own examples be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;
use zarc::archive::{Archive, Change, Entry, Object, Stored, Transaction, TransactionOptions};
use zarc::base::{Environment, Kind, Metadata, StoredPath, Timestamp, Xattr};
use zarc::compress::Method;

use super::support::json::{bytes, zarc_json};
use super::support::{DATA, noise};

/// For each section the fields of its table, each with what is said of it.
type Page = BTreeMap<String, BTreeMap<String, String>>;

fn sections(text: &str) -> impl Iterator<Item = (String, &str)> {
    text.split("\n## ").skip(1).map(|section| {
        let (heading, rest) = section.split_once('\n').unwrap();
        (heading.replace('`', ""), rest)
    })
}

fn page(text: &str) -> Page {
    let fields = |section: &str| {
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
        rows.map(|row| row.split_once("` | ").unwrap())
            .map(|(field, meaning)| (field.to_owned(), meaning.to_owned()))
            .collect()
    };
    sections(text).map(|(heading, section)| (heading, fields(section))).collect()
}

/// The section that a line belongs to.
fn section_of(line: &Value) -> String {
    let name = line["type"].as_str().unwrap();
    let command = match name {
        "object" if line.get("change").is_some() => "add",
        "object" if line.get("result").is_some() => "extract",
        "object" => "list",
        "summary" => line["command"].as_str().unwrap(),
        _ => return name.to_owned(),
    };
    format!("{name} of {command}")
}

/// The fields of a line but for its type; those of objects in lists behind a point.
fn fields_of(line: &Value) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    for (field, value) in line.as_object().unwrap().iter().filter(|(field, _)| *field != "type") {
        fields.insert(field.clone());
        for inner in value.as_array().into_iter().flatten().filter_map(Value::as_object) {
            fields.extend(inner.keys().map(|name| format!("{field}.{name}")));
        }
    }
    fields
}

/// An archive of objects that no tree of this machine need have.
fn make_odd_archive(path: &Path) {
    let mut archive =
        Archive::open_location_for_writing(&path.to_owned().into(), DATA, &Environment::system())
            .unwrap();
    let options = TransactionOptions {
        method: Method::default(),
        threads: 1,
        environment: Environment::system(),
        comment: Vec::new(),
        date: None,
        shape: zarc::archive::RunShape::default(),
    };
    let mut transaction = Transaction::begin(&mut archive, None, &options).unwrap();
    let mut record = |path: &[u8], object| {
        let path = StoredPath::from_bytes(path.to_vec()).unwrap();
        transaction.record(&Entry { path, object }, Change::Added).unwrap();
    };
    let mut stored = Stored {
        metadata: Metadata {
            kind: Kind::BlockDevice,
            mode: 0o6001,
            mtime: Timestamp { seconds: i64::MIN, nanos: 999_999_999 },
            uid: u32::MAX,
            gid: 0,
            user: b"\xffuser".to_vec(),
            group: b"group\xff".to_vec(),
            xattrs: vec![Xattr { name: b"user.\xff".to_vec(), value: b"\0value".to_vec() }],
            link_target: Vec::new(),
            device: (4095, 1_048_575),
            windows_attributes: Some(0x21),
        },
        has_attributes: true,
        ctime: Timestamp::default(),
        inode: 0,
        device: None,
        is_unsettled: false,
        is_touched: false,
        content: Vec::new(),
        unknown: Vec::new(),
    };
    record(b"\xff", Object::Stored(Box::new(stored.clone())));
    stored.metadata.kind = Kind::Symlink;
    stored.metadata.link_target = b"\xfe".to_vec();
    stored.metadata.device = (0, 0);
    record(b"\xff1", Object::Stored(Box::new(stored)));
    record(b"\xff2", Object::Unknown { kind: 99, fields: Vec::new() });
    transaction.commit().unwrap();
}

/// Lines of all kinds.
fn corpus(directory: &Path) -> Vec<Value> {
    let at = |name: &str| directory.join(name);
    fs::create_dir(at("d")).unwrap();
    fs::write(at("d/file"), noise(1, 1000)).unwrap();
    let odd = |number: u8| [b"d/\xff", &[number][..]].concat();
    let on_disk = |number| super::support::trees::place(directory, &odd(number));
    fs::write(on_disk(b'1'), "odd").unwrap();
    make_odd_archive(&at("odd.zarc"));
    let mut lines = Vec::new();
    let mut say = |words: &[&[u8]]| lines.extend(zarc_json(directory, words).lines);
    say(&[b"add", b"a", b"d", &odd(b'9'), b"-verbose"]);
    fs::remove_file(on_disk(b'1')).unwrap();
    fs::write(at("d/file"), "changed").unwrap();
    say(&[b"list", b"a", b"d"]);
    say(&[b"add", b"a", b"d"]);
    say(&[b"list", b"a", b"-all"]);
    say(&[b"extract", b"a", b"-all", b"-to", b"out"]);
    say(&[b"extract", b"a", b"-to", b"out"]);
    fs::write(at("d/file"), "changed again").unwrap();
    say(&[b"add", b"a", b"d", b"-until", b"-1", b"-force", b"-test"]);
    say(&[b"extract", b"a", b"-to", b"out"]);
    say(&[b"extract", b"a", b"-to", b"out", b"-force"]);
    say(&[b"extract", b"a", b"-plan"]);
    say(&[b"add", b"part?", b"d"]);
    fs::write(at("d/more"), noise(2, 1000)).unwrap();
    fs::write(at("d/again"), "changed again").unwrap();
    say(&[b"add", b"part?", b"d"]);
    fs::remove_file(at("part1.zarc")).unwrap();
    say(&[b"extract", b"part?", b"-plan"]);
    fs::remove_file(at("part0.zarc")).unwrap();
    say(&[b"extract", b"part?", b"-plan"]);
    say(&[b"test", b"a"]);
    say(&[b"list", b"odd"]);
    say(&[b"test", b"odd"]);
    say(&[b"add", b"secret", b"d", b"-key", b"one"]);
    say(&[b"passwd", b"secret", b"-key", b"one", b"-newkey", b"two"]);
    say(&[b"add", b"part??", b"d"]);
    say(&[b"index", b"part??"]);
    let archive = fs::File::open(at("a.zarc")).unwrap();
    archive.lock().unwrap();
    say(&[b"add", b"a", b"d"]);
    lines
}

#[test]
fn the_page_has_every_field_that_is_said_and_no_other() {
    let page = page(&fs::read_to_string("spec/json.md").unwrap());
    let directory = tempfile::tempdir().unwrap();
    let mut said: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in corpus(directory.path()) {
        let section = section_of(&line);
        let table = page.get(&section).unwrap_or_else(|| panic!("no section {section}"));
        // Where a field has one of a few values, the page has them all.
        for field in ["change", "result", "comparison", "kind", "command"] {
            if let Some(value) = line[field].as_str() {
                assert!(table[field].contains(&format!("`{value}`")), "{section}: {value}");
            }
        }
        said.entry(section).or_default().extend(fields_of(&line));
    }
    for (section, table) in &page {
        let table: BTreeSet<String> = table.keys().cloned().collect();
        assert_eq!(said.get(section), Some(&table), "{section}");
    }
    assert_eq!(said.len(), page.len());
}

#[test]
fn the_examples_of_the_page_have_its_fields() {
    let text = fs::read_to_string("spec/json.md").unwrap();
    let page = page(&text);
    for (heading, section) in sections(&text) {
        let example = section.split("```json\n").nth(1).expect("an example");
        let example = example.split("```").next().unwrap();
        assert_eq!(example.lines().count(), 1, "{heading}");
        let line: Value = serde_json::from_str(example).unwrap();
        assert_eq!(section_of(&line), heading);
        let fields = fields_of(&line);
        assert!(fields.iter().all(|field| page[&heading].contains_key(field)), "{heading}");
    }
}

#[test]
fn bytes_and_instants_that_text_cannot_say_are_there() {
    let directory = tempfile::tempdir().unwrap();
    make_odd_archive(&directory.path().join("odd.zarc"));
    let answer = zarc_json(directory.path(), &[b"list", b"odd"]);
    let [device, link, unknown] = answer.of_type("object")[..] else { panic!("three objects") };
    assert_eq!(bytes(device, "path"), b"\xff");
    assert_eq!(
        (bytes(device, "user"), bytes(device, "group")),
        (b"\xffuser".into(), b"group\xff".into())
    );
    assert_eq!(bytes(&device["xattrs"][0], "name"), b"user.\xff");
    assert_eq!(device["xattrs"][0]["value_base64"], "AHZhbHVl");
    assert_eq!((&device["kind"], &device["mode"]), (&"block_device".into(), &"6001".into()));
    assert_eq!((&device["device"][0], &device["device"][1]), (&4095.into(), &1_048_575.into()));
    assert_eq!(
        (&device["uid"], &device["mtime"]),
        (&u32::MAX.into(), &"@-9223372036854775808.999999999".into())
    );
    assert_eq!((bytes(link, "target"), link.get("device")), (b"\xfe".to_vec(), None));
    assert_eq!((&unknown["kind"], unknown.get("deleted")), (&"unknown".into(), None));
}
