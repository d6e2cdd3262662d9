#![doc = include_str!("README.md")]
// Tests say what they expect by panicking.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")
)]

// The floors, lowest first. A module may import only from the rooms that
// `tests/architecture.rs` allows it, all of them below.
pub mod base;
pub mod fragment;

pub mod compress;
pub mod crypto;
pub mod filesystem;
pub mod format;
pub mod select;
pub mod storage;

pub mod journal;

pub mod archive;

pub mod command;

pub mod cli;
