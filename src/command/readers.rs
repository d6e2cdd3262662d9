//! Threads that read ahead: each takes some works at a time, in the order of the walk, and hands
//! over what it reads in portions; they are taken in that order too, so the same input gives the
//! same bytes with any number of threads.
//!
//! What waits is bounded: in objects, since each keeps its directory open, and in bytes, since
//! nobody reads further than a portion ahead of the one who takes them. No two wait for each other:
//! works are taken up in order, so that the one whose turn it is never waits for a thread that
//! waits for a later turn.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, Scope};

use crate::base::{Error, ErrorKind, Result, Timestamp};

use super::changes::Step;
use super::content_reader::Outlet;
use super::object_reader::{ObjectReader, Sources};
use super::portion::{Outcome, Part, Portion, Work};

/// More threads than this do not help.
const THREADS_MAX: usize = 128;
/// So many objects wait at most, and no more than one for so many descriptors that the process may have.
const OBJECTS_MAX: usize = 512;
const DESCRIPTORS_PER_OBJECT: usize = 4;
const DESCRIPTORS_PER_THREAD: usize = 8;
/// A batch has at most so many works.
const BATCH_WORKS_MAX: usize = 64;
/// A batch ends with the object that brings it to so many bytes of content.
const BATCH_BYTES: u64 = 512 << 10;
/// Larger buffers are given back to the system.
const BUFFER_BYTES_KEPT: usize = 4 << 20;

/// Works that one thread takes at once, and where their portions go.
struct Batch {
    works: Vec<Work>,
    /// Before any of them is read: what is younger may change again without a new time.
    now: Timestamp,
    portions: SyncSender<Portion>,
}

/// What the threads share.
struct Shared {
    batches: Mutex<Receiver<Batch>>,
    buffers: Mutex<Vec<Vec<u8>>>,
}

/// A batch whose portions are to be taken.
struct Waiting {
    portions: Receiver<Portion>,
    /// How many of its works are not done.
    works: usize,
}

/// The threads, as the one sees them who takes what they read.
pub(super) struct Readers<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    sources: &'env Sources<'env>,
    shared: Arc<Shared>,
    queue: Sender<Batch>,
    works: Vec<Work>,
    works_bytes: u64,
    /// Batches whose turn is to come, the next one in front.
    waiting: VecDeque<Waiting>,
    threads: usize,
    threads_max: usize,
    objects_max: usize,
    now: fn() -> Timestamp,
}

impl<'scope, 'env> Readers<'scope, 'env> {
    /// Will read in up to `threads_max` threads, which start as they are needed, while the process may hold
    /// so many `descriptors`.
    pub(super) fn new(
        scope: &'scope Scope<'scope, 'env>,
        sources: &'env Sources<'env>,
        threads_max: usize,
        descriptors: usize,
        now: fn() -> Timestamp,
    ) -> Self {
        let (queue, batches) = channel();
        let shared = Shared { batches: Mutex::new(batches), buffers: Mutex::default() };
        Self {
            scope,
            sources,
            shared: Arc::new(shared),
            queue,
            works: Vec::new(),
            works_bytes: 0,
            waiting: VecDeque::new(),
            threads: 0,
            threads_max: threads_max
                .min(THREADS_MAX)
                .min(descriptors / DESCRIPTORS_PER_THREAD)
                .max(1),
            objects_max: OBJECTS_MAX.min(descriptors / DESCRIPTORS_PER_OBJECT),
            now,
        }
    }

    /// Appends a work.
    pub(super) fn push(&mut self, work: Work) -> Result<()> {
        if let Step::New(object) | Step::Both(object, _) = &work.step {
            self.works_bytes += object.status.size;
        }
        self.works.push(work);
        let works_max = (self.objects_max / self.waiting_max()).clamp(1, BATCH_WORKS_MAX);
        if self.works.len() >= works_max || self.works_bytes >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Starts on all that was pushed.
    pub(super) fn flush(&mut self) -> Result<()> {
        if self.works.is_empty() {
            return Ok(());
        }
        let (portions, taken) = sync_channel(1);
        self.works_bytes = 0;
        let batch = Batch { works: std::mem::take(&mut self.works), now: (self.now)(), portions };
        self.waiting.push_back(Waiting { portions: taken, works: batch.works.len() });
        self.queue.send(batch).map_err(|_| ended_early())?;
        if self.threads < self.threads_max {
            self.start_thread()?;
        }
        Ok(())
    }

    /// Whether nothing was pushed that was not taken.
    pub(super) fn is_idle(&self) -> bool {
        self.works.is_empty() && self.waiting.is_empty()
    }

    /// The next portion, if it is there or, while too much waits, when it is there.
    pub(super) fn next_due(&mut self) -> Result<Option<Portion>> {
        if self.waiting.len() > self.waiting_max() {
            return self.next();
        }
        while let Some(front) = self.waiting.front_mut() {
            match front.portions.try_recv() {
                Ok(portion) => return Ok(Some(front.count(portion))),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => self.pop_front()?,
            }
        }
        Ok(None)
    }

    /// The next portion of what was started, if there is any to come.
    pub(super) fn next(&mut self) -> Result<Option<Portion>> {
        while let Some(front) = self.waiting.front_mut() {
            match front.portions.recv() {
                Ok(portion) => return Ok(Some(front.count(portion))),
                Err(_) => self.pop_front()?,
            }
        }
        Ok(None)
    }

    /// Goes on to the next batch, if all of the one in front came.
    fn pop_front(&mut self) -> Result<()> {
        match self.waiting.pop_front() {
            Some(Waiting { works: 1.., .. }) => Err(ended_early()),
            _ => Ok(()),
        }
    }

    /// Takes the buffer of a portion that was dealt with, for another one.
    pub(super) fn reuse(&self, buffer: Vec<u8>) {
        self.shared.reuse(buffer);
    }

    fn waiting_max(&self) -> usize {
        2 * self.threads_max + 2
    }

    fn start_thread(&mut self) -> Result<()> {
        let (shared, sources) = (Arc::clone(&self.shared), self.sources);
        Builder::new()
            .name("reader".to_owned())
            .spawn_scoped(self.scope, move || read_batches(&shared, sources))
            .map_err(|cause| Error::io("cannot start a thread", cause))?;
        self.threads += 1;
        Ok(())
    }
}

impl Waiting {
    fn count(&mut self, portion: Portion) -> Portion {
        self.works -= portion.parts.iter().filter(|part| matches!(part, Part::Done(_))).count();
        portion
    }
}

impl Drop for Readers<'_, '_> {
    fn drop(&mut self) {
        // Threads end when there is no queue any more; who reads a long file need not go on.
        self.sources.give_up();
    }
}

impl Shared {
    fn next_batch(&self) -> Option<Batch> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }

    fn reuse(&self, buffer: Vec<u8>) {
        if buffer.len() <= BUFFER_BYTES_KEPT {
            self.buffers.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
        }
    }
}

/// Reads until there is nothing more to come.
fn read_batches(shared: &Shared, sources: &Sources<'_>) {
    let mut reader = ObjectReader::new(sources);
    while let Some(Batch { works, now, portions }) = shared.next_batch() {
        let mut outlet = Queued { shared, portions };
        for work in works {
            let read = match &work.step {
                _ if !work.is_read_ahead => None,
                Step::New(object) => Some(reader.read(object, None, now, &mut outlet)),
                Step::Both(object, entry) => {
                    Some(reader.read(object, entry.object.stored(), now, &mut outlet))
                }
                _ => None,
            };
            reader.push(Part::Done(Box::new(Outcome { work, read })));
        }
        // Nobody waits for the portions of an update that was given up.
        let _ = reader.deliver(&mut outlet);
    }
}

/// Portions wait for their turn.
struct Queued<'a> {
    shared: &'a Shared,
    portions: SyncSender<Portion>,
}

impl Outlet for Queued<'_> {
    fn buffer(&mut self) -> Vec<u8> {
        let mut buffers = self.shared.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        buffers.pop().unwrap_or_default()
    }

    fn deliver(&mut self, portion: Portion) -> Result<()> {
        self.portions.send(portion).map_err(|_| Error::new(ErrorKind::Stopped, "interrupted"))
    }
}

fn ended_early() -> Error {
    Error::new(ErrorKind::Io, "a reading thread ended too early")
}
