//! Random changes to a tree on disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;
use rustix::fs::{CWD, FileType, Mode};

use super::noise;
use super::trees::{Node, Tree, place, walk};
use super::workbench::{remove_tree, set_mtime, set_xattr};

/// A change to the tree; indices pick among what is there.
#[derive(Debug, Clone)]
pub enum Change {
    Create(Index, Index, u64, usize),
    MakeDirectory(Index, Index),
    MakeLink(Index, Index, &'static str),
    MakePipe(Index, Index),
    /// Other bytes of the same length; whether the modification time is set back.
    Overwrite(Index, u64, bool),
    Append(Index, u64, usize),
    Truncate(Index, usize),
    Touch(Index, (i64, i64)),
    SetMode(Index, u32),
    SetAttribute(Index, Vec<u8>),
    /// Of anything, also a directory with all that is in it.
    Move(Index, Index, Index),
    Delete(Index),
    /// A file becomes a directory with a file in it, anything else a file.
    BecomeOther(Index, u64),
    HardLink(Index, Index, Index),
}

/// Few names, so that the same ones come again.
const NAMES: &[&[u8]] = &[b"a", b"b", b"c", b"d", b"a b", b"\xffz", b"-x", b"a.c"];

/// Any change.
pub fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let len = || prop::sample::select(vec![0, 1, 100, 5000, 70_000, 200_000]);
    let time = (prop::sample::select(vec![0, -5, 1_000_000_000, 4_000_000_000]), 0..1000_i64);
    let mode = prop::sample::select(vec![0o644, 0o600, 0o755, 0o4711, 0o700]);
    let target = prop::sample::select(vec!["a", "../b", "nowhere"]);
    prop_oneof![
        5 => (at(), at(), 0..50_u64, len()).prop_map(|(d, n, s, l)| Change::Create(d, n, s, l)),
        4 => (at(), at()).prop_map(|(d, n)| Change::MakeDirectory(d, n)),
        1 => (at(), at(), target).prop_map(|(d, n, t)| Change::MakeLink(d, n, t)),
        1 => (at(), at()).prop_map(|(d, n)| Change::MakePipe(d, n)),
        3 => (at(), 0..50_u64, any::<bool>()).prop_map(|(f, s, b)| Change::Overwrite(f, s, b)),
        2 => (at(), 0..50_u64, len()).prop_map(|(f, s, l)| Change::Append(f, s, l)),
        1 => (at(), 0..100_000_usize).prop_map(|(f, l)| Change::Truncate(f, l)),
        2 => (at(), time).prop_map(|(n, t)| Change::Touch(n, t)),
        2 => (at(), mode).prop_map(|(n, m)| Change::SetMode(n, m)),
        1 => (at(), prop::collection::vec(any::<u8>(), 0..20))
            .prop_map(|(n, v)| Change::SetAttribute(n, v)),
        3 => (at(), at(), at()).prop_map(|(n, d, t)| Change::Move(n, d, t)),
        3 => at().prop_map(Change::Delete),
        2 => (at(), 0..50_u64).prop_map(|(n, s)| Change::BecomeOther(n, s)),
        3 => (at(), at(), at()).prop_map(|(f, d, n)| Change::HardLink(f, d, n)),
    ]
}

/// The places of the tree that a change may pick.
struct Places {
    root: PathBuf,
    tree: Tree,
}

impl Places {
    fn of(root: &Path) -> Self {
        Self { root: root.to_owned(), tree: walk(root) }
    }

    fn pick(&self, index: Index, is_wanted: impl Fn(&[u8], &Node) -> bool) -> Option<PathBuf> {
        let wanted: Vec<_> =
            self.tree.iter().filter(|(name, node)| is_wanted(name, node)).collect();
        let chosen = (!wanted.is_empty()).then(|| *index.get(&wanted))?;
        Some(place(&self.root, chosen.0))
    }

    fn file(&self, index: Index) -> Option<PathBuf> {
        self.pick(index, |_, node| node.kind == '-')
    }

    /// Anything but the root, which has to stay.
    fn any(&self, index: Index) -> Option<PathBuf> {
        self.pick(index, |name, _| !name.is_empty())
    }

    /// A name in a directory that nothing has yet.
    fn free(&self, directory: Index, name: Index) -> Option<PathBuf> {
        let directory = self.pick(directory, |_, node| node.kind == 'd')?;
        let path = place(&directory, name.get::<&[u8]>(NAMES));
        path.symlink_metadata().is_err().then_some(path)
    }
}

/// Makes the change, if there is what it needs.
pub fn apply(root: &Path, change: &Change) -> Option<()> {
    let places = Places::of(root);
    match change.clone() {
        Change::Create(directory, name, seed, len) => {
            fs::write(places.free(directory, name)?, noise(seed, len)).unwrap();
        }
        Change::MakeDirectory(directory, name) => {
            fs::create_dir(places.free(directory, name)?).unwrap();
        }
        Change::MakeLink(directory, name, target) => {
            std::os::unix::fs::symlink(target, places.free(directory, name)?).unwrap();
        }
        Change::MakePipe(directory, name) => {
            let path = places.free(directory, name)?;
            rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).unwrap();
        }
        Change::Move(from, directory, name) => {
            let (from, to) = (places.any(from)?, places.free(directory, name)?);
            // Nothing can be moved into itself.
            let _ = fs::rename(from, to);
        }
        Change::Delete(index) => remove(&places.any(index)?),
        Change::BecomeOther(index, seed) => {
            let path = places.any(index)?;
            let was_file = path.symlink_metadata().unwrap().is_file();
            remove(&path);
            if was_file {
                fs::create_dir(&path).unwrap();
                fs::write(path.join("a"), noise(seed, 3000)).unwrap();
            } else {
                fs::write(&path, noise(seed, 3000)).unwrap();
            }
        }
        Change::HardLink(index, directory, name) => {
            let (from, to) = (places.file(index)?, places.free(directory, name)?);
            fs::hard_link(from, to).unwrap();
        }
        other => change_object(&places, &other)?,
    }
    Some(())
}

fn remove(path: &Path) {
    if path.symlink_metadata().unwrap().is_dir() {
        remove_tree(path);
    } else {
        fs::remove_file(path).unwrap();
    }
}

/// Changes that leave the name what it is.
fn change_object(places: &Places, change: &Change) -> Option<()> {
    match change.clone() {
        Change::Overwrite(index, seed, is_hidden) => {
            let path = places.file(index)?;
            let before = walk(&path).remove(b"".as_slice()).unwrap();
            fs::write(&path, noise(seed + 1000, before.content.len())).unwrap();
            if is_hidden {
                set_mtime(&path, before.mtime);
            }
        }
        Change::Append(index, seed, len) => {
            let path = places.file(index)?;
            let content = [fs::read(&path).unwrap(), noise(seed, len)].concat();
            fs::write(&path, content).unwrap();
        }
        Change::Truncate(index, len) => {
            let file = fs::OpenOptions::new().write(true).open(places.file(index)?).unwrap();
            file.set_len(len as u64).unwrap();
        }
        Change::Touch(index, time) => set_mtime(&places.any(index)?, time),
        Change::SetMode(index, mode) => {
            let path = places.pick(index, |_, node| node.kind != 'l')?;
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        Change::SetAttribute(index, value) => {
            let path = places.pick(index, |_, node| matches!(node.kind, '-' | 'd'))?;
            set_xattr(&path, "user.note", &value);
        }
        _ => unreachable!("the others are made elsewhere"),
    }
    Some(())
}
