//! Files with several names: read under the first one, known under the others.

use std::collections::HashMap;

use crate::archive::{Piece, Stored};
use crate::base::Kind;
use crate::filesystem::Object;

use super::status::Look;

/// The content of a file, as it was read.
#[derive(Clone)]
pub(super) struct ReadContent {
    pub pieces: Vec<Piece>,
    /// It could change afterwards without a trace; under the other names as well.
    pub is_unsettled: bool,
}

/// The same, kept until the last name of the file came.
struct Linked {
    look: Look,
    content: ReadContent,
    names_to_come: u64,
}

/// Files that may come again under another name, by device and inode.
#[derive(Default)]
pub(super) struct HardLinks {
    /// How many more names of a file can be met.
    met: HashMap<(u64, u64), u64>,
    read: HashMap<(u64, u64), Linked>,
}

impl HardLinks {
    /// Whether a file was met under another name, so that it is known or not when that one's turn
    /// is over.
    pub(super) fn is_met_again(&mut self, object: &Object) -> bool {
        if object.kind != Kind::File || object.status.links < 2 {
            return false;
        }
        let key = (object.status.device, object.status.inode);
        let Some(names_to_come) = self.met.get_mut(&key) else {
            self.met.insert(key, object.status.links - 1);
            return false;
        };
        *names_to_come -= 1;
        if *names_to_come == 0 {
            self.met.remove(&key);
        }
        true
    }

    /// Keeps the content for other names of the file, unless an earlier name's is kept already.
    pub(super) fn remember(&mut self, look: Look, stored: &Stored) {
        let key = (look.status.device, look.status.inode);
        if self.read.get(&key).is_none_or(|linked| linked.look != look) {
            let names_to_come = look.status.links - 1;
            let (pieces, is_unsettled) = (stored.content.clone(), stored.is_unsettled);
            let content = ReadContent { pieces, is_unsettled };
            self.read.insert(key, Linked { look, content, names_to_come });
        }
    }

    /// The content read under another name of the same file, if nothing changed since and `old`
    /// has no other content with the same date.
    pub(super) fn content(&mut self, object: &Object, old: Option<&Stored>) -> Option<ReadContent> {
        let content = self.content_read(object)?;
        let old = old.filter(|old| old.metadata.mtime == object.mtime);
        old.is_none_or(|old| old.content == content.pieces).then_some(content)
    }

    fn content_read(&mut self, object: &Object) -> Option<ReadContent> {
        let key = (object.status.device, object.status.inode);
        let linked = self.read.get_mut(&key)?;
        if linked.look != Look::of(object) {
            return None;
        }
        linked.names_to_come -= 1;
        if linked.names_to_come == 0 {
            return self.read.remove(&key).map(|linked| linked.content);
        }
        Some(linked.content.clone())
    }
}
