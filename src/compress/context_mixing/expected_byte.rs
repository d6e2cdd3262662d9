//! Whether the byte comes that a long match expects, coded as one bit.

use super::adaptive_map::{Rates, fresh_cell, probability};
use super::contexts::EXPECTED_CONTEXTS;
use super::logistic::Logistic;
use super::mixer::Mixer;
use super::range_coder::BitCoder;

/// Its own cells and mixers, which nothing else learns from.
pub(super) struct ExpectedByte {
    cells: Vec<u32>,
    bits: u32,
    first: Mixer<1, 256, 14>,
    second: Mixer<1, 65536, 14>,
}

impl ExpectedByte {
    /// With `2^bits` cells for each context.
    pub(super) fn new(bits: u32) -> Self {
        Self {
            cells: vec![fresh_cell(4_000_000); EXPECTED_CONTEXTS << bits],
            bits,
            first: Mixer::new(1 << 12), second: Mixer::new(1 << 12),
        }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let mixers: usize = self.mixers.iter().map(Mixer::bytes).sum();
        size_of_val(self.cells.as_slice()) + mixers
    }

    /// Codes whether the expected byte comes, by the sets of the mixers and the hashes of contexts.
    pub(super) fn code<Coder: BitCoder>(
        &mut self,
        hashes: [u32; EXPECTED_CONTEXTS],
        sets: [usize; 2],
        expected: u8,
        coder: &mut Coder,
        (rates, logistic): (&Rates, &Logistic),
    ) -> bool {
        let mut places = [0; EXPECTED_CONTEXTS];
        let mut logits = [256; 8];
        for (i, hash) in hashes.into_iter().enumerate() {
            places[i] = i << self.bits | (hash >> (32 - self.bits)) as usize;
            logits[i] = logistic.stretch(probability(self.cells[places[i]]));
        }
        let inputs = [wide::i16x8::new(logits)];
        let mixed = [self.first.mix(&inputs, sets[0]), self.second.mix(&inputs, sets[1])];
        let p = logistic.squash((mixed[0] + mixed[1]) >> 1).clamp(1, 65535);
        let is_expected = coder.code_whole(p as u32, expected);
        let bit = u32::from(is_expected);
        for (i, place) in places.into_iter().enumerate() {
            rates.learn(&mut self.cells[place], bit, if i == 0 { 1023 } else { 127 });
        }
        let error = |logit: i32| (((((bit as i32) << 16) - logistic.squash(logit)) * 5) >> 5) as i16;
        self.first.learn(&inputs, error(mixed[0]));
        self.second.learn(&inputs, error(mixed[1]));
        is_expected
    }
}
