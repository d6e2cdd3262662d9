//! Probabilities and their logits: `squash` and its inverse, as tables.

use super::cell::InputPair;

/// The greatest logit, in units of 1/256; the least is as far from zero.
pub(super) const LOGIT_MAX: i16 = 2047;

/// exp(-1/256) in units of 2^-32.
const DECAY: u64 = 4_278_222_805;

/// Both tables.
pub(super) struct Logistic {
    squash: [u16; 4096],
    pairs: [InputPair; 4096],
}

impl Logistic {
    pub(super) fn new() -> Self {
        let mut squash = [0_u16; 4096];
        let mut power = 1_u64 << 32;
        for logit in 0..=LOGIT_MAX as usize {
            let probability = (1_u64 << 48) / ((1 << 32) + power);
            squash[2048 + logit] = probability as u16;
            squash[2048 - logit] = (65536 - probability) as u16;
            power = (power * DECAY) >> 32;
        }
        let mut pairs = [0; 4096];
        let mut logit = -LOGIT_MAX;
        for (index, pair) in pairs.iter_mut().enumerate() {
            let probability = index as u16 * 16 + 8;
            while logit < LOGIT_MAX && squash[(2048 + logit) as usize] < probability {
                logit += 1;
            }
            let distance = index as u32;
            *pair = distance.wrapping_sub(2048) << 16 | u32::from(logit.cast_unsigned());
        }
        Self { squash, pairs }
    }

    /// The probability of a logit within [`LOGIT_MAX`], in units of 2^-16.
    #[inline]
    pub(super) fn squash(&self, logit: i16) -> i32 {
        i32::from(self.squash[(i32::from(logit) + 2048) as usize & 4095])
    }

    /// How far the probability of a logit is from `bit`, in units of 2^-16.
    #[inline]
    pub(super) fn error(&self, logit: i16, bit: u32) -> i32 {
        ((bit as i32) << 16) - self.squash(logit)
    }

    /// The logit of a probability in units of 2^-32, and its distance from one half in those of 2^-12.
    #[inline]
    pub(super) fn input_pair(&self, probability: u32) -> InputPair {
        self.pairs[(probability >> 20) as usize]
    }

    /// The logit of a probability in units of 2^-32.
    #[inline]
    pub(super) fn stretch(&self, probability: u32) -> i16 {
        self.input_pair(probability) as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squash_grows_and_stretch_is_its_inverse() {
        let logistic = Logistic::new();
        assert_eq!([-2047, 0, 2047].map(|logit| logistic.squash(logit)), [23, 32768, 65513]);
        assert!((-2047..2047).all(|x| logistic.squash(x) <= logistic.squash(x + 1)));
        for p in 0..4096_u32 {
            let back = logistic.squash(logistic.stretch(p << 20));
            assert!(back.abs_diff(p as i32 * 16 + 8) < 70, "{p}: {back}");
        }
    }
}
