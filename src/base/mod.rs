//! Words everyone speaks: errors, bytes, paths, instants, metadata, digests.
//!
//! Knows nothing of archives, files on disk or terminals.

mod byte_ranges;
mod bytes;
mod digest;
mod environment;
mod error;
mod metadata;
mod progress;
mod stored_path;
mod timestamp;

pub use byte_ranges::ByteRanges;
pub use bytes::{ByteReader, ByteWriter};
pub use digest::Digest;
pub use environment::Environment;
pub use error::{Error, ErrorKind, Result};
pub use metadata::{Kind, Metadata, Status, Xattr};
pub use progress::{BlockReport, Item, NoProgress, Progress};
pub use stored_path::StoredPath;
pub use timestamp::{Timestamp, Until};
