//! tests

mod command_line;
mod filesystem;
