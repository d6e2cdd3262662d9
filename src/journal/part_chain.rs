//! Looks at all parts of an archive: whether each one is there, is what its name says, and
//! follows the one before.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::{Digest, Error, ErrorKind, Result};
use crate::crypto::{KeyRecord, Password};
use crate::format::{ArchiveHeader, HeaderFlags};
use crate::storage::Backend;

use super::commit_point::CommitPoint;
use super::frame_reader::FrameReader;
use super::header_region::{HeaderRegion, is_unmade, unlocked};
use super::index::Index;
use super::index_load::FoundIndex;
use super::keychain::Keychain;
use super::parts::Parts;
use super::pieces::{Fit, fit_of_pieces};
use super::tail::if_sound;

/// What becomes of parts that are missing, or that are something else than their names say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gaps {
    /// They are an error: whoever appends has to know that nothing is lost.
    Refused,
    /// They are left out and named: whoever reads gets what the others hold.
    LeftOut,
}

/// What the parts of an archive say together.
pub(super) struct PartChain {
    /// The newest part and its header.
    pub backend: Arc<dyn Backend>,
    pub header: ArchiveHeader,
    /// That of part 1; zero if it is left out.
    pub genesis: Digest,
    pub key_record: Option<KeyRecord>,
    pub keychain: Option<Arc<Keychain>>,
    /// The newest commit before the newest part, if there should be one and one can be read.
    pub before: Option<CommitPoint>,
    /// A last part whose making was interrupted, and its length.
    pub unmade: Option<(u32, u64)>,
    /// What is wrong with parts before the newest that the others can do without.
    pub damage: Option<Error>,
}

impl PartChain {
    /// Reads the headers and last commits of all parts. What is missing, of another archive, in
    /// the wrong place or a fork is an error, or left out.
    pub(super) fn read(
        parts: &Arc<Parts>,
        password: Option<&Password>,
        gaps: Gaps,
    ) -> Result<Self> {
        // The index first: what it knows by now is in parts that are there, whoever is adding.
        let index = FoundIndex::look(parts)?;
        let mut numbers = parts.numbers()?;
        let unmade = unmade_part(parts, &numbers)?;
        numbers.retain(|&number| unmade.is_none_or(|(unmade, _)| number != unmade));
        let known = index.as_ref().map(|index| &index.region);
        let mut regions = if gaps == Gaps::LeftOut && parts.is_split() {
            readable_regions(parts, &numbers, known)?
        } else {
            let regions = regions_of(parts, &numbers)?;
            expect_headers(parts, known.into_iter().chain(&regions))?;
            regions
        };
        let records = known.into_iter().chain(&regions);
        let key_record = records
            .filter_map(|region| region.key_record.clone())
            .max_by_key(KeyRecord::generation);
        let keychain = unlocked(key_record.clone(), password)?;
        if let Some(index) = index {
            let index = Arc::new(Index::load(index, keychain.clone())?);
            enter_index(parts, &index, &mut regions, gaps);
        }
        match gaps {
            Gaps::Refused => expect_all(parts, &part_numbers(&regions))?,
            Gaps::LeftOut => set_missing_before_newest(parts, &numbers, &regions),
        }
        let (Some(first), Some(newest)) = (regions.first(), regions.last()) else {
            return Err(no_parts(parts));
        };
        let mut chain = Self {
            backend: parts.backend(newest.header.part)?,
            header: newest.header.clone(),
            genesis: if first.header.part <= 1 { first.genesis } else { Digest::default() },
            keychain,
            key_record,
            before: None,
            unmade,
            damage: None,
        };
        chain.follow_all(parts, &regions, gaps)?;
        Ok(chain)
    }

    /// Follows the parts from the first to the newest. Of a fork readers get what stands before it:
    /// what comes after it belongs to a history of which nothing else may be here.
    fn follow_all(
        &mut self,
        parts: &Arc<Parts>,
        regions: &[HeaderRegion],
        gaps: Gaps,
    ) -> Result<()> {
        for (at, pair) in regions.windows(2).enumerate() {
            let [before, after] = pair else { continue };
            let is_newest = at + 2 == regions.len();
            if !is_newest && parts.is_away(before.header.part) && parts.is_away(after.header.part) {
                // The index was checked to be one chain.
                continue;
            }
            let earlier = self.before.clone();
            let Some(fork) = self.follow(parts, &before.header, &after.header)? else { continue };
            if gaps == Gaps::Refused {
                return Err(fork);
            }
            parts.set_wrong(after.header.part, fork.to_string());
            let this = parts.name(after.header.part);
            for later in regions.iter().skip(at + 2) {
                parts.set_wrong(later.header.part, format!("it comes after {this}"));
            }
            self.backend = parts.backend(before.header.part)?;
            self.header = before.header.clone();
            self.before = earlier;
            return Ok(());
        }
        Ok(())
    }

    /// Why `after` does not continue `before`, as far as that can be known: where parts between them
    /// are left out, those held a commit at least, and no more is known of them.
    fn follow(
        &mut self,
        parts: &Arc<Parts>,
        before: &ArchiveHeader,
        after: &ArchiveHeader,
    ) -> Result<Option<Error>> {
        let reader = FrameReader::of_part(Arc::clone(parts), before.part)
            .with_keychain(self.keychain.clone());
        let (this, next) = (parts.name(before.part), parts.name(after.part));
        let piece = after.continues.as_ref();
        if let Some(piece) = piece.filter(|piece| piece.start_part <= before.part) {
            return Ok(match fit_of_pieces(parts, before, (after, piece), &self.genesis)? {
                Fit::Right => None,
                Fit::Damaged(damage) => {
                    self.damage.get_or_insert(damage);
                    None
                }
                Fit::Fork(fork) => Some(fork),
            });
        }
        let Some(last) = if_sound(CommitPoint::last_of(&reader))? else {
            let what = "a part of the archive is damaged or cut short";
            self.damage.get_or_insert(
                Error::corrupt(what)
                    .at(this)
                    .because(format!("it does not end with the commit that {next} follows")),
            );
            return Ok(None);
        };
        let number = last.commit.update;
        let is_next = match after.start_part().saturating_sub(before.part) {
            1 => (last.tag, number + 1) == (after.link, after.first_update),
            _ => number.saturating_add(2) <= after.first_update,
        };
        if is_next {
            self.before = Some(last);
            return Ok(None);
        }
        let fork = Error::corrupt(format!("{next} does not follow {this}"))
            .because(format!(
                "{this} ends with update {number}, but {next} follows another update {}",
                after.first_update.saturating_sub(1)
            ))
            .hint("one of them comes from another copy of the archive, or was added to on its own");
        Ok(Some(fork))
    }
}

/// Lets the index stand for the parts that are not there. A part that is another one than the index knows
/// is left out, too, by those who read.
fn enter_index(parts: &Parts, index: &Arc<Index>, regions: &mut Vec<HeaderRegion>, gaps: Gaps) {
    let nonce = |header: &ArchiveHeader| header.continues.as_ref().map(|piece| piece.nonce);
    if gaps == Gaps::LeftOut {
        regions.retain(|region| {
            let (found, known) = (&region.header, index.region_of(region.header.part).header);
            let is_known = found.part > index.last_part()
                || (found.link, found.first_update, found.start_part(), nonce(found))
                    == (known.link, known.first_update, known.start_part(), nonce(&known));
            if !is_known {
                let why = format!("{} knows another one", parts.name(0));
                parts.set_wrong(found.part, why);
            }
            is_known
        });
    }
    parts.enter_index(Arc::clone(index), &part_numbers(regions));
    let away = (1..=index.last_part()).filter(|&part| parts.is_away(part));
    regions.extend(away.map(|part| index.region_of(part)));
    regions.sort_by_key(|region| region.header.part);
}

fn part_numbers(regions: &[HeaderRegion]) -> Vec<u32> {
    regions.iter().map(|region| region.header.part).collect()
}

/// The header regions of the parts that are of one archive: that of the index if it is known, else
/// that of most of them, and of the newest among equals. The others, and those that are missing before the
/// newest, are left out.
fn readable_regions(
    parts: &Parts,
    numbers: &[u32],
    index: Option<&HeaderRegion>,
) -> Result<Vec<HeaderRegion>> {
    let (mut regions, mut failure) = (Vec::new(), None);
    for &number in numbers {
        match region_of(parts, number) {
            Ok(region) => regions.push(region),
            Err(error) => {
                parts.set_wrong(number, error.to_string());
                failure.get_or_insert(error);
            }
        }
    }
    let Some(ours) = index.or_else(|| of_most(&regions)).cloned() else {
        return failure.map_or(Ok(regions), Err);
    };
    let is_ours = |region: &HeaderRegion| is_of_one_archive(&ours, region);
    if !regions.is_empty() && !regions.iter().any(is_ours) {
        expect_headers(parts, index.into_iter().chain(&regions))?;
    }
    regions.retain(|region| {
        if !is_ours(region) {
            parts.set_wrong(region.header.part, "it is a part of another archive".to_owned());
        }
        is_ours(region)
    });
    Ok(regions)
}

/// A part of the archive that most are of.
fn of_most(regions: &[HeaderRegion]) -> Option<&HeaderRegion> {
    let mut counts: HashMap<_, usize> = HashMap::new();
    for region in regions {
        *counts.entry(archive_of(&region.header)).or_default() += 1;
    }
    regions
        .iter()
        .max_by_key(|region| (counts.get(&archive_of(&region.header)).copied(), region.header.part))
}

/// Whether two parts, of which the first one may be the index, belong to one archive.
fn is_of_one_archive(one: &HeaderRegion, other: &HeaderRegion) -> bool {
    let is_begin = one.header.part == 0 && other.header.part == 1;
    archive_of(&one.header) == archive_of(&other.header)
        && !(is_begin && one.header.link != other.genesis)
}

/// Remembers which parts are missing: neither there, whatever they are, nor known to the index. What is behind
/// the newest part that can be read is not known to be missing.
fn set_missing_before_newest(parts: &Parts, numbers: &[u32], regions: &[HeaderRegion]) {
    let newest = regions.last().map_or(0, |newest| newest.header.part);
    let mut there = [numbers, &part_numbers(regions)].concat();
    there.retain(|&number| number <= newest);
    there.sort_unstable();
    set_missing(parts, &there);
}

/// Remembers which parts before the last of these are missing.
pub(super) fn set_missing(parts: &Parts, numbers: &[u32]) {
    let mut next = 1;
    for &number in numbers {
        if number > next {
            parts.set_missing(next, number - 1);
        }
        next = number.saturating_add(1);
    }
}

/// The header regions of these parts.
pub(super) fn regions_of(parts: &Parts, numbers: &[u32]) -> Result<Vec<HeaderRegion>> {
    numbers.iter().map(|&number| region_of(parts, number)).collect()
}

/// What all parts of an archive have in common.
fn archive_of(header: &ArchiveHeader) -> ([u8; 16], HeaderFlags) {
    // What was one file once may go on in parts.
    (header.archive_id, HeaderFlags { in_parts: true, index: false, ..header.flags })
}

/// The newest part, if it holds nothing yet. Part 1 without a header is no archive.
pub(super) fn unmade_part(parts: &Parts, numbers: &[u32]) -> Result<Option<(u32, u64)>> {
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
pub(super) fn expect_headers<'a>(
    parts: &Parts,
    mut regions: impl Iterator<Item = &'a HeaderRegion>,
) -> Result<()> {
    let Some(first) = regions.next() else { return Ok(()) };
    for other in regions {
        let (one, two) = (parts.name(first.header.part), parts.name(other.header.part));
        if archive_of(&first.header) != archive_of(&other.header) {
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
