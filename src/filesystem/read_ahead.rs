//! Directories that a walk will come to are listed by other threads meanwhile: each object costs a system call,
//! and a wait where the disk has to be asked.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::listing::{Listing, Unlisted};

/// More threads wait for each other in the kernel.
const THREADS_MAX: usize = 8;
/// Directories that are listed or wait to be, for each thread.
const AHEAD_EACH: usize = 4;

/// Threads that list directories.
#[derive(Debug)]
pub(super) struct ReadAhead {
    threads_max: usize,
    threads: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
    /// Listings that nobody took or gave up.
    ahead: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    has_more: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    tasks: VecDeque<Arc<Task>>,
    is_closed: bool,
}

#[derive(Debug)]
struct Task {
    directory: Unlisted,
    state: Mutex<State>,
    is_done: Condvar,
}

#[derive(Debug)]
enum State {
    Waiting,
    Running,
    Done(Option<Listing>),
    /// Nobody wants it any more.
    Taken,
}

/// A listing on its way.
#[derive(Debug)]
pub(super) struct Ahead {
    task: Arc<Task>,
    ahead: Arc<AtomicUsize>,
}

impl ReadAhead {
    /// For so many threads; one does all by itself. None is started before there is work.
    pub(super) fn new(threads: usize) -> Self {
        let threads_max = if threads > 1 { threads.min(THREADS_MAX) } else { 0 };
        Self { threads_max, threads: Vec::new(), shared: Arc::default(), ahead: Arc::default() }
    }

    /// Whether another directory may be listed ahead.
    pub(super) fn has_room(&self) -> bool {
        self.ahead.load(Ordering::Relaxed) < self.threads_max * AHEAD_EACH
    }

    /// Lists a directory, if a thread comes to it in time.
    pub(super) fn start(&mut self, directory: Unlisted) -> Ahead {
        let state = Mutex::new(State::Waiting);
        let task = Arc::new(Task { directory, state, is_done: Condvar::new() });
        self.ahead.fetch_add(1, Ordering::Relaxed);
        lock(&self.shared.queue).tasks.push_back(Arc::clone(&task));
        self.shared.has_more.notify_one();
        if self.threads.len() < self.threads_max {
            let shared = Arc::clone(&self.shared);
            // Without a thread everything is listed by the walk itself.
            let thread =
                thread::Builder::new().name("walk".to_owned()).spawn(move || shared.work());
            self.threads.extend(thread);
        }
        Ahead { task, ahead: Arc::clone(&self.ahead) }
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        let mut queue = lock(&self.shared.queue);
        queue.is_closed = true;
        queue.tasks.clear();
        drop(queue);
        self.shared.has_more.notify_all();
        for thread in self.threads.drain(..) {
            // A thread that panicked has listed nothing.
            drop(thread.join());
        }
    }
}

impl Shared {
    fn work(&self) {
        let mut buffer = Vec::new();
        while let Some(task) = self.next() {
            if !task.begin() {
                continue;
            }
            let listing = task.directory.list(&mut buffer);
            task.end(listing.ok().map(|mut listing| {
                listing.look();
                listing
            }));
        }
    }

    fn next(&self) -> Option<Arc<Task>> {
        let mut queue = lock(&self.queue);
        loop {
            if let Some(task) = queue.tasks.pop_front() {
                return Some(task);
            }
            if queue.is_closed {
                return None;
            }
            queue = self.has_more.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Task {
    /// Whether somebody still wants it.
    fn begin(&self) -> bool {
        let mut state = lock(&self.state);
        let is_wanted = matches!(*state, State::Waiting);
        if is_wanted {
            *state = State::Running;
        }
        is_wanted
    }

    fn end(&self, listing: Option<Listing>) {
        let mut state = lock(&self.state);
        // What nobody wants any more goes, its descriptor too.
        if !matches!(*state, State::Taken) {
            *state = State::Done(listing);
        }
        drop(state);
        self.is_done.notify_all();
    }
}

impl Ahead {
    /// The listing; nothing if no thread came to it, or if the directory could not be opened: the walk then does it
    /// itself.
    pub(super) fn take(self) -> Option<Listing> {
        let mut state = lock(&self.task.state);
        while matches!(*state, State::Running) {
            state = self.task.is_done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        match std::mem::replace(&mut *state, State::Taken) {
            State::Done(listing) => listing,
            _ => None,
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        *lock(&self.task.state) = State::Taken;
        self.ahead.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing can be half done while it is locked.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
