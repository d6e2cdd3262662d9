//! Codecs behind one door: blocks in, fewer bytes out, and back.
//!
//! Knows nothing of frames, fragments or files.

mod brotli_stream;
mod codec;
mod content;
pub mod context_mixing;
mod filter;
mod frame_header;
mod lzma_stream;
mod magic;
mod method;
mod pack;
mod ppmd_stream;
mod unpack;

pub use codec::Codec;
pub use content::ContentKind;
pub use filter::Filter;
pub use method::{Method, MethodChoice};
pub use pack::{Packed, pack, pack_after};
pub use unpack::{unpack, unpack_after};
