//! The part that the next update makes.
//!
//! Invariants: a part is created exclusively, written once from start to end, and belongs to the
//! journal when its commit was made; given up before, it is removed.

use std::sync::Arc;

use crate::base::{Error, ErrorKind, Result};
use crate::format::{ArchiveHeader, Continuation, HeaderFlags, PARTS_MAX};
use crate::storage::Backend;

use super::header_region::{HeaderRegion, write_region};
use super::recovery::Journal;

/// The part that an update is written to.
pub(super) struct OpenPart {
    pub backend: Arc<dyn Backend>,
    pub number: u32,
    /// Its header, if it was made for this update.
    pub made: Option<ArchiveHeader>,
}

impl Journal {
    /// Fails if this is one of several parts, opened as if it were all: an update in it would be a
    /// fork of the history that the other parts go on with.
    pub(super) fn expect_whole(&self) -> Result<()> {
        if self.parts.is_split() || !self.header.flags.in_parts {
            return Ok(());
        }
        Err(Error::usage("cannot add to one part of an archive")
            .because("the archive is kept in parts, and others may follow this one")
            .hint("name all parts by one pattern, such as 'part??'"))
    }

    /// Number of the part that the next update makes; nothing if it goes into the newest one.
    pub(super) fn next_part(&self) -> Option<u32> {
        let last = self.last().filter(|_| self.parts.is_split())?;
        Some(last.place.part + 1)
    }

    /// The part that an update dated `date` is written to; it is made if it has to be.
    pub(super) fn open_part(&self, date: i64) -> Result<OpenPart> {
        let Some(number) = self.next_part() else {
            let backend = Arc::clone(&self.backend);
            return Ok(OpenPart { backend, number: self.part(), made: None });
        };
        self.parts.expect_newest(number - 1)?;
        self.make_part(number, date, None)
    }

    /// Makes the part `number`, in which the update after the last commit starts or goes on.
    pub(super) fn make_part(
        &self,
        number: u32,
        date: i64,
        continues: Option<Continuation>,
    ) -> Result<OpenPart> {
        if u64::from(number) > PARTS_MAX {
            return Err(Error::new(ErrorKind::Unsupported, "cannot add another part")
                .because(format!("an archive has at most {PARTS_MAX}"))
                .hint("start a new archive"));
        }
        let header = ArchiveHeader {
            flags: HeaderFlags { in_parts: true, ..self.header.flags },
            part: number,
            created: date,
            link: self.last_tag(),
            first_update: self.last_update() + 1,
            continues,
            ..self.header.clone()
        };
        let record = self.key_record.as_ref().map(crate::crypto::KeyRecord::encode);
        let (region, _) = header.encode(record.as_deref().map(|record| [record, record]));
        let backend = self.parts.create(number)?;
        write_region(backend.as_ref(), &region)?;
        Ok(OpenPart { backend, number, made: Some(header) })
    }

    /// The part was committed.
    pub(super) fn take_part(&mut self, part: OpenPart) {
        self.parts.added(part.number, &part.backend);
        self.backend = part.backend;
        if let Some(header) = part.made {
            self.header = header;
        }
    }

    /// Makes an older part the newest one.
    pub(super) fn enter_part(&mut self, number: u32) -> Result<()> {
        self.backend = self.parts.backend(number)?;
        let index = self.parts.index().filter(|_| self.parts.is_away(number));
        self.header = match index {
            Some(index) => index.region_of(number).header,
            None => HeaderRegion::read(self.backend.as_ref())?.header,
        };
        Ok(())
    }
}
