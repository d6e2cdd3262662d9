//! `-method` as a value: `LEVEL[BLOCK]` as in the manual, or the codec spelled out.

use std::fmt;
use std::ops::RangeInclusive;

use crate::base::{Error, ErrorKind, Result};

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
    /// 0 stores, 1 to 22 are those of zstd.
    level: u8,
    /// Blocks are of 2 to this power MiB.
    block_exponent: u8,
}

impl Method {
    /// The format has no blocks above 256 MiB.
    const BLOCK_EXPONENT_MAX: u8 = 8;
    /// The levels of zstd.
    const LEVELS: RangeInclusive<u8> = 1..=22;
    /// From this level of zstd on, matches are looked for in the whole block.
    const LONG_FROM: u8 = 3;
    /// What tells fast whether bytes can be compressed at all.
    pub(super) const PROBE: Self = Self { level: 1, block_exponent: 0 };

    /// For pages of entries and fragment records.
    pub const fn metadata() -> Self {
        Self { level: 3, block_exponent: 0 }
    }

    /// Reads the value of `-method`: `3`, `26`, `store`, `zstd`, `zstd:12`, `zstd:12,6`.
    pub fn parse(text: &str) -> Result<Self> {
        if text == "brotli" || text.starts_with("brotli:") {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("-method {text} is not available yet"),
            ));
        }
        let (name, block) = match text.split_once(',') {
            Some((name, block)) => (name, Some(block)),
            None if text.starts_with(|first: char| first.is_ascii_digit()) => {
                let (level, block) = text.split_at(1);
                (level, (!block.is_empty()).then_some(block))
            }
            None => (text, None),
        };
        let level = Self::parse_level(name).ok_or_else(|| {
            Error::usage(format!("-method {text} is not a method")).because(
                "give a level from 0 to 5, store, zstd, zstd:LEVEL with a level from 1 to 22, or i",
            )
        })?;
        let block_exponent = match block {
            Some(block) => Self::parse_block(text, block)?,
            None => Self::block_exponent_default(level),
        };
        Ok(Self { level, block_exponent })
    }

    /// The level of zstd, 0 for no compression.
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// How many bytes a block holds at most.
    pub const fn block_bytes(&self) -> usize {
        1 << (20 + self.block_exponent)
    }

    /// The logarithm of the window for long-distance matching, if there is to be any.
    pub(super) fn long_window_log(self) -> Option<u32> {
        (self.level >= Self::LONG_FROM).then_some(20 + u32::from(self.block_exponent))
    }

    /// The level of zstd that a level's digit or a codec's name stands for.
    fn parse_level(name: &str) -> Option<u8> {
        match name {
            "0" | "store" => Some(0),
            "1" => Some(1),
            "2" | "zstd" => Some(3),
            "3" => Some(9),
            "4" => Some(16),
            "5" => Some(19),
            _ => {
                let digits = name.strip_prefix("zstd:")?;
                let level = parse_digits(digits)?;
                Self::LEVELS.contains(&level).then_some(level)
            }
        }
    }

    fn parse_block(text: &str, block: &str) -> Result<u8> {
        parse_digits(block).filter(|&exponent| exponent <= Self::BLOCK_EXPONENT_MAX).ok_or_else(
            || {
                Error::usage(format!("-method {text} asks for a block size that there is not"))
                    .because("after the level stands a number from 0 to 8, for blocks of 2^N MiB")
            },
        )
    }

    const fn block_exponent_default(level: u8) -> u8 {
        if level < Self::LONG_FROM { 4 } else { 6 }
    }
}

impl Default for Method {
    /// Most of the gain of long-distance matching for half of the memory of level 2.
    fn default() -> Self {
        Self { level: 3, block_exponent: 5 }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            0 => f.write_str("store")?,
            level => write!(f, "zstd:{level}")?,
        }
        write!(f, ",{}", self.block_exponent)
    }
}

/// A small decimal number of digits only.
fn parse_digits(text: &str) -> Option<u8> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_method_is_read() {
        for (text, level, mib) in [
            ("0", 0, 16),
            ("1", 1, 16),
            ("14", 1, 16),
            ("10", 1, 1),
            ("2", 3, 64),
            ("25", 3, 32),
            ("26", 3, 64),
            ("3", 9, 64),
            ("4", 16, 64),
            ("5", 19, 64),
            ("58", 19, 256),
            ("store", 0, 16),
            ("store,0", 0, 1),
            ("zstd", 3, 64),
            ("zstd,2", 3, 4),
            ("zstd:1", 1, 16),
            ("zstd:12", 12, 64),
            ("zstd:22,8", 22, 256),
        ] {
            let method = Method::parse(text).unwrap();
            assert_eq!((method.level(), method.block_bytes() >> 20), (level, mib), "{text}");
            assert_eq!(Method::parse(&method.to_string()).unwrap(), method);
        }
        assert_eq!(Method::parse("25").unwrap(), Method::default());
        assert_eq!(MethodChoice::parse("i").unwrap(), MethodChoice::Index);
        let choice = MethodChoice::parse("25").unwrap();
        assert_eq!(choice.of_blocks(), Some(Method::default()));
        assert_eq!(
            (choice.to_string().as_str(), MethodChoice::Index.of_blocks()),
            ("zstd:3,5", None)
        );
    }

    #[test]
    fn what_is_no_method_is_refused_with_its_kind() {
        for text in
            ["", "6", "9", "19", "211", "1x", "1-", "-1", "+1", "zstd:", "zstd:0", "zstd:23"]
                .into_iter()
                .chain([
                    "i", "zstd:+3", "zstd:3,", "zstd:3,9", "zstd:300", "store:1", "lzma", "Store",
                    "é",
                ])
        {
            assert_eq!(Method::parse(text).unwrap_err().kind(), ErrorKind::Usage, "{text}");
        }
        for text in ["brotli", "brotli:9", "brotli:9,4"] {
            let error = Method::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
