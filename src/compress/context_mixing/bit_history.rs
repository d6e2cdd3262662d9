//! What a context remembers of the bits that followed it: one byte, and how it changes with a bit.

/// A history: how many zeros and ones, and the order of the last bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct History {
    zeros: u8,
    ones: u8,
    /// The bits themselves while there are at most three, the newest lowest; then the newest alone.
    recent: u8,
}

/// How many of the more frequent bit are counted, by how many there are of the other.
const COUNT_MAX: [u8; 6] = [40, 28, 12, 7, 6, 5];

/// What is left of a count of bits when the opposite bit appears.
const AFTER_OPPOSITE: [u8; 41] = {
    let mut left = [7; 41];
    let mut count = 0;
    while count < 41 {
        left[count] = match count {
            0..=3 => count as u8,
            4..=5 => 4,
            6..=9 => 5,
            10..=20 => 6,
            _ => 7,
        };
        count += 1;
    }
    left
};

impl History {
    fn is_allowed(self) -> bool {
        let (few, many) = (self.zeros.min(self.ones), self.zeros.max(self.ones));
        COUNT_MAX.get(usize::from(few)).is_some_and(|&most| many <= most)
    }

    /// This history and one more bit.
    fn after(self, bit: u8) -> Self {
        let (same, other) =
            if bit == 1 { (self.ones, self.zeros) } else { (self.zeros, self.ones) };
        let with = |same: u8, other: u8| {
            let (zeros, ones) = if bit == 1 { (other, same) } else { (same, other) };
            let recent = if zeros + ones <= 3 { self.recent << 1 | bit } else { bit };
            Self { zeros, ones, recent }
        };
        let mut grown = with(same + 1, AFTER_OPPOSITE[usize::from(other)]);
        let mut same = same + 1;
        while !grown.is_allowed() {
            same -= 1;
            grown = with(same, grown.count_of_other(bit));
        }
        grown
    }

    fn count_of_other(self, bit: u8) -> u8 {
        if bit == 1 { self.zeros } else { self.ones }
    }
}

/// All histories, those of fewer bits first, and the steps between them.
pub(super) struct BitHistories {
    next: [[u8; 2]; 256],
    counts: Vec<(u8, u8)>,
}

impl BitHistories {
    pub(super) fn new() -> Self {
        let mut found = vec![History { zeros: 0, ones: 0, recent: 0 }];
        let mut seen = 0;
        while seen < found.len() {
            for bit in [0, 1] {
                let after = found[seen].after(bit);
                if !found.contains(&after) {
                    found.push(after);
                }
            }
            seen += 1;
        }
        found.sort_by_key(|history| (history.zeros + history.ones, history.zeros, history.recent));
        assert!(found.len() <= 256, "a history is one byte: {}", found.len());
        let mut next = [[0; 2]; 256];
        for (history, next) in found.iter().zip(next.iter_mut()) {
            for bit in [0, 1] {
                let after = history.after(bit);
                let place = found.iter().position(|other| *other == after);
                next[usize::from(bit)] = place.map_or(0, |place| place as u8);
            }
        }
        let counts = found.iter().map(|history| (history.zeros, history.ones)).collect();
        Self { next, counts }
    }

    /// The history after one more bit.
    #[inline]
    pub(super) fn next(&self, history: u8, bit: u32) -> u8 {
        self.next[usize::from(history)][(bit & 1) as usize]
    }

    /// How many zeros and ones each history holds.
    pub(super) fn counts(&self) -> &[(u8, u8)] {
        &self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histories_fit_a_byte_and_short_ones_come_first() {
        let histories = BitHistories::new();
        assert_eq!(histories.counts().len(), 209);
        let lens: Vec<u8> = histories.counts().iter().map(|(zeros, ones)| zeros + ones).collect();
        assert!(lens.is_sorted());
    }

    #[test]
    fn a_bit_that_comes_again_and_again_is_counted_and_forgotten_by_its_opposite() {
        let histories = BitHistories::new();
        let ones = (0..100).fold(0, |history, _| histories.next(history, 1));
        assert_eq!(histories.counts()[usize::from(ones)], (0, 40));
        let zero = histories.next(ones, 0);
        assert_eq!(histories.counts()[usize::from(zero)], (1, 7));
    }
}
