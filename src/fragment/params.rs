//! The numbers that the cut rule multiplies with: `spec/fragmenting.md` section 3.

/// The constants of both stages; secret ones keep fragment lengths from telling the content.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Params {
    /// Multipliers of stage 1, all odd: for the last two bytes, for the two before, and so on.
    pub(super) multipliers: [u16; 4],
    /// What stage 1 subtracts.
    pub(super) offset: u16,
    /// Added by exclusive or in stage 2: four for the words of the window, two for their folds.
    pub(super) keys: [u64; 6],
}

impl Params {
    /// How many bytes [`Self::from_bytes`] takes.
    pub const LEN: usize = 58;

    /// Those of plain archives: the first 58 bytes of the fractional part of pi.
    pub const PLAIN: Self = Self {
        multipliers: [0x3f25, 0x886b, 0xa385, 0xd309],
        offset: 0x1913,
        keys: [
            0x09a4_4473_7003_2e8a,
            0x2e08_d031_9f29_2238,
            0x2845_896c_4eec_98fa,
            0x54be_7713_d038_e621,
            0xacc0_6c0c_e934_cf66,
            0x843f_dd50_7cc9_b729,
        ],
    };

    /// From bytes that look random, each number little endian in the order of the fields.
    ///
    /// The lowest bit of the multipliers is set, whatever it was: an even one would be blind
    /// to the highest bit of the bytes it multiplies.
    pub const fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        let (small, large) = bytes.split_at(10);
        let mut keys = [0; 6];
        let mut rest = large;
        let mut i = 0;
        while i < keys.len() {
            let Some((word, tail)) = rest.split_first_chunk() else {
                break;
            };
            keys[i] = u64::from_le_bytes(*word);
            rest = tail;
            i += 1;
        }
        Self {
            multipliers: [
                u16::from_le_bytes([small[0], small[1]]) | 1,
                u16::from_le_bytes([small[2], small[3]]) | 1,
                u16::from_le_bytes([small[4], small[5]]) | 1,
                u16::from_le_bytes([small[6], small[7]]) | 1,
            ],
            offset: u16::from_le_bytes([small[8], small[9]]),
            keys,
        }
    }
}

impl Default for Params {
    fn default() -> Self {
        Self::PLAIN
    }
}

// Without the numbers, which may be secret.
impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Params").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fractional part of pi in hexadecimal.
    const PI: [u8; Params::LEN] = [
        0x24, 0x3f, 0x6a, 0x88, 0x85, 0xa3, 0x08, 0xd3, 0x13, 0x19, 0x8a, 0x2e, 0x03, 0x70, 0x73,
        0x44, 0xa4, 0x09, 0x38, 0x22, 0x29, 0x9f, 0x31, 0xd0, 0x08, 0x2e, 0xfa, 0x98, 0xec, 0x4e,
        0x6c, 0x89, 0x45, 0x28, 0x21, 0xe6, 0x38, 0xd0, 0x13, 0x77, 0xbe, 0x54, 0x66, 0xcf, 0x34,
        0xe9, 0x0c, 0x6c, 0xc0, 0xac, 0x29, 0xb7, 0xc9, 0x7c, 0x50, 0xdd, 0x3f, 0x84,
    ];

    #[test]
    fn the_plain_constants_are_digits_of_pi() {
        let params = Params::from_bytes(&PI);
        assert!(params == Params::PLAIN);
    }
}
