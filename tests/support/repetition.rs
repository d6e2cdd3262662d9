//! Many runs of one check, each from a number that repeats it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::guarded;
use super::workbench::number_from_environment;

/// Runs `check` with each number below `count`, in two threads, `ZARC_TEST_CASES` times as many; returns
/// how many times. A check that fails is told by its number.
pub fn in_two_threads(name: &str, count: u64, check: impl Fn(u64) + Sync) -> u64 {
    let (times, next) = (number_from_environment("ZARC_TEST_CASES", 1), AtomicU64::new(0));
    let run = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count * times {
                break;
            }
            guarded(&format!("{name} {number}"), || check(number));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(run);
        scope.spawn(run);
    });
    times
}
