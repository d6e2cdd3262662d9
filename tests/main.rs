//! tests

mod compress;
mod vectors_fragment;
