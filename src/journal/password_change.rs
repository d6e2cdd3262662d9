//! Another password for an encrypted archive: the master key stays, and so does every frame.
//!
//! Invariants: of the two pages of each header region one is whole on stable storage at any moment, with
//! the old password or the new one; nothing but their key records is another than before. Parts are
//! changed one by one: once the first page with the new record is on stable storage it counts for all.

use std::sync::Arc;

use crate::base::{Environment, Error, Result};
use crate::crypto::{KeyCost, KeyRecord, MasterKey, Password};
use crate::format::PAGE_BYTES;
use crate::storage::{Backend, OnePart, PartStore};

use super::header_region::{HeaderRegion, header_page, is_whole, with_key_record};
use super::index::Index;
use super::index_load::FoundIndex;
use super::keychain::Keychain;
use super::part_chain::{expect_headers, regions_of, set_missing, unmade_part};
use super::parts::Parts;

/// An archive whose old password was right.
pub struct PasswordChange {
    parts: Arc<Parts>,
    /// The parts whose key records are changed.
    numbers: Vec<u32>,
    /// That of the old password.
    record: KeyRecord,
    master_key: MasterKey,
}

impl PasswordChange {
    /// Opens the key of an archive in one file with the old password; nothing is written.
    pub fn begin(backend: Arc<dyn Backend>, old: &Password) -> Result<Self> {
        if HeaderRegion::read(backend.as_ref())?.header.flags.in_parts {
            return Err(Error::usage("cannot change the password of one part of an archive")
                .because("the others would keep the old one")
                .hint("name all parts by one pattern, such as 'part??'"));
        }
        Self::begin_parts(Arc::new(OnePart::new(backend)), old)
    }

    /// The same of an archive in parts: of all that are there. One that is not of the archive is an
    /// error; those that are missing are named by [`Self::absent_parts`].
    pub fn begin_parts(store: Arc<dyn PartStore>, old: &Password) -> Result<Self> {
        let parts = Parts::new(store);
        let mut numbers = parts.numbers()?;
        // What was begun and never completed is removed by the next update.
        let unmade = unmade_part(&parts, &numbers)?;
        numbers.retain(|&number| unmade.is_none_or(|(unmade, _)| number != unmade));
        let (index, regions) = (FoundIndex::look(&parts)?, regions_of(&parts, &numbers)?);
        let regions = index.iter().map(|index| &index.region).chain(&regions);
        expect_headers(&parts, regions.clone())?;
        let records = regions.filter_map(|region| region.key_record.clone());
        let record = records.max_by_key(KeyRecord::generation).ok_or_else(not_encrypted)?;
        let master_key = record.unwrap(old)?;
        let mut there = numbers.clone();
        if let Some(index) = index {
            numbers.insert(0, 0);
            let index = Index::load(index, Some(Arc::new(Keychain::new(master_key.clone()))))?;
            // The parts up to its last one were made; that one may be missing too.
            there.extend((there.last() < Some(&index.last_part())).then(|| index.last_part() + 1));
        }
        set_missing(&parts, &there);
        Ok(Self { parts, numbers, record, master_key })
    }

    /// A sentence that names all missing parts: they keep the old password.
    pub fn absent_parts(&self) -> Vec<String> {
        self.parts.absent_parts()
    }

    /// Lets `new` open the archive in place of the old password, and returns how many passwords it
    /// has had with this one. After an error one of both opens it.
    pub fn finish(self, new: &Password, cost: KeyCost, environment: &Environment) -> Result<u32> {
        let generation = self.record.generation().checked_add(1).ok_or_else(|| {
            Error::usage("the archive has had all the passwords that it can have")
        })?;
        let record = KeyRecord::wrap(&self.master_key, new, cost, generation, environment)?;
        for &number in &self.numbers {
            let index = if number == 0 { self.parts.index_backend()? } else { None };
            let backend = index.map_or_else(|| self.parts.reopened_for_writing(number), Ok)?;
            // The page as it stands, with what this zarc does not know.
            let page = header_page(backend.as_ref())?;
            // While one page is written the other one has to do, with the newest password.
            for offset in [0, PAGE_BYTES] {
                if !is_whole(backend.as_ref(), offset, &page, &self.record)? {
                    write_page(backend.as_ref(), offset, &page, &self.record)?;
                }
            }
            write_page(backend.as_ref(), PAGE_BYTES, &page, &record)?;
            write_page(backend.as_ref(), 0, &page, &record)?;
        }
        Ok(generation)
    }
}

/// Writes a page of the header region, with this key record, and waits until it is on stable storage.
fn write_page(backend: &dyn Backend, offset: u64, page: &[u8], record: &KeyRecord) -> Result<()> {
    backend.overwrite(offset, &with_key_record(page, record))?;
    backend.sync()
}

/// A plain archive has no password to change.
pub fn not_encrypted() -> Error {
    Error::usage("the archive is not encrypted")
        .because("only an encrypted archive has a password")
        .hint("add to a new archive with -key")
}
