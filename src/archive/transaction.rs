//! The only way to write: begin, store fragments, record entries, commit. Dropped before, the
//! archive is as it was.

use std::sync::Arc;

use crate::base::{Digest, Environment, Error, Progress, Result, Timestamp};
use crate::compress::{ContentKind, Method};
use crate::crypto::IdentityHash;
use crate::format::{
    BLOCK_BYTES_MAX, COMMENT_BYTES_MAX, Counts, Entry, EntryPageBuilder, FragmentId, Manifest,
    Piece, Place, RUNS_MAX, Stored, Update,
};

use super::block_packer::{BlockPacker, FullBlock};
use super::block_reader::BlockReader;
use super::block_table::BlockTable;
use super::earlier_content::EarlierContent;
use super::fragment_index::FragmentIndex;
use super::frame_queue::FrameQueue;
use super::history::Version;
use super::open::Archive;

/// A page of entries ends when it has so many bytes.
const ENTRY_PAGE_BYTES: usize = 64 * 1024;

/// How an update is written.
#[derive(Debug, Clone)]
pub struct TransactionOptions {
    /// How blocks are compressed, if the archive holds data.
    pub method: Method,
    /// How many blocks at the same time.
    pub threads: usize,
    /// Clock and dice.
    pub environment: Environment,
    /// The user's words about the update.
    pub comment: Vec<u8>,
    /// Date of the update, seconds since 1970; the present without it.
    pub date: Option<i64>,
}

/// What an entry changes in the version before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The name is new.
    Added,
    /// The object changed; its content had so many bytes.
    Updated(u64),
    /// The object is gone; its content had so many bytes.
    Deleted(u64),
    /// Only what tells changes apart is new: ctime, inode, links.
    Touched,
}

/// A committed update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Its number.
    pub version: u64,
    /// Stands for the whole history.
    pub fingerprint: String,
    /// What it changed and what the version holds.
    pub counts: Counts,
    /// Bytes appended, headers and padding included.
    pub stored_bytes: u64,
}

/// An update being written.
pub struct Transaction<'a> {
    queue: FrameQueue<'a>,
    packer: BlockPacker,
    identities: IdentityHash,
    fragments: FragmentIndex,
    /// What the file had that is being stored, if earlier blocks are of use.
    earlier: Option<EarlierContent>,
    page: EntryPageBuilder,
    manifest: Manifest,
    /// Where the commit before ends.
    last_end: Option<Place>,
    holds_data: bool,
}

impl<'a> Transaction<'a> {
    /// Starts an update on top of `base`, the newest version or the one gone back to.
    pub fn begin(
        archive: &'a mut Archive,
        base: Option<&Version>,
        options: &TransactionOptions,
    ) -> Result<Self> {
        assert!(options.comment.len() as u64 <= COMMENT_BYTES_MAX, "the comment was checked");
        let mut manifest = base.map(|version| version.manifest.clone()).unwrap_or_default();
        let fragments = match base {
            Some(version) => FragmentIndex::load(&BlockTable::of(archive, version)?)?,
            None => FragmentIndex::default(),
        };
        let now = (options.environment.now)();
        // Dates rise strictly, so that every version has a date that -until can name.
        let wanted = options.date.unwrap_or(now.seconds);
        let date = base.map_or(wanted, |version| wanted.max(version.date() + 1));
        let update = new_update(archive, date, now, &options.environment)?;
        let first_block = manifest.counts.blocks;
        let identities = archive.identity_hash();
        let last_end = base.map(Version::end_place);
        let holds_data = archive.holds_data();
        let table = match base {
            Some(version) if holds_data => Some(Arc::new(BlockTable::of(archive, version)?)),
            _ => None,
        };
        let writer = archive.journal.begin_update(update)?;
        manifest.start_update(writer.number(), date, &options.comment);
        let block_bytes = options.method.block_bytes();
        assert!(block_bytes as u64 <= BLOCK_BYTES_MAX, "the method was checked");
        let packer = BlockPacker::new(first_block, block_bytes, identities.clone());
        let earlier = table.clone().map(|table| Arc::new(BlockReader::new(table)));
        Ok(Self {
            queue: FrameQueue::new(writer, options.method, options.threads, first_block, earlier)?,
            packer: if holds_data { packer } else { packer.without_data() },
            identities,
            fragments,
            earlier: table.map(EarlierContent::new),
            page: EntryPageBuilder::new(),
            manifest,
            last_end,
            holds_data,
        })
    }

    /// Lets `progress` hear of each block that is written.
    #[must_use]
    pub fn reporting_to(mut self, progress: &'a dyn Progress) -> Self {
        self.queue.report_to(progress);
        self
    }

    /// Date of the update, seconds since 1970.
    pub fn date(&self) -> i64 {
        self.queue.writer().date()
    }

    /// What was counted so far.
    pub fn counts(&self) -> &Counts {
        &self.manifest.counts
    }

    /// The fragments to come are those of a file that had this content before: what is new in them
    /// may be like what was there.
    pub fn begin_content(&mut self, before: &[Piece]) {
        if let Some(earlier) = &mut self.earlier {
            earlier.begin(before);
        }
    }

    /// Stores a fragment, or finds it stored already.
    pub fn store(&mut self, bytes: &[u8], kind: ContentKind) -> Result<FragmentId> {
        let identity = self.identities.of(bytes);
        let len = u32::try_from(bytes.len()).expect("fragments are shorter than a block");
        if let Some(fragment) = self.fragments.find(&identity, len) {
            if let Some(earlier) = &mut self.earlier {
                earlier.pass_known(fragment, len);
            }
            return Ok(fragment);
        }
        let mut full = Vec::new();
        let fragment = self.packer.push(bytes, identity, kind, &mut full);
        if let Some(earlier) = &mut self.earlier {
            let packer = &mut self.packer;
            earlier.pass_new(len, |range| packer.is_like(fragment.block, range));
        }
        self.fragments.insert(identity, fragment, len)?;
        self.manifest.counts.new_bytes += u64::from(len);
        self.manifest.counts.fragments += 1;
        self.push_blocks(full)?;
        Ok(fragment)
    }

    fn push_blocks(&mut self, full: Vec<FullBlock>) -> Result<()> {
        for block in full {
            if !self.holds_data {
                self.queue.push_record(block)?;
                continue;
            }
            self.queue.push_block(block)?;
            while let Some(buffer) = self.queue.take_spare() {
                self.packer.reuse(buffer);
            }
        }
        Ok(())
    }

    /// Records an entry; paths come in archive order, each once.
    pub fn record(&mut self, entry: &Entry, change: Change) -> Result<()> {
        let stored = entry.object.stored();
        let is_marked = stored.is_some_and(|stored| stored.is_touched);
        assert_eq!(is_marked, change == Change::Touched, "an entry says itself that it is touched");
        let size = stored.map_or(0, Stored::size);
        self.manifest.counts.count(change, size);
        self.page.push(entry);
        if self.page.len() >= ENTRY_PAGE_BYTES {
            self.queue.push_entries(std::mem::take(&mut self.page))?;
        }
        Ok(())
    }

    /// Makes the update count. Nothing is promised before this returns.
    pub fn commit(mut self) -> Result<Committed> {
        let rest = self.packer.finish();
        self.push_blocks(rest)?;
        self.queue.push_entries(std::mem::take(&mut self.page))?;
        let (entries, fragments) = self.queue.finish()?;
        self.manifest.counts.data_bytes = self.queue.data_bytes();
        self.manifest.counts.blocks = self.packer.next_number();
        self.manifest.entry_runs.splice(0..0, entries.clone());
        self.manifest.fragment_runs.extend(fragments.clone());
        self.manifest.delta_entries = entries;
        self.manifest.delta_fragments = fragments;
        if self.manifest.entry_runs.len() as u64 > RUNS_MAX {
            return Err(Error::new(
                crate::base::ErrorKind::Unsupported,
                format!("cannot add: the archive has {RUNS_MAX} updates"),
            )
            .hint("start a new archive"));
        }
        let counts = self.manifest.counts;
        let point = self.queue.commit(&self.manifest.encode())?;
        Ok(Committed {
            version: point.commit.update,
            fingerprint: point.commit.fingerprint(),
            counts,
            stored_bytes: match self.last_end {
                Some(end) if end.part == point.place.part => point.end() - end.offset,
                _ => point.end(),
            },
        })
    }

    /// Gives the update up; the archive is as it was.
    pub fn abandon(self) -> Result<()> {
        self.queue.abandon()
    }
}

fn new_update(
    archive: &Archive,
    date: i64,
    now: Timestamp,
    environment: &Environment,
) -> Result<Update> {
    let mut random = [0; 32];
    (environment.random)(&mut random)?;
    let previous_tag = archive.journal.last_tag();
    let nonce = Digest::of_pieces(&[
        &random,
        previous_tag.as_bytes(),
        &now.seconds.to_le_bytes(),
        &now.nanos.to_le_bytes(),
    ]);
    let writer = concat!("zarc ", env!("CARGO_PKG_VERSION")).to_owned();
    let rolled_back = archive.journal.rolled_back_tag();
    Ok(Update { nonce, previous_tag, date, rolled_back, writer })
}

impl Manifest {
    /// Turns the manifest of the version before into that of a new update.
    fn start_update(&mut self, update: u64, date: i64, comment: &[u8]) {
        self.update = update;
        self.date = date;
        self.comment = comment.to_vec();
        self.counts = Counts {
            names: self.counts.names,
            names_bytes: self.counts.names_bytes,
            blocks: self.counts.blocks,
            fragments: self.counts.fragments,
            ..Counts::default()
        };
    }
}

impl Counts {
    /// Whether nothing was recorded.
    pub fn is_unchanged(&self) -> bool {
        self.added + self.updated + self.deleted + self.touched == 0
    }

    /// Counts one entry whose content has `size` bytes.
    fn count(&mut self, change: Change, size: u64) {
        match change {
            Change::Added => {
                self.added += 1;
                self.names += 1;
                self.names_bytes += size;
                self.content_bytes += size;
            }
            Change::Updated(size_before) => {
                self.updated += 1;
                self.names_bytes = (self.names_bytes + size).saturating_sub(size_before);
                self.content_bytes += size;
            }
            Change::Deleted(size_before) => {
                self.deleted += 1;
                self.names = self.names.saturating_sub(1);
                self.names_bytes = self.names_bytes.saturating_sub(size_before);
            }
            Change::Touched => self.touched += 1,
        }
    }
}
