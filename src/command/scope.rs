//! What the user's words on the command line mean: where to walk, and which stored names that
//! covers.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::archive::{Archive, Catalog, Entry, Location, Notice, Version};
use crate::base::{Error, Kind, Progress, Result, StoredPath};
use crate::filesystem::{Choice, Root, Walk, WalkOptions};
use crate::select::{Rename, Selection, Verdict};

/// Files on disk and their names in the archive.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// Where to walk, in archive order.
    pub roots: Vec<Root>,
    selection: Selection,
}

impl Scope {
    /// The files as the user named them, with `-only`, `-not` and `-to`.
    pub(super) fn new(files: &[Vec<u8>], selection: &Selection, rename: &Rename) -> Result<Self> {
        let mut roots = Vec::new();
        for file in files {
            let typed = StoredPath::normalized(file).map_err(|error| {
                Error::usage(format!(
                    "cannot use the file name {:?}",
                    file.escape_ascii().to_string()
                ))
                .because(error)
            })?;
            roots.push(Root { disk: typed.as_bytes().to_vec(), stored: rename.apply(&typed)? });
        }
        // Equal names keep the user's order: the first one wins.
        roots.sort_by(|a, b| a.stored.cmp(&b.stored));
        Ok(Self { roots, selection: selection.clone() })
    }

    /// How many different names the roots have in the archive.
    pub(super) fn count(&self) -> usize {
        // Equal names stand side by side.
        self.roots.chunk_by(|a, b| a.stored == b.stored).count()
    }

    /// A walk of the roots that leaves out the archive itself, which is at `location`.
    pub(super) fn walk(&self, special: bool, location: &Location, archive: &Archive) -> Walk {
        let selection = self.selection.clone();
        let location = location.clone();
        let wanted = move |name: &[u8], is_directory: bool| {
            if !is_directory && location.has_part(Path::new(OsStr::from_bytes(name))) {
                return Choice::Skip;
            }
            match selection.verdict(name, is_directory) {
                Verdict::Take => Choice::Take,
                Verdict::DescendOnly => Choice::DescendOnly,
                Verdict::Skip => Choice::Skip,
            }
        };
        let leave_out = archive.identity().into_iter().collect();
        let options = WalkOptions { special, leave_out, wanted: Box::new(wanted) };
        Walk::new(self.roots.clone(), options)
    }

    /// The stored objects that the scope covers, in archive order.
    pub(super) fn entries(&self, catalog: &Catalog) -> impl Iterator<Item = Result<Entry>> + use<> {
        let mut covers: Vec<StoredPath> = Vec::new();
        for root in &self.roots {
            if !covers.last().is_some_and(|cover| root.stored.is_within(cover)) {
                covers.push(root.stored.clone());
            }
        }
        let parts: Vec<_> = covers.iter().map(|cover| catalog.entries_within(cover)).collect();
        let scope = self.clone();
        parts
            .into_iter()
            .flatten()
            .filter(move |entry| entry.as_ref().map_or(true, |entry| scope.is_wanted(entry)))
    }

    /// Whether a stored object is wanted by its name on disk; it has several where files lie in
    /// each other or are renamed alike.
    fn is_wanted(&self, entry: &Entry) -> bool {
        let path = &entry.path;
        self.selection.is_everything()
            || ancestors(path.as_bytes()).any(|ancestor| {
                let name =
                    |root: &Root| StoredPath::compare_bytes(root.stored.as_bytes(), ancestor);
                let start = self.roots.partition_point(|root| name(root).is_lt());
                let roots = self.roots[start..].iter().take_while(|root| name(root).is_eq());
                let rest = &path.as_bytes()[ancestor.len()..];
                roots.into_iter().any(|root| {
                    let rest = rest.strip_prefix(b"/").unwrap_or(rest);
                    let slash: &[u8] =
                        if rest.is_empty() || root.disk.ends_with(b"/") { b"" } else { b"/" };
                    is_wanted(&self.selection, entry, &[&root.disk, slash, rest].concat())
                })
            })
    }
}

/// A name and those of the directories it is in, the nearest first.
fn ancestors(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(name), |name| match name.iter().rposition(|&byte| byte == b'/')? {
        0 if name.len() > 1 => Some(&name[..1]),
        0 => None,
        slash => Some(&name[..slash]),
    })
}

/// Whether an entry that goes by this name is to be added, extracted or listed.
pub(super) fn is_wanted(selection: &Selection, entry: &Entry, name: &[u8]) -> bool {
    if selection.is_everything() {
        return true;
    }
    // A deletion does not say what it was; it may have been a directory.
    let stored = entry.object.stored();
    let is_directory = stored.is_none_or(|stored| stored.metadata.kind == Kind::Directory);
    selection.is_wanted(name, is_directory)
}

/// The catalog of a version as far as it can be read, or an empty one.
pub(super) fn catalog(archive: &Archive, version: Option<&Version>) -> Catalog {
    version.map_or_else(Catalog::empty, |version| Catalog::of_readable(archive, version))
}

/// Tells what the user should know about the archive first; returns whether it is damaged.
pub(super) fn tell_notice(archive: &Archive, progress: &dyn Progress) -> bool {
    tell_notice_of(archive, "", progress)
}

/// Names the parts that are not read; returns whether there are any.
pub(super) fn tell_absent(archive: &Archive, progress: &dyn Progress) -> bool {
    let absent = archive.absent_parts();
    for text in &absent {
        progress.warn(text);
    }
    !absent.is_empty()
}

/// The same as [`tell_notice`] of one of two archives, with words in front that tell which.
pub(super) fn tell_notice_of(archive: &Archive, which: &str, progress: &dyn Progress) -> bool {
    let warn = |text: &str| progress.warn(&format!("{which}{text}"));
    let is_complete = archive.absent_parts().iter().map(|text| warn(text)).count() == 0;
    match archive.notice() {
        None => {}
        Some(Notice::Unfinished(bytes)) => warn(&format!(
            "the last {bytes} bytes of the archive are an update that was never completed; they are ignored"
        )),
        Some(Notice::Damaged(from)) => warn(&format!(
            "committed updates are damaged near {}; what can be found after that is used",
            archive.place_named(*from)
        )),
        Some(Notice::DamagedPart(what) | Notice::GivenUp(what)) => warn(what),
        Some(Notice::Completed) => warn(
            "the last update was interrupted just before it was committed; all of it was there, and it is committed now",
        ),
    }
    !is_complete || matches!(archive.notice(), Some(Notice::Damaged(_) | Notice::DamagedPart(_)))
}
