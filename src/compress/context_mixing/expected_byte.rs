//! Whether the byte comes that a long match expects, coded as one bit.

//! Whether the byte comes that a long match expects, coded as one bit.

use super::cell::Cell;
use super::contexts::EXPECTED_CONTEXTS;
use super::logistic::{LOGIT_MAX, Logistic};
use super::mixer::Mixer;
use super::range_coder::BitCoder;

/// Its own cells and mixers, which nothing else learns from.
pub(super) struct ExpectedByte {
    cells: Vec<u32>,
    bits: u32,
    first: Mixer<1, 256>,
    second: Mixer<1, 65536>,
}

impl ExpectedByte {
    /// With `2^bits` cells for each context.
    pub(super) fn new(bits: u32, logistic: &Logistic) -> Self {
        Self {
            cells: vec![4_000_000 << 10; EXPECTED_CONTEXTS << bits],
            bits,
            first: Mixer::new(1 << 12),
            second: Mixer::new(1 << 12),
        }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.cells.as_slice()) + self.first.bytes() + self.second.bytes()
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
            logits[i] = logistic.input_pair(self.cells[places[i]]) as i16;
        }
        let inputs = [wide::i16x8::new(logits)];
        let (max, sum) = (i32::from(LOGIT_MAX), |sums: wide::i32x4| sums.to_array().iter().sum::<i32>() >> 14);
        let first = sum(self.first.mix(&inputs, sets[0])).clamp(-max, max) as i16;
        let second = sum(self.second.mix(&inputs, sets[1])).clamp(-max, max) as i16;
        let p = logistic.squash((first + second) >> 1);
        let is_expected = coder.code_whole(p as u32, expected);
        let bit = u32::from(is_expected);
        for place in places {
            learn(&mut self.cells[place], bit);
        }
        let error = |logit| ((((bit as i32) << 16) - logistic.squash(logit)) * 5 >> 5) as i16;
        self.first.learn(&inputs, sets[0], error(first));
        self.second.learn(&inputs, sets[1], error(second));
        is_expected
    }
}

/// Moves a cell (22 bits of probability, 10 bits of count) towards `bit`.
#[inline]
fn learn(cell: &mut u32, bit: u32) {
    let count = *cell & 1023;
    let probability = i64::from(*cell >> 10);
    let target = if bit == 1 { (1 << 22) - 1 } else { 0 };
    let rate = (1_i64 << 17) / i64::from(2 * count + 3);
    let step = ((target - probability) * rate) >> 16;
    *cell = ((probability + step) as u32) << 10 | (count + u32::from(count < 127));
}
