//! The versions of an archive, and which one `-until` means.

use std::cmp::Ordering;

use crate::base::{Error, Result, Until};
use crate::format::{FrameType, Manifest, Place};
use crate::journal::{CommitPoint, FrameReader};

use super::open::Archive;
use super::packed_frame;

/// One version: the state after an update.
#[derive(Debug, Clone)]
pub struct Version {
    pub(super) point: CommitPoint,
    /// What the version is made of.
    pub manifest: Manifest,
    /// Bytes of the archive in the parts before that of the commit.
    bytes_before: u64,
    /// Of these, bytes of parts that hold the update.
    pieces_before: u64,
}

impl Version {
    pub(super) fn open(reader: &FrameReader, point: CommitPoint) -> Result<Self> {
        let place = Place { offset: point.commit.manifest_offset, ..point.place };
        let header = reader.in_part(place.part).header_at(place.offset);
        let payload_len = header.map_err(|error| error.at(place))?.payload_len;
        let decode = Manifest::decode;
        let manifest = packed_frame::read(reader, place, FrameType::Manifest, payload_len, decode)?;
        let bytes_before = reader.bytes_before(point.place.part);
        let pieces_before =
            bytes_before.saturating_sub(reader.bytes_before(point.commit.start.part));
        Ok(Self { point, manifest, bytes_before, pieces_before })
    }

    /// Number of the update.
    pub fn number(&self) -> u64 {
        self.point.commit.update
    }

    /// Date of the update, seconds since 1970.
    pub fn date(&self) -> i64 {
        self.point.commit.date
    }

    /// Stands for the whole history up to here.
    pub fn fingerprint(&self) -> String {
        self.point.commit.fingerprint()
    }

    /// Bytes that the update takes in the archive.
    pub fn stored_bytes(&self) -> u64 {
        let start = self.point.commit.start.offset;
        self.pieces_before + self.point.end() - start.min(self.point.end())
    }

    /// Where the commit ends.
    pub(super) fn end_place(&self) -> Place {
        Place { offset: self.point.end(), ..self.point.place }
    }

    /// Length of the archive up to and with this update, in bytes.
    pub fn end(&self) -> u64 {
        self.bytes_before + self.point.end()
    }
}

/// The commits of an archive.
pub struct History {
    reader: FrameReader,
    last: Option<CommitPoint>,
}

impl History {
    /// The history of an archive.
    pub fn of(archive: &Archive) -> Self {
        Self { reader: archive.reader(), last: archive.journal.last().cloned() }
    }

    /// The newest version, if any.
    pub fn newest(&self) -> Result<Option<Version>> {
        self.at(Until::Latest)
    }

    /// The version that is meant; nothing before the first.
    pub fn at(&self, until: Until) -> Result<Option<Version>> {
        match self.point_at(until)? {
            Some(point) => Version::open(&self.reader, point).map(Some),
            None => Ok(None),
        }
    }

    /// Where the version that is meant ends, even if it cannot be read.
    pub fn end_at(&self, until: Until) -> Result<Option<Place>> {
        let point = self.point_at(until)?;
        Ok(point.map(|point| Place { offset: point.end(), ..point.place }))
    }

    /// Number and whole fingerprint of the version that is meant: all digits of its state.
    pub fn fingerprint(&self, until: Until) -> Result<Option<(u64, String)>> {
        let point = self.point_at(until)?;
        Ok(point.map(|point| (point.commit.update, point.commit.state.to_string())))
    }

    /// The version whose fingerprint begins with these digits, if any of those that can be read has.
    pub fn version_of_fingerprint(&self, digits: &str) -> Result<Option<u64>> {
        let mut next = self.last.clone();
        while let Some(point) = next {
            if point.commit.state.to_string().starts_with(digits) {
                return Ok(Some(point.commit.update));
            }
            next = match point.commit.update {
                1 => None,
                _ => match point.previous(&self.reader) {
                    Ok(previous) => Some(previous),
                    Err(_) => self.older_than(&point)?,
                },
            };
        }
        Ok(None)
    }

    /// All versions up to the one that is meant, oldest first; an error stands for those that are lost.
    pub fn versions(&self, until: Until) -> Result<impl Iterator<Item = Result<Version>> + use<>> {
        let mut points = Vec::new();
        let mut next = self.point_at(until)?;
        while let Some(point) = next {
            let before = match point.commit.update {
                1 => Ok(None),
                _ => point.previous(&self.reader).map(Some),
            };
            let mut lost = None;
            next = match before {
                Ok(before) => before,
                Err(error) => {
                    let older = self.older_than(&point)?;
                    lost = Some(lost_versions(older.as_ref(), &point, error));
                    older
                }
            };
            points.push(Ok(point));
            points.extend(lost.map(Err));
        }
        let reader = self.reader.clone();
        Ok(points.into_iter().rev().map(move |point| Version::open(&reader, point?)))
    }

    fn point_at(&self, until: Until) -> Result<Option<CommitPoint>> {
        let Some(last) = self.last.clone() else {
            return Ok(None);
        };
        let number = match until {
            Until::Latest => return Ok(Some(last)),
            Until::Date(date) => {
                return self.search(last, |point| point.commit.date.cmp(&date));
            }
            Until::Version(number) => number,
            Until::Before(count) => last.commit.update.saturating_sub(count),
        };
        self.search(last, |point| point.commit.update.cmp(&number))
    }

    /// The newest commit that is not too new, as `compare` says of each; updates and dates rise
    /// together, so the jump commits make it a binary search. Where commits cannot be read, it goes on
    /// from the end of an earlier part, unless the one that is meant may be among them.
    fn search(
        &self,
        from: CommitPoint,
        compare: impl Fn(&CommitPoint) -> Ordering,
    ) -> Result<Option<CommitPoint>> {
        let is_too_new = |point: &CommitPoint| compare(point).is_gt();
        let mut point = from;
        while is_too_new(&point) {
            if point.commit.update == 1 {
                return Ok(None);
            }
            // A jump is only a short cut.
            let jump = point.jump(&self.reader).ok().flatten().filter(&is_too_new);
            point = match jump {
                Some(jump) => jump,
                None => self.previous(&point, &compare)?,
            };
        }
        Ok(Some(point))
    }

    /// The commit before `point`, or where it cannot be read an older one that is not older than the
    /// one that is meant.
    fn previous(
        &self,
        point: &CommitPoint,
        compare: impl Fn(&CommitPoint) -> Ordering,
    ) -> Result<CommitPoint> {
        let error = match point.previous(&self.reader) {
            Ok(previous) => return Ok(previous),
            Err(error) => error,
        };
        match self.older_than(point)? {
            Some(older) if compare(&older).is_ge() => Ok(older),
            older => Err(lost_versions(older.as_ref(), point, error)),
        }
    }

    /// The newest commit before `point` that can be read, where the one before it cannot.
    fn older_than(&self, point: &CommitPoint) -> Result<Option<CommitPoint>> {
        self.reader.last_commit_before(point.commit.update, point.commit.previous.part)
    }
}

/// The versions after `older` and before `newer` are lost for this reason.
fn lost_versions(older: Option<&CommitPoint>, newer: &CommitPoint, error: Error) -> Error {
    let known = older.map_or(0, |older| older.commit.update);
    let (from, to) = (known + 1, newer.commit.update - 1);
    let what = if from == to {
        format!("version {from} cannot be read")
    } else {
        format!("versions {from} to {to} cannot be read")
    };
    let told = Error::new(error.kind(), what).because(error);
    match known {
        0 => told.hint(format!("-until {} is the oldest that is left", newer.commit.update)),
        known => told.hint(format!("-until {known} is the newest that is left before")),
    }
}
