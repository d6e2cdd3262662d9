//! Corrects a probability by what followed such probabilities in a context.

use super::logistic::Logistic;

/// How many logits have a cell, 256 apart.
const CELLS: usize = 17;

/// A curve of probabilities (16 bits) for each context.
pub(super) struct Refinement {
    curves: Vec<[u16; CELLS]>,
    context: usize,
    cell: usize,
}

impl Refinement {
    pub(super) fn new(contexts: usize, logistic: &Logistic) -> Self {
        let curve = std::array::from_fn(|i| logistic.squash((i as i32 - 8) * 256) as u16);
        Self { curves: vec![curve; contexts], context: 0, cell: 0 }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.curves.as_slice())
    }

    /// The refined probability in units of 2^-16.
    #[inline(always)]
    pub(super) fn refine(&mut self, logit: i32, context: usize) -> i32 {
        let position = (logit + 2048) as usize;
        let (low, share) = (position >> 8, (position & 255) as i32);
        let curve = &self.curves[context];
        let (left, right) = (i32::from(curve[low & 15]), i32::from(curve[(low & 15) + 1]));
        self.context = context;
        self.cell = (low & 15) + usize::from(share >= 128);
        (left * (256 - share) + right * share) >> 8
    }

    #[inline(always)]
    pub(super) fn learn(&mut self, bit: u32, rate: u32) {
        let cell = &mut self.curves[self.context][self.cell];
        let target = if bit == 1 { 65535 } else { 0 };
        *cell = (i32::from(*cell) + ((target - i32::from(*cell)) >> rate)) as u16;
    }
}
