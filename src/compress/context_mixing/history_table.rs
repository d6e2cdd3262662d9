//! The histories of many contexts in a table of fixed size: sixteen bytes for each context and half
//! byte, four such slots to a line of the cache.

/// A check byte and the histories of the fifteen nodes of four bits.
pub(super) type Slot = [u8; 16];

/// Four slots that are fetched together.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([Slot; 4]);

/// Where a slot lies.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    line: u32,
    slot: u32,
}

/// Slots by hash; where there is no room the slot of the shorter history is given up.
pub(super) struct HistoryTable {
    lines: Vec<Line>,
    shift: u32,
}

impl HistoryTable {
    /// A table of `2^line_bits` lines.
    pub(super) fn new(line_bits: u32) -> Self {
        Self { lines: vec![Line([[0; 16]; 4]); 1 << line_bits], shift: 32 - line_bits }
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
        self.lines[line as usize].0[0][0]
    }

    /// The slot in `line` with this check byte: found, or emptied for it.
    #[inline]
    pub(super) fn find(&self, line: u32, check: u8) -> (Place, Slot) {
        let slots = &self.lines[line as usize].0;
        // Without branches, which nobody could foresee: below 4 where the check byte is the one.
        let rank = |slot: usize| {
            let differs = (u32::from(slots[slot][0] ^ check) + 255) >> 8;
            differs.wrapping_neg() & (1 << 10 | u32::from(slots[slot][1]) << 2) | slot as u32
        };
        let best = rank(0).min(rank(1)).min(rank(2).min(rank(3)));
        let slot = best & 3;
        let kept = u128::from(best < 4).wrapping_neg() & !255;
        let found = u128::from_le_bytes(slots[slot as usize]) & kept | u128::from(check);
        (Place { line, slot }, found.to_le_bytes())
    }

    /// Puts a slot back.
    #[inline]
    pub(super) fn store(&mut self, place: Place, slot: &Slot) {
        self.lines[place.line as usize].0[place.slot as usize & 3] = *slot;
    }
}
