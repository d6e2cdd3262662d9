//! Reads a file into fragments and holes.
//!
//! A failure of the file and a failure of the archive are different types here: the first skips
//! the file, the second ends the update.

use std::io;

use crate::archive::{FragmentId, Piece};
use crate::base::{Error, ErrorKind, Progress, Result};
use crate::compress::ContentKind;
use crate::filesystem::{Extent, SourceFile};
use crate::fragment::{Fragmenter, Params};

/// Files are read in pieces of at least so many bytes.
const BUFFER_BYTES_MIN: usize = 1 << 20;

/// Why a file could not be read into the archive.
pub(super) enum Failure {
    /// The file cannot be read.
    Source(io::Error),
    /// The archive cannot be written, or the user asked to stop.
    Archive(Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Source(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Archive(error)
    }
}

/// Takes fragments and says what they are called.
pub(super) type Store<'a> = &'a mut dyn FnMut(&[u8], ContentKind) -> Result<FragmentId>;

/// Reads one file after the other.
pub(super) struct ContentReader {
    fragmenter: Fragmenter,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are read and not yet cut.
    filled: usize,
}

impl ContentReader {
    /// Cuts as `-fragment exponent` says, with these constants.
    pub(super) fn new(exponent: u8, params: &Params) -> Result<Self> {
        let Some(fragmenter) = Fragmenter::with_params(exponent, params) else {
            return Err(Error::usage(format!("-fragment {exponent} is out of range")));
        };
        // Room for two of the longest fragments, so that at most half of the bytes move.
        let buffer = vec![0; BUFFER_BYTES_MIN.max(2 * fragmenter.sizes().max)];
        Ok(Self { fragmenter, buffer, filled: 0 })
    }

    /// Reads `file`, gives its fragments to `store`, and returns the content. At most `limit`
    /// bytes are read: a file that grows faster than it is read must come to an end.
    pub(super) fn read(
        &mut self,
        file: &mut SourceFile,
        limit: u64,
        progress: &dyn Progress,
        store: Store<'_>,
    ) -> std::result::Result<Vec<Piece>, Failure> {
        self.fragmenter.restart();
        self.filled = 0;
        let mut content = Vec::new();
        let mut kind = None;
        let mut left = limit;
        loop {
            if progress.is_stopped() {
                return Err(Error::new(ErrorKind::Stopped, "interrupted").into());
            }
            let room = usize::try_from(left).unwrap_or(usize::MAX);
            let end = self.buffer.len().min(self.filled.saturating_add(room));
            let extent = match left {
                0 => Extent::End,
                _ => file.read(&mut self.buffer[self.filled..end])?,
            };
            if let Extent::Data(len) = extent {
                self.filled += len;
                left -= len as u64;
                // Small reads are gathered; only a full buffer or the end is cut.
                if self.filled < self.buffer.len() {
                    continue;
                }
            }
            let kind = *kind.get_or_insert_with(|| ContentKind::of(&self.buffer[..self.filled]));
            let is_last = !matches!(extent, Extent::Data(_));
            self.cut(is_last, &mut |bytes| {
                let id = store(bytes, kind)?;
                let len = u32::try_from(bytes.len()).expect("fragments are below 2^28 bytes");
                Piece::push_fragment(&mut content, id, len);
                Ok(())
            })?;
            match extent {
                Extent::Data(_) => {}
                Extent::Hole(len) => {
                    Piece::push_hole(&mut content, len.min(left));
                    left -= len.min(left);
                }
                Extent::End => return Ok(content),
            }
        }
    }

    /// Cuts what the buffer holds and moves the rest to its front; nothing is left if `is_last`.
    fn cut(
        &mut self,
        is_last: bool,
        take: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> std::result::Result<(), Failure> {
        let mut start = 0;
        while start < self.filled {
            let Some(len) = self.fragmenter.cut(&self.buffer[start..self.filled], is_last) else {
                break;
            };
            take(&self.buffer[start..start + len])?;
            start += len;
        }
        self.buffer.copy_within(start..self.filled, 0);
        self.filled -= start;
        Ok(())
    }
}
