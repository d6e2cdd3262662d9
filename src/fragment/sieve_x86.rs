//! Stage 1 of the cut rule in vector instructions of x86-64: the one file of this crate with
//! `unsafe` in it.
//!
//! Two things here the compiler cannot check. A function for instructions that not every processor
//! has may be called only where they are: an [`Instructions`] is made by [`Instructions::all`] alone,
//! which asks the processor. And a vector is loaded through a pointer: to a reference to an array of
//! the vector's length, so to as many bytes as are read; no alignment is asked for.
#![expect(unsafe_code, reason = "argued above, at each place, and tested against the portable way")]

use std::arch::x86_64::{
    __m256i, __m512i, _mm256_add_epi16, _mm256_blendv_epi8, _mm256_cmpeq_epi16, _mm256_loadu_si256,
    _mm256_movemask_epi8, _mm256_mullo_epi16, _mm256_or_si256, _mm256_set1_epi16,
    _mm256_setzero_si256, _mm256_srli_epi16, _mm256_sub_epi16, _mm256_testz_si256,
    _mm512_add_epi16, _mm512_cmplt_epu16_mask, _mm512_loadu_si512, _mm512_mullo_epi16,
    _mm512_set1_epi16, _mm512_sub_epi16, _pdep_u64,
};
use std::ops::Range;

use super::params::Params;
use super::sieve::{STRIDE, Sieve, Window};

/// Instructions that this processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instructions(Set);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Avx2,
    Avx512,
}

impl Instructions {
    /// The widest ones.
    pub(super) fn best() -> Option<Self> {
        Self::all().next_back()
    }

    /// All that can be used here.
    pub(super) fn all() -> impl DoubleEndedIterator<Item = Self> {
        let has_avx512 = is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("bmi2");
        let sets = [(Set::Avx2, is_x86_feature_detected!("avx2")), (Set::Avx512, has_avx512)];
        sets.into_iter().filter(|(_, is_there)| *is_there).map(|(set, _)| Self(set))
    }

    /// What [`Sieve::first_cut`] finds.
    pub(super) fn first_cut(
        self,
        sieve: &Sieve,
        bytes: &[u8],
        lengths: Range<usize>,
        threshold: u64,
    ) -> Option<usize> {
        match self.0 {
            // SAFETY: the processor was found to have AVX2 when `self` was made.
            Set::Avx2 => unsafe { first_cut_avx2(sieve, bytes, lengths, threshold) },
            // SAFETY: the processor was found to have AVX-512BW and BMI2 when `self` was made.
            Set::Avx512 => unsafe { first_cut_avx512(sieve, bytes, lengths, threshold) },
        }
    }
}

#[target_feature(enable = "avx2")]
fn first_cut_avx2(
    sieve: &Sieve,
    bytes: &[u8],
    lengths: Range<usize>,
    threshold: u64,
) -> Option<usize> {
    let Params { multipliers, offset, .. } = sieve.params();
    let multipliers = multipliers.map(|k| _mm256_set1_epi16(k.cast_signed()));
    let offset = _mm256_set1_epi16(offset.cast_signed());
    // All ones in each word whose high byte is zero in stage 1's value.
    let passes = |window: &Window, start: usize| {
        let product = |row: usize| {
            let words = load_256(window, start + row);
            _mm256_mullo_epi16(words, multipliers[3 - row / 2])
        };
        let newer = _mm256_add_epi16(product(6), product(4));
        let older = _mm256_add_epi16(product(2), product(0));
        let value = _mm256_sub_epi16(_mm256_add_epi16(newer, older), offset);
        _mm256_cmpeq_epi16(_mm256_srli_epi16::<8>(value), _mm256_setzero_si256())
    };
    sieve.first_cut_by(bytes, lengths, threshold, |window| {
        let (evens, odds) =
            ([0, 32].map(|half| passes(window, half)), [1, 33].map(|half| passes(window, half)));
        let any =
            _mm256_or_si256(_mm256_or_si256(evens[0], odds[0]), _mm256_or_si256(evens[1], odds[1]));
        if _mm256_testz_si256(any, any) != 0 {
            return 0;
        }
        // An even length is the lower byte of its pair.
        let lower = _mm256_set1_epi16(0xff);
        let bits = |half: usize| {
            let bytes = _mm256_blendv_epi8(odds[half], evens[half], lower);
            u64::from(_mm256_movemask_epi8(bytes).cast_unsigned())
        };
        bits(0) | (bits(1) << 32)
    })
}

#[target_feature(enable = "avx512bw,bmi2")]
fn first_cut_avx512(
    sieve: &Sieve,
    bytes: &[u8],
    lengths: Range<usize>,
    threshold: u64,
) -> Option<usize> {
    const EVENS: u64 = 0x5555_5555_5555_5555;
    let Params { multipliers, offset, .. } = sieve.params();
    let multipliers = multipliers.map(|k| _mm512_set1_epi16(k.cast_signed()));
    let offset = _mm512_set1_epi16(offset.cast_signed());
    let bound = _mm512_set1_epi16(256);
    let passes = |window: &Window, start: usize| {
        let product = |row: usize| {
            let words = load_512(window, start + row);
            _mm512_mullo_epi16(words, multipliers[3 - row / 2])
        };
        let newer = _mm512_add_epi16(product(6), product(4));
        let older = _mm512_add_epi16(product(2), product(0));
        let value = _mm512_sub_epi16(_mm512_add_epi16(newer, older), offset);
        u64::from(_mm512_cmplt_epu16_mask(value, bound))
    };
    sieve.first_cut_by(bytes, lengths, threshold, |window| {
        let (evens, odds) = (passes(window, 0), passes(window, 1));
        if evens | odds == 0 {
            return 0;
        }
        _pdep_u64(evens, EVENS) | _pdep_u64(odds, EVENS << 1)
    })
}

/// The 32 bytes of a window from `start` on.
#[inline]
#[target_feature(enable = "avx2")]
fn load_256(window: &Window, start: usize) -> __m256i {
    let bytes: &[u8; 32] = window[start..].first_chunk().expect("a window has two rows of halves");
    // SAFETY: the pointer is that of a reference to 32 bytes.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// The 64 bytes of a window from `start` on.
#[inline]
#[target_feature(enable = "avx512f")]
fn load_512(window: &Window, start: usize) -> __m512i {
    let bytes: &[u8; STRIDE] = window[start..].first_chunk().expect("a window has two rows");
    // SAFETY: the pointer is that of a reference to 64 bytes.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every way finds the same cut from each length on.
    fn all_agree(params: &Params, bytes: &[u8], lengths: Range<usize>, threshold: u64) {
        let sieve = Sieve::new(params);
        let mut rest = lengths;
        loop {
            let found = sieve.first_cut_portable(bytes, rest.clone(), threshold);
            for instructions in Instructions::all() {
                let vectors = instructions.first_cut(&sieve, bytes, rest.clone(), threshold);
                assert_eq!(vectors, found, "{instructions:?} {rest:?} {threshold:#x}");
            }
            let Some(found) = found else { return };
            rest.start = found + 1;
        }
    }

    /// Content of all sorts: random, of few letters, periodic, constant.
    fn content() -> impl Strategy<Value = Vec<u8>> {
        let letters = prop_oneof![
            Just(b"ACGT".to_vec()),
            Just(vec![0]),
            Just(vec![0, 255]),
            Just((0..=255).collect::<Vec<u8>>()),
        ];
        let random =
            (letters, prop::collection::vec(any::<u8>(), 0..2000)).prop_map(|(letters, bytes)| {
                bytes.iter().map(|&b| letters[usize::from(b) % letters.len()]).collect()
            });
        let periodic = (prop::collection::vec(any::<u8>(), 1..70), 0..2000_usize)
            .prop_map(|(period, len)| period.iter().copied().cycle().take(len).collect());
        prop_oneof![random, periodic]
    }

    fn constants() -> impl Strategy<Value = Params> {
        let keyed = prop::collection::vec(any::<u8>(), Params::LEN).prop_map(|bytes| {
            Params::from_bytes(bytes.as_slice().try_into().expect("as long as was asked for"))
        });
        // With all zeros, and an offset of nothing, constant content passes everywhere.
        let zero = Params::from_bytes(&[0; Params::LEN]);
        prop_oneof![Just(Params::PLAIN), Just(zero), keyed]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn vectors_cut_where_the_portable_way_does(
            params in constants(),
            bytes in content(),
            // Where the slice starts decides how vectors are aligned.
            skipped in 0..64_usize,
            first in 32..200_usize,
            spared in 0..130_usize,
            threshold in prop_oneof![Just(0), Just(u64::MAX), any::<u64>()],
        ) {
            let bytes = bytes.get(skipped..).unwrap_or_default();
            let end = (bytes.len() + 1).saturating_sub(spared);
            if first < end {
                all_agree(&params, bytes, first..end, threshold);
            }
        }
    }

    #[test]
    fn vectors_agree_where_every_length_or_none_passes() {
        // Multipliers of 1 and an offset of nothing: zeros pass stage 1 everywhere, ones nowhere.
        let params = Params::from_bytes(&[0; Params::LEN]);
        for byte in [0, 1, 255] {
            for len in 32..300 {
                all_agree(&params, &vec![byte; len], 32..len + 1, u64::MAX);
            }
        }
    }
}
