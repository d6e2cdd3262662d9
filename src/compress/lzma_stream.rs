//! A block as one raw LZMA stream behind the byte of its properties, and back.

use std::io::{Read, Write};

use lzma_rust2::{LzmaOptions, LzmaReader, LzmaWriter};

use super::content::ContentKind;
use super::pack::{out_of_memory, reserved};
use super::unpack::{corrupt, make_room};
use crate::base::{Error, ErrorKind, Result};

/// Dictionaries have at least so many bytes, however short the block is.
const DICTIONARY_BYTES_MIN: usize = 4096;
/// More bits than these for literals would take more tables than they are worth.
const LITERAL_BITS_MAX: u8 = 4;
/// The greatest byte of properties.
const PROPERTIES_MAX: u8 = (4 * 5 + 4) * 9 + 8;
/// After so many bytes it is seen whether the block gets smaller at all.
const STEP_BYTES: usize = 1 << 20;

/// Properties and stream in at most `limit` bytes, or `None` if they would be longer.
pub(super) fn compress(
    raw: &[u8],
    level: u8,
    content: ContentKind,
    limit: usize,
) -> Result<Option<Vec<u8>>> {
    let mut options = LzmaOptions::with_preset(level.into());
    options.dict_size = dictionary_bytes(raw.len()).ok_or_else(out_of_memory)?;
    if content == ContentKind::Text {
        // Characters stand at no even places, and the one before says most.
        (options.lc, options.pb) = (4, 0);
    }
    let mut writer = LzmaWriter::new_no_header(reserved(limit)?, &options, true).map_err(failed)?;
    let properties = writer.props();
    writer.inner_mut().push(properties);
    for step in raw.chunks(STEP_BYTES) {
        writer.write_all(step).map_err(failed)?;
        if writer.inner().len() > limit {
            return Ok(None);
        }
    }
    let mut bytes = writer.finish().map_err(failed)?;
    if bytes.len() > limit {
        return Ok(None);
    }
    bytes.shrink_to_fit();
    Ok(Some(bytes))
}

/// Decompresses into `out`, which is empty: exactly one stream of at most `raw_len` bytes.
pub(super) fn decompress(packed: &[u8], raw_len: usize, out: &mut Vec<u8>) -> Result<()> {
    let Some((&properties, stream)) = packed.split_first() else {
        return Err(corrupt("it has no bytes"));
    };
    let literal_bits = properties % 9 + properties / 9 % 5;
    if properties > PROPERTIES_MAX || literal_bits > LITERAL_BITS_MAX {
        return Err(corrupt(format_args!("LZMA properties {properties}")));
    }
    // A length that is not known: the stream ends at its end marker, and nowhere else.
    let dictionary = dictionary_bytes(raw_len)
        .ok_or_else(|| corrupt(format_args!("no block has {raw_len} bytes")))?;
    let mut reader = LzmaReader::new_with_props(stream, u64::MAX, properties, dictionary, None)
        .map_err(corrupt)?;
    reader.set_relaxed_end_condition(false);
    let mut len = 0;
    loop {
        if len == out.len() {
            if len == raw_len {
                break;
            }
            make_room(out, raw_len)?;
        }
        match reader.read(&mut out[len..]).map_err(corrupt)? {
            0 => break,
            more => len += more,
        }
    }
    if reader.read(&mut [0]).map_err(corrupt)? > 0 {
        return Err(corrupt(format_args!("more than {raw_len} bytes")));
    }
    let (rest, unused) = reader.into_parts();
    let rest = rest.len() + unused.len();
    if rest > 0 {
        return Err(corrupt(format_args!("the LZMA stream ends {rest} bytes before its block")));
    }
    out.truncate(len);
    Ok(())
}

/// All of the block is dictionary: nothing in the packed bytes says how much memory it takes.
fn dictionary_bytes(raw_len: usize) -> Option<u32> {
    u32::try_from(raw_len.max(DICTIONARY_BYTES_MIN)).ok()
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Io, "cannot compress a block").because(error)
}
