//! Whether the byte comes that a long match expects, coded as one bit.

use wide::i16x8;

use super::contexts::EXPECTED_CONTEXTS;
use super::counted_cell::CountedCell;
use super::logistic::Logistic;
use super::mixer::{Mixer, ONE, bounded_logit};
use super::range_coder::BitCoder;

/// Its own cells and mixers, which nothing else learns from.
pub(super) struct ExpectedByte {
    cells: Vec<CountedCell>,
    bits: u32,
    by_state: Mixer<1, 256>,
    by_bytes: Mixer<1, 65536>,
}

impl ExpectedByte {
    /// With `2^bits` cells for each context.
    pub(super) fn new(bits: u32) -> Self {
        Self {
            cells: vec![CountedCell::LIKELY; EXPECTED_CONTEXTS << bits],
            bits,
            by_state: Mixer::new(1 << (ONE - 2)),
            by_bytes: Mixer::new(1 << (ONE - 2)),
        }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.cells.as_slice()) + self.by_state.bytes() + self.by_bytes.bytes()
    }

    /// Codes whether the expected byte comes, by the sets of the mixers and the hashes of contexts.
    pub(super) fn code<Coder: BitCoder>(
        &mut self,
        hashes: [u32; EXPECTED_CONTEXTS],
        sets: [usize; 2],
        expected: u8,
        coder: &mut Coder,
        logistic: &Logistic,
    ) -> bool {
        let mut places = [0; EXPECTED_CONTEXTS];
        let mut logits = [256; 8];
        for (i, hash) in hashes.into_iter().enumerate() {
            places[i] = i << self.bits | (hash >> (32 - self.bits)) as usize;
            logits[i] = logistic.stretch(self.cells[places[i]].probability());
        }
        let inputs = [i16x8::new(logits)];
        let first = bounded_logit(self.by_state.mix(&inputs, sets[0]), ONE);
        let second = bounded_logit(self.by_bytes.mix(&inputs, sets[1]), ONE);
        let p = logistic.squash((first + second) >> 1);
        let is_expected = coder.code_whole(p as u32, expected);
        let bit = u32::from(is_expected);
        for place in places {
            self.cells[place].learn(bit);
        }
        let error = |logit| (logistic.error(logit, bit) * 5) >> 5;
        self.by_state.learn(&inputs, sets[0], error(first));
        self.by_bytes.learn(&inputs, sets[1], error(second));
        is_expected
    }
}
