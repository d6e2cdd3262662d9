//! tests

mod command_line;
mod extract;
mod extract_damage;
mod support;
mod verify;
