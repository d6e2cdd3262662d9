//! Whether an object on disk is the one that an entry describes, found out without decoding.

use std::io;

use crate::archive::{BlockTable, Piece, Run, Stored};
use crate::base::{Digest, Kind};
use crate::filesystem::{Existing, Extent, SourceFile};

use super::restore_place::Place;

const BUFFER_BYTES: usize = 256 * 1024;

/// Whether what is there needs no more than the metadata of a regular file with one name.
pub(super) fn is_same(
    existing: &Existing,
    place: &Place,
    stored: &Stored,
    attributes: bool,
    table: &BlockTable,
) -> io::Result<bool> {
    let metadata = &stored.metadata;
    if existing.kind != metadata.kind || existing.size != stored.size() {
        return Ok(false);
    }
    // What is applied to one name of an object shows at its other names, which may be anywhere:
    // such an object is left as it is or replaced, never changed.
    let is_changeable = existing.kind == Kind::File && existing.links == 1;
    if !is_changeable && !has_metadata(existing, stored, attributes) {
        return Ok(false);
    }
    if existing.kind != Kind::File {
        return Ok(true);
    }
    match place.target.open_existing(&place.path) {
        Ok(file) => is_same_content(file, stored, table),
        // A file that cannot be read is replaced.
        Err(_) => Ok(false),
    }
}

fn has_metadata(existing: &Existing, stored: &Stored, attributes: bool) -> bool {
    let metadata = &stored.metadata;
    let has_mode = existing.kind == Kind::Symlink || existing.mode == metadata.mode;
    let has_owner = (existing.uid, existing.gid) == (metadata.uid, metadata.gid);
    // Attributes of what is there are not read: an object that should have some is replaced.
    (!attributes || has_mode && has_owner && metadata.xattrs.is_empty())
        && existing.mtime == metadata.mtime
        && existing.link_target == metadata.link_target
        && existing.rdev == metadata.device
}

/// Compares a file with the identities of the stored fragments. Records that cannot be read make
/// it different: the decoder tells what is wrong with them.
fn is_same_content(file: SourceFile, stored: &Stored, table: &BlockTable) -> io::Result<bool> {
    let mut content = Content { file, buffer: vec![0; BUFFER_BYTES], unread: 0..0, hole_bytes: 0 };
    for piece in &stored.content {
        let is_same = match piece {
            Piece::Hole(len) => content.is_zero(*len)?,
            Piece::Data(run) => content.is_run(run, table)?,
        };
        if !is_same {
            return Ok(false);
        }
    }
    Ok(matches!(content.next(1)?, Chunk::End))
}

/// The next bytes of a file.
enum Chunk<'a> {
    Bytes(&'a [u8]),
    Zeros(u64),
    End,
}

struct Content {
    file: SourceFile,
    buffer: Vec<u8>,
    unread: std::ops::Range<usize>,
    hole_bytes: u64,
}

impl Content {
    /// At most `limit` bytes, which is not 0.
    fn next(&mut self, limit: u64) -> io::Result<Chunk<'_>> {
        if self.unread.is_empty() && self.hole_bytes == 0 {
            match self.file.read(&mut self.buffer)? {
                Extent::Data(len) => self.unread = 0..len,
                Extent::Hole(len) => self.hole_bytes = len,
                Extent::End => return Ok(Chunk::End),
            }
        }
        if self.hole_bytes > 0 {
            let len = self.hole_bytes.min(limit);
            self.hole_bytes -= len;
            return Ok(Chunk::Zeros(len));
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let start = self.unread.start;
        self.unread.start += self.unread.len().min(limit);
        Ok(Chunk::Bytes(&self.buffer[start..self.unread.start]))
    }

    fn is_zero(&mut self, mut len: u64) -> io::Result<bool> {
        while len > 0 {
            len -= match self.next(len)? {
                Chunk::Zeros(len) => len,
                Chunk::Bytes(bytes) if bytes.iter().all(|&byte| byte == 0) => bytes.len() as u64,
                Chunk::Bytes(_) | Chunk::End => return Ok(false),
            };
        }
        Ok(true)
    }

    fn is_run(&mut self, run: &Run, table: &BlockTable) -> io::Result<bool> {
        let Ok(record) = table.record(run.first.block) else {
            return Ok(false);
        };
        let first = run.first.index as usize;
        let last = first.saturating_add(run.count as usize);
        let Some(fragments) = record.fragments.get(first..last) else {
            return Ok(false);
        };
        let mut bytes = Vec::new();
        for fragment in fragments {
            bytes.clear();
            if !self.gather(u64::from(fragment.len), &mut bytes)?
                || Digest::of(&bytes) != fragment.identity
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Appends the next `len` bytes; false if there are not so many.
    fn gather(&mut self, mut len: u64, bytes: &mut Vec<u8>) -> io::Result<bool> {
        while len > 0 {
            len -= match self.next(len)? {
                Chunk::Bytes(next) => {
                    bytes.extend_from_slice(next);
                    next.len() as u64
                }
                Chunk::Zeros(zeros) => {
                    // Not above a fragment's length, which is a u32.
                    bytes.resize(bytes.len() + usize::try_from(zeros).unwrap_or(usize::MAX), 0);
                    zeros
                }
                Chunk::End => return Ok(false),
            };
        }
        Ok(true)
    }
}
