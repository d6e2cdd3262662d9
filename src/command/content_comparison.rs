//! Whether a file on disk has a stored content: read and hashed fragment by fragment, without
//! decoding anything.

use std::io;

use crate::archive::{BlockTable, Piece, Run};
use crate::base::{Digest, Error, ErrorKind, Progress};
use crate::filesystem::{Extent, SourceFile};

use super::portion::Failure;

const BUFFER_BYTES: usize = 256 * 1024;

/// What a comparison of contents found.
#[derive(Debug)]
pub(super) enum Likeness {
    /// The same bytes.
    Same,
    /// Other bytes.
    Different,
    /// The identities of the stored fragments cannot be read, and why.
    Unknown(Error),
}

/// Compares a file with the identities of the stored fragments, which need not be cut as they
/// would be cut today. Reads on only as long as both are the same. What `buffer` held is lost.
pub(super) fn compare_content(
    file: SourceFile,
    stored: &[Piece],
    table: &BlockTable,
    buffer: &mut Vec<u8>,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Likeness, Failure> {
    buffer.resize(BUFFER_BYTES, 0);
    let mut content = Content { file, is_stopped, buffer, unread: 0..0, hole_bytes: 0 };
    for piece in stored {
        let is_same = match piece {
            Piece::Hole(len) => content.is_zero(*len)?,
            Piece::Data(run) => match identities(run, table) {
                Ok(fragments) => content.is_run(&fragments, table)?,
                Err(error) => return Ok(Likeness::Unknown(error)),
            },
        };
        if !is_same {
            return Ok(Likeness::Different);
        }
    }
    let is_end = matches!(content.next(1)?, Chunk::End);
    Ok(if is_end { Likeness::Same } else { Likeness::Different })
}

/// The same for a file that will be written anew if it is not known to be the same: what is wrong
/// with records that cannot be read, the decoder tells.
pub(super) fn is_same_content(
    file: SourceFile,
    stored: &[Piece],
    table: &BlockTable,
    progress: &dyn Progress,
) -> io::Result<bool> {
    match compare_content(file, stored, table, &mut Vec::new(), &|| progress.is_stopped()) {
        Ok(likeness) => Ok(matches!(likeness, Likeness::Same)),
        Err(Failure::Source(error)) => Err(error),
        Err(Failure::Archive(error)) => Err(io::Error::other(error.to_string())),
    }
}

/// Identity and length of each fragment of a run.
pub(super) fn identities(run: &Run, table: &BlockTable) -> Result<Vec<(Digest, u32)>, Error> {
    let first = run.first.index as usize;
    let last = first.saturating_add(run.count as usize);
    let found = table.with_record(run.first.block, |record| {
        let fragments = record.fragments.get(first..last)?;
        Some(fragments.iter().map(|fragment| (fragment.identity, fragment.len)).collect())
    })?;
    found.ok_or_else(|| {
        let block = run.first.block;
        Error::corrupt(format!("block {block} has fewer fragments than a file needs"))
    })
}

/// The next bytes of a file.
enum Chunk<'a> {
    Bytes(&'a [u8]),
    Zeros(u64),
    End,
}

struct Content<'a> {
    file: SourceFile,
    is_stopped: &'a dyn Fn() -> bool,
    buffer: &'a mut Vec<u8>,
    unread: std::ops::Range<usize>,
    hole_bytes: u64,
}

impl Content<'_> {
    /// At most `limit` bytes, which is not 0.
    fn next(&mut self, limit: u64) -> Result<Chunk<'_>, Failure> {
        if self.unread.is_empty() && self.hole_bytes == 0 {
            if (self.is_stopped)() {
                return Err(Error::new(ErrorKind::Stopped, "interrupted").into());
            }
            match self.file.read(self.buffer)? {
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

    fn is_zero(&mut self, mut len: u64) -> Result<bool, Failure> {
        while len > 0 {
            len -= match self.next(len)? {
                Chunk::Zeros(len) => len,
                Chunk::Bytes(bytes) if bytes.iter().all(|&byte| byte == 0) => bytes.len() as u64,
                Chunk::Bytes(_) | Chunk::End => return Ok(false),
            };
        }
        Ok(true)
    }

    fn is_run(&mut self, fragments: &[(Digest, u32)], table: &BlockTable) -> Result<bool, Failure> {
        let mut bytes = Vec::new();
        for (identity, len) in fragments {
            bytes.clear();
            if !self.gather(u64::from(*len), &mut bytes)? || table.identity_of(&bytes) != *identity
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Appends the next `len` bytes; false if there are not so many.
    fn gather(&mut self, mut len: u64, bytes: &mut Vec<u8>) -> Result<bool, Failure> {
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
