//! One test program; each module is a promise of one room.

mod filesystem;
