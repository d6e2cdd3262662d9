//! The output for programs, `-json`: one object a line on stdout; warnings and errors in words on
//! stderr, as ever.

use std::io::{self, BufWriter, Write};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use crate::base::{BlockReport, Error, Item, Progress, Result};
use crate::command::{PlannedPart, Row};

use super::json_figures::Figures;
use super::json_line::{Line, SummaryLine};
use super::message::{exit_code, tell_failure};
use super::output::{Manner, Output};
use super::progress_line::{ProgressLine, Talk};
use super::summary::Done;

/// Between two lines that say how far a command is.
const PROGRESS: Duration = Duration::from_secs(1);

/// Tells a program.
pub(super) struct JsonOutput {
    manner: Manner,
    /// Says warnings in words.
    words: ProgressLine,
    lines: Mutex<Lines>,
}

/// The lines on their way. A command does not end because nobody reads them: what could not be
/// written is told at its end.
struct Lines {
    out: Box<dyn Write + Send>,
    told_progress: Option<Instant>,
    is_lost: bool,
    failure: Option<io::Error>,
}

impl JsonOutput {
    /// On stdout, and in words on stderr.
    pub(super) fn on_stdout(manner: Manner, stop: Arc<AtomicBool>) -> Self {
        let out = BufWriter::with_capacity(1 << 16, io::stdout());
        Self::new(Box::new(out), manner, ProgressLine::on_stderr(Talk::Quiet, stop))
    }

    fn new(out: Box<dyn Write + Send>, manner: Manner, words: ProgressLine) -> Self {
        let lines = Lines { out, told_progress: None, is_lost: false, failure: None };
        Self { manner, words, lines: Mutex::new(lines) }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        // Whoever panicked here left nothing that could not be written after.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for JsonOutput {
    fn item(&self, item: &Item<'_>) {
        if self.manner.talk == Talk::Full {
            self.lines().write(&Line::of_item(item));
        }
    }

    fn problem(&self, name: &[u8], why: &str) {
        self.lines().write_at_once(&Line::of_problem(name, why));
        self.words.problem(name, why);
    }

    fn warn(&self, text: &str) {
        self.lines().write_at_once(&Line::Warning { message: text });
        self.words.warn(text);
    }

    fn block(&self, block: &BlockReport) {
        if self.manner.is_verbose && !self.manner.is_quiet() {
            self.lines().write(&Line::of_block(block));
        }
    }

    fn advance(&self, done: u64, total: u64) {
        if self.manner.is_quiet() {
            return;
        }
        let mut lines = self.lines();
        if lines.told_progress.is_none_or(|told| told.elapsed() >= PROGRESS) {
            lines.told_progress = Some(Instant::now());
            lines.write_at_once(&Line::Progress { done, total: (total > 0).then_some(total) });
        }
    }

    fn confirms(&self, question: &str) -> bool {
        self.words.confirms(question)
    }

    fn password(&self, question: &str) -> Result<Vec<u8>> {
        self.words.password(question)
    }

    fn is_stopped(&self) -> bool {
        self.words.is_stopped()
    }
}

impl Output for JsonOutput {
    fn progress(&self) -> &dyn Progress {
        self
    }

    fn row(&self, row: &Row, is_compared: bool) -> Result<()> {
        let mut lines = self.lines();
        if !self.manner.is_quiet() {
            lines.write(&Line::of_row(row, is_compared));
        }
        lines.check()
    }

    fn part(&self, part: &PlannedPart) -> Result<()> {
        let mut lines = self.lines();
        lines.write(&Line::of_part(part));
        lines.check()
    }

    fn finish(&self, done: &Done, took: Duration) -> Result<u8> {
        self.words.finish();
        let report = done.report(took, self.manner.is_verbose);
        let (figures, seconds) = (Figures::of(done), took.as_secs_f64());
        let mut lines = self.lines();
        let summary = SummaryLine { figures, exit_code: report.code, seconds };
        lines.write_at_once(&Line::Summary(summary));
        report.close(lines.check())
    }

    fn fail(&self, error: &Error) -> u8 {
        self.words.finish();
        self.lines().write_at_once(&Line::of_error(error, exit_code(error.kind())));
        tell_failure(error)
    }
}

impl Lines {
    fn write(&mut self, line: &Line<'_>) {
        if self.is_lost {
            return;
        }
        if let Err(cause) = encoded(line).and_then(|bytes| self.out.write_all(&bytes)) {
            self.lose(cause);
        }
    }

    fn write_at_once(&mut self, line: &Line<'_>) {
        self.write(line);
        if self.is_lost {
            return;
        }
        if let Err(cause) = self.out.flush() {
            self.lose(cause);
        }
    }

    fn lose(&mut self, cause: io::Error) {
        self.is_lost = true;
        self.failure = Some(cause);
    }

    /// Fails if a line was lost, once.
    fn check(&mut self) -> Result<()> {
        match self.failure.take() {
            Some(cause) => Err(Error::io("cannot write to stdout", cause)),
            None => Ok(()),
        }
    }
}

/// A line's bytes, its end included.
fn encoded(line: &Line<'_>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(256);
    line.serialize(&mut Serializer::with_formatter(&mut bytes, WithoutControl))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Compact JSON that a terminal may see: RFC 8259 wants only the controls below U+0020 escaped,
/// but terminals obey U+007F to U+009F too.
struct WithoutControl;

impl Formatter for WithoutControl {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, control)) = rest.char_indices().find(|(_, c)| c.is_control()) {
            let (before, after) = rest.split_at(at);
            write!(writer, "{before}\\u{:04x}", u32::from(control))?;
            rest = &after[control.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn said(manner: Manner, say: impl FnOnce(&JsonOutput)) -> String {
        let out = Shared::default();
        let words = ProgressLine::on_stderr(Talk::Quiet, Arc::default());
        let output = JsonOutput::new(Box::new(out.clone()), manner, words);
        say(&output);
        String::from_utf8(out.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn blocks_are_told_with_verbose() {
        let block = BlockReport {
            number: 17,
            fragments: 2,
            raw_bytes: 1000,
            stored_bytes: 500,
            method: "zstd:5,5".to_owned(),
            content: "text",
        };
        let manner = Manner { is_json: true, is_verbose: true, ..Manner::default() };
        let line: Value = serde_json::from_str(&said(manner, |o| o.block(&block))).unwrap();
        let expected = serde_json::json!({
            "type": "block", "block": 17, "fragments": 2, "raw_bytes": 1000, "stored_bytes": 500,
            "method": "zstd:5,5", "content": "text",
        });
        assert_eq!(line, expected);
        let silent =
            [Manner { is_verbose: false, ..manner }, Manner { talk: Talk::Quiet, ..manner }];
        assert!(silent.iter().all(|manner| said(*manner, |o| o.block(&block)).is_empty()));
    }

    #[test]
    fn every_control_character_is_escaped_and_comes_back() {
        let name = "a\"\\\u{0}\n\u{1b}\u{7f}\u{80}\u{9f}\u{a0}é\u{1f600}";
        let item = Item { mark: '+', name: name.as_bytes(), size: None, new_bytes: None };
        let line = said(Manner::default(), |output| output.item(&item));
        assert!(!line.trim_end_matches('\n').contains(char::is_control), "{line}");
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["path"], name);
    }

    #[test]
    fn progress_is_told_at_once_and_then_once_in_a_while() {
        let began = Instant::now();
        let told = said(Manner::default(), |output| {
            (1..=1000).for_each(|done| output.advance(done, 0));
        });
        assert!(told.starts_with("{\"type\":\"progress\",\"done\":1}\n"), "{told}");
        let most = 1 + began.elapsed().as_secs();
        assert!(told.lines().count() as u64 <= most, "{told}");
    }
}
