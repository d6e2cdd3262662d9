//! Finds the last commit and what follows it: `spec/recovery.md`. What a writer does about that is
//! in `writer_recovery.rs`.
//!
//! Invariants: bytes up to `end` are committed and never written again.

use std::sync::Arc;

use crate::base::{Digest, Result};
use crate::crypto::{KeyRecord, MasterKey, Password, UpdateKeys};
use crate::format::{ArchiveHeader, CopiedRange, PAGE_BYTES, Place, Update};
use crate::storage::{AsOpened, Backend, OnePart, PartStore};

use super::commit_point::CommitPoint;
use super::frame_reader::FrameReader;
use super::header_region::{HeaderRegion, NewPart, key_is_missing, key_is_needless};
use super::keychain::Keychain;
use super::part_chain::{Gaps, PartChain};
use super::parts::Parts;
use super::rollback::Rollback;
use super::tail::{Commits, follow_to_commit, has_damaged_commit, if_sound, search_commits};
use super::update_writer::UpdateWriter;

/// What follows the last commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tail {
    /// Nothing.
    None,
    /// So many bytes of an update that was never committed.
    Unfinished(u64),
    /// A later commit, so committed bytes in between are damaged; they start near `from`.
    Damaged {
        /// Where the last frame that can be followed ends.
        from: u64,
    },
    /// Nothing, but a part before the newest does not hold what it should.
    DamagedPart(String),
}

/// The frames of an archive, up to the last commit.
pub struct Journal {
    pub(super) parts: Arc<Parts>,
    /// The newest part and its header.
    pub(super) backend: Arc<dyn Backend>,
    pub(super) header: ArchiveHeader,
    pub(super) genesis: Digest,
    /// Of an encrypted archive: what the header of each part has, and the keys.
    pub(super) key_record: Option<KeyRecord>,
    pub(super) keychain: Option<Arc<Keychain>>,
    pub(super) last: Option<CommitPoint>,
    pub(super) tail: Tail,
    /// Whether the file was made, not opened.
    pub(super) is_made: bool,
    /// A part that was begun, is nowhere and was given up: what the user is told of it.
    pub(super) given_up: Option<String>,
    pub(super) rollback: Rollback,
    /// Updates go on in another part when one would be longer than this.
    pub(super) part_bytes: Option<u64>,
}

impl Journal {
    /// Opens an archive in one file to read; `password` is that of an encrypted archive. A damaged
    /// one opens at the newest commit that can be found.
    pub fn open(backend: Arc<dyn Backend>, password: Option<&Password>) -> Result<Self> {
        Self::open_parts(Arc::new(OnePart::new(backend)), password)
    }

    /// The same of an archive in parts; those that are left out are named by [`Self::absent_parts`].
    pub fn open_parts(store: Arc<dyn PartStore>, password: Option<&Password>) -> Result<Self> {
        // Else a commit that somebody makes meanwhile would look as if those before it were lost.
        let seen = Arc::new(AsOpened::over(store));
        let (mut journal, chain) =
            Self::open_at_last_commit(&Parts::new(seen), password, Gaps::LeftOut)?;
        let (end, len) = (journal.end(), journal.backend.len()?);
        let earlier = journal.unfinished_before();
        if len > end {
            let newest = journal.later_commits()?.newest;
            journal.tail = if newest.is_none() && !journal.lacks_commit()? {
                Tail::Unfinished(earlier + (len - end))
            } else {
                journal.last = newest.or(journal.last.take());
                Tail::Damaged { from: end }
            };
        } else if earlier > 0 || chain.unmade.is_some() {
            journal.tail = Tail::Unfinished(earlier + chain.unmade.map_or(0, |(_, len)| len));
        }
        if let Some(damage) = chain.damage {
            journal.tail = Tail::DamagedPart(damage.to_string());
        } else if let Some(fault) = journal.index_fault(chain.unmade.map(|(part, _)| part))? {
            journal.tail = Tail::DamagedPart(fault.to_string());
        }
        journal.tell_keychain();
        Ok(journal)
    }

    /// Whether the frames after the last commit that counts were followed by one, which is damaged.
    pub(super) fn lacks_commit(&self) -> Result<bool> {
        has_damaged_commit(&self.reader(), self.end(), self.last_update() + 1, self.tail_index())
    }

    pub(super) fn open_at_last_commit(
        parts: &Arc<Parts>,
        password: Option<&Password>,
        gaps: Gaps,
    ) -> Result<(Self, PartChain)> {
        let chain = PartChain::read(parts, password, gaps)?;
        let mut journal = Self {
            parts: Arc::clone(parts),
            backend: Arc::clone(&chain.backend),
            header: chain.header.clone(),
            genesis: chain.genesis,
            key_record: chain.key_record.clone(),
            keychain: chain.keychain.clone(),
            last: chain.before.clone(),
            tail: Tail::None,
            is_made: false,
            given_up: None,
            rollback: Rollback::default(),
            part_bytes: None,
        };
        journal.tell_keychain();
        journal.last = journal.find_last_commit()?;
        journal.tell_keychain();
        Ok((journal, chain))
    }

    /// The last page, if it is a commit that counts; else the last one met on the way from the
    /// start of the newest part.
    fn find_last_commit(&self) -> Result<Option<CommitPoint>> {
        let len = self.backend.len()?;
        let reader = &self.reader();
        if len >= self.header.region_bytes() + PAGE_BYTES && len.is_multiple_of(PAGE_BYTES) {
            let place = Place { part: self.part(), offset: len - PAGE_BYTES };
            if let Some(point) = if_sound(self.counting(CommitPoint::read(reader, place)))? {
                return Ok(Some(point));
            }
        }
        let mut last = self.last.clone();
        let (mut start, mut update) = (self.header.region_bytes(), self.header.first_update);
        let mut index = self.header.continues.as_ref().map_or(0, |piece| piece.first_index);
        while let Some(point) = follow_to_commit(reader, start, update, index)? {
            index = 0;
            match if_sound(self.counting(Ok(point)))? {
                Some(point) => {
                    (start, update) = (point.end(), point.commit.update + 1);
                    last = Some(point);
                }
                None => break,
            }
        }
        Ok(last)
    }

    fn counting(&self, point: Result<CommitPoint>) -> Result<CommitPoint> {
        let point = point?;
        point.check_links(&self.reader(), &self.header, &self.genesis)?;
        Ok(point)
    }

    /// Commits of this archive after the last one that counts.
    pub(super) fn later_commits(&self) -> Result<Commits> {
        search_commits(&self.reader(), self.end(), &self.header.archive_id)
    }

    /// Starts an update. Nothing counts until the writer's `commit` returns.
    pub fn begin_update(&mut self, update: Update) -> Result<UpdateWriter<'_>> {
        assert!(self.tail == Tail::None, "an update follows a commit");
        UpdateWriter::begin(self, update)
    }

    /// Removes an archive that was made but got no update; else does nothing.
    pub fn remove_if_unused(&self) -> Result<()> {
        if self.is_kept() { Ok(()) } else { self.backend.truncate(0) }
    }

    /// Reads frames.
    pub fn reader(&self) -> FrameReader {
        FrameReader::of_part(Arc::clone(&self.parts), self.part())
            .with_keychain(self.keychain.clone())
    }

    /// The key of an encrypted archive.
    pub fn master_key(&self) -> Option<&MasterKey> {
        self.keychain.as_ref().map(|keychain| keychain.master_key())
    }

    /// The keys of an update that is about to be written, in an encrypted archive.
    pub(super) fn keys_of_update(&self, number: u64, update: &Update) -> Option<UpdateKeys> {
        self.keychain.as_ref().map(|keychain| keychain.set_own(number, update))
    }

    pub(super) fn tell_keychain(&self) {
        if let Some(keychain) = &self.keychain {
            keychain.set_last(self.last.as_ref());
        }
    }

    /// The archive's header.
    pub fn header(&self) -> &ArchiveHeader {
        &self.header
    }

    /// The last commit, if any.
    pub fn last(&self) -> Option<&CommitPoint> {
        self.last.as_ref()
    }

    /// What the user has to be told of a part that was given up.
    pub fn given_up(&self) -> Option<&str> {
        self.given_up.as_deref()
    }

    /// Whether the file is part 0, the index of an archive in parts.
    pub fn is_index(backend: &dyn Backend) -> bool {
        HeaderRegion::read(backend).is_ok_and(|region| region.header.flags.index)
    }

    /// Fails if a password is given that a part with this header does not need, or none that it needs.
    pub fn expect_key(backend: &dyn Backend, is_given: bool) -> Result<()> {
        let is_encrypted = HeaderRegion::read(backend).map(|region| region.header.flags.encrypted);
        match (is_encrypted, is_given) {
            (Ok(true), false) => Err(key_is_missing()),
            (Ok(false), true) => Err(key_is_needless()),
            _ => Ok(()),
        }
    }

    /// How many updates the index knows.
    pub fn updates_in_index(&self) -> u64 {
        self.parts.index().map_or(0, |index| index.last_update())
    }

    /// Which bytes the index has of an update, and the part they come from; nothing if it does not
    /// know the update.
    pub fn copies_of(&self, update: u64) -> Result<Vec<CopiedRange>> {
        let Some(index) = self.parts.index() else { return Ok(Vec::new()) };
        let anchor = index.anchor(update);
        anchor.map_or(Ok(Vec::new()), |anchor| Ok(index.ranges(&anchor)?.to_vec()))
    }

    /// The bytes of a copy in the index, unchecked.
    pub fn copied_bytes(&self, place: Place, len: u64) -> Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
        match self.parts.index() {
            Some(index) => index.read_copy(place.part, place.offset, &mut bytes).map(|()| bytes),
            None => Ok(Vec::new()),
        }
    }

    /// What follows it.
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    /// Where committed bytes of the newest part end.
    pub fn end(&self) -> u64 {
        let last = self.last.as_ref().filter(|last| last.place.part == self.part());
        last.map_or(self.header.region_bytes(), CommitPoint::end)
    }

    /// Where the first update starts.
    pub fn first_start(&self) -> u64 {
        self.header.region_bytes()
    }

    /// Tag of the last commit, or the genesis tag.
    pub fn last_tag(&self) -> Digest {
        self.last.as_ref().map_or(self.genesis, |last| last.tag)
    }

    /// The genesis tag.
    pub fn genesis(&self) -> &Digest {
        &self.genesis
    }

    pub(super) fn last_update(&self) -> u64 {
        self.last.as_ref().map_or(0, |last| last.commit.update)
    }

    pub(super) fn part(&self) -> u32 {
        self.header.part
    }

    pub(super) fn backend(&self) -> &dyn Backend {
        self.backend.as_ref()
    }

    /// Bytes of the archive up to its last commit; 0 while there is none.
    pub fn committed_bytes(&self) -> u64 {
        self.last.as_ref().map_or(0, |last| self.parts.bytes_before(last.place.part) + last.end())
    }

    pub(super) fn is_made(&self) -> bool {
        self.is_made
    }

    /// A commit was made; with it a rollback before it is over.
    pub(super) fn set_last(&mut self, point: CommitPoint) {
        self.last = Some(point);
        self.rollback = Rollback::default();
        self.tell_keychain();
    }

    /// The commit that will be the last one when a rollback is done.
    pub(super) fn set_last_to_be(&mut self, point: Option<CommitPoint>) {
        self.last = point;
    }

    /// Takes over what a new part begins with; returns the header region.
    pub(super) fn begin_part(&mut self, mut part: NewPart) -> Vec<u8> {
        part.header.flags.in_parts = self.parts.is_split();
        let (region, genesis) = part.region();
        (self.genesis, self.keychain) = (genesis, part.keychain());
        self.header = part.header;
        self.key_record = part.key.map(|(_, record)| record);
        region
    }
}
