//! Where an archive's bytes live: six calls, and the files and memory behind them.
//!
//! Knows bytes and offsets, nothing of frames. Beside `filesystem`, the only room that opens files.

mod backend;
mod discard;
mod local_file;
mod memory;

pub use backend::Backend;
pub use discard::Discard;
pub use local_file::LocalFile;
pub use memory::Memory;
