//! `-method` as a value.
#![allow(missing_docs)]
use crate::base::{Error, Result};
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Method;
impl Method {
    pub fn metadata() -> Self {
        Self
    }
    pub fn block_bytes(&self) -> usize {
        16 << 20
    }
    pub fn parse(_t: &str) -> Result<Self> {
        Ok(Self)
    }
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    Store = 0,
    Zstd = 1,
}
impl Codec {
    pub fn from_id(id: u8) -> Result<Self> {
        match id {
            0 => Ok(Self::Store),
            1 => Ok(Self::Zstd),
            _ => Err(Error::corrupt("codec")),
        }
    }
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentKind {
    Text,
    Executable,
    Incompressible,
    Other,
}
impl ContentKind {
    pub fn of(_s: &[u8]) -> Self {
        Self::Other
    }
}
pub struct Packed {
    pub codec: Codec,
    pub bytes: Vec<u8>,
}
pub fn pack(raw: &[u8], _m: &Method, _k: ContentKind) -> Result<Packed> {
    let b = zstd::bulk::compress(raw, 3).map_err(|e| Error::io("zstd", e))?;
    Ok(if b.len() < raw.len() {
        Packed { codec: Codec::Zstd, bytes: b }
    } else {
        Packed { codec: Codec::Store, bytes: raw.to_vec() }
    })
}
pub fn unpack(c: Codec, p: &[u8], n: usize, out: &mut Vec<u8>) -> Result<()> {
    *out = if c == Codec::Store {
        p.to_vec()
    } else {
        zstd::bulk::decompress(p, n).map_err(|e| Error::corrupt("zstd").because(e))?
    };
    if out.len() == n { Ok(()) } else { Err(Error::corrupt("len")) }
}
