//! The table that `list` prints, in the layout of zpaq 7.15.

use std::io::{BufWriter, IsTerminal, Write};

use crate::base::{Error, Kind, Metadata, Result, Timestamp};
use crate::command::{Comparison, ListSummary, Row};
use crate::select::in_version;

use super::message::{counted, megabytes, shown};
use super::windows_attributes;

/// Columns of a date, of a size, and at least of attributes.
const DATE_WIDTH: usize = 19;
const SIZE_WIDTH: usize = 12;
const ATTRIBUTES_WIDTH: usize = 5;

/// Prints rows as they come and the footer at the end.
pub(super) struct Listing<W: Write> {
    out: BufWriter<W>,
    is_terminal: bool,
    rows: u64,
    bytes: u64,
    /// The row that is being made.
    line: Vec<u8>,
    /// The last day of a date, and how it is printed: many rows in a row have the same.
    day: Option<(i64, String)>,
}

impl<W: Write> Listing<W> {
    /// A table without rows.
    pub(super) fn new(out: W, is_terminal: bool) -> Self {
        let out = BufWriter::with_capacity(1 << 16, out);
        Self { out, is_terminal, rows: 0, bytes: 0, line: Vec::new(), day: None }
    }

    /// Prints one row.
    pub(super) fn show(&mut self, row: &Row) -> Result<()> {
        self.line.clear();
        match row {
            Row::Object { metadata, size, .. } => {
                let is_directory = metadata.as_ref().is_some_and(|m| m.kind == Kind::Directory);
                // A directory has no content of its own to count.
                self.bytes = self.bytes.saturating_add(if is_directory { 0 } else { *size });
                self.object(row)?;
            }
            Row::Version { .. } => self.version(row),
        }
        self.rows += 1;
        checked(self.out.write_all(&self.line))
    }

    /// Prints what was shown in all; `compared` when files were named, `largest` with how many
    /// were asked for by `-summary`.
    pub(super) fn finish(
        &mut self,
        summary: &ListSummary,
        compared: bool,
        largest: Option<usize>,
    ) -> Result<()> {
        let footer = format!(
            "\n{} in {} shown\n  -> {} in {}\n",
            megabytes(self.bytes),
            counted(self.rows, "row"),
            megabytes(summary.archive_bytes),
            counted(summary.versions, "version"),
        );
        self.write(footer.as_bytes())?;
        if compared {
            let ListSummary { same, different, external_only, internal_only, .. } = summary;
            let counts = format!(
                "{same} =same, {different} #different, {external_only} +external, \
                 {internal_only} -internal\n"
            );
            self.write(counts.as_bytes())?;
        }
        if let Some(largest) = largest {
            let duplicates = summary.duplicates;
            let line = format!("{duplicates} of largest {largest} files are ^duplicates\n");
            self.write(line.as_bytes())?;
        }
        Ok(())
    }

    /// Hands on what is buffered.
    pub(super) fn flush(&mut self) -> Result<()> {
        checked(self.out.flush())
    }

    fn object(&mut self, row: &Row) -> Result<()> {
        let Row::Object { comparison, version, path, metadata, size, .. } = row else {
            return Ok(());
        };
        self.columns(*comparison, metadata.as_ref().map(|metadata| metadata.mtime), *size);
        let before = self.line.len();
        push_attributes(&mut self.line, row);
        self.line.resize(self.line.len().max(before + ATTRIBUTES_WIDTH), b' ');
        self.line.push(b' ');
        match version {
            Some((number, digits)) => {
                let path = in_version(*number, *digits, path)?;
                self.line.extend_from_slice(&shown(path.as_bytes(), self.is_terminal));
            }
            None => self.line.extend_from_slice(&shown(path.as_bytes(), self.is_terminal)),
        }
        match metadata {
            Some(metadata) if metadata.kind == Kind::Directory && !self.line.ends_with(b"/") => {
                self.line.push(b'/');
            }
            Some(metadata) if metadata.kind == Kind::Symlink => {
                self.line.extend_from_slice(b" -> ");
                self.line.extend_from_slice(&shown(&metadata.link_target, self.is_terminal));
            }
            _ => {}
        }
        self.line.push(b'\n');
        Ok(())
    }

    fn version(&mut self, row: &Row) {
        let Row::Version { version, date, updates, deletions, size, stored_bytes } = row else {
            return;
        };
        self.columns(Comparison::InternalOnly, Some(*date), *size);
        let (number, digits) = *version;
        let name = format!(
            "{:ATTRIBUTES_WIDTH$} {number:0digits$}/ +{updates} -{deletions} -> {stored_bytes}\n",
            ""
        );
        self.line.extend_from_slice(name.as_bytes());
    }

    /// Everything before the attributes.
    fn columns(&mut self, comparison: Comparison, date: Option<Timestamp>, size: u64) {
        self.line.extend_from_slice(comparison.symbol().encode_utf8(&mut [0; 4]).as_bytes());
        self.line.push(b' ');
        let before = self.line.len();
        if let Some(date) = date {
            self.push_date(date);
        }
        self.line.resize(self.line.len().max(before + DATE_WIDTH), b' ');
        self.line.push(b' ');
        push_number(&mut self.line, size);
        self.line.push(b' ');
    }

    fn push_date(&mut self, date: Timestamp) {
        let (day, second) = (date.seconds.div_euclid(86_400), date.seconds.rem_euclid(86_400));
        if self.day.as_ref().is_none_or(|(last, _)| *last != day) {
            let whole = Timestamp { seconds: day.saturating_mul(86_400), nanos: 0 }.to_string();
            match whole.split_once(' ') {
                Some((text, _)) => self.day = Some((day, text.to_owned())),
                // Beyond the calendar.
                None => return self.line.extend_from_slice(date.to_string().as_bytes()),
            }
        }
        if let Some((_, text)) = &self.day {
            self.line.extend_from_slice(text.as_bytes());
        }
        for (mark, part) in [(b' ', second / 3600), (b':', second / 60 % 60), (b':', second % 60)] {
            let digit = |value: i64| b'0' + u8::try_from(value).unwrap_or_default();
            self.line.extend_from_slice(&[mark, digit(part / 10), digit(part % 10)]);
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        checked(self.out.write_all(bytes))
    }
}

impl Listing<std::io::StdoutLock<'static>> {
    /// A table on stdout.
    pub(super) fn on_stdout() -> Self {
        let stdout = std::io::stdout();
        let is_terminal = stdout.is_terminal();
        Self::new(stdout.lock(), is_terminal)
    }
}

fn checked(result: std::io::Result<()>) -> Result<()> {
    result.map_err(|cause| Error::io("cannot write the listing", cause))
}

/// A number flush right in 12 columns.
fn push_number(line: &mut Vec<u8>, mut number: u64) {
    let mut digits = [b' '; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        if number == 0 {
            break;
        }
    }
    line.extend_from_slice(&digits[at.min(digits.len() - SIZE_WIDTH)..]);
}

/// The mode, or the Windows attributes of what has none. A question mark stands for what only a newer
/// zarc knows: without a word it would look like a deleted object.
fn push_attributes(line: &mut Vec<u8>, row: &Row) {
    let Row::Object { metadata, has_attributes, is_deleted, .. } = row else { return };
    match metadata {
        Some(metadata) if *has_attributes => push_mode(line, metadata),
        Some(metadata) => {
            let letters = metadata.windows_attributes.map(windows_attributes::letters);
            line.extend_from_slice(letters.unwrap_or_default().as_bytes());
        }
        None if *is_deleted => {}
        None => line.push(b'?'),
    }
}

/// A letter for what it is, and its permissions.
fn push_mode(line: &mut Vec<u8>, metadata: &Metadata) {
    line.push(match metadata.kind {
        Kind::File => b' ',
        Kind::Directory => b'd',
        Kind::Symlink => b'l',
        Kind::Fifo => b'p',
        Kind::CharacterDevice => b'c',
        Kind::BlockDevice => b'b',
        Kind::Socket => b's',
    });
    for shift in [9, 6, 3, 0] {
        line.push(b'0' + u8::try_from(metadata.mode >> shift & 7).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::StoredPath;

    fn object(comparison: Comparison, name: &[u8], kind: Option<Kind>, attributes: bool) -> Row {
        let metadata = kind.map(|kind| Metadata {
            kind,
            mode: 0o4755,
            mtime: Timestamp::default(),
            uid: 0,
            gid: 0,
            user: Vec::new(),
            group: Vec::new(),
            xattrs: Vec::new(),
            link_target: b"a\x1b".to_vec(),
            device: (0, 0),
            windows_attributes: None,
        });
        let path = StoredPath::normalized(name).unwrap();
        let version = (comparison == Comparison::InternalOnly).then_some((1, 4));
        let is_deleted = kind.is_none();
        let has_attributes = attributes;
        Row::Object { comparison, version, path, metadata, has_attributes, is_deleted, size: 5 }
    }

    fn printed(is_terminal: bool, attributes: bool) -> String {
        let mut bytes = Vec::new();
        let mut listing = Listing::new(&mut bytes, is_terminal);
        for (comparison, name, kind) in [
            (Comparison::InternalOnly, &b"C:/d"[..], Some(Kind::Directory)),
            (Comparison::InternalOnly, b"/gone", None),
            (Comparison::Different, b"\n\xff", Some(Kind::File)),
            (Comparison::ExternalOnly, b"l", Some(Kind::Symlink)),
        ] {
            listing.show(&object(comparison, name, kind, attributes)).unwrap();
        }
        let (version, date) = ((12, 4), Timestamp { seconds: 86_399, nanos: 0 });
        let root =
            Row::Version { version, date, updates: 3, deletions: 1, size: 7, stored_bytes: 839 };
        listing.show(&root).unwrap();
        let summary = ListSummary { versions: 1, duplicates: 2, ..ListSummary::default() };
        listing.finish(&summary, true, Some(5)).unwrap();
        drop(listing);
        bytes.escape_ascii().to_string().replace("\\n-", "\n-").replace("\\n+", "\n+")
    }

    #[test]
    fn windows_attributes_stand_in_place_of_a_mode() {
        for (has_mode, bits, shown) in [
            (false, Some(0x20), "           5 A     name\n"),
            (false, Some(0x2410), "           5 DrI   name/\n"),
            (false, Some(0x1_7627), "           5 RHSAproIEv name\n"),
            (true, Some(0x20), "           5  4755 name\n"),
            (false, None, "           5       name\n"),
        ] {
            let kind = if shown.contains('/') { Kind::Directory } else { Kind::File };
            let mut row = object(Comparison::Same, b"name", Some(kind), has_mode);
            if let Row::Object { metadata: Some(metadata), .. } = &mut row {
                metadata.windows_attributes = bits;
            }
            let mut bytes = Vec::new();
            Listing::new(&mut bytes, false).show(&row).unwrap();
            let line = String::from_utf8(bytes).unwrap();
            assert!(line.contains(shown), "{line}");
        }
    }

    #[test]
    fn what_only_a_newer_zarc_knows_does_not_look_deleted() {
        for (deleted, shown) in [(true, "5       0001/name\n"), (false, "5 ?     0001/name\n")] {
            let mut row = object(Comparison::InternalOnly, b"name", None, true);
            if let Row::Object { is_deleted, .. } = &mut row {
                *is_deleted = deleted;
            }
            let mut bytes = Vec::new();
            Listing::new(&mut bytes, false).show(&row).unwrap();
            let line = String::from_utf8(bytes).unwrap();
            assert!(line.ends_with(shown), "{line}");
        }
    }

    #[test]
    fn rows_have_the_columns_of_zpaq() {
        let shown = printed(false, true);
        for part in [
            "- 1970-01-01 00:00:00            5 d4755 0001/C/d/\n",
            "-                                5       0001/gone\\n#",
            "# 1970-01-01 00:00:00            5  4755 \\n\\xff\n",
            "+ 1970-01-01 00:00:00            5 l4755 l -> a\\x1b\n",
            "- 1970-01-01 23:59:59            7       0012/ +3 -1 -> 839\\n",
            "0.000015 MB in 5 rows shown\\n  -> 0.000000 MB in 1 version\\n",
            "2 of largest 5 files are ^duplicates\\n",
            "0 =same, 0 #different, 0 +external, 0 -internal",
        ] {
            assert!(shown.contains(part), "{part} is not in {shown}");
        }
        assert!(printed(true, true).contains("4755 \\\\n\\\\xff\n"));
        assert!(printed(false, false).contains("00:00:00            5       l"));
    }
}
