//! `-method` as a value.

use crate::base::{Error, Result};

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Method(u8);

impl Method {
    /// Reads the argument of `-method`.
    pub fn parse(text: &str) -> Result<Self> {
        let level = text.bytes().next();
        let size = text
            .get(1..)
            .map(|digits| (digits.is_empty(), digits.parse::<u8>()));
        match (level, size) {
            (Some(b'0'..=b'5'), Some((true, _) | (_, Ok(0..=11)))) => Ok(Self(14)),
            _ => Err(Error::usage(format!(
                "-method {text}: the right form is LEVEL[SIZE]"
            ))),
        }
    }
}
