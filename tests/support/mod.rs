//! Doubles of the storage, histories of updates, and the reader that compares an archive with
//! the truth about it.

pub mod crash_storage;
pub mod faulty_storage;
pub mod random;
pub mod random_history;
pub mod truth;
pub mod watched_storage;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Says where it was when something panics.
pub fn guarded<T>(place: &str, work: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(value) => value,
        Err(panic) => {
            println!("failed: {place}");
            resume_unwind(panic)
        }
    }
}
