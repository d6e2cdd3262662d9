//! Codecs behind one door: blocks in, fewer bytes out.
mod method;
pub use method::*;
