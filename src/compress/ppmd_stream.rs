//! A block as one PPMd stream behind the byte of its order, and back: variant H with the range coder of 7-Zip.
//!
//! It predicts each byte from those before it, which suits text; it takes as long to unpack as to pack.

use std::io::{Read, Write};

use ppmd_rust::{PPMD7_MIN_ORDER, Ppmd7Decoder, Ppmd7Encoder};

use super::pack::reserved;
use super::unpack::{corrupt, make_room};
use crate::base::{Error, ErrorKind, Result};

/// Higher orders gain nothing.
pub(super) const ORDER_MAX: u8 = 32;
/// The model has so many bytes of memory for each byte of the block: it is forgotten when they are full.
const MEMORY_EACH: usize = 12;
const MEMORY_MIN: usize = 1 << 20;
const MEMORY_MAX: usize = 192 << 20;
/// After so many bytes it is seen whether the block gets smaller at all.
const STEP_BYTES: usize = 1 << 20;

/// Order and stream in at most `limit` bytes, or `None` if they would be longer.
pub(super) fn compress(raw: &[u8], order: u8, limit: usize) -> Result<Option<Vec<u8>>> {
    let mut bytes = reserved(limit)?;
    bytes.push(order);
    let memory = memory_bytes(raw.len());
    let mut encoder = Ppmd7Encoder::new(bytes, order.into(), memory).map_err(failed)?;
    for step in raw.chunks(STEP_BYTES) {
        encoder.write_all(step).map_err(failed)?;
        if encoder.get_ref().len() > limit {
            return Ok(None);
        }
    }
    let mut bytes = encoder.finish(true).map_err(failed)?;
    if bytes.len() > limit {
        return Ok(None);
    }
    bytes.shrink_to_fit();
    Ok(Some(bytes))
}

/// The stream; remembers whether more was asked for than there is.
struct Stream<'a> {
    rest: &'a [u8],
    is_cut: bool,
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.is_cut |= buffer.len() > self.rest.len();
        self.rest.read(buffer)
    }
}

/// Decompresses into `out`, which is empty: exactly one stream of `raw_len` bytes.
pub(super) fn decompress(packed: &[u8], raw_len: usize, out: &mut Vec<u8>) -> Result<()> {
    let Some((&order, stream)) = packed.split_first() else {
        return Err(corrupt("it has no bytes"));
    };
    if u32::from(order) < PPMD7_MIN_ORDER || order > ORDER_MAX {
        return Err(corrupt(format_args!("PPMd of order {order}")));
    }
    let stream = Stream { rest: stream, is_cut: false };
    let mut decoder =
        Ppmd7Decoder::new(stream, order.into(), memory_bytes(raw_len)).map_err(corrupt)?;
    let mut len = 0;
    while len < raw_len {
        if len == out.len() {
            make_room(out, raw_len)?;
        }
        match decoder.read(&mut out[len..]).map_err(corrupt)? {
            0 => break,
            more => len += more,
        }
    }
    out.truncate(len);
    if decoder.read(&mut [0]).map_err(corrupt)? > 0 {
        return Err(corrupt(format_args!("more than {raw_len} bytes")));
    }
    let Stream { rest, is_cut } = decoder.into_inner();
    if is_cut || !rest.is_empty() {
        return Err(corrupt("the PPMd stream does not end with its block"));
    }
    Ok(())
}

/// Nothing in the packed bytes says how much memory the model takes.
fn memory_bytes(raw_len: usize) -> u32 {
    let bytes = raw_len.saturating_mul(MEMORY_EACH).clamp(MEMORY_MIN, MEMORY_MAX);
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Io, "cannot compress a block").because(error)
}
