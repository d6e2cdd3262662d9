//! tests

mod filesystem;
