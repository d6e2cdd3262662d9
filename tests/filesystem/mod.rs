//! The room `filesystem`: what a walk reports and what a target makes of it.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod restore;
mod safety;
mod walk;

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use tempfile::TempDir;
use zarc::base::{Kind, Metadata, StoredPath, Timestamp};
use zarc::filesystem::{
    AccountNames, Choice, Extent, Item, Object, Root, SourceFile, Walk, WalkOptions,
};

fn path(text: &str) -> StoredPath {
    StoredPath::normalized(text.as_bytes()).unwrap()
}

fn fresh() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn root(disk: &Path, stored: &str) -> Root {
    Root { disk: disk.as_os_str().as_bytes().to_vec(), stored: path(stored) }
}

fn options(special: bool) -> WalkOptions {
    WalkOptions { special, leave_out: Vec::new(), wanted: Box::new(|_, _| Choice::Take) }
}

/// What the walk says, one line an item: `a`, `unreadable a`, `absent a`.
fn told(roots: Vec<Root>, options: WalkOptions) -> Vec<String> {
    let line = |item: Item| {
        let name = item.path().as_bytes().escape_ascii().to_string();
        match item {
            Item::Object(_) => name,
            Item::Unreadable { .. } => format!("unreadable {name}"),
            Item::Absent { .. } => format!("absent {name}"),
        }
    };
    Walk::new(roots, options).map(line).collect()
}

fn objects(disk: &Path, special: bool) -> Vec<Object> {
    let walk = Walk::new(vec![root(disk, "t")], options(special));
    walk.filter_map(|item| if let Item::Object(object) = item { Some(object) } else { None })
        .collect()
}

fn only_object(disk: &Path) -> Object {
    objects(disk, true).into_iter().next().unwrap()
}

fn metadata_of(disk: &Path) -> Metadata {
    only_object(disk).metadata(&mut AccountNames::new()).unwrap()
}

fn plain(kind: Kind) -> Metadata {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    Metadata {
        kind,
        mode: 0o640,
        mtime: Timestamp { seconds: 1_000_000_007, nanos: 123_456_789 },
        uid,
        gid,
        user: Vec::new(),
        group: Vec::new(),
        xattrs: Vec::new(),
        link_target: Vec::new(),
        device: (0, 0),
        windows_attributes: None,
    }
}

fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("skipped: needs root");
    }
    is_root
}

fn content(mut file: SourceFile) -> (Vec<u8>, u64) {
    let (mut bytes, mut holes, mut buffer) = (Vec::new(), 0, [0; 5000]);
    loop {
        match file.read(&mut buffer).unwrap() {
            Extent::Data(len) => bytes.extend_from_slice(&buffer[..len]),
            Extent::Hole(len) => {
                holes += len;
                bytes.resize(bytes.len() + usize::try_from(len).unwrap(), 0);
            }
            Extent::End => return (bytes, holes),
        }
    }
}
