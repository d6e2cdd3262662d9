//! The table that `list` prints, in the layout of zpaq 7.15.

use std::io::{BufWriter, IsTerminal, Write};

use crate::base::{Error, Kind, Metadata, Result, Timestamp};
use crate::command::{Comparison, ListSummary, Row};
use crate::select::in_version;

use super::message::{counted, megabytes, shown};
use super::windows_attributes;

/// Prints rows as they come and the footer at the end.
pub(super) struct Listing<W: Write> {
    out: BufWriter<W>,
    is_terminal: bool,
    rows: u64,
    bytes: u64,
}

impl<W: Write> Listing<W> {
    /// A table without rows.
    pub(super) fn new(out: W, is_terminal: bool) -> Self {
        let out = BufWriter::with_capacity(1 << 16, out);
        Self { out, is_terminal, rows: 0, bytes: 0 }
    }

    /// Prints one row.
    pub(super) fn show(&mut self, row: &Row) -> Result<()> {
        let line = match row {
            Row::Object { metadata, size, .. } => {
                let is_directory = metadata.as_ref().is_some_and(|m| m.kind == Kind::Directory);
                // A directory has no content of its own to count.
                self.bytes = self.bytes.saturating_add(if is_directory { 0 } else { *size });
                self.object(row)?
            }
            Row::Version { .. } => version(row),
        };
        self.rows += 1;
        self.write(&line)
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

    fn object(&self, row: &Row) -> Result<Vec<u8>> {
        let Row::Object { comparison, version, path, metadata, size, .. } = row else {
            return Ok(Vec::new());
        };
        let path = match version {
            Some((number, digits)) => in_version(*number, *digits, path)?,
            None => path.clone(),
        };
        let attributes = attributes(row);
        let date = metadata.as_ref().map(|metadata| metadata.mtime);
        let mut line = columns(*comparison, date, *size, attributes.as_deref());
        line.extend_from_slice(&shown(path.as_bytes(), self.is_terminal));
        match metadata {
            Some(metadata) if metadata.kind == Kind::Directory && !line.ends_with(b"/") => {
                line.push(b'/');
            }
            Some(metadata) if metadata.kind == Kind::Symlink => {
                line.extend_from_slice(b" -> ");
                line.extend_from_slice(&shown(&metadata.link_target, self.is_terminal));
            }
            _ => {}
        }
        line.push(b'\n');
        Ok(line)
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

fn version(row: &Row) -> Vec<u8> {
    let Row::Version { version: (number, digits), date, updates, deletions, size, stored_bytes } =
        row
    else {
        return Vec::new();
    };
    let mut line = columns(Comparison::InternalOnly, Some(*date), *size, None);
    let name = format!("{number:0digits$}/ +{updates} -{deletions} -> {stored_bytes}\n");
    line.extend_from_slice(name.as_bytes());
    line
}

/// Everything before the name.
fn columns(
    comparison: Comparison,
    date: Option<Timestamp>,
    size: u64,
    attributes: Option<&str>,
) -> Vec<u8> {
    let date = date.map(|date| date.to_string()).unwrap_or_default();
    let attributes = attributes.unwrap_or_default();
    format!("{} {date:19} {size:12} {attributes:5} ", comparison.symbol()).into_bytes()
}

/// The mode, or the Windows attributes of what has none. A question mark stands for what only a newer
/// zarc knows: without a word it would look like a deleted object.
fn attributes(row: &Row) -> Option<String> {
    let Row::Object { metadata, has_attributes, is_deleted, .. } = row else { return None };
    match metadata {
        Some(metadata) if *has_attributes => Some(mode(metadata)),
        Some(metadata) => metadata.windows_attributes.map(windows_attributes::letters),
        None => (!is_deleted).then(|| "?".to_owned()),
    }
}

/// A letter for what it is, and its permissions.
fn mode(metadata: &Metadata) -> String {
    let letter = match metadata.kind {
        Kind::File => ' ',
        Kind::Directory => 'd',
        Kind::Symlink => 'l',
        Kind::Fifo => 'p',
        Kind::CharacterDevice => 'c',
        Kind::BlockDevice => 'b',
        Kind::Socket => 's',
    };
    format!("{letter}{:04o}", metadata.mode & 0o7777)
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
