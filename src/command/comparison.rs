//! Whether a file on disk has a stored content: read and hashed, fragment by fragment, without
//! decoding anything.

use std::io;
use std::sync::Arc;

use crate::archive::{Archive, BlockRecord, BlockTable, Piece, Run, Version};
use crate::base::{Digest, Result};
use crate::filesystem::{Extent, SourceFile};

/// Bytes read at a time where nothing is hashed.
const ZEROS_BYTES: u64 = 1 << 20;

/// Compares files with contents of one version.
pub(super) struct ContentComparison {
    table: Arc<BlockTable>,
    /// The block looked up last.
    block: Option<(u64, BlockRecord)>,
    buffer: Vec<u8>,
}

impl ContentComparison {
    /// Contents are those of `version`.
    pub(super) fn new(archive: &Archive, version: &Version) -> Result<Self> {
        Ok(Self::over(Arc::new(BlockTable::of(archive, version)?)))
    }

    /// Contents are in the blocks of `table`.
    pub(super) fn over(table: Arc<BlockTable>) -> Self {
        Self { table, block: None, buffer: Vec::new() }
    }

    /// Whether the file that `open` opens, of `size` bytes, has this content. The error says
    /// what could not be read.
    pub(super) fn is_same(
        &mut self,
        open: impl FnOnce() -> io::Result<SourceFile>,
        size: u64,
        content: &[Piece],
    ) -> std::result::Result<bool, String> {
        if content.iter().map(Piece::len).sum::<u64>() != size {
            return Ok(false);
        }
        let mut reader = Bytes { file: open().map_err(|error| error.to_string())?, hole: 0 };
        for piece in content {
            let is_same = match piece {
                Piece::Hole(len) => self.is_zero(&mut reader, *len),
                Piece::Data(run) => self.is_run(&mut reader, run)?,
            };
            if !is_same.map_err(|error| error.to_string())? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_zero(&mut self, reader: &mut Bytes, len: u64) -> io::Result<bool> {
        let mut left = len;
        while left > 0 {
            let step = left.min(ZEROS_BYTES);
            self.buffer.resize(usize::try_from(step).unwrap_or(usize::MAX), 0);
            if !reader.fill(&mut self.buffer)? || self.buffer.iter().any(|&byte| byte != 0) {
                return Ok(false);
            }
            left -= step;
        }
        Ok(true)
    }

    fn is_run(
        &mut self,
        reader: &mut Bytes,
        run: &Run,
    ) -> std::result::Result<io::Result<bool>, String> {
        let block = run.first.block;
        if self.block.as_ref().is_none_or(|(number, _)| *number != block) {
            let record = self.table.record(block).map_err(|error| error.to_string())?;
            self.block = Some((block, record));
        }
        let record = self.block.as_ref().map(|(_, record)| record);
        let first = run.first.index as usize;
        let fragments = record
            .and_then(|record| record.fragments.get(first..first + run.count as usize))
            .ok_or_else(|| format!("block {block} has no fragment {first}"))?;
        for fragment in fragments {
            self.buffer.resize(fragment.len as usize, 0);
            match reader.fill(&mut self.buffer) {
                Ok(true) if Digest::of(&self.buffer) == fragment.identity => {}
                Ok(_) => return Ok(Ok(false)),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(true))
    }
}

/// A file as plain bytes, its holes as zeros.
struct Bytes {
    file: SourceFile,
    /// Zero bytes still to come from the last hole met.
    hole: u64,
}

impl Bytes {
    /// Fills the buffer; false if the file ends before.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        let mut filled = 0;
        while filled < buffer.len() {
            let rest = &mut buffer[filled..];
            if self.hole > 0 {
                let len = rest.len().min(usize::try_from(self.hole).unwrap_or(usize::MAX));
                rest[..len].fill(0);
                self.hole -= len as u64;
                filled += len;
                continue;
            }
            match self.file.read(rest)? {
                Extent::Data(len) => filled += len,
                Extent::Hole(len) => self.hole = len,
                Extent::End => return Ok(false),
            }
        }
        Ok(true)
    }
}
