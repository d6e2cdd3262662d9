//! What is said on stderr when something went wrong, and the exit code.
//!
//! The rules of the terminal: data goes to stdout, talk to stderr. An error is one line,
//! `zarc: what: where: why`, and perhaps a second, `hint: what to do`. Control bytes in names are
//! escaped where a person looks at them, and go through raw into files and pipes. Whoever closes
//! stdout early has seen enough: that is success. Nobody listening on stderr changes nothing.

use std::borrow::Cow;
use std::io::Write;

use crate::base::{Error, ErrorKind, Result};

/// Everything asked for was done.
pub(super) const DONE: u8 = 0;
/// Done, with problems that were all named.
pub(super) const DONE_WITH_PROBLEMS: u8 = 1;
/// Not done, or the archive is damaged.
pub(super) const NOT_DONE: u8 = 2;
/// Stopped by a person.
pub(super) const INTERRUPTED: u8 = 130;

/// The exit code of a command that failed.
pub(super) fn exit_code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Stopped => INTERRUPTED,
        ErrorKind::Usage
        | ErrorKind::Missing
        | ErrorKind::Exists
        | ErrorKind::Corrupt
        | ErrorKind::Truncated
        | ErrorKind::Unsupported
        | ErrorKind::Busy
        | ErrorKind::Io => NOT_DONE,
    }
}

/// Says why a command failed, and what to do; returns the exit code.
pub(super) fn tell_failure(error: &Error) -> u8 {
    tell(&format!("zarc: {error}"));
    if let Some(hint) = error.hint_text() {
        tell(&format!("hint: {hint}"));
    }
    exit_code(error.kind())
}

/// Whether a failure to write to stdout only means that the reader has gone away.
pub(super) fn is_closed_pipe(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    source
        .and_then(|source| source.downcast_ref::<std::io::Error>())
        .is_some_and(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Prints to stdout.
pub(super) fn print(lines: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    let result = stdout.write_all(lines.as_bytes()).and_then(|()| stdout.flush());
    result.map_err(|cause| Error::io("cannot write to stdout", cause))
}

/// Says something on stderr, in one line whatever names it holds; there is nobody left to tell
/// when that fails.
pub(super) fn tell(text: &str) {
    let line = [&*shown(text.as_bytes(), true), b"\n"].concat();
    std::io::stderr().lock().write_all(&line).ok();
}

/// So many of something, in words that fit one and many.
pub(super) fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A name as it is printed: as it is, but without bytes that a terminal would obey.
pub(super) fn shown(name: &[u8], is_terminal: bool) -> Cow<'_, [u8]> {
    if !is_terminal {
        return Cow::Borrowed(name);
    }
    let mut escaped = Vec::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() {
                escaped.extend(character.escape_default().collect::<String>().bytes());
            } else {
                escaped.extend(character.encode_utf8(&mut [0; 4]).bytes());
            }
        }
        for byte in chunk.invalid() {
            escaped.extend(format!("\\x{byte:02x}").bytes());
        }
    }
    Cow::Owned(escaped)
}

/// A number of bytes to the last one, in zpaq's unit.
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{}.{:06} MB", bytes / 1_000_000, bytes % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_never_sees_control_bytes() {
        for (name, escaped) in [
            (&b"plain \xc3\xa9"[..], &b"plain \xc3\xa9"[..]),
            (b"\x1b[31m\n", b"\\u{1b}[31m\\n"),
            (b"\xff\x7f", b"\\xff\\u{7f}"),
            (b"\xc2\x9b", b"\\u{9b}"),
        ] {
            assert_eq!(*shown(name, true), *escaped);
            assert_eq!(*shown(name, false), *name);
        }
    }

    #[test]
    fn bytes_are_shown_to_the_last_one() {
        assert_eq!(megabytes(839), "0.000839 MB");
        assert_eq!(megabytes(12_345_678), "12.345678 MB");
    }
}
