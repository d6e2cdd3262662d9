//! Trees on disk as values: walked with `std::fs` and `rustix` alone, so that nothing of zarc
//! judges itself, and compared node by node.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{lgetxattr, llistxattr};

/// What tells the objects of a tree apart: file system, number and times when it was looked at.
pub type Identity = (u64, u64, (i64, i64), (i64, i64));

/// One object on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// `-`, `d`, `l`, `p`, `c`, `b` or `s`.
    pub kind: char,
    /// Twelve bits.
    pub mode: u32,
    /// Seconds and nanoseconds.
    pub mtime: (i64, i64),
    /// Numeric owner and group.
    pub owner: (u32, u32),
    /// Bytes of a regular file.
    pub content: Vec<u8>,
    /// Of a symbolic link.
    pub target: Vec<u8>,
    /// Of a device node.
    pub device: u64,
    /// Sorted by name.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// If the object has several names.
    pub link: Option<Identity>,
    /// Whether mode, owner and extended attributes mean something.
    pub has_attributes: bool,
    /// What a regular file takes on disk, in units of 512 bytes.
    pub blocks: u64,
}

/// Names below a root, without the slash in front; the root itself is the empty name.
pub type Tree = BTreeMap<Vec<u8>, Node>;

/// Everything at and below `root`.
pub fn walk(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut pending = vec![(Vec::new(), root.to_owned())];
    while let Some((name, path)) = pending.pop() {
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        if metadata.is_dir() {
            for entry in fs::read_dir(&path).unwrap() {
                let entry = entry.unwrap();
                let child = join(&name, entry.file_name().as_bytes());
                pending.push((child, entry.path()));
            }
        }
        tree.insert(name, node(&path, &metadata));
    }
    tree
}

/// `name` below `directory`.
pub fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() { name.to_vec() } else { [directory, b"/", name].concat() }
}

/// Where a name of a tree lies.
pub fn place(root: &Path, name: &[u8]) -> PathBuf {
    if name.is_empty() { root.to_owned() } else { root.join(OsStr::from_bytes(name)) }
}

/// The directory that a name is in; nothing for the root.
pub fn parent(name: &[u8]) -> Option<&[u8]> {
    if name.is_empty() {
        return None;
    }
    Some(name.iter().rposition(|&byte| byte == b'/').map_or(b"", |slash| &name[..slash]))
}

/// Whether a name is `ancestor` or below it.
pub fn is_within(name: &[u8], ancestor: &[u8]) -> bool {
    ancestor.is_empty()
        || name.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

fn node(path: &Path, metadata: &fs::Metadata) -> Node {
    let file_type = metadata.file_type();
    let kind = match () {
        () if file_type.is_file() => '-',
        () if file_type.is_dir() => 'd',
        () if file_type.is_symlink() => 'l',
        () if file_type.is_fifo() => 'p',
        () if file_type.is_char_device() => 'c',
        () if file_type.is_block_device() => 'b',
        () => 's',
    };
    let mtime = (metadata.mtime(), metadata.mtime_nsec());
    let ctime = (metadata.ctime(), metadata.ctime_nsec());
    let has_names = kind != 'd' && metadata.nlink() > 1;
    Node {
        kind,
        mode: metadata.mode() & 0o7777,
        mtime,
        owner: (metadata.uid(), metadata.gid()),
        content: if kind == '-' { fs::read(path).unwrap() } else { Vec::new() },
        target: match kind {
            'l' => fs::read_link(path).unwrap().as_os_str().as_bytes().to_vec(),
            _ => Vec::new(),
        },
        device: if matches!(kind, 'c' | 'b') { metadata.rdev() } else { 0 },
        xattrs: xattrs(path),
        link: has_names.then(|| (metadata.dev(), metadata.ino(), ctime, mtime)),
        has_attributes: true,
        blocks: if kind == '-' { metadata.blocks() } else { 0 },
    }
}

fn xattrs(path: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut names = vec![0_u8; 65_536];
    let Ok(len) = llistxattr(path, &mut names[..]) else { return Vec::new() };
    let mut found = Vec::new();
    for name in names[..len].split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0_u8; 65_536];
        let len = lgetxattr(path, OsStr::from_bytes(name), &mut value[..]).unwrap();
        value.truncate(len);
        found.push((name.to_vec(), value));
    }
    found.sort();
    found
}

/// What differs between what should be and what is; nothing when they are equal. Directories that
/// only lead to what should be there may have any metadata.
pub fn differences(expected: &Tree, found: &Tree) -> Vec<String> {
    let mut told = Vec::new();
    let shown = |name: &[u8]| name.escape_ascii().to_string();
    for (name, node) in found {
        let leads = || node.kind == 'd' && expected.keys().any(|below| is_within(below, name));
        if !(expected.contains_key(name) || leads()) {
            told.push(format!("{}: too much", shown(name)));
        }
    }
    for (name, node) in expected {
        match found.get(name) {
            None => told.push(format!("{}: missing", shown(name))),
            Some(other) => told.extend(
                differences_of(node, other)
                    .into_iter()
                    .map(|difference| format!("{}: {difference}", shown(name))),
            ),
        }
    }
    let groups = link_groups(found, expected);
    if link_groups(expected, found) != groups {
        told.push(format!("hard links: {:?}, not {groups:?}", link_groups(expected, found)));
    }
    told
}

/// What differs between two nodes beside their links.
pub fn differences_of(expected: &Node, found: &Node) -> Vec<String> {
    let mut told = Vec::new();
    let mut compare = |what: &str, expected: String, found: String| {
        if expected != found {
            told.push(format!("{what} is {found}, not {expected}"));
        }
    };
    compare("kind", expected.kind.to_string(), found.kind.to_string());
    compare("time", format!("{:?}", expected.mtime), format!("{:?}", found.mtime));
    compare("target", format!("{:?}", expected.target), format!("{:?}", found.target));
    compare("device", expected.device.to_string(), found.device.to_string());
    if expected.has_attributes && found.has_attributes {
        compare("mode", format!("{:o}", expected.mode), format!("{:o}", found.mode));
        compare("owner", format!("{:?}", expected.owner), format!("{:?}", found.owner));
        compare("xattrs", format!("{:?}", expected.xattrs), format!("{:?}", found.xattrs));
    }
    if expected.content != found.content {
        let (expected, found) = (&expected.content, &found.content);
        let at = expected.iter().zip(found).position(|(a, b)| a != b);
        let at = at.unwrap_or(expected.len().min(found.len()));
        told.push(format!(
            "content of {} bytes, not {}, differs from {at}",
            found.len(),
            expected.len()
        ));
    }
    told
}

/// Names of one object, for all objects that have several within both trees.
fn link_groups(tree: &Tree, within: &Tree) -> BTreeSet<Vec<String>> {
    let mut groups: BTreeMap<(char, Identity), Vec<String>> = BTreeMap::new();
    for (name, node) in tree.iter().filter(|(name, _)| within.contains_key(*name)) {
        if let Some(link) = node.link {
            groups.entry((node.kind, link)).or_default().push(name.escape_ascii().to_string());
        }
    }
    groups.into_values().filter(|names| names.len() > 1).collect()
}

/// Panics if anything was restored that is not of the version.
pub fn assert_part_of(expected: &Tree, restored: &Tree) {
    if let Some(name) = foreign_to(expected, restored) {
        panic!("{} is not what the version has", String::from_utf8_lossy(name));
    }
}

/// A name that was restored and is not of the version as it is.
pub fn foreign_to<'a>(expected: &Tree, restored: &'a Tree) -> Option<&'a Vec<u8>> {
    let is_of_version = |(name, node): &(&Vec<u8>, &Node)| {
        let is_same = |right: &Node| {
            (right.kind, right.mode, &right.content) == (node.kind, node.mode, &node.content)
        };
        expected.get(*name).is_some_and(is_same)
    };
    restored.iter().find(|object| !is_of_version(object)).map(|(name, _)| name)
}
