//! How much work is done for each bit.

/// How strong, and how slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// Few contexts.
    Fast,
    /// Many contexts.
    Strong,
}
