//! The file system's two sides: reading a tree that is to be archived ([`Walk`], [`Object`],
//! [`SourceFile`]) and restoring objects below a directory ([`Target`], [`NewFile`]).
//!
//! All work goes through directory descriptors: only the roots of a walk and the target itself
//! are opened by path. Errors are `std::io::Error`, one per object: the caller names the object.

mod accounts;
mod apply;
mod descent;
mod directories;
mod existing;
mod limits;
mod names;
mod new_file;
mod object;
mod restored;
mod scan;
mod shared;
mod small_file;
mod source;
mod status;
mod target;
mod xattr;

pub use accounts::AccountNames;
pub use apply::Unapplied;
pub use existing::Existing;
pub use limits::raise_descriptor_limit;
pub use new_file::NewFile;
pub use object::Object;
pub use restored::Restored;
pub use scan::{Choice, Item, Root, Walk, WalkOptions, Wanted};
pub use small_file::read_small;
pub use source::{Extent, SourceFile};
pub use target::Target;
