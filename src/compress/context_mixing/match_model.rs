//! Predicts the byte that followed the last time the newest bytes were seen.

use super::cell::{Cell, InputPair};
use super::logistic::Logistic;

/// How long a match is at least, and of how many bytes the positions are kept by: one less, since an
/// occurrence is looked up one byte before it is needed.
const MIN: u32 = 6;
const HASHED: usize = 5;

/// The cells: one that says nothing, two for each class of length and the last three misses, two for
/// each bit of a refused byte. They are 274; with a power of two every place is one of them.
const CELLS: usize = 512;
const OF_MATCHES: usize = 2;
const OF_REFUSED: usize = OF_MATCHES + 256;

/// Finds earlier occurrences of the last bytes.
pub(super) struct MatchModel {
    /// The position behind the last occurrence of a hash.
    positions: Vec<u32>,
    bits: u32,
    /// From this length on the expected byte is taken or refused as a whole.
    long: u32,
    /// The position of the predicted byte; 0: none.
    pointer: usize,
    /// How many bytes before it are those before the current position, as far as known.
    len: u32,
    /// Which of the last eight predicted bytes did not come, the newest lowest.
    misses: u8,
    /// Where the bytes before the newest occurred; 0: nowhere.
    candidate: usize,
    /// The byte at the pointer and 256; 0: none.
    expected: u32,
    /// The length in 16 steps; 0: no match.
    class: usize,
    /// The class of the length, or 1 if the expected byte was refused.
    agreeing: usize,
    /// Where the cells of the next bits begin, and how far apart those of two bits are.
    base: usize,
    stride: usize,
    /// The cell for the bit; the first is that of no match.
    chosen: usize,
    cells: [Cell; CELLS],
}

impl MatchModel {
    pub(super) fn new(bits: u32, long: u32, logistic: &Logistic) -> Self {
        let positions = vec![0; 1 << bits];
        let mut cells = [Cell::new(1 << 31, logistic); CELLS];
        cells[0] = Cell::UNKNOWN;
        Self {
            positions,
            bits,
            long,
            pointer: 0,
            len: 0,
            misses: 0,
            candidate: 0,
            expected: 0,
            class: 0,
            agreeing: 0,
            base: 0,
            stride: 0,
            chosen: 0,
            cells,
        }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.positions.as_slice())
    }

    /// Looks for a match before the next byte.
    pub(super) fn start_byte(&mut self, history: &[u8]) {
        let position = history.len();
        if self.pointer > 0 {
            if history[self.pointer] == history[position - 1] {
                self.len = (self.len + 1).min(65535);
                self.misses <<= 1;
            } else {
                self.len = 0;
                self.misses = self.misses << 1 | 1;
            }
            self.pointer += 1;
        }
        if self.len < 16 && self.candidate > 0 {
            let candidate = self.candidate + 1;
            let len = common(history, candidate);
            if len > self.len && len >= MIN {
                self.len = len;
                self.pointer = candidate;
                self.misses = 0;
            }
        }
        if position >= HASHED {
            let hash = hash(&history[position - HASHED..], self.bits);
            self.candidate = self.positions[hash] as usize;
            self.positions[hash] = position as u32;
        }
        if self.misses == u8::MAX {
            self.pointer = 0;
            self.len = 0;
        }
        self.class = self.class_of_len();
        self.agreeing = self.class;
        (self.base, self.stride) = (OF_MATCHES + 2 * self.state_class(), 0);
        self.expected = if self.pointer > 0 { u32::from(history[self.pointer]) | 256 } else { 0 };
    }

    fn class_of_len(&self) -> usize {
        match self.len {
            0 if self.pointer == 0 => 0,
            0 => 1,
            1..=15 => 2 + (self.len as usize >> 1).min(6),
            16..=31 => 9 + usize::from(self.len >= 24),
            32..=511 => 6 + self.len.ilog2() as usize,
            _ => 15,
        }
    }

    /// The expected byte and the length class, in a number.
    pub(super) fn guess(&self) -> u32 {
        self.expected << 8 | self.class as u32
    }

    /// Whether [`Self::start_byte`] will come to a long match: a forecast, which saves time only.
    pub(super) fn will_be_long(&self, history: &[u8]) -> bool {
        self.len + 1 >= self.long && self.pointer > 0 && history.get(self.pointer) == history.last()
    }

    /// The expected byte, if the match is a long one.
    pub(super) fn long_expected(&self) -> Option<u8> {
        (self.len >= self.long).then_some(self.expected as u8)
    }

    /// Starts to fetch what the next match may be.
    pub(super) fn touch(&self, history: &[u8]) {
        std::hint::black_box(history.get(self.candidate).copied());
    }

    /// Takes note that the expected byte does not come.
    pub(super) fn refuse(&mut self) {
        self.agreeing = 1;
        (self.base, self.stride) = (OF_REFUSED, 2);
    }

    /// Length and misses, in a number.
    pub(super) fn state(&self) -> u32 {
        self.len.min(511) << 3 | u32::from(self.misses & 7)
    }

    /// Length class and misses, in a number below 128.
    pub(super) fn state_class(&self) -> usize {
        self.class << 3 | usize::from(self.misses & 7)
    }

    /// The inputs of the mixers, after `partial`, the bits of the byte so far behind a one, and what a bit
    /// says of the match: 0 for nothing.
    #[inline]
    pub(super) fn predict(&mut self, partial: u32, bit_count: u32) -> (InputPair, usize) {
        let bit = (self.expected >> (7 - bit_count)) as usize & 1;
        let is_expected = self.expected >> (8 - bit_count) == partial;
        let cell = self.base + self.stride * bit_count as usize + bit;
        self.chosen = if is_expected { cell % CELLS } else { 0 };
        (self.cells[self.chosen].inputs(), if is_expected { self.agreeing } else { 0 })
    }

    /// Learns whether the bit was the expected one.
    #[inline]
    pub(super) fn learn(&mut self, bit: u32, logistic: &Logistic) {
        self.cells[self.chosen % CELLS].learn(bit, logistic);
        self.cells[0] = Cell::UNKNOWN;
    }
}

fn hash(bytes: &[u8], bits: u32) -> usize {
    let mix =
        |hash: u32, &byte: &u8| hash.wrapping_add(u32::from(byte) + 1).wrapping_mul(0x2f0b_4c47);
    let hash = bytes.iter().fold(0_u32, |hash, byte| mix(hash.rotate_left(5), byte));
    (hash >> (32 - bits)) as usize
}

/// How many bytes before `candidate` are the last ones, at most 32.
fn common(history: &[u8], candidate: usize) -> u32 {
    let pairs = history[..candidate].iter().rev().zip(history.iter().rev());
    pairs.take(32).take_while(|(old, new)| old == new).count() as u32
}
