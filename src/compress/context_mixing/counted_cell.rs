//! A probability that is learned fast at first, then slower: for what is rarely looked at.

/// How many bits are counted; more do not slow it further. Also the mask of the count.
const COUNT_MAX: u32 = (1 << 7) - 1;

/// The share of the error that is taken, of 2^16, by how many bits were learned.
const RATES: [u16; COUNT_MAX as usize + 1] = {
    let mut rates = [0; COUNT_MAX as usize + 1];
    let mut count = 0;
    while count < rates.len() {
        rates[count] = ((1 << 17) / (2 * count + 3)) as u16;
        count += 1;
    }
    rates
};

/// 25 bits of probability above seven bits of count.
#[derive(Clone, Copy)]
pub(super) struct CountedCell(u32);

impl CountedCell {
    /// Nothing was learned; a one is to be expected.
    pub(super) const LIKELY: Self = Self(0xf424_0000);

    /// In units of 2^-32.
    #[inline]
    pub(super) fn probability(self) -> u32 {
        self.0 & !COUNT_MAX
    }

    #[inline]
    pub(super) fn learn(&mut self, bit: u32) {
        let count = self.0 & COUNT_MAX;
        let mask = bit.wrapping_neg();
        let distance = u64::from(self.probability() ^ mask);
        let step = (distance * u64::from(RATES[count as usize])) >> 16;
        let probability = (distance - step) as u32 ^ mask;
        self.0 = probability & !COUNT_MAX | (count + u32::from(count < COUNT_MAX));
    }
}
