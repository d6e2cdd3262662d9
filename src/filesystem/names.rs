//! The names in one directory, sorted: all that a walk keeps of a directory it is in.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, RawDir};
use rustix::io::Errno;

/// Room for what one system call returns; a single record never needs more than 4 KiB.
const BUFFER_BYTES: usize = 32 * 1024;

/// Sorted names of a directory, handed out one by one.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// All names, each with its NUL.
    bytes: Vec<u8>,
    /// In descending order: the next name is the last.
    rest: Vec<Name>,
}

/// Where a name stands in the bytes.
#[derive(Debug, Clone, Copy)]
struct Name {
    start: usize,
    len: u16,
    is_directory: bool,
}

impl Names {
    /// Lists an open directory. With an error come the names that were read before it.
    pub(super) fn read(directory: BorrowedFd<'_>, buffer: &mut Vec<u8>) -> (Self, Option<Errno>) {
        buffer.clear();
        buffer.reserve(BUFFER_BYTES);
        let mut names = Self::default();
        let mut records = RawDir::new(directory, buffer.spare_capacity_mut());
        let mut error = None;
        while let Some(record) = records.next() {
            match record {
                Ok(record) => names.push(record.file_name(), record.file_type()),
                Err(Errno::INTR) => {}
                // The directory was removed meanwhile.
                Err(Errno::NOENT) => break,
                Err(errno) => {
                    error = Some(errno);
                    break;
                }
            }
        }
        names.sort();
        (names, error)
    }

    fn push(&mut self, name: &CStr, file_type: FileType) {
        let bytes = name.to_bytes_with_nul();
        if matches!(bytes, b".\0" | b"..\0") {
            return;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        // A directory record's own length is a u16.
        let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        self.rest.push(Name { start, len, is_directory: file_type == FileType::Directory });
    }

    fn sort(&mut self) {
        let Self { bytes, rest } = self;
        // The NUL at the end sorts below every byte of a name, as the end of a name must.
        let text = |name: &Name| &bytes[name.start..name.start + usize::from(name.len)];
        rest.sort_unstable_by(|left, right| text(right).cmp(text(left)));
        // A directory that changes while it is listed may show a name twice.
        rest.dedup_by(|left, right| text(left) == text(right));
    }

    /// Takes the next name, and whether the directory says that it is a directory itself.
    pub(super) fn next(&mut self) -> Option<(&CStr, bool)> {
        let name = self.rest.pop()?;
        let bytes = &self.bytes[name.start..name.start + usize::from(name.len)];
        let name_text = CStr::from_bytes_with_nul(bytes).unwrap_or_default();
        Some((name_text, name.is_directory))
    }

    /// Drops names longer than `len_max`; returns whether there were any.
    pub(super) fn limit(&mut self, len_max: usize) -> bool {
        let before = self.rest.len();
        // The length counts the NUL.
        self.rest.retain(|name| usize::from(name.len) <= len_max + 1);
        self.rest.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::Names;
    use rustix::fs::FileType;

    #[test]
    fn names_come_in_byte_order_once() {
        let mut names = Names::default();
        for name in [c"b", c"a.b", c"..", c"a", c"a!", c"\xff", c"b", c"\n", c"."] {
            names.push(name, FileType::Unknown);
        }
        names.sort();
        assert!(names.limit(2));
        let mut seen = Vec::new();
        while let Some((name, _)) = names.next() {
            seen.push(name.to_bytes().to_vec());
        }
        assert_eq!(seen, [&b"\n"[..], b"a", b"a!", b"b", b"\xff"]);
    }
}
