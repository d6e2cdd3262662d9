//! The model: contexts, their histories, probabilities mixed and refined.

use super::bit_history::BitHistories;
use super::cell::Cell;
use super::contexts::{CONTEXTS_MAX, Contexts, GUESS, Kind, NEWEST};
use super::expected_byte::ExpectedByte;
use super::history_table::{HistoryTable, Place, Slot};
use super::logistic::Logistic;
use super::match_model::MatchModel;
use super::mixer::inputs;
use super::mixture::Mixture;
use super::range_coder::BitCoder;
use super::refinement::Refinement;

/// Which bits of `partial` move the line of a context: those with few values need the room.
const fn spread(context: usize) -> u32 {
    match context {
        0 | NEWEST => 31,
        1 => 3,
        _ => 0,
    }
}

/// Curves of the last two bytes: more of them would not stay in the cache.
const PAIR_BITS: u32 = 14;

/// Predicts with `CONTEXTS` contexts, two inputs of each, and mixes `8 * GROUPS` inputs.
pub(super) struct Predictor<const CONTEXTS: usize, const GROUPS: usize> {
    kind: Kind,
    logistic: Logistic,
    histories: BitHistories,
    contexts: Contexts,
    tables: [HistoryTable; CONTEXTS],
    lines: [u32; CONTEXTS],
    checks: [u8; CONTEXTS],
    places: [Place; CONTEXTS],
    slots: [Slot; CONTEXTS],
    maps: [[Cell; 256]; CONTEXTS],
    matches: MatchModel,
    expected_byte: ExpectedByte,
    mixture: Mixture<GROUPS>,
    /// What corrects the probability: the match, the newest byte, the last two in the strong model.
    by_match: Refinement<4096>,
    by_byte: Refinement<65536>,
    by_pair: Option<Refinement<{ 1 << PAIR_BITS }>>,
}

impl<const CONTEXTS: usize, const GROUPS: usize> Predictor<CONTEXTS, GROUPS> {
    const STRONG: bool = CONTEXTS == CONTEXTS_MAX;
    /// How long a match is in which bytes are taken or refused as a whole.
    const LONG: u32 = if Self::STRONG { 40 } else { 24 };

    pub(super) fn new(kind: Kind, raw_len: usize) -> Self {
        let logistic = Logistic::new();
        let histories = BitHistories::new();
        let len_bits = (raw_len | 1).ilog2() + 1;
        let table_bits = len_bits.saturating_sub(2).clamp(8, 17);
        let table = |i: usize| HistoryTable::new(if i == NEWEST { 11 } else { table_bits });
        Self {
            kind,
            contexts: Contexts::new(),
            tables: std::array::from_fn(table),
            lines: [0; CONTEXTS],
            checks: [0; CONTEXTS],
            places: [Place::default(); CONTEXTS],
            slots: [[0; 16]; CONTEXTS],
            maps: [initial_map(&histories, &logistic); CONTEXTS],
            matches: MatchModel::new(len_bits.clamp(10, 22), Self::LONG, &logistic),
            expected_byte: ExpectedByte::new(len_bits.clamp(10, 18)),
            mixture: Mixture::new(),
            by_match: Refinement::new(&logistic),
            by_byte: Refinement::new(&logistic),
            by_pair: Self::STRONG.then(|| Refinement::new(&logistic)),
            logistic,
            histories,
        }
    }

    /// Codes the byte behind `history`.
    pub(super) fn code_byte<Coder: BitCoder>(&mut self, history: &[u8], coder: &mut Coder) -> u8 {
        // Memory is asked for lines before the match is looked for, which waits for memory, too.
        let is_located = !self.matches.will_be_long(history);
        if is_located {
            self.locate(history);
        }
        self.matches.start_byte(history);
        let byte = self.code_expected(coder).unwrap_or_else(|| {
            if !is_located {
                self.locate(history);
            }
            self.code_bits(history, coder)
        });
        self.contexts.push(byte, history.len());
        byte
    }

    /// In a long match, codes whether the expected byte comes; gives it if so.
    fn code_expected<Coder: BitCoder>(&mut self, coder: &mut Coder) -> Option<u8> {
        let byte = self.matches.long_expected()?;
        let hashes = self.contexts.of_expected(byte, self.matches.state());
        let newest = self.contexts.newest();
        let sets = [self.matches.state_class(), newest << 8 | usize::from(byte)];
        if self.expected_byte.code(hashes, sets, byte, coder, &self.logistic) {
            return Some(byte);
        }
        self.matches.refuse();
        None
    }

    /// Finds the lines of all contexts but the guess, and starts to fetch them.
    fn locate(&mut self, history: &[u8]) {
        let hashes = self.contexts.hashes(self.kind, history);
        let mut touched = 0;
        for (i, &hash) in hashes[..CONTEXTS].iter().enumerate() {
            if i != GUESS {
                touched ^= self.locate_one(i, hash);
            }
        }
        // All lines are on their way before the first is looked at.
        std::hint::black_box(touched);
    }

    #[inline]
    fn locate_one(&mut self, i: usize, hash: u32) -> u8 {
        let wide = u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.lines[i] = self.tables[i].line_of((wide >> 32) as u32);
        self.checks[i] = (wide >> 24) as u8;
        self.tables[i].touch(self.lines[i] ^ spread(i) & 1)
    }

    fn code_bits<Coder: BitCoder>(&mut self, history: &[u8], coder: &mut Coder) -> u8 {
        let guess = self.contexts.guess(self.matches.guess());
        std::hint::black_box(self.locate_one(GUESS, guess));
        let mut partial = 1;
        self.fetch(1);
        for bit_count in 0..4 {
            partial = partial << 1 | self.code_bit(partial, bit_count, partial, coder);
        }
        self.store();
        self.matches.touch(history);
        self.fetch(partial);
        let mut node = 1;
        for bit_count in 4..8 {
            let bit = self.code_bit(partial, bit_count, node, coder);
            partial = partial << 1 | bit;
            node = node << 1 | bit;
        }
        self.store();
        partial as u8
    }

    /// Finds the slots for the half byte behind `partial`.
    fn fetch(&mut self, partial: u32) {
        let salt = (partial as u8).wrapping_mul(0x35);
        for (i, table) in self.tables.iter_mut().enumerate() {
            let line = self.lines[i] ^ partial & spread(i);
            let check = self.checks[i].wrapping_add(salt);
            (self.places[i], self.slots[i]) = table.find(line, check);
        }
    }

    fn store(&mut self) {
        for i in 0..CONTEXTS {
            self.tables[i].store(self.places[i], &self.slots[i]);
        }
    }

    /// Codes the bit behind `partial`, the `bit_count` bits of the byte so far behind a one; `node`
    /// is those of its half.
    #[inline(never)]
    fn code_bit<Coder: BitCoder>(
        &mut self,
        partial: u32,
        bit_count: u32,
        node: u32,
        coder: &mut Coder,
    ) -> u32 {
        let node = node as usize & 15;
        // Curves are far away and needed last: they are asked for first.
        std::hint::black_box(self.by_byte.touch(self.contexts.newest() << 8 | partial as usize));
        let mut seen = [0; CONTEXTS];
        let mut pairs = [[0; 4]; GROUPS];
        for i in 0..CONTEXTS {
            seen[i] = self.slots[i][node];
            pairs[i / 4][i % 4] = self.maps[i][usize::from(seen[i])].inputs();
        }
        let (expected, agreeing) = self.matches.predict(partial, bit_count);
        pairs[CONTEXTS / 4][CONTEXTS % 4] = expected;
        let inputs = inputs(pairs);
        let known = |i: usize| usize::from(seen[i] != 0);
        let orders = (0..4).map(known).sum::<usize>() * 2 + known(5);
        let (newest, second) = (self.contexts.newest(), self.contexts.second());
        let place = if self.kind == Kind::Text { self.contexts.shape() } else { second };
        let (so_far, bits) = (partial as usize, bit_count as usize);
        let sets = [orders << 8 | so_far, newest << 4 | agreeing, place << 3 | bits, so_far];
        let mixed = self.mixture.mix(&inputs, sets);
        let of_match = self.by_match.refine(mixed.logit, agreeing << 8 | so_far);
        let of_byte = self.by_byte.refine(mixed.logit, newest << 8 | so_far);
        let pair = self.pair(partial);
        let of_pair = self.by_pair.as_ref().map(|curves| curves.refine(mixed.logit, pair));
        let both = of_match.probability + of_byte.probability;
        let p = of_pair.map_or(both >> 1, |of_pair| (both + 2 * of_pair.probability) >> 2);
        let bit = coder.code(p.clamp(1, 65535) as u32);
        for ((map, slot), seen) in self.maps.iter_mut().zip(&mut self.slots).zip(seen) {
            map[usize::from(seen)].learn(bit, &self.logistic);
            map[0] = Cell::UNKNOWN;
            slot[node] = self.histories.next(seen, bit);
        }
        self.matches.learn(bit, &self.logistic);
        self.mixture.learn(&inputs, sets, &mixed, bit, &self.logistic);
        self.by_match.learn(of_match, bit);
        self.by_byte.learn(of_byte, bit);
        if let (Some(curves), Some(of_pair)) = (&mut self.by_pair, of_pair) {
            curves.learn(of_pair, bit);
        }
        bit
    }

    /// The curve of the last two bytes and the bits so far.
    #[inline]
    fn pair(&self, partial: u32) -> usize {
        let bytes = (self.contexts.second() << 8 | self.contexts.newest()) as u32;
        ((bytes ^ partial << 16).wrapping_mul(0x9e37_79b1) >> (32 - PAIR_BITS)) as usize
    }
}

/// The probability that a history stands for before anything was learned.
fn initial_map(histories: &BitHistories, logistic: &Logistic) -> [Cell; 256] {
    let mut map = [Cell::UNKNOWN; 256];
    for (cell, &(zeros, ones)) in map.iter_mut().zip(histories.counts()).skip(1) {
        let (zeros, ones) = (u64::from(zeros), u64::from(ones));
        *cell = Cell::new((((ones * 2 + 1) << 31) / (zeros + ones + 1)) as u32, logistic);
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table_bytes<const C: usize, const G: usize>(predictor: &Predictor<C, G>) -> usize {
        let histories: usize = predictor.tables.iter().map(HistoryTable::bytes).sum();
        let refinements = predictor.by_match.bytes() + predictor.by_byte.bytes();
        let refinements = refinements + predictor.by_pair.as_ref().map_or(0, Refinement::bytes);
        let matches = predictor.matches.bytes() + predictor.expected_byte.bytes();
        size_of_val(predictor) + histories + predictor.mixture.bytes() + refinements + matches
    }

    #[test]
    fn memory_is_bounded_by_strength_and_length() {
        for kind in [Kind::Text, Kind::Binary] {
            for (len, fast_mb, strong_mb) in [(0, 6, 8), (100_000, 28, 40), (usize::MAX, 96, 148)] {
                assert!(table_bytes(&Predictor::<7, 2>::new(kind, len)) < fast_mb << 20);
                assert!(table_bytes(&Predictor::<15, 4>::new(kind, len)) < strong_mb << 20);
            }
        }
    }
}
