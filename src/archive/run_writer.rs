//! Writes the directory of a run while its pages are written, so that only the unfinished
//! directory of each level is in memory.

use crate::base::Result;
use crate::format::{
    DIRECTORY_LEVELS_MAX, DirectoryBuilder, FrameType, PageReference, RunKey, RunReference,
};
use crate::journal::UpdateWriter;

use super::packed_frame;

/// A directory has at least so many pages before another one is begun, however long their keys
/// are: so the levels stay few.
const LISTED_MIN: u64 = 16;
const _: () = assert!(LISTED_MIN.ilog2() as u64 * DIRECTORY_LEVELS_MAX >= 63);

/// The directory of a run being written.
pub(super) struct RunWriter<Key> {
    /// A directory ends when it has so many bytes.
    directory_bytes: usize,
    /// The unfinished directory of each level, from level 1 up.
    levels: Vec<DirectoryBuilder<Key>>,
}

impl<Key: RunKey> RunWriter<Key> {
    pub(super) fn new(directory_bytes: usize) -> Self {
        Self { directory_bytes, levels: Vec::new() }
    }

    /// Lists a page, the next in the order of keys.
    pub(super) fn push(
        &mut self,
        writer: &mut UpdateWriter<'_>,
        page: &PageReference<Key>,
    ) -> Result<()> {
        let mut listed = page.clone();
        for level in 0.. {
            if level == self.levels.len() {
                self.levels.push(DirectoryBuilder::new(level_number(level)));
            }
            let directory = &mut self.levels[level];
            directory.push(&listed);
            if directory.len() < self.directory_bytes || directory.count() < LISTED_MIN {
                break;
            }
            match self.write(writer, level)? {
                Some(written) => listed = written,
                None => break,
            }
        }
        Ok(())
    }

    /// Writes what is left. The run holds records of these updates; nothing is returned if it
    /// has none.
    pub(super) fn finish(
        mut self,
        writer: &mut UpdateWriter<'_>,
        updates: (u64, u64),
        first_block: u64,
    ) -> Result<Option<RunReference>> {
        for level in 0..self.levels.len() {
            let Some(written) = self.write(writer, level)? else { continue };
            if let Some(above) = self.levels.get_mut(level + 1) {
                above.push(&written);
                continue;
            }
            let PageReference { place, payload_len, records, .. } = written;
            let kind = Key::KIND;
            return Ok(Some(RunReference {
                kind,
                place,
                payload_len,
                updates,
                records,
                first_block,
            }));
        }
        Ok(None)
    }

    /// Writes the unfinished directory of a level, unless it is empty, and says how to list it.
    fn write(
        &mut self,
        writer: &mut UpdateWriter<'_>,
        level: usize,
    ) -> Result<Option<PageReference<Key>>> {
        let empty = DirectoryBuilder::new(level_number(level));
        let directory = std::mem::replace(&mut self.levels[level], empty);
        let Some((first_key, records, raw)) = directory.finish() else { return Ok(None) };
        let payload = packed_frame::pack(&raw)?;
        let (place, payload_len) = writer.append(FrameType::Directory, &payload)?;
        Ok(Some(PageReference { first_key, place, payload_len, records }))
    }
}

fn level_number(index: usize) -> u8 {
    u8::try_from(index + 1).expect("2^63 pages have no more levels")
}
