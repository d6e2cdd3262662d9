//! Weighs inputs by weights that are learned, chosen by a small context.

use wide::i16x8;

use super::logistic::Logistic;

/// The inputs of a mixer, in groups of eight.
pub(super) type Inputs<const GROUPS: usize> = [i16x8; GROUPS];

/// One set of weights for each value of a context; one is 2^15.
pub(super) struct Mixer<const GROUPS: usize, const ONE: u32 = 15> {
    sets: Vec<[i16x8; GROUPS]>,
    chosen: usize,
    /// The probability that was given, in units of 2^-16.
    probability: i32,
}

impl<const GROUPS: usize, const ONE: u32> Mixer<GROUPS, ONE> {
    pub(super) fn new(sets: usize, weight: i16) -> Self {
        Self { sets: vec![[i16x8::splat(weight); GROUPS]; sets], chosen: 0, probability: 32768 }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.sets.as_slice())
    }

    /// The mixed logit, unbounded, by the weights of `set`.
    #[inline(always)]
    pub(super) fn mix(&mut self, inputs: &Inputs<GROUPS>, set: usize, logistic: &Logistic) -> i32 {
        self.chosen = set;
        let logit = dot(inputs, &self.sets[set]) >> ONE;
        self.probability = logistic.squash(logit);
        logit
    }

    /// Moves the weights that were used towards a better prediction of `bit`.
    #[inline(always)]
    pub(super) fn learn(&mut self, inputs: &Inputs<GROUPS>, bit: u32, rate: i32) {
        let error = (((bit as i32) << 16) - self.probability) >> 1;
        let error = ((error * rate) >> 4).clamp(-32768, 32767) as i16;
        train(inputs, &mut self.sets[self.chosen], error);
    }
}

/// The sum of products, modulo 2^32.
#[inline(always)]
fn dot<const GROUPS: usize>(inputs: &Inputs<GROUPS>, weights: &[i16x8; GROUPS]) -> i32 {
    let mut sums = wide::i32x4::ZERO;
    for (&input, &weight) in inputs.iter().zip(weights) {
        sums += input.dot(weight);
    }
    sums.to_array().into_iter().fold(0, i32::wrapping_add)
}

#[inline(always)]
fn train<const GROUPS: usize>(
    inputs: &Inputs<GROUPS>,
    weights: &mut [i16x8; GROUPS],
    error: i16,
) {
    let errors = i16x8::splat(error);
    for (&input, weight) in inputs.iter().zip(weights) {
        let step = (input.mul_keep_high(errors) + i16x8::splat(1)) >> 1_u32;
        *weight = weight.saturating_add(step);
    }
}
