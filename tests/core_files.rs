//! Threat T19 of `spec/encryption.md`: what holds a password leaves no core file.
//!
//! Goal: the process that asks for a password can neither be dumped nor looked into by others from then on.
//! Method: the key command of a run looks at the run that started it through /proc; the process of the
//! test itself is asked after a command in it.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::{DumpableBehavior, dumpable_behavior};
use zarc::base::Until;

use crate::support::parts::history_in_parts;

/// The largest core file that this run may write, and the largest that it may ask for.
fn limits(path: &Path) -> [String; 2] {
    let limits = fs::read_to_string(path).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    [words[4].to_owned(), words[5].to_owned()]
}

/// Also where the user wants core files, as large as they come.
#[test]
fn whoever_holds_a_password_leaves_no_core_file() {
    let (archive, _) = history_in_parts(1, Some("word"));
    let at = archive.directory();
    let with_core_files =
        "ulimit -S -c \"$(ulimit -H -c)\" && cp /proc/$$/limits before && exec \"$0\" \"$@\"";
    let key = "cp /proc/$PPID/limits limits && stat -c %u /proc/$PPID/environ > owner && echo word";
    let mut command = Command::new("sh");
    command.args(["-c", with_core_files, env!("CARGO_BIN_EXE_zarc")]);
    command.args(["list", "part??", "-keycmd", key]).current_dir(&at);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let [before, most] = limits(&at.join("before"));
    assert_eq!(before, most);
    if most == "0" {
        eprintln!("skipped in part: this system has no core files");
    }
    assert_eq!(limits(&at.join("limits")), ["0".to_owned(), most]);
    // The kernel gives what may not be dumped to root.
    assert_eq!(fs::read_to_string(at.join("owner")).unwrap(), "0\n");
    archive.extract(Until::Latest).unwrap();
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
}
