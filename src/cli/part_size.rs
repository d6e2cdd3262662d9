//! The value of `-partsize`.

use std::ffi::OsStr;

use crate::base::{Error, Result};
use crate::command::Location;

use super::request::text;

/// The least `-partsize`: smaller parts would hold little but their headers.
const PART_BYTES_MIN: u64 = 1 << 20;

/// The value of `-partsize`, which only parts have.
pub(super) fn part_bytes(typed: &OsStr, archive: &Location) -> Result<u64> {
    if !matches!(archive, Location::Parts(_)) {
        return Err(Error::usage("option -partsize: the archive is not kept in parts")
            .because("only parts are made of such a size")
            .hint("name parts by a pattern, such as 'part??'"));
    }
    let word = text("-partsize", typed)?;
    let (digits, unit) = match word.as_bytes().last() {
        Some(b'k' | b'K') => (&word[..word.len() - 1], 1 << 10),
        Some(b'm' | b'M') => (&word[..word.len() - 1], 1 << 20),
        Some(b'g' | b'G') => (&word[..word.len() - 1], 1 << 30),
        _ => (word, 1),
    };
    let bytes = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit));
    bytes.filter(|&bytes| bytes >= PART_BYTES_MIN).ok_or_else(|| {
        Error::usage(format!("-partsize {}", word.escape_debug()))
            .because("the right form is -partsize BYTES, such as 500M or 2G, and at least 1M")
    })
}
