//! Another password for an encrypted archive: the master key stays, and so does every frame.
//!
//! Invariants: of the two pages of the header region one is whole on stable storage at any moment, with
//! the old password or the new one; nothing but their key records is another than before.

use std::sync::Arc;

use crate::base::{Environment, Error, Result};
use crate::crypto::{KeyCost, KeyRecord, MasterKey, Password};
use crate::format::PAGE_BYTES;
use crate::storage::Backend;

use super::header_region::{HeaderRegion, header_sector, is_whole};

/// An archive whose old password was right.
pub struct PasswordChange {
    backend: Arc<dyn Backend>,
    /// The header as it stands, with what this zarc does not know.
    header_sector: Vec<u8>,
    /// That of the old password.
    record: KeyRecord,
    master_key: MasterKey,
}

impl PasswordChange {
    /// Opens the key with the old password; nothing is written.
    pub fn begin(backend: Arc<dyn Backend>, old: &Password) -> Result<Self> {
        let region = HeaderRegion::read(backend.as_ref())?;
        if region.header.flags.in_parts {
            return Err(Error::usage("cannot change the password of an archive in parts")
                .because("this is one of its parts, and the others would keep the old one"));
        }
        let record = region.key_record.ok_or_else(|| {
            Error::usage("the archive is not encrypted")
                .because("only an encrypted archive has a password")
                .hint("add to a new archive with -key")
        })?;
        let master_key = record.unwrap(old)?;
        let header_sector = header_sector(backend.as_ref())?;
        Ok(Self { backend, header_sector, record, master_key })
    }

    /// Lets `new` open the archive in place of the old password, and returns how many passwords it
    /// has had with this one. After an error one of both opens it.
    pub fn finish(self, new: &Password, cost: KeyCost, environment: &Environment) -> Result<u32> {
        let generation = self.record.generation().checked_add(1).ok_or_else(|| {
            Error::usage("the archive has had all the passwords that it can have")
        })?;
        let record = KeyRecord::wrap(&self.master_key, new, cost, generation, environment)?;
        // While one page is written the other one has to do, with the newest password.
        for offset in [0, PAGE_BYTES] {
            if !is_whole(self.backend.as_ref(), offset, &self.header_sector, &self.record)? {
                self.write_page(offset, &self.record)?;
            }
        }
        self.write_page(PAGE_BYTES, &record)?;
        self.write_page(0, &record)?;
        Ok(generation)
    }

    /// Writes a page as it was made, with this key record, and waits until it is on stable storage.
    fn write_page(&self, offset: u64, record: &KeyRecord) -> Result<()> {
        let mut page = [self.header_sector.as_slice(), &record.encode()].concat();
        page.resize(4096, 0);
        self.backend.overwrite(offset, &page)?;
        self.backend.sync()
    }
}
