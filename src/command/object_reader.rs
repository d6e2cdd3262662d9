//! An object on disk to what the archive stores of it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::archive::{BlockTable, Piece, Stored};
use crate::base::{Kind, Metadata, Progress, Result, Timestamp};
use crate::filesystem::{AccountNames, Object};
use crate::fragment::Params;

use super::content_comparison::{Likeness, compare_content};
use super::content_reader::{ContentReader, Failure, Store};
use super::status::Look;

/// A file that changes while it is read is read so many times at most.
const READS_MAX: usize = 3;

/// The content of a file with several names, kept until the last name came.
struct Linked {
    look: Look,
    content: Vec<Piece>,
    names_to_come: u64,
}

/// An object as it was read.
struct ReadObject {
    look: Look,
    metadata: Metadata,
    content: Vec<Piece>,
    /// It changed meanwhile.
    is_torn: bool,
}

/// Reads objects.
pub(super) struct ObjectReader {
    content: ContentReader,
    accounts: AccountNames,
    /// By device and inode.
    linked: HashMap<(u64, u64), Linked>,
    /// Where the fragments of what is stored already are looked up.
    blocks: Option<Arc<BlockTable>>,
    now: fn() -> Timestamp,
}

impl ObjectReader {
    /// Cuts as the cut rule with these constants says; `blocks` are those of what is stored already.
    pub(super) fn new(
        (exponent, params): (u8, &Params),
        blocks: Option<Arc<BlockTable>>,
        now: fn() -> Timestamp,
    ) -> Result<Self> {
        Ok(Self {
            content: ContentReader::new(exponent, params)?,
            accounts: AccountNames::new(),
            linked: HashMap::new(),
            blocks,
            now,
        })
    }

    /// Reads all that is stored of an object, its fragments through `store`; also says whether
    /// the content changed while it was read. If the content is that of `old`, it is not stored
    /// again, however it would be cut today.
    pub(super) fn read(
        &mut self,
        object: &Object,
        old: Option<&Stored>,
        progress: &dyn Progress,
        store: Store<'_>,
    ) -> std::result::Result<(Stored, bool), Failure> {
        let ReadObject { look, mut metadata, content, is_torn } = match object.kind {
            Kind::File => self.read_file(object, old, progress, store)?,
            _ => self.read_known(object, Vec::new())?,
        };
        metadata.mtime = look.mtime;
        let stored = Stored {
            metadata,
            has_attributes: true,
            ctime: look.status.ctime,
            inode: look.status.inode,
            device: look.link_device(object.kind),
            // Mode and owner are what the walk saw; if the object changed before it was opened
            // they may be old, though its times are new.
            is_touched: false,
            is_unsettled: is_torn || look != Look::of(object) || look.is_unsettled((self.now)()),
            content,
            unknown: Vec::new(),
        };
        Ok((stored, is_torn))
    }

    fn read_file(
        &mut self,
        object: &Object,
        old: Option<&Stored>,
        progress: &dyn Progress,
        store: Store<'_>,
    ) -> std::result::Result<ReadObject, Failure> {
        // With another date it is a change, whatever the content is.
        let old = old.filter(|old| old.metadata.mtime == object.mtime);
        if let Some(content) = self.linked_content(object)
            && old.is_none_or(|old| old.content == content)
        {
            return self.read_known(object, content);
        }
        let mut reads = 1;
        loop {
            let mut file = object.open()?;
            let (status, mtime) = file.status()?;
            let look = Look { status, mtime };
            let content = if let Some(content) = self.stored_content(object, old, progress)? {
                content
            } else {
                // Files of /proc say 0 and have content all the same.
                let limit = if status.size == 0 { u64::MAX } else { status.size };
                self.content.read(&mut file, limit, progress, store)?
            };
            // Attributes too are those of the file as it stood between the two looks.
            let metadata = object.metadata_opened(&file, &mut self.accounts)?;
            let (status, mtime) = file.status()?;
            let is_torn = look != Look { status, mtime };
            if is_torn && reads < READS_MAX {
                reads += 1;
                continue;
            }
            if look.status.links > 1 && !is_torn {
                self.remember(look, &content);
            }
            return Ok(ReadObject { look, metadata, content, is_torn });
        }
    }

    /// The content of `old`, if the file still has it.
    fn stored_content(
        &self,
        object: &Object,
        old: Option<&Stored>,
        progress: &dyn Progress,
    ) -> std::result::Result<Option<Vec<Piece>>, Failure> {
        let (Some(old), Some(blocks)) = (old, &self.blocks) else { return Ok(None) };
        Ok(match compare_content(object.open()?, &old.content, blocks, progress)? {
            Likeness::Same => Some(old.content.clone()),
            // What cannot be compared is stored anew, as far as the archive can grow at all.
            Likeness::Different | Likeness::Unknown(_) => None,
        })
    }

    /// An object whose content is known without reading it.
    fn read_known(
        &mut self,
        object: &Object,
        content: Vec<Piece>,
    ) -> std::result::Result<ReadObject, Failure> {
        let metadata = object.metadata(&mut self.accounts)?;
        Ok(ReadObject { look: Look::of(object), metadata, content, is_torn: false })
    }

    /// Keeps the content for other names of the file, unless an earlier name's is kept already.
    fn remember(&mut self, look: Look, content: &[Piece]) {
        let key = (look.status.device, look.status.inode);
        if self.linked.get(&key).is_none_or(|linked| linked.look != look) {
            let names_to_come = look.status.links - 1;
            self.linked.insert(key, Linked { look, content: content.to_vec(), names_to_come });
        }
    }

    /// The content read under another name of the same file, if nothing changed since.
    fn linked_content(&mut self, object: &Object) -> Option<Vec<Piece>> {
        let key = (object.status.device, object.status.inode);
        let linked = self.linked.get_mut(&key)?;
        if linked.look != Look::of(object) {
            return None;
        }
        linked.names_to_come -= 1;
        if linked.names_to_come == 0 {
            return self.linked.remove(&key).map(|linked| linked.content);
        }
        Some(linked.content.clone())
    }
}
