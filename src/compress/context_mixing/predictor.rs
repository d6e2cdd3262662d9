//! The model: contexts, their histories, probabilities mixed and refined.

use super::adaptive_map::{Rates, fresh_cell, probability};
use super::bit_history::BitHistories;
use super::contexts::{Contexts, Kind};
use super::history_table::{HistoryTable, Place, Slot};
use super::logistic::Logistic;
use super::match_model::MatchModel;
use super::mixer::{Inputs, Mixer};
use super::range_coder::BitCoder;
use super::refinement::Refinement;

/// Predicts with `CONTEXTS` contexts and mixes `8 * GROUPS` inputs.
pub(super) struct Predictor<const CONTEXTS: usize, const GROUPS: usize> {
    kind: Kind,
    logistic: Logistic,
    histories: BitHistories,
    rates: Rates,
    contexts: Contexts,
    tables: Vec<HistoryTable>,
    lines: [u32; CONTEXTS],
    checks: [u8; CONTEXTS],
    places: [Place; CONTEXTS],
    slots: [Slot; CONTEXTS],
    maps: Box<[[u32; 256]; CONTEXTS]>,
    matches: MatchModel,
    inputs: Inputs<GROUPS>,
    mixers: [Mixer<GROUPS>; 3],
    last_mixer: Mixer<1>,
    outputs: Inputs<1>,
    refinements: [Refinement; 2],
}

impl<const CONTEXTS: usize, const GROUPS: usize> Predictor<CONTEXTS, GROUPS> {
    const STRONG: bool = CONTEXTS > 8;
    const MIXERS: usize = if Self::STRONG { 3 } else { 2 };

    pub(super) fn new(kind: Kind, raw_len: usize) -> Self {
        let logistic = Logistic::new();
        let histories = BitHistories::new();
        let len_bits = (raw_len | 1).ilog2() + 1;
        let table_bits = len_bits.saturating_sub(2).clamp(8, if Self::STRONG { 17 } else { 16 });
        let table = |i: usize| HistoryTable::new(if i == 0 { 11 } else { table_bits });
        let weight = if Self::STRONG { 1 << 17 } else { 1 << 18 };
        let refinements = [256 * 16, if Self::STRONG { 65536 } else { 1 }]
            .map(|contexts| Refinement::new(contexts, &logistic));
        Self {
            kind,
            rates: Rates::new(),
            contexts: Contexts::new(),
            tables: (0..CONTEXTS).map(table).collect(),
            lines: [0; CONTEXTS],
            checks: [0; CONTEXTS],
            places: [Place::default(); CONTEXTS],
            slots: [[0; 16]; CONTEXTS],
            maps: Box::new([initial_map(&histories); CONTEXTS]),
            matches: if Self::STRONG {
                MatchModel::new(len_bits.clamp(10, 22), 64)
            } else {
                MatchModel::new(len_bits.clamp(10, 20), 32)
            },
            inputs: [[0; 8]; GROUPS],
            mixers: [256, 256 * 16, if Self::STRONG { 2048 } else { 1 }]
                .map(|sets| Mixer::new(sets, weight)),
            last_mixer: Mixer::new(256, (1 << 20) / Self::MIXERS as i32),
            outputs: [[0; 8]],
            refinements,
            logistic,
            histories,
        }
    }

    /// Codes the byte behind `history`.
    pub(super) fn code_byte<Coder: BitCoder>(&mut self, history: &[u8], coder: &mut Coder) -> u8 {
        self.matches.start_byte(history);
        let whole = self.matches.code_whole(coder, &self.rates);
        let byte = match whole {
            Some(byte) => byte,
            None => self.code_bits(history, coder),
        };
        self.contexts.push(byte, history.len());
        byte
    }

    fn code_bits<Coder: BitCoder>(&mut self, history: &[u8], coder: &mut Coder) -> u8 {
        let hashes = self.contexts.hashes(self.kind, history, self.matches.guess());
        for (i, &hash) in hashes[..CONTEXTS].iter().enumerate() {
            let wide = u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            self.lines[i] = self.tables[i].line_of((wide >> 32) as u32);
            self.checks[i] = (wide >> 24) as u8;
        }
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
        let mut touched = 0;
        let mut lines = self.lines;
        for (i, (line, table)) in lines.iter_mut().zip(&self.tables).enumerate() {
            *line ^= partial & [31, 31, 3, 0][i.min(3)];
            touched ^= table.touch(*line);
        }
        // All lines are on their way before the first is looked at.
        std::hint::black_box(touched);
        let salt = (partial as u8).wrapping_mul(0x35);
        for (i, (line, table)) in lines.into_iter().zip(&self.tables).enumerate() {
            let check = self.checks[i].wrapping_add(salt);
            (self.places[i], self.slots[i]) = table.find(line, check);
        }
    }

    fn store(&mut self) {
        for i in 0..CONTEXTS {
            self.tables[i].store(self.places[i], &self.slots[i]);
        }
    }

    #[inline]
    fn code_bit<Coder: BitCoder>(
        &mut self,
        partial: u32,
        bit_count: u32,
        node: u32,
        coder: &mut Coder,
    ) -> u32 {
        let node = node as usize & 15;
        let mut seen = [0; CONTEXTS];
        let mut inputs = [[0; 8]; GROUPS];
        for i in 0..CONTEXTS {
            seen[i] = self.slots[i][node];
            let p = probability(self.maps[i][usize::from(seen[i])]);
            inputs[i / 8][i % 8] = if seen[i] == 0 { 0 } else { self.logistic.stretch(p) };
        }
        let expected = self.matches.predict(partial, bit_count, &self.logistic);
        let agreeing = if expected == 0 { 0 } else { self.matches.length_class() };
        inputs[CONTEXTS / 8][CONTEXTS % 8] = expected;
        inputs[CONTEXTS / 8][CONTEXTS % 8 + 1] = 256;
        self.inputs = inputs;
        let p = self.mix(partial as usize, bit_count as usize, agreeing);
        let bit = coder.code(p.clamp(1, 65535) as u32);
        for i in 0..CONTEXTS {
            let seen = seen[i];
            self.rates.learn(&mut self.maps[i][usize::from(seen)], bit, 255);
            self.slots[i][node] = self.histories.next(seen, bit);
        }
        self.learn(bit);
        bit
    }

    #[inline]
    fn mix(&mut self, partial: usize, bit_count: usize, agreeing: usize) -> i32 {
        let newest = self.contexts.newest();
        let sets = [partial, newest << 4 | agreeing, self.contexts.second() << 3 | bit_count];
        for (k, &set) in sets[..Self::MIXERS].iter().enumerate() {
            let logit = self.mixers[k].mix(&self.inputs, set, &self.logistic);
            self.outputs[0][k] = logit as i16;
        }
        let logit = self.last_mixer.mix(&self.outputs, partial, &self.logistic);
        let mixed = self.last_mixer.probability();
        let first = self.refinements[0].refine(logit, agreeing << 8 | partial);
        if Self::STRONG {
            let second = self.refinements[1].refine(logit, newest << 8 | partial);
            (mixed * 2 + first + second) >> 2
        } else {
            (mixed + first) >> 1
        }
    }

    #[inline]
    fn learn(&mut self, bit: u32) {
        self.matches.learn(bit, &self.rates);
        for mixer in &mut self.mixers[..Self::MIXERS] {
            mixer.learn(&self.inputs, bit, 20);
        }
        self.last_mixer.learn(&self.outputs, bit, 4);
        self.refinements[0].learn(bit, 6);
        if Self::STRONG {
            self.refinements[1].learn(bit, 6);
        }
    }
}

/// The probability that a history stands for before anything was learned.
fn initial_map(histories: &BitHistories) -> [u32; 256] {
    let mut map = [fresh_cell(1 << 21); 256];
    for (cell, &(zeros, ones)) in map.iter_mut().zip(histories.counts()) {
        let (zeros, ones) = (u32::from(zeros), u32::from(ones));
        *cell = fresh_cell(((ones * 2 + 1) << 21) / (zeros + ones + 1));
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
        histories + mixers + refinements + predictor.last_mixer.bytes() + predictor.matches.bytes()
    }

    #[test]
    fn memory_is_bounded_by_strength_and_length() {
        for kind in [Kind::Text, Kind::Binary] {
            for (len, fast_mb, strong_mb) in [(0, 2, 4), (100_000, 17, 46), (usize::MAX, 40, 180)] {
                assert!(table_bytes(&Predictor::<8, 2>::new(kind, len)) < fast_mb << 20);
                assert!(table_bytes(&Predictor::<20, 3>::new(kind, len)) < strong_mb << 20);
            }
        }
    }
}
