//! Walks any number of roots as one stream in the order of [`StoredPath`].
//!
//! Each root's own walk is already in that order (`descent.rs`); here they are merged. The stream:
//! - each path comes at most once as an object; where two roots yield it the first root wins;
//! - a directory comes before its children;
//! - what cannot be read says so in its place, and the walk goes on.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fmt;
use std::io;

use super::descent::Descent;
use super::object::Object;
use crate::base::StoredPath;

/// Where a walk starts.
#[derive(Debug, Clone)]
pub struct Root {
    /// The name on disk as the user typed it.
    pub disk: Vec<u8>,
    /// The name in the archive.
    pub stored: StoredPath,
}

/// What to do with an object on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Report it, and visit its children.
    Take,
    /// Do not report it, but visit its children.
    DescendOnly,
    /// Neither report nor visit.
    Skip,
}

/// Answers whether an object is wanted, by its name on disk and whether it is a directory.
pub type Wanted = Box<dyn Fn(&[u8], bool) -> Choice>;

/// What a walk reports.
pub struct WalkOptions {
    /// Whether device nodes and sockets are reported.
    pub special: bool,
    /// Device and inode numbers of objects that are never reported: the archive itself.
    pub leave_out: Vec<(u64, u64)>,
    /// Decides on each object by its name on disk.
    pub wanted: Wanted,
}

impl fmt::Debug for WalkOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WalkOptions")
            .field("special", &self.special)
            .field("leave_out", &self.leave_out)
            .finish_non_exhaustive()
    }
}

/// One step of a walk.
#[derive(Debug)]
pub enum Item {
    /// Something on disk.
    Object(Object),
    /// This object, or part of what lies below it, could not be looked at: whatever the walk does
    /// not report at or below `path` is unknown, not gone.
    Unreadable {
        /// The object, or the directory whose children are not all known.
        path: StoredPath,
        /// Why.
        error: io::Error,
    },
    /// A root that does not exist on disk.
    Absent {
        /// Its name in the archive.
        path: StoredPath,
    },
}

impl Item {
    /// The name in the archive.
    pub fn path(&self) -> &StoredPath {
        match self {
            Self::Object(object) => &object.path,
            Self::Unreadable { path, .. } | Self::Absent { path } => path,
        }
    }
}

/// What the walks of all roots share.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) options: WalkOptions,
    /// For listing directories.
    pub(super) buffer: Vec<u8>,
    /// Name on disk of the object that is looked at.
    pub(super) disk: Vec<u8>,
}

/// All objects at and below some roots, in the order of [`StoredPath`].
#[derive(Debug)]
pub struct Walk {
    context: Context,
    /// The root whose walk goes on as long as it is ahead of no other.
    current: Option<Strand>,
    waiting: BinaryHeap<Strand>,
    /// The last path reported, kept where paths may come twice.
    last: Option<StoredPath>,
    has_several_roots: bool,
}

impl Walk {
    /// Will walk `roots`; nothing is opened before the first item is asked for.
    pub fn new(roots: Vec<Root>, options: WalkOptions) -> Self {
        let has_several_roots = roots.len() > 1;
        let strands = roots.into_iter().enumerate();
        Self {
            context: Context { options, buffer: Vec::new(), disk: Vec::new() },
            current: None,
            waiting: strands.map(|(order, root)| Strand::new(order, root)).collect(),
            last: None,
            has_several_roots,
        }
    }

    /// Whether an item of the foremost root must not be reported because of another root.
    fn is_superseded(&self, item: &Item) -> bool {
        if self.last.as_ref() == Some(item.path()) {
            // That children could not be read is news about a path already reported.
            return !matches!(item, Item::Unreadable { .. });
        }
        // A root that is absent has nothing to say if another stands for the same path.
        matches!(item, Item::Absent { .. })
            && self.waiting.peek().is_some_and(|next| next.path() == item.path())
    }
}

impl Iterator for Walk {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            // As a rule there is one root, or only one is left.
            if self.waiting.is_empty()
                && !self.has_several_roots
                && let Some(Strand { head: None, descent, .. }) = &mut self.current
            {
                return descent.next(&mut self.context);
            }
            let mut strand = self.current.take().or_else(|| self.waiting.pop())?;
            let head = strand.head.take();
            let Some(item) = head.or_else(|| strand.descent.next(&mut self.context)) else {
                continue;
            };
            if self.waiting.peek().is_some_and(|next| next.is_before(item.path(), strand.order)) {
                strand.head = Some(item);
                self.waiting.push(strand);
                continue;
            }
            self.current = Some(strand);
            if self.has_several_roots {
                if self.is_superseded(&item) {
                    continue;
                }
                self.last = Some(item.path().clone());
            }
            return Some(item);
        }
    }
}

/// The walk of one root among others. The greatest strand is the one to go on with.
#[derive(Debug)]
struct Strand {
    /// The root's place among the roots.
    order: usize,
    descent: Descent,
    /// Its next item, where that is known.
    head: Option<Item>,
}

impl Strand {
    fn new(order: usize, root: Root) -> Self {
        Self { order, descent: Descent::new(root), head: None }
    }

    /// Nothing that comes from this strand sorts before this path.
    fn path(&self) -> &StoredPath {
        self.head.as_ref().map_or_else(|| self.descent.root_path(), Item::path)
    }

    fn is_before(&self, path: &StoredPath, order: usize) -> bool {
        (self.path(), self.order) < (path, order)
    }
}

impl Ord for Strand {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.path(), other.order).cmp(&(self.path(), self.order))
    }
}

impl PartialOrd for Strand {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Strand {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Strand {}
