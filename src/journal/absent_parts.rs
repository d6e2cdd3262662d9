//! The parts that a reader does without: those that are missing, and those that are something else
//! than their names say.
//!
//! Invariant: nothing of such a part is ever read as part of the archive.

use std::collections::BTreeMap;

use crate::base::{Error, ErrorKind, Result};
use crate::format::PAGE_BYTES;

use super::recovery::Journal;

/// Numbers of parts, each range with what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct AbsentParts {
    /// By the first number of each range.
    ranges: BTreeMap<u32, Absence>,
}

#[derive(Debug)]
struct Absence {
    /// The last number of the range.
    last: u32,
    /// What stands in the place of the part; nothing does if it is missing.
    wrong: Option<String>,
}

impl AbsentParts {
    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// There is nothing where these parts should be.
    pub(super) fn add_missing(&mut self, first: u32, last: u32) {
        self.ranges.insert(first, Absence { last, wrong: None });
    }

    /// Something else is where this part should be.
    pub(super) fn add_wrong(&mut self, part: u32, why: String) {
        self.ranges.insert(part, Absence { last: part, wrong: Some(why) });
    }

    /// Why a part cannot be read, if that is known; `name` is what people call it.
    pub(super) fn error(&self, part: u32, name: impl Fn(u32) -> String) -> Option<Error> {
        let (_, absence) = self.ranges.range(..=part).next_back()?;
        let error = match &absence.wrong {
            _ if part > absence.last => return None,
            None => Error::new(ErrorKind::Missing, format!("{} is missing", name(part))),
            Some(why) => {
                Error::new(ErrorKind::Missing, format!("{} is left out", name(part))).because(why)
            }
        };
        Some(error)
    }

    /// A sentence that names all missing parts, and one for each that is something else.
    pub(super) fn sentences(&self, name: impl Fn(u32) -> String) -> Vec<String> {
        let missing = self.ranges.iter().filter(|(_, absence)| absence.wrong.is_none());
        let mut count = 0;
        let names: Vec<String> = missing
            .map(|(&first, absence)| {
                count += u64::from(absence.last - first) + 1;
                match absence.last - first {
                    0 => name(first),
                    1 => format!("{}, {}", name(first), name(absence.last)),
                    _ => format!("{} to {}", name(first), name(absence.last)),
                }
            })
            .collect();
        let verb = if count == 1 { "is" } else { "are" };
        let all = (count > 0).then(|| format!("{} {verb} missing", names.join(", ")));
        let wrong = self.ranges.iter().filter_map(|(&part, absence)| {
            let why = absence.wrong.as_ref()?;
            Some(format!("{} is left out: {why}", name(part)))
        });
        all.into_iter().chain(wrong).collect()
    }
}

impl Journal {
    /// A sentence that names all missing parts, and one for each that is something else than its name
    /// says; none if the archive is complete. Nothing of them is read.
    pub fn absent_parts(&self) -> Vec<String> {
        self.parts.absent_parts()
    }

    /// What people call a part, if there are several.
    pub fn part_name(&self, part: u32) -> Option<String> {
        self.parts.is_split().then(|| self.parts.name(part))
    }

    /// Why the contents in a part cannot be read, if it is one of those, or only the index is there for it.
    pub fn gone_part(&self, part: u32) -> Option<Error> {
        let is_away = || {
            let what = format!("{} is not there", self.parts.name(part));
            self.parts.is_away(part).then(|| Error::new(ErrorKind::Missing, what))
        };
        self.parts.absent_part(part).or_else(is_away)
    }

    /// Whether there are such parts.
    pub fn has_gone_parts(&self) -> bool {
        self.parts.has_gone()
    }

    /// Where a part has what every reader reads of it before it looks for anything, as far as that is known
    /// of one that is not there: starts and lengths in bytes.
    pub fn opening_ranges(&self, part: u32) -> Result<Vec<(u64, u64)>> {
        let region = (0, self.header().region_bytes());
        if !self.parts.is_away(part) {
            return Ok(vec![region]);
        }
        let end = self.parts.backend(part)?.len()?;
        Ok(vec![region, (end.saturating_sub(PAGE_BYTES), PAGE_BYTES.min(end))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_missing_is_one_sentence() {
        let name = |part: u32| format!("p{part}");
        let mut absent = AbsentParts::default();
        assert!(absent.sentences(name).is_empty() && absent.error(1, name).is_none());
        absent.add_missing(2, 2);
        assert_eq!(absent.sentences(name), ["p2 is missing"]);
        absent.add_missing(4, 5);
        absent.add_missing(7, u32::MAX);
        absent.add_wrong(6, "it is another".to_owned());
        let missing = format!("p2, p4, p5, p7 to p{} are missing", u32::MAX);
        assert_eq!(absent.sentences(name), [missing.as_str(), "p6 is left out: it is another"]);
        let known: Vec<u32> = (0..9).filter(|&part| absent.error(part, name).is_some()).collect();
        assert_eq!(known, [2, 4, 5, 6, 7, 8]);
        assert_eq!(absent.error(8, name).unwrap().to_string(), "p8 is missing");
    }
}
