//! How far a long command is: told by commands, shown by whoever wants to.

use super::error::{Error, Result};

/// One object and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<'a> {
    /// The manual's symbol: `+ # - > ? =`.
    pub mark: char,
    /// The object's name.
    pub name: &'a [u8],
    /// Bytes of its content, where they matter.
    pub size: Option<u64>,
    /// Bytes of its content that no earlier fragment held, where that is known.
    pub new_bytes: Option<u64>,
}

/// A block as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockReport {
    /// Its number.
    pub number: u64,
    /// How many fragments it holds, at least 1.
    pub fragments: u64,
    /// Bytes of the fragments.
    pub raw_bytes: u64,
    /// Bytes of payload of its DATA frame.
    pub stored_bytes: u64,
    /// How it was packed, as `-method` spells it: stored if it would not have become smaller.
    pub method: String,
    /// What the content was taken for.
    pub content: &'static str,
}

/// Receives what a command has to say while it runs.
pub trait Progress: Sync {
    /// What became of one object.
    fn item(&self, item: &Item<'_>);

    /// Why an object could not be treated as asked for; also when items are not shown.
    fn problem(&self, name: &[u8], why: &str);

    /// Something else that makes the result less than complete, or that the user should know;
    /// also when items are not shown.
    fn warn(&self, text: &str);

    /// A block was compressed and written.
    fn block(&self, _block: &BlockReport) {}

    /// `done` of about `total` bytes of work are done; `total` 0 means unknown.
    fn advance(&self, done: u64, total: u64);

    /// Whether a total is worth a walk ahead of the work.
    fn wants_total(&self) -> bool {
        false
    }

    /// Asks the user, if there is one, to agree to something that cannot be undone.
    fn confirms(&self, _question: &str) -> bool {
        false
    }

    /// Asks the user, if there is one, for a password; he does not see what he types.
    fn password(&self, _question: &str) -> Result<Vec<u8>> {
        Err(Error::usage("there is nobody to ask for the password")
            .hint("give it with -key, -keyfile or -keycmd"))
    }

    /// Whether the user asked to stop; commands look at it often and leave the archive as it was.
    fn is_stopped(&self) -> bool {
        false
    }
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn item(&self, _item: &Item<'_>) {}
    fn problem(&self, _name: &[u8], _why: &str) {}
    fn warn(&self, _text: &str) {}
    fn advance(&self, _done: u64, _total: u64) {}
}
