//! The histories of many contexts in a table of fixed size: fifteen bytes for each context and half
//! byte, four such slots to a line of the cache.

/// The histories of the fifteen nodes of four bits, behind a byte that is another's.
pub(super) type Slot = [u8; 16];

/// How long a line of the cache is, and the histories of a slot in it.
const LINE_BYTES: usize = 64;
const HISTORIES: usize = 15;

/// Four check bytes, then four slots of fifteen bytes each: fetched together.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; LINE_BYTES]);

/// Where a slot lies.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    line: u32,
    slot: u32,
}

/// Slots by hash; where there is no room, one is given up whose first history is the shortest.
pub(super) struct HistoryTable {
    lines: Vec<Line>,
    shift: u32,
}

impl HistoryTable {
    /// A table of `2^line_bits` lines.
    pub(super) fn new(line_bits: u32) -> Self {
        Self { lines: vec![Line([0; LINE_BYTES]); 1 << line_bits], shift: 32 - line_bits }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.lines.as_slice())
    }

    /// The line of a hash.
    #[inline]
    pub(super) fn line_of(&self, hash: u32) -> u32 {
        hash >> self.shift
    }

    /// Starts to fetch a line.
    #[inline]
    pub(super) fn touch(&self, line: u32) -> u8 {
        self.lines[line as usize].0[0]
    }

    /// The slot in `line` with this check byte: found, or emptied for it.
    #[inline]
    pub(super) fn find(&mut self, line: u32, check: u8) -> (Place, Slot) {
        let bytes = &mut self.lines[line as usize].0;
        let checks = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let differing = checks ^ (u32::from(check) * 0x0101_0101);
        // The lowest bit that is set is that of the first byte that is zero.
        let equal = differing.wrapping_sub(0x0101_0101) & !differing & 0x8080_8080;
        let slot = if equal == 0 {
            let rank = |slot: usize| u32::from(bytes[4 + HISTORIES * slot]) << 2 | slot as u32;
            let slot = rank(0).min(rank(1)).min(rank(2).min(rank(3))) as usize & 3;
            bytes[slot] = check;
            bytes[4 + HISTORIES * slot..][..HISTORIES].fill(0);
            slot
        } else {
            (equal.trailing_zeros() >> 3) as usize & 3
        };
        let mut found = [0; 16];
        found.copy_from_slice(&bytes[range(slot)]);
        (Place { line, slot: slot as u32 }, found)
    }

    /// Puts a slot back.
    #[inline]
    pub(super) fn store(&mut self, place: Place, slot: &Slot) {
        self.lines[place.line as usize].0[range(place.slot as usize)].copy_from_slice(slot);
    }
}

/// Where in a line the histories of a slot are, and the byte before them.
#[inline]
fn range(slot: usize) -> std::ops::Range<usize> {
    let start = 3 + HISTORIES * (slot & 3);
    start..start + 16
}
