//! `-method` as a value: `LEVEL[BLOCK]` as in the manual, or the codec spelled out.

use std::fmt;

use super::codec::Codec;
use super::content::ContentKind;
use super::context_mixing::Strength;
use super::ppmd_stream;
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

/// Digits that stand for several codecs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByKind {
    /// One codec for all blocks.
    No,
    /// 3: PPMd for text.
    TextApart,
    /// 4: LZMA for machine code, in half the block, for its memory; what resists zstd is tried.
    CodeApart,
    /// 5: what resists zstd is tried, too.
    AllTried,
    /// 4 and 5 where content resists zstd: the strong model saves no more.
    Tried,
}

/// How blocks are compressed, and how large they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    codec: Codec,
    /// How hard the codec tries: 0 where there is no choice.
    level: u8,
    /// Whether this is a digit whose codec depends on the kind of content.
    by_kind: ByKind,
    /// Blocks are of 2 to this power MiB.
    block_exponent: u8,
}

impl Method {
    /// The format has no blocks above 256 MiB.
    const BLOCK_EXPONENT_MAX: u8 = 8;
    /// Of `brotli` alone: 10 and 11 take many times as long.
    const BROTLI_LEVEL: u8 = 9;
    /// Of `lzma` alone, and the way LZMA is used by most.
    const LZMA_LEVEL: u8 = 6;
    /// Order of PPMd: contexts of so many bytes.
    const PPMD_ORDER: u8 = 16;
    /// Levels of the context-mixing codec.
    const CM_FAST: u8 = 1;
    const CM_STRONG: u8 = 2;
    /// Of zstd for what changed, where the codec is one that takes its time.
    const DIFFERENCE_LEVEL: u8 = 12;
    /// From this level of zstd on, matches are looked for in the whole block.
    const LONG_FROM: u8 = 2;
    /// What tells fast whether bytes can be compressed at all.
    pub(super) const PROBE: Self = Self::new(Codec::Zstd, 1, 0);

    /// For pages of entries and fragment records.
    pub const fn metadata() -> Self {
        Self::new(Codec::Zstd, 3, 0)
    }

    /// For pages of entries of an update whose blocks are packed like this.
    #[must_use]
    pub const fn of_entries(self) -> Self {
        match self.codec {
            Codec::ContextMixing => Self::new(Codec::Lzma, Self::LZMA_LEVEL, 0),
            _ => Self::metadata(),
        }
    }

    const fn new(codec: Codec, level: u8, block_exponent: u8) -> Self {
        Self { codec, level, by_kind: ByKind::No, block_exponent }
    }

    /// Reads the value of `-method`: `3`, `26`, `store`, `zstd:12`, `brotli:9,5`, `lzma`, `cm:2`.
    pub fn parse(text: &str) -> Result<Self> {
        let (name, block) = match text.split_once(',') {
            Some((name, block)) => (name, Some(block)),
            None if text.starts_with(|first: char| first.is_ascii_digit()) => {
                let (level, block) = text.split_at(1);
                (level, (!block.is_empty()).then_some(block))
            }
            None => (text, None),
        };
        let method = Self::of_level(name).or_else(|| Self::of_codec(name)).ok_or_else(|| {
            Error::usage(format!("-method {text} is not a method")).because(
                "the right form is LEVEL[SIZE] with LEVEL from 0 to 5, store[,SIZE], \
                 zstd[:N][,SIZE] with N from 1 to 22, brotli[:N][,SIZE] with N from 0 to 11, \
                 lzma[:N][,SIZE] with N from 0 to 9, ppmd[:N][,SIZE] with N from 2 to 32, cm[:N][,SIZE] with N 1 or 2, or i",
            )
        })?;
        match block {
            Some(block) => Ok(Self { block_exponent: Self::parse_block(text, block)?, ..method }),
            None => Ok(method),
        }
    }

    /// What a digit stands for.
    fn of_level(digit: &str) -> Option<Self> {
        let (codec, level, block_exponent, by_kind) = match digit {
            "0" => (Codec::Store, 0, 4, ByKind::No),
            "1" => (Codec::Zstd, 2, 5, ByKind::No),
            "2" => (Codec::Zstd, 7, 6, ByKind::No),
            "3" => (Codec::Lzma, Self::LZMA_LEVEL, 4, ByKind::TextApart),
            "4" => (Codec::ContextMixing, Self::CM_FAST, 5, ByKind::CodeApart),
            "5" => (Codec::ContextMixing, Self::CM_STRONG, 5, ByKind::AllTried),
            _ => return None,
        };
        Some(Self { by_kind, ..Self::new(codec, level, block_exponent) })
    }

    /// What the name of a codec stands for, with or without a level.
    fn of_codec(name: &str) -> Option<Self> {
        let (codec, level) = match name.split_once(':') {
            Some((codec, level)) => (codec, Some(parse_digits(level)?)),
            None => (name, None),
        };
        let (codec, levels, default) = match codec {
            "store" if level.is_none() => (Codec::Store, 0..=0, 0),
            "zstd" => (Codec::Zstd, 1..=22, 3),
            "brotli" => (Codec::Brotli, 0..=11, Self::BROTLI_LEVEL),
            "lzma" => (Codec::Lzma, 0..=9, Self::LZMA_LEVEL),
            "ppmd" => (Codec::Ppmd, 2..=ppmd_stream::ORDER_MAX, Self::PPMD_ORDER),
            "cm" => (Codec::ContextMixing, Self::CM_FAST..=Self::CM_STRONG, Self::CM_STRONG),
            _ => return None,
        };
        let level = level.unwrap_or(default);
        // Larger blocks are for matches far away: the others see no more, or take too much memory.
        let block_exponent = match codec {
            Codec::Zstd if level > 2 => 6,
            Codec::ContextMixing => 5,
            _ => 4,
        };
        levels.contains(&level).then(|| Self::new(codec, level, block_exponent))
    }

    fn parse_block(text: &str, block: &str) -> Result<u8> {
        parse_digits(block).filter(|&exponent| exponent <= Self::BLOCK_EXPONENT_MAX).ok_or_else(
            || {
                Error::usage(format!("-method {text} asks for a block size that there is not"))
                    .because("SIZE is a number from 0 to 8, for blocks of 2^SIZE MiB")
            },
        )
    }

    /// The method for blocks of one kind.
    #[must_use]
    pub const fn of(self, kind: ContentKind) -> Self {
        match (kind, self.by_kind) {
            (ContentKind::Incompressible, ByKind::No | ByKind::TextApart) => self.stored(),
            (ContentKind::Incompressible, _) => {
                Self { level: Self::CM_FAST, by_kind: ByKind::Tried, ..self }
            }
            (ContentKind::Text, ByKind::TextApart) => {
                Self::new(Codec::Ppmd, Self::PPMD_ORDER, self.block_exponent)
            }
            (ContentKind::Executable, ByKind::CodeApart) => {
                let block_exponent = self.block_exponent.saturating_sub(1);
                Self::new(Codec::Lzma, Self::LZMA_LEVEL, block_exponent)
            }
            _ => Self { by_kind: ByKind::No, ..self },
        }
    }

    /// The same block size without compression.
    #[must_use]
    pub const fn stored(self) -> Self {
        Self::new(Codec::Store, 0, self.block_exponent)
    }

    /// How blocks are packed that get smaller by it.
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// The codec's level.
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// How much work context mixing does.
    pub(super) const fn strength(self) -> Strength {
        if self.level == Self::CM_FAST { Strength::Fast } else { Strength::Strong }
    }

    /// How a block is packed as what comes after other bytes, which only zstd can, if size is worth the time.
    pub const fn of_differences(self) -> Option<Self> {
        match self.codec {
            Codec::Zstd => Some(self),
            Codec::Lzma | Codec::Ppmd | Codec::ContextMixing => {
                Some(Self::new(Codec::Zstd, Self::DIFFERENCE_LEVEL, self.block_exponent))
            }
            Codec::Store | Codec::Brotli => None,
        }
    }

    /// How many bytes a block holds at most.
    pub const fn block_bytes(&self) -> usize {
        1 << (20 + self.block_exponent)
    }

    /// The logarithm of the window for long-distance matching, if there is to be any.
    pub(super) fn long_window_log(self) -> Option<u32> {
        (self.codec() == Codec::Zstd && self.level() >= Self::LONG_FROM)
            .then_some(20 + u32::from(self.block_exponent))
    }
}

impl Default for Method {
    /// Between levels 1 and 2.
    fn default() -> Self {
        Self::new(Codec::Zstd, 5, 5)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { codec, level, by_kind, block_exponent } = self;
        match (by_kind, codec) {
            (ByKind::TextApart, _) => write!(f, "3{block_exponent}"),
            (ByKind::CodeApart, _) => write!(f, "4{block_exponent}"),
            (ByKind::AllTried, _) => write!(f, "5{block_exponent}"),
            (_, Codec::Store) => write!(f, "{codec},{block_exponent}"),
            (ByKind::No | ByKind::Tried, _) => write!(f, "{codec}:{level},{block_exponent}"),
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
        let (lzma, cm) = (Codec::Lzma, Codec::ContextMixing);
        for (text, codec, level, mib) in [
            ("0", store, 0, 16),
            ("1", zstd, 2, 32),
            ("14", zstd, 2, 16),
            ("10", zstd, 2, 1),
            ("2", zstd, 7, 64),
            ("25", zstd, 7, 32),
            ("26", zstd, 7, 64),
            ("3", lzma, 6, 16),
            ("4", cm, 1, 32),
            ("5", cm, 2, 32),
            ("58", cm, 2, 256),
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
            ("lzma", lzma, 6, 16),
            ("lzma:0,0", lzma, 0, 1),
            ("lzma:9,8", lzma, 9, 256),
            ("ppmd", Codec::Ppmd, 16, 16),
            ("ppmd:2,8", Codec::Ppmd, 2, 256),
            ("cm", cm, 2, 32),
            ("cm:1,3", cm, 1, 8),
        ] {
            let method = Method::parse(text).unwrap();
            let found = (method.codec(), method.level(), method.block_bytes() >> 20);
            assert_eq!(found, (codec, level, mib), "{text}");
            assert_eq!(Method::parse(&method.to_string()).unwrap(), method);
            assert_eq!(MethodChoice::parse(text).unwrap().of_blocks(), Some(method));
        }
        assert_eq!(Method::parse("zstd:5,5").unwrap(), Method::default());
        let of_text = Method::parse("32").unwrap().of(ContentKind::Text);
        assert_eq!(of_text, Method::parse("ppmd,2").unwrap());
        let of_code = Method::parse("32").unwrap().of(ContentKind::Executable);
        assert_eq!(of_code, Method::parse("lzma,2").unwrap());
        for (level, size, kind, codec) in [
            ("42", "2", ContentKind::Text, "cm:1"),
            ("42", "2", ContentKind::Other, "cm:1"),
            ("42", "1", ContentKind::Executable, "lzma"),
            ("40", "0", ContentKind::Executable, "lzma"),
            ("52", "2", ContentKind::Executable, "cm:2"),
        ] {
            let expected = Method::parse(&format!("{codec},{size}")).unwrap();
            assert_eq!(Method::parse(level).unwrap().of(kind), expected, "{level}");
        }
        let index = MethodChoice::parse("i").unwrap();
        assert_eq!((index, index.of_blocks()), (MethodChoice::Index, None));
        assert_eq!(MethodChoice::parse(&index.to_string()).unwrap(), index);
    }

    #[test]
    fn what_resists_zstd_is_tried_with_the_fast_model_by_slow_levels() {
        for level in ["42", "52"] {
            let tried = Method::parse(level).unwrap().of(ContentKind::Incompressible);
            assert_eq!(tried.to_string(), "cm:1,2", "{level}");
            assert_eq!(tried.of(ContentKind::Incompressible), tried, "{level}");
        }
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
            "lzma:",
            "lzma:10",
            "ppmd:",
            "ppmd:1",
            "ppmd:33",
            "cm:0",
            "cm:3",
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
            for form in [
                "LEVEL[SIZE]",
                "store[,SIZE]",
                "zstd[:N]",
                "brotli[:N]",
                "lzma[:N]",
                "ppmd[:N]",
                "cm[:N]",
                "or i",
            ] {
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
