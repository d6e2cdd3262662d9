//! Corrects a probability by what followed such probabilities in a context.

use super::logistic::{LOGIT_MAX, Logistic};

/// How many logits have a cell, 256 apart.
const CELLS: usize = 17;

/// A curve of probabilities (16 bits) for each of `CURVES` contexts.
pub(super) struct Refinement<const CURVES: usize> {
    curves: Box<[[u16; CELLS]; CURVES]>,
}

/// A refined probability, and the cell that was nearest.
#[derive(Clone, Copy)]
pub(super) struct Refined {
    context: usize,
    cell: usize,
    /// In units of 2^-16.
    pub(super) probability: i32,
}

impl<const CURVES: usize> Refinement<CURVES> {
    pub(super) fn new(logistic: &Logistic) -> Self {
        let curve = std::array::from_fn(|i| {
            logistic.squash(((i as i16 - 8) * 256).clamp(-LOGIT_MAX, LOGIT_MAX)) as u16
        });
        let Ok(curves) = vec![curve; CURVES].try_into() else {
            unreachable!("as many as asked for")
        };
        Self { curves }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.curves)
    }

    /// Starts to fetch the curve of a context.
    #[inline]
    pub(super) fn touch(&self, context: usize) -> u16 {
        self.curves[context % CURVES][CELLS / 2]
    }

    /// `CURVES` is a power of two above `context`.
    #[inline]
    pub(super) fn refine(&self, logit: i16, context: usize) -> Refined {
        let position = (i32::from(logit) + 2048) as usize;
        let (low, share) = (position >> 8 & 15, (position & 255) as i32);
        let curve = &self.curves[context % CURVES];
        let (left, right) = (i32::from(curve[low]), i32::from(curve[low + 1]));
        let probability = left + (((right - left) * share) >> 8);
        Refined { context, cell: low + (share >> 7) as usize, probability }
    }

    #[inline]
    pub(super) fn learn(&mut self, refined: Refined, bit: u32) {
        let cell = &mut self.curves[refined.context % CURVES][refined.cell];
        let target = if bit == 1 { 65535 } else { 0 };
        *cell = (i32::from(*cell) + ((target - i32::from(*cell)) >> 5)) as u16;
    }
}
