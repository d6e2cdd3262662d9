//! Finds where the current fragment ends, as its bytes arrive: `spec/fragmenting.md` section 2.
//!
//! Invariant: no length below `tested` is a cut of the current fragment, so that no byte is
//! looked at twice however small the pieces are in which a file is read.

use super::params::Params;
use super::sieve::Sieve;
use super::sizes::Sizes;

/// Cuts one file after the other into fragments.
#[derive(Debug, Clone)]
pub struct Fragmenter {
    sizes: Sizes,
    sieve: Sieve,
    /// Stage 2 cuts below this before the average length.
    threshold_before: u64,
    /// Stage 2 cuts below this from the average length on.
    threshold_after: u64,
    /// The first length of the current fragment that was not tested yet.
    tested: usize,
}

impl Fragmenter {
    /// Cuts as `-fragment exponent` says, in a plain archive; refuses exponents above 18.
    pub fn new(exponent: u8) -> Option<Self> {
        Self::with_params(exponent, &Params::PLAIN)
    }

    /// Cuts with other constants than those of plain archives.
    pub fn with_params(exponent: u8, params: &Params) -> Option<Self> {
        let sizes = Sizes::for_exponent(exponent)?;
        // One test of 256 reaches stage 2, and one of `average - min` bytes shall be a cut.
        let even = (256_u128 << 64) / (sizes.average - sizes.min) as u128;
        let saturated = |threshold: u128| u64::try_from(threshold).unwrap_or(u64::MAX);
        Some(Self {
            sizes,
            sieve: Sieve::new(params),
            threshold_before: saturated(even * 2 / 5),
            threshold_after: saturated(even * 4),
            tested: 0,
        })
    }

    /// The bounds of a fragment's length.
    pub fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// The length of the current fragment, or `None` when that takes more bytes to tell.
    ///
    /// `bytes` begins with the first byte of the fragment and holds all that was read from there
    /// on; `is_last` says that the file ends with them. After `Some` the next call is about the
    /// next fragment. Without bytes there is no fragment.
    pub fn cut(&mut self, bytes: &[u8], is_last: bool) -> Option<usize> {
        let is_whole = is_last && bytes.len() <= self.sizes.min;
        let found = if is_whole { None } else { self.find(bytes) };
        let cut = found.or_else(|| (is_last && !bytes.is_empty()).then_some(bytes.len()));
        self.tested = if cut.is_some() { 0 } else { bytes.len().saturating_add(1) };
        cut
    }

    /// Forgets the current fragment, when a file is given up before its end.
    pub fn restart(&mut self) {
        self.tested = 0;
    }

    /// Looks for a cut that the bytes decide, whatever follows them.
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        let Sizes { min, average, max } = self.sizes;
        // The greatest length is a cut without any test.
        let end = bytes.len().saturating_add(1).min(max);
        let start = self.tested.max(min);
        self.sieve
            .first_cut(bytes, start..end.min(average), self.threshold_before)
            .or_else(|| self.sieve.first_cut(bytes, start.max(average)..end, self.threshold_after))
            .or_else(|| (bytes.len() >= max).then_some(max))
    }
}
