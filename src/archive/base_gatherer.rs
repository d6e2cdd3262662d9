//! New blocks wait here for the bytes of their base blocks. Workers decode these side by side, each once for
//! all that need it by then, and whoever decodes the last one that a block waits for sends it on its way.
//!
//! It only saves work: what it cannot give is looked for by whoever makes the block.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::ThreadPool;

use crate::format::Base;

use super::earlier_blocks::LentBlocks;
use super::kept_bases::KeptBases;
use super::lent_bases::LentBases;
use super::worker_buffer;

/// What is done with a new block when it has its bases.
type Work = Box<dyn FnOnce(Vec<Base>, &LentBases) + Send>;

/// A new block and what it is to be made with.
pub(super) struct NewBlock {
    pub number: u64,
    pub bases: Vec<Base>,
    pub work: Work,
}

/// Gathers what new blocks are made with.
pub(super) struct BaseGatherer(Arc<Gathering>);

struct Gathering {
    earlier: LentBlocks,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bases: KeptBases,
    /// New blocks that have not all they need.
    waiting: Vec<NewBlock>,
    /// Base blocks that a worker decodes, or will.
    in_work: BTreeSet<u64>,
}

/// What a worker can do now.
enum Job {
    Decode(u64, LentBases),
    Work(NewBlock, LentBases),
}

impl BaseGatherer {
    /// Of these blocks.
    pub(super) fn new(earlier: LentBlocks) -> Self {
        Self(Arc::new(Gathering { earlier, state: Mutex::default() }))
    }

    /// Does the work on these blocks in `pool`, each when what it needs is there.
    pub(super) fn push(&self, blocks: Vec<NewBlock>, pool: &ThreadPool) {
        let mut state = self.0.state();
        let mut jobs = Vec::new();
        for block in blocks {
            let NewBlock { number, bases, .. } = &block;
            let bases_mut = &mut state.bases;
            let is_expected = self.0.earlier.with(|earlier| {
                earlier.is_some_and(|earlier| bases_mut.expect_new(earlier, *number, bases))
            });
            if is_expected {
                state.waiting.push(block);
            } else {
                jobs.push(Job::Work(block, LentBases::default()));
            }
        }
        jobs.extend(state.jobs());
        drop(state);
        for job in jobs {
            let gathering = Arc::clone(&self.0);
            pool.spawn(move || gathering.run(job));
        }
    }
}

impl Gathering {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(self: Arc<Self>, job: Job) {
        match job {
            Job::Work(NewBlock { bases, work, .. }, lent) => work(bases, &lent),
            Job::Decode(block, lent) => self.decode(block, &lent),
        }
    }

    fn decode(self: Arc<Self>, block: u64, lent: &LentBases) {
        let buffer = worker_buffer::take();
        let decoded = self.earlier.with(|earlier| earlier?.block(block, lent, buffer).ok());
        if let Some(decoded) = &decoded {
            // Not while others wait for the state.
            let needed = self.state().bases.needed(block);
            decoded.compare(&[], &needed);
        }
        let mut state = self.state();
        state.in_work.remove(&block);
        state.bases.keep(block, decoded.as_ref());
        let jobs = state.jobs();
        drop(state);
        if let Some(decoded) = decoded {
            worker_buffer::put_back(decoded.into_buffer());
        }
        for job in jobs {
            let gathering = Arc::clone(&self);
            rayon::spawn(move || gathering.run(job));
        }
    }
}

impl State {
    /// What can be done now and is not in work.
    fn jobs(&mut self) -> Vec<Job> {
        let (mut jobs, mut ready) = (Vec::new(), Vec::new());
        for (index, block) in self.waiting.iter().enumerate() {
            let mut missing: Vec<u64> = self.bases.missing(block.number).collect();
            if missing.is_empty() {
                ready.push(index);
            }
            while let Some(base) = missing.pop() {
                if self.in_work.contains(&base) {
                    continue;
                }
                let before = missing.len();
                missing.extend(self.bases.missing(base));
                if missing.len() == before {
                    self.in_work.insert(base);
                    jobs.push(Job::Decode(base, self.bases.lend(base)));
                }
            }
        }
        for index in ready.into_iter().rev() {
            let block = self.waiting.remove(index);
            let lent = self.bases.lend(block.number);
            jobs.push(Job::Work(block, lent));
        }
        jobs
    }
}
