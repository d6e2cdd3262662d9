//! The parts of an archive: opened when a frame of theirs is needed, a few kept open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::{Error, ErrorKind, Result};
use crate::format::PAGE_BYTES;
use crate::storage::{Backend, PartStore};

use super::absent_parts::AbsentParts;
use super::away_part::AwayPart;
use super::index::Index;

/// How many parts are kept open.
const OPEN_MAX: usize = 64;

/// The parts of one archive; a single file is part 1.
pub(super) struct Parts {
    store: Arc<dyn PartStore>,
    state: Mutex<State>,
    /// Part 0 is taken not to be there.
    ignores_index: bool,
}

#[derive(Default)]
struct State {
    /// Most recently used last.
    open: Vec<(u32, Arc<dyn Backend>)>,
    /// Lengths in bytes of the parts that were looked at when the archive was opened or written.
    lens: BTreeMap<u32, u64>,
    /// Lengths that parts were found to have, which may have grown since.
    found_lens: BTreeMap<u32, u64>,
    /// Parts that are not read.
    absent: AbsentParts,
    /// Part 0, and the parts that it knows and that are not there.
    index: Option<Arc<Index>>,
    away: BTreeSet<u32>,
}

impl Parts {
    pub(super) fn new(store: Arc<dyn PartStore>) -> Arc<Self> {
        Arc::new(Self { store, state: Mutex::default(), ignores_index: false })
    }

    /// The same as if there were no part 0.
    pub(super) fn without_index(store: Arc<dyn PartStore>) -> Arc<Self> {
        Arc::new(Self { store, state: Mutex::default(), ignores_index: true })
    }

    /// The numbers of the parts that are there, or that the index knows.
    pub(super) fn numbers(&self) -> Result<Vec<u32>> {
        let mut numbers = self.store.numbers()?;
        numbers.extend(&self.state().away);
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    /// Part 0, if it is there, whatever it is.
    pub(super) fn index_backend(&self) -> Result<Option<Arc<dyn Backend>>> {
        if self.ignores_index { Ok(None) } else { self.store.index() }
    }

    /// An empty file that becomes part 0 when it is placed.
    pub(super) fn new_index(&self) -> Result<Arc<dyn Backend>> {
        self.store.new_index()
    }

    /// Lets what was written to the new index be part 0.
    pub(super) fn place_index(&self) -> Result<()> {
        self.store.place_index()
    }

    /// Whether updates are recorded in part 0.
    pub(super) fn keeps_index(&self) -> bool {
        self.store.keeps_index()
    }

    /// The index, once it was entered.
    pub(super) fn index(&self) -> Option<Arc<Index>> {
        self.state().index.clone()
    }

    /// Lets the index stand for the parts that are not among `present`, which rise.
    pub(super) fn enter_index(&self, index: Arc<Index>, present: &[u32]) {
        let mut state = self.state();
        let is_away = |part: &u32| present.binary_search(part).is_err();
        state.away = (1..=index.last_part()).filter(is_away).collect();
        // An update in several parts, and how many of its bytes are in no part that was seen.
        let mut rest = (0, 0_u64);
        for part in state.away.clone() {
            let end = match (index.last_in(part), index.update_beyond(part)) {
                (Some(anchor), _) => anchor.commit.offset + PAGE_BYTES,
                // Of several parts of one update only the sum is known.
                (None, Some((anchor, bytes))) => {
                    if rest.0 != anchor.update {
                        let seen = state.lens.range(anchor.start.part..anchor.commit.part);
                        rest =
                            (anchor.update, bytes.saturating_sub(seen.map(|(_, len)| len).sum()));
                    }
                    std::mem::take(&mut rest.1)
                }
                (None, None) => 0,
            };
            state.lens.insert(part, end);
        }
        state.index = Some(index);
    }

    /// There is no index any more.
    pub(super) fn leave_index(&self) {
        self.state().index = None;
    }

    /// Whether a part is not there, but known to the index.
    pub(super) fn is_away(&self, part: u32) -> bool {
        self.state().away.contains(&part)
    }

    /// What people call a part.
    pub(super) fn name(&self, part: u32) -> String {
        self.store.name(part)
    }

    /// Whether each update goes into a part of its own.
    pub(super) fn is_split(&self) -> bool {
        self.store.is_split()
    }

    /// The bytes of a part.
    pub(super) fn backend(&self, part: u32) -> Result<Arc<dyn Backend>> {
        let mut state = self.state();
        if let Some(at) = state.open.iter().position(|(number, _)| *number == part) {
            let found = state.open.remove(at);
            state.open.push(found.clone());
            return Ok(found.1);
        }
        if let Some(index) = state.index.clone().filter(|_| state.away.contains(&part)) {
            let copies = Arc::new(AwayPart { index, part, name: self.name(part) });
            return Ok(self.store.stand_in(part, copies));
        }
        if let Some(error) = state.absent.error(part, |number| self.name(number)) {
            return Err(error);
        }
        let opened = self.store.open(part)?;
        state.keep(part, &opened);
        Ok(opened)
    }

    /// A part that has to be completed or cut.
    pub(super) fn reopened_for_writing(&self, part: u32) -> Result<Arc<dyn Backend>> {
        let backend = self.store.open_for_writing(part)?;
        self.state().keep(part, &backend);
        Ok(backend)
    }

    /// Makes a part. It is not read before it was [`Self::added`].
    pub(super) fn create(&self, part: u32) -> Result<Arc<dyn Backend>> {
        self.store.create(part)
    }

    /// The part counts now.
    pub(super) fn added(&self, part: u32, backend: &Arc<dyn Backend>) {
        self.state().keep(part, backend);
    }

    /// Removes a part for good.
    pub(super) fn remove(&self, part: u32) -> Result<()> {
        {
            let mut state = self.state();
            state.open.retain(|(number, _)| *number != part);
            state.lens.remove(&part);
            state.found_lens.remove(&part);
        }
        self.store.remove(part)
    }

    /// Whether the part goes on to `end`. Parts only grow while they are read, so the storage is
    /// asked only when that is not known yet; of a part that was cut off, reading it tells.
    pub(super) fn reaches(&self, part: u32, backend: &dyn Backend, end: u64) -> Result<bool> {
        if self.state().found_lens.get(&part).is_some_and(|&len| end <= len) {
            return Ok(true);
        }
        let len = backend.len()?;
        self.state().found_lens.insert(part, len);
        Ok(end <= len)
    }

    /// Remembers how long a part is.
    pub(super) fn set_len(&self, part: u32, len: u64) {
        self.state().lens.insert(part, len);
    }

    /// There is nothing where these parts should be; readers do without them.
    pub(super) fn set_missing(&self, first: u32, last: u32) {
        self.state().absent.add_missing(first, last);
    }

    /// Something else is where this part should be: nothing of it is read from now on.
    pub(super) fn set_wrong(&self, part: u32, why: String) {
        let mut state = self.state();
        state.open.retain(|(number, _)| *number != part);
        state.lens.remove(&part);
        state.absent.add_wrong(part, why);
    }

    /// What is said of the parts that are not read.
    pub(super) fn absent_parts(&self) -> Vec<String> {
        self.state().absent.sentences(|number| self.name(number))
    }

    /// Why a part is not read, if it is one of those.
    pub(super) fn absent_part(&self, part: u32) -> Option<Error> {
        self.state().absent.error(part, |number| self.name(number))
    }

    /// Whether there are parts that are not read, or not there.
    pub(super) fn has_gone(&self) -> bool {
        let state = self.state();
        !(state.absent.is_empty() && state.away.is_empty())
    }

    /// The numbers of the parts that can be read, rising.
    pub(super) fn readable_numbers(&self) -> Result<Vec<u32>> {
        let mut numbers = self.numbers()?;
        let state = self.state();
        // What the index has of a part that is left out can be read all the same.
        numbers.retain(|&part| {
            state.away.contains(&part)
                || state.absent.error(part, |number| self.name(number)).is_none()
        });
        Ok(numbers)
    }

    /// Bytes in all parts before `part`.
    pub(super) fn bytes_before(&self, part: u32) -> u64 {
        self.state().lens.range(..part).map(|(_, len)| len).sum()
    }

    /// Fails unless the newest part is `newest`: somebody else adds or removes some.
    pub(super) fn expect_newest(&self, newest: u32) -> Result<()> {
        let found = self.numbers()?.last().copied().unwrap_or(0);
        if found == newest {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Busy, "the parts of the archive changed meanwhile")
            .because(format!("part {newest} was the last one, now it is {found}"))
            .hint("another program writes to the archive"))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing can be half done while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, part: u32, backend: &Arc<dyn Backend>) {
        self.open.retain(|(number, _)| *number != part);
        if self.open.len() >= OPEN_MAX {
            self.open.remove(0);
        }
        self.open.push((part, Arc::clone(backend)));
    }
}
