//! Three mixers that see all inputs, and a last one that weighs these.

use wide::{bytemuck, i16x8, i32x4, i32x8, u32x4};

use super::logistic::{LOGIT_MAX, Logistic};
use super::mixer::{Inputs, Mixer, ONE, bounded_logit};

/// A weight of one of the last mixer, as a power of two.
const LAST_ONE: u32 = 13;

/// What chooses the weights of the mixers, those of the last at the end.
pub(super) type Sets = [usize; 4];

/// The network of mixers.
pub(super) struct Mixture<const GROUPS: usize> {
    first: Mixer<GROUPS, 4096>,
    second: Mixer<GROUPS, 4096>,
    third: Mixer<GROUPS, 2048>,
    last: Mixer<1, 256>,
}

/// What the mixers said of a bit.
pub(super) struct Mixed {
    outputs: Inputs<1>,
    /// The logit of the last mixer.
    pub(super) logit: i16,
}

impl<const GROUPS: usize> Mixture<GROUPS> {
    pub(super) fn new() -> Self {
        // Together the weights of all inputs are one.
        let weight = ((1 << ONE) / (8 * GROUPS)) as i16;
        Self {
            first: Mixer::new(weight),
            second: Mixer::new(weight),
            third: Mixer::new(weight),
            last: Mixer::new((1 << LAST_ONE) * 2 / 5),
        }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.first.bytes() + self.second.bytes() + self.third.bytes() + self.last.bytes()
    }

    #[inline]
    pub(super) fn mix(&self, inputs: &Inputs<GROUPS>, sets: Sets) -> Mixed {
        let sums = [
            self.first.mix(inputs, sets[0]),
            self.second.mix(inputs, sets[1]),
            self.third.mix(inputs, sets[2]),
            i32x4::ZERO,
        ];
        let outputs = [bounded(sum_each(sums) >> ONE)];
        let logit = bounded_logit(self.last.mix(&outputs, sets[3]), LAST_ONE);
        Mixed { outputs, logit }
    }

    #[inline]
    pub(super) fn learn(
        &mut self,
        inputs: &Inputs<GROUPS>,
        sets: Sets,
        mixed: &Mixed,
        bit: u32,
        logistic: &Logistic,
    ) {
        let outputs = mixed.outputs[0].to_array();
        let error = |logit| (logistic.error(logit, bit) * 3) >> 3;
        self.first.learn(inputs, sets[0], error(outputs[0]));
        self.second.learn(inputs, sets[1], error(outputs[1]));
        self.third.learn(inputs, sets[2], error(outputs[2]));
        self.last.learn(&mixed.outputs, sets[3], logistic.error(mixed.logit, bit) >> 3);
    }
}

/// The sum of the four of each, modulo 2^32.
#[inline]
fn sum_each(parts: [i32x4; 4]) -> i32x4 {
    let [a, b, c, d] = u32x4::transpose(parts.map(bytemuck::cast));
    bytemuck::cast(a + b + (c + d))
}

/// Logits within their bounds.
#[inline]
fn bounded(logits: i32x4) -> i16x8 {
    let logits = i16x8::from_i32x8_saturate(bytemuck::cast::<_, i32x8>([logits, i32x4::ZERO]));
    logits.min(i16x8::splat(LOGIT_MAX)).max(i16x8::splat(-LOGIT_MAX))
}
