//! Whether an identity may be in a run: most that are in none are told without reading a page.
//!
//! A Bloom filter whose bits for one identity lie in one line of the processor's cache (Putze, Sanders
//! and Singler 2007, "Cache-, Hash- and Space-Efficient Bloom Filters").

use crate::format::IdentityPrefix;

/// Bits for each identity: of those that are in no run, about one in a hundred is asked for in vain.
const BITS_EACH: u64 = 10;
/// Bits that are set for an identity.
const BITS_SET: u32 = 6;
const LINE_BITS: u64 = 512;
/// No filter takes more bytes: at 10^8 identities a tenth is asked for in vain.
const BYTES_MAX: u64 = 64 << 20;

/// A set that may say yes to what is not in it.
pub(super) struct IdentityFilter {
    lines: Vec<[u64; 8]>,
    /// What is in it.
    len: u64,
}

impl IdentityFilter {
    /// An empty one for about so many.
    pub(super) fn new(identities: u64) -> Self {
        let bits = identities.saturating_mul(BITS_EACH).clamp(LINE_BITS, BYTES_MAX * 8);
        let lines = usize::try_from(bits.div_ceil(LINE_BITS)).unwrap_or(usize::MAX);
        Self { lines: vec![[0; 8]; lines], len: 0 }
    }

    /// Whether a larger one would serve better.
    pub(super) fn is_too_small(&self) -> bool {
        let bits = self.lines.len() as u64 * LINE_BITS;
        bits < BYTES_MAX * 8 && self.len * BITS_EACH > 2 * bits
    }

    pub(super) fn insert(&mut self, prefix: IdentityPrefix) {
        let (line, bits) = self.place_of(prefix);
        for bit in bits {
            self.lines[line][bit / 64] |= 1 << (bit % 64);
        }
        self.len += 1;
    }

    /// No if it is not in it.
    pub(super) fn may_have(&self, prefix: IdentityPrefix) -> bool {
        let (line, mut bits) = self.place_of(prefix);
        bits.all(|bit| self.lines[line][bit / 64] >> (bit % 64) & 1 == 1)
    }

    /// A line, and bits of it.
    fn place_of(&self, prefix: IdentityPrefix) -> (usize, impl Iterator<Item = usize> + use<>) {
        // Identities are random, so those that follow each other in a run are in lines that do.
        let fraction = u128::from(prefix.number()) << 88;
        let line = ((fraction >> 64) * self.lines.len() as u128) >> 64;
        let low = mixed(prefix.number());
        // Nine bits of a number for each.
        let bits = (0..BITS_SET).map(move |index| low >> (9 * index) & (LINE_BITS - 1));
        let bits = bits.map(|bit| usize::try_from(bit).unwrap_or_default());
        (usize::try_from(line).unwrap_or(usize::MAX), bits)
    }
}

/// Every bit of a number has its say in every bit of the result.
pub(super) fn mixed(number: u64) -> u64 {
    let number = (number ^ number >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let number = (number ^ number >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
    number ^ number >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Digest;

    fn prefix(number: u64) -> IdentityPrefix {
        IdentityPrefix::of(&Digest::of(&number.to_le_bytes()))
    }

    #[test]
    fn what_is_in_it_is_found_and_little_else() {
        for count in [1, 1000, 300_000] {
            let mut filter = IdentityFilter::new(count);
            for number in 0..count {
                filter.insert(prefix(number));
            }
            assert!((0..count).all(|number| filter.may_have(prefix(number))));
            assert!(!filter.is_too_small());
            let others = (count..count + 100_000).filter(|&number| filter.may_have(prefix(number)));
            assert!(others.count() < 2500, "of {count}");
        }
    }

    #[test]
    fn it_says_when_it_is_too_small_and_never_forgets() {
        let mut filter = IdentityFilter::new(100);
        for number in 0..1000 {
            filter.insert(prefix(number));
        }
        assert!(filter.is_too_small());
        assert!((0..1000).all(|number| filter.may_have(prefix(number))));
    }

    #[test]
    fn no_number_of_identities_makes_it_larger_than_its_limit() {
        assert_eq!(IdentityFilter::new(u64::MAX).lines.len() as u64 * 64, BYTES_MAX);
    }
}
