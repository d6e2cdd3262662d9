//! Whether the index and the parts tell the same history, and what a writer makes of it if not.

use crate::base::{Error, ErrorKind, Result, Timestamp};
use crate::format::{Anchor, PAGE_BYTES, Place};

use super::commit_point::CommitPoint;
use super::index::Index;
use super::recovery::Journal;
use super::tail::if_sound;

/// What to do when index and parts disagree.
const BRING_BACK: &str = "bring the right parts back; if they are right as they are, make the index anew with `zarc index -force`";

impl Journal {
    /// What is wrong with the index, or with the parts as the index knows them. Parts that are not
    /// there are all right if part 1 is not: then they were moved away.
    pub(super) fn index_fault(&self, unmade: Option<u32>) -> Result<Option<Error>> {
        let Some(index) = self.parts.index() else { return Ok(None) };
        if let Some(damage) = &index.damage {
            return Ok(Some(
                Error::corrupt(damage.to_string()).at(self.parts.name(0)).hint(BRING_BACK),
            ));
        }
        if let Some((part, update)) = index.begun.filter(|_| index.is_begun_committed)
            && !self.parts.numbers()?.contains(&part)
        {
            let name = self.parts.name(part);
            let cause = format!("the end of update {update} is lost, and {name} is not there");
            let error =
                Error::corrupt("the index is damaged").at(self.parts.name(0)).because(cause);
            return Ok(Some(error.hint(format!("bring {name} back"))));
        }
        let mut missing = Vec::new();
        let is_moved = self.parts.is_away(1);
        for part in 1..=index.last_part() {
            if !self.parts.is_away(part) {
                if let Some(fault) = self.part_fault(&index, part)? {
                    return Ok(Some(fault.hint(BRING_BACK)));
                }
            } else if (!is_moved || unmade == Some(part)) && self.parts.absent_part(part).is_none()
            {
                missing.push(part);
            }
        }
        let Some(&first) = missing.first() else { return Ok(None) };
        let names: Vec<String> = missing.iter().map(|&part| self.parts.name(part)).collect();
        let verb = if missing.len() == 1 { "is" } else { "are" };
        let found = index.last_in(first - 1).map_or(0, |anchor| anchor.update);
        let expected = index.last_update();
        let is_newest = missing.last() == Some(&index.last_part());
        let missing = format!("{} {verb} missing", names.join(", "));
        Ok(Some(if is_newest {
            Error::corrupt("the archive is older than its index")
                .because(format!("update {expected} expected, found {found}; {missing}"))
                .hint(BRING_BACK)
        } else {
            let cause =
                format!("{} knows of it, and part 1 was not moved away", self.parts.name(0));
            Error::new(ErrorKind::Missing, missing).because(cause)
        }))
    }

    /// What is wrong with a part that is there, seen from the index.
    fn part_fault(&self, index: &Index, part: u32) -> Result<Option<Error>> {
        let Some(anchor) = index.last_in(part) else { return Ok(None) };
        let reader = self.reader().in_part(part);
        let newest = self.last().filter(|last| last.place.part == part).cloned();
        let found = if part == self.part() {
            newest
        } else {
            let offset = reader.part_len()?.saturating_sub(PAGE_BYTES);
            let last = if_sound(CommitPoint::read(&reader, Place { part, offset }))?;
            if last.is_none() {
                // That the part is damaged was found before.
                return Ok(None);
            }
            last
        };
        let name = self.parts.name(part);
        let found_update = found.as_ref().map_or(anchor.update - 1, |point| point.commit.update);
        if found_update < anchor.update {
            return Ok(Some(Error::corrupt("the archive is older than its index").because(format!(
                "update {} expected, found {found_update}; {name} was cut short or put back to an older state",
                anchor.update
            ))));
        }
        let mut same = found;
        while let Some(later) = same.as_ref().filter(|point| point.commit.update > anchor.update) {
            same = Some(later.previous(&reader)?);
        }
        Ok(same
            .filter(|point| point.tag != anchor.commit_tag)
            .map(|point| self.fork(index, &anchor, &point)))
    }

    /// The same update with other content.
    fn fork(&self, index: &Index, anchor: &Anchor, point: &CommitPoint) -> Error {
        let copied = index.commit_date(anchor);
        let date = |seconds| Timestamp { seconds, nanos: 0 };
        let (name, index_name) = (self.parts.name(anchor.commit.part), self.parts.name(0));
        let error = Error::corrupt(format!(
            "{name} and {index_name} went different ways: update {} is another one in each",
            anchor.update
        ));
        match copied {
            Ok(copied) if copied != point.commit.date => {
                let (part_date, index_date) = (date(point.commit.date), date(copied));
                let newer = if part_date > index_date { &name } else { &index_name };
                error.because(format!(
                    "that of {name} is dated {part_date}, that of {index_name} {index_date}: {newer} is the newer one"
                ))
            }
            _ => error.because("both have the same date, or the copy cannot be read"),
        }
    }

    /// Fails unless a writer may go on with this index and these parts. With `force` a part that was
    /// begun and is nowhere is given up; that is told.
    pub(super) fn expect_index(&self, unmade: Option<u32>, force: bool) -> Result<Option<String>> {
        if let Some(fault) = self.index_fault(unmade)? {
            return Err(fault.outcome("nothing was changed"));
        }
        let Some(index) = self.parts.index() else { return Ok(None) };
        let Some((part, update)) = index.begun else { return Ok(None) };
        if self.parts.numbers()?.contains(&part) {
            return Ok(None);
        }
        let name = self.parts.name(part);
        let what = format!("{name} was begun for update {update}, and is not there");
        if force {
            return Ok(Some(format!("{what}; it is given up, and must never come back")));
        }
        Err(Error::new(ErrorKind::Missing, what)
            .at(self.parts.name(0))
            .because("it may have been completed and moved away before the index knew of it")
            .hint(format!(
                "bring {name} back and add again; if it was never completed and is lost, add with -force"
            ))
            .outcome("nothing was changed"))
    }
}
