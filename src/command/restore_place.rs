//! Where objects are restored: the directories that the user named, and names below them.
//!
//! Words of the user lead anywhere, links and `..` included; names of the archive only below.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use crate::base::{Error, Result, StoredPath};
use crate::filesystem::Target;
use crate::select::{Rename, in_version, version_directory};

/// What an object is going to be called.
pub(super) struct Name {
    /// The directory it is restored into.
    directory: StoredPath,
    /// Its name there, as the archive has it.
    below: StoredPath,
    /// The name on disk, to show.
    pub(super) shown: StoredPath,
}

impl Name {
    /// The name of `path`, which is in the numbered directory of a version with `-all`.
    pub(super) fn of(
        path: &StoredPath,
        version: Option<(u64, usize)>,
        rename: &Rename,
    ) -> Result<Self> {
        let (directory, mut below) = rename.place(path)?;
        if let Some((number, digits)) = version {
            below = in_version(number, digits, &below)?;
        }
        let shown = shown(&directory, &below)?;
        Ok(Self { directory, below, shown })
    }

    /// The numbered directory of a version in the directory that `path` is restored into.
    pub(super) fn of_version(
        path: &StoredPath,
        version: (u64, usize),
        rename: &Rename,
    ) -> Result<Self> {
        let (directory, _) = rename.place(path)?;
        let below = StoredPath::from_bytes(version_directory(version).into_bytes())?;
        let shown = shown(&directory, &below)?;
        Ok(Self { directory, below, shown })
    }

    /// Whether it leads out of its directory, and is changed so that it does not.
    pub(super) fn points_outside(&self) -> bool {
        self.below.points_outside()
    }
}

fn shown(directory: &StoredPath, below: &StoredPath) -> Result<StoredPath> {
    let mut bytes = match directory.as_bytes() {
        b"." => Vec::new(),
        bytes => bytes.to_vec(),
    };
    for component in below.components_below() {
        if !bytes.is_empty() && bytes != b"/" {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(component);
    }
    if bytes.is_empty() {
        return Ok(directory.clone());
    }
    StoredPath::from_bytes(bytes)
}

/// A place on disk.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) target: Arc<Target>,
    pub(super) path: StoredPath,
}

/// The directories that were opened so far.
#[derive(Default)]
pub(super) struct Targets {
    opened: HashMap<StoredPath, Arc<Target>>,
}

impl Targets {
    /// The place that `name` means; its directory is made if it is missing.
    pub(super) fn place(&mut self, name: &Name) -> Result<Place> {
        let path = name.below.clone();
        if let Some(target) = self.opened.get(&name.directory) {
            let target = Arc::clone(target);
            return Ok(Place { target, path });
        }
        let directory = Path::new(OsStr::from_bytes(name.directory.as_bytes()));
        let target = Target::open(directory)
            .map_err(|error| Error::io("cannot restore into", error).at(&name.directory))?;
        let target = Arc::new(target);
        self.opened.insert(name.directory.clone(), Arc::clone(&target));
        Ok(Place { target, path })
    }

    /// Waits until everything is on the disk.
    pub(super) fn sync(&self) -> Result<()> {
        for (directory, target) in &self.opened {
            target
                .sync()
                .map_err(|error| Error::io("cannot finish restoring", error).at(directory))?;
        }
        Ok(())
    }
}
