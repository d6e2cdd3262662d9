//! Dice that fall the same way each time: a seed printed by a failed test repeats it.

use std::cell::RefCell;

use zarc::base::{Environment, Result, Timestamp};

/// The generator `SplitMix64`.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Begins at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// An index into something of `len` things.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap()
    }

    /// Yes in `percent` of a hundred cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Fills `bytes` with noise.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let number = self.next().to_le_bytes();
            chunk.copy_from_slice(&number[..chunk.len()]);
        }
    }
}

thread_local! {
    static DICE: RefCell<Random> = const { RefCell::new(Random(0)) };
}

/// A clock that stands still and dice that start at `seed`, for this thread.
pub fn environment(seed: u64) -> Environment {
    DICE.set(Random::new(seed));
    Environment { now: || Timestamp { seconds: 1_700_000_000, nanos: 5 }, random: throw }
}

#[expect(clippy::unnecessary_wraps, reason = "the dice of the system can fail")]
fn throw(bytes: &mut [u8]) -> Result<()> {
    DICE.with_borrow_mut(|dice| dice.fill(bytes));
    Ok(())
}
