//! The largest of many rows: kept while the rows stream by, so that memory grows with how many are
//! asked for, not with how many there are.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::archive::{Piece, Stored};
use crate::base::{Digest, Kind, StoredPath};

use super::options::{Comparison, Row};

/// A row and what stands for its content.
struct Ranked {
    row: Row,
    /// Of a file in the archive.
    content: Option<Digest>,
}

/// What decides the order of rows, the most important first.
type Rank<'a> = (Reverse<u64>, bool, Option<Digest>, Option<u64>, Option<&'a StoredPath>);

impl Ranked {
    /// Of the same size, objects on disk come before those of the archive, what has no content
    /// before files, files of one content together, versions from the first on, and names in
    /// archive order.
    fn rank(&self) -> Rank<'_> {
        match &self.row {
            Row::Object { comparison, version, path, size, .. } => {
                let is_internal = *comparison != Comparison::ExternalOnly;
                let number = version.map(|(number, _)| number);
                (Reverse(*size), is_internal, self.content, number, Some(path))
            }
            Row::Version { version, size, .. } => {
                (Reverse(*size), true, None, Some(version.0), None)
            }
        }
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Ranked {}

/// The largest rows met so far.
pub(super) struct Largest {
    count: usize,
    /// The last one in order, which is the smallest, on top.
    kept: BinaryHeap<Ranked>,
}

impl Largest {
    /// Will keep `count` rows.
    pub(super) fn new(count: usize) -> Self {
        Self { count, kept: BinaryHeap::new() }
    }

    /// Whether a row of `size` bytes could be one of the largest.
    pub(super) fn may_take(&self, size: u64) -> bool {
        let is_large_enough = |last: &Ranked| last.rank().0 >= Reverse(size);
        self.kept.len() < self.count || self.kept.peek().is_some_and(is_large_enough)
    }

    /// Takes a row, with what the archive has of a file.
    pub(super) fn take(&mut self, row: Row, stored: Option<&Stored>) {
        self.kept.push(Ranked { row, content: stored.and_then(content_of) });
        if self.kept.len() > self.count {
            self.kept.pop();
        }
    }

    /// The rows, largest first; a file with the content of the one before it is a duplicate.
    pub(super) fn into_rows(self) -> impl Iterator<Item = Row> {
        let mut content_before = None;
        self.kept.into_sorted_vec().into_iter().map(move |mut ranked| {
            let is_duplicate = ranked.content.is_some() && ranked.content == content_before;
            content_before = ranked.content;
            if let (true, Row::Object { comparison, .. }) = (is_duplicate, &mut ranked.row) {
                *comparison = Comparison::Duplicate;
            }
            ranked.row
        })
    }
}

/// Equal for equal contents that were cut alike: each fragment is stored once.
fn content_of(stored: &Stored) -> Option<Digest> {
    if stored.metadata.kind != Kind::File {
        return None;
    }
    let mut bytes = Vec::new();
    for piece in &stored.content {
        let numbers = match piece {
            Piece::Hole(len) => [u64::MAX, 0, 0, *len],
            Piece::Data(run) => {
                [run.first.block, run.first.index.into(), run.count.into(), run.len]
            }
        };
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }
    Some(Digest::of(&bytes))
}
