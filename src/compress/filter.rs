//! Filters: changes that can be undone and that make a block easier to compress.

use std::fmt;

use super::content::ContentKind;
use crate::base::{Error, ErrorKind, Result};

/// What was done to the bytes of a block before they were packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Filter {
    /// Nothing.
    None = 0,
    /// Calls and jumps of x86 code name where they lead to, not how far it is.
    E8e9 = 1,
}

impl Filter {
    /// The filter with this number in an archive.
    pub fn from_id(id: u8) -> Result<Self> {
        match id {
            0 => Ok(Self::None),
            1 => Ok(Self::E8e9),
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                format!("cannot read data behind filter {id}"),
            )
            .hint("a newer zarc may be able to")),
        }
    }

    /// The filter's number in an archive.
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// The one that helps with this kind of content.
    pub const fn of(kind: ContentKind) -> Self {
        match kind {
            ContentKind::Executable => Self::E8e9,
            ContentKind::Text | ContentKind::Incompressible | ContentKind::Other => Self::None,
        }
    }

    /// Changes a block before it is packed.
    pub fn apply(self, block: &mut [u8]) {
        match self {
            Self::None => {}
            Self::E8e9 => distances_to_targets(block),
        }
    }

    /// Brings back the block that [`Self::apply`] changed.
    pub fn undo(self, block: &mut [u8]) {
        match self {
            Self::None => {}
            Self::E8e9 => targets_to_distances(block),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::E8e9 => "e8e9",
        })
    }
}

/// Opcode, and a distance of four bytes, which is below 2^24 in either direction.
const INSTRUCTION_LEN: usize = 5;

/// From front to back: each distance becomes a target. No byte that says whether something is an
/// instruction, its first and its last, is changed at the step that looks at it, so the same steps
/// in the other order lead back.
fn distances_to_targets(block: &mut [u8]) {
    let mut start = 0;
    while let Some(offset) = first_opcode(&block[start..]) {
        let position = start + offset;
        change_instruction(block, position, u32::wrapping_add);
        start = position + 1;
    }
}

/// From back to front: each target becomes a distance again.
fn targets_to_distances(block: &mut [u8]) {
    let mut end = block.len();
    while let Some(position) = last_opcode(&block[..end]) {
        change_instruction(block, position, u32::wrapping_sub);
        end = position;
    }
}

/// Whether a call or a jump may begin with this byte.
fn is_opcode(byte: u8) -> bool {
    byte & 0xfe == 0xe8
}

/// Where the first byte is that an instruction may begin with; eight bytes at a time.
fn first_opcode(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks();
    for (index, word) in words.iter().enumerate() {
        let opcodes = opcodes(*word);
        if opcodes != 0 {
            return Some(index * word.len() + opcodes.trailing_zeros() as usize / 8);
        }
    }
    let found = rest.iter().position(|&byte| is_opcode(byte))?;
    Some(bytes.len() - rest.len() + found)
}

/// The same for the last one.
fn last_opcode(bytes: &[u8]) -> Option<usize> {
    let (rest, words) = bytes.as_rchunks();
    let mut end = bytes.len();
    for word in words.iter().rev() {
        let opcodes = opcodes(*word);
        if opcodes != 0 {
            return Some(end - 1 - opcodes.leading_zeros() as usize / 8);
        }
        end -= word.len();
    }
    rest.iter().rposition(|&byte| is_opcode(byte))
}

/// The highest bit of each byte that an instruction may begin with.
fn opcodes(word: [u8; 8]) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    // Of such a byte nothing is left, and no other one gets its highest bit set by what is below.
    let left = (u64::from_le_bytes(word) & 0xfefe_fefe_fefe_fefe) ^ 0xe8e8_e8e8_e8e8_e8e8;
    !(((left & LOW) + LOW) | left | LOW)
}

/// Combines the lower three bytes of a distance with where its instruction stands.
fn change_instruction(block: &mut [u8], position: usize, combine: fn(u32, u32) -> u32) {
    let Some([_, low @ .., 0x00 | 0xff]) = block.get_mut(position..position + INSTRUCTION_LEN)
    else {
        return;
    };
    let [first, second, third] = low else { return };
    // Positions count modulo 2^24, as distances do.
    #[expect(clippy::cast_possible_truncation, reason = "only the lower 24 bits are used")]
    let target = combine(u32::from_le_bytes([*first, *second, *third, 0]), position as u32);
    [*first, *second, *third, _] = target.to_le_bytes();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_filters_are_named() {
        for filter in [Filter::None, Filter::E8e9] {
            assert_eq!(Filter::from_id(filter.id()).unwrap(), filter);
        }
        for id in [2, 255] {
            let error = Filter::from_id(id).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().ends_with(&format!("filter {id}")), "{error}");
        }
    }

    #[test]
    fn two_calls_of_one_function_look_the_same() {
        let mut block = vec![0x90; 64];
        block[10..15].copy_from_slice(&[0xe8, 85, 0, 0, 0]);
        block[40..45].copy_from_slice(&[0xe9, 55, 0, 0, 0]);
        // Backwards, to before the block: 50 - 60 = -10.
        block[50..55].copy_from_slice(&[0xe8, 0xc4, 0xff, 0xff, 0xff]);
        // Too far away to be a call.
        block[55..60].copy_from_slice(&[0xe8, 1, 2, 3, 4]);
        let before = block.clone();
        Filter::E8e9.apply(&mut block);
        assert_eq!(block[10..15], [0xe8, 95, 0, 0, 0]);
        assert_eq!(block[40..45], [0xe9, 95, 0, 0, 0]);
        assert_eq!(block[50..55], [0xe8, 0xf6, 0xff, 0xff, 0xff]);
        assert_eq!(block[55..], before[55..]);
        Filter::E8e9.undo(&mut block);
        assert_eq!(block, before);
    }

    #[test]
    fn an_opcode_is_found_wherever_it_is() {
        let mut others: Vec<u8> = (0..=255).filter(|&byte| !is_opcode(byte)).collect();
        for _ in 0..10 {
            assert_eq!((first_opcode(&others), last_opcode(&others)), (None, None));
            for position in 0..others.len() {
                let mut bytes = others.clone();
                bytes[position] = 0xe8 + u8::try_from(position % 2).unwrap();
                let found = (first_opcode(&bytes), last_opcode(&bytes));
                assert_eq!(found, (Some(position), Some(position)));
                let (before, from) = bytes.split_at(position);
                assert_eq!((first_opcode(before), last_opcode(before)), (None, None));
                assert_eq!(first_opcode(from), Some(0));
            }
            others.pop();
        }
    }

    /// Bytes in which nearly every place looks like an instruction that overlaps with others.
    #[test]
    fn every_block_comes_back() {
        let mut state = 1_u32;
        for len in 0..2000 {
            let mut block: Vec<u8> = (0..len)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    [0xe8, 0xe9, 0x00, 0xff, 0x01, 0x7f][(state >> 16) as usize % 6]
                })
                .collect();
            let before = block.clone();
            Filter::E8e9.apply(&mut block);
            Filter::E8e9.undo(&mut block);
            assert_eq!(block, before);
        }
    }
}
