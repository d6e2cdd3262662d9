//! Looks at all parts of an archive: whether each one is there, is what its name says, and
//! follows the one before.

use std::sync::Arc;

use crate::base::{Digest, Error, ErrorKind, Result};
use crate::crypto::{KeyRecord, Password};
use crate::format::{ArchiveHeader, HeaderFlags, PAGE_BYTES, Place};
use crate::storage::Backend;

use super::commit_point::CommitPoint;
use super::frame_reader::FrameReader;
use super::header_region::{HeaderRegion, is_unmade, unlocked};
use super::keychain::Keychain;
use super::parts::Parts;
use super::tail::if_sound;

/// What the parts of an archive say together.
pub(super) struct PartChain {
    /// The newest part and its header.
    pub backend: Arc<dyn Backend>,
    pub header: ArchiveHeader,
    pub genesis: Digest,
    pub key_record: Option<KeyRecord>,
    pub keychain: Option<Arc<Keychain>>,
    /// The last commit before the newest part, if it has to have one and that can be read.
    pub before: Option<CommitPoint>,
    /// A last part whose making was interrupted, and its length.
    pub unmade: Option<(u32, u64)>,
    /// What is wrong with parts before the newest that the others can do without.
    pub damage: Option<Error>,
}

impl PartChain {
    /// Reads the headers and last commits of all parts. What is missing, of another archive, in
    /// the wrong place or a fork is an error.
    pub(super) fn read(parts: &Arc<Parts>, password: Option<&Password>) -> Result<Self> {
        let mut numbers = parts.numbers()?;
        let unmade = unmade_part(parts, &numbers)?;
        numbers.retain(|&number| unmade.is_none_or(|(unmade, _)| number != unmade));
        expect_all(parts, &numbers)?;
        let regions = numbers.iter().map(|&number| region_of(parts, number));
        let regions = regions.collect::<Result<Vec<_>>>()?;
        let (Some(first), Some(newest)) = (regions.first(), regions.last()) else {
            return Err(Error::new(ErrorKind::Missing, "the archive has no parts"));
        };
        expect_headers(parts, &regions)?;
        let records = regions.iter().filter_map(|region| region.key_record.clone());
        let key_record = records.max_by_key(KeyRecord::generation);
        let mut chain = Self {
            backend: parts.backend(newest.header.part)?,
            header: newest.header.clone(),
            genesis: first.genesis,
            keychain: unlocked(key_record.clone(), password)?,
            key_record,
            before: None,
            unmade,
            damage: None,
        };
        for pair in regions.windows(2) {
            if let [before, after] = pair {
                chain.follow(parts, &before.header, &after.header)?;
            }
        }
        Ok(chain)
    }

    /// Fails if `after` does not continue `before`, as far as that can be known.
    fn follow(
        &mut self,
        parts: &Arc<Parts>,
        before: &ArchiveHeader,
        after: &ArchiveHeader,
    ) -> Result<()> {
        let reader = FrameReader::of_part(Arc::clone(parts), before.part)
            .with_keychain(self.keychain.clone());
        let len = reader.part_len()?;
        let place = Place { part: before.part, offset: len.saturating_sub(PAGE_BYTES) };
        self.before = if_sound(CommitPoint::read(&reader, place))?;
        let (this, next) = (parts.name(before.part), parts.name(after.part));
        let Some(last) = &self.before else {
            let what = "a part of the archive is damaged or cut short";
            self.damage.get_or_insert(
                Error::corrupt(what)
                    .at(this)
                    .because(format!("it does not end with the commit that {next} follows")),
            );
            return Ok(());
        };
        if (last.tag, last.commit.update + 1) == (after.link, after.first_update) {
            return Ok(());
        }
        Err(Error::corrupt(format!("{next} does not follow {this}"))
            .because(format!(
                "{this} ends with update {}, but {next} follows another update {}",
                last.commit.update,
                after.first_update.saturating_sub(1)
            ))
            .hint("one of them comes from another copy of the archive, or was added to on its own"))
    }
}

/// The newest part, if it holds nothing yet. Part 1 without a header is no archive.
fn unmade_part(parts: &Parts, numbers: &[u32]) -> Result<Option<(u32, u64)>> {
    let Some(&newest) = numbers.last().filter(|&&newest| newest > 1) else { return Ok(None) };
    let backend = parts.backend(newest)?;
    Ok(if is_unmade(backend.as_ref())? { Some((newest, backend.len()?)) } else { None })
}

/// Fails and names all parts that are missing before the newest.
fn expect_all(parts: &Parts, numbers: &[u32]) -> Result<()> {
    let newest = numbers.last().copied().unwrap_or(0);
    let missing: Vec<String> = (1..newest)
        .filter(|number| numbers.binary_search(number).is_err())
        .map(|number| parts.name(number))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let (verb, count) = if missing.len() == 1 { ("is", 1) } else { ("are", missing.len()) };
    Err(Error::new(ErrorKind::Missing, format!("{} {verb} missing", missing.join(", "))).because(
        format!("{count} of the parts before {} cannot be found beside it", parts.name(newest)),
    ))
}

/// The header region of a part, whose length is remembered.
fn region_of(parts: &Parts, number: u32) -> Result<HeaderRegion> {
    let backend = parts.backend(number)?;
    parts.set_len(number, backend.len()?);
    let region = HeaderRegion::read(backend.as_ref());
    let region = region
        .map_err(|error| if parts.is_split() { error.at(parts.name(number)) } else { error })?;
    let found = region.header.part;
    if region.header.flags.index {
        return Err(Error::new(ErrorKind::Unsupported, "this is the index of an archive in parts")
            .because("this zarc cannot read it yet"));
    }
    if found == number {
        return Ok(region);
    }
    Err(if parts.is_split() {
        Error::corrupt(format!("{} is part {found} of an archive", parts.name(number)))
            .because(format!("it has the name of part {number}"))
            .hint(format!("its right name is {}", parts.name(found)))
    } else {
        Error::usage(format!("this is part {found} of an archive"))
            .because("it does not tell of itself what the parts before hold")
            .hint("name all parts by one pattern, such as 'part??'")
    })
}

/// Fails unless all parts belong to one archive.
fn expect_headers(parts: &Parts, regions: &[HeaderRegion]) -> Result<()> {
    let Some((first, others)) = regions.split_first() else { return Ok(()) };
    let kind = |header: &ArchiveHeader| {
        // What was one file once may go on in parts.
        (header.archive_id, HeaderFlags { in_parts: true, ..header.flags })
    };
    let foreign = others.iter().find(|other| kind(&other.header) != kind(&first.header));
    match foreign {
        None => Ok(()),
        Some(other) => Err(Error::corrupt(format!(
            "{} and {} are parts of different archives",
            parts.name(first.header.part),
            parts.name(other.header.part)
        ))),
    }
}
