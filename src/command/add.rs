//! `add`: what changed on disk becomes one update.

use std::io;

use crate::archive::{
    Archive, BlockTable, Change, Entry, History, Object as StoredObject, OpenOptions, Transaction,
    TransactionOptions, Version,
};
use crate::base::{Error, ErrorKind, Item, Kind, Progress, Result, StoredPath, Timestamp};
use crate::compress::MethodChoice;
use crate::crypto::Password;
use crate::filesystem::{self, Object, Walk};
use crate::fragment::Params;

use super::changes::{Changes, Step};
use super::content_reader::Failure;
use super::difference::{Saving, is_known};
use super::key_source::password;
use super::object_reader::ObjectReader;
use super::options::{AddOptions, AddSummary};
use super::rollback::{finish as finish_rollback, outcome_of_failure, roll_back};
use super::scope::{Scope, catalog, tell_notice};
use super::status::size_of;

/// `-fragment` of a new archive.
const FRAGMENT_EXPONENT: u8 = 6;

/// Appends what changed on disk as one update.
pub fn add(options: &AddOptions, progress: &dyn Progress) -> Result<AddSummary> {
    open_and_add(options, progress).map_err(|error| error.outcome("nothing was added"))
}

fn open_and_add(options: &AddOptions, progress: &dyn Progress) -> Result<AddSummary> {
    filesystem::raise_descriptor_limit();
    let scope = Scope::new(&options.files, &options.selection, &options.rename)?;
    let is_new = !Archive::exists(&options.archive);
    let password = password(options.key.as_ref(), is_new, progress)?;
    let open_options = open_options(options, password.as_ref());
    let open = if options.dry {
        Archive::open_location_for_trial
    } else {
        Archive::open_location_for_writing
    };
    let mut archive = open(&options.archive, open_options, &options.environment)?;
    tell_notice(&archive, progress);
    let result = add_to(&mut archive, &scope, options, open_options, progress).map_err(|error| {
        error.outcome(outcome_of_failure(archive.rollback_stage(), options.is_dry()))
    });
    if !matches!(result, Ok(AddSummary { version: Some(_), .. })) {
        archive.remove_if_unused()?;
    }
    result
}

fn open_options<'a>(options: &AddOptions, password: Option<&'a Password>) -> OpenOptions<'a> {
    let fragment_exponent = options.fragment.unwrap_or(FRAGMENT_EXPONENT);
    let (method, key_cost) = (options.method, options.key_cost);
    OpenOptions { fragment_exponent, method, password, key_cost }
}

fn add_to(
    archive: &mut Archive,
    scope: &Scope,
    options: &AddOptions,
    open_options: OpenOptions<'_>,
    progress: &dyn Progress,
) -> Result<AddSummary> {
    let base = History::of(archive).at(options.until)?;
    // What was an index is made anew as one.
    let index = (!archive.holds_data()).then_some(MethodChoice::Index);
    let anew = OpenOptions { method: options.method.or(index), ..open_options };
    let rolled_back = roll_back(archive, base.as_ref(), anew, options, progress)?;
    let exponent = options.fragment.unwrap_or(archive.fragment_exponent());
    if exponent != archive.fragment_exponent() {
        progress.warn(&format!(
            "the archive was made with -fragment {}; content cut with {exponent} is not found in it again",
            archive.fragment_exponent()
        ));
    }
    let stored = scope.entries(&catalog(archive, base.as_ref())?);
    let walk = |archive: &Archive| scope.walk(options.special, &options.archive, archive);
    let total = if progress.wants_total() { content_bytes(walk(archive), progress)? } else { 0 };
    let walk = walk(archive);
    let mut adder = Adder::new(archive, base, options, progress, exponent, total)?;
    adder.summary.named = scope.count() as u64;
    for step in Changes::new(walk, stored, options.special) {
        if progress.is_stopped() {
            return Err(Error::new(ErrorKind::Stopped, "interrupted"));
        }
        adder.take(step?)?;
    }
    let summary = AddSummary { rolled_back, ..adder.finish()? };
    // If nothing changed since the version that was asked for, what came after goes all the same.
    finish_rollback(archive, &summary)?;
    Ok(summary)
}

/// Walks once more, ahead, to know how much there will be to read.
fn content_bytes(walk: Walk, progress: &dyn Progress) -> Result<u64> {
    let mut total = 0;
    for item in walk {
        if progress.is_stopped() {
            return Err(Error::new(ErrorKind::Stopped, "interrupted"));
        }
        if let filesystem::Item::Object(object) = item {
            total += object.status.size;
        }
    }
    Ok(total)
}

/// The update, which begins with the first fragment or change.
struct LazyUpdate<'a> {
    archive: Option<&'a mut Archive>,
    transaction: Option<Transaction<'a>>,
    base: Option<Version>,
    options: &'a AddOptions,
    progress: &'a dyn Progress,
}

impl<'a> LazyUpdate<'a> {
    fn begun(&mut self) -> Result<&mut Transaction<'a>> {
        if let Some(archive) = self.archive.take() {
            let options = TransactionOptions {
                method: self.options.method.and_then(MethodChoice::of_blocks).unwrap_or_default(),
                threads: self.options.threads,
                environment: self.options.environment,
                comment: Vec::new(),
                date: self.options.date(),
            };
            let transaction = Transaction::begin(archive, self.base.as_ref(), &options)?;
            self.transaction = Some(transaction.reporting_to(self.progress));
        }
        Ok(self.transaction.as_mut().expect("it is begun when the archive is taken"))
    }

    /// Bytes that no earlier fragment held, so far.
    fn new_bytes(&self) -> u64 {
        self.transaction.as_ref().map_or(0, |transaction| transaction.counts().new_bytes)
    }
}

/// Turns steps into entries of one update.
struct Adder<'a> {
    update: LazyUpdate<'a>,
    options: &'a AddOptions,
    progress: &'a dyn Progress,
    reader: ObjectReader,
    total_bytes: u64,
    summary: AddSummary,
}

impl<'a> Adder<'a> {
    fn new(
        archive: &'a mut Archive,
        base: Option<Version>,
        options: &'a AddOptions,
        progress: &'a dyn Progress,
        exponent: u8,
        total_bytes: u64,
    ) -> Result<Self> {
        let archive_bytes_before = archive.committed_bytes();
        let params = archive.cut_constants().map(|bytes| Params::from_bytes(&bytes));
        let cut_rule = (exponent, &params.unwrap_or_default());
        // What is wrong with runs that cannot be read, the first thing to write tells.
        let blocks = base.as_ref().map(|base| BlockTable::of_readable(archive, base).0);
        let archive = Some(archive);
        Ok(Self {
            update: LazyUpdate { archive, transaction: None, base, options, progress },
            options,
            progress,
            reader: ObjectReader::new(cut_rule, blocks, options.environment.now)?,
            total_bytes,
            summary: AddSummary { archive_bytes_before, ..AddSummary::default() },
        })
    }

    fn take(&mut self, step: Step) -> Result<()> {
        match step {
            Step::New(object) => self.take_object(&object, None),
            Step::Both(object, entry) => self.take_object(&object, Some(entry)),
            Step::Gone(entry) => self.take_gone(entry),
            Step::Unknown(_) => Ok(()),
            Step::Unreadable(path, error) => {
                self.warn(&path, format_args!("{error}; it stays as it is in the archive"));
                Ok(())
            }
            Step::Missing(path) => {
                self.summary.missing += 1;
                self.warn(&path, format_args!("no such file or directory"));
                Ok(())
            }
        }
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

    fn take_object(&mut self, object: &Object, before: Option<Entry>) -> Result<()> {
        let read_before = self.summary.seen_bytes;
        self.summary.seen += 1;
        self.summary.seen_bytes += object.status.size;
        self.progress.advance(read_before, self.total_bytes);
        let stored_before = before.as_ref().and_then(|entry| entry.object.stored());
        let AddOptions { attributes, force, .. } = *self.options;
        if !force && stored_before.is_some_and(|old| is_known(object, old, attributes)) {
            return Ok(());
        }
        let progress = self.progress;
        let (reader, update) = (&mut self.reader, &mut self.update);
        let mut read_bytes = read_before;
        let total_bytes = self.total_bytes;
        let new_before = update.new_bytes();
        let mut content_before = Some(stored_before.map_or(&[][..], |old| &old.content));
        let read = reader.read(object, stored_before, progress, &mut |bytes, kind| {
            read_bytes += bytes.len() as u64;
            progress.advance(read_bytes, total_bytes);
            let transaction = update.begun()?;
            if let Some(before) = content_before.take() {
                transaction.begin_content(before);
            }
            transaction.store(bytes, kind)
        });
        let (mut new, is_torn) = match read {
            Ok(read) => read,
            Err(Failure::Archive(error)) => return Err(error),
            Err(Failure::Source(error)) => return self.take_unread(object, before, &error),
        };
        if is_torn {
            self.warn(
                &object.path,
                format_args!("changed while it was read; stored as it was read last"),
            );
        }
        let is_change = Saving { attributes, force }.is_change(&mut new, stored_before);
        let change = match &before {
            None => Change::Added,
            Some(entry) if is_change => Change::Updated(size_of(entry)),
            Some(_) if stored_before == Some(&new) => return Ok(()),
            Some(_) => Change::Touched,
        };
        new.is_touched = change == Change::Touched;
        let size = (object.kind == Kind::File).then(|| new.size());
        let new_bytes = size.map(|_| self.update.new_bytes() - new_before);
        match change {
            Change::Added => self.tell('+', &object.path, size, new_bytes),
            Change::Updated(_) => self.tell('#', &object.path, size, new_bytes),
            Change::Touched | Change::Deleted(_) => {}
        }
        let path = object.path.clone();
        let entry = Entry { path, object: StoredObject::Stored(Box::new(new)) };
        self.update.begun()?.record(&entry, change)
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
    fn finish(self) -> Result<AddSummary> {
        let mut summary = self.summary;
        let Some(transaction) = self.update.transaction else { return Ok(summary) };
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

/// Warns when the update cannot have the date that it should have.
fn tell_date(date: i64, options: &AddOptions, progress: &dyn Progress) {
    let why = match options.date() {
        Some(wanted) if date != wanted => "the version before has the date of -until",
        // One second more is only the rule that no two updates have the same date.
        None if date > (options.environment.now)().seconds + 1 => {
            "the clock is behind the last update"
        }
        _ => return,
    };
    let date = Timestamp { seconds: date, nanos: 0 };
    progress.warn(&format!("{why}; this one is dated {date}"));
}
