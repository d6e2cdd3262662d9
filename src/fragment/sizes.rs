//! How long fragments are, from the number of `-fragment`: `spec/fragmenting.md` section 1.

/// The bounds of a fragment's length in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// No fragment is shorter, but the last of a file.
    pub min: usize,
    /// What the mean tends to.
    pub average: usize,
    /// No fragment is longer.
    pub max: usize,
}

impl Sizes {
    /// The exponent when `-fragment` is not given.
    pub const EXPONENT_DEFAULT: u8 = 6;
    /// The greatest exponent: its longest fragment, 254 MiB, is the last that fits into the
    /// largest block of the format, 2^28 bytes.
    pub const EXPONENT_MAX: u8 = 15;

    /// The sizes of `-fragment exponent`, unless that is above [`Self::EXPONENT_MAX`].
    pub const fn for_exponent(exponent: u8) -> Option<Self> {
        if exponent > Self::EXPONENT_MAX {
            return None;
        }
        Some(Self { min: 64 << exponent, average: 1024 << exponent, max: 8128 << exponent })
    }
}

const _: () = assert!(8128_u64 << Sizes::EXPONENT_MAX <= 1 << 28);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_s_numbers_hold() {
        let default = Sizes::for_exponent(Sizes::EXPONENT_DEFAULT);
        assert_eq!(default, Some(Sizes { min: 4096, average: 65_536, max: 520_192 }));
        assert_eq!(Sizes::for_exponent(0), Some(Sizes { min: 64, average: 1024, max: 8128 }));
        assert!(Sizes::for_exponent(15).is_some());
        assert_eq!(Sizes::for_exponent(19), None);
        assert_eq!(Sizes::for_exponent(255), None);
    }
}
