//! Files that are read at once.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// All bytes of a file that has at most `limit` of them.
pub fn read_small(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    // What is read may be secret: a buffer that grows would leave copies behind.
    let room = usize::try_from(limit + 1).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(room);
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("it has more than {limit} bytes")));
    }
    Ok(bytes)
}
