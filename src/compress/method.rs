//! `-method` as a value: `LEVEL[BLOCK]` as in the manual, or the codec spelled out.

use std::fmt;
use std::ops::RangeInclusive;

use super::codec::Codec;
use crate::base::{Error, Result};

/// What `-method` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MethodChoice {
    /// No data is kept: the archive is an index.
    Index,
    /// Data is kept in blocks.
    Data(Method),
}

impl MethodChoice {
    /// Reads the value of `-method`: `i`, or what [`Method::parse`] reads.
    pub fn parse(text: &str) -> Result<Self> {
        if text == "i" { Ok(Self::Index) } else { Method::parse(text).map(Self::Data) }
    }

    /// How blocks are compressed, if data is kept.
    pub const fn of_blocks(self) -> Option<Method> {
        match self {
            Self::Index => None,
            Self::Data(method) => Some(method),
        }
    }
}

impl fmt::Display for MethodChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index => f.write_str("i"),
            Self::Data(method) => method.fmt(f),
        }
    }
}

/// How blocks are compressed, and how large they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    codec: Codec,
    /// That of the codec; 0 for none.
    level: u8,
    /// Blocks are of 2 to this power MiB.
    block_exponent: u8,
}

impl Method {
    /// The format has no blocks above 256 MiB.
    const BLOCK_EXPONENT_MAX: u8 = 8;
    const ZSTD_LEVELS: RangeInclusive<u8> = 1..=22;
    const BROTLI_LEVELS: RangeInclusive<u8> = 0..=11;
    /// Of `brotli` alone: 10 and 11 take many times as long.
    const BROTLI_LEVEL: u8 = 9;
    /// That of zstd which `1` stands for: blocks of 16 MiB do for it.
    const FAST: u8 = 2;
    /// From this level of zstd on, matches are looked for in the whole block.
    const LONG_FROM: u8 = 2;
    /// What tells fast whether bytes can be compressed at all.
    pub(super) const PROBE: Self = Self::zstd(1, 0);

    /// For pages of entries and fragment records.
    pub const fn metadata() -> Self {
        Self::zstd(3, 0)
    }

    const fn zstd(level: u8, block_exponent: u8) -> Self {
        Self { codec: Codec::Zstd, level, block_exponent }
    }

    /// Reads the value of `-method`: `3`, `26`, `store`, `zstd`, `zstd:12`, `brotli:9,5`.
    pub fn parse(text: &str) -> Result<Self> {
        let (name, block) = match text.split_once(',') {
            Some((name, block)) => (name, Some(block)),
            None if text.starts_with(|first: char| first.is_ascii_digit()) => {
                let (level, block) = text.split_at(1);
                (level, (!block.is_empty()).then_some(block))
            }
            None => (text, None),
        };
        let (codec, level) = Self::parse_level(name).ok_or_else(|| {
            Error::usage(format!("-method {text} is not a method")).because(
                "the right form is LEVEL[SIZE] with LEVEL from 0 to 5, store[,SIZE], \
                 zstd[:N][,SIZE] with N from 1 to 22, brotli[:N][,SIZE] with N from 0 to 11, or i",
            )
        })?;
        let block_exponent = match block {
            Some(block) => Self::parse_block(text, block)?,
            None => Self::block_exponent_default(codec, level),
        };
        Ok(Self { codec, level, block_exponent })
    }

    /// The same block size without compression.
    #[must_use]
    pub const fn stored(self) -> Self {
        Self { codec: Codec::Store, level: 0, ..self }
    }

    /// How blocks are packed that get smaller by it.
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// The codec's level.
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// Whether a block can be packed as what comes after other bytes.
    pub fn takes_prefix(&self) -> bool {
        self.codec == Codec::Zstd
    }

    /// How many bytes a block holds at most.
    pub const fn block_bytes(&self) -> usize {
        1 << (20 + self.block_exponent)
    }

    /// The logarithm of the window for long-distance matching, if there is to be any.
    pub(super) fn long_window_log(self) -> Option<u32> {
        (self.codec == Codec::Zstd && self.level >= Self::LONG_FROM)
            .then_some(20 + u32::from(self.block_exponent))
    }

    /// The codec and its level that a level's digit or a codec's name stands for.
    fn parse_level(name: &str) -> Option<(Codec, u8)> {
        let zstd = match name {
            "0" | "store" => return Some((Codec::Store, 0)),
            "brotli" => return Some((Codec::Brotli, Self::BROTLI_LEVEL)),
            "1" => Self::FAST,
            "zstd" => 3,
            "2" => 5,
            "3" => 9,
            "4" => 16,
            "5" => 19,
            _ => {
                let (codec, level) = name.split_once(':')?;
                let (codec, levels) = match codec {
                    "zstd" => (Codec::Zstd, Self::ZSTD_LEVELS),
                    "brotli" => (Codec::Brotli, Self::BROTLI_LEVELS),
                    _ => return None,
                };
                let level = parse_digits(level).filter(|level| levels.contains(level))?;
                return Some((codec, level));
            }
        };
        Some((Codec::Zstd, zstd))
    }

    fn parse_block(text: &str, block: &str) -> Result<u8> {
        parse_digits(block).filter(|&exponent| exponent <= Self::BLOCK_EXPONENT_MAX).ok_or_else(
            || {
                Error::usage(format!("-method {text} asks for a block size that there is not"))
                    .because("SIZE is a number from 0 to 8, for blocks of 2^SIZE MiB")
            },
        )
    }

    const fn block_exponent_default(codec: Codec, level: u8) -> u8 {
        match codec {
            Codec::Zstd if level > Self::FAST => 6,
            // The window of brotli sees no more than 16 MiB.
            Codec::Store | Codec::Zstd | Codec::Brotli => 4,
        }
    }
}

impl Default for Method {
    /// Level 2 with half of its memory.
    fn default() -> Self {
        Self::zstd(5, 5)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { codec, level, block_exponent } = self;
        match codec {
            Codec::Store => write!(f, "{codec},{block_exponent}"),
            Codec::Zstd | Codec::Brotli => write!(f, "{codec}:{level},{block_exponent}"),
        }
    }
}

/// A small decimal number of digits only.
fn parse_digits(text: &str) -> Option<u8> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ErrorKind;

    #[test]
    fn every_form_of_a_method_is_read() {
        let (store, zstd, brotli) = (Codec::Store, Codec::Zstd, Codec::Brotli);
        for (text, codec, level, mib) in [
            ("0", store, 0, 16),
            ("1", zstd, 2, 16),
            ("14", zstd, 2, 16),
            ("10", zstd, 2, 1),
            ("2", zstd, 5, 64),
            ("25", zstd, 5, 32),
            ("26", zstd, 5, 64),
            ("3", zstd, 9, 64),
            ("4", zstd, 16, 64),
            ("5", zstd, 19, 64),
            ("58", zstd, 19, 256),
            ("store", store, 0, 16),
            ("store,0", store, 0, 1),
            ("zstd", zstd, 3, 64),
            ("zstd,2", zstd, 3, 4),
            ("zstd:1", zstd, 1, 16),
            ("zstd:12", zstd, 12, 64),
            ("zstd:22,8", zstd, 22, 256),
            ("brotli", brotli, 9, 16),
            ("brotli,0", brotli, 9, 1),
            ("brotli:0", brotli, 0, 16),
            ("brotli:9,5", brotli, 9, 32),
            ("brotli:11,8", brotli, 11, 256),
        ] {
            let method = Method::parse(text).unwrap();
            let found = (method.codec(), method.level(), method.block_bytes() >> 20);
            assert_eq!(found, (codec, level, mib), "{text}");
            assert_eq!(Method::parse(&method.to_string()).unwrap(), method);
            assert_eq!(MethodChoice::parse(text).unwrap().of_blocks(), Some(method));
        }
        assert_eq!(Method::parse("25").unwrap(), Method::default());
        let index = MethodChoice::parse("i").unwrap();
        assert_eq!((index, index.of_blocks()), (MethodChoice::Index, None));
        assert_eq!(MethodChoice::parse(&index.to_string()).unwrap(), index);
    }

    #[test]
    fn what_is_no_method_is_refused_with_the_right_forms() {
        for text in [
            "",
            "6",
            "9",
            "-1",
            "+1",
            "zstd:",
            "zstd:0",
            "zstd:23",
            "zstd:+3",
            "zstd:300",
            "store:1",
            "lzma",
            "lzma:1",
            "Store",
            "é",
            "brotli:",
            "brotli:12",
            "brotli:-1",
            "brotli9",
            "brotli:a",
            "ii",
            "i5",
            "i,5",
            "I",
        ] {
            let error = MethodChoice::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
            let told = error.to_string();
            assert!(told.starts_with(&format!("-method {text} is not a method")), "{told}");
            for form in ["LEVEL[SIZE]", "store[,SIZE]", "zstd[:N]", "brotli[:N]", "or i"] {
                assert!(told.contains(form), "{told}");
            }
        }
        for text in
            ["19", "1x", "1-", "211", "zstd:3,", "zstd:3,9", "brotli:3,+1", "brotli,x", "store,9"]
        {
            let told = MethodChoice::parse(text).unwrap_err().to_string();
            assert!(told.contains(text) && told.contains("from 0 to 8"), "{told}");
        }
    }
}
