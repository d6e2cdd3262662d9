//! The versions of an archive, and which one `-until` means.

use crate::base::{Result, Until};
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
}

impl Version {
    pub(super) fn open(reader: &FrameReader, point: CommitPoint) -> Result<Self> {
        let place = Place { offset: point.commit.manifest_offset, ..point.place };
        let header = reader.in_part(place.part).header_at(place.offset);
        let payload_len = header.map_err(|error| error.at(place))?.payload_len;
        let decode = Manifest::decode;
        let manifest = packed_frame::read(reader, place, FrameType::Manifest, payload_len, decode)?;
        let bytes_before = reader.bytes_before(point.place.part);
        Ok(Self { point, manifest, bytes_before })
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
        self.point.end() - self.point.commit.start.offset
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

    /// All versions up to the one that is meant, oldest first.
    pub fn versions(&self, until: Until) -> Result<impl Iterator<Item = Result<Version>> + use<>> {
        let mut points = Vec::new();
        let mut next = self.point_at(until)?;
        while let Some(point) = next {
            next = match point.commit.update {
                1 => None,
                _ => Some(point.previous(&self.reader)?),
            };
            points.push(point);
        }
        let reader = self.reader.clone();
        Ok(points.into_iter().rev().map(move |point| Version::open(&reader, point)))
    }

    fn point_at(&self, until: Until) -> Result<Option<CommitPoint>> {
        let Some(last) = self.last.clone() else {
            return Ok(None);
        };
        match until {
            Until::Latest => Ok(Some(last)),
            Until::Version(number) => self.search(last, |p| p.commit.update > number),
            Until::Before(count) => {
                let number = last.commit.update.saturating_sub(count);
                self.search(last, |p| p.commit.update > number)
            }
            Until::Date(date) => self.search(last, |p| p.commit.date > date),
        }
    }

    /// The newest commit that is not too new; updates and dates rise together, so the jump
    /// commits make it a binary search.
    fn search(
        &self,
        from: CommitPoint,
        is_too_new: impl Fn(&CommitPoint) -> bool,
    ) -> Result<Option<CommitPoint>> {
        let mut point = from;
        while is_too_new(&point) {
            if point.commit.update == 1 {
                return Ok(None);
            }
            let jump = point.jump(&self.reader)?.filter(&is_too_new);
            point = match jump {
                Some(jump) => jump,
                None => point.previous(&self.reader)?,
            };
        }
        Ok(Some(point))
    }
}
