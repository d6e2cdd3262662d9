//! Weighs logits by weights that are learned, chosen by a small context.

use wide::{i16x8, i32x8};

use super::logistic::Logistic;

/// The inputs of a mixer, in groups of eight.
pub(super) type Inputs<const GROUPS: usize> = [i16x8; GROUPS];

/// Inputs put together in registers: narrow stores would hold up the wide load that follows.
#[inline]
pub(super) fn inputs<const GROUPS: usize>(logits: [[i16; 8]; GROUPS]) -> Inputs<GROUPS> {
    logits.map(|group| {
        let mut bits = 0_u128;
        for (lane, logit) in group.into_iter().enumerate() {
            let place = if cfg!(target_endian = "little") { lane } else { 7 - lane };
            bits |= u128::from(logit.cast_unsigned()) << (16 * place);
        }
        wide::bytemuck::cast(bits)
    })
}

/// One set of weights for each value of a context; one is 2^20.
pub(super) struct Mixer<const GROUPS: usize> {
    sets: Vec<[[i32; 8]; GROUPS]>,
    chosen: usize,
    /// The probability that was given, in units of 2^-16.
    probability: i32,
}

impl<const GROUPS: usize> Mixer<GROUPS> {
    pub(super) fn new(sets: usize, weight: i32) -> Self {
        Self { sets: vec![[[weight; 8]; GROUPS]; sets], chosen: 0, probability: 32768 }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.sets.as_slice())
    }

    /// The mixed logit, unbounded, by the weights of `set`.
    #[inline]
    pub(super) fn mix(&mut self, inputs: &Inputs<GROUPS>, set: usize, logistic: &Logistic) -> i32 {
        self.chosen = set;
        let logit = dot(inputs, &self.sets[set]) >> 13;
        self.probability = logistic.squash(logit);
        logit
    }

    /// Moves the weights that were used towards a better prediction of `bit`.
    #[inline]
    pub(super) fn learn(&mut self, inputs: &Inputs<GROUPS>, bit: u32, rate: i32) {
        let error = (((bit as i32) << 16) - self.probability) >> 1;
        let error = ((error * rate) >> 4).clamp(-32768, 32767) as i16;
        train(inputs, &mut self.sets[self.chosen], error);
    }
}

/// The sum of products with the upper parts of the weights, modulo 2^32.
#[inline]
fn dot<const GROUPS: usize>(inputs: &Inputs<GROUPS>, weights: &[[i32; 8]; GROUPS]) -> i32 {
    let mut sums = wide::i32x4::ZERO;
    for (&input, &weight) in inputs.iter().zip(weights) {
        let weight = i16x8::from_i32x8_saturate(i32x8::from(weight) >> 7_u32);
        sums += input.dot(weight);
    }
    sums.to_array().into_iter().fold(0, i32::wrapping_add)
}

#[inline]
fn train<const GROUPS: usize>(
    inputs: &Inputs<GROUPS>,
    weights: &mut [[i32; 8]; GROUPS],
    error: i16,
) {
    let errors = i16x8::splat(error);
    for (&input, weight) in inputs.iter().zip(weights) {
        let step = (input.widening_mul(errors) + i32x8::splat(1 << 11)) >> 12_u32;
        *weight = (i32x8::from(*weight) + step).to_array();
    }
}
