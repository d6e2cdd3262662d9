//! The walk of one root: depth first, each directory sorted by name bytes.
//!
//! Holds one descriptor and the remaining names for each level, on a stack of its own: depth is
//! bounded by descriptors and by the length of paths, never by the call stack.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, openat, statat};
use rustix::io::{Errno, retry_on_intr};

use super::names::Names;
use super::object::{Object, Place};
use super::scan::{Choice, Context, Item, Root};
use super::status;
use crate::base::{Kind, StoredPath};

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// One root's walk and how far it is.
#[derive(Debug)]
pub(super) struct Descent {
    root: Root,
    is_started: bool,
    levels: Vec<Level>,
    /// The directory reported last: to be opened before the walk goes on.
    entering: Option<Entering>,
}

/// A directory that is to be opened.
#[derive(Debug)]
struct Entering {
    place: Place,
    path: StoredPath,
    disk: Vec<u8>,
}

/// An open directory and what is left of it.
#[derive(Debug)]
struct Level {
    directory: Arc<OwnedFd>,
    names: Names,
    path: StoredPath,
    /// The name on disk with a slash at its end.
    disk: Vec<u8>,
}

impl Descent {
    pub(super) fn new(root: Root) -> Self {
        Self { root, is_started: false, levels: Vec::new(), entering: None }
    }

    /// The root's name in the archive.
    pub(super) fn root_path(&self) -> &StoredPath {
        &self.root.stored
    }

    /// The next item in order.
    pub(super) fn next(&mut self, context: &mut Context) -> Option<Item> {
        if !self.is_started {
            self.is_started = true;
            if let Some(item) = self.start(context) {
                return Some(item);
            }
        }
        loop {
            if let Some(entering) = self.entering.take()
                && let Some(item) = self.enter(entering, context)
            {
                return Some(item);
            }
            let level = self.levels.last_mut()?;
            let Some((name, is_directory)) = level.names.next() else {
                self.levels.pop();
                continue;
            };
            // Names that would make too long a path were taken out when the level was entered.
            let Ok(path) = level.path.join(name.to_bytes()) else {
                continue;
            };
            let found = stat(&level.directory, name);
            let place = Place { parent: Arc::clone(&level.directory), root_name: None };
            context.disk.clear();
            context.disk.extend_from_slice(&level.disk);
            context.disk.extend_from_slice(name.to_bytes());
            if let Some(item) = self.judge(place, path, found, is_directory, context) {
                return Some(item);
            }
        }
    }

    /// Decides on a name and what was found of it.
    fn judge(
        &mut self,
        place: Place,
        path: StoredPath,
        found: rustix::io::Result<Stat>,
        is_directory: bool,
        context: &Context,
    ) -> Option<Item> {
        match found {
            Ok(stat) => self.meet(place, path, &stat, context),
            // It vanished since the directory was listed.
            Err(Errno::NOENT) => None,
            Err(errno) => {
                let choice = (context.options.wanted)(&context.disk, is_directory);
                (choice != Choice::Skip).then(|| unreadable(path, errno.into()))
            }
        }
    }

    /// Looks at the root itself.
    fn start(&mut self, context: &mut Context) -> Option<Item> {
        let path = self.root.stored.clone();
        let (disk, name_start) = split(&self.root.disk);
        let (parent, name) = disk.split_at(name_start);
        let parent = if parent.is_empty() { b"." } else { parent };
        let name = if name.is_empty() { b"." } else { name };
        // Only here a path is resolved, symbolic links and all, as the user typed it.
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = retry_on_intr(|| openat(CWD, parent, flags, Mode::empty())).map(Arc::new);
        let found = opened.and_then(|parent| {
            let found = statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
            Ok((Place { parent, root_name: Some(name.into()) }, found))
        });
        context.disk.clone_from(&disk);
        match found {
            Ok((place, stat)) => self.meet(place, path, &stat, context),
            Err(Errno::NOENT | Errno::NOTDIR) => Some(Item::Absent { path }),
            Err(errno) => Some(unreadable(path, errno.into())),
        }
    }

    /// Decides on an object that is there.
    fn meet(
        &mut self,
        place: Place,
        path: StoredPath,
        stat: &Stat,
        context: &Context,
    ) -> Option<Item> {
        let Some(kind) = status::kind(stat) else {
            return Some(unreadable(path, io::Error::other("an object of unknown type")));
        };
        if context.options.leave_out.contains(&(stat.st_dev, stat.st_ino)) {
            return None;
        }
        let is_special = matches!(kind, Kind::CharacterDevice | Kind::BlockDevice | Kind::Socket);
        if is_special && !context.options.special {
            return None;
        }
        let is_directory = kind == Kind::Directory;
        let choice = (context.options.wanted)(&context.disk, is_directory);
        if choice == Choice::Skip || (choice == Choice::DescendOnly && !is_directory) {
            return None;
        }
        if is_directory {
            let (place, path, disk) = (place.clone(), path.clone(), context.disk.clone());
            self.entering = Some(Entering { place, path, disk });
        }
        (choice == Choice::Take).then(|| Item::Object(Object::new(place, path, kind, stat)))
    }

    /// Opens and lists a directory; an item is what could not be read of it.
    fn enter(&mut self, entering: Entering, context: &mut Context) -> Option<Item> {
        let Entering { place, path, mut disk } = entering;
        let flags = DIRECTORY | OFlags::NOFOLLOW;
        let opened = openat(&place.parent, place.name(&path), flags, Mode::empty());
        let directory = match opened {
            Ok(directory) => directory,
            // It vanished since it was met.
            Err(Errno::NOENT) => return None,
            Err(errno) => return Some(unreadable(path, errno.into())),
        };
        let (mut names, error) = Names::read(directory.as_fd(), &mut context.buffer);
        let room = StoredPath::LEN_MAX.saturating_sub(path.as_bytes().len() + 1);
        let is_too_long = names.limit(room.min(StoredPath::COMPONENT_LEN_MAX));
        if disk.last() != Some(&b'/') {
            disk.push(b'/');
        }
        let item = match error {
            Some(errno) => Some(unreadable(path.clone(), errno.into())),
            None if is_too_long => {
                let cause = io::Error::new(
                    io::ErrorKind::InvalidFilename,
                    "a path below is too long for the archive",
                );
                Some(unreadable(path.clone(), cause))
            }
            None => None,
        };
        self.levels.push(Level { directory: Arc::new(directory), names, path, disk });
        item
    }
}

fn stat(directory: &OwnedFd, name: &CStr) -> rustix::io::Result<Stat> {
    statat(directory, name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT)
}

fn unreadable(path: StoredPath, error: io::Error) -> Item {
    Item::Unreadable { path, error }
}

/// A root's name without slashes at its end, and where its last component starts.
fn split(typed: &[u8]) -> (Vec<u8>, usize) {
    let len = typed.iter().rposition(|&byte| byte != b'/').map_or(typed.len().min(1), |i| i + 1);
    let disk = typed[..len].to_vec();
    let name_start = disk.iter().rposition(|&byte| byte == b'/').map_or(0, |i| i + 1);
    (disk, name_start)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_root_splits_into_where_it_is_and_what_it_is_called() {
        for (typed, disk, name) in [
            ("/", "/", ""),
            ("///", "/", ""),
            (".", ".", "."),
            ("a/", "a", "a"),
            ("/usr", "/usr", "usr"),
            ("../x//y//", "../x//y", "y"),
        ] {
            let (kept, start) = split(typed.as_bytes());
            assert_eq!((kept.as_slice(), &kept[start..]), (disk.as_bytes(), name.as_bytes()));
        }
    }
}
