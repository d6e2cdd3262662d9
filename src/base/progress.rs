//! How far a long command is: told by commands, shown by whoever wants to.

/// Receives what a command has to say while it runs.
pub trait Progress: Sync {
    /// One line about one object: `mark` is the manual's symbol (`+ # - > ? =`), `name` the
    /// object's name bytes, `size` its bytes where they matter.
    fn item(&self, mark: char, name: &[u8], size: Option<u64>);

    /// Something that makes the result less than complete, or that the user should know; also
    /// when items are not shown.
    fn warn(&self, text: &str);

    /// `done` of about `total` bytes of work are done; `total` 0 means unknown.
    fn advance(&self, done: u64, total: u64);

    /// Whether a total is worth a walk ahead of the work.
    fn wants_total(&self) -> bool {
        false
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
    fn item(&self, _mark: char, _name: &[u8], _size: Option<u64>) {}
    fn warn(&self, _text: &str) {}
    fn advance(&self, _done: u64, _total: u64) {}
}
