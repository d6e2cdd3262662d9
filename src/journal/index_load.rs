//! Finds the last anchor of an index, and all before it.
//!
//! The last page is an anchor whose chain holds, or the groups are followed from the start; what
//! only a search finds proves damage and nothing else.

use std::sync::Arc;

use crate::base::{Error, Result};
use crate::format::{Anchor, FrameHeader, FrameType, Intent, PAGE_BYTES, Place};
use crate::storage::Backend;

use super::header_region::{HeaderRegion, is_unmade};
use super::index::{Anchored, Index};
use super::keychain::Keychain;
use super::parts::Parts;
use super::tail::if_sound;

/// Part 0 as it was looked at.
pub(super) struct FoundIndex {
    pub backend: Arc<dyn Backend>,
    pub region: HeaderRegion,
    /// Its length then.
    pub len: u64,
}

impl FoundIndex {
    /// Part 0, if it is there and holds something.
    pub(super) fn look(parts: &Parts) -> Result<Option<Self>> {
        let Some(backend) = parts.index_backend()? else { return Ok(None) };
        let len = backend.len()?;
        if is_unmade(backend.as_ref())? {
            return Ok(None);
        }
        let region =
            HeaderRegion::read(backend.as_ref()).map_err(|error| error.at(parts.name(0)))?;
        if region.header.flags.index && region.header.part == 0 {
            return Ok(Some(Self { backend, region, len }));
        }
        Err(Error::corrupt(format!("{} is no index of an archive", parts.name(0)))
            .because("it has the name of part 0, which is one"))
    }
}

impl Index {
    /// Reads an index whose header was read. What is wrong with it is kept as its damage.
    pub(super) fn load(found: FoundIndex, keychain: Option<Arc<Keychain>>) -> Result<Self> {
        let len = found.len;
        let mut index = Self::new(found.backend, found.region, keychain);
        if index.load_chain(len)? {
            return Ok(index);
        }
        index.follow(len)?;
        let end = index.end();
        if let Some((offset, anchor)) = index.later_anchor(end, len)? {
            let what = "the index is damaged";
            let cause = format!(
                "bytes {end} to {offset} cannot be followed, but update {} was recorded after them",
                anchor.update
            );
            index.damage =
                Some(Error::corrupt(what).at(Place { part: 0, offset: end }).because(cause));
        }
        Ok(index)
    }

    /// Goes back from the last page, or from the one before if that one is an intent, and says whether
    /// the anchors are all there.
    fn load_chain(&mut self, len: u64) -> Result<bool> {
        let pages_end = self.header.region_bytes() + PAGE_BYTES;
        if len < pages_end || !len.is_multiple_of(PAGE_BYTES) {
            return Ok(false);
        }
        let intent = self.intent_at(len - PAGE_BYTES, len)?;
        let end = if intent.is_some() { len - PAGE_BYTES } else { len };
        if end < pages_end {
            return Ok(false);
        }
        let Some(anchors) = if_sound(self.chain_to(end - PAGE_BYTES))? else { return Ok(false) };
        let next = anchors.first().map_or(1, |(_, newest)| newest.update + 1);
        if intent.as_ref().is_some_and(|intent| intent.update != next) {
            return Ok(false);
        }
        anchors.into_iter().rev().for_each(|(offset, anchor)| self.push(offset, anchor));
        self.begun = intent.map(|intent| (intent.part, intent.update));
        Ok(true)
    }

    /// The anchor at `offset` and all before it, the newest first.
    fn chain_to(&self, offset: u64) -> Result<Vec<Anchored>> {
        let mut newest_first = vec![self.anchor_at(offset)?];
        while let Some(last) = newest_first.last() {
            if last.1.previous == 0 {
                self.expect_next(None, last)?;
                break;
            }
            if last.1.previous >= last.0 {
                return Err(Error::corrupt("an anchor follows a later one"));
            }
            let before = self.anchor_at(last.1.previous)?;
            self.expect_next(Some(&before), last)?;
            newest_first.push(before);
        }
        Ok(newest_first)
    }

    /// The anchor that stands there, if it is sound in itself.
    fn anchor_at(&self, offset: u64) -> Result<Anchored> {
        let place = Place { part: 0, offset };
        let frame = self.reader.frame(place, FrameType::Anchor, Anchor::LEN)?;
        let anchor = Anchor::decode(frame.payload()).map_err(|error| error.at(place))?;
        let is_own = anchor.update == frame.header.update
            && anchor.archive_id == self.header.archive_id
            && offset.is_multiple_of(PAGE_BYTES);
        if is_own {
            return Ok((offset, anchor));
        }
        Err(Error::corrupt("an anchor contradicts its frame").at(place))
    }

    /// Follows group after group, and remembers what was begun after the last one.
    fn follow(&mut self, len: u64) -> Result<()> {
        let mut last: Option<Anchored> = None;
        loop {
            let end = self.end();
            let (start, intent) = match self.intent_at(end, len)? {
                Some(intent) => (end + PAGE_BYTES, Some(intent)),
                None => (end, None),
            };
            self.begun = intent.map(|intent| (intent.part, intent.update));
            self.is_begun_committed = false;
            let update = self.last_update() + 1;
            let Some(offset) = self.follow_group(start, update, len)? else { return Ok(()) };
            let Some(next) = if_sound(self.anchor_at(offset))? else { return Ok(()) };
            if self.expect_next(last.as_ref(), &next).is_err() {
                return Ok(());
            }
            self.push(next.0, next.1.clone());
            last = Some(next);
        }
    }

    /// The intent on the page at `offset`.
    fn intent_at(&self, offset: u64, len: u64) -> Result<Option<Intent>> {
        if len < offset.saturating_add(FrameHeader::LEN) {
            return Ok(None);
        }
        let place = Place { part: 0, offset };
        let frame = if_sound(self.reader.frame(place, FrameType::Intent, Intent::LEN))?;
        let Some(frame) = frame else { return Ok(None) };
        let intent = if_sound(Intent::decode(frame.payload()))?;
        Ok(intent.filter(|intent| intent.update == frame.header.update))
    }

    /// Where the anchor of the group at `start` has to be. A commit on the way means that the update
    /// counts.
    fn follow_group(&mut self, start: u64, update: u64, len: u64) -> Result<Option<u64>> {
        let mut offset = start;
        while len >= offset.saturating_add(FrameHeader::LEN) {
            let bytes = self.reader.raw(offset, FrameHeader::LEN)?;
            let Some(header) = if_sound(FrameHeader::decode(&bytes))? else { return Ok(None) };
            let is_copy = header.part > 0 && !header.frame_type.is_of_index();
            let is_origin = header.frame_type == FrameType::Origin;
            if header.update != update || !(is_copy || is_origin) {
                return Ok(None);
            }
            offset = (offset + header.frame_len()).next_multiple_of(8);
            if is_origin {
                return Ok(Some(offset.next_multiple_of(PAGE_BYTES)));
            }
            if header.frame_type == FrameType::Commit {
                self.begun = Some((header.part, update));
                self.is_begun_committed = true;
            }
        }
        Ok(None)
    }

    /// A sound anchor of this archive behind `start`.
    fn later_anchor(&self, start: u64, len: u64) -> Result<Option<Anchored>> {
        let mut offset = start.next_multiple_of(PAGE_BYTES);
        while offset + PAGE_BYTES <= len {
            let bytes = self.reader.raw(offset, FrameHeader::LEN)?;
            if FrameHeader::is_at_start_of(&bytes)
                && let Some(found) = if_sound(self.anchor_at(offset))?
            {
                return Ok(Some(found));
            }
            offset += PAGE_BYTES;
        }
        Ok(None)
    }
}
