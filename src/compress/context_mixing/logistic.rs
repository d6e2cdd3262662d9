//! Probabilities and their logits: `squash` and its inverse `stretch`, as tables.

/// The greatest logit that is squashed, in units of 1/256.
pub(super) const LOGIT_MAX: i32 = 2815;

/// The greatest logit that `stretch` gives.
const STRETCH_MAX: i32 = 2047;

/// exp(-1/256) in units of 2^-32.
const DECAY: u64 = 4_278_222_805;

/// Both tables.
pub(super) struct Logistic {
    squash: Box<[u16; 8192]>,
    stretch: Box<[i16; 4096]>,
    short: Box<[u16; 4096]>,
}

impl Logistic {
    pub(super) fn new() -> Self {
        let mut squash = Box::new([0_u16; 8192]);
        let mut power = 1_u64 << 32;
        for logit in 0..=LOGIT_MAX as usize {
            let probability = (1_u64 << 48) / ((1 << 32) + power);
            squash[4096 + logit] = probability.min(65535) as u16;
            squash[4096 - logit] = (65536 - probability) as u16;
            power = (power * DECAY) >> 32;
        }
        let mut stretch = Box::new([0_i16; 4096]);
        let mut logit = -STRETCH_MAX;
        for (index, entry) in stretch.iter_mut().enumerate() {
            let probability = index as u16 * 16 + 8;
            while logit < STRETCH_MAX && squash[(4096 + logit) as usize] < probability {
                logit += 1;
            }
            *entry = logit as i16;
        }
        let short = Box::new(std::array::from_fn(|i| squash[i + 2048]));
        Self { squash, stretch, short }
    }

    /// The probability, in units of 2^-16, of this logit, which is cut to its bounds.
    #[inline(always)]
    pub(super) fn squash(&self, logit: i32) -> i32 {
        let logit = logit.clamp(-LOGIT_MAX, LOGIT_MAX);
        i32::from(self.squash[(4096 + logit) as usize & 8191])
    }

    /// The probability of a logit from -2048 to 2047.
    #[inline(always)]
    pub(super) fn squash_short(&self, logit: i16) -> i32 {
        i32::from(self.short[(i32::from(logit) + 2048) as usize & 4095])
    }

    /// The logit of a cell's probability and the probability less one half, two numbers of 16 bits.
    #[inline(always)]
    pub(super) fn pair(&self, cell: u32) -> u32 {
        let p = cell >> 20;
        (p.wrapping_sub(2048)) << 16 | u32::from(self.stretch(p).cast_unsigned())
    }

    /// The logit of a probability in units of 2^-12.
    #[inline(always)]
    pub(super) fn stretch(&self, probability: u32) -> i16 {
        self.stretch[probability as usize & 4095]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squash_grows_and_stretch_is_its_inverse() {
        let logistic = Logistic::new();
        assert_eq!([-9999, 0, 9999].map(|logit| logistic.squash(logit)), [2, 32768, 65534]);
        assert!((-3000..3000).all(|x| logistic.squash(x) <= logistic.squash(x + 1)));
        for p in 0..4096 {
            let back = logistic.squash(i32::from(logistic.stretch(p)));
            assert!(back.abs_diff(p as i32 * 16 + 8) < 70, "{p}: {back}");
        }
    }
}
