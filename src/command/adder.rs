//! What `add` makes of each thing that it meets: an entry of the update, a warning, or nothing.

use std::io;

use crate::archive::{Archive, Change, Entry, Object as StoredObject, Piece, Stored, Version};
use crate::base::{Error, ErrorKind, Item, Kind, Progress, Result, StoredPath, Timestamp};
use crate::filesystem::Object;

use super::changes::Step;
use super::content_reader::Outlet;
use super::difference::{Saving, is_known};
use super::hard_links::HardLinks;
use super::lazy_update::LazyUpdate;
use super::object_reader::{ObjectReader, ReadObject, ReadResult, Sources};
use super::options::{AddOptions, AddSummary};
use super::portion::{Failure, Outcome, Part, Portion, Work};
use super::status::size_of;

/// Turns steps into entries of one update.
pub(super) struct Adder<'a> {
    update: LazyUpdate<'a>,
    options: &'a AddOptions,
    progress: &'a dyn Progress,
    sources: &'a Sources<'a>,
    /// For what is read in its turn.
    reader: ObjectReader<'a>,
    links: HardLinks,
    /// Of the object whose parts are coming.
    content: Vec<Piece>,
    /// The update knows what that object had before.
    has_earlier: bool,
    /// Bytes that were new up to this object.
    new_bytes_before: u64,
    /// Bytes of content dealt with.
    done_bytes: u64,
    total_bytes: u64,
    summary: AddSummary,
}

impl<'a> Adder<'a> {
    /// Of about `total_bytes` of content, if that is known.
    pub(super) fn new(
        archive: &'a mut Archive,
        base: Option<Version>,
        options: &'a AddOptions,
        sources: &'a Sources<'a>,
        total_bytes: u64,
    ) -> Self {
        let archive_bytes_before = archive.committed_bytes();
        Self {
            update: LazyUpdate::new(archive, base, options, sources),
            options,
            progress: sources.progress,
            sources,
            reader: ObjectReader::new(sources),
            links: HardLinks::default(),
            content: Vec::new(),
            has_earlier: false,
            new_bytes_before: 0,
            done_bytes: 0,
            total_bytes,
            summary: AddSummary { archive_bytes_before, ..AddSummary::default() },
        }
    }

    /// Looks at what was met; what is known or does not matter makes no work.
    pub(super) fn meet(&mut self, step: Step) -> Option<Work> {
        let (object, stored) = match &step {
            Step::New(object) => (Some(object), None),
            Step::Both(object, entry) => (Some(object), entry.object.stored()),
            Step::Gone(_) | Step::Unreadable(..) | Step::Missing(_) => (None, None),
            Step::Unknown(_) => return None,
        };
        let mut is_read_ahead = false;
        if let Some(object) = object {
            self.summary.seen += 1;
            self.summary.seen_bytes += object.status.size;
            let AddOptions { attributes, force, .. } = *self.options;
            if !force && stored.is_some_and(|old| is_known(object, old, attributes)) {
                return None;
            }
            is_read_ahead = !self.links.is_met_again(object);
        }
        Some(Work { step, is_read_ahead, seen_bytes: self.summary.seen_bytes })
    }

    /// Fails if the user asked to stop.
    pub(super) fn check_stopped(&self) -> Result<()> {
        if self.progress.is_stopped() {
            return Err(Error::new(ErrorKind::Stopped, "interrupted"));
        }
        Ok(())
    }

    /// Tells that all that was met is dealt with.
    pub(super) fn catch_up(&mut self) {
        self.done_bytes = self.summary.seen_bytes;
        self.progress.advance(self.done_bytes, self.total_bytes);
    }

    /// Stores what was read, and gives the portion's buffer back.
    pub(super) fn take(&mut self, portion: Portion) -> Result<Vec<u8>> {
        let mut rest = portion.bytes.as_slice();
        let mut read_bytes = self.done_bytes;
        for part in portion.parts {
            match part {
                Part::Fragment { len, identity, kind } => {
                    let (fragment, after) = rest.split_at(len as usize);
                    rest = after;
                    let id = self.update.begun()?.store_hashed(fragment, identity, kind)?;
                    Piece::push_fragment(&mut self.content, id, len);
                    read_bytes += u64::from(len);
                    self.progress.advance(read_bytes, self.total_bytes);
                }
                Part::Before(content) => {
                    self.update.begun()?.begin_content(&content);
                    self.has_earlier = true;
                }
                Part::Hole(len) => Piece::push_hole(&mut self.content, len),
                Part::Again => self.content.clear(),
                Part::Done(outcome) => {
                    read_bytes = outcome.work.seen_bytes;
                    self.finish_work(*outcome)?;
                }
            }
        }
        self.done_bytes = read_bytes;
        Ok(portion.bytes)
    }

    fn finish_work(&mut self, Outcome { work, read }: Outcome) -> Result<()> {
        self.check_stopped()?;
        match work.step {
            Step::New(object) => self.take_object(&object, None, read)?,
            Step::Both(object, entry) => self.take_object(&object, Some(entry), read)?,
            Step::Gone(entry) => self.take_gone(entry)?,
            Step::Unknown(_) => {}
            Step::Unreadable(path, error) => {
                self.warn(&path, format_args!("{error}; what the archive has of it stays"));
            }
            Step::Missing(path) => {
                self.summary.missing += 1;
                self.warn(&path, format_args!("no such file or directory"));
            }
        }
        self.content.clear();
        if std::mem::take(&mut self.has_earlier) {
            self.update.begun()?.begin_content(&[]);
        }
        self.new_bytes_before = self.update.new_bytes();
        self.done_bytes = work.seen_bytes;
        self.progress.advance(self.done_bytes, self.total_bytes);
        Ok(())
    }

    fn warn(&mut self, path: &StoredPath, problem: std::fmt::Arguments<'_>) {
        self.summary.problems += 1;
        self.progress.problem(path.as_bytes(), &problem.to_string());
    }

    fn tell(&self, mark: char, name: &StoredPath, size: Option<u64>, new_bytes: Option<u64>) {
        self.progress.item(&Item { mark, name: name.as_bytes(), size, new_bytes });
    }

    fn take_gone(&mut self, entry: Entry) -> Result<()> {
        if !self.options.delete {
            return Ok(());
        }
        self.tell('-', &entry.path, None, None);
        let change = Change::Deleted(size_of(&entry));
        let deleted = Entry { path: entry.path, object: StoredObject::Deleted };
        self.update.begun()?.record(&deleted, change)
    }

    fn take_object(
        &mut self,
        object: &Object,
        before: Option<Entry>,
        read: Option<ReadResult>,
    ) -> Result<()> {
        let stored_before = before.as_ref().and_then(|entry| entry.object.stored());
        let read = match read {
            Some(read) => read.map(|read| self.completed(read)),
            None => self.read_in_turn(object, stored_before),
        };
        let (mut new, is_torn) = match read {
            Ok(read) => (read.stored, read.is_torn),
            Err(Failure::Archive(error)) => return Err(error),
            Err(Failure::Source(error)) => return self.take_unread(object, before, &error),
        };
        if is_torn {
            self.warn(
                &object.path,
                format_args!("changed while it was read; stored as it was read last"),
            );
        }
        let AddOptions { attributes, force, .. } = *self.options;
        let is_change = Saving { attributes, force }.is_change(&mut new, stored_before);
        let change = match &before {
            None => Change::Added,
            Some(entry) if is_change => Change::Updated(size_of(entry)),
            Some(_) if stored_before == Some(&new) => return Ok(()),
            Some(_) => Change::Touched,
        };
        new.is_touched = change == Change::Touched;
        let size = (object.kind == Kind::File).then(|| new.size());
        let new_bytes = size.map(|_| self.update.new_bytes() - self.new_bytes_before);
        match change {
            Change::Added => self.tell('+', &object.path, size, new_bytes),
            Change::Updated(_) => self.tell('#', &object.path, size, new_bytes),
            Change::Touched | Change::Deleted(_) => {}
        }
        let path = object.path.clone();
        let entry = Entry { path, object: StoredObject::Stored(Box::new(new)) };
        self.update.begun()?.record(&entry, change)
    }

    /// An object with the content that came in parts, which its other names will have too.
    fn completed(&mut self, mut read: ReadObject) -> ReadObject {
        if read.has_parts {
            read.stored.content = std::mem::take(&mut self.content);
        }
        let is_file = read.stored.metadata.kind == Kind::File;
        if is_file && read.look.status.links > 1 && !read.is_torn {
            self.links.remember(read.look, &read.stored);
        }
        read
    }

    /// Reads a file that was met under another name before, unless it is known from that.
    fn read_in_turn(&mut self, object: &Object, old: Option<&Stored>) -> ReadResult {
        let now = (self.options.environment.now)();
        if let Some(content) = self.links.content(object, old) {
            let mut read = self.reader.read_metadata(object, now)?;
            read.stored.content = content.pieces;
            read.stored.is_unsettled |= content.is_unsettled;
            return Ok(read);
        }
        let mut reader = ObjectReader::new(self.sources);
        let read = reader.read(object, old, now, self);
        reader.deliver(self)?;
        read.map(|read| self.completed(read))
    }

    /// The object cannot be read: what the archive has of it stays, unless it just went away.
    fn take_unread(
        &mut self,
        object: &Object,
        before: Option<Entry>,
        error: &io::Error,
    ) -> Result<()> {
        if error.kind() == io::ErrorKind::NotFound {
            return before.map_or(Ok(()), |entry| self.take_gone(entry));
        }
        let kept = if before.is_some() { "it stays as it is in the archive" } else { "skipped" };
        self.warn(&object.path, format_args!("cannot read: {error}; {kept}"));
        Ok(())
    }

    /// Commits what was recorded; without a change there is no update.
    pub(super) fn finish(self) -> Result<AddSummary> {
        let mut summary = self.summary;
        let (unreadable, transaction) = self.update.into_transaction();
        summary.problems += u64::from(unreadable > 0);
        let Some(transaction) = transaction else { return Ok(summary) };
        // What was read again and found to be stored already is no change.
        if transaction.counts().is_unchanged() {
            transaction.abandon()?;
            return Ok(summary);
        }
        tell_date(transaction.date(), self.options, self.progress);
        let committed = transaction.commit()?;
        let counts = committed.counts;
        summary.added = counts.added;
        summary.updated = counts.updated;
        summary.deleted = counts.deleted;
        summary.touched = counts.touched;
        summary.new_bytes = counts.new_bytes;
        summary.stored_bytes = committed.stored_bytes;
        if !self.options.is_dry() {
            summary.version = Some(committed.version);
            summary.fingerprint = Some(committed.fingerprint);
        }
        Ok(summary)
    }
}

/// What is read in its turn is stored as it is read.
impl Outlet for Adder<'_> {
    fn buffer(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn deliver(&mut self, portion: Portion) -> Result<()> {
        self.take(portion).map(drop)
    }
}

/// Warns when the update cannot have the date that it should have.
fn tell_date(date: i64, options: &AddOptions, progress: &dyn Progress) {
    let why = match options.date() {
        Some(wanted) if date != wanted => "the version before has the date of -until",
        // One second more is only the rule that no two updates have the same date.
        None if date > (options.environment.now)().seconds + 1 => {
            "several updates were made in one second, or the clock is behind the last one"
        }
        _ => return,
    };
    let date = Timestamp { seconds: date, nanos: 0 };
    progress.warn(&format!("{why}; this one is dated {date}"));
}
