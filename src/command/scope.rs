//! What the user's words on the command line mean: where to walk, and which stored names that
//! covers.

use crate::archive::{Archive, Catalog, Entry, Notice, Version};
use crate::base::{Error, Kind, Progress, Result, StoredPath};
use crate::filesystem::{Choice, Root, WalkOptions};
use crate::select::{Rename, Selection, Verdict};

/// Files on disk and their names in the archive.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// Where to walk, in archive order.
    pub roots: Vec<Root>,
    selection: Selection,
    /// From names in the archive to names on disk.
    back: Rename,
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
        Ok(Self { roots, selection: selection.clone(), back: rename.reversed() })
    }

    /// How many different names the roots have in the archive.
    pub(super) fn count(&self) -> usize {
        // Equal names stand side by side.
        self.roots.chunk_by(|a, b| a.stored == b.stored).count()
    }

    /// How to walk; `leave_out` is the archive itself.
    pub(super) fn walk_options(&self, special: bool, leave_out: Option<(u64, u64)>) -> WalkOptions {
        let selection = self.selection.clone();
        let wanted =
            move |name: &[u8], is_directory: bool| match selection.verdict(name, is_directory) {
                Verdict::Take => Choice::Take,
                Verdict::DescendOnly => Choice::DescendOnly,
                Verdict::Skip => Choice::Skip,
            };
        WalkOptions {
            special,
            leave_out: leave_out.into_iter().collect(),
            wanted: Box::new(wanted),
        }
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
        let (selection, back) = (self.selection.clone(), self.back.clone());
        parts.into_iter().flatten().filter(move |entry| match entry {
            Ok(entry) => match back.apply(&entry.path) {
                Ok(on_disk) => is_wanted(&selection, entry, &on_disk),
                // A name too long for the disk was never taken from there.
                Err(_) => false,
            },
            Err(_) => true,
        })
    }
}

/// Whether an entry that goes by this name is to be added, extracted or listed.
pub(super) fn is_wanted(selection: &Selection, entry: &Entry, name: &StoredPath) -> bool {
    // A deletion does not say what it was; it may have been a directory.
    let stored = entry.object.stored();
    let is_directory = stored.is_none_or(|stored| stored.metadata.kind == Kind::Directory);
    selection.is_wanted(name.as_bytes(), is_directory)
}

/// The catalog of a version, or an empty one.
pub(super) fn catalog(archive: &Archive, version: Option<&Version>) -> Result<Catalog> {
    version.map_or_else(|| Ok(Catalog::empty()), |version| Catalog::of(archive, version))
}

/// Tells what the user should know about the archive first; returns whether it is damaged.
pub(super) fn tell_notice(archive: &Archive, progress: &dyn Progress) -> bool {
    match archive.notice() {
        None => {}
        Some(Notice::Unfinished(bytes)) => progress.warn(&format!(
            "the last {bytes} bytes of the archive are an update that was never completed; they are ignored"
        )),
        Some(Notice::Damaged(from)) => progress.warn(&format!(
            "committed updates are damaged near byte {from}; what can be found after that is used"
        )),
        Some(Notice::Completed) => progress.warn(
            "the last update was interrupted just before it was committed; all of it was there, and it is committed now",
        ),
    }
    matches!(archive.notice(), Some(Notice::Damaged(_)))
}
