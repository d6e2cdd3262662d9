//! Blocks come back, whatever the bytes are: a block of the length that was said, or an error.
//!
//! Nothing in the packed bytes decides how much memory is taken; the caller does, by `raw_len`. A
//! window and tables come on top where the codec does not decode in place: less than 32 MB, with LZMA
//! as much as the block has, with PPMd twelve times that up to 192 MiB, with context mixing what its strength takes.

use std::cell::RefCell;

use zstd::zstd_safe::{DCtx, find_frame_compressed_size, get_error_name};

use super::brotli_stream;
use super::codec::Codec;
use super::context_mixing;
use super::frame_header::FrameHeader;
use super::lzma_stream;
use super::pack::out_of_memory;
use super::ppmd_stream;
use crate::base::{Error, Result};

/// The greatest window of a frame: that of the greatest block.
const WINDOW_BYTES_MAX: u64 = 1 << 28;
/// The allocator of glibc keeps what it gets back up to this size, for each thread.
const KEPT_BY_ALLOCATOR: usize = 32 << 20;
/// So many bytes are made room for at first, whatever a stream will turn out to hold.
const FIRST_BYTES: usize = 64 * 1024;

/// Replaces what is in `out` by the block that was packed, which has exactly `raw_len` bytes.
pub fn unpack(codec: Codec, packed: &[u8], raw_len: usize, out: &mut Vec<u8>) -> Result<()> {
    unpack_after(&[], codec, packed, raw_len, out)
}

/// The same for a block that was packed as what comes after `prefix`.
pub fn unpack_after(
    prefix: &[u8],
    codec: Codec,
    packed: &[u8],
    raw_len: usize,
    out: &mut Vec<u8>,
) -> Result<()> {
    out.clear();
    let unpacked = match codec {
        Codec::Zstd => check_frame(packed, raw_len)
            .and_then(|()| reserve(out, returned_room(raw_len)))
            .and_then(|()| decompress(prefix, packed, out)),
        _ if !prefix.is_empty() => {
            Err(corrupt(format_args!("{codec} does not know of base blocks")))
        }
        Codec::Store => copy(packed, raw_len, out),
        Codec::Brotli => brotli_stream::decompress(packed, raw_len, out),
        Codec::Lzma => lzma_stream::decompress(packed, raw_len, out),
        Codec::Ppmd => ppmd_stream::decompress(packed, raw_len, out),
        Codec::ContextMixing => context_mixing::decode(packed, raw_len, out),
    };
    let len = out.len();
    if unpacked.is_err() || len != raw_len {
        out.clear();
    }
    unpacked?;
    if len == raw_len {
        return Ok(());
    }
    Err(corrupt(format_args!("{len} bytes, {raw_len} expected")))
}

fn copy(packed: &[u8], raw_len: usize, out: &mut Vec<u8>) -> Result<()> {
    if packed.len() != raw_len {
        return Err(corrupt(format_args!("{} bytes, {raw_len} expected", packed.len())));
    }
    reserve(out, raw_len)?;
    out.extend_from_slice(packed);
    Ok(())
}

/// Fails unless `packed` is one whole frame that claims to hold `raw_len` bytes.
fn check_frame(packed: &[u8], raw_len: usize) -> Result<()> {
    let header = FrameHeader::parse(packed).ok_or_else(|| corrupt("no zstd frame"))?;
    if header.has_dictionary {
        return Err(corrupt("the zstd frame wants a dictionary"));
    }
    if header.window_bytes > WINDOW_BYTES_MAX {
        return Err(corrupt(format_args!("a window of {} bytes", header.window_bytes)));
    }
    if header.content_len != Some(raw_len as u64) {
        let said = header.content_len.map_or("no length".to_owned(), |len| format!("{len} bytes"));
        return Err(corrupt(format_args!("{said} in the zstd frame, {raw_len} expected")));
    }
    match find_frame_compressed_size(packed) {
        Ok(len) if len == packed.len() => Ok(()),
        Ok(len) => Err(corrupt(format_args!("the zstd frame ends after {len} bytes"))),
        Err(code) => Err(corrupt(get_error_name(code))),
    }
}

/// Decompresses into the room that `out` has.
fn decompress(prefix: &[u8], packed: &[u8], out: &mut Vec<u8>) -> Result<()> {
    thread_local! {
        static CONTEXT: RefCell<Option<DCtx<'static>>> = const { RefCell::new(None) };
    }
    if !prefix.is_empty() {
        // A context must not outlive its prefix, so it is a new one.
        let mut context = DCtx::try_create().ok_or_else(out_of_memory)?;
        context.ref_prefix(prefix).map_err(|code| corrupt(get_error_name(code)))?;
        return decompress_with(&mut context, packed, out);
    }
    CONTEXT.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = DCtx::try_create();
        }
        let context = slot.as_mut().ok_or_else(out_of_memory)?;
        decompress_with(context, packed, out)
    })
}

fn decompress_with(context: &mut DCtx<'_>, packed: &[u8], out: &mut Vec<u8>) -> Result<()> {
    context.decompress(out, packed).map_err(|code| corrupt(get_error_name(code)))?;
    Ok(())
}

/// Twice the room, up to `raw_len` bytes: what a stream does not hold is not allocated for it.
pub(super) fn make_room(out: &mut Vec<u8>, raw_len: usize) -> Result<()> {
    let len = out.capacity().max(2 * out.len()).max(FIRST_BYTES).min(raw_len);
    reserve(out, len - out.len())?;
    out.resize(len, 0);
    Ok(())
}

/// How much room is asked for where a block of `len` bytes is to be: large ones get more than the allocator
/// keeps, so that the memory goes back to the system with them. What is not used of it is no memory.
fn returned_room(len: usize) -> usize {
    if len > KEPT_BY_ALLOCATOR / 4 { len.max(KEPT_BY_ALLOCATOR + 1) } else { len }
}

fn reserve(out: &mut Vec<u8>, len: usize) -> Result<()> {
    out.try_reserve_exact(len).map_err(|_| out_of_memory())
}

pub(super) fn corrupt(cause: impl std::fmt::Display) -> Error {
    Error::corrupt("cannot unpack a block").because(cause)
}
