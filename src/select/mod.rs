//! Which names are meant, and what they are called on the other side.
mod rename;
mod selection;
pub use rename::Rename;
pub use selection::Selection;
