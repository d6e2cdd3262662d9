//! The header of a zstd frame (RFC 8878, section 3.1.1.1): what it asks for, before it gets it.

/// What a frame claims about itself.
#[derive(Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// How many bytes its content has, if it says so.
    pub content_len: Option<u64>,
    /// How many bytes back a match may lie.
    pub window_bytes: u64,
    /// Whether it names a dictionary.
    pub has_dictionary: bool,
}

impl FrameHeader {
    const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();

    /// Reads the header at the front of `frame`, or `None` if there is none.
    pub fn parse(frame: &[u8]) -> Option<Self> {
        let (&descriptor, rest) = frame.strip_prefix(&Self::MAGIC)?.split_first()?;
        let is_single_segment = descriptor & 0x20 != 0;
        if descriptor & 0x08 != 0 {
            return None;
        }
        let (window, rest) = if is_single_segment {
            (None, rest)
        } else {
            rest.split_first().map(|(&b, r)| (Some(b), r))?
        };
        let (dictionary, rest) =
            rest.split_at_checked([0, 1, 2, 4][usize::from(descriptor & 3)])?;
        let content_field_len = match (descriptor >> 6, is_single_segment) {
            (0, false) => 0,
            (0, true) => 1,
            (1, _) => 2,
            (2, _) => 4,
            _ => 8,
        };
        let (field, _) = rest.split_at_checked(content_field_len)?;
        let number = little_endian(field);
        let content_len = match content_field_len {
            0 => None,
            2 => Some(number + 256),
            _ => Some(number),
        };
        let window_bytes = match window {
            Some(byte) => {
                let base = 1_u64 << (10 + (byte >> 3));
                base + base / 8 * u64::from(byte & 7)
            }
            None => number,
        };
        Some(Self { content_len, window_bytes, has_dictionary: little_endian(dictionary) != 0 })
    }
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| (number << 8) | u64::from(byte))
}
