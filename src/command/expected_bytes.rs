//! How much content there will be to deal with: counted by a walk of its own beside the work, which
//! does not wait for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::filesystem::{Item, Walk};

/// Bytes of content, known some time after the work began.
#[derive(Default)]
pub(super) struct ExpectedBytes {
    /// 0 until everything is counted.
    bytes: AtomicU64,
    is_given_up: AtomicBool,
}

impl ExpectedBytes {
    /// Counts what `walk` meets, until nobody wants to know any more.
    pub(super) fn count(&self, walk: Walk) {
        let mut bytes = 0;
        for item in walk {
            if self.is_given_up.load(Ordering::Relaxed) {
                return;
            }
            if let Item::Object(object) = item {
                bytes += object.status.size;
            }
        }
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// 0 if it is not known yet.
    pub(super) fn get(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The work is over: counting ends.
    pub(super) fn give_up(&self) {
        self.is_given_up.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;
    use crate::base::StoredPath;
    use crate::filesystem::{Choice, Root, WalkOptions};

    fn walk(directory: &std::path::Path) -> Walk {
        let disk = directory.as_os_str().as_bytes().to_vec();
        let root = Root { disk, stored: StoredPath::from_bytes(b"t".to_vec()).unwrap() };
        let is_wanted = |name: &[u8]| !name.ends_with(b"not");
        let wanted = Box::new(
            move |name: &[u8], _| if is_wanted(name) { Choice::Take } else { Choice::Skip },
        );
        Walk::new(vec![root], WalkOptions { special: false, leave_out: Vec::new(), wanted })
    }

    #[test]
    fn what_is_wanted_of_a_tree_is_counted_until_nobody_asks() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("sub")).unwrap();
        for (name, bytes) in [("a", 1000), ("sub/b", 500), ("not", 70_000)] {
            std::fs::write(directory.path().join(name), vec![1; bytes]).unwrap();
        }
        let expected = ExpectedBytes::default();
        assert_eq!(expected.get(), 0);
        expected.count(walk(directory.path()));
        assert_eq!(expected.get(), 1500);
        let given_up = ExpectedBytes::default();
        given_up.give_up();
        given_up.count(walk(directory.path()));
        assert_eq!(given_up.get(), 0);
    }
}
