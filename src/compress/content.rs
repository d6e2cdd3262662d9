//! What kind of bytes a file begins with: blocks are made of one kind.
//!
//! A guess that costs little; a wrong one costs compression or time, never data.

use super::magic::Magic;
use super::method::Method;
use super::pack::compress;

/// What a block or a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContentKind {
    /// Words for people or compilers.
    Text,
    /// Machine code for x86, in ELF, PE or Mach-O.
    Executable,
    /// Compressed, encrypted or random bytes.
    Incompressible,
    /// Anything else.
    Other,
}

impl ContentKind {
    /// More of a file than this many bytes need not be shown to [`Self::of`].
    pub const SAMPLE_LEN: usize = 64 * 1024;
    /// Shorter files are not worth more than a look at their bytes.
    const PROBE_FROM: usize = 512;
    /// How many bytes of a place are looked at.
    const PIECE_LEN: usize = 4096;

    /// A word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Executable => "executable",
            Self::Incompressible => "incompressible",
            Self::Other => "other",
        }
    }

    /// The kind of a file that begins with `sample`.
    pub fn of(sample: &[u8]) -> Self {
        let sample = &sample[..sample.len().min(Self::SAMPLE_LEN)];
        let magic = Magic::of(sample);
        if magic == Magic::Executable {
            return Self::Executable;
        }
        if is_text(&sample[..sample.len().min(Self::PIECE_LEN)]) {
            return Self::Text;
        }
        if sample.len() >= Self::PROBE_FROM && is_incompressible(sample, magic) {
            return Self::Incompressible;
        }
        Self::Other
    }
}

/// Whether nearly all bytes are characters, in UTF-8 or in an eight-bit code.
fn is_text(bytes: &[u8]) -> bool {
    let is_control = |byte: u8| {
        byte == 0x7f || (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b))
    };
    let controls = bytes.iter().filter(|&&byte| is_control(byte)).count();
    if bytes.is_empty() || controls * 64 > bytes.len() {
        return false;
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        // A character that the end of the sample cuts in two.
        Err(error) if error.error_len().is_none() => true,
        Err(_) => bytes.iter().filter(|byte| !byte.is_ascii()).count() * 4 < bytes.len(),
    }
}

/// Whether no place that is looked at would shrink by a fiftieth.
fn is_incompressible(sample: &[u8], magic: Magic) -> bool {
    // Behind the headers at the front; in the middle and at the end, if there are such places.
    let len = ContentKind::PIECE_LEN.min(sample.len() / 2);
    let middle = (sample.len() - len) / 2;
    let last = sample.len() - len;
    let places = if sample.len() >= 8 * len { &[middle, last][..] } else { &[last] };
    places.iter().all(|&start| {
        let piece = &sample[start..start + len];
        (magic == Magic::Compressed || is_evenly_spread(piece)) && resists_zstd(piece)
    })
}

/// Whether all byte values are about equally frequent: more than about 7.5 bits of order-0
/// entropy (Rényi's of second order, which is exact in integers and never above Shannon's).
fn is_evenly_spread(piece: &[u8]) -> bool {
    let mut counts = [0_u32; 256];
    for &byte in piece {
        counts[usize::from(byte)] += 1;
    }
    // Random bytes give n + n²/256 on average; up to n²/256 * √2 is half a bit off.
    let pairs: u64 = counts.iter().map(|&count| u64::from(count) * u64::from(count)).sum();
    let len = piece.len() as u64;
    pairs.saturating_sub(len) * 256 * 100 < len * len * 141
}

/// Whether zstd, at its fastest, saves less than a fiftieth.
fn resists_zstd(piece: &[u8]) -> bool {
    matches!(compress(piece, Method::PROBE, piece.len() - piece.len() / 50), Ok(None))
}
