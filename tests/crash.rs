//! Crash at any moment: the disk as it may be afterwards holds every version that was promised.
//!
//! Goal: the promise of `spec/recovery.md`. Method: random histories of updates are recorded;
//! at every operation the disk is rebuilt as a dying process or failing power may leave it; each
//! such disk is read, recovered, added to and read again, and all that it shows is compared with
//! the truth. In histories with rollbacks, a rollback that has cut the file and was not yet synced
//! leaves two truths. For some the recovery itself is recorded and crashed. `ZARC_SOAK=1` makes it 50
//! times as long; `ZARC_SEED=N` repeats history N alone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use zarc::archive::{Archive, History as ArchiveHistory, Notice, OpenOptions};
use zarc::base::{Environment, Result, Until};
use zarc::compress::MethodChoice;
use zarc::crypto::{KeyCost, Password};
use zarc::storage::Memory;

use crate::support::crash_storage::{Moment, Recorder};
use crate::support::random::Random;
use crate::support::random_history::{Ending, Scribe, Updates, open_for_writing};
use crate::support::recorded_history::{History, Promise};
use crate::support::truth::{Truth, assert_shows, newest};
use crate::support::{DATA, guarded};

/// Histories of the normal run, and the states that they have to give.
const HISTORIES: u64 = 30;
const STATES_WANTED: u64 = 20_000;
/// Random disks of failing power at each moment, half of them without powersafe overwrite.
const POWER_LOSSES: usize = 8;
/// Of so many states one has its recovery recorded and crashed.
const NEST_EVERY: u64 = 80;

/// What was tried.
#[derive(Debug)]
struct Tally {
    /// How the archives are opened.
    opening: OpenOptions<'static>,
    states: AtomicU64,
    nested: AtomicU64,
    ahead: AtomicU64,
    completed: AtomicU64,
    unfinished: AtomicU64,
    called_damaged: AtomicU64,
    unmade: AtomicU64,
    /// In the middle of a rollback: still the old versions, or those gone back to.
    still_there: AtomicU64,
    gone_back: AtomicU64,
}

impl Tally {
    fn of(opening: OpenOptions<'static>) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            opening,
            states: zero(),
            nested: zero(),
            ahead: zero(),
            completed: zero(),
            unfinished: zero(),
            called_damaged: zero(),
            unmade: zero(),
            still_there: zero(),
            gone_back: zero(),
        }
    }

    /// Opens a disk to read.
    fn open(&self, disk: &[u8]) -> Result<Archive> {
        Archive::open(Arc::new(Memory::with_bytes(disk.to_vec())), self.opening.password)
    }

    /// Opens an archive to append, or makes it.
    fn open_for_writing(&self, memory: Memory, environment: &Environment) -> Result<Archive> {
        Archive::open_for_writing(Arc::new(memory), self.opening, environment)
    }
}

fn add_one(counter: &AtomicU64) -> u64 {
    counter.fetch_add(1, Ordering::Relaxed)
}

fn soak() -> u64 {
    if std::env::var_os("ZARC_SOAK").is_some() { 50 } else { 1 }
}

#[test]
fn whatever_a_crash_leaves_shows_every_promised_version() {
    let tally = Tally::of(DATA);
    if let Ok(seed) = std::env::var("ZARC_SEED") {
        return one_history(seed.parse().unwrap(), &tally);
    }
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = add_one(&next);
                    if seed >= HISTORIES * soak() {
                        break;
                    }
                    one_history(seed, &tally);
                }
            });
        }
    });
    println!("{tally:?}");
    assert!(tally.states.into_inner() >= STATES_WANTED * soak());
    assert!(tally.ahead.into_inner() > 0, "commits that were written and not yet promised");
    assert!(tally.completed.into_inner() > 0, "updates that lacked only their commit");
    assert!(tally.unmade.into_inner() > 0, "archives whose making was interrupted");
    assert!(tally.still_there.into_inner() > 0, "cuts that did not reach the disk");
    assert!(tally.gone_back.into_inner() > 0, "cuts that did before their sync");
}

fn one_history(seed: u64, tally: &Tally) {
    let (entries_max, fragment_max) = [(4, 300), (8, 3000), (20, 20_000)][(seed % 3) as usize];
    let updates = Updates::new(seed, entries_max, fragment_max);
    let history = guarded(&format!("seed {seed}: recording"), || {
        Scribe::new(Vec::new(), Vec::new(), updates).run(5)
    });
    let mut random = Random::new(!seed);
    crash_everywhere(&format!("seed {seed}"), &history, &mut random, tally, true);
}

fn crash_everywhere(
    place: &str,
    history: &History,
    random: &mut Random,
    tally: &Tally,
    is_outer: bool,
) {
    for moment in history.recording.moments() {
        let allowed = history.allowed(moment.at);
        for (kind, disk) in disks(&moment, random) {
            let operations = history.recording.describe(moment.at);
            let place = format!("{place}, moment {}, {kind} ({operations})", moment.at);
            guarded(&place, || {
                let promise = shown_by(&disk, &allowed, tally);
                check_disk(&disk, promise, random, tally);
                if is_outer && random.below(NEST_EVERY) == 0 {
                    crash_the_recovery(&place, &disk, promise, random, tally);
                }
            });
        }
    }
}

/// The disks that a crash at this moment may leave, each with a word about it.
pub fn disks(moment: &Moment<'_>, random: &mut Random) -> Vec<(&'static str, Vec<u8>)> {
    let mut disks = vec![("killed", moment.killed())];
    if let Some(disk) = moment.killed_inside(random) {
        disks.push(("killed inside", disk));
    }
    if moment.has_pending() {
        disks.push(("all lost", moment.lost()));
        for _ in 0..POWER_LOSSES / 2 {
            disks.push(("power loss, powersafe overwrite", moment.power_loss(true, random)));
            disks.push(("power loss", moment.power_loss(false, random)));
        }
    }
    disks
}

/// Which of the states that are allowed the disk claims to be in.
fn shown_by<'a>(disk: &[u8], allowed: &'a [Promise], tally: &Tally) -> &'a Promise {
    let [before, after] = allowed else {
        assert_eq!(allowed.len(), 1, "a cut is synced before the next one");
        return &allowed[0];
    };
    let opened = tally.open(disk);
    let number = opened.map_or(0, |a| newest(&a).map_or(0, |version| version.number()));
    // Nothing is appended before the cut is synced.
    if number == after.promised.len() as u64 {
        add_one(&tally.gone_back);
        after
    } else {
        add_one(&tally.still_there);
        before
    }
}

/// Reads, recovers, adds, reads again.
fn check_disk(disk: &[u8], promise: &Promise, random: &mut Random, tally: &Tally) {
    add_one(&tally.states);
    let seen = check_reading(disk, promise, random, tally);
    let memory = Memory::with_bytes(disk.to_vec());
    let mut updates = Updates::new(random.next(), 3, 400);
    updates.methods = &["store,0"];
    let mut archive = tally
        .open_for_writing(memory.clone(), &updates.environment)
        .expect("a crash is no reason to refuse");
    if archive.notice() == Some(&Notice::Completed) {
        add_one(&tally.completed);
    }
    let mut truths = versions_of(&archive, promise);
    assert!(truths.len() >= seen, "recovery lost a version that was seen");
    let update = updates.update(&mut archive, truths.last(), Ending::Commit, |_| {});
    let (truth, _) = update.expect("a recovered archive takes an update").unwrap();
    drop(archive);
    truths.push(truth);
    let archive = tally.open(&memory.to_bytes()).expect("it was written without a fault");
    assert_eq!(archive.notice(), None);
    assert_shows(&archive, &truths, random.index(truths.len()));
}

/// How many versions a reader sees.
fn check_reading(disk: &[u8], promise: &Promise, random: &mut Random, tally: &Tally) -> usize {
    let promised = &promise.promised;
    let archive = match tally.open(disk) {
        Ok(archive) => archive,
        Err(error) => {
            assert!(promised.is_empty(), "not readable: {error}");
            add_one(&tally.unmade);
            return 0;
        }
    };
    match archive.notice() {
        Some(Notice::Unfinished(_)) => _ = add_one(&tally.unfinished),
        Some(Notice::Damaged(_)) => _ = add_one(&tally.called_damaged),
        Some(Notice::DamagedPart(what) | Notice::GivenUp(what)) => {
            panic!("one file has no parts, but {what}")
        }
        Some(Notice::Completed) => panic!("a reader completes nothing"),
        None => {}
    }
    let truths = versions_of(&archive, promise);
    if truths.len() > promised.len() {
        add_one(&tally.ahead);
    }
    assert_shows(&archive, &truths, random.index(promised.len().max(1)));
    truths.len()
}

/// The versions there must be: those promised, and candidates that the archive shows.
fn versions_of(archive: &Archive, promise: &Promise) -> Vec<Arc<Truth>> {
    let Promise { promised, candidates } = promise;
    let mut truths = promised.clone();
    let shown = newest(archive).map_or(0, |version| version.number());
    let history = ArchiveHistory::of(archive);
    for number in promised.len() as u64 + 1..=shown {
        let version = history.at(Until::Version(number)).unwrap().unwrap();
        let is_it = |truth: &&Arc<Truth>| truth.comment == version.manifest.comment;
        truths.push(Arc::clone(candidates.iter().find(is_it).expect("nobody made this version")));
    }
    truths
}

/// Crash, recover, append, crash.
fn crash_the_recovery(
    place: &str,
    disk: &[u8],
    promise: &Promise,
    random: &mut Random,
    tally: &Tally,
) {
    add_one(&tally.nested);
    let promised = &promise.promised;
    // What the recovery decides is promised from its first sync on; before, both may be seen.
    let memory = Memory::with_bytes(disk.to_vec());
    let mut updates = Updates::new(random.next(), 4, 2000);
    updates.opening = tally.opening;
    let archive = tally.open_for_writing(memory, &updates.environment).unwrap();
    let decided = versions_of(&archive, promise);
    let scribe = Scribe::new(disk.to_vec(), promised.clone(), updates);
    let history = scribe.knowing(&decided[promised.len()..]).run_once();
    crash_everywhere(&format!("{place}, recovery"), &history, random, tally, false);
}

/// An index is written and recovered like an archive with data, and what it lists stays true.
#[test]
fn whatever_a_crash_leaves_of_an_index_shows_every_promised_version() {
    let tally = Tally::of(DATA);
    for seed in 100..104 {
        let mut updates = Updates::new(seed, 8, 3000);
        updates.opening.method = Some(MethodChoice::Index);
        let history = Scribe::new(Vec::new(), Vec::new(), updates).run(5);
        crash_everywhere(&format!("seed {seed}"), &history, &mut Random::new(seed), &tally, true);
    }
    println!("{tally:?}");
    assert!(tally.states.into_inner() > 1000);
    assert!(tally.completed.into_inner() > 0, "updates that lacked only their commit");
}

/// An encrypted archive is written and recovered like a plain one, and its header like that of one.
#[test]
fn whatever_a_crash_leaves_of_an_encrypted_archive_shows_every_promised_version() {
    static PASSWORD: LazyLock<Password> = LazyLock::new(|| Password::new(b"words".to_vec()));
    let key_cost = KeyCost::with_log_n(10).unwrap();
    let opening = OpenOptions { password: Some(&PASSWORD), key_cost, ..DATA };
    let tally = Tally::of(opening);
    std::thread::scope(|scope| {
        for seed in [300, 301] {
            let tally = &tally;
            scope.spawn(move || {
                let mut updates = Updates::new(seed, 4, 1000);
                updates.opening = opening;
                let history = Scribe::new(Vec::new(), Vec::new(), updates).run(3);
                let mut random = Random::new(seed);
                crash_everywhere(&format!("seed {seed}"), &history, &mut random, tally, false);
            });
        }
    });
    println!("{tally:?}");
    assert!(tally.states.into_inner() > 200);
}

#[test]
fn a_commit_whose_sync_failed_does_not_come_back_among_newer_frames() {
    let tally = Tally::of(DATA);
    for seed in 0..8 {
        let updates = Updates::new(seed, 6, 2000);
        let history = Scribe::new(Vec::new(), Vec::new(), updates).run_after_failed_sync();
        crash_everywhere(&format!("seed {seed}"), &history, &mut Random::new(seed), &tally, false);
    }
    println!("{tally:?}");
}

#[test]
fn an_abandoned_first_update_leaves_an_archive_that_takes_no_update_silently() {
    // The file went away with its first update; what is written to it now would be nowhere.
    let recorder = Recorder::default();
    let mut updates = Updates::new(1, 5, 100);
    let backend = Arc::new(recorder.clone());
    let mut archive = open_for_writing(backend, &updates.environment).unwrap();
    updates.update(&mut archive, None, Ending::Abandon, |_| {}).unwrap();
    let result = updates.update(&mut archive, None, Ending::Commit, |_| {});
    result.expect_err("an update in a file without a header");
    assert_eq!(newest(&archive).map(|version| version.number()), None);
}
