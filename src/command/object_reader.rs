//! An object on disk to what the archive stores of it.

use std::collections::HashMap;

use crate::archive::{Piece, Stored};
use crate::base::{Kind, Progress, Result, Timestamp};
use crate::filesystem::{AccountNames, Object};

use super::content_reader::{ContentReader, Failure, Store};
use super::status::{Look, drop_attributes};

/// A file that changes while it is read is read so many times at most.
const READS_MAX: usize = 3;

/// The content of a file with several names, kept until the last name came.
struct Linked {
    look: Look,
    content: Vec<Piece>,
    names_to_come: u64,
}

/// Reads objects.
pub(super) struct ObjectReader {
    content: ContentReader,
    accounts: AccountNames,
    /// By device and inode.
    linked: HashMap<(u64, u64), Linked>,
    attributes: bool,
    now: fn() -> Timestamp,
}

impl ObjectReader {
    /// Cuts as `-fragment exponent` says; without `attributes` saves none.
    pub(super) fn new(exponent: u8, attributes: bool, now: fn() -> Timestamp) -> Result<Self> {
        Ok(Self {
            content: ContentReader::new(exponent)?,
            accounts: AccountNames::new(),
            linked: HashMap::new(),
            attributes,
            now,
        })
    }

    /// Reads all that is stored of an object, its fragments through `store`; also says whether
    /// the content changed while it was read.
    pub(super) fn read(
        &mut self,
        object: &Object,
        progress: &dyn Progress,
        store: Store<'_>,
    ) -> std::result::Result<(Stored, bool), Failure> {
        let (look, content, is_torn) = match object.kind {
            Kind::File => self.read_file(object, progress, store)?,
            _ => (Look::of(object), Vec::new(), false),
        };
        let mut metadata = object.metadata(&mut self.accounts)?;
        metadata.mtime = look.mtime;
        if !self.attributes {
            drop_attributes(&mut metadata);
        }
        let stored = Stored {
            metadata,
            has_attributes: self.attributes,
            ctime: look.status.ctime,
            inode: look.status.inode,
            device: look.link_device(object.kind),
            is_unsettled: is_torn || look.is_unsettled((self.now)()),
            content,
            unknown: Vec::new(),
        };
        Ok((stored, is_torn))
    }

    fn read_file(
        &mut self,
        object: &Object,
        progress: &dyn Progress,
        store: Store<'_>,
    ) -> std::result::Result<(Look, Vec<Piece>, bool), Failure> {
        if let Some(content) = self.linked_content(object) {
            return Ok((Look::of(object), content, false));
        }
        let mut reads = 1;
        loop {
            let mut file = object.open()?;
            let (status, mtime) = file.status()?;
            let look = Look { status, mtime };
            // Files of /proc say 0 and have content all the same.
            let limit = if status.size == 0 { u64::MAX } else { status.size };
            let content = self.content.read(&mut file, limit, progress, store)?;
            let (status, mtime) = file.status()?;
            let is_torn = look != Look { status, mtime };
            if is_torn && reads < READS_MAX {
                reads += 1;
                continue;
            }
            if look.status.links > 1 && !is_torn {
                let names_to_come = look.status.links - 1;
                let key = (look.status.device, look.status.inode);
                self.linked.insert(key, Linked { look, content: content.clone(), names_to_come });
            }
            return Ok((look, content, is_torn));
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
