//! Appends to an index: an intent before a part is written, the copies of an update after it was
//! committed.
//!
//! Invariants: a group begins behind the last anchor, in pages that no anchor is in; its anchor is
//! written when all before it is on stable storage. What cannot be written leaves the index behind.

use std::cmp::Ordering;

use crate::base::{Digest, Error, Result};
use crate::crypto::UpdateKeys;
use crate::format::{
    Anchor, CopiedRange, FrameHeader, FrameType, Intent, Origin, PAGE_BYTES, Place, Update,
};

use super::commit_point::CommitPoint;
use super::frame_reader::FrameReader;
use super::index::Index;
use super::tail::next_header;

/// Copies are written in pieces of about so many bytes.
const PIECE_BYTES: usize = 1 << 20;

/// What is between the last anchor and the next one.
struct Group<'a> {
    index: &'a Index,
    keys: Option<UpdateKeys>,
    nonce: Digest,
    update: u64,
    /// Where the next byte goes, those in `waiting` counted.
    offset: u64,
    waiting: Vec<u8>,
}

impl Index {
    /// Tells that a part is about to be written for an update.
    pub(super) fn announce(&self, part: u32, number: u64, update: &Update) -> Result<()> {
        self.cut_tail()?;
        let Update { nonce, previous_tag, date, .. } = *update;
        let mut group = self.group(number, &nonce, &previous_tag);
        let intent = Intent { part, update: number, nonce, previous_tag, time: date };
        group.frame(FrameType::Intent, 0, &intent.encode())?;
        group.pad_to_page();
        group.write()?;
        self.backend.sync()
    }

    /// Copies an update that was committed; `reader` reads its part. `archive_bytes` is the length of
    /// all parts up to its end.
    pub(super) fn record(
        &self,
        reader: &FrameReader,
        point: &CommitPoint,
        archive_bytes: u64,
    ) -> Result<()> {
        let commit = &point.commit;
        let mut group = self.group(commit.update, &commit.nonce, &commit.previous_tag);
        if self.backend.len()? == group.offset + PAGE_BYTES {
            // The intent for this update.
            group.offset += PAGE_BYTES;
        } else {
            self.cut_tail()?;
        }
        let ranges = group.copy(reader, point)?;
        let origin_offset = group.offset;
        let payload = Origin { ranges }.encode();
        group.frame(FrameType::Origin, commit.frames + 1, &payload)?;
        group.pad_to_page();
        group.write()?;
        self.backend.sync()?;
        let previous = self.last();
        let anchor = Anchor {
            archive_id: self.header.archive_id,
            update: commit.update,
            nonce: commit.nonce,
            previous_tag: commit.previous_tag,
            commit_tag: point.tag,
            start: commit.start,
            commit: point.place,
            origin: (origin_offset, payload.len() as u64),
            previous: previous.as_ref().map_or(0, |(offset, _)| *offset),
            archive_bytes,
        };
        let anchored = (group.offset, anchor);
        self.expect_next(previous.as_ref(), &anchored)?;
        group.frame(FrameType::Anchor, commit.frames + 2, &anchored.1.encode())?;
        group.pad_to_page();
        group.write()?;
        self.backend.sync()?;
        self.push(anchored.0, anchored.1);
        Ok(())
    }

    /// Lets part 0 end with the last anchor's page, durably: what follows is cut off, what is missing
    /// of its zeros is filled in.
    pub(super) fn cut_tail(&self) -> Result<()> {
        let (end, len) = (self.end(), self.backend.len()?);
        match len.cmp(&end) {
            Ordering::Equal => return Ok(()),
            Ordering::Greater => self.backend.truncate(end)?,
            Ordering::Less => {
                let missing = usize::try_from(end - len).unwrap_or(usize::MAX);
                self.backend.append(len, &vec![0; missing])?;
            }
        }
        self.backend.sync()
    }

    fn group(&self, update: u64, nonce: &Digest, previous_tag: &Digest) -> Group<'_> {
        let keys = self.keychain.as_ref();
        let keys = keys.map(|keys| keys.master_key().update_keys(update, nonce, previous_tag));
        Group { index: self, keys, nonce: *nonce, update, offset: self.end(), waiting: Vec::new() }
    }
}

impl Group<'_> {
    /// Copies all frames of an update but DATA; says what stands where.
    fn copy(&mut self, reader: &FrameReader, point: &CommitPoint) -> Result<Vec<CopiedRange>> {
        let mut ranges: Vec<CopiedRange> = Vec::new();
        let mut offset = point.commit.start.offset;
        let mut reader = reader.in_part(point.commit.start.part);
        for number in 0..=point.commit.frames {
            let mut header = next_header(&reader, offset, self.update, number)?;
            if header.is_none() && reader.part() < point.place.part {
                reader = reader.in_part(reader.part() + 1);
                offset = self.index.header.region_bytes();
                header = next_header(&reader, offset, self.update, number)?;
            }
            let header = header.ok_or_else(|| lost_frame(&reader, offset))?;
            offset = header.next_offset();
            if header.frame_type == FrameType::Data {
                continue;
            }
            // A copy of a frame that is damaged would be of no use.
            let frame = reader.frame_at(header.offset)?;
            let is_commit = header.frame_type == FrameType::Commit;
            if is_commit != (number == point.commit.frames) || (is_commit && frame.tag != point.tag)
            {
                return Err(lost_frame(&reader, header.offset));
            }
            let place = Place { part: header.part, offset: header.offset };
            let len = header.frame_len().next_multiple_of(8);
            let copy = CopiedRange { place, len, copy: self.offset };
            let bytes = reader.raw(place.offset, header.frame_len())?;
            self.push(&bytes);
            self.pad(len - header.frame_len());
            match ranges.last_mut() {
                Some(last)
                    if last.place.part == place.part
                        && last.place.offset + last.len == place.offset =>
                {
                    last.len += len;
                }
                _ => ranges.push(copy),
            }
            if self.waiting.len() >= PIECE_BYTES {
                self.write()?;
            }
        }
        Ok(ranges)
    }

    /// A frame of part 0 alone, which is authenticated and not encrypted.
    fn frame(&mut self, frame_type: FrameType, index: u64, payload: &[u8]) -> Result<()> {
        if payload.len() as u64 > frame_type.payload_bytes_max() {
            return Err(Error::corrupt("an update has too many pieces for an index"));
        }
        let header = FrameHeader {
            frame_type,
            is_encrypted: false,
            is_last: false,
            part: 0,
            update: self.update,
            index,
            payload_len: payload.len() as u64,
            offset: self.offset,
            nonce_prefix: self.nonce.prefix(),
        };
        let bytes = header.encode();
        let tag = match &self.keys {
            Some(keys) => keys.tag(&[&bytes, payload]),
            None => Digest::of_pieces(&[&bytes, payload]),
        };
        for piece in [&bytes, payload, tag.as_bytes()] {
            self.push(piece);
        }
        Ok(())
    }

    fn push(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        self.offset += bytes.len() as u64;
    }

    fn pad_to_page(&mut self) {
        self.pad(self.offset.next_multiple_of(PAGE_BYTES) - self.offset);
    }

    fn pad(&mut self, bytes: u64) {
        let len = usize::try_from(bytes).unwrap_or_default();
        self.waiting.resize(self.waiting.len() + len, 0);
        self.offset += bytes;
    }

    fn write(&mut self) -> Result<()> {
        let offset = self.offset - self.waiting.len() as u64;
        self.index.backend.append(offset, &self.waiting)?;
        self.waiting.clear();
        Ok(())
    }
}

fn lost_frame(reader: &FrameReader, offset: u64) -> Error {
    Error::corrupt("an update cannot be copied to the index: a frame of it is damaged")
        .at(reader.place_named(offset))
}
