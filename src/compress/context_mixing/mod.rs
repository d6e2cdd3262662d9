//! A codec that predicts each bit from many contexts and mixes the predictions:
//! `spec/context-mixing.md`, to the bit.
//!
//! Slow and strong, and as slow to decode as to encode. Integers only, so that every machine computes
//! the same predictions.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "hashes keep their low bits, and ranges are those of the specification"
)]

mod bit_history;
mod cell;
mod codec;
mod contexts;
mod counted_cell;
mod expected_byte;
mod history_table;
mod logistic;
mod match_model;
mod mixer;
mod mixture;
mod predictor;
mod range_coder;
mod refinement;
mod strength;

pub use codec::{decode, encode};
pub use strength::Strength;
