//! `list A B` with two archives: what the one holds beside what the other holds, name by name.

use std::cmp::Ordering;

use crate::archive::{Archive, BlockTable, Entry, Piece, Stored, Version};
use crate::base::{Digest, Error, Result};

use super::content_comparison::{Likeness, identities};
use super::difference::{is_same_metadata, is_same_thing};
use super::options::{Comparison, ListOptions};
use super::other_archive::OtherArchive;
use super::rows::Rows;
use super::scope::{catalog, is_wanted};

/// Shows how what the version holds compares with the other archive.
pub(super) fn compare_archives(
    archive: &Archive,
    version: Option<&Version>,
    other: &OtherArchive,
    options: &ListOptions,
    rows: &mut Rows<'_>,
) -> Result<()> {
    rows.summary.is_of_two_archives = true;
    rows.summary.damaged += u64::from(other.is_damaged);
    check_identities(archive, version, other, options)?;
    let exponents = (archive.fragment_exponent(), other.archive.fragment_exponent());
    if options.force && version.is_some() && exponents.0 != exponents.1 {
        rows.progress.warn(&format!(
            "the archives were made with -fragment {} and {}: equal contents may show as different",
            exponents.0, exponents.1
        ));
    }
    let name = other.location.to_string();
    let mut internal = Side::new(archive, version, None, options, rows);
    let mut external = Side::new(&other.archive, other.version.as_ref(), Some(name), options, rows);
    let (mut left, mut right) = (internal.next(rows)?, external.next(rows)?);
    loop {
        let order = match (&left, &right) {
            (None, None) => return Ok(()),
            (Some(left), Some(right)) => left.path.cmp(&right.path),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
        };
        let (shown_left, shown_right) = match (&left, &right) {
            (Some(left), Some(right)) if order.is_eq() => {
                match compare(left, right, &internal, &external) {
                    Likeness::Same => (Comparison::Same, false),
                    Likeness::Different => (Comparison::Different, true),
                    Likeness::Unknown(error) => {
                        rows.incomparable(&left.path, &error);
                        (Comparison::Different, true)
                    }
                }
            }
            _ => (Comparison::InternalOnly, true),
        };
        if let Some(entry) = left.as_ref().filter(|_| order.is_le()) {
            rows.entry(shown_left, entry.clone(), None)?;
            left = internal.next(rows)?;
        }
        if let Some(entry) = right.as_ref().filter(|_| order.is_ge()) {
            if shown_right {
                rows.entry(Comparison::ExternalOnly, entry.clone(), None)?;
            }
            right = external.next(rows)?;
        }
    }
}

/// Contents are compared by the identities of their fragments. Those of an encrypted archive are made
/// with its own key, so that all contents would seem to differ.
fn check_identities(
    archive: &Archive,
    version: Option<&Version>,
    other: &OtherArchive,
    options: &ListOptions,
) -> Result<()> {
    let has_contents = version.is_some() && other.version.is_some();
    if !options.force || !has_contents || archive.shares_identities_with(&other.archive) {
        return Ok(());
    }
    Err(Error::usage("-force with two archives of which one is encrypted")
        .because(
            "contents are compared by identities, which no other archive has, unless it is a copy",
        )
        .hint("compare names, dates and sizes without -force, or extract one and list the other"))
}

/// One archive: its wanted entries in archive order, and where contents are looked up.
struct Side<'a> {
    entries: Box<dyn Iterator<Item = Result<Entry>>>,
    /// What it is called where that must be said.
    name: Option<String>,
    options: &'a ListOptions,
    /// With `-force`, if there is a version.
    blocks: Option<BlockTable>,
}

impl<'a> Side<'a> {
    fn new(
        archive: &Archive,
        version: Option<&Version>,
        name: Option<String>,
        options: &'a ListOptions,
        rows: &mut Rows<'_>,
    ) -> Self {
        let entries = Box::new(catalog(archive, version).entries());
        let mut side = Self { entries, name, options, blocks: None };
        if let Some(version) = version.filter(|_| options.force) {
            let (blocks, errors) = BlockTable::of_readable(archive, version);
            for error in &errors {
                side.damage(error, rows);
            }
            side.blocks = Some(blocks);
        }
        side
    }

    fn damage(&self, error: &Error, rows: &mut Rows<'_>) {
        match &self.name {
            None => rows.damage(error),
            Some(name) => rows.damage(&Error::corrupt(format!("{name}: {error}"))),
        }
    }

    fn next(&mut self, rows: &mut Rows<'_>) -> Result<Option<Entry>> {
        while let Some(entry) = self.entries.next() {
            rows.check_stopped()?;
            match entry {
                Err(error) => self.damage(&error, rows),
                Ok(entry) if is_wanted(&self.options.selection, &entry, entry.path.as_bytes()) => {
                    return Ok(Some(entry));
                }
                Ok(_) => {}
            }
        }
        Ok(None)
    }
}

/// With `-force` dates and attributes do not count, and contents always do; else contents count
/// by their size.
fn compare(left: &Entry, right: &Entry, internal: &Side<'_>, external: &Side<'_>) -> Likeness {
    let ListOptions { attributes, force, .. } = *internal.options;
    let (Some(one), Some(two)) = (left.object.stored(), right.object.stored()) else {
        return if left.object == right.object { Likeness::Same } else { Likeness::Different };
    };
    let is_same = one.size() == two.size()
        && if force {
            is_same_thing(&one.metadata, &two.metadata)
        } else {
            is_same_metadata(&one.metadata, two, attributes && one.has_attributes)
        };
    match (&internal.blocks, &external.blocks) {
        _ if !is_same => Likeness::Different,
        (Some(ours), Some(theirs)) => compare_stored(one, ours, two, theirs),
        _ => Likeness::Same,
    }
}

/// Compares what is stored of two contents, fragment by fragment.
fn compare_stored(one: &Stored, ours: &BlockTable, two: &Stored, theirs: &BlockTable) -> Likeness {
    let (mut left, mut right) = (stretches(one, ours), stretches(two, theirs));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Likeness::Same,
            (Some(Err(error)), _) | (_, Some(Err(error))) => return Likeness::Unknown(error),
            (Some(Ok(left)), Some(Ok(right))) if left == right => {}
            _ => return Likeness::Different,
        }
    }
}

/// A hole of some length, or a fragment with its identity and length.
type Stretch = (Option<Digest>, u64);

/// The stretches of a content; of each run, all are in memory together.
fn stretches<'a>(
    stored: &'a Stored,
    blocks: &'a BlockTable,
) -> impl Iterator<Item = Result<Stretch>> + 'a {
    stored.content.iter().flat_map(|piece| match piece {
        Piece::Hole(len) => vec![Ok((None, *len))],
        Piece::Data(run) => match identities(run, blocks) {
            Ok(fragments) => fragments
                .into_iter()
                .map(|(identity, len)| Ok((Some(identity), u64::from(len))))
                .collect(),
            Err(error) => vec![Err(error)],
        },
    })
}
