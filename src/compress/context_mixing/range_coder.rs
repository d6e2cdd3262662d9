//! An arithmetic coder of bits, and what the predictor asks of either direction.

/// Codes the bits of one byte after the other; a probability is that of a one, in units of 2^-16.
pub(super) trait BitCoder {
    /// Writes the next bit of the byte or reads it.
    fn code(&mut self, probability: u32) -> u32;

    /// Writes or reads a bit that says whether the byte is the expected one.
    fn code_whole(&mut self, probability: u32, expected: u8) -> bool;
}

/// The value at which a range is split, within it.
#[inline]
fn split(low: u32, high: u32, probability: u32) -> u32 {
    low + ((u64::from(high - low) * u64::from(probability)) >> 16) as u32
}

/// Writes bits.
pub(super) struct Encoder<'a> {
    low: u32,
    high: u32,
    byte: u32,
    out: &'a mut Vec<u8>,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { low: 0, high: u32::MAX, byte: 0, out }
    }

    /// Says which byte the next eight bits are.
    #[inline]
    pub(super) fn start(&mut self, byte: u8) {
        self.byte = u32::from(byte) << 24;
    }

    #[inline]
    fn put(&mut self, bit: bool, probability: u32) {
        let middle = split(self.low, self.high, probability);
        if bit {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
        while (self.low ^ self.high) >> 24 == 0 {
            self.out.push((self.high >> 24) as u8);
            self.low <<= 8;
            self.high = self.high << 8 | 255;
        }
    }

    /// Writes the end of the last range.
    pub(super) fn finish(self) {
        self.out.extend_from_slice(&self.high.to_be_bytes());
    }
}

impl BitCoder for Encoder<'_> {
    #[inline]
    fn code(&mut self, probability: u32) -> u32 {
        let bit = self.byte >> 31;
        self.byte <<= 1;
        self.put(bit == 1, probability);
        bit
    }

    #[inline]
    fn code_whole(&mut self, probability: u32, expected: u8) -> bool {
        let is_expected = self.byte >> 24 == u32::from(expected);
        self.put(is_expected, probability);
        is_expected
    }
}

/// Reads bits; behind the end of the bytes there are zeros.
pub(super) struct Decoder<'a> {
    low: u32,
    high: u32,
    value: u32,
    packed: &'a [u8],
    position: usize,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(packed: &'a [u8]) -> Self {
        let mut decoder = Self { low: 0, high: u32::MAX, value: 0, packed, position: 0 };
        for _ in 0..4 {
            decoder.shift();
        }
        decoder
    }

    #[inline]
    fn shift(&mut self) {
        let byte = self.packed.get(self.position).copied().unwrap_or(0);
        self.value = self.value << 8 | u32::from(byte);
        self.position += 1;
    }

    /// Whether more bytes were read than there are.
    #[inline]
    pub(super) fn is_beyond_end(&self) -> bool {
        self.position > self.packed.len()
    }

    /// Whether the last bytes read were the last there are, and those of [`Encoder::finish`].
    pub(super) fn is_at_end(&self) -> bool {
        self.position == self.packed.len() && self.value == self.high
    }
}

impl BitCoder for Decoder<'_> {
    #[inline]
    fn code(&mut self, probability: u32) -> u32 {
        let middle = split(self.low, self.high, probability);
        let bit = u32::from(self.value <= middle);
        if bit == 1 {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
        while (self.low ^ self.high) >> 24 == 0 {
            self.low <<= 8;
            self.high = self.high << 8 | 255;
            self.shift();
        }
        bit
    }

    #[inline]
    fn code_whole(&mut self, probability: u32, _expected: u8) -> bool {
        self.code(probability) == 1
    }
}
