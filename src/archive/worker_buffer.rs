//! Where a worker unpacks a block that is of no use to others; kept, because fresh memory costs a page fault
//! for every 4 KiB.

use std::cell::Cell;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The buffer of this thread, with room in it if it was put back before.
pub(super) fn take() -> Vec<u8> {
    BUFFER.take()
}

/// Gives the buffer back for the next block of this thread.
pub(super) fn put_back(buffer: Vec<u8>) {
    BUFFER.set(buffer);
}
