//! The fragments of one block. Each is compared with its identity when it is asked for, and only then:
//! of a block that others are decoded with, most are of no use.

use std::ops::Range;
use std::sync::OnceLock;

use crate::base::{ByteRanges, Error, Result};
use crate::crypto::IdentityHash;
use crate::format::{FragmentRecord, Run};

/// The fragments of one block; those that are given out are right.
#[derive(Debug)]
pub struct DecodedBlock {
    bytes: Vec<u8>,
    /// Where each fragment starts, and where the last one ends.
    starts: Vec<usize>,
    records: Vec<FragmentRecord>,
    identities: IdentityHash,
    /// Whether the bytes of each fragment are those that were stored, once that was asked.
    is_right: Vec<OnceLock<bool>>,
    number: u64,
    /// How many blocks one behind another it was decoded with.
    depth: u64,
}

impl DecodedBlock {
    /// `bytes` are as long as all fragments together.
    pub(super) fn new(
        bytes: Vec<u8>,
        records: Vec<FragmentRecord>,
        identities: IdentityHash,
        number: u64,
        depth: u64,
    ) -> Self {
        let mut starts = Vec::with_capacity(records.len() + 1);
        starts.push(0);
        let mut start = 0;
        for record in &records {
            start += record.len as usize;
            starts.push(start);
        }
        let is_right = records.iter().map(|_| OnceLock::new()).collect();
        Self { bytes, starts, records, identities, is_right, number, depth }
    }

    /// The bytes of consecutive fragments of this block.
    pub fn run(&self, run: &Run) -> Result<&[u8]> {
        let first = run.first.index as usize;
        let last = first.saturating_add(run.count as usize);
        let bytes = match (self.starts.get(first), self.starts.get(last)) {
            (Some(&start), Some(&end)) => &self.bytes[start..end],
            _ => {
                return Err(Error::corrupt(format!(
                    "block {} has no fragments {first} to {last}",
                    self.number
                )));
            }
        };
        if bytes.len() as u64 != run.len {
            return Err(Error::corrupt(format!(
                "fragments {first} to {last} of block {} are not as long as the file says",
                self.number
            )));
        }
        self.check(first..last).map(|()| bytes)
    }

    /// Bytes that a later block takes from this one; damage is not handed on.
    pub(super) fn range(&self, start: u32, len: u32) -> Result<&[u8]> {
        let (start, end) = (start as usize, start as usize + len as usize);
        let bytes = self.bytes.get(start..end).ok_or_else(|| {
            Error::corrupt(format!("block {} has no bytes {start} to {end}", self.number))
        })?;
        self.check(self.touched(start, end)).map(|()| bytes)
    }

    /// The fragments that have bytes from `start` to `end`.
    fn touched(&self, start: usize, end: usize) -> Range<usize> {
        let first = self.starts.partition_point(|&fragment| fragment <= start).saturating_sub(1);
        let last = self.starts.partition_point(|&fragment| fragment < end);
        first..last.min(self.records.len())
    }

    /// Fails if one of these fragments is not what was stored.
    fn check(&self, mut fragments: Range<usize>) -> Result<()> {
        match fragments.find(|&index| !self.is_right(index)) {
            Some(index) => Err(self.wrong_fragment(index)),
            None => Ok(()),
        }
    }

    /// Compares these fragments, and those that have some of the needed bytes, with their identities now:
    /// whoever asks for them later need not.
    pub(super) fn compare(&self, fragments: &[Range<u32>], needed: &ByteRanges) {
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let needed =
            needed.iter().map(|(start, len)| self.touched(place(start), place(start + len)));
        let fragments = fragments.iter().map(|range| range.start as usize..range.end as usize);
        for range in fragments.chain(needed) {
            for index in range.start..range.end.min(self.records.len()) {
                self.is_right(index);
            }
        }
    }

    fn is_right(&self, index: usize) -> bool {
        *self.is_right[index].get_or_init(|| {
            let bytes = &self.bytes[self.starts[index]..self.starts[index + 1]];
            self.identities.of(bytes) == self.records[index].identity
        })
    }

    fn wrong_fragment(&self, index: usize) -> Error {
        Error::corrupt(format!("fragment {index} of block {} is damaged", self.number))
            .because("its identity differs")
    }

    /// How many blocks one behind another it was decoded with.
    pub(super) fn depth(&self) -> u64 {
        self.depth
    }

    /// Its buffer, to be used again.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }

    /// Its number.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Fragments in it.
    pub fn fragments(&self) -> u64 {
        self.records.len() as u64
    }

    /// Bytes of all fragments.
    pub fn raw_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// All fragments whose bytes are not those that were stored, each with an error that says so.
    pub fn wrong(&self) -> impl Iterator<Item = (u32, Error)> + '_ {
        let wrong = (0_u32..).zip(0..self.records.len()).filter(|&(_, at)| !self.is_right(at));
        wrong.map(|(index, at)| (index, self.wrong_fragment(at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Digest;
    use crate::format::FragmentId;

    /// Fragments of 10 bytes each, of which the third is not what was stored.
    fn damaged() -> DecodedBlock {
        let bytes: Vec<u8> = (0..50).collect();
        let mut records: Vec<_> = bytes
            .chunks(10)
            .map(|bytes| FragmentRecord { len: 10, identity: Digest::of(bytes) })
            .collect();
        records[2].identity = Digest::of(b"other");
        DecodedBlock::new(bytes, records, IdentityHash::default(), 7, 0)
    }

    fn run(first: u32, count: u32) -> Run {
        let first = FragmentId { block: 7, index: first };
        Run { first, count, len: u64::from(count) * 10 }
    }

    fn compared(block: &DecodedBlock) -> Vec<usize> {
        (0..5).filter(|&index| block.is_right[index].get().is_some()).collect()
    }

    #[test]
    fn only_what_is_asked_for_is_compared() {
        let block = damaged();
        assert_eq!(block.range(10, 10).unwrap(), &block.bytes[10..20]);
        assert_eq!(compared(&block), [1]);
        assert_eq!(block.range(39, 2).unwrap(), &block.bytes[39..41]);
        assert_eq!(compared(&block), [1, 3, 4]);
        assert_eq!(block.run(&run(0, 2)).unwrap(), &block.bytes[..20]);
        assert_eq!(compared(&block), [0, 1, 3, 4]);
        let block = damaged();
        let mut needed = ByteRanges::default();
        needed.add(15, 10);
        block.compare(&[0..1, 4..u32::MAX], &needed);
        assert_eq!(compared(&block), [0, 1, 2, 4]);
    }

    #[test]
    fn whatever_touches_a_damaged_fragment_is_refused() {
        let told = "fragment 2 of block 7 is damaged: its identity differs";
        for (start, len) in [(0, 50), (20, 1), (29, 1), (19, 2), (29, 2), (20, 10)] {
            assert_eq!(damaged().range(start, len).unwrap_err().to_string(), told, "{start} {len}");
        }
        for (start, len) in [(0, 20), (30, 20), (0, 0), (50, 0)] {
            let block = damaged();
            assert_eq!(block.range(start, len).unwrap().len(), len as usize);
        }
        for (first, count) in [(2, 1), (0, 5), (1, 2)] {
            assert_eq!(damaged().run(&run(first, count)).unwrap_err().to_string(), told);
        }
        assert!(damaged().run(&run(3, 2)).is_ok());
        let block = damaged();
        let wrong: Vec<_> =
            block.wrong().map(|(index, error)| (index, error.to_string())).collect();
        assert_eq!(wrong, [(2, told.to_owned())]);
        assert_eq!(compared(&block), [0, 1, 2, 3, 4]);
    }
}
