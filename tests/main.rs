//! tests
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

mod compress;
mod vectors_fragment;
