//! A block as one brotli stream (RFC 7932), and back.
//!
//! No large windows, which are an extension: every brotli decoder reads these streams.

use brotli::enc::StandardAlloc;
use brotli::enc::encode::{BrotliEncoderOperation, BrotliEncoderStateStruct};
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};

use super::pack::reserved;
use super::unpack::{corrupt, make_room};
use crate::base::{Error, ErrorKind, Result};

/// The greatest window of RFC 7932 has 2 to this power bytes, less 16.
const WINDOW_BITS_MAX: i32 = 24;
/// Smaller windows would save nothing worth having.
const WINDOW_BITS_MIN: i32 = 16;

/// One stream of at most `limit` bytes, or `None` if it would be longer.
pub(super) fn compress(raw: &[u8], level: u8, limit: usize) -> Result<Option<Vec<u8>>> {
    let mut bytes = reserved(limit)?;
    bytes.resize(limit, 0);
    let mut encoder = BrotliEncoderStateStruct::new(StandardAlloc::default());
    encoder.params.quality = i32::from(level);
    encoder.params.lgwin = window_bits(raw.len());
    encoder.params.size_hint = raw.len();
    let (mut raw_left, mut raw_offset) = (raw.len(), 0);
    let (mut room_left, mut len) = (limit, 0);
    let is_done = encoder.compress_stream(
        BrotliEncoderOperation::BROTLI_OPERATION_FINISH,
        &mut raw_left,
        raw,
        &mut raw_offset,
        &mut room_left,
        &mut bytes,
        &mut len,
        &mut None,
        &mut |_, _, _, _| (),
    );
    if is_done && encoder.is_finished() {
        bytes.truncate(len);
        bytes.shrink_to_fit();
        return Ok(Some(bytes));
    }
    if is_done && room_left == 0 {
        return Ok(None);
    }
    Err(Error::new(ErrorKind::Io, "cannot compress a block").because("brotli gave it up"))
}

/// The window that sees all of a block, if there is one.
fn window_bits(raw_len: usize) -> i32 {
    let sees_all = |bits: &i32| (1 << *bits) - 16 >= raw_len;
    (WINDOW_BITS_MIN..WINDOW_BITS_MAX).find(sees_all).unwrap_or(WINDOW_BITS_MAX)
}

/// Decompresses into `out`, which is empty: exactly one stream of at most `raw_len` bytes.
pub(super) fn decompress(packed: &[u8], raw_len: usize, out: &mut Vec<u8>) -> Result<()> {
    let alloc = StandardAlloc::default();
    let mut decoder = BrotliState::new_strict(alloc, alloc, alloc);
    let (mut packed_left, mut packed_offset) = (packed.len(), 0);
    let (mut len, mut total) = (0, 0);
    loop {
        if len == out.len() {
            make_room(out, raw_len)?;
        }
        let mut room_left = out.len() - len;
        let result = BrotliDecompressStream(
            &mut packed_left,
            &mut packed_offset,
            packed,
            &mut room_left,
            &mut len,
            out,
            &mut total,
            &mut decoder,
        );
        match result {
            BrotliResult::ResultSuccess => break,
            BrotliResult::NeedsMoreOutput if len < raw_len => {}
            BrotliResult::NeedsMoreOutput => {
                return Err(corrupt(format_args!("more than {raw_len} bytes")));
            }
            BrotliResult::NeedsMoreInput => {
                return Err(corrupt("the brotli stream ends too early"));
            }
            BrotliResult::ResultFailure => return Err(corrupt("no brotli stream")),
        }
    }
    if packed_left > 0 {
        return Err(corrupt(format_args!("the brotli stream ends after {packed_offset} bytes")));
    }
    out.truncate(len);
    Ok(())
}
