//! tests

mod command_line;
