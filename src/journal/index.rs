//! Part 0, the index of an archive in parts: copies of all frames but DATA, found by the place
//! that they have in the parts.
//!
//! Invariants: anchors are those of the updates from 1 on, each linked to the one before by its
//! commit; what is read from here is checked as if it came from the part.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::{Error, ErrorKind, Result};
use crate::format::{
    Anchor, ArchiveHeader, Commit, Continuation, CopiedRange, FrameHeader, FrameType, HeaderFlags,
    Origin, PAGE_BYTES, Place,
};
use crate::storage::{Backend, OnePart};

use super::frame_reader::FrameReader;
use super::header_region::HeaderRegion;
use super::keychain::Keychain;
use super::parts::Parts;

/// So many ranges are kept in memory.
const RANGES_MAX: usize = 1 << 19;

/// An index, open to read or to append.
pub(super) struct Index {
    pub(super) backend: Arc<dyn Backend>,
    /// Reads the frames that only part 0 has.
    pub(super) reader: FrameReader,
    pub(super) keychain: Option<Arc<Keychain>>,
    pub(super) header: ArchiveHeader,
    /// The part and the update that were begun after the last anchor, as far as it is known.
    pub(super) begun: Option<(u32, u64)>,
    /// The copy of its commit is there, so it counts.
    pub(super) is_begun_committed: bool,
    /// Why part 0 cannot be trusted to be all there.
    pub(super) damage: Option<Error>,
    state: Mutex<State>,
}

/// An anchor and where it stands.
pub(super) type Anchored = (u64, Anchor);

#[derive(Default)]
struct State {
    anchors: Vec<Anchored>,
    /// Where the update stands whose ranges these are, by its number.
    ranges: HashMap<u64, Arc<[CopiedRange]>>,
    held: usize,
}

impl Index {
    /// The index in `backend`, with nothing in it.
    pub(super) fn new(
        backend: Arc<dyn Backend>,
        region: HeaderRegion,
        keychain: Option<Arc<Keychain>>,
    ) -> Self {
        let parts = Parts::new(Arc::new(OnePart::new(Arc::clone(&backend))));
        parts.added(0, &backend);
        Self {
            reader: FrameReader::of_part(parts, 0).with_keychain(keychain.clone()),
            backend,
            keychain,
            header: region.header,
            begun: None,
            is_begun_committed: false,
            damage: None,
            state: Mutex::default(),
        }
    }

    /// What the header region of a part says that is not there; the part is one that is known.
    pub(super) fn region_of(&self, part: u32) -> HeaderRegion {
        let state = self.state();
        let first = state.anchors.partition_point(|(_, anchor)| anchor.commit.part < part);
        let first = state.anchors.get(first).map(|(_, anchor)| anchor);
        let is_first = part == 1;
        let header = ArchiveHeader {
            flags: HeaderFlags { index: false, in_parts: true, ..self.header.flags },
            part,
            link: first.filter(|_| !is_first).map(|anchor| anchor.previous_tag).unwrap_or_default(),
            first_update: first.map_or(1, |anchor| anchor.update),
            // Where the parts are divided, only their own headers say.
            continues: first.filter(|anchor| anchor.start.part < part).map(|anchor| Continuation {
                start_part: anchor.start.part,
                first_index: 1,
                bytes_before: 0,
                nonce: anchor.nonce,
            }),
            ..self.header.clone()
        };
        // The link of part 0 is the genesis tag, which stands in part 1.
        HeaderRegion { header, genesis: self.header.link, key_record: None }
    }

    /// Number of the last update that it holds; 0 is none.
    pub(super) fn last_update(&self) -> u64 {
        self.state().anchors.last().map_or(0, |(_, anchor)| anchor.update)
    }

    /// The last anchor.
    pub(super) fn last(&self) -> Option<Anchored> {
        self.state().anchors.last().cloned()
    }

    /// Number of the last part that it knows; 0 is none.
    pub(super) fn last_part(&self) -> u32 {
        self.state().anchors.last().map_or(0, |(_, anchor)| anchor.commit.part)
    }

    /// The anchor of an update.
    pub(super) fn anchor(&self, update: u64) -> Option<Anchor> {
        let at = usize::try_from(update.checked_sub(1)?).ok()?;
        self.state().anchors.get(at).map(|(_, anchor)| anchor.clone())
    }

    /// The anchor of the last update in a part.
    pub(super) fn last_in(&self, part: u32) -> Option<Anchor> {
        let state = self.state();
        let end = state.anchors.partition_point(|(_, anchor)| anchor.commit.part <= part);
        let last = state.anchors.get(end.checked_sub(1)?).map(|(_, anchor)| anchor);
        last.filter(|anchor| anchor.commit.part == part).cloned()
    }

    /// The anchors of all updates that have frames in a part.
    pub(super) fn anchors_in(&self, part: u32) -> Vec<Anchor> {
        let state = self.state();
        let at = |part| state.anchors.partition_point(|(_, anchor)| anchor.commit.part < part);
        let anchors = state.anchors.iter().skip(at(part)).map(|(_, anchor)| anchor);
        anchors.take_while(|anchor| anchor.start.part <= part).cloned().collect()
    }

    /// An update that goes on behind this part, and how many bytes its parts but the last have.
    pub(super) fn update_beyond(&self, part: u32) -> Option<(Anchor, u64)> {
        let anchor = self.anchors_in(part).pop().filter(|anchor| anchor.commit.part > part)?;
        let before = self.anchor(anchor.update - 1).map_or(0, |before| before.archive_bytes);
        let bytes = anchor.archive_bytes - before - (anchor.commit.offset + PAGE_BYTES);
        Some((anchor, bytes))
    }

    /// Where the part ends, as far as there are copies of it.
    pub(super) fn end_of(&self, part: u32) -> Result<u64> {
        if let Some(anchor) = self.last_in(part) {
            return Ok(anchor.commit.offset + PAGE_BYTES);
        }
        let Some((anchor, _)) = self.update_beyond(part) else { return Ok(0) };
        let ranges = self.ranges(&anchor)?;
        let last = ranges.iter().rev().find(|range| range.place.part == part);
        Ok(last.map_or(0, |range| range.place.offset + range.len))
    }

    /// Where the last anchor's page ends; what follows is not part of the index.
    pub(super) fn end(&self) -> u64 {
        let state = self.state();
        let region = self.header.region_bytes();
        state.anchors.last().map_or(region, |(offset, _)| offset + PAGE_BYTES)
    }

    /// Takes an anchor that follows the last one.
    pub(super) fn push(&self, offset: u64, anchor: Anchor) {
        self.state().anchors.push((offset, anchor));
    }

    /// Forgets the updates after `update`.
    pub(super) fn forget_after(&self, update: u64) {
        let mut state = self.state();
        state.anchors.truncate(usize::try_from(update).unwrap_or(usize::MAX));
        (state.ranges, state.held) = (HashMap::new(), 0);
    }

    /// Fails unless the anchor at `offset` follows `before`.
    pub(super) fn expect_next(
        &self,
        before: Option<&Anchored>,
        (offset, anchor): &Anchored,
    ) -> Result<()> {
        let (tag, update, previous) = match before {
            None => (self.header.link, 0, 0),
            Some((offset, before)) => (before.commit_tag, before.update, *offset),
        };
        let is_next = anchor.archive_id == self.header.archive_id
            && (anchor.previous_tag, anchor.update, anchor.previous) == (tag, update + 1, previous)
            && anchor.origin.0 > previous
            && anchor.origin.0 < *offset
            && follows_in_parts(before.map(|(_, before)| before), anchor);
        if is_next {
            return Ok(());
        }
        Err(Error::corrupt(format!(
            "the copy of update {} does not follow the one before",
            update + 1
        ))
        .at(Place { part: 0, offset: *offset }))
    }

    /// Fills `buffer` with bytes of a part that are copied here.
    pub(super) fn read_copy(&self, part: u32, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let missing = || Error::new(ErrorKind::Missing, "only the part itself holds these bytes");
        let end = offset.checked_add(buffer.len() as u64).ok_or_else(missing)?;
        let anchor = {
            let state = self.state();
            let place = Place { part, offset };
            let is_before = |anchor: &Anchor| {
                let Place { part, offset } = anchor.commit;
                Place { part, offset: offset + PAGE_BYTES } <= place
            };
            let at = state.anchors.partition_point(|(_, anchor)| is_before(anchor));
            state.anchors.get(at).map(|(_, anchor)| anchor.clone()).ok_or_else(missing)?
        };
        let ranges = self.ranges(&anchor)?;
        let at = ranges.partition_point(|range| range.place <= Place { part, offset });
        let range = at.checked_sub(1).and_then(|at| ranges.get(at)).ok_or_else(missing)?;
        if range.place.part != part || end > range.place.offset + range.len {
            return Err(missing());
        }
        self.backend.read_at(range.copy + (offset - range.place.offset), buffer)
    }

    /// The date of an update, from the copy of its commit.
    pub(super) fn commit_date(&self, anchor: &Anchor) -> Result<i64> {
        let mut payload = vec![0; usize::try_from(Commit::LEN).unwrap_or_default()];
        let Place { part, offset } = anchor.commit;
        self.read_copy(part, offset + FrameHeader::LEN, &mut payload)?;
        Ok(Commit::decode(&payload)?.date)
    }

    /// What is copied of an update, rising.
    pub(super) fn ranges(&self, anchor: &Anchor) -> Result<Arc<[CopiedRange]>> {
        if let Some(ranges) = self.state().ranges.get(&anchor.update) {
            return Ok(Arc::clone(ranges));
        }
        let offset = match self.anchor(anchor.update + 1) {
            Some(next) => next.previous,
            None => self.end() - PAGE_BYTES,
        };
        // The keys of the ORIGIN come from the ANCHOR.
        self.reader.frame(Place { part: 0, offset }, FrameType::Anchor, Anchor::LEN)?;
        let place = Place { part: 0, offset: anchor.origin.0 };
        let frame = self.reader.frame(place, FrameType::Origin, anchor.origin.1)?;
        let origin = Origin::decode(frame.payload()).map_err(|error| error.at(place))?;
        let is_inside = |range: &CopiedRange| {
            let end = range.copy.saturating_add(range.len);
            let is_last_part = range.place.part == anchor.commit.part;
            range.place >= anchor.start
                && range.place <= anchor.commit
                && (!is_last_part
                    || range.place.offset.saturating_add(range.len)
                        <= anchor.commit.offset + PAGE_BYTES)
                && range.copy > anchor.previous
                && end <= anchor.origin.0
        };
        if frame.header.update != anchor.update || !origin.ranges.iter().all(is_inside) {
            return Err(Error::corrupt("the index contradicts itself").at(place));
        }
        let ranges: Arc<[CopiedRange]> = origin.ranges.into();
        let mut state = self.state();
        if state.held + ranges.len() > RANGES_MAX {
            (state.ranges, state.held) = (HashMap::new(), 0);
        }
        state.held += ranges.len();
        state.ranges.insert(anchor.update, Arc::clone(&ranges));
        Ok(ranges)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing can be half done while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the update stands where it must, and the bytes of the archive are counted on.
fn follows_in_parts(before: Option<&Anchor>, anchor: &Anchor) -> bool {
    let (start, end) = (anchor.start, anchor.commit.offset + PAGE_BYTES);
    let is_whole = start.part == anchor.commit.part;
    // The parts before that of the commit are as long as they are.
    let is_counted = |bytes: u64| if is_whole { bytes == end } else { bytes > end };
    match before {
        None => start.part == 1 && is_counted(anchor.archive_bytes),
        Some(before) if start.part == before.commit.part => {
            let end_before = before.commit.offset + PAGE_BYTES;
            start.offset == end_before
                && is_whole
                && anchor.archive_bytes.checked_sub(before.archive_bytes) == Some(end - end_before)
        }
        Some(before) => {
            Some(start.part) == before.commit.part.checked_add(1)
                && anchor.archive_bytes.checked_sub(before.archive_bytes).is_some_and(is_counted)
        }
    }
}
