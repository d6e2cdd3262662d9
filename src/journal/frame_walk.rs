//! Walks all frames of a stretch of a part, over damaged places too.
//!
//! Checks what `spec/format.md` section 4 says of where frames stand; payloads and tags are for
//! those who read the frames.

use crate::base::{Error, Result};
use crate::format::{FrameHeader, FrameType, PAGE_BYTES};

use super::frame_reader::FrameReader;

/// How many bytes are searched for a frame at a time.
const SEARCH_BYTES: u64 = 1 << 20;

/// What comes next.
#[derive(Debug)]
pub enum Step {
    /// A frame whose header is right and which lies in the stretch.
    Frame(FrameHeader),
    /// Bytes that are no frame; the walk goes on after them.
    Damage(Error),
}

/// A walk from frame to frame.
pub struct FrameWalk {
    reader: FrameReader,
    offset: u64,
    end: u64,
    /// Damage right after the last frame.
    gap: Option<Error>,
}

impl FrameWalk {
    /// Walks from `start`, where a frame stands, to `end`.
    pub fn new(reader: FrameReader, start: u64, end: u64) -> Self {
        Self { reader, offset: start, end, gap: None }
    }

    /// The next frame or damage; nothing at the end.
    pub fn step(&mut self) -> Option<Step> {
        if let Some(error) = self.gap.take() {
            return Some(Step::Damage(error));
        }
        if self.offset >= self.end {
            return None;
        }
        let from = self.offset;
        match self.next_frame() {
            Ok(header) => {
                self.offset = header.next_offset();
                if header.frame_type == FrameType::Commit {
                    self.gap = self.expect_zeros(from, header.offset).err();
                } else {
                    let end = header.offset + header.frame_len();
                    self.gap = self.expect_zeros(end, self.offset).err();
                }
                Some(Step::Frame(header))
            }
            Err(error) => {
                self.offset = self.search(from);
                let to = self.offset;
                Some(Step::Damage(error.at(self.place_named(from, to))))
            }
        }
    }

    /// The frame at the offset, or the commit on the next page.
    fn next_frame(&self) -> Result<FrameHeader> {
        let page = self.offset.next_multiple_of(PAGE_BYTES);
        let header = match self.reader.header_at(self.offset) {
            Err(error) if page != self.offset && page < self.end => {
                let at_page = self.reader.header_at(page);
                let commit = at_page.ok().filter(|h| h.frame_type == FrameType::Commit);
                commit.ok_or(error)?
            }
            header => header?,
        };
        if header.next_offset() > self.end {
            return Err(Error::corrupt("a frame reaches over the end"));
        }
        let is_commit = header.frame_type == FrameType::Commit;
        if is_commit && !header.offset.is_multiple_of(PAGE_BYTES) {
            return Err(Error::corrupt("a commit has no page of its own"));
        }
        Ok(header)
    }

    fn place_named(&self, from: u64, to: u64) -> String {
        format!("{}bytes {from} to {to}", self.reader.part_named())
    }

    fn expect_zeros(&self, from: u64, to: u64) -> Result<()> {
        let bytes = self.reader.raw(from, to - from)?;
        if bytes.iter().all(|&byte| byte == 0) {
            return Ok(());
        }
        Err(Error::corrupt("bytes between two frames are not zero").at(self.place_named(from, to)))
    }

    /// Where the next frame of this part stands after the bad bytes at `from`, or the end.
    fn search(&self, from: u64) -> u64 {
        let mut start = (from + 1).next_multiple_of(8);
        while start + FrameHeader::LEN <= self.end {
            let len = (SEARCH_BYTES + FrameHeader::LEN).min(self.end - start);
            // What cannot be read holds no frame that can be read.
            let bytes = self.reader.raw(start, len).unwrap_or_default();
            for (offset, place) in (start..start + SEARCH_BYTES).step_by(8).zip(bytes.chunks(8)) {
                if FrameHeader::is_at_start_of(place)
                    && let Ok(header) = self.reader.header_at(offset)
                    && header.next_offset() <= self.end
                {
                    return offset;
                }
            }
            start += SEARCH_BYTES;
        }
        self.end
    }
}
