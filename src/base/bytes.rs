//! Little-endian integers, varints and bounded byte strings, as `spec/format.md` section 2 has them.

use super::error::{Error, Result};

/// Reads fields from bytes of unknown origin; every length is checked before use.
#[derive(Debug, Clone)]
pub struct ByteReader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> ByteReader<'a> {
    /// Reads from `bytes`; `what` names the structure in errors ("entry page").
    pub fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// An error that names the structure being read.
    pub fn corrupt(&self, cause: impl std::fmt::Display) -> Error {
        Error::corrupt(format!("{} is malformed", self.what)).because(cause)
    }

    /// The next `len` bytes.
    #[inline]
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8]> {
        let Some((head, tail)) = self.rest.split_at_checked(len) else {
            return Err(
                self.corrupt(format_args!("{len} bytes wanted, {} are left", self.rest.len()))
            );
        };
        self.rest = tail;
        Ok(head)
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.bytes(N)?;
        bytes.try_into().map_err(|_| self.corrupt("short array"))
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    /// Two bytes, little endian.
    pub fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// Four bytes, little endian.
    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Eight bytes, little endian.
    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Eight bytes, little endian, two's complement.
    pub fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    /// An unsigned LEB128 integer in its shortest form.
    #[inline]
    pub fn varint(&mut self) -> Result<u64> {
        // Most have one byte.
        if let [byte @ 0..=0x7f, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        if let [low @ 0x80..=0xff, high @ 1..=0x7f, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(u64::from(*high) << 7 | u64::from(*low & 0x7f));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let low = u64::from(byte & 0x7f);
            if shift == 63 && low > 1 {
                return Err(self.corrupt("an integer above 64 bits"));
            }
            value |= low << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift != 0 {
                    return Err(self.corrupt("an integer not in its shortest form"));
                }
                return Ok(value);
            }
        }
        Err(self.corrupt("an integer above 64 bits"))
    }

    /// A varint that must not exceed `limit`; `name` is the field in the error.
    #[inline]
    pub fn varint_at_most(&mut self, limit: u64, name: &str) -> Result<u64> {
        let value = self.varint()?;
        if value > limit {
            return Err(self.corrupt(format_args!("{name} is {value}, above the limit {limit}")));
        }
        Ok(value)
    }

    /// A signed varint (zigzag).
    pub fn signed_varint(&mut self) -> Result<i64> {
        let raw = self.varint()?;
        Ok((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()))
    }

    /// A byte string with its length before it, at most `limit` bytes long.
    #[inline]
    pub fn byte_string(&mut self, limit: usize, name: &str) -> Result<&'a [u8]> {
        let len = self.varint_at_most(limit as u64, name)?;
        // A value not above a usize fits into one.
        self.bytes(usize::try_from(len).unwrap_or(usize::MAX))
    }

    /// Fails unless all bytes were read.
    pub fn finish(self) -> Result<()> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.corrupt(format_args!("{} bytes too many", self.rest.len())))
        }
    }

    /// Fails unless what was not read is padding.
    pub fn finish_padded(self) -> Result<()> {
        if self.rest.iter().all(|&byte| byte == 0) {
            Ok(())
        } else {
            Err(self.corrupt("its padding is not zero"))
        }
    }
}

/// Builds the bytes that [`ByteReader`] reads.
#[derive(Debug, Default, Clone)]
pub struct ByteWriter {
    bytes: Vec<u8>,
}

impl ByteWriter {
    /// An empty writer.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty writer with room for so many bytes.
    pub fn with_capacity(len: usize) -> Self {
        Self { bytes: Vec::with_capacity(len) }
    }

    /// The bytes so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Ends writing.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    /// Two bytes, little endian.
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Four bytes, little endian.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Eight bytes, little endian.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Eight bytes, little endian, two's complement.
    pub fn i64(&mut self, value: i64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// An unsigned LEB128 integer in its shortest form.
    pub fn varint(&mut self, mut value: u64) -> &mut Self {
        while value >= 0x80 {
            self.bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push((value & 0x7f) as u8);
        self
    }

    /// A signed varint (zigzag).
    pub fn signed_varint(&mut self, value: i64) -> &mut Self {
        self.varint(((value << 1) ^ (value >> 63)).cast_unsigned())
    }

    /// A byte string with its length before it.
    pub fn byte_string(&mut self, bytes: &[u8]) -> &mut Self {
        self.varint(bytes.len() as u64).bytes(bytes)
    }

    /// Zero bytes up to the length `len`.
    pub fn pad_to(&mut self, len: usize) -> &mut Self {
        assert!(self.bytes.len() <= len, "a structure is longer than its place");
        self.bytes.resize(len, 0);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_come_back_in_their_shortest_form_only() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut writer = ByteWriter::new();
            writer.varint(value).signed_varint(value.cast_signed());
            let mut reader = ByteReader::new(writer.as_bytes(), "test");
            assert_eq!(reader.varint().unwrap(), value);
            assert_eq!(reader.signed_varint().unwrap(), value.cast_signed());
            reader.finish().unwrap();
        }
        for overlong in [&[0x80, 0x00][..], &[0xff; 10][..], &[0x80]] {
            assert!(ByteReader::new(overlong, "test").varint().is_err());
        }
    }
}
