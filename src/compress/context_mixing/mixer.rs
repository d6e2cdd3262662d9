//! Weighs inputs by weights that are learned, chosen by a small context.

use wide::{i16x8, i32x4};

/// The inputs of a mixer, in groups of eight.
pub(super) type Inputs<const GROUPS: usize> = [i16x8; GROUPS];

/// `SETS` sets of weights, one for each value of a context; one is `2^ONE`.
pub(super) struct Mixer<const GROUPS: usize, const SETS: usize, const ONE: u32> {
    sets: Box<[[i16x8; GROUPS]; SETS]>,
    chosen: usize,
}

impl<const GROUPS: usize, const SETS: usize, const ONE: u32> Mixer<GROUPS, SETS, ONE> {
    /// All inputs have this weight.
    pub(super) fn new(weight: i16) -> Self {
        let sets = vec![[i16x8::splat(weight); GROUPS]; SETS];
        let Ok(sets) = sets.try_into() else { unreachable!("its length is SETS") };
        Self { sets, chosen: 0 }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.sets)
    }

    /// The mixed logit, unbounded, by the weights of `set`, which is below `SETS`, a power of two.
    #[inline(always)]
    pub(super) fn mix(&mut self, inputs: &Inputs<GROUPS>, set: usize) -> i32 {
        self.chosen = set % SETS;
        let mut sums = i32x4::ZERO;
        for (&input, &weight) in inputs.iter().zip(&self.sets[self.chosen]) {
            sums += input.dot(weight);
        }
        sums.to_array().into_iter().fold(0, i32::wrapping_add) >> ONE
    }

    /// Moves the weights that were used by the inputs' share in the error.
    #[inline(always)]
    pub(super) fn learn(&mut self, inputs: &Inputs<GROUPS>, error: i16) {
        let errors = i16x8::splat(error);
        for (&input, weight) in inputs.iter().zip(&mut self.sets[self.chosen % SETS]) {
            let step = (input.mul_keep_high(errors) + i16x8::splat(1)) >> 1_u32;
            *weight = weight.saturating_add(step);
        }
    }
}
