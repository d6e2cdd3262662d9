//! `-only` and `-not`.

/// Which names are wanted.
#[derive(Debug, Clone, Default)]
pub struct Selection;
