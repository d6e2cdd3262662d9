//! The contexts: hashes of what stands before the next byte.

/// How many contexts the greatest model has.
pub(super) const CONTEXTS_MAX: usize = 15;

/// The place in a list of what depends on the match.
pub(super) const GUESS: usize = 4;

/// The place of the newest byte alone.
pub(super) const NEWEST: usize = 7;

/// How many contexts tell whether the expected byte comes.
pub(super) const EXPECTED_CONTEXTS: usize = 7;

/// What a list of contexts is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Machine code, tables, records.
    Binary,
    /// Words and lines.
    Text,
}

impl Kind {
    /// The kind of list that suits `input`: text has less than one control character in 64.
    pub(super) fn of(input: &[u8]) -> Self {
        let is_control = |&&byte: &&u8| matches!(byte, 0..=8 | 14..=31);
        let controls = input.iter().filter(is_control).count();
        if controls < input.len().div_ceil(64) { Self::Text } else { Self::Binary }
    }
}

/// Classes of bytes, of which the shape is made; a class above this one counts each time.
const LAST_OF_RUNS: u32 = 4;

/// The class of each byte: letters, capitals, digits, blanks, and what stands between them.
const CLASSES: [u8; 256] = {
    let mut classes = [12; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | 128.. => 1,
            b'A'..=b'Z' => 2,
            b'0'..=b'9' => 3,
            b' ' | b'\t' => 4,
            b'\n' => 5,
            b'"' | b'\'' | b'`' => 6,
            b'(' | b'<' | b'[' | b'{' => 7,
            b')' | b'>' | b']' | b'}' => 8,
            b',' | b':' | b';' => 9,
            b'.' | b'/' => 10,
            0 => 11,
            _ => 12,
        };
        byte += 1;
    }
    classes
};

/// What the contexts know of the bytes before the next one.
#[derive(Default)]
pub(super) struct Contexts {
    /// The last eight bytes, the newest lowest.
    last: u64,
    /// The word so far, the two before it.
    words: [u32; 3],
    /// The classes of the last bytes, runs of letters, digits or blanks as one; the newest lowest.
    shape: u32,
    /// Where this line began, and the one above.
    line_start: usize,
    line_above: usize,
    /// The first byte of this line that is no blank.
    line_head: u8,
    /// For each byte, and for each two, the last four that followed, the newest lowest.
    followers: Vec<u32>,
    followers_of_two: Vec<u32>,
}

fn combine(seed: u32, value: u32) -> u32 {
    let mixed = (seed ^ value).wrapping_mul(0x9e37_79b1);
    mixed ^ mixed >> 15
}

impl Contexts {
    pub(super) fn new() -> Self {
        let (followers, followers_of_two) = (vec![0; 256], vec![0; 65536]);
        Self { followers, followers_of_two, ..Self::default() }
    }

    /// The newest byte.
    pub(super) fn newest(&self) -> usize {
        self.last as usize & 255
    }

    /// The byte before the newest.
    pub(super) fn second(&self) -> usize {
        self.last as usize >> 8 & 255
    }

    /// The classes of the last two bytes, or runs of bytes.
    pub(super) fn shape(&self) -> usize {
        self.shape as usize & 255
    }

    /// Takes note of the byte at `position`.
    pub(super) fn push(&mut self, byte: u8, position: usize) {
        for follower in [
            &mut self.followers[(self.last & 0xff) as usize],
            &mut self.followers_of_two[(self.last & 0xffff) as usize],
        ] {
            *follower = *follower << 8 | u32::from(byte);
        }
        let class = u32::from(CLASSES[usize::from(byte)]);
        if class > LAST_OF_RUNS || class != self.shape & 15 {
            self.shape = self.shape << 4 | class;
        }
        self.last = self.last << 8 | u64::from(byte);
        if byte.is_ascii_alphanumeric() || byte >= 128 || byte == b'_' {
            self.words[0] = combine(self.words[0], u32::from(byte.to_ascii_lowercase()) + 1);
        } else if self.words[0] != 0 {
            self.words = [0, self.words[0], self.words[1]];
        }
        if byte == b'\n' {
            self.line_above = self.line_start;
            self.line_start = position + 1;
            self.line_head = 0;
        } else if self.line_head <= b' ' {
            self.line_head = byte;
        }
    }

    /// The last `count` bytes, hashed.
    fn order(&self, count: u32) -> u32 {
        let bytes = self.last << (64 - 8 * count) >> (64 - 8 * count);
        combine(combine(count, bytes as u32), (bytes >> 32) as u32)
    }

    /// The hashes for the next byte, behind `history`, but for that of the guess. A short list is the
    /// beginning of a long one.
    pub(super) fn hashes(&self, kind: Kind, history: &[u8]) -> [u32; CONTEXTS_MAX] {
        let mut hashes = match kind {
            Kind::Text => self.text(history),
            Kind::Binary => self.binary(history),
        };
        for (i, count) in [(0, 2), (1, 3), (2, 4)] {
            hashes[i] = self.order(count);
        }
        hashes[NEWEST] = self.newest() as u32;
        hashes
    }

    /// The hash that takes the place of [`GUESS`].
    pub(super) fn guess(&self, guess: u32) -> u32 {
        combine(guess, (self.newest() as u32) << 20)
    }

    /// What tells whether the byte `expected` comes; `state` is the match.
    pub(super) fn of_expected(&self, expected: u8, state: u32) -> [u32; EXPECTED_CONTEXTS] {
        let low = self.last as u32;
        let expected = u32::from(expected);
        let [word, before, _] = self.words;
        [
            combine(0, state),
            combine(1, (low & 0xff) << 8 | expected),
            combine(combine(2, low & 0xffff), expected),
            combine(combine(3, low & 0x00ff_ffff), expected),
            combine(combine(4, low), expected),
            combine(self.order(6), expected),
            combine(combine(combine(6, word), before), expected),
        ]
    }

    fn text(&self, history: &[u8]) -> [u32; CONTEXTS_MAX] {
        let [word, _, skipped] = self.words;
        let newest = self.newest() as u32;
        let low = self.last as u32;
        let column = history.len() - self.line_start;
        let above = self.line_above + column;
        let above = if above < self.line_start { u32::from(history[above]) } else { 0 };
        let mut h = [0; CONTEXTS_MAX];
        h[3] = combine(combine(3, word), newest);
        h[5] = combine(combine(5, self.shape), newest);
        h[6] = self.after_two(6);
        h[8] = self.order(6);
        h[9] = self.after_one();
        h[10] = combine(10, low & 0xffff_0000);
        h[11] = combine(combine(11, above << 8 | newest), column.min(255) as u32);
        h[12] = combine(combine(12, word), u32::from(self.line_head) << 8);
        h[13] = combine(combine(combine(13, word), skipped), newest);
        h[14] = self.order(5);
        h
    }

    fn binary(&self, history: &[u8]) -> [u32; CONTEXTS_MAX] {
        let low = self.last as u32;
        let high = (self.last >> 32) as u32;
        let mut h = [0; CONTEXTS_MAX];
        h[3] = self.order(6);
        h[5] = combine(combine(5, low & 0xff00_0000), high & 0xff00_0000);
        h[6] = combine(combine(6, history.len() as u32 & 3), low & 0xffff);
        h[8] = combine(8, low & 0x00ff_ff00);
        h[9] = self.after_one();
        h[10] = combine(10, low & 0xffff_0000);
        h[11] = combine(11, low & 0xf8f8_f8f8);
        h[12] = self.after_two(12);
        h[13] = combine(combine(13, low & 0xffff_00ff), high & 0xff);
        h[14] = combine(combine(14, low & 0x00ff_00ff), high & 0xff);
        h
    }

    /// The newest byte and the last two that followed it before.
    fn after_one(&self) -> u32 {
        let newest = self.newest();
        combine(combine(9, self.followers[newest] & 0xffff), newest as u32)
    }

    /// The newest byte and the last three that followed it and the one before it.
    fn after_two(&self, seed: u32) -> u32 {
        let followers = self.followers_of_two[(self.last & 0xffff) as usize];
        combine(combine(seed, followers & 0x00ff_ffff), self.newest() as u32)
    }
}
