//! Identity to the pages that may record it, in about four bytes a fragment.
//!
//! The first bits of an identity choose a bucket, the next six a cell of it. A hint is some more bits
//! of the identity, the kept ones, and the number of the page; where it lies tells the bits before.
//! Another identity with the same bits gives a page that does not record it: whoever asks looks.
//! The table grows by halving buckets, which takes the bits it needs from the kept ones.

use std::collections::BTreeSet;

const CELLS: usize = 64;
const CELL_BITS: u32 = CELLS.ilog2();
/// Buckets are halved when they have so many hints on average.
const BUCKET_HINTS: u64 = 384;
/// A small table can afford hints of four bytes and more kept bits.
const LARGE: u64 = 1 << 24;
/// So many kept bits make wrong matches rare: less than one in a hundred questions reads a page.
const KEPT_BITS: u32 = 10;

/// How a table of some size is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    bucket_bits: u32,
    kept_bits: u32,
    page_bits: u32,
    /// Bytes of a hint.
    width: usize,
}

impl Layout {
    fn new(fragments: u64, pages: u32) -> Self {
        let mut bucket_bits = CELL_BITS;
        while fragments > BUCKET_HINTS << bucket_bits {
            bucket_bits += 1;
        }
        let page_bits = bits_of(pages).max(8);
        let width = width_of(fragments, page_bits);
        Self { bucket_bits, kept_bits: 8 * width_bits(width) - page_bits, page_bits, width }
    }

    /// The layout of twice as many buckets.
    fn doubled(self) -> Self {
        let width = width_of(BUCKET_HINTS << self.bucket_bits, self.page_bits).min(self.width);
        let room = 8 * width_bits(width) - self.page_bits;
        let kept_bits = self.kept_bits.saturating_sub(1).min(room);
        Self { bucket_bits: self.bucket_bits + 1, kept_bits, width, ..self }
    }

    /// The layout that can name a page.
    fn reaching(self, page: u32) -> Self {
        let page_bits = bits_of(page).max(self.page_bits);
        // Wider before too few bits are kept: those that are given up never come back.
        let least = (page_bits + self.kept_bits.min(KEPT_BITS)).div_ceil(8) as usize;
        let width = self.width.max(least);
        let room = 8 * width_bits(width) - page_bits;
        Self { page_bits, width, kept_bits: self.kept_bits.min(room), ..self }
    }

    /// Bucket, cell and kept bits.
    fn place_of(self, hash: u64) -> (usize, usize, u64) {
        let bucket = hash >> (64 - self.bucket_bits);
        let after_bucket = hash << self.bucket_bits;
        let cell = after_bucket >> (64 - CELL_BITS);
        let after_cell = after_bucket << CELL_BITS;
        // Not one shift by 64, which there is not, when no bits are kept.
        let kept = after_cell >> 1 >> (63 - self.kept_bits);
        (usize::try_from(bucket).unwrap_or(usize::MAX), cell as usize, kept)
    }

    fn encode(self, kept: u64, page: u32) -> [u8; 8] {
        (kept << self.page_bits | u64::from(page)).to_le_bytes()
    }

    fn decode(self, hint: &[u8]) -> (u64, u32) {
        let value = match *hint {
            [a, b, c] => u64::from(u32::from_le_bytes([a, b, c, 0])),
            [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])),
            _ => hint.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)),
        };
        let page = value & ((1 << self.page_bits) - 1);
        (value >> self.page_bits, u32::try_from(page).unwrap_or(u32::MAX))
    }
}

fn bits_of(page: u32) -> u32 {
    u32::BITS - page.leading_zeros()
}

fn width_bits(width: usize) -> u32 {
    u32::try_from(width).unwrap_or(u32::MAX)
}

fn width_of(fragments: u64, page_bits: u32) -> usize {
    let least = (page_bits + KEPT_BITS).div_ceil(8) as usize;
    if fragments < LARGE { least.max(4) } else { least }
}

/// Hints whose identities begin alike, cell by cell.
#[derive(Clone)]
struct Bucket {
    counts: [u8; CELLS],
    hints: Vec<u8>,
}

impl Bucket {
    const EMPTY: Self = Self { counts: [0; CELLS], hints: Vec::new() };

    /// The bytes of a cell.
    fn cell(&self, cell: usize, width: usize) -> std::ops::Range<usize> {
        let before: u32 = self.counts[..cell].iter().map(|&count| u32::from(count)).sum();
        let start = before as usize * width;
        start..start + usize::from(self.counts[cell]) * width
    }

    fn insert(&mut self, at: usize, hint: &[u8]) {
        let (len, width) = (self.hints.len(), hint.len());
        if self.hints.capacity() < len + width {
            // A sixteenth of slack, where doubling would leave a third unused.
            self.hints.reserve_exact((len / 16).next_multiple_of(width) + 4 * width);
        }
        self.hints.extend_from_slice(hint);
        self.hints.copy_within(at..len, at + width);
        self.hints[at..at + width].copy_from_slice(hint);
    }
}

/// Where fragments may be recorded.
pub struct PageHints {
    layout: Layout,
    buckets: Vec<Bucket>,
    /// Whole hash and page of those whose cell is full: identities of which somebody made many that
    /// begin alike.
    crowded: BTreeSet<(u64, u32)>,
    len: u64,
}

impl PageHints {
    /// For about so many fragments, recorded in so many pages; there may be more.
    pub fn new(fragments: u64, pages: u32) -> Self {
        let layout = Layout::new(fragments, pages);
        let buckets = vec![Bucket::EMPTY; 1 << layout.bucket_bits];
        Self { layout, buckets, crowded: BTreeSet::new(), len: 0 }
    }

    /// Learns that a page records an identity; `hash` are its first bits.
    pub fn insert(&mut self, hash: u64, page: u32) {
        if self.len >= BUCKET_HINTS << self.layout.bucket_bits && self.layout.kept_bits > 0 {
            self.lay_out(self.layout.doubled());
        }
        if bits_of(page) > self.layout.page_bits {
            self.lay_out(self.layout.reaching(page));
        }
        let (bucket, cell, kept) = self.layout.place_of(hash);
        self.put((bucket, cell, kept), page, hash);
    }

    /// Learns many at a time, bucket by bucket, which is kinder to the processor's caches.
    pub fn insert_all(&mut self, mut batch: Vec<(u64, u32)>) {
        batch.sort_unstable();
        for (hash, page) in batch {
            self.insert(hash, page);
        }
    }

    fn put(&mut self, (bucket, cell, kept): (usize, usize, u64), page: u32, hash: u64) {
        let Layout { width, .. } = self.layout;
        let hint = self.layout.encode(kept, page);
        let hint = &hint[..width];
        let bucket = &mut self.buckets[bucket];
        let range = bucket.cell(cell, width);
        if bucket.hints[range.clone()].chunks_exact(width).any(|other| other == hint) {
            return;
        }
        if bucket.counts[cell] == u8::MAX {
            self.crowded.insert((hash, page));
            return;
        }
        bucket.insert(range.end, hint);
        bucket.counts[cell] += 1;
        self.len += 1;
    }

    /// The pages that may record the identity: the one that does, if any, and seldom others.
    pub fn pages(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        let (bucket, cell, wanted) = self.layout.place_of(hash);
        let bucket = &self.buckets[bucket];
        let Layout { width, .. } = self.layout;
        let hints = bucket.hints[bucket.cell(cell, width)].chunks_exact(width);
        let is_wanted = move |hint| {
            let (kept, page) = self.layout.decode(hint);
            (kept == wanted).then_some(page)
        };
        let crowded = self.crowded.range((hash, 0)..=(hash, u32::MAX)).map(|&(_, page)| page);
        hints.filter_map(is_wanted).chain(crowded)
    }

    /// Bytes of memory that it holds.
    pub fn bytes(&self) -> u64 {
        let hints = self.buckets.iter().map(|bucket| bucket.hints.capacity()).sum::<usize>();
        let buckets = self.buckets.capacity() * size_of::<Bucket>();
        (hints + buckets + self.crowded.len() * 2 * size_of::<(u64, u32)>()) as u64
    }

    /// Brings all hints into another layout, which has as many buckets or twice as many, and at most
    /// as many kept bits after those that became part of the place.
    fn lay_out(&mut self, new: Layout) {
        let old = std::mem::replace(&mut self.layout, new);
        let is_doubled = new.bucket_bits > old.bucket_bits;
        let known_bits = old.kept_bits - u32::from(is_doubled);
        let lost_bits = known_bits - new.kept_bits;
        let buckets = std::mem::take(&mut self.buckets);
        self.buckets.reserve_exact(1 << new.bucket_bits);
        let mut in_order = Vec::new();
        for bucket in buckets {
            let mut halves = [Bucket::EMPTY, Bucket::EMPTY];
            let mut hints = bucket.hints.chunks_exact(old.width);
            for (cell, &count) in bucket.counts.iter().enumerate() {
                in_order.clear();
                let of_cell = hints.by_ref().take(usize::from(count));
                in_order.extend(of_cell.map(|hint| old.decode(hint)));
                in_order.sort_unstable();
                for &(kept, page) in &in_order {
                    // The first kept bit becomes the last one of the cell, whose first one tells
                    // the half.
                    let bit = usize::from(is_doubled && kept >> known_bits != 0);
                    let cell = if is_doubled { cell << 1 | bit } else { cell };
                    let kept = (kept & ((1 << known_bits) - 1)) >> lost_bits;
                    let half = &mut halves[cell / CELLS];
                    half.counts[cell % CELLS] += 1;
                    half.hints.extend_from_slice(&new.encode(kept, page)[..new.width]);
                }
            }
            let count = if is_doubled { 2 } else { 1 };
            for mut half in halves.into_iter().take(count) {
                half.hints.shrink_to_fit();
                self.buckets.push(half);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::base::Digest;

    fn hash(number: u64) -> u64 {
        u64::from_be_bytes(Digest::of(&number.to_le_bytes()).prefix())
    }

    fn pages(hints: &PageHints, hash: u64) -> BTreeSet<u32> {
        hints.pages(hash).collect()
    }

    proptest! {
        /// Identities that begin alike, pages in any order, tables begun too small or too large.
        #[test]
        fn every_page_of_an_identity_is_found(
            inserts in prop::collection::vec((any::<u64>(), 0_u32..64, 0_u32..5000), 1..3000),
            expected in (0_u64..1 << 20, 0_u32..1 << 20),
        ) {
            let mut hints = PageHints::new(expected.0, expected.1);
            let mut model = BTreeMap::<u64, BTreeSet<u32>>::new();
            for (bits, shared, page) in inserts {
                // All but the last `shared` bits are those of many others.
                let hash = !0 << shared ^ (bits & !(!0 << shared));
                hints.insert(hash, page);
                model.entry(hash).or_default().insert(page);
            }
            for (hash, wanted) in model {
                prop_assert!(wanted.is_subset(&pages(&hints, hash)));
            }
        }
    }

    #[test]
    fn nothing_is_forgotten_while_the_table_grows_and_little_is_mistaken() {
        const COUNT: u64 = 2_000_000;
        let page_of = |number: u64| u32::try_from(number / 700).unwrap();
        for expected in [0, COUNT] {
            let mut hints = PageHints::new(expected, page_of(expected));
            for number in 0..COUNT {
                hints.insert(hash(number), page_of(number));
            }
            for number in 0..COUNT {
                let found = pages(&hints, hash(number));
                assert!(found.contains(&page_of(number)), "{number} of {expected}");
            }
            let others = COUNT..COUNT + 100_000;
            let mistaken = others.map(|number| pages(&hints, hash(number)).len()).sum::<usize>();
            assert!(mistaken < 1000, "{mistaken} of 100000 look into a page in vain");
            let each = hints.bytes() / COUNT;
            assert!(each < 6, "{each} bytes a fragment");
        }
    }

    #[test]
    fn a_table_for_many_takes_less_than_four_bytes_for_each() {
        // One bucket in a hundred is filled as all would be.
        let (count, pages) = (100_000_000, 14_000);
        let mut hints = PageHints::new(count, pages);
        let layout = hints.layout;
        for number in 0..count / 100 {
            let page = u32::try_from(number).unwrap() % pages;
            hints.insert(hash(number) / 100, page);
        }
        let filled = layout.place_of(u64::MAX / 100).0;
        let bytes = hints.bytes() - ((hints.buckets.len() - filled) * size_of::<Bucket>()) as u64;
        assert!(layout.kept_bits >= KEPT_BITS, "{layout:?}");
        assert!(bytes < 4 * count / 100, "{bytes} bytes for one in a hundred of {count}");
    }

    #[test]
    fn pages_of_many_identities_that_begin_alike_are_found() {
        let mut hints = PageHints::new(0, 0);
        for page in 0..5000 {
            hints.insert(7, page);
            hints.insert(8, page);
        }
        assert!(!hints.crowded.is_empty());
        assert_eq!(pages(&hints, 7), (0..5000).collect());
        assert_eq!(pages(&hints, !0).len(), 0);
    }

    #[test]
    fn hints_get_wider_before_too_few_bits_of_identities_are_kept() {
        let mut hints = PageHints::new(1 << 26, 1 << 8);
        let begun = hints.layout;
        for page in (0..32).map(|bit| 1_u32 << bit) {
            hints.insert(hash(u64::from(page)), page);
        }
        assert_eq!(hints.layout.page_bits, 32);
        assert!(hints.layout.width > begun.width && hints.layout.kept_bits >= KEPT_BITS);
        for page in (0..32).map(|bit| 1_u32 << bit) {
            assert!(pages(&hints, hash(u64::from(page))).contains(&page));
        }
    }
}
