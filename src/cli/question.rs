//! A question that the person at the terminal answers with yes or no, or with a password.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

/// How long it takes at most until a signal ends the waiting, in nanoseconds.
const WAIT_NANOS: i64 = 200_000_000;
/// A terminal gives no longer line, in bytes.
const LINE_BYTES_MAX: usize = 4096;

/// The line that is typed next, with its end; nothing when `stop` is raised first.
pub(super) fn next_line(stop: &AtomicBool) -> Option<String> {
    let mut line = String::new();
    wait_for_line(stop)?;
    io::stdin().read_line(&mut line).ok().map(|_| line)
}

/// The line that is typed after `ask`, without its end, while the terminal shows nothing of it. What
/// was typed before is thrown away: it may have been shown.
pub(super) fn hidden_line(stop: &AtomicBool, ask: impl FnOnce()) -> Option<Vec<u8>> {
    let stdin = io::stdin();
    let shown = tcgetattr(&stdin).ok()?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &hidden).ok()?;
    ask();
    let line = wait_for_line(stop).and_then(|()| {
        // Past the buffer of stdin, where a copy would stay.
        // No reallocation leaves one either.
        let mut line = vec![0; LINE_BYTES_MAX];
        let len = rustix::io::read(&stdin, &mut line).ok()?;
        line.truncate(len);
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        Some(line)
    });
    // Whatever came of it, the terminal shows again what is typed.
    tcsetattr(&stdin, OptionalActions::Flush, &shown).ok()?;
    line
}

/// Returns when a line can be read.
fn wait_for_line(stop: &AtomicBool) -> Option<()> {
    let stdin = io::stdin();
    // A read would go on after a signal; a terminal is ready to be read when a line is complete.
    loop {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        let timeout = Timespec { tv_sec: 0, tv_nsec: WAIT_NANOS };
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&timeout)) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Some(()),
            Err(_) => return None,
        }
    }
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
