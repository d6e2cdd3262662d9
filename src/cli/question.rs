//! A question that the person at the terminal answers with yes or no.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// How long it takes at most until a signal ends the waiting, in nanoseconds.
const WAIT_NANOS: i64 = 200_000_000;

/// The line that is typed next, with its end; nothing when `stop` is raised first.
pub(super) fn next_line(stop: &AtomicBool) -> Option<String> {
    let stdin = io::stdin();
    // A read would go on after a signal; a terminal is ready to be read when a line is complete.
    loop {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        let timeout = Timespec { tv_sec: 0, tv_nsec: WAIT_NANOS };
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&timeout)) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => break,
            Err(_) => return None,
        }
    }
    let mut line = String::new();
    stdin.read_line(&mut line).ok().map(|_| line)
}

/// Whether an answer agrees: only "yes" and "y" do.
pub(super) fn is_yes(line: &str) -> bool {
    matches!(line.trim(), "yes" | "y")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (line, agrees) in [
            ("yes\n", true),
            ("y\n", true),
            (" yes ", true),
            ("", false),
            ("\n", false),
            ("Y\n", false),
            ("yes!\n", false),
            ("no\n", false),
            ("y y\n", false),
        ] {
            assert_eq!(is_yes(line), agrees, "{line:?}");
        }
    }

    #[test]
    fn a_signal_ends_the_waiting_without_an_answer() {
        assert_eq!(next_line(&AtomicBool::new(true)), None);
    }
}
