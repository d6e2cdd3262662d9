//! All integration tests, in one binary.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod command_line;
mod compress;
mod crash;
mod damage;
mod faults;
mod filesystem;
mod support;
mod vectors_fragment;
