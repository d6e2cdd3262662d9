//! The beginning of a part: its header, and the way to its keys.

use std::ops::Range;
use std::sync::Arc;

use crate::base::{Digest, Error, ErrorKind, Result};
use crate::crypto::{KeyRecord, MasterKey, Password};
use crate::format::{ArchiveHeader, PAGE_BYTES};
use crate::storage::Backend;

use super::keychain::Keychain;
use super::tail::if_sound;

/// What a new part begins with.
pub struct NewPart {
    /// Its header.
    pub header: ArchiveHeader,
    /// The key of an encrypted archive, and the record that wraps it.
    pub key: Option<(MasterKey, KeyRecord)>,
}

impl NewPart {
    /// The header region and the genesis tag; both pages have the same key record.
    pub(super) fn region(&self) -> (Vec<u8>, Digest) {
        let record = self.key.as_ref().map(|(_, record)| record.encode());
        self.header.encode(record.as_deref().map(|record| [record, record]))
    }

    /// The keys of an encrypted archive.
    pub(super) fn keychain(&self) -> Option<Arc<Keychain>> {
        self.key.as_ref().map(|(master_key, _)| Arc::new(Keychain::new(master_key.clone())))
    }
}

/// The header region of a part, as it was read.
#[derive(Clone)]
pub(super) struct HeaderRegion {
    pub header: ArchiveHeader,
    pub genesis: Digest,
    /// Of an encrypted archive: that of its newest password.
    pub key_record: Option<KeyRecord>,
}

impl HeaderRegion {
    /// Reads the header; in an encrypted archive there are two of them, and one suffices.
    pub(super) fn read(backend: &dyn Backend) -> Result<Self> {
        let first = read_page(backend, 0)?;
        let (header, genesis) = match ArchiveHeader::decode(&first) {
            Ok(header) => header,
            Err(error) => {
                let copy = ArchiveHeader::decode(&read_page(backend, PAGE_BYTES)?).ok();
                copy.filter(|(header, _)| header.flags.encrypted).ok_or(error)?
            }
        };
        if !header.flags.encrypted {
            return Ok(Self { header, genesis, key_record: None });
        }
        let mut newest: Option<KeyRecord> = None;
        for page in [first, read_page(backend, PAGE_BYTES)?] {
            let record = page.get(ArchiveHeader::KEY_RECORD).unwrap_or_default();
            let Some(record) = if_sound(KeyRecord::decode(record, &header.archive_id))? else {
                continue;
            };
            if newest.as_ref().is_none_or(|newest| record.generation() > newest.generation()) {
                newest = Some(record);
            }
        }
        let damaged = || Error::corrupt("both key records of the archive are damaged");
        let key_record = Some(newest.ok_or_else(damaged)?);
        Ok(Self { header, genesis, key_record })
    }
}

/// Writes the header region of an empty file, page by page, each synced: once the second page of an
/// encrypted archive is in flight, the first one tells what the file is.
pub(super) fn write_region(backend: &dyn Backend, region: &[u8]) -> Result<()> {
    let mut pages = (0..).step_by(4096).zip(region.chunks(4096));
    let written =
        pages.try_for_each(|(at, page)| backend.append(at, page).and_then(|()| backend.sync()));
    if written.is_err() {
        // The file holds nothing yet; a rest of it would only be in the way.
        let _ = backend.truncate(0);
    }
    written
}

/// The page of the header, byte for byte, where it is sound.
pub(super) fn header_page(backend: &dyn Backend) -> Result<Vec<u8>> {
    let mut page = read_page(backend, 0)?;
    if ArchiveHeader::decode(&page).is_err() {
        page = read_page(backend, PAGE_BYTES)?;
        ArchiveHeader::decode(&page)?;
    }
    page.resize(4096, 0);
    Ok(page)
}

/// The page with this key record in the place of its own.
pub(super) fn with_key_record(page: &[u8], record: &KeyRecord) -> Vec<u8> {
    let Range { start, end } = ArchiveHeader::KEY_RECORD;
    let (before, after) = (page.get(..start), page.get(end..));
    [before.unwrap_or_default(), &record.encode(), after.unwrap_or_default()].concat()
}

/// Whether the page at `offset` begins like this one and has this key record, so that the other page is
/// not needed.
pub(super) fn is_whole(
    backend: &dyn Backend,
    offset: u64,
    page: &[u8],
    record: &KeyRecord,
) -> Result<bool> {
    let there = read_page(backend, offset)?;
    let until = ArchiveHeader::KEY_RECORD.end;
    Ok(there.get(..until) == with_key_record(page, record).get(..until))
}

/// A page, or as much of it as there is.
fn read_page(backend: &dyn Backend, offset: u64) -> Result<Vec<u8>> {
    let len = backend.len()?.saturating_sub(offset).min(PAGE_BYTES);
    let mut page = vec![0; usize::try_from(len).unwrap_or(4096)];
    backend.read_at(offset, &mut page)?;
    Ok(page)
}

/// The keychain that the password opens. A password for a plain archive is a mistake, or somebody
/// put a plain one in the place of an encrypted one.
pub(super) fn unlocked(
    key_record: Option<KeyRecord>,
    password: Option<&Password>,
) -> Result<Option<Arc<Keychain>>> {
    match (key_record, password) {
        (None, None) => Ok(None),
        (Some(record), Some(password)) => {
            Ok(Some(Arc::new(Keychain::new(record.unwrap(password)?))))
        }
        (Some(_), None) => Err(key_is_missing()),
        (None, Some(_)) => Err(key_is_needless()),
    }
}

pub(super) fn key_is_missing() -> Error {
    Error::usage("the archive is encrypted")
        .because("no password was given")
        .hint("give it with -key, or the variable ZARC_KEY")
}

pub(super) fn key_is_needless() -> Error {
    Error::usage("the archive is not encrypted").because("a password was given").hint(
        "leave out -key, and ZARC_KEY, if nobody can have put it in the place of an encrypted one",
    )
}

/// Whether the file holds nothing yet: it is empty, or its making was interrupted before the header
/// was complete. No commit fits into a file that is no longer than a header region.
pub(super) fn is_unmade(backend: &dyn Backend) -> Result<bool> {
    let len = backend.len()?;
    if len > 2 * PAGE_BYTES {
        return Ok(false);
    }
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(8192)];
    backend.read_at(0, &mut bytes)?;
    let header = |page: &[u8]| ArchiveHeader::decode(page).ok().map(|(header, _)| header);
    let mut pages = bytes.chunks(4096);
    let (first, second) = (pages.next().unwrap_or_default(), pages.next().unwrap_or_default());
    match (header(first), header(second)) {
        (Some(header), _) if !header.flags.encrypted => Ok(len < header.region_bytes()),
        (Some(one), Some(other)) if one == other => {
            Ok(!(has_key_record(first) && has_key_record(second)))
        }
        // The second page is written after the first one: whatever it is, nothing followed it.
        (Some(_), _) => Ok(true),
        _ => Ok(is_of_ours(&bytes) || is_begun(&bytes)),
    }
}

/// Whether every sector is one of a header region, or was not written.
fn is_of_ours(bytes: &[u8]) -> bool {
    bytes.chunks(512).all(|sector| {
        let is_header = || ArchiveHeader::decode(sector).is_ok();
        let is_key_record = || sector.get(..KeyRecord::LEN).is_some_and(KeyRecord::is_sound);
        // The last one may be a beginning.
        let is_begun = || is_begun(sector) || KeyRecord::is_begun(sector);
        sector.iter().all(|&byte| byte == 0) || is_header() || is_key_record() || is_begun()
    })
}

fn has_key_record(page: &[u8]) -> bool {
    page.get(ArchiveHeader::KEY_RECORD).is_some_and(KeyRecord::is_sound)
}

/// Whether this is the beginning of a header that ends too early.
fn is_begun(bytes: &[u8]) -> bool {
    ArchiveHeader::decode(bytes).is_err_and(|error| error.kind() == ErrorKind::Truncated)
}
