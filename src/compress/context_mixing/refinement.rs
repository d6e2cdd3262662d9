//! Corrects a probability by what followed such probabilities in a context.

use super::logistic::{LOGIT_MAX, Logistic};

/// How many logits have a cell, 256 apart.
const CELLS: usize = 17;

/// A curve of probabilities (16 bits) for each of `CURVES` contexts.
pub(super) struct Refinement<const CURVES: usize> {
    curves: Box<[[u16; CELLS]; CURVES]>,
    context: usize,
    cell: usize,
}

impl<const CURVES: usize> Refinement<CURVES> {
    pub(super) fn new(logistic: &Logistic) -> Self {
        let curve = std::array::from_fn(|i| logistic.squash(((i as i16 - 8) * 256).clamp(-LOGIT_MAX, LOGIT_MAX)) as u16);
        let Ok(curves) = vec![curve; CURVES].try_into() else { unreachable!("as many as asked for") };
        Self { curves, context: 0, cell: 0 }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.curves)
    }

    /// The refined probability in units of 2^-16.
    #[inline(always)]
    pub(super) fn refine(&mut self, logit: i16, context: usize) -> i32 {
        let position = (i32::from(logit) + 2048) as usize;
        let (low, share) = (position >> 8 & 15, (position & 255) as i32);
        self.context = context % CURVES;
        let curve = &self.curves[self.context];
        let (left, right) = (i32::from(curve[low]), i32::from(curve[low + 1]));
        self.cell = low + (share >> 7) as usize;
        left + ((right - left) * share >> 8)
    }

    #[inline(always)]
    pub(super) fn learn(&mut self, bit: u32, rate: u32) {
        let cell = &mut self.curves[self.context % CURVES][self.cell];
        let target = if bit == 1 { 65535 } else { 0 };
        *cell = (i32::from(*cell) + ((target - i32::from(*cell)) >> rate)) as u16;
    }
}
