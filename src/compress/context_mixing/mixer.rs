//! Weighs inputs by weights that are learned, chosen by a small context.

use wide::{bytemuck, i16x8, i32x4, u32x4};

use super::cell::InputPair;
use super::logistic::LOGIT_MAX;

/// The inputs of a mixer, in groups of eight.
pub(super) type Inputs<const GROUPS: usize> = [i16x8; GROUPS];

/// Inputs put together in registers: narrow stores would hold up the wide load that follows. Which
/// half of a pair comes first is all the same, since both have weights of their own.
#[inline]
pub(super) fn inputs<const GROUPS: usize>(pairs: [[InputPair; 4]; GROUPS]) -> Inputs<GROUPS> {
    let mut inputs = [i16x8::ZERO; GROUPS];
    for (input, four) in inputs.iter_mut().zip(pairs) {
        *input = bytemuck::cast(u32x4::new(four));
    }
    inputs
}

/// The sum of these four in units of `2^-one`, within the bounds of logits.
#[inline]
pub(super) fn bounded_logit(sums: i32x4, one: u32) -> i16 {
    let sum = sums.to_array().into_iter().fold(0, i32::wrapping_add) >> one;
    sum.clamp(-i32::from(LOGIT_MAX), i32::from(LOGIT_MAX)) as i16
}

/// A weight of one, as a power of two.
pub(super) const ONE: u32 = 14;

/// `SETS` sets of weights, one for each value of a context.
pub(super) struct Mixer<const GROUPS: usize, const SETS: usize> {
    sets: Box<[[i16x8; GROUPS]; SETS]>,
}

impl<const GROUPS: usize, const SETS: usize> Mixer<GROUPS, SETS> {
    /// All inputs have this weight.
    pub(super) fn new(weight: i16) -> Self {
        let sets = vec![[i16x8::splat(weight); GROUPS]; SETS];
        let Ok(sets) = sets.try_into() else { unreachable!("its length is SETS") };
        Self { sets }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.sets)
    }

    /// The products of inputs and the weights of `set`, in four sums. `SETS` is a power of two above
    /// `set`.
    #[inline]
    pub(super) fn mix(&self, inputs: &Inputs<GROUPS>, set: usize) -> i32x4 {
        let mut sums = i32x4::ZERO;
        for (&input, &weight) in inputs.iter().zip(&self.sets[set % SETS]) {
            sums += input.dot(weight);
        }
        sums
    }

    /// Moves the weights of `set` by what each input had to do with the error, a number of 16 bits.
    #[inline]
    pub(super) fn learn(&mut self, inputs: &Inputs<GROUPS>, set: usize, error: i32) {
        let errors = i16x8::splat(error as i16);
        for (&input, weight) in inputs.iter().zip(&mut self.sets[set % SETS]) {
            let step = (input.mul_keep_high(errors) + i16x8::splat(1)) >> 1_u32;
            *weight = weight.saturating_add(step);
        }
    }
}
