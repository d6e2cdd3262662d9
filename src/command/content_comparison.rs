//! Whether a file on disk has a stored content: read and hashed fragment by fragment, without
//! decoding anything.

use std::io;

use crate::archive::{BlockTable, Piece, Run};
use crate::filesystem::{Extent, SourceFile};

const BUFFER_BYTES: usize = 256 * 1024;

/// Compares a file with the identities of the stored fragments. Records that cannot be read make
/// it different: the decoder tells what is wrong with them.
pub(super) fn is_same_content(
    file: SourceFile,
    stored: &[Piece],
    table: &BlockTable,
) -> io::Result<bool> {
    let mut content = Content { file, buffer: vec![0; BUFFER_BYTES], unread: 0..0, hole_bytes: 0 };
    for piece in stored {
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
                || table.identity_of(&bytes) != fragment.identity
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
