//! A probability that is learned, and what the mixers are told of it.

use super::logistic::Logistic;

/// Two inputs of a mixer, of 16 bits each: the logit, and above it the distance from one half.
pub(super) type InputPair = u32;

/// How often the next bit was a one where this cell was looked at, the last times counting most.
#[derive(Clone, Copy)]
pub(super) struct Cell {
    /// In units of 2^-32.
    probability: u32,
    inputs: InputPair,
}

impl Cell {
    /// Says nothing.
    pub(super) const UNKNOWN: Self = Self { probability: 1 << 31, inputs: 0 };

    /// A cell of this probability, in units of 2^-32.
    pub(super) fn new(probability: u32, logistic: &Logistic) -> Self {
        Self { probability, inputs: logistic.input_pair(probability) }
    }

    /// What it tells the mixers.
    #[inline]
    pub(super) fn inputs(self) -> InputPair {
        self.inputs
    }

    /// Goes a 128th of the way towards `bit`.
    #[inline]
    pub(super) fn learn(&mut self, bit: u32, logistic: &Logistic) {
        let mask = bit.wrapping_neg();
        let distance = self.probability ^ mask;
        *self = Self::new((distance - (distance >> 7)) ^ mask, logistic);
    }
}
