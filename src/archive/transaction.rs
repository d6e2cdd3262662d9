//! The only way to write: begin, store fragments, record entries, commit. Dropped before, the
//! archive is as it was.

use std::sync::Arc;

use crate::base::{Digest, Environment, Error, ErrorKind, NoProgress, Progress, Result, Timestamp};
use crate::compress::{ContentKind, Method};
use crate::crypto::IdentityHash;
use crate::format::{
    BLOCK_BYTES_MAX, COMMENT_BYTES_MAX, Counts, Entry, EntryPageBuilder, FragmentId, FrameType,
    Manifest, Piece, Place, RUNS_MAX, Stored, Update,
};
use crate::journal::FrameReader;

use super::block_packer::{BlockPacker, FullBlock};
use super::block_reader::BlockReader;
use super::block_table::BlockTable;
use super::change::Change;
use super::earlier_content::EarlierContent;
use super::fragment_index::FragmentIndex;
use super::frame_queue::{Finished, FrameQueue, Written};
use super::history::Version;
use super::identity_cover::IdentityCover;
use super::open::Archive;
use super::packed_frame;
use super::run_merger::RunMerger;
use super::run_shape::RunShape;
use super::stored_identities::StoredIdentities;

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
    /// How the index is laid out.
    pub shape: RunShape,
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
    /// Reads the versions before.
    reader: FrameReader,
    shape: RunShape,
    progress: &'a dyn Progress,
}

impl<'a> Transaction<'a> {
    /// Starts an update on top of `base`, the newest version or the one gone back to.
    pub fn begin(
        archive: &'a mut Archive,
        base: Option<&Version>,
        options: &TransactionOptions,
    ) -> Result<Self> {
        let Some(version) = base else {
            return Self::begin_over(archive, None, options);
        };
        let (blocks, errors) = BlockTable::of_readable(archive, version);
        let mut begun = Self::begin_over(archive, Some((version, Arc::new(blocks))), options)?;
        for error in errors {
            begun.fragments.cannot_read(error);
        }
        Ok(begun)
    }

    /// The same where the blocks of the base are looked up already.
    pub fn begin_over(
        archive: &'a mut Archive,
        base: Option<(&Version, Arc<BlockTable>)>,
        options: &TransactionOptions,
    ) -> Result<Self> {
        assert!(options.comment.len() as u64 <= COMMENT_BYTES_MAX, "the comment was checked");
        let (base, blocks) = match base {
            Some((version, blocks)) => (Some(version), blocks),
            None => (None, Arc::new(BlockTable::empty(archive))),
        };
        let mut manifest = base.map(|version| version.manifest.clone()).unwrap_or_default();
        let (runs, damage) = StoredIdentities::open(&archive.reader(), &manifest.identity_runs);
        let cover = IdentityCover::new(runs.live(), damage, &options.shape);
        // What a damaged manifest says is not to cost more memory than the archive has bytes.
        let others = manifest.counts.fragments.saturating_sub(runs.records());
        let others = others.min(archive.committed_bytes() / 16);
        let fragments = FragmentIndex::new(Arc::clone(&blocks), runs, others);
        let now = (options.environment.now)();
        // Dates rise strictly, so that every version has a date that -until can name.
        let wanted = options.date.unwrap_or(now.seconds);
        let date = base.map_or(wanted, |version| wanted.max(version.date().saturating_add(1)));
        let update = new_update(archive, date, now, &options.environment)?;
        let first_block = manifest.counts.blocks;
        let identities = archive.identity_hash();
        let last_end = base.map(Version::end_place);
        let (holds_data, reader) = (archive.holds_data(), archive.reader());
        // Differences are made to what is there, by codecs that can.
        let makes_differences = holds_data && options.method.of_differences().is_some();
        let table = base.filter(|_| makes_differences).map(|_| Arc::clone(&blocks));
        let writer = archive.journal.begin_update(update)?;
        manifest.start_update(writer.number(), date, &options.comment);
        let block_bytes = options.method.block_bytes();
        assert!(block_bytes as u64 <= BLOCK_BYTES_MAX, "the method was checked");
        let packer = BlockPacker::new(first_block, options.method, identities.clone());
        let earlier = table.clone().map(|table| Arc::new(BlockReader::new(table)));
        let mut begun = Self {
            queue: FrameQueue::new(
                writer,
                options.method,
                options.threads,
                first_block,
                &options.shape,
                earlier,
                cover,
            )?,
            packer: if holds_data { packer } else { packer.without_data() },
            identities,
            fragments,
            earlier: table.map(EarlierContent::new),
            page: EntryPageBuilder::new(),
            manifest,
            last_end,
            holds_data,
            reader,
            shape: options.shape,
            progress: &NoProgress,
        };
        begun.learn(&blocks)?;
        Ok(begun)
    }

    /// Learns the fragments of the blocks that are in no run of identities. Those in pages that cannot be read are not
    /// known. What is to be cut off by the first frame stays as it is.
    fn learn(&mut self, blocks: &BlockTable) -> Result<()> {
        self.queue.hold_identities(self.queue.writer().cuts_off());
        for listed in blocks.listed_pages_from(self.queue.next_uncovered_block()) {
            let read = listed.and_then(|listed| Ok((blocks.read_page(&listed)?, listed)));
            match read {
                Ok((page, listed)) => {
                    self.fragments.learn(&page, listed)?;
                    self.queue.cover(&page)?;
                    self.take_written()?;
                }
                Err(error) => self.fragments.cannot_read(error),
            }
        }
        self.queue.hold_identities(false);
        Ok(())
    }

    /// What is wrong with what tells of fragments that are stored: these are not found again, so what
    /// is met of them is stored once more.
    pub fn unreadable(&self) -> &[Error] {
        self.fragments.unreadable()
    }

    /// Lets `progress` hear of each block that is written.
    #[must_use]
    pub fn reporting_to(mut self, progress: &'a dyn Progress) -> Self {
        self.queue.report_to(progress);
        self.progress = progress;
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
        self.store_hashed(bytes, self.identities.of(bytes), kind)
    }

    /// The same of a fragment whose identity is known; a wrong one shows when its block is checked.
    pub fn store_hashed(
        &mut self,
        bytes: &[u8],
        identity: Digest,
        kind: ContentKind,
    ) -> Result<FragmentId> {
        let len = u32::try_from(bytes.len()).expect("fragments are shorter than a block");
        let found = self.fragments.find(&identity, len)?;
        for damaged in self.fragments.take_damaged_runs() {
            self.queue.leave_out(&damaged);
        }
        if let Some(fragment) = found {
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
        self.fragments.insert(identity, fragment, len);
        self.manifest.counts.new_bytes += u64::from(len);
        self.manifest.counts.fragments += 1;
        self.push_blocks(full)?;
        Ok(fragment)
    }

    /// Records a fragment that is known by its identity alone and is not found again by
    /// [`Self::store`]: for archives without data.
    pub fn declare(&mut self, identity: Digest, len: u32) -> Result<FragmentId> {
        assert!(!self.holds_data, "the data of a fragment is missing");
        let mut full = Vec::new();
        let kind = ContentKind::Other;
        let fragment = self.packer.push_record(len as usize, identity, kind, &mut full);
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
        self.take_written()
    }

    /// Hears of what was written.
    fn take_written(&mut self) -> Result<()> {
        for written in self.queue.take_written() {
            let reader = self.queue.writer().reader();
            match written {
                Written::Page((page, reference)) => {
                    self.fragments.page_written(page, reference, reader.as_ref())?;
                }
                Written::Covered(covered) => self.fragments.covered(&covered, reader.as_ref())?,
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
        if self.page.len() >= self.shape.entry_page_bytes {
            self.queue.push_entries(std::mem::take(&mut self.page))?;
        }
        Ok(())
    }

    /// Makes the update count. Nothing is promised before this returns.
    pub fn commit(mut self) -> Result<Committed> {
        let rest = self.packer.finish();
        if self.holds_data {
            self.queue.push_last_blocks(rest);
        } else {
            self.push_blocks(rest)?;
        }
        self.queue.push_entries(std::mem::take(&mut self.page))?;
        let finished = self.queue.finish()?;
        let Finished { mut writer, entries, fragments, data_bytes, .. } = finished;
        if let Some(error) = finished.identity_damage {
            // Nothing is lost with these runs: the fragment records say the same.
            self.progress.warn(&format!(
                "the index of identities is damaged: {error}; this update or the next \
                 makes it anew from the fragment records"
            ));
        }
        self.manifest.counts.data_bytes = data_bytes;
        self.manifest.counts.blocks = self.packer.next_number();
        let (reader, shape, progress) = (&self.reader, &self.shape, self.progress);
        let merger = RunMerger { reader, shape, progress };
        merger.merge(&mut writer, &mut self.manifest)?;
        self.manifest.entry_runs.splice(0..0, entries.clone());
        self.manifest.fragment_runs.extend(fragments.clone());
        self.manifest.identity_runs = finished.identities;
        self.manifest.delta_entries = entries;
        self.manifest.delta_fragments = fragments;
        let runs = self.manifest.entry_runs.len().max(self.manifest.fragment_runs.len());
        if runs as u64 > RUNS_MAX {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("cannot add: the index is in more than {RUNS_MAX} pieces"),
            )
            .because("those of older updates are damaged and cannot be merged")
            .hint("start a new archive"));
        }
        let counts = self.manifest.counts;
        writer.append(FrameType::Manifest, &packed_frame::pack(&self.manifest.encode())?)?;
        let point = writer.commit()?;
        let bytes_up_to = |place: Place, end: u64| self.reader.bytes_before(place.part) + end;
        let before = self.last_end.map_or(0, |end| bytes_up_to(end, end.offset));
        Ok(Committed {
            version: point.commit.update,
            fingerprint: point.commit.fingerprint(),
            counts,
            stored_bytes: bytes_up_to(point.place, point.end()) - before,
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
