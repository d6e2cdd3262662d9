//! What follows the last commit: followed frame by frame, and searched for lost commits.

use crate::base::{Digest, ErrorKind, Result};
use crate::format::{FrameHeader, FrameType, PAGE_BYTES, Place, Update};

use super::commit_point::CommitPoint;
use super::frame_reader::{Frame, FrameReader};

/// How many bytes are searched at a time.
const SEARCH_BYTES: u64 = 1 << 20;

/// Turns an error about the bytes into `None`; an error of the system stays one, so that a disk
/// that cannot be read is never taken for an unfinished update.
pub(super) fn if_sound<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Truncated) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The same where a part may be missing.
pub(super) fn if_there<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::Missing => Ok(None),
        result => if_sound(result),
    }
}

/// The header of frame `index` of update `update`, expected where the frame before it ended.
/// A commit stands on the next page boundary.
pub(super) fn next_header(
    reader: &FrameReader,
    offset: u64,
    update: u64,
    index: u64,
) -> Result<Option<FrameHeader>> {
    let page = offset.next_multiple_of(PAGE_BYTES);
    let mut header = if_sound(reader.header_at(offset))?;
    if header.is_none() && page != offset {
        header = if_sound(reader.header_at(page))?.filter(|h| h.frame_type == FrameType::Commit);
    }
    Ok(header.filter(|header| {
        let opens = header.frame_type == FrameType::Update;
        header.update == update && header.index == index && opens == (index == 0)
    }))
}

/// The commit of the update whose frame `first_index` stands at `start`, found by following the headers
/// of its frames.
pub(super) fn follow_to_commit(
    reader: &FrameReader,
    start: u64,
    update: u64,
    first_index: u64,
) -> Result<Option<CommitPoint>> {
    let (mut offset, mut index) = (start, first_index);
    while let Some(header) = next_header(reader, offset, update, index)? {
        if header.frame_type == FrameType::Commit {
            let place = Place { part: header.part, offset: header.offset };
            return if_sound(CommitPoint::read(reader, place));
        }
        offset = header.next_offset();
        index += 1;
    }
    Ok(None)
}

/// An update of which every frame is there but the commit.
#[derive(Debug)]
pub(super) struct Complete {
    /// Where it starts.
    pub start: Place,
    /// Its first frame.
    pub update: Update,
    /// The tags of its frames.
    pub tags: Vec<Digest>,
    /// Where its manifest stands.
    pub manifest_offset: u64,
    /// Where its last frame ends.
    pub end: u64,
}

/// Follows and checks the frames of the uncommitted update that starts at `start`, over all parts up to that
/// of the reader; in each it goes on where the header region ends, at `region_bytes`.
pub(super) fn follow_uncommitted(
    reader: &FrameReader,
    start: Place,
    region_bytes: u64,
    number: u64,
    previous_tag: &Digest,
) -> Result<Option<Complete>> {
    let mut tags = Vec::new();
    let mut first: Option<Frame> = None;
    let (mut offset, mut manifest_offset) = (start.offset, None);
    let (mut reader, last_part) = (reader.in_part(start.part), reader.part());
    loop {
        let Some(header) = next_header(&reader, offset, number, tags.len() as u64)? else {
            if reader.part() >= last_part || offset != reader.part_len()? {
                break;
            }
            (reader, offset) = (reader.in_part(reader.part() + 1), region_bytes);
            continue;
        };
        if header.frame_type == FrameType::Commit {
            break;
        }
        let Some(frame) = if_sound(reader.frame_at(header.offset))? else {
            break;
        };
        tags.push(frame.tag);
        offset = header.next_offset();
        if header.frame_type == FrameType::Manifest {
            manifest_offset = Some(header.offset);
        }
        let first = first.get_or_insert(frame);
        if first.header.nonce_prefix != header.nonce_prefix {
            break;
        }
        let (true, Some(manifest_offset)) = (header.is_last, manifest_offset) else {
            continue;
        };
        let update = if_sound(Update::decode(first.payload()))?;
        return Ok(update
            .filter(|update| update.previous_tag == *previous_tag)
            .map(|update| Complete { start, update, tags, manifest_offset, end: offset }));
    }
    Ok(None)
}

/// Whether the update whose frame `first_index` stands at `start` has all its frames but, in place of its commit,
/// a page that is neither that nor empty, or an empty one that an update follows: a commit that
/// was written and then damaged.
pub(super) fn has_damaged_commit(
    reader: &FrameReader,
    start: u64,
    update: u64,
    first_index: u64,
) -> Result<bool> {
    let (mut offset, mut index, mut is_complete) = (start, first_index, false);
    while let Some(header) = next_header(reader, offset, update, index)? {
        if header.frame_type == FrameType::Commit {
            return Ok(true);
        }
        is_complete = header.is_last;
        offset = header.next_offset();
        index += 1;
    }
    let page = offset.next_multiple_of(PAGE_BYTES);
    let len = reader.part_len()?.saturating_sub(page).min(PAGE_BYTES);
    if !is_complete || len == 0 {
        return Ok(false);
    }
    let is_empty = reader.raw(page, len)?.iter().all(|&byte| byte == 0);
    Ok(!is_empty || has_update_after(reader, offset, update)?)
}

/// Whether an update was written on top of the update `update`, whose frames end at `end`: then
/// that one was committed.
pub(super) fn has_update_after(reader: &FrameReader, end: u64, update: u64) -> Result<bool> {
    let next = end.next_multiple_of(PAGE_BYTES) + PAGE_BYTES;
    Ok(next_header(reader, next, update + 1, 0)?.is_some())
}

/// What a search for commits found.
#[derive(Debug, Default)]
pub(super) struct Commits {
    /// The last sound commit.
    pub newest: Option<CommitPoint>,
    /// Where a commit's header stands whose payload is damaged.
    pub damaged: Option<u64>,
}

/// Looks at every page boundary from `start` on for commits of the archive `archive_id`.
pub(super) fn search_commits(
    reader: &FrameReader,
    start: u64,
    archive_id: &[u8; 16],
) -> Result<Commits> {
    let mut found = Commits::default();
    let len = reader.part_len()?;
    let mut chunk = start.next_multiple_of(PAGE_BYTES);
    while chunk + FrameHeader::LEN <= len {
        let bytes = reader.raw(chunk, SEARCH_BYTES.min(len - chunk))?;
        for (page, offset) in bytes.chunks(4096).zip((chunk..).step_by(4096)) {
            let header = page.get(..64).filter(|bytes| FrameHeader::is_at_start_of(bytes));
            let Some(header) = header.and_then(|bytes| FrameHeader::decode(bytes).ok()) else {
                continue;
            };
            let is_ours = header.frame_type == FrameType::Commit
                && header.expect_at(reader.part(), offset).is_ok();
            if is_ours {
                let place = Place { part: reader.part(), offset };
                match if_sound(CommitPoint::read(reader, place))? {
                    Some(point) if point.commit.archive_id != *archive_id => {}
                    Some(point) => found.newest = Some(point),
                    None => found.damaged = Some(offset),
                }
            }
        }
        chunk += SEARCH_BYTES;
    }
    Ok(found)
}
