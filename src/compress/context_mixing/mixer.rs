//! Weighs inputs by weights that are learned, chosen by a small context.

use wide::{i16x8, i32x4};

/// The inputs of a mixer, in groups of eight.
pub(super) type Inputs<const GROUPS: usize> = [i16x8; GROUPS];

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

    /// The products of inputs and the weights of `set`, in four sums. `SETS` is a power of two above `set`.
    #[inline(always)]
    pub(super) fn mix(&self, inputs: &Inputs<GROUPS>, set: usize) -> i32x4 {
        let mut sums = i32x4::ZERO;
        for (&input, &weight) in inputs.iter().zip(&self.sets[set % SETS]) {
            sums += input.dot(weight);
        }
        sums
    }

    /// Moves the weights of `set` by what each input had to do with the error.
    #[inline(always)]
    pub(super) fn learn(&mut self, inputs: &Inputs<GROUPS>, set: usize, error: i16) {
        let errors = i16x8::splat(error);
        for (&input, weight) in inputs.iter().zip(&mut self.sets[set % SETS]) {
            let step = (input.mul_keep_high(errors) + i16x8::splat(1)) >> 1_u32;
            *weight = weight.saturating_add(step);
        }
    }
}
