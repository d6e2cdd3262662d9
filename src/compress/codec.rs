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
}

impl Codec {
    /// The codec with this number in an archive.
    pub fn from_id(id: u8) -> Result<Self> {
        match id {
            0 => Ok(Self::Store),
            1 => Ok(Self::Zstd),
            2 => Err(unsupported("codec 2 (brotli)")),
            _ => Err(unsupported(&format!("codec {id}"))),
        }
    }

    /// The codec's number in an archive.
    pub const fn id(self) -> u8 {
        self as u8
    }
}

fn unsupported(name: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("cannot read data packed with {name}"))
        .hint("a newer zarc may be able to")
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Store => "store",
            Self::Zstd => "zstd",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_codecs_are_named() {
        for id in 0..=1 {
            assert_eq!(Codec::from_id(id).unwrap().id(), id);
        }
        for (id, name) in [(2, "codec 2 (brotli)"), (3, "codec 3"), (255, "codec 255")] {
            let error = Codec::from_id(id).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().ends_with(name), "{error}");
        }
    }
}
