//! What is said on stderr while a command runs: a line for each object, warnings, and how far it
//! is: one line redrawn on a terminal, a plain line now and then elsewhere.

use std::io::{BufWriter, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::base::{BlockReport, Error, ErrorKind, Item, NoProgress, Progress, Result};

use super::message::shown;
use super::question::{hidden_line, is_yes, next_line};

/// Between two drawings of the line on a terminal.
const REDRAW: Duration = Duration::from_millis(100);
/// Between two plain lines.
const PLAIN: Duration = Duration::from_secs(5);

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Talk {
    /// Objects as they are done, how far it is, and warnings.
    #[default]
    Full,
    /// How far it is, and warnings: `-summary`.
    Summary,
    /// Warnings: `-quiet`.
    Quiet,
}

impl Talk {
    /// Quiet before summary before everything.
    pub(super) fn of(is_quiet: bool, is_summary: bool) -> Self {
        match (is_quiet, is_summary) {
            (true, _) => Self::Quiet,
            (false, true) => Self::Summary,
            (false, false) => Self::Full,
        }
    }
}

/// Says how a command goes.
pub(super) struct ProgressLine {
    is_terminal: bool,
    talk: Talk,
    stop: Arc<AtomicBool>,
    state: Mutex<State>,
}

struct State {
    out: Box<dyn Write + Send>,
    began: Instant,
    told: Instant,
    flushed: Instant,
    is_drawn: bool,
    shows_blocks: bool,
}

impl ProgressLine {
    /// On stderr.
    pub(super) fn on_stderr(talk: Talk, stop: Arc<AtomicBool>) -> Self {
        let stderr = std::io::stderr();
        let is_terminal = stderr.is_terminal();
        Self::new(Box::new(BufWriter::new(stderr)), is_terminal, talk, stop)
    }

    fn new(
        out: Box<dyn Write + Send>,
        is_terminal: bool,
        talk: Talk,
        stop: Arc<AtomicBool>,
    ) -> Self {
        let now = Instant::now();
        let (is_drawn, shows_blocks) = (false, false);
        let state = State { out, began: now, told: now, flushed: now, is_drawn, shows_blocks };
        Self { is_terminal, talk, stop, state: Mutex::new(state) }
    }

    /// Shows from now on each block that is written, unless only warnings are shown.
    pub(super) fn show_blocks(&self) {
        self.state().shows_blocks = self.talk != Talk::Quiet;
    }

    /// Leaves a clean line behind.
    pub(super) fn finish(&self) {
        self.state().say(&[], true);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked while talking left nothing that could not be talked over.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for ProgressLine {
    fn wants_total(&self) -> bool {
        self.is_terminal && self.talk != Talk::Quiet
    }

    fn item(&self, item: &Item<'_>) {
        if self.talk != Talk::Full {
            return;
        }
        let name = shown(item.name, self.is_terminal);
        let size = item.size.map(|size| format!(" {size}")).unwrap_or_default();
        let new = item.new_bytes.filter(|new| Some(*new) != item.size);
        let new = new.map(|new| format!(" -> {new}")).unwrap_or_default();
        let mark = [item.mark.to_string().as_bytes(), b" "].concat();
        let line = [&mark, &*name, size.as_bytes(), new.as_bytes(), b"\n"].concat();
        self.state().say(&line, false);
    }

    fn problem(&self, name: &[u8], why: &str) {
        self.warn(&format!("{}: {why}", String::from_utf8_lossy(name)));
    }

    fn warn(&self, text: &str) {
        // One warning is one line, whatever names it holds.
        let text = shown(text.as_bytes(), true);
        self.state().say(&[b"zarc: warning: ", &*text, b"\n"].concat(), true);
    }

    fn block(&self, block: &BlockReport) {
        let mut state = self.state();
        if state.shows_blocks {
            state.say(block_text(block).as_bytes(), false);
        }
    }

    fn advance(&self, done: u64, total: u64) {
        if self.talk == Talk::Quiet {
            return;
        }
        let mut state = self.state();
        let pause = if self.is_terminal { REDRAW } else { PLAIN };
        if state.told.elapsed() < pause {
            return;
        }
        state.told = Instant::now();
        let line = progress_text(done, total, state.began.elapsed());
        if self.is_terminal {
            state.say(line.as_bytes(), true);
            state.is_drawn = true;
        } else {
            state.say(format!("{line}\n").as_bytes(), true);
        }
    }

    fn confirms(&self, question: &str) -> bool {
        let is_heard = self.is_terminal && std::io::stdin().is_terminal();
        if self.talk == Talk::Quiet || !is_heard {
            return false;
        }
        let question = shown(question.as_bytes(), true);
        self.state().say(&[b"zarc: ", &*question, b" (yes/no) "].concat(), true);
        let line = next_line(&self.stop).unwrap_or_default();
        if !line.ends_with('\n') {
            self.state().say(b"\n", true);
        }
        is_yes(&line)
    }

    fn password(&self, question: &str) -> Result<Vec<u8>> {
        if !(self.is_terminal && std::io::stdin().is_terminal()) {
            return NoProgress.password(question);
        }
        let ask = || self.state().say(&[b"zarc: ", question.as_bytes()].concat(), true);
        let typed = hidden_line(&self.stop, ask);
        self.state().say(b"\n", true);
        typed.ok_or_else(|| Error::new(ErrorKind::Stopped, "interrupted"))
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl State {
    /// Writes in place of the drawn line. When nobody can hear it, the work goes on.
    fn say(&mut self, bytes: &[u8], at_once: bool) {
        if std::mem::take(&mut self.is_drawn) {
            self.out.write_all(b"\r\x1b[K").ok();
        }
        self.out.write_all(bytes).ok();
        if at_once || self.flushed.elapsed() >= REDRAW {
            self.out.flush().ok();
            self.flushed = Instant::now();
        }
    }
}

/// Its fragments, bytes before and after, and how it was packed: a line.
fn block_text(block: &BlockReport) -> String {
    let BlockReport { number, fragments, raw_bytes, stored_bytes, method, content } = block;
    let last = fragments.saturating_sub(1);
    format!("[{number}.0..{last}] {raw_bytes} -> {stored_bytes} -method {method} ({content})\n")
}

/// Share done, bytes, speed and time left, as far as they are known.
fn progress_text(done: u64, total: u64, elapsed: Duration) -> String {
    let elapsed_ms = elapsed.as_millis().max(1);
    // Bytes a millisecond are a thousandth of megabytes a second: ten times that is a tenth.
    let speed = tenths(u128::from(done) / elapsed_ms / 100);
    let megabytes = |bytes: u64| tenths(u128::from(bytes) / 100_000);
    if total == 0 {
        return format!("{} MB, {speed} MB/s", megabytes(done));
    }
    let done = done.min(total);
    let share = tenths(u128::from(done) * 1000 / u128::from(total));
    let left = (u128::from(total - done) * elapsed_ms)
        .checked_div(u128::from(done))
        .map(|left_ms| format!(", {} left", clock(left_ms.div_ceil(1000))))
        .unwrap_or_default();
    format!("{share}% of {} MB, {speed} MB/s{left}", megabytes(total))
}

fn tenths(value: u128) -> String {
    format!("{}.{}", value / 10, value % 10)
}

fn clock(seconds: u128) -> String {
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    match minutes / 60 {
        0 => format!("{minutes}:{seconds:02}"),
        hours => format!("{hours}:{:02}:{seconds:02}", minutes % 60),
    }
}

/// Lets SIGINT and SIGTERM raise a flag. Commands look at it often, so a second signal need not do
/// more: wrappers like `timeout` send two at once, and the archive is to be left as it was.
pub(super) fn stop_on_signals(stop: &Arc<AtomicBool>) -> Result<()> {
    for signal in [SIGINT, SIGTERM] {
        flag::register(signal, Arc::clone(stop))
            .map_err(|cause| Error::io("cannot listen for signals", cause))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn how_far_it_is_stands_in_one_line() {
        for (done, total, ms, text) in [
            (12_300_000, 0, 1000, "12.3 MB, 12.3 MB/s"),
            (0, 5_000_000, 0, "0.0% of 5.0 MB, 0.0 MB/s"),
            (50_000_000, 200_000_000, 500, "25.0% of 200.0 MB, 100.0 MB/s, 0:02 left"),
            (1_000_000, 7_201_000_000, 1000, "0.0% of 7201.0 MB, 1.0 MB/s, 2:00:00 left"),
            (9, 5, 10, "100.0% of 0.0 MB, 0.0 MB/s, 0:00 left"),
        ] {
            assert_eq!(progress_text(done, total, Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn blocks_are_shown_when_asked_for_and_never_in_quiet() {
        let shown = b"[12.0..340] 33554432 -> 9123456 -method zstd:5,5 (text)\n";
        for (talk, is_asked, told) in
            [(Talk::Full, false, &b""[..]), (Talk::Full, true, shown), (Talk::Quiet, true, b"")]
        {
            let out = Shared::default();
            let line = ProgressLine::new(Box::new(out.clone()), false, talk, Arc::default());
            if is_asked {
                line.show_blocks();
            }
            line.block(&BlockReport {
                number: 12,
                fragments: 341,
                raw_bytes: 33_554_432,
                stored_bytes: 9_123_456,
                method: "zstd:5,5".to_owned(),
                content: "text",
            });
            line.finish();
            assert_eq!(*out.0.lock().unwrap(), told);
        }
    }

    #[test]
    fn quiet_leaves_only_warnings_and_summary_no_objects() {
        for (talk, told) in [
            (Talk::of(false, false), &b"+ a\xff 3 -> 0\n- b\nzarc: warning: c\\nd\n"[..]),
            (Talk::of(false, true), b"zarc: warning: c\\nd\n50.0% of"),
            (Talk::of(true, true), b"zarc: warning: c\\nd\n"),
        ] {
            let out = Shared::default();
            let line = ProgressLine::new(Box::new(out.clone()), false, talk, Arc::default());
            let item = Item { mark: '+', name: b"a\xff", size: Some(3), new_bytes: Some(0) };
            line.item(&item);
            line.item(&Item { mark: '-', name: b"b", size: None, new_bytes: None });
            line.warn("c\nd");
            if talk == Talk::Summary {
                // As if the last plain line had been a while ago.
                line.state().told -= PLAIN;
            }
            line.advance(1, 2);
            line.finish();
            let said = out.0.lock().unwrap();
            assert!(said.starts_with(told), "{}", said.escape_ascii());
            assert!(talk == Talk::Summary || said.len() == told.len(), "{}", said.escape_ascii());
        }
    }
}
