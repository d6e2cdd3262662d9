//! Files that are restored together, so that a block they share is decoded once.
//!
//! Invariants: blocks come in rising order, each once; a file is finished with its last piece, and
//! one that needs a damaged block is never finished; a window that is dropped leaves no temporary
//! files.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::archive::{BlockFetcher, DecodedBlock, Piece, Stored, WantedBlock};
use crate::base::{Result, StoredPath};
use crate::filesystem::{NewFile, Restored};

use super::restore_file::{Flaw, Manner, PlannedPiece, finish_file, make_file};
use super::restore_ledger::Ledger;
use super::restore_links::HardLinks;
use super::restore_place::Place;

/// A window is full with so many files.
pub(super) const FILES_MAX: usize = 65_536;
/// Or with so many pieces: about 64 bytes of memory each.
const PIECES_MAX: usize = 1 << 20;
/// How many files are open at a time; each also holds its directory.
const OPEN_FILES_MAX: usize = 256;

/// A regular file to restore.
pub(super) struct PlannedFile {
    pub(super) shown: StoredPath,
    /// None if it is only checked.
    pub(super) place: Option<Place>,
    pub(super) stored: Arc<Stored>,
}

/// A planned file on its way.
struct FileInWork {
    planned: PlannedFile,
    file: Option<NewFile>,
    is_open: bool,
    has_failed: bool,
    pieces_left: usize,
}

/// Files to restore, not more than fit.
pub(super) struct Window {
    manner: Manner,
    files: Vec<FileInWork>,
    pieces: Vec<PlannedPiece>,
    open: Vec<usize>,
}

impl Window {
    pub(super) fn new(manner: Manner) -> Self {
        Self { manner, files: Vec::new(), pieces: Vec::new(), open: Vec::new() }
    }

    /// Whether its files should be restored before more are added.
    pub(super) fn is_full(&self) -> bool {
        self.files.len() >= FILES_MAX || self.pieces.len() >= PIECES_MAX
    }

    /// Adds a file.
    pub(super) fn push(&mut self, planned: PlannedFile) {
        let (mut offset, before) = (0, self.pieces.len());
        for piece in &planned.stored.content {
            if let Piece::Data(run) = piece {
                self.pieces.push(PlannedPiece { run: *run, offset, file: self.files.len() });
            }
            offset += piece.bytes();
        }
        self.files.push(FileInWork {
            pieces_left: self.pieces.len() - before,
            planned,
            file: None,
            is_open: false,
            has_failed: false,
        });
    }

    /// Restores all files; the window is empty then.
    pub(super) fn restore(
        &mut self,
        fetcher: &BlockFetcher,
        links: &mut HardLinks,
        ledger: &mut Ledger<'_>,
    ) -> Result<()> {
        for index in 0..self.files.len() {
            if self.files[index].pieces_left == 0 {
                ledger.check_stopped()?;
                self.finish(index, links, ledger)?;
            }
        }
        let mut pieces = std::mem::take(&mut self.pieces);
        pieces.sort_unstable_by_key(|piece| (piece.run.first.block, piece.file, piece.offset));
        let of_blocks = pieces.chunk_by(|one, next| one.run.first.block == next.run.first.block);
        let blocks: Vec<WantedBlock> = of_blocks.map(wanted_block).collect();
        let mut rest = pieces.as_slice();
        fetcher.fetch(&blocks, |block, decoded| {
            let end = rest.partition_point(|piece| piece.run.first.block <= block);
            let (of_block, after) = rest.split_at(end);
            rest = after;
            self.take_block(of_block, &decoded, fetcher, links, ledger)?;
            if let Ok(decoded) = decoded {
                fetcher.reuse(decoded);
            }
            Ok(())
        })?;
        self.files.clear();
        self.open.clear();
        Ok(())
    }

    /// Puts the pieces that a block holds into their files: first the files of which it holds all,
    /// which are made side by side.
    fn take_block(
        &mut self,
        pieces: &[PlannedPiece],
        decoded: &Result<DecodedBlock>,
        fetcher: &BlockFetcher,
        links: &mut HardLinks,
        ledger: &mut Ledger<'_>,
    ) -> Result<()> {
        let files = pieces.chunk_by(|one, next| one.file == next.file);
        let is_whole = |pieces: &&[_]| decoded.is_ok() && self.whole_file(pieces).is_some();
        let (whole, others): (Vec<_>, Vec<_>) = files.partition(is_whole);
        if let Ok(block) = decoded {
            self.make_files(whole, block, fetcher, links, ledger)?;
        }
        for piece in others.into_iter().flatten() {
            ledger.check_stopped()?;
            self.take(piece, decoded, links, ledger)?;
        }
        ledger.check_stopped()
    }

    /// Makes files of which a block holds all pieces side by side, and tells of all that were made
    /// before it fails.
    fn make_files(
        &mut self,
        whole: Vec<&[PlannedPiece]>,
        block: &DecodedBlock,
        fetcher: &BlockFetcher,
        links: &mut HardLinks,
        ledger: &mut Ledger<'_>,
    ) -> Result<()> {
        let wanted = whole.iter().filter_map(|pieces| Some((self.whole_file(pieces)?, *pieces)));
        let manner = self.manner;
        let made = fetcher.map(wanted.collect(), |((place, stored), pieces)| {
            make_file(place, stored, pieces, block, manner)
        });
        let mut result = Ok(());
        for (pieces, made) in whole.into_iter().zip(made) {
            let index = pieces[0].file;
            self.files[index].pieces_left = 0;
            ledger.advance(pieces.iter().map(|piece| piece.run.len).sum());
            result = result.and(self.tell(index, made.map(Some), links, ledger));
        }
        result
    }

    /// Where a file goes and what it is, if nothing of it but these pieces is to come and nothing was
    /// written.
    fn whole_file(&self, pieces: &[PlannedPiece]) -> Option<(&Place, &Stored)> {
        let work = &self.files[pieces[0].file];
        let is_whole = work.pieces_left == pieces.len() && work.file.is_none() && !work.has_failed;
        let place = work.planned.place.as_ref().filter(|_| is_whole)?;
        Some((place, &work.planned.stored))
    }

    /// Puts a piece into its file.
    fn take(
        &mut self,
        piece: &PlannedPiece,
        decoded: &Result<DecodedBlock>,
        links: &mut HardLinks,
        ledger: &mut Ledger<'_>,
    ) -> Result<()> {
        let file = &mut self.files[piece.file];
        if file.has_failed {
            return Ok(());
        }
        let damage = match decoded {
            Ok(block) => match block.run(&piece.run) {
                Ok(bytes) => {
                    if let Err(error) = self.write(piece, bytes) {
                        return self.fail(piece.file, error, ledger);
                    }
                    ledger.advance(piece.run.len);
                    self.files[piece.file].pieces_left -= 1;
                    if self.files[piece.file].pieces_left == 0 {
                        self.finish(piece.file, links, ledger)?;
                    }
                    return Ok(());
                }
                Err(error) => &error.to_string(),
            },
            Err(error) => &error.to_string(),
        };
        file.drop_content();
        ledger.damaged_object(&file.planned.shown, damage);
        Ok(())
    }

    fn write(&mut self, piece: &PlannedPiece, bytes: &[u8]) -> io::Result<()> {
        if !self.files[piece.file].is_open {
            self.make_room()?;
            self.open.push(piece.file);
        }
        let work = &mut self.files[piece.file];
        let Some(place) = &work.planned.place else {
            return Ok(());
        };
        let file = match &mut work.file {
            Some(file) => file,
            none => none.insert(place.target.create_file(&place.path)?),
        };
        work.is_open = true;
        file.write_at(piece.offset, bytes)
    }

    /// Closes files that wait for further blocks, if too many are open.
    fn make_room(&mut self) -> io::Result<()> {
        if self.open.len() < OPEN_FILES_MAX {
            return Ok(());
        }
        for index in self.open.drain(..) {
            let work = &mut self.files[index];
            work.is_open = false;
            if let Some(file) = &mut work.file {
                file.park()?;
            }
        }
        Ok(())
    }

    /// Gives a file that has all its pieces its name.
    fn finish(
        &mut self,
        index: usize,
        links: &mut HardLinks,
        ledger: &mut Ledger<'_>,
    ) -> Result<()> {
        let manner = self.manner;
        let work = &mut self.files[index];
        let stored = &work.planned.stored;
        let result = match &work.planned.place {
            Some(place) => finish_file(work.file.take(), place, stored, manner).map(Some),
            None => Ok(None),
        };
        self.tell(index, result.map_err(Flaw::Refused), links, ledger)
    }

    /// Tells what became of a file.
    fn tell(
        &mut self,
        index: usize,
        result: std::result::Result<Option<Restored>, Flaw>,
        links: &mut HardLinks,
        ledger: &mut Ledger<'_>,
    ) -> Result<()> {
        let restored = match result {
            Ok(restored) => restored,
            Err(Flaw::Refused(error)) => return self.fail(index, error, ledger),
            Err(Flaw::Damaged(error)) => {
                let work = &mut self.files[index];
                work.drop_content();
                ledger.damaged_object(&work.planned.shown, &error.to_string());
                return Ok(());
            }
        };
        let planned = &self.files[index].planned;
        if let (Some(place), Some(restored)) = (&planned.place, restored) {
            links.finish(&planned.stored, place, restored.identity);
            ledger.unapplied(&planned.shown, restored.unapplied);
        }
        ledger.written(&planned.shown, Some(planned.stored.size()));
        ledger.advance(hole_bytes(&planned.stored));
        Ok(())
    }

    fn fail(&mut self, index: usize, error: io::Error, ledger: &mut Ledger<'_>) -> Result<()> {
        let work = &mut self.files[index];
        work.drop_content();
        ledger.refused(&work.planned.shown, error)
    }
}

impl FileInWork {
    /// Gives the file up, with its temporary file.
    fn drop_content(&mut self) {
        self.has_failed = true;
        self.file = None;
    }
}

/// The block that these pieces are in, and the fragments that they have of it.
fn wanted_block(pieces: &[PlannedPiece]) -> WantedBlock {
    let fragments = |piece: &PlannedPiece| {
        piece.run.first.index..piece.run.first.index.saturating_add(piece.run.count)
    };
    let mut wanted: Vec<Range<u32>> = pieces.iter().map(fragments).collect();
    wanted.sort_unstable_by_key(|fragments| fragments.start);
    wanted.dedup_by(|next, last| {
        let touches = next.start <= last.end;
        if touches {
            last.end = last.end.max(next.end);
        }
        touches
    });
    wanted.shrink_to_fit();
    WantedBlock { block: pieces[0].run.first.block, fragments: wanted }
}

fn hole_bytes(stored: &Stored) -> u64 {
    let holes = stored.content.iter();
    holes.filter(|piece| matches!(piece, Piece::Hole(_))).map(Piece::bytes).sum()
}
