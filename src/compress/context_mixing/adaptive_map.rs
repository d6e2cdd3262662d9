//! From a small context to a probability, learned: fast at first, then slower.

/// 2^16 / (n + 1.5): the share of the error that is taken after n observations.
fn reciprocals() -> [u16; 1024] {
    std::array::from_fn(|count| ((1 << 17) / (2 * count + 3)) as u16)
}

/// Rates shared by all maps.
pub(super) struct Rates {
    by_count: Box<[u16; 1024]>,
}

impl Rates {
    pub(super) fn new() -> Self {
        Self { by_count: Box::new(reciprocals()) }
    }

    /// Moves a cell (22 bits of probability, 10 bits of count) towards `bit`.
    #[inline(always)]
    pub(super) fn learn(&self, cell: &mut u32, bit: u32, limit: u32) {
        let count = *cell & 1023;
        let probability = (*cell >> 10) as i32;
        let target = if bit == 1 { (1 << 22) - 1 } else { 0 };
        let rate = i64::from(self.by_count[count as usize]);
        let step = (i64::from(target - probability) * rate) >> 16;
        let grown = (probability + step as i32) as u32;
        *cell = grown << 10 | (count + u32::from(count < limit));
    }
}

/// A cell that has observed nothing, with this probability in units of 2^-22.
#[inline(always)]
pub(super) fn fresh_cell(probability: u32) -> u32 {
    probability << 10
}

/// The probability of a cell in units of 2^-12.
#[inline(always)]
pub(super) fn probability(cell: u32) -> u32 {
    cell >> 20
}

/// Moves a probability in units of 2^-32 towards `bit` by a 128th of the way.
#[inline(always)]
pub(super) fn learn_share(probability: &mut u32, bit: u32) {
    let mask = bit.wrapping_neg();
    let distance = *probability ^ mask;
    *probability = (distance - (distance >> 7)) ^ mask;
}
