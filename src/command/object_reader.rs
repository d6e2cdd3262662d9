//! An object on disk to what the archive stores of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::archive::{BlockTable, Stored};
use crate::base::{Error, Kind, Metadata, Progress, Timestamp};
use crate::filesystem::{AccountNames, Object};

use super::content_comparison::{Likeness, compare_content};
use super::content_reader::{ContentReader, CutRule, Outlet};
use super::portion::{Failure, Part};
use super::status::Look;

/// A file that changes while it is read is read so many times at most.
const READS_MAX: usize = 3;

/// What all readers share.
pub(super) struct Sources<'a> {
    pub rule: CutRule,
    /// Where the fragments of what is stored already are looked up.
    pub blocks: Option<Arc<BlockTable>>,
    /// What is wrong with records of fragments that are stored.
    pub unreadable: Vec<Error>,
    pub progress: &'a dyn Progress,
    /// Nobody waits any more for what is read.
    pub is_given_up: AtomicBool,
}

impl Sources<'_> {
    /// Lets whoever is reading stop.
    pub(super) fn give_up(&self) {
        self.is_given_up.store(true, Ordering::Relaxed);
    }

    fn is_stopped(&self) -> bool {
        self.is_given_up.load(Ordering::Relaxed) || self.progress.is_stopped()
    }
}

/// An object as it was read.
pub(super) struct ReadObject {
    /// All that is stored; the content is missing if `has_parts`.
    pub stored: Stored,
    /// Its content came in parts before this.
    pub has_parts: bool,
    /// What told changes when it was read.
    pub look: Look,
    /// It changed meanwhile.
    pub is_torn: bool,
}

/// The same, or why it could not be read.
pub(super) type ReadResult = Result<ReadObject, Failure>;

/// Reads objects.
pub(super) struct ObjectReader<'a> {
    sources: &'a Sources<'a>,
    content: ContentReader,
    accounts: AccountNames,
    /// For comparing contents.
    scratch: Vec<u8>,
}

impl<'a> ObjectReader<'a> {
    pub(super) fn new(sources: &'a Sources<'a>) -> Self {
        let content = ContentReader::new(sources.rule.clone());
        Self { sources, content, accounts: AccountNames::new(), scratch: Vec::new() }
    }

    /// Reads all that is stored of an object; it is `now` or, to be safe, later. If the content is
    /// that of `old`, it is not stored again, however it would be cut today.
    pub(super) fn read(
        &mut self,
        object: &Object,
        old: Option<&Stored>,
        now: Timestamp,
        outlet: &mut dyn Outlet,
    ) -> ReadResult {
        match object.kind {
            Kind::File => self.read_file(object, old, now, outlet),
            _ => Ok(self.read_metadata(object, now)?),
        }
    }

    /// Reads an object that has no content, or one whose content is known from elsewhere.
    pub(super) fn read_metadata(
        &mut self,
        object: &Object,
        now: Timestamp,
    ) -> std::io::Result<ReadObject> {
        let metadata = object.metadata(&mut self.accounts)?;
        Ok(read_object(object, metadata, Look::of(object), now))
    }

    /// Appends to the portion what needs no bytes.
    pub(super) fn push(&mut self, part: Part) {
        self.content.push(part);
    }

    /// Hands over what is left of the portion.
    pub(super) fn deliver(&mut self, outlet: &mut dyn Outlet) -> crate::base::Result<()> {
        self.content.deliver(outlet)
    }

    fn read_file(
        &mut self,
        object: &Object,
        old: Option<&Stored>,
        now: Timestamp,
        outlet: &mut dyn Outlet,
    ) -> ReadResult {
        let before = old.map_or(&[][..], |old| &old.content);
        // With another date it is a change, whatever the content is.
        let old = old.filter(|old| old.metadata.mtime == object.mtime);
        let sources = self.sources;
        let mut reads = 1;
        loop {
            let mut file = object.open()?;
            let (status, mtime) = file.status_opened();
            let look = Look { status, mtime };
            let is_stored = self.has_content(object, old)?;
            if !is_stored {
                // Files of /proc say 0 and have content all the same.
                let limit = if status.size == 0 { u64::MAX } else { status.size };
                if !before.is_empty() {
                    self.content.push(Part::Before(before.to_vec()));
                }
                self.content.read(&mut file, limit, &|| sources.is_stopped(), outlet)?;
            }
            // Attributes too are those of the file as it stood between the two looks.
            let metadata = object.metadata_opened(&file, &mut self.accounts)?;
            let (status, mtime) = file.status()?;
            let is_torn = look != Look { status, mtime };
            if is_torn && reads < READS_MAX {
                reads += 1;
                self.content.push(Part::Again);
                continue;
            }
            let mut read = read_object(object, metadata, look, now);
            read.stored.is_unsettled |= is_torn;
            if let Some(old) = old.filter(|_| is_stored) {
                read.stored.content.clone_from(&old.content);
            }
            return Ok(ReadObject { has_parts: !is_stored, is_torn, ..read });
        }
    }

    /// Whether the file still has the content of `old`.
    fn has_content(&mut self, object: &Object, old: Option<&Stored>) -> Result<bool, Failure> {
        let sources = self.sources;
        let (Some(old), Some(blocks)) = (old, &sources.blocks) else { return Ok(false) };
        let (file, is_stopped) = (object.open()?, || sources.is_stopped());
        let content = &old.content;
        Ok(match compare_content(file, content, blocks, &mut self.scratch, &is_stopped)? {
            Likeness::Same => true,
            // What cannot be compared is stored anew, as far as the archive can grow at all.
            Likeness::Different | Likeness::Unknown(_) => false,
        })
    }
}

/// An object without its content, of which nothing is wrong.
fn read_object(object: &Object, mut metadata: Metadata, look: Look, now: Timestamp) -> ReadObject {
    metadata.mtime = look.mtime;
    let stored = Stored {
        metadata,
        has_attributes: true,
        ctime: look.status.ctime,
        inode: look.status.inode,
        device: look.link_device(object.kind),
        // Mode and owner are what the walk saw; if the object changed before it was opened
        // they may be old, though its times are new.
        is_unsettled: look != Look::of(object) || look.is_unsettled(now),
        is_touched: false,
        content: Vec::new(),
        unknown: Vec::new(),
    };
    ReadObject { stored, has_parts: false, look, is_torn: false }
}
