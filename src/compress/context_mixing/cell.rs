//! A probability that is learned, and what the mixers are told of it.

use super::logistic::Logistic;

/// Two inputs of a mixer, of 16 bits each: the logit, and above it the distance from one half.
pub(super) type InputPair = u32;

/// How often the next bit was a one where this cell was looked at, the newest times counting most.
#[derive(Clone, Copy)]
pub(super) struct Cell {
    /// In units of 2^-32.
    probability: u32,
    inputs: InputPair,
}

impl Cell {
    /// Gives no inputs.
    pub(super) const UNKNOWN: Self = Self { probability: 1 << 31, inputs: 0 };

    /// A cell of this probability, in units of 2^-32.
    pub(super) fn new(probability: u32, logistic: &Logistic) -> Self {
        Self { probability, inputs: logistic.input_pair(probability) }
    }

    #[inline(always)]
    pub(super) fn inputs(self) -> InputPair {
        self.inputs
    }

    #[inline(always)]
    pub(super) fn logit(self) -> i16 {
        self.inputs as i16
    }

    /// Goes a 128th of the way towards `bit`.
    #[inline(always)]
    pub(super) fn learn(&mut self, bit: u32, logistic: &Logistic) {
        self.learn_by::<7>(bit, logistic);
    }
    #[inline(always)]
    pub(super) fn learn_by<const R: u32>(&mut self, bit: u32, logistic: &Logistic) {
        let mask = bit.wrapping_neg();
        let distance = self.probability ^ mask;
        self.probability = (distance - (distance >> R)) ^ mask;
        self.inputs = logistic.input_pair(self.probability);
    }
}
