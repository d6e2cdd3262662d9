//! Whole inputs, packed and unpacked.

use super::contexts::Kind;
use super::predictor::Predictor;
use super::range_coder::{Decoder, Encoder};
use super::strength::Strength;
use crate::base::{Error, ErrorKind, Result};

/// The longest input: positions are 32 bits.
const RAW_LEN_MAX: usize = u32::MAX as usize;

/// The model for machine code and tables, or for text, of either strength.
type Fast = Predictor<7, 2>;
type Strong = Predictor<15, 4>;

/// The bits of the first packed byte.
const HEAD_TEXT: u8 = 1;
const HEAD_STRONG: u8 = 2;

/// Appends the packed bytes of `input` to `out`.
pub fn encode(strength: Strength, input: &[u8], out: &mut Vec<u8>) {
    assert!(input.len() <= RAW_LEN_MAX, "blocks are far shorter than 4 GiB");
    let kind = Kind::of(input);
    let text = if kind == Kind::Text { HEAD_TEXT } else { 0 };
    match strength {
        Strength::Fast => {
            out.push(text);
            pack(Fast::new(kind, input.len()), input, out);
        }
        Strength::Strong => {
            out.push(text | HEAD_STRONG);
            pack(Strong::new(kind, input.len()), input, out);
        }
    }
}

fn pack<const CONTEXTS: usize, const GROUPS: usize>(
    mut predictor: Predictor<CONTEXTS, GROUPS>,
    input: &[u8],
    out: &mut Vec<u8>,
) {
    let mut encoder = Encoder::new(out);
    for (position, &byte) in input.iter().enumerate() {
        encoder.start(byte);
        predictor.code_byte(&input[..position], &mut encoder);
    }
    encoder.finish();
}

/// Replaces what is in `out` by the `raw_len` bytes that were packed.
pub fn decode(packed: &[u8], raw_len: usize, out: &mut Vec<u8>) -> Result<()> {
    out.clear();
    if raw_len > RAW_LEN_MAX {
        return Err(corrupt("it is longer than a block can be"));
    }
    let Some((&head, packed)) = packed.split_first() else {
        return Err(corrupt("it has no bytes"));
    };
    out.try_reserve_exact(raw_len).map_err(|_| out_of_memory())?;
    let kind = if head & HEAD_TEXT == 0 { Kind::Binary } else { Kind::Text };
    let unpacked = match head & !HEAD_TEXT {
        0 => unpack(Fast::new(kind, raw_len), packed, raw_len, out),
        HEAD_STRONG => unpack(Strong::new(kind, raw_len), packed, raw_len, out),
        _ => Err(corrupt(format_args!("its first byte is {head}"))),
    };
    if unpacked.is_err() {
        out.clear();
    }
    unpacked
}

fn unpack<const CONTEXTS: usize, const GROUPS: usize>(
    mut predictor: Predictor<CONTEXTS, GROUPS>,
    packed: &[u8],
    raw_len: usize,
    out: &mut Vec<u8>,
) -> Result<()> {
    let mut decoder = Decoder::new(packed);
    while out.len() < raw_len && !decoder.is_beyond_end() {
        let byte = predictor.code_byte(out, &mut decoder);
        out.push(byte);
    }
    if decoder.is_at_end() {
        return Ok(());
    }
    Err(corrupt("its end is not where it should be"))
}

fn corrupt(cause: impl std::fmt::Display) -> Error {
    Error::corrupt("cannot unpack a block").because(cause)
}

fn out_of_memory() -> Error {
    Error::new(ErrorKind::Io, "cannot unpack a block").because("out of memory")
}
