//! tests

mod vectors_fragment;
