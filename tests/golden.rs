//! Goal: the archives of `testdata/archives` that every later zarc has to read, and the proof that
//! writing is deterministic. Method: entries made up in the tables below, so that no byte comes
//! from a file system, a clock or a generator. `ZARC_WRITE_ARCHIVES=1 cargo test golden` writes
//! the archives anew; they are never written again once a release has made such archives.
//!
//! Packed bytes may differ between versions of zstd: what is compared is runs of this program, and
//! the manifests, which tell what is stored and not how.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use zarc::archive::{
    Archive, Change, Entry, History, Location, Object, OpenOptions, Piece, RunShape, Stored,
    Transaction, TransactionOptions,
};
use zarc::base::{Kind, Metadata, StoredPath, Timestamp, Until, Xattr};
use zarc::command::{ExtractOptions, KeySource, extract};
use zarc::compress::{ContentKind, MethodChoice};
use zarc::crypto::{KeyCost, Password};

use super::support::workbench::{
    Workbench, environment, fresh_in_memory, kind_letter, set_clock, set_dice,
};
use super::support::{Told, noise};

/// Where the archives of this draft are.
pub const FOLDER: &str = "testdata/archives/draft-0.8";

/// The password of the archive that is encrypted.
pub const PASSWORD: &str = "correct horse";

/// When the first update is made.
const FIRST_DATE: i64 = 1_700_000_000;

/// A piece of content.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    Bytes(Vec<u8>),
    Hole(u64),
}

/// A made-up object.
#[derive(Debug, Clone, PartialEq)]
struct Thing {
    metadata: Metadata,
    parts: Vec<Part>,
    content_kind: ContentKind,
    has_attributes: bool,
    is_unsettled: bool,
    ctime: Timestamp,
    inode: u64,
    device: Option<u64>,
    unknown: Vec<(u64, Vec<u8>)>,
}

impl Thing {
    fn new(kind: Kind, mode: u32) -> Self {
        let mtime = Timestamp { seconds: 1_600_000_000, nanos: 123_456_789 };
        let metadata = Metadata {
            kind,
            mode,
            mtime,
            uid: 1000,
            gid: 100,
            user: b"somebody".to_vec(),
            group: b"users".to_vec(),
            xattrs: Vec::new(),
            link_target: Vec::new(),
            device: (0, 0),
            windows_attributes: None,
        };
        Self {
            metadata,
            parts: Vec::new(),
            content_kind: ContentKind::Other,
            has_attributes: true,
            is_unsettled: false,
            ctime: Timestamp { seconds: 1_600_000_001, nanos: 5 },
            inode: 4711,
            device: None,
            unknown: Vec::new(),
        }
    }

    fn file(parts: Vec<Part>) -> Self {
        Self { parts, ..Self::new(Kind::File, 0o644) }
    }

    fn bytes(content: Vec<u8>, content_kind: ContentKind) -> Self {
        Self { content_kind, ..Self::file(vec![Part::Bytes(content)]) }
    }

    fn symlink(target: &[u8]) -> Self {
        let mut thing = Self::new(Kind::Symlink, 0o777);
        thing.metadata.link_target = target.to_vec();
        thing
    }

    fn node(kind: Kind, device: (u32, u32)) -> Self {
        let mut thing = Self::new(kind, 0o660);
        thing.metadata.device = device;
        thing
    }

    fn modified(mut self, seconds: i64, nanos: u32) -> Self {
        self.metadata.mtime = Timestamp { seconds, nanos };
        self
    }

    fn mode(mut self, mode: u32) -> Self {
        self.metadata.mode = mode;
        self
    }

    fn xattrs(mut self, xattrs: &[(&[u8], &[u8])]) -> Self {
        let xattr =
            |(name, value): &(&[u8], &[u8])| Xattr { name: name.to_vec(), value: value.to_vec() };
        self.metadata.xattrs = xattrs.iter().map(xattr).collect();
        self
    }

    /// One of several names of the object with this number.
    fn linked(mut self, inode: u64) -> Self {
        (self.inode, self.device) = (inode, Some(66));
        self
    }

    fn changed(mut self, seconds: i64) -> Self {
        self.ctime.seconds = seconds;
        self
    }

    fn without_attributes(mut self) -> Self {
        self.has_attributes = false;
        let Metadata { kind, mtime, link_target, device, .. } = self.metadata;
        let empty = Vec::new;
        self.metadata = Metadata {
            kind,
            mode: 0,
            mtime,
            uid: 0,
            gid: 0,
            user: empty(),
            group: empty(),
            xattrs: Vec::new(),
            link_target,
            device,
            windows_attributes: None,
        };
        self
    }

    fn content(&self) -> Vec<u8> {
        let mut content = Vec::new();
        for part in &self.parts {
            match part {
                Part::Bytes(bytes) => content.extend_from_slice(bytes),
                Part::Hole(len) => {
                    content.resize(content.len() + usize::try_from(*len).unwrap(), 0);
                }
            }
        }
        content
    }

    /// Whether both are the same but for what only tells changes.
    fn is_same_object(&self, other: &Self) -> bool {
        self.metadata == other.metadata
            && self.parts == other.parts
            && self.has_attributes == other.has_attributes
            && self.unknown == other.unknown
    }
}

/// What an update does: names with their new objects; nothing for a deleted one.
pub struct Made {
    method: &'static str,
    comment: &'static str,
    changes: Vec<(Vec<u8>, Option<Thing>)>,
}

fn update(changes: Vec<(&[u8], Option<Thing>)>) -> Made {
    let changes = changes.into_iter().map(|(name, thing)| (name.to_vec(), thing)).collect();
    Made { method: "1,0", comment: "", changes }
}

/// The archives: what they are called and what their updates do.
fn archives() -> Vec<(&'static str, Vec<Made>)> {
    vec![
        ("kinds", kinds()),
        ("history", history()),
        ("pages", pages()),
        ("blocks", blocks()),
        ("index", index()),
        ("brotli", brotli()),
        ("levels", levels()),
        ("encrypted", history()),
        ("merged", merged()),
    ]
}

/// Every kind of object and every field of an entry.
fn kinds() -> Vec<Made> {
    let text = || Thing::bytes(b"hello, world\n".to_vec(), ContentKind::Text);
    let mut unsettled = text();
    unsettled.is_unsettled = true;
    let mut unknown = text();
    unknown.unknown = vec![(100, b"kept".to_vec())];
    let hole = || Part::Hole(70_000);
    let bytes = || Part::Bytes(noise(1, 5000));
    let first = update(vec![
        (b"d", Some(Thing::new(Kind::Directory, 0o2750))),
        (b"d/empty", Some(Thing::file(Vec::new()))),
        (b"d/text", Some(text())),
        (b"d/setuid", Some(text().mode(0o4755))),
        (b"d/none", Some(text().mode(0))),
        (b"d/link", Some(Thing::symlink(b"../nowhere\xff"))),
        (b"d/linked-link-1", Some(Thing::symlink(b"text").linked(7))),
        (b"d/linked-link-2", Some(Thing::symlink(b"text").linked(7))),
        (b"d/pipe", Some(Thing::new(Kind::Fifo, 0o600))),
        (b"d/character", Some(Thing::node(Kind::CharacterDevice, (1, 3)))),
        (b"d/block", Some(Thing::node(Kind::BlockDevice, (7, 300)))),
        (b"d/socket", Some(Thing::new(Kind::Socket, 0o755))),
        (b"d/negative", Some(text().modified(-2_000_000_000, 999_999_999))),
        (b"d/far", Some(text().modified(15_000_000_000, 1))),
        (b"d/sparse", Some(Thing::file(vec![hole(), bytes(), hole(), bytes(), hole()]))),
        (b"d/hole", Some(Thing::file(vec![Part::Hole(1 << 20)]))),
        (b"d/one", Some(Thing::file(vec![bytes()]).linked(8))),
        (b"d/two", Some(Thing::file(vec![bytes()]).linked(8))),
        (b"d/sub/three", Some(Thing::file(vec![bytes()]).linked(8))),
        (b"d/xattrs", Some(text().xattrs(&[(b"user.a", b""), (b"user.\xc3\xa4", b"\0\xff")]))),
        (b"d/unsettled", Some(unsettled)),
        (b"d/plain", Some(text().without_attributes())),
        (b"d/unknown-field", Some(unknown)),
        (b"d/\n\xff\x01 -x", Some(text())),
        (b"d.c", Some(text())),
    ]);
    let second = update(vec![
        (b"d/text", None),
        (b"d/link", Some(Thing::new(Kind::Directory, 0o700))),
        (b"d/link/in", Some(text())),
        (b"d/two", Some(Thing::file(vec![bytes()]).linked(8).changed(1_650_000_000))),
        (b"d/sub", Some(Thing::new(Kind::Directory, 0o1777).xattrs(&[(b"user.d", b"dir")]))),
    ]);
    vec![first, second]
}

/// More updates than one jump spans; names that go and come back.
pub fn history() -> Vec<Made> {
    let text = |n: u8| Thing::bytes(vec![b'a' + n; 100 + usize::from(n)], ContentKind::Text);
    let mut made = vec![
        update(vec![
            (b"a", Some(text(0))),
            (b"b", Some(text(1))),
            (b"c/d", Some(text(2))),
            (b"c", Some(Thing::new(Kind::Directory, 0o755))),
        ]),
        update(vec![(b"b", None), (b"a", Some(text(3)))]),
        update(vec![(b"b", Some(text(1))), (b"a", Some(text(3).changed(1_650_000_000)))]),
        update(vec![(b"c/d", Some(text(2).without_attributes()))]),
        update(vec![(b"c/d", None), (b"c", Some(text(4)))]),
        update(vec![(b"a", Some(text(3).linked(9))), (b"e", Some(text(3).linked(9)))]),
        update(vec![(b"b", None), (b"a", None), (b"c", None), (b"e", None)]),
        update(vec![(b"a", Some(text(5)))]),
    ];
    made[1].comment = "second";
    made
}

/// Entries that fill several pages, and an update that touches each of them. The names of owners,
/// which no manifest shows, make them long.
fn pages() -> Vec<Made> {
    let name = |n: u64| format!("{:02}/{n:04}", n / 50).into_bytes();
    let thing = |n: u64| {
        let seconds = 1_500_000_000 + (n * 7919 % 1_000_003).cast_signed();
        let content = format!("{}", n % 10).into_bytes();
        let mut thing = Thing::bytes(content, ContentKind::Text).modified(seconds, 1);
        thing.metadata.user = vec![b'u'; 1000];
        Some(thing)
    };
    let first = (0..200).map(|n| (name(n), thing(n))).collect();
    let second = (0..200)
        .step_by(17)
        .map(|n| (name(n), if n % 2 == 0 { None } else { thing(n + 1) }))
        .chain([(b"zz".to_vec(), thing(1))])
        .collect();
    let made = |changes| Made { method: "2,0", comment: "", changes };
    vec![made(first), made(second)]
}

/// Blocks of every kind of content, stored and packed, and fragments used again.
fn blocks() -> Vec<Made> {
    let words = |len: usize, word: &str| -> Vec<u8> { word.bytes().cycle().take(len).collect() };
    let text = |len, word| Some(Thing::bytes(words(len, word), ContentKind::Text));
    let (random, other) = (ContentKind::Incompressible, ContentKind::Other);
    let mut made = vec![
        update(vec![
            (b"text-1", text(900_000, "the quick brown fox\n")),
            (b"text-2", text(700_000, "jumps over\n")),
            (b"text-3", text(900_000, "the lazy dog\n")),
            (b"random", Some(Thing::bytes(noise(11, 20_000), random))),
            (b"other", Some(Thing::bytes(noise(12, 10_000), other))),
            (b"program", Some(Thing::bytes(words(9000, "\x7fELF"), ContentKind::Executable))),
        ]),
        update(vec![
            (b"again", Some(Thing::bytes(noise(11, 20_000), random))),
            (
                b"mixed",
                Some(Thing::file(vec![
                    Part::Bytes(noise(12, 6000)),
                    Part::Hole(4096),
                    Part::Bytes(words(6000, "the lazy dog\n")),
                    Part::Bytes(noise(13, 6000)),
                ])),
            ),
            (b"text-1", text(900_000, "the quick brown fox\n")),
        ]),
        update(vec![(b"stored", text(20_000, "stored\n")), (b"text-2", None)]),
    ];
    made[2].method = "0,0";
    made
}

/// Blocks packed by brotli, at its lowest and its highest level; and one that only zstd has.
fn brotli() -> Vec<Made> {
    let text = |from: u64| {
        let lines = (from..).flat_map(|n| format!("{n} bottles on the wall\n").into_bytes());
        Some(Thing::bytes(lines.take(60_000).collect(), ContentKind::Text))
    };
    let random = Some(Thing::bytes(noise(31, 9000), ContentKind::Other));
    let mut made = vec![
        update(vec![(b"text-1", text(0)), (b"random", random)]),
        update(vec![(b"text-2", text(90_000))]),
        update(vec![(b"text-3", text(500_000)), (b"text-1", None)]),
        update(vec![(b"text-4", text(700_000))]),
    ];
    for (made, method) in made.iter_mut().zip(["brotli:0,0", "brotli:11,0", "1,0", "brotli,0"]) {
        made.method = method;
    }
    made
}

/// Blocks of levels 3, 4 and 5: text, machine code, and what does not get smaller.
fn levels() -> Vec<Made> {
    let text = |from: u64| {
        let lines = (from..).flat_map(|n| format!("{n} bottles on the wall\n").into_bytes());
        Some(Thing::bytes(lines.take(3000).collect(), ContentKind::Text))
    };
    let code = |step: u8| {
        let bytes =
            (0..2000_u16).map(|n| [0xe8, n.to_le_bytes()[0], step, 0, 0][usize::from(n % 5)]);
        Some(Thing::bytes(bytes.collect(), ContentKind::Executable))
    };
    let random = Some(Thing::bytes(noise(32, 900), ContentKind::Other));
    let mut made = vec![
        update(vec![(b"text-3", text(0)), (b"code-3", code(3)), (b"random", random)]),
        update(vec![(b"text-4", text(90_000)), (b"code-4", code(4))]),
        update(vec![(b"text-5", text(500_000)), (b"code-5", code(5))]),
    ];
    for (made, method) in made.iter_mut().zip(["30", "40", "50"]) {
        made.method = method;
    }
    made
}

/// No data, in several updates that find fragments again.
fn index() -> Vec<Made> {
    let made = |changes| Made { method: "i", ..update(changes) };
    let zeros = Some(Thing::file(vec![Part::Hole(70_000), Part::Bytes(noise(21, 5000))]));
    let bytes = |seed, len| Some(Thing::bytes(noise(seed, len), ContentKind::Incompressible));
    let text = |len: usize| {
        let lines = (0..).flat_map(|n: u64| format!("line {n}\n").into_bytes());
        Some(Thing::bytes(lines.take(len).collect(), ContentKind::Text))
    };
    vec![
        made(vec![
            (b"d", Some(Thing::new(Kind::Directory, 0o755))),
            (b"d/text", text(100_000)),
            (b"d/random", bytes(22, 20_000)),
            (b"d/holes", zeros),
            (b"d/link", Some(Thing::symlink(b"text"))),
        ]),
        made(vec![(b"d/again", text(90_000)), (b"d/more", bytes(23, 7000)), (b"d/link", None)]),
        made(vec![(b"d/random", bytes(22, 20_000).map(|thing| thing.changed(1_650_000_000)))]),
    ]
}

/// Updates of several frames of data, with one between them that fits into a part, to be divided.
pub fn to_divide() -> Vec<Made> {
    let text = |word: &str| {
        Some(Thing::bytes(word.bytes().cycle().take(3000).collect(), ContentKind::Text))
    };
    let noise = |seed, len, kind| Some(Thing::bytes(noise(seed, len), kind));
    let (random, other) = (ContentKind::Incompressible, ContentKind::Other);
    vec![
        update(vec![
            (b"d", Some(Thing::new(Kind::Directory, 0o755))),
            (b"d/other", noise(41, 5000, other)),
            (b"d/random", noise(42, 9000, random)),
            (b"text", text("in pieces\n")),
        ]),
        update(vec![(b"text", text("in one piece\n"))]),
        update(vec![
            (b"d/again", noise(42, 6000, random)),
            (b"d/other", None),
            (b"d/random", noise(43, 9000, random)),
            (b"more", noise(44, 4000, other)),
        ]),
    ]
}

/// Runs that are merged again and again, with directories of several levels.
fn merged() -> Vec<Made> {
    let name = |n: u64| format!("{:02}/{n:03}", n / 20).into_bytes();
    let thing = |n: u64| {
        let content = format!("content {n}\n").repeat(3).into_bytes();
        let mut thing = Thing::bytes(content, ContentKind::Text).modified(1_500_000_000, 7);
        thing.metadata.user = vec![b'u'; 200];
        thing
    };
    let mut made = vec![update(Vec::new())];
    made[0].changes = (0..100).map(|n| (name(n), Some(thing(n)))).collect();
    for number in 1..=9 {
        let mut changed = update(Vec::new());
        changed.changes = vec![
            (name(10 * number), Some(thing(1000 + number))),
            // Gone, then there again.
            (name(10 * number.div_ceil(2) + 1), (number % 2 == 0).then(|| thing(number))),
            // Only looked at.
            (name(95), Some(thing(95).changed(1_650_000_000 + number.cast_signed()))),
            (format!("new {number}").into_bytes(), Some(thing(number))),
        ];
        made.push(changed);
    }
    made
}

/// The objects of a version.
type State = BTreeMap<StoredPath, Thing>;

/// The password of the archive of that name, if it has one.
fn password_of(name: &str) -> Option<Password> {
    (name == "encrypted").then(|| Password::new(PASSWORD.as_bytes().to_vec()))
}

/// How the index of the archive of that name is laid out.
fn shape_of(name: &str) -> RunShape {
    match name {
        "merged" => RunShape {
            entry_page_bytes: 1000,
            fragment_page_bytes: 500,
            directory_bytes: 200,
            identity_page_records: 5,
            identity_run_min: 8,
            identity_run_max: 20,
            fan_out: 2,
        },
        _ => RunShape::default(),
    }
}

/// How an archive is made.
#[derive(Clone, Copy)]
struct How<'a> {
    threads: usize,
    password: Option<&'a Password>,
    shape: RunShape,
    part_bytes: Option<u64>,
}

/// Makes an archive; returns its bytes and its manifest.
fn make(made: &[Made], how: How<'_>) -> (Vec<u8>, String) {
    let dir = fresh_in_memory();
    let path = dir.path().join("golden.zarc");
    set_dice(4711);
    let (mut state, mut text) = (State::new(), String::new());
    for (number, made) in (0..).zip(made) {
        let date = FIRST_DATE + number * 100_000;
        set_clock(date);
        append(&path.clone().into(), made, &mut state, how);
        describe(&mut text, number + 1, date, &state);
    }
    (fs::read(path).unwrap(), text)
}

/// Makes an archive in parts, whose updates are divided at a part size if there is one; returns the names and
/// bytes of all parts and of their index, and the manifest.
pub fn make_in_parts(
    made: &[Made],
    password: Option<&Password>,
    part_bytes: Option<u64>,
) -> (Vec<(String, Vec<u8>)>, String) {
    let dir = fresh_in_memory();
    let parts = crate::support::parts::parts(dir.path(), "part??.zarc");
    let how = How { threads: 1, password, shape: RunShape::default(), part_bytes };
    set_dice(4711);
    let (mut state, mut text) = (State::new(), String::new());
    for (number, made) in (0..).zip(made) {
        let date = FIRST_DATE + number * 100_000;
        set_clock(date);
        append(&parts, made, &mut state, how);
        describe(&mut text, number + 1, date, &state);
    }
    let files = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> = files
        .map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap()))
        .collect();
    files.sort();
    (files, text)
}

fn append(location: &Location, made: &Made, state: &mut State, how: How<'_>) {
    let How { threads, password, shape, part_bytes } = how;
    let method = MethodChoice::parse(made.method).unwrap();
    let key_cost = KeyCost::with_log_n(10).unwrap();
    let method_wanted = Some(method);
    let open_options =
        OpenOptions { method: method_wanted, password, key_cost, ..OpenOptions::plain(2) };
    let mut archive =
        Archive::open_location_for_writing(location, open_options, &environment()).unwrap();
    archive.set_part_bytes(part_bytes);
    let base = History::of(&archive).newest().unwrap();
    let options = TransactionOptions {
        method: method.of_blocks().unwrap_or_default(),
        threads,
        environment: environment(),
        comment: made.comment.as_bytes().to_vec(),
        date: None,
        shape,
    };
    let mut transaction = Transaction::begin(&mut archive, base.as_ref(), &options).unwrap();
    let changes: BTreeMap<StoredPath, Option<Thing>> = made
        .changes
        .iter()
        .map(|(name, thing)| (StoredPath::from_bytes(name.clone()).unwrap(), thing.clone()))
        .collect();
    for (path, thing) in changes {
        let mut object = thing.as_ref().map_or(Object::Deleted, |thing| {
            Object::Stored(Box::new(stored(&mut transaction, thing)))
        });
        let before = match thing.clone() {
            Some(thing) => state.insert(path.clone(), thing),
            None => state.remove(&path),
        };
        let size = |thing: &Thing| thing.content().len() as u64;
        let change = match (&before, &thing) {
            (None, _) => Change::Added,
            (Some(before), None) => Change::Deleted(size(before)),
            (Some(before), Some(thing)) if before.is_same_object(thing) => Change::Touched,
            (Some(before), Some(_)) => Change::Updated(size(before)),
        };
        if let Object::Stored(stored) = &mut object {
            stored.is_touched = change == Change::Touched;
        }
        transaction.record(&Entry { path, object }, change).unwrap();
    }
    transaction.commit().unwrap();
}

fn stored(transaction: &mut Transaction<'_>, thing: &Thing) -> Stored {
    let mut content = Vec::new();
    for part in &thing.parts {
        match part {
            Part::Hole(len) => Piece::push_hole(&mut content, *len),
            Part::Bytes(bytes) => {
                for fragment in bytes.chunks(3000) {
                    let id = transaction.store(fragment, thing.content_kind).unwrap();
                    let len = u32::try_from(fragment.len()).unwrap();
                    Piece::push_fragment(&mut content, id, len);
                }
            }
        }
    }
    Stored {
        metadata: thing.metadata.clone(),
        has_attributes: thing.has_attributes,
        ctime: thing.ctime,
        inode: thing.inode,
        device: thing.device,
        is_unsettled: thing.is_unsettled,
        is_touched: false,
        content,
        unknown: thing.unknown.clone(),
    }
}

/// Appends a version to a manifest: kind, mode, owner, size, time, name, and what the kind has.
fn describe(text: &mut String, number: i64, date: i64, state: &State) {
    writeln!(text, "version {number} of {date}").unwrap();
    for (path, thing) in state {
        let Metadata { kind, mode, mtime, uid, gid, xattrs, .. } = &thing.metadata;
        let content = thing.content();
        let (mode, owner) = if thing.has_attributes {
            (format!("{mode:04o}"), format!("{uid}:{gid}"))
        } else {
            ("-".to_owned(), "-".to_owned())
        };
        let name = path.as_bytes().escape_ascii();
        let time = format!("{}.{:09}", mtime.seconds, mtime.nanos);
        let letter = kind_letter(*kind);
        write!(text, "{letter}\t{mode}\t{owner}\t{}\t{time}\t{name}", content.len()).unwrap();
        match kind {
            Kind::File => write!(text, "\t{}", blake3::hash(&content)).unwrap(),
            Kind::Symlink => {
                write!(text, "\t{}", thing.metadata.link_target.escape_ascii()).unwrap();
            }
            Kind::CharacterDevice | Kind::BlockDevice => {
                let (major, minor) = thing.metadata.device;
                write!(text, "\t{major}:{minor}").unwrap();
            }
            Kind::Directory | Kind::Fifo | Kind::Socket => text.push_str("\t-"),
        }
        for xattr in xattrs {
            let (name, value) = (xattr.name.escape_ascii(), xattr.value.escape_ascii());
            write!(text, "\t{name}={value}").unwrap();
        }
        if let Some(first) = first_name(state, thing).filter(|first| *first != path) {
            write!(text, "\tis {}", first.as_bytes().escape_ascii()).unwrap();
        }
        text.push('\n');
    }
}

/// The first name of the same object: `spec/format.md`, tag 8.
fn first_name<'a>(state: &'a State, thing: &Thing) -> Option<&'a StoredPath> {
    let key = |thing: &Thing| {
        let Thing { metadata, parts, ctime, inode, device, .. } = thing.clone();
        (metadata.kind, metadata.mtime, ctime, inode, device, parts)
    };
    thing.device?;
    state.iter().find(|(_, other)| key(other) == key(thing)).map(|(path, _)| path)
}

/// The same updates give the same bytes, whatever the number of threads, and the manifests tell
/// what is in the archives that are kept.
#[test]
fn golden_archives_are_the_same_whoever_writes_them() {
    let is_written = std::env::var_os("ZARC_WRITE_ARCHIVES").is_some();
    for (name, made) in archives() {
        let password = password_of(name);
        let (password, shape) = (password.as_ref(), shape_of(name));
        let how = How { threads: 1, password, shape, part_bytes: None };
        let (bytes, manifest) = make(&made, how);
        for threads in [1, 2, 4] {
            let (again, _) = make(&made, How { threads, ..how });
            assert!(again == bytes, "{name} differs with {threads} threads");
        }
        let file = |suffix| Path::new(FOLDER).join(format!("{name}.{suffix}"));
        if is_written {
            fs::create_dir_all(FOLDER).unwrap();
            fs::write(file("zarc"), &bytes).unwrap();
            fs::write(file("txt"), &manifest).unwrap();
        }
        let kept = fs::read_to_string(file("txt")).unwrap();
        assert!(kept == manifest, "the manifest of {name} is not the one that is kept");
        assert!(file("zarc").exists());
    }
}

/// The encrypted archive that is kept gives back what was put in, with its password and no other.
#[test]
fn the_encrypted_golden_archive_is_read() {
    let bench = Workbench::new(fresh_in_memory());
    let archive = Path::new(FOLDER).join("encrypted.zarc");
    let mut state = State::new();
    for (number, made) in (1..).zip(history()) {
        for (name, thing) in made.changes {
            let path = StoredPath::from_bytes(name).unwrap();
            match thing {
                Some(thing) => drop(state.insert(path, thing)),
                None => drop(state.remove(&path)),
            }
        }
        let out = bench.path(&format!("out-{number}"));
        let options = |password: &str| ExtractOptions {
            archive: archive.clone().into(),
            key: Some(KeySource::Words(Password::new(password.as_bytes().to_vec()))),
            until: Until::Version(number),
            attributes: false,
            ..bench.extract_options(&out)
        };
        let error = extract(&options("incorrect horse"), &Told::default()).unwrap_err();
        assert!(error.to_string().contains("wrong password"), "{error}");
        let told = Told::default();
        let summary = extract(&options(PASSWORD), &told).unwrap();
        assert_eq!(summary.problems, 0, "{}", told.warnings());
        assert_eq!(summary.written, state.len() as u64, "version {number}");
        for (path, thing) in state.iter().filter(|(_, thing)| thing.metadata.kind == Kind::File) {
            let name = std::str::from_utf8(path.as_bytes()).unwrap();
            assert!(
                fs::read(out.join(name)).unwrap() == thing.content(),
                "version {number}: {name}"
            );
        }
    }
}
