//! The two tests that a cut has to pass: `spec/fragmenting.md` section 2.
//!
//! Stage 1 is true at one position of 256 and is made so that many positions can be tested at a
//! time, here as the compiler sees fit and in `sieve_x86.rs` by hand; stage 2 decides. All of it is
//! exact integer arithmetic modulo a power of two: whatever way it is computed, the cuts are the
//! same.

use std::ops::Range;

use super::params::Params;
#[cfg(target_arch = "x86_64")]
use super::sieve_x86::Instructions;

/// How many positions stage 1 tests at a time.
pub(super) const STRIDE: usize = 64;
/// How many bytes stage 1 looks at.
const SHORT_WINDOW: usize = 8;
/// How many bytes stage 2 looks at.
const LONG_WINDOW: usize = 32;

/// What stage 1 looks at for [`STRIDE`] lengths.
pub(super) type Window = [u8; STRIDE + SHORT_WINDOW - 1];

/// Both stages with their constants.
#[derive(Debug, Clone)]
pub struct Sieve {
    params: Params,
    /// What this machine has for stage 1.
    #[cfg(target_arch = "x86_64")]
    vector: Option<Instructions>,
}

impl Sieve {
    /// A sieve with these constants.
    pub fn new(params: &Params) -> Self {
        Self {
            params: *params,
            #[cfg(target_arch = "x86_64")]
            vector: Instructions::best(),
        }
    }

    /// The first of `lengths` after which a cut passes both stages, all of `lengths` being at
    /// least 32 and at most the number of `bytes`.
    pub fn first_cut(&self, bytes: &[u8], lengths: Range<usize>, threshold: u64) -> Option<usize> {
        #[cfg(target_arch = "x86_64")]
        if let Some(instructions) = self.vector {
            return instructions.first_cut(self, bytes, lengths, threshold);
        }
        self.first_cut_portable(bytes, lengths, threshold)
    }

    /// The same on any machine.
    pub(super) fn first_cut_portable(
        &self,
        bytes: &[u8],
        lengths: Range<usize>,
        threshold: u64,
    ) -> Option<usize> {
        self.first_cut_by(bytes, lengths, threshold, |window| hits(&self.highs(window)))
    }

    /// The same, stage 1 done by `stage_1`: which of [`STRIDE`] lengths pass it, the first one in
    /// the lowest bit, where the first one's last eight bytes are the first of the window.
    #[expect(clippy::inline_always, reason = "vector instructions are only for who may use them")]
    #[inline(always)]
    pub(super) fn first_cut_by(
        &self,
        bytes: &[u8],
        lengths: Range<usize>,
        threshold: u64,
        stage_1: impl Fn(&Window) -> u64,
    ) -> Option<usize> {
        let mut length = lengths.start;
        // Written so that the compiler sees from each bound that no index can be out of it.
        while length + STRIDE <= lengths.end {
            let mut hits = stage_1(bytes.get(length - SHORT_WINDOW..)?.first_chunk()?);
            while hits != 0 {
                let hit = length + hits.trailing_zeros() as usize;
                if self.folds_below(bytes, hit, threshold) {
                    return Some(hit);
                }
                hits &= hits - 1;
            }
            length += STRIDE;
        }
        (length..lengths.end).find(|&length| {
            self.is_hit(bytes, length) && self.folds_below(bytes, length, threshold)
        })
    }

    /// The constants.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn params(&self) -> &Params {
        &self.params
    }

    /// The high bytes of stage 1's value for [`STRIDE`] lengths, in pairs: zero is a hit.
    #[inline]
    fn highs(&self, window: &Window) -> [u16; STRIDE / 2] {
        // Even and odd lengths are two rows of 16-bit words, side by side in memory; in this form
        // the compiler sees that they are, and uses vector instructions.
        let row = |start: usize| window[start..start + STRIDE].as_chunks::<2>().0;
        let evens = [row(0), row(2), row(4), row(6)];
        let odds = [row(1), row(3), row(5), row(7)];
        let mut highs = [0; STRIDE / 2];
        for (i, high) in highs.iter_mut().enumerate() {
            let even = self.value(evens.map(|row| u16::from_le_bytes(row[i])));
            let odd = self.value(odds.map(|row| u16::from_le_bytes(row[i])));
            *high = (even >> 8) | (odd & 0xff00);
        }
        highs
    }

    /// Stage 1's value of the last eight bytes as four words, the oldest first.
    #[inline]
    fn value(&self, words: [u16; 4]) -> u16 {
        let [k0, k1, k2, k3] = self.params.multipliers;
        words[3]
            .wrapping_mul(k0)
            .wrapping_add(words[2].wrapping_mul(k1))
            .wrapping_add(words[1].wrapping_mul(k2))
            .wrapping_add(words[0].wrapping_mul(k3))
            .wrapping_sub(self.params.offset)
    }

    /// Stage 1 at one place.
    fn is_hit(&self, bytes: &[u8], length: usize) -> bool {
        let Some(window) = bytes.get(..length).and_then(<[u8]>::last_chunk::<SHORT_WINDOW>) else {
            return false;
        };
        let (words, _) = window.as_chunks();
        self.value([0, 1, 2, 3].map(|i| u16::from_le_bytes(words[i]))) < 256
    }

    /// Stage 2: whether the hash of the last 32 bytes is below `threshold`.
    fn folds_below(&self, bytes: &[u8], length: usize, threshold: u64) -> bool {
        let Some(window) = bytes.get(..length).and_then(<[u8]>::last_chunk::<LONG_WINDOW>) else {
            return false;
        };
        let (words, _) = window.as_chunks();
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| u64::from_le_bytes(words[i]));
        let [k0, k1, k2, k3, k4, k5] = self.params.keys;
        fold(fold(a ^ k0, b ^ k1) ^ k4, fold(c ^ k2, d ^ k3) ^ k5) < threshold
    }
}

/// The two halves of the product, by exclusive or.
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
    let low = product as u64;
    low ^ (product >> 64) as u64
}

/// Whether either byte of any pair is zero; without a branch, for the compiler to vectorise.
#[inline]
fn has_zero(pairs: &[u16; STRIDE / 2]) -> bool {
    // The subtraction borrows into the highest bit of a byte that is zero, and of one above it,
    // where the answer is known already.
    let marks = pairs.iter().fold(0, |marks, pair| marks | (pair.wrapping_sub(0x0101) & !pair));
    marks & 0x8080 != 0
}

/// Which bytes are zero, a bit each.
#[inline]
fn hits(pairs: &[u16; STRIDE / 2]) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    /// Brings the lowest bits of eight bytes together in the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    if !has_zero(pairs) {
        return 0;
    }
    let (quads, _) = pairs.as_chunks::<4>();
    quads.iter().rev().fold(0, |hits, &[a, b, c, d]| {
        let word =
            u64::from(a) | (u64::from(b) << 16) | (u64::from(c) << 32) | (u64::from(d) << 48);
        // The highest bit of each byte, set if and only if the byte is zero: no carry crosses.
        let marks = !(((word & LOW) + LOW) | word | LOW);
        (hits << 8) | ((marks >> 7).wrapping_mul(GATHER) >> 56)
    })
}
