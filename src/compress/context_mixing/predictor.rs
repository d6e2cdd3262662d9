//! The model: contexts, their histories, probabilities mixed and refined.

use super::adaptive_map::{Rates, learn_share};
use super::bit_history::BitHistories;
use super::contexts::{Contexts, GUESS, Kind, NEWEST};
use super::expected_byte::ExpectedByte;
use super::history_table::{HistoryTable, Place, Slot};
use super::logistic::Logistic;
use super::match_model::MatchModel;
use super::mixer::{Inputs, Mixer};
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

/// How many mixers see all inputs.
const MIXERS: usize = 3;

/// Curves of the last two bytes: more of them would not stay in the cache.
const PAIR_BITS: u32 = 14;

/// Predicts with `CONTEXTS` contexts, two inputs of each, and mixes `8 * GROUPS` inputs.
pub(super) struct Predictor<const CONTEXTS: usize, const GROUPS: usize> {
    kind: Kind,
    logistic: Logistic,
    histories: BitHistories,
    rates: Rates,
    contexts: Contexts,
    tables: [HistoryTable; CONTEXTS],
    lines: [u32; CONTEXTS],
    checks: [u8; CONTEXTS],
    places: [Place; CONTEXTS],
    slots: [Slot; CONTEXTS],
    maps: Box<[[u32; 256]; CONTEXTS]>,
    matches: MatchModel,
    expected_byte: ExpectedByte,
    by_orders: Mixer<GROUPS, 4096, 14>,
    by_newest: Mixer<GROUPS, 4096, 14>,
    by_place: Mixer<GROUPS, 2048, 14>,
    last_mixer: Mixer<1, 256, 13>,
    outputs: Inputs<1>,
    probabilities: [i32; 4],
    by_match: Refinement<4096>,
    by_byte: Refinement<65536>,
    by_pair: Refinement<{ 1 << PAIR_BITS }>,
}

impl<const CONTEXTS: usize, const GROUPS: usize> Predictor<CONTEXTS, GROUPS> {
    const STRONG: bool = CONTEXTS > 7;
    const REFINEMENTS: usize = if Self::STRONG { 3 } else { 2 };
    /// How long a match is in which bytes are taken or refused as a whole.
    const LONG: u32 = if Self::STRONG { 32 } else { 20 };

    pub(super) fn new(kind: Kind, raw_len: usize) -> Self {
        let logistic = Logistic::new();
        let histories = BitHistories::new();
        let len_bits = (raw_len | 1).ilog2() + 1;
        let table_bits = len_bits.saturating_sub(2).clamp(8, if Self::STRONG { 17 } else { 16 });
        let table = |i: usize| HistoryTable::new(if i == NEWEST { 11 } else { table_bits });
        let weight = if Self::STRONG { 1 << 11 } else { 1 << 12 };
        Self {
            kind,
            rates: Rates::new(),
            contexts: Contexts::new(),
            tables: std::array::from_fn(table),
            lines: [0; CONTEXTS],
            checks: [0; CONTEXTS],
            places: [Place::default(); CONTEXTS],
            slots: [[0; 16]; CONTEXTS],
            maps: Box::new([initial_map(&histories); CONTEXTS]),
            matches: MatchModel::new(len_bits.clamp(10, 22), Self::LONG),
            expected_byte: ExpectedByte::new(len_bits.clamp(10, 18)),
            by_orders: Mixer::new(weight),
            by_newest: Mixer::new(weight),
            by_place: Mixer::new(weight),
            last_mixer: Mixer::new((1 << 13) / MIXERS as i16),
            outputs: [wide::i16x8::ZERO],
            probabilities: [0; 4],
            by_match: Refinement::new(&logistic),
            by_byte: Refinement::new(&logistic),
            by_pair: Refinement::new(&logistic),
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
            self.code_bits(coder)
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
        let tables = (&self.rates, &self.logistic);
        if self.expected_byte.code(hashes, sets, byte, coder, tables) {
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

    #[inline(always)]
    fn locate_one(&mut self, i: usize, hash: u32) -> u8 {
        let wide = u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.lines[i] = self.tables[i].line_of((wide >> 32) as u32);
        self.checks[i] = (wide >> 24) as u8;
        self.tables[i].touch(self.lines[i] ^ spread(i) & 1)
    }

    fn code_bits<Coder: BitCoder>(&mut self, coder: &mut Coder) -> u8 {
        let guess = self.contexts.guess(self.matches.guess());
        std::hint::black_box(self.locate_one(GUESS, guess));
        let mut partial = 1;
        self.fetch(1);
        for bit_count in 0..4 {
            partial = partial << 1 | self.code_bit(partial, bit_count, partial, coder);
        }
        self.store();
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

    #[inline(never)]
    fn code_bit<Coder: BitCoder>(
        &mut self,
        partial: u32,
        bit_count: u32,
        node: u32,
        coder: &mut Coder,
    ) -> u32 {
        let node = node as usize & 15;
        let mut seen = [0; CONTEXTS];
        let mut pairs = [[0; 4]; GROUPS];
        for i in 0..CONTEXTS {
            seen[i] = self.slots[i][node];
            let known = u32::from(seen[i] != 0).wrapping_neg();
            pairs[i / 4][i % 4] = self.logistic.pair(self.maps[i][usize::from(seen[i])]) & known;
        }
        let expected = self.matches.predict(partial, bit_count, &self.logistic);
        pairs[CONTEXTS / 4][CONTEXTS % 4] = 256 << 16 | u32::from(expected.cast_unsigned());
        let mut inputs = [wide::i16x8::ZERO; GROUPS];
        for (input, pair) in inputs.iter_mut().zip(pairs) {
            *input = wide::bytemuck::cast(wide::u32x4::new(pair));
        }
        let known = |i: usize| usize::from(seen[i] != 0);
        let orders = (0..4).map(known).sum::<usize>() * 2 + known(5);
        let agreeing = self.matches.agreeing(expected);
        let p = self.mix(&inputs, partial as usize, bit_count as usize, [orders, agreeing]);
        let bit = coder.code(p.clamp(1, 65535) as u32);
        for i in 0..CONTEXTS {
            let seen = seen[i];
            learn_share(&mut self.maps[i][usize::from(seen)], bit);
            self.slots[i][node] = self.histories.next(seen, bit);
        }
        self.learn(&inputs, bit);
        bit
    }

    /// The curve of the last two bytes and the bits so far.
    #[inline(always)]
    fn pair(&self, partial: u32) -> usize {
        let bytes = (self.contexts.second() << 8 | self.contexts.newest()) as u32;
        ((bytes ^ partial << 16).wrapping_mul(0x9e37_79b1) >> (32 - PAIR_BITS)) as usize
    }

    #[inline(always)]
    fn mix(
        &mut self,
        inputs: &Inputs<GROUPS>,
        partial: usize,
        bit_count: usize,
        [orders, agreeing]: [usize; 2],
    ) -> i32 {
        let (newest, second) = (self.contexts.newest(), self.contexts.second());
        let place = if self.kind == Kind::Text { self.contexts.shape() } else { second };
        let logits = [
            self.by_orders.mix(inputs, orders << 8 | partial),
            self.by_newest.mix(inputs, newest << 4 | agreeing),
            self.by_place.mix(inputs, place << 3 | bit_count),
        ];
        let logits = wide::i32x8::new([logits[0], logits[1], logits[2], 0, 0, 0, 0, 0]);
        let logits = wide::i16x8::from_i32x8_saturate(logits);
        let logits = logits.min(wide::i16x8::splat(2047)).max(wide::i16x8::splat(-2047));
        self.outputs = [logits];
        let logits = logits.to_array();
        let logit = self.last_mixer.mix(&self.outputs, partial).clamp(-2047, 2047);
        self.probabilities = [logits[0], logits[1], logits[2], logit as i16].map(|logit| self.logistic.squash_short(logit));
        let first = self.by_match.refine(logit, agreeing << 8 | partial);
        let second = self.by_byte.refine(logit, newest << 8 | partial);
        if Self::STRONG {
            let third = self.by_pair.refine(logit, self.pair(partial as u32));
            (first + second + 2 * third) >> 2
        } else {
            (first + second) >> 1
        }
    }

    #[inline(always)]
    fn learn(&mut self, inputs: &Inputs<GROUPS>, bit: u32) {
        self.matches.learn(bit, &self.rates);
        let errors = self.probabilities.map(|p| ((bit as i32) << 16) - p);
        self.by_orders.learn(inputs, ((errors[0] * 10) >> 5) as i16);
        self.by_newest.learn(inputs, ((errors[1] * 10) >> 5) as i16);
        self.by_place.learn(inputs, ((errors[2] * 10) >> 5) as i16);
        self.last_mixer.learn(&self.outputs, (errors[3] >> 4) as i16);
        self.by_match.learn(bit, 5);
        self.by_byte.learn(bit, 5);
        if Self::STRONG {
            self.by_pair.learn(bit, 5);
        }
    }
}

/// The probability that a history stands for before anything was learned.
fn initial_map(histories: &BitHistories) -> [u32; 256] {
    let mut map = [1 << 31; 256];
    for (cell, &(zeros, ones)) in map.iter_mut().zip(histories.counts()) {
        let (zeros, ones) = (u32::from(zeros), u32::from(ones));
        *cell = (((u64::from(ones) * 2 + 1) << 31) / (u64::from(zeros + ones) + 1)) as u32;
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table_bytes<const C: usize, const G: usize>(predictor: &Predictor<C, G>) -> usize {
        let histories: usize = predictor.tables.iter().map(HistoryTable::bytes).sum();
        let mixers: usize = predictor.mixers.iter().map(Mixer::bytes).sum();
        let refinements: usize = predictor.refinements.iter().map(Refinement::bytes).sum();
        let matches = predictor.matches.bytes() + predictor.expected_byte.bytes();
        histories + mixers + refinements + predictor.last_mixer.bytes() + matches
    }

    #[test]
    fn memory_is_bounded_by_strength_and_length() {
        for kind in [Kind::Text, Kind::Binary] {
            for (len, fast_mb, strong_mb) in [(0, 6, 8), (100_000, 28, 40), (usize::MAX, 64, 140)] {
                assert!(table_bytes(&Predictor::<7, 2>::new(kind, len)) < fast_mb << 20);
                assert!(table_bytes(&Predictor::<14, 4>::new(kind, len)) < strong_mb << 20);
            }
        }
    }
}
