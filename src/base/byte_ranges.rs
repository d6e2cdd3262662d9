//! Ranges of bytes of one file, merged as they come.

use std::collections::BTreeMap;

/// Ranges that neither overlap nor touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ByteRanges {
    /// By where each starts: where it ends.
    ends: BTreeMap<u64, u64>,
}

impl ByteRanges {
    /// Adds `len` bytes from `start` on.
    pub fn add(&mut self, start: u64, len: u64) {
        let (mut start, mut end) = (start, start.saturating_add(len));
        if start == end {
            return;
        }
        // Of those that begin at its end or before, the ones that reach its start are one with it.
        while let Some((&before, &reached)) = self.ends.range(..=end).next_back() {
            if reached < start {
                break;
            }
            self.ends.remove(&before);
            (start, end) = (start.min(before), end.max(reached));
        }
        self.ends.insert(start, end);
    }

    /// Each range, rising: where it starts and how long it is.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.ends.iter().map(|(&start, &end)| (start, end - start))
    }

    /// Bytes of all ranges.
    pub fn bytes(&self) -> u64 {
        self.iter().map(|(_, len)| len).sum()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.ends.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_meet_are_one() {
        let mut ranges = ByteRanges::default();
        for (start, len) in [(10, 5), (30, 5), (0, 3), (20, 0), (15, 5), (28, 3), (50, 1), (2, 4)] {
            ranges.add(start, len);
        }
        let found: Vec<_> = ranges.iter().collect();
        assert_eq!(found, [(0, 6), (10, 10), (28, 7), (50, 1)]);
        assert_eq!((ranges.count(), ranges.bytes()), (4, 24));
        ranges.add(5, 100);
        assert_eq!(ranges.iter().collect::<Vec<_>>(), [(0, 105)]);
        ranges.add(u64::MAX, 2);
        assert_eq!(ranges.count(), 1, "there is no byte after the last");
    }
}
