//! Blocks become fewer bytes.
//!
//! The same block, method and kind of content give the same bytes, whichever thread packs them.

use std::borrow::Cow;
use std::cell::RefCell;

use zstd::zstd_safe::{CCtx, CParameter, ErrorCode, ResetDirective, get_error_name};

use super::brotli_stream;
use super::codec::Codec;
use super::content::ContentKind;
use super::context_mixing::{self, Strength};
use super::lzma_stream;
use super::method::Method;
use super::ppmd_stream;
use crate::base::{Error, ErrorKind, Result};

/// A block as it goes into the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed<'a> {
    /// How to get the block back.
    pub codec: Codec,
    /// Never more than the block has; the block itself if it is stored.
    pub bytes: Cow<'a, [u8]>,
}

/// Packs one block; stores it when its content cannot be compressed, or turns out not to be.
pub fn pack<'a>(raw: &'a [u8], method: &Method, content: ContentKind) -> Result<Packed<'a>> {
    pack_after(&[], raw, method, content)
}

/// Packs one block as what comes after `prefix`, of which it may repeat parts. Whoever unpacks it
/// needs the same prefix, if the codec is zstd.
pub fn pack_after<'a>(
    prefix: &[u8],
    raw: &'a [u8],
    method: &Method,
    content: ContentKind,
) -> Result<Packed<'a>> {
    let method = method.of(content);
    let codec = method.codec();
    // Room for less than the block: not getting smaller ends the attempt.
    let limit = raw.len().saturating_sub(1);
    let smaller = match codec {
        Codec::Store => None,
        Codec::Zstd if prefix.is_empty() => compress(raw, method, limit)?,
        Codec::Zstd => compress_after(prefix, raw, method, limit)?,
        Codec::Brotli => brotli_stream::compress(raw, method.level(), limit)?,
        Codec::Lzma => lzma_stream::compress(raw, method.level(), content, limit)?,
        Codec::Ppmd => ppmd_stream::compress(raw, method.level(), limit)?,
        Codec::ContextMixing if content == ContentKind::Incompressible && !gains(raw) => None,
        Codec::ContextMixing => mix(raw, method.strength(), limit),
    };
    Ok(match smaller {
        Some(bytes) => Packed { codec, bytes: Cow::Owned(bytes) },
        None => Packed { codec: Codec::Store, bytes: Cow::Borrowed(raw) },
    })
}

/// How many pieces of a block are tried, and how long they are.
const PIECES: usize = 8;
const PIECE_LEN: usize = 16 << 10;

/// Whether the fast model saves a 128th of pieces from all over a block that resists zstd: of pictures
/// it does, of what an archiver packed it does not.
fn gains(raw: &[u8]) -> bool {
    let distance = raw.len().div_ceil(PIECES).max(PIECE_LEN);
    let pieces = raw.chunks(distance).map(|piece| &piece[..piece.len().min(PIECE_LEN)]);
    let sample = pieces.collect::<Vec<_>>().concat();
    mix(&sample, Strength::Fast, sample.len() - sample.len() / 128).is_some()
}

/// The stream of the context-mixing codec, or `None` if it would have more than `limit` bytes.
fn mix(raw: &[u8], strength: Strength, limit: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    context_mixing::encode(strength, raw, &mut bytes);
    bytes.shrink_to_fit();
    (bytes.len() <= limit).then_some(bytes)
}

/// One zstd frame of at most `limit` bytes, or `None` if it would be longer.
pub(super) fn compress(raw: &[u8], method: Method, limit: usize) -> Result<Option<Vec<u8>>> {
    thread_local! {
        /// Allocated once for each thread; its parameters are set anew for each block.
        static CONTEXT: RefCell<Option<CCtx<'static>>> = const { RefCell::new(None) };
    }
    CONTEXT.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = CCtx::try_create();
        }
        let context = slot.as_mut().ok_or_else(out_of_memory)?;
        prepare(context, method, method.long_window_log()).map_err(zstd_error)?;
        few_distant_matches(context).map_err(zstd_error)?;
        let compressed = compress_with(context, raw, limit);
        if compressed.is_err() {
            // What state a failed context is in is not worth knowing.
            *slot = None;
        }
        compressed
    })
}

/// The same with matches in `prefix` too.
fn compress_after(
    prefix: &[u8],
    raw: &[u8],
    method: Method,
    limit: usize,
) -> Result<Option<Vec<u8>>> {
    // A context must not outlive its prefix, so it is a new one.
    let mut context = CCtx::try_create().ok_or_else(out_of_memory)?;
    let window_log = (prefix.len() + raw.len()).next_power_of_two().ilog2();
    let window_log = window_log.clamp(WINDOW_LOG_MIN, WINDOW_LOG_MAX);
    prepare(&mut context, method, Some(window_log)).map_err(zstd_error)?;
    context.ref_prefix(prefix).map_err(zstd_error)?;
    compress_with(&mut context, raw, limit)
}

fn compress_with(context: &mut CCtx<'_>, raw: &[u8], limit: usize) -> Result<Option<Vec<u8>>> {
    let mut bytes = reserved(limit)?;
    match context.compress2(&mut bytes, raw) {
        // `reserved` may have given more room than asked for.
        Ok(len) if len <= limit => {
            bytes.shrink_to_fit();
            Ok(Some(bytes))
        }
        Ok(_) => Ok(None),
        Err(code) if get_error_name(code) == TOO_SMALL => Ok(None),
        Err(code) => Err(zstd_error(code)),
    }
}

/// How zstd calls output that does not fit.
const TOO_SMALL: &str = "Destination buffer is too small";

/// What a window may be: zstd has none below, and the format none above.
const WINDOW_LOG_MIN: u32 = 10;
const WINDOW_LOG_MAX: u32 = 28;

/// Sets every parameter that the frame depends on, and forgets those of the block before.
fn prepare(
    context: &mut CCtx<'_>,
    method: Method,
    long_window_log: Option<u32>,
) -> std::result::Result<(), ErrorCode> {
    context.reset(ResetDirective::SessionAndParameters)?;
    context.set_parameter(CParameter::CompressionLevel(method.level().into()))?;
    context.set_parameter(CParameter::ContentSizeFlag(true))?;
    context.set_parameter(CParameter::ChecksumFlag(false))?;
    if let Some(window_log) = long_window_log {
        context.set_parameter(CParameter::EnableLongDistanceMatching(true))?;
        context.set_parameter(CParameter::WindowLog(window_log))?;
    }
    Ok(())
}

/// Long-distance matching takes one place of 128 into its table and looks at two candidates there: less than half of
/// the work for nearly all of the matches (decision 27). After a prefix its defaults stay, since what changed
/// between versions is found there.
fn few_distant_matches(context: &mut CCtx<'_>) -> std::result::Result<(), ErrorCode> {
    context.set_parameter(CParameter::LdmHashRateLog(7))?;
    context.set_parameter(CParameter::LdmBucketSizeLog(1))?;
    Ok(())
}

/// Room for `len` bytes, or an error where there is no memory.
pub(super) fn reserved(len: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| out_of_memory())?;
    Ok(bytes)
}

pub(super) fn out_of_memory() -> Error {
    Error::new(ErrorKind::Io, "not enough memory for a block")
        .hint("a smaller block size needs less: -method 14, or fewer -threads")
}

fn zstd_error(code: ErrorCode) -> Error {
    Error::new(ErrorKind::Io, "cannot compress a block").because(get_error_name(code))
}
