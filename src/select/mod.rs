//! Which names are meant (`-only`, `-not`), and what they are called on the other side (`-to`).
//!
//! Knows names only: neither files on disk nor archives.

mod pattern;
mod rename;
mod selection;

pub use pattern::{NameRules, Pattern};
pub use rename::{Rename, in_version, version_directory};
pub use selection::{Selection, Verdict};
