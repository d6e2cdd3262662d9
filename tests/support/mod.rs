//! Doubles of the storage, histories of updates, and the reader that compares an archive with
//! the truth about it.

pub mod crash_storage;
pub mod faulty_storage;
pub mod random;
pub mod random_history;
pub mod truth;
