//! Threat T19 of `spec/encryption.md`: what holds a password leaves no core file.
//!
//! Goal: the process that asks for a password can neither be dumped nor looked into by others from then on.
//! Method: the key command of a run looks at the run that started it through /proc; the process of the
//! test itself is asked after a command in it.

use std::fs;

use rustix::process::{DumpableBehavior, dumpable_behavior};
use zarc::base::Until;

use crate::support::parts::{history_in_parts, zarc_in};

#[test]
fn whoever_holds_a_password_leaves_no_core_file() {
    let (archive, _) = history_in_parts(1, Some("word"));
    let at = archive.directory();
    let command =
        "cp /proc/$PPID/limits limits && stat -c %u /proc/$PPID/environ > owner && echo word";
    let (code, _, told) = zarc_in(&at, &["list", "part??", "-keycmd", command]);
    assert_eq!(code, Some(0), "{told}");
    let limits = fs::read_to_string(at.join("limits")).unwrap();
    let limit = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(limit.split_whitespace().nth(4), Some("0"), "{limit}");
    // The kernel gives what may not be dumped to root.
    assert_eq!(fs::read_to_string(at.join("owner")).unwrap(), "0\n");
    archive.extract(Until::Latest).unwrap();
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
}
