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
use super::index::Index;
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
        let mut regions = Vec::new();
        for &number in &numbers {
            regions.push(region_of(parts, number)?);
        }
        let index = index_region(parts)?;
        expect_headers(parts, index.iter().map(|(_, region)| region).chain(&regions))?;
        let records = index.iter().map(|(_, region)| region).chain(&regions);
        let key_record = records
            .filter_map(|region| region.key_record.clone())
            .max_by_key(KeyRecord::generation);
        let keychain = unlocked(key_record.clone(), password)?;
        if let Some((backend, region)) = index {
            let index = Arc::new(Index::load(backend, region, keychain.clone())?);
            parts.enter_index(Arc::clone(&index), &numbers);
            let away = (1..=index.last_part()).filter(|&part| parts.is_away(part));
            regions.extend(away.map(|part| index.region_of(part)));
            regions.sort_by_key(|region| region.header.part);
        }
        numbers = regions.iter().map(|region| region.header.part).collect();
        expect_all(parts, &numbers)?;
        let (Some(first), Some(newest)) = (regions.first(), regions.last()) else {
            return Err(no_parts(parts));
        };
        let mut chain = Self {
            backend: parts.backend(newest.header.part)?,
            header: newest.header.clone(),
            genesis: first.genesis,
            keychain,
            key_record,
            before: None,
            unmade,
            damage: None,
        };
        for pair in regions.windows(2) {
            if let [before, after] = pair {
                let is_newest = after.header.part == newest.header.part;
                if !is_newest
                    && parts.is_away(before.header.part)
                    && parts.is_away(after.header.part)
                {
                    // The index was checked to be one chain.
                    continue;
                }
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
        return Err(Error::usage("this is the index of an archive in parts")
            .because("it has copies of what the parts hold, and no contents of files")
            .hint("name all parts by one pattern, such as 'part??'"));
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

/// Part 0, if it is there and holds something.
fn index_region(parts: &Parts) -> Result<Option<(Arc<dyn Backend>, HeaderRegion)>> {
    let Some(backend) = parts.index_backend()? else { return Ok(None) };
    if is_unmade(backend.as_ref())? {
        return Ok(None);
    }
    let region = HeaderRegion::read(backend.as_ref()).map_err(|error| error.at(parts.name(0)))?;
    if region.header.flags.index && region.header.part == 0 {
        return Ok(Some((backend, region)));
    }
    Err(Error::corrupt(format!("{} is no index of an archive", parts.name(0)))
        .because("it has the name of part 0, which is one"))
}

/// Neither parts nor an index that knows some.
fn no_parts(parts: &Parts) -> Error {
    let error = Error::new(ErrorKind::Missing, "the archive has no parts");
    if parts.is_split() {
        error.because(format!("{} is there, but knows of no update", parts.name(0)))
    } else {
        error
    }
}

/// Fails unless all parts, and the index, belong to one archive.
fn expect_headers<'a>(
    parts: &Parts,
    mut regions: impl Iterator<Item = &'a HeaderRegion>,
) -> Result<()> {
    let Some(first) = regions.next() else { return Ok(()) };
    let kind = |header: &ArchiveHeader| {
        // What was one file once may go on in parts.
        (header.archive_id, HeaderFlags { in_parts: true, index: false, ..header.flags })
    };
    for other in regions {
        let (one, two) = (parts.name(first.header.part), parts.name(other.header.part));
        if kind(&first.header) != kind(&other.header) {
            let what = format!("{one} and {two} are parts of different archives");
            return Err(
                match (
                    first.header.part,
                    first.header.flags.encrypted == other.header.flags.encrypted,
                ) {
                    (0, false) => Error::corrupt(what).because("only one of them is encrypted"),
                    (0, true) => {
                        Error::corrupt(what).because(format!("{one} is the index of another one"))
                    }
                    _ => Error::corrupt(what),
                },
            );
        }
        if first.header.part == 0 && other.header.part == 1 && first.header.link != other.genesis {
            return Err(Error::corrupt(format!("{one} does not belong to {two}"))
                .because("its first update does not follow that part's header"));
        }
    }
    Ok(())
}
