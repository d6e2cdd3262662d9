//! Where an archive's bytes live: six calls, and the files and memory behind them.
//!
//! Knows bytes and offsets, nothing of frames. Beside `filesystem`, the only room that opens files.

mod as_opened;
mod backend;
mod discard;
mod local_file;
mod local_parts;
mod memory;
mod part_names;
mod part_store;
mod read_record;

pub use as_opened::AsOpened;
pub use backend::Backend;
pub use discard::{Discard, DiscardParts};
pub use local_file::LocalFile;
pub use local_parts::LocalParts;
pub use memory::Memory;
pub use part_names::PartNames;
pub use part_store::{IndexAlone, OnePart, PartStore};
pub use read_record::ReadRecord;
