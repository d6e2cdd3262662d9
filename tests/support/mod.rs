//! Archives made by hand, and ears for what commands say; storage that crashes and fails.

pub mod archives;
pub mod counted_storage;
pub mod crash_storage;
pub mod extraction;
pub mod faulty_storage;
pub mod forged;
pub mod generated;
pub mod indexed_parts;
pub mod json;
pub mod keys;
pub mod logged_parts;
pub mod memory_parts;
pub mod parts;
pub mod random;
pub mod random_history;
pub mod recorded_history;
pub mod repetition;
pub mod tampered_world;
pub mod terminal;
pub mod tree_changes;
pub mod trees;
pub mod truth;
pub mod watched_storage;
pub mod workbench;
pub mod zpaq;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use zarc::archive::{
    Archive, Change, Entry, History, Object, OpenOptions, Piece, RunShape, Stored, Transaction,
    TransactionOptions,
};
use zarc::base::{BlockReport, Environment, Item, Kind, Metadata, Progress, StoredPath, Timestamp};
use zarc::compress::{ContentKind, Method};

/// How archives of tests are opened to append, if nothing else is asked for.
pub const DATA: OpenOptions<'static> = OpenOptions::plain(6);

/// When the objects of a made archive were modified.
pub const MTIME: Timestamp = Timestamp { seconds: 1_000_000_000, nanos: 123_456_789 };

/// An object to be archived.
#[derive(Debug, Clone)]
pub enum Thing {
    /// A file with this content, in a block of this kind.
    File(Vec<u8>, ContentKind),
    /// A file with a hole of so many bytes before and behind its content.
    Sparse(u64, Vec<u8>, u64),
    /// A name of a file with this inode number.
    Linked(u64, Vec<u8>),
    /// A directory with this mode.
    Directory(u32),
    /// A link to there.
    Symlink(&'static str),
    /// A named pipe.
    Fifo,
    /// A device node.
    Device,
    /// Nothing any more.
    Deleted,
}

/// A file of ordinary content.
pub fn file(content: &[u8]) -> Thing {
    Thing::File(content.to_vec(), ContentKind::Other)
}

/// Bytes that do not compress, different for each seed.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..len).map(|_| next()).collect()
}

/// Words that hardly repeat, with a change in every 200 bytes that depends on the version.
pub fn words(seed: u64, version: usize) -> Vec<u8> {
    let mut text: Vec<u8> = noise(seed, 400_000).iter().map(|byte| b'a' + byte % 24).collect();
    let letter = b'A' + u8::try_from(version).expect("few versions");
    text.iter_mut().step_by(200).skip(version % 7).step_by(3).for_each(|byte| *byte = letter);
    text
}

/// An archive being made in a directory of its own.
pub struct Made {
    dir: tempfile::TempDir,
    sizes: BTreeMap<StoredPath, u64>,
}

impl Made {
    /// No archive yet.
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory"), sizes: BTreeMap::new() }
    }

    /// The archive file.
    pub fn archive(&self) -> PathBuf {
        self.dir.path().join("made.zarc")
    }

    /// A place beside the archive.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Appends one update.
    pub fn update(&mut self, things: &[(&str, Thing)]) {
        let mut archive = Archive::open_location_for_writing(
            &self.archive().into(),
            DATA,
            &Environment::system(),
        )
        .expect("an archive to write");
        let base = History::of(&archive).newest().expect("a readable archive");
        let options = TransactionOptions {
            method: Method::parse("1").expect("a method"),
            threads: 2,
            environment: Environment::system(),
            comment: Vec::new(),
            date: None,
            shape: RunShape::default(),
        };
        let mut transaction =
            Transaction::begin(&mut archive, base.as_ref(), &options).expect("a transaction");
        let mut sorted = BTreeMap::new();
        for (name, thing) in things {
            let path = StoredPath::from_bytes(name.as_bytes().to_vec()).expect("a name");
            sorted.insert(path, thing.clone());
        }
        for (path, thing) in sorted {
            let object = object(&mut transaction, thing);
            let size = object.stored().map(Stored::size);
            let before = match size {
                Some(size) => self.sizes.insert(path.clone(), size),
                None => self.sizes.remove(&path),
            };
            let change = match (before, size) {
                (None, _) => Change::Added,
                (Some(before), Some(_)) => Change::Updated(before),
                (Some(before), None) => Change::Deleted(before),
            };
            let entry = Entry { path, object };
            transaction.record(&entry, change).expect("an entry");
        }
        transaction.commit().expect("a commit");
    }

    /// Offset and length of all frames of a type, in the order of the file.
    pub fn frames(&self, frame_type: u8) -> Vec<(usize, usize)> {
        frames(&std::fs::read(self.archive()).expect("the archive"), frame_type)
    }

    /// Inverts a byte of the archive; doing it again restores it.
    pub fn flip(&self, offset: usize) {
        let mut bytes = std::fs::read(self.archive()).expect("the archive");
        bytes[offset] ^= 0xff;
        std::fs::write(self.archive(), bytes).expect("the archive");
    }
}

/// Offset and length of all frames of a type in an archive, in the order of the file.
pub fn frames(bytes: &[u8], frame_type: u8) -> Vec<(usize, usize)> {
    let sync = [0x9e, 0x5a, 0xc3, 0x52, 0x41, 0x5a, 0x0f, 0xe1, frame_type];
    let len = |at: usize| {
        let field = bytes[at + 32..at + 40].try_into().expect("eight bytes");
        usize::try_from(u64::from_le_bytes(field)).expect("a length") + 96
    };
    (0..bytes.len())
        .step_by(8)
        .filter(|&at| bytes[at..].starts_with(&sync))
        .map(|at| (at, len(at)))
        .collect()
}

fn object(transaction: &mut Transaction<'_>, thing: Thing) -> Object {
    let mut content = Vec::new();
    let mut store = |content: &mut Vec<Piece>, bytes: &[u8], kind| {
        for fragment in bytes.chunks(10_000) {
            let id = transaction.store(fragment, kind).expect("a fragment");
            let len = u32::try_from(fragment.len()).expect("a short fragment");
            Piece::push_fragment(content, id, len);
        }
    };
    let (mut mode, mut inode, mut link_target, mut device) = (0o640, 0, Vec::new(), (0, 0));
    let kind = match thing {
        Thing::Deleted => return Object::Deleted,
        Thing::File(bytes, kind) => {
            store(&mut content, &bytes, kind);
            Kind::File
        }
        Thing::Linked(number, bytes) => {
            store(&mut content, &bytes, ContentKind::Other);
            inode = number;
            Kind::File
        }
        Thing::Sparse(before, bytes, behind) => {
            Piece::push_hole(&mut content, before);
            store(&mut content, &bytes, ContentKind::Other);
            Piece::push_hole(&mut content, behind);
            Kind::File
        }
        Thing::Directory(wanted) => {
            mode = wanted;
            Kind::Directory
        }
        Thing::Symlink(target) => {
            link_target = target.as_bytes().to_vec();
            mode = 0o777;
            Kind::Symlink
        }
        Thing::Fifo => Kind::Fifo,
        Thing::Device => {
            device = (1, 3);
            Kind::CharacterDevice
        }
    };
    let metadata = Metadata {
        kind,
        mode,
        mtime: MTIME,
        uid: rustix::process::getuid().as_raw(),
        gid: rustix::process::getgid().as_raw(),
        user: Vec::new(),
        group: Vec::new(),
        xattrs: Vec::new(),
        link_target,
        device,
        windows_attributes: None,
    };
    Object::Stored(Box::new(stored(metadata, inode, content)))
}

fn stored(metadata: Metadata, inode: u64, content: Vec<Piece>) -> Stored {
    Stored {
        metadata,
        has_attributes: true,
        ctime: MTIME,
        inode,
        device: (inode != 0).then_some(1),
        is_unsettled: false,
        is_touched: false,
        content,
        unknown: Vec::new(),
    }
}

/// Remembers what a command says.
#[derive(Default)]
pub struct Told {
    items: Mutex<Vec<String>>,
    warnings: Mutex<Vec<String>>,
    blocks: Mutex<Vec<BlockReport>>,
    asked: AtomicU64,
    stop_at: Option<u64>,
}

impl Told {
    /// Asks the command to stop when it looks for the so many-th time.
    pub fn stopping_at(stop_at: u64) -> Self {
        Self { stop_at: Some(stop_at), ..Self::default() }
    }

    /// Warnings, one a line.
    pub fn warnings(&self) -> String {
        self.warnings.lock().expect("no panic").join("\n")
    }

    /// The blocks that were written, in that order.
    pub fn blocks(&self) -> Vec<BlockReport> {
        self.blocks.lock().expect("no panic").clone()
    }

    /// Marks and names, names shortened by what they all start with, sorted by name.
    pub fn items(&self, prefix: &Path) -> Vec<String> {
        let prefix = format!("{}/", prefix.display());
        let items = self.items.lock().expect("no panic");
        let mut items: Vec<String> = items.iter().map(|i| i.replacen(&prefix, "", 1)).collect();
        items.sort_by(|left, right| left[2..].cmp(&right[2..]));
        items
    }
}

impl Progress for Told {
    fn item(&self, item: &Item<'_>) {
        let line = format!("{} {}", item.mark, String::from_utf8_lossy(item.name));
        self.items.lock().expect("no panic").push(line);
    }

    fn problem(&self, name: &[u8], why: &str) {
        self.warn(&format!("{}: {why}", String::from_utf8_lossy(name)));
    }

    fn warn(&self, text: &str) {
        self.warnings.lock().expect("no panic").push(text.to_owned());
    }

    fn block(&self, block: &BlockReport) {
        self.blocks.lock().expect("no panic").push(block.clone());
    }

    fn advance(&self, _done: u64, _total: u64) {}

    fn is_stopped(&self) -> bool {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        self.stop_at.is_some_and(|stop_at| asked >= stop_at)
    }
}

/// Says where it was when something panics.
pub fn guarded<T>(place: &str, work: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(value) => value,
        Err(panic) => {
            println!("failed: {place}");
            resume_unwind(panic)
        }
    }
}
