//! Weighs the logits of mixers, which are few.

use super::logistic::Logistic;

/// The logits of the mixers; those that a model has not are 0.
pub(super) type Outputs = [i32; 4];

/// One set of weights for each value of a context; one is 2^20.
pub(super) struct LastMixer {
    sets: Vec<[i32; 4]>,
    chosen: usize,
    /// The probability that was given, in units of 2^-16.
    probability: i32,
}

impl LastMixer {
    pub(super) fn new(sets: usize, weight: i32) -> Self {
        Self { sets: vec![[weight; 4]; sets], chosen: 0, probability: 32768 }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.sets.as_slice())
    }

    /// The mixed logit, by the weights of `set`, within the bounds of inputs.
    #[inline(always)]
    pub(super) fn mix(&mut self, outputs: &Outputs, set: usize, logistic: &Logistic) -> i32 {
        self.chosen = set;
        let weights = self.sets[set].map(|weight| (weight >> 7).clamp(-32768, 32767));
        let products = outputs.iter().zip(weights).map(|(&output, weight)| output * weight);
        let logit = products.sum::<i32>() >> 13;
        self.probability = logistic.squash(logit);
        logit.clamp(-2047, 2047)
    }

    /// Moves the weights that were used towards a better prediction of `bit`.
    #[inline(always)]
    pub(super) fn learn(&mut self, outputs: &Outputs, bit: u32, rate: i32) {
        let error = (((bit as i32) << 16) - self.probability) >> 1;
        let error = ((error * rate) >> 4).clamp(-32768, 32767);
        for (weight, &output) in self.sets[self.chosen].iter_mut().zip(outputs) {
            *weight = weight.wrapping_add((output * error + (1 << 11)) >> 12);
        }
    }
}
