//! The numbers by which an archive names its codecs.

use std::fmt;

use crate::base::{Error, ErrorKind, Result};

/// How the bytes of a block are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Codec {
    /// As they are.
    Store = 0,
    /// One zstd frame (RFC 8878) with its content size, without checksum and dictionary.
    Zstd = 1,
    /// One brotli stream (RFC 7932), without the extension for large windows.
    Brotli = 2,
    /// The byte of its properties and one raw LZMA stream with an end marker.
    Lzma = 3,
    /// The byte of its order and one PPMd stream, variant H as in 7-Zip, with an end marker.
    Ppmd = 4,
    /// The stream of [`super::context_mixing`].
    ContextMixing = 5,
}

impl Codec {
    /// The codec with this number in an archive.
    pub fn from_id(id: u8) -> Result<Self> {
        match id {
            0 => Ok(Self::Store),
            1 => Ok(Self::Zstd),
            2 => Ok(Self::Brotli),
            3 => Ok(Self::Lzma),
            4 => Ok(Self::Ppmd),
            5 => Ok(Self::ContextMixing),
            _ => Err(unsupported(id)),
        }
    }

    /// The codec's number in an archive.
    pub const fn id(self) -> u8 {
        self as u8
    }
}

fn unsupported(id: u8) -> Error {
    Error::new(ErrorKind::Unsupported, format!("cannot read data packed with codec {id}"))
        .hint("a newer zarc may be able to")
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Store => "store",
            Self::Zstd => "zstd",
            Self::Brotli => "brotli",
            Self::Lzma => "lzma",
            Self::Ppmd => "ppmd",
            Self::ContextMixing => "cm",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_codecs_are_named() {
        for id in [0, 1, 2, 3, 4, 5] {
            assert_eq!(Codec::from_id(id).unwrap().id(), id);
        }
        for id in [6, 99, 255] {
            let error = Codec::from_id(id).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().ends_with(&format!("codec {id}")), "{error}");
        }
    }
}
