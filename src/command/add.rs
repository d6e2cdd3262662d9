//! `add`: what changed on disk becomes one update.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use crate::archive::{Archive, BlockTable, Catalog, History, OpenOptions, Version};
use crate::base::{Error, ErrorKind, Progress, Result};
use crate::compress::MethodChoice;
use crate::crypto::Password;
use crate::filesystem::{self, Walk};
use crate::fragment::Params;

use super::adder::Adder;
use super::changes::{Changes, Step};
use super::content_reader::CutRule;
use super::key_source::{new_password, password_of};
use super::object_reader::Sources;
use super::options::{AddOptions, AddSummary};
use super::readers::Readers;
use super::rollback::{finish as finish_rollback, outcome_of_failure, roll_back};
use super::scope::{Scope, tell_notice};

/// `-fragment` of a new archive.
const FRAGMENT_EXPONENT: u8 = 6;

/// Appends what changed on disk as one update.
pub fn add(options: &AddOptions, progress: &dyn Progress) -> Result<AddSummary> {
    open_and_add(options, progress).map_err(|error| error.outcome("nothing was added"))
}

fn open_and_add(options: &AddOptions, progress: &dyn Progress) -> Result<AddSummary> {
    let descriptors = filesystem::raise_descriptor_limit();
    let scope = Scope::new(&options.files, &options.selection, &options.rename)?;
    let is_new = !Archive::exists(&options.archive);
    let key = options.key.as_ref();
    let password = if is_new {
        new_password(key, progress)?
    } else {
        password_of(&options.archive, key, progress)?
    };
    let open_options = open_options(options, password.as_ref());
    let open = if options.dry {
        Archive::open_location_for_trial
    } else {
        Archive::open_location_for_writing
    };
    let mut archive = open(&options.archive, open_options, &options.environment)?;
    tell_notice(&archive, progress);
    archive.set_part_bytes(options.part_bytes);
    let add_to = |archive: &mut Archive| {
        add_to(archive, &scope, options, open_options, descriptors, progress)
    };
    let result = add_to(&mut archive).map_err(|error| {
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
    OpenOptions { fragment_exponent, method, password, key_cost, force: options.force }
}

fn add_to(
    archive: &mut Archive,
    scope: &Scope,
    options: &AddOptions,
    open_options: OpenOptions<'_>,
    descriptors: usize,
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
    let catalog =
        base.as_ref().map_or_else(|| Ok(Catalog::empty()), |base| Catalog::of(archive, base))?;
    let stored = scope.entries(&catalog);
    let walk = |archive: &Archive| scope.walk(options.special, &options.archive, archive);
    let total = if progress.wants_total() { content_bytes(walk(archive), progress)? } else { 0 };
    let changes = Changes::new(walk(archive), stored, options.special);
    let sources = sources(archive, base.as_ref(), exponent, progress)?;
    let adder = Adder::new(archive, base, options, &sources, total);
    let summary = thread::scope(|threads| {
        let now = options.environment.now;
        let readers = Readers::new(threads, &sources, options.threads, descriptors, now);
        add_changes(changes, adder, readers)
    })?;
    let summary = AddSummary { rolled_back, named: scope.count() as u64, ..summary };
    // If nothing changed since the version that was asked for, what came after goes all the same.
    finish_rollback(archive, &summary)?;
    Ok(summary)
}

/// How files are read, and what they are compared with.
fn sources<'a>(
    archive: &Archive,
    base: Option<&Version>,
    exponent: u8,
    progress: &'a dyn Progress,
) -> Result<Sources<'a>> {
    let params = archive.cut_constants().map(|bytes| Params::from_bytes(&bytes));
    let rule = CutRule::new(exponent, &params.unwrap_or_default(), archive.identity_hash())?;
    let (blocks, unreadable) = base.map(|base| BlockTable::of_readable(archive, base)).unzip();
    let (blocks, unreadable) = (blocks.map(Arc::new), unreadable.unwrap_or_default());
    let is_given_up = AtomicBool::new(false);
    Ok(Sources { rule, blocks, unreadable, progress, is_given_up })
}

/// Lets `readers` read what changed, and `adder` add what they read, in order.
fn add_changes(
    changes: impl Iterator<Item = Result<Step>>,
    mut adder: Adder<'_>,
    mut readers: Readers<'_, '_>,
) -> Result<AddSummary> {
    for step in changes {
        adder.check_stopped()?;
        match adder.meet(step?) {
            Some(work) => readers.push(work)?,
            None if readers.is_idle() => adder.catch_up(),
            None => {}
        }
        while let Some(portion) = readers.next_due()? {
            readers.reuse(adder.take(portion)?);
        }
    }
    readers.flush()?;
    while let Some(portion) = readers.next()? {
        readers.reuse(adder.take(portion)?);
    }
    adder.finish()
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
