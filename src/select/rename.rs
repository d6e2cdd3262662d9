//! `-to`.

/// How names change.
#[derive(Debug, Clone, Default)]
pub struct Rename;
