//! All integration tests, in one binary.

mod command_line;
mod compress;
mod filesystem;
mod vectors_fragment;
