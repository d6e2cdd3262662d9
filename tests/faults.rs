//! Failing calls: whichever call of the storage fails, nothing is lost and nothing is claimed.
//!
//! Goal: the part *Failing calls* of `spec/recovery.md`. Method: each of several jobs is run with
//! the first, the second, the third call of each kind failing, until none is left to fail, once
//! with the storage sound afterwards and once with it gone. Afterwards the bytes are read without
//! faults, and the job is run again.

use std::sync::{Arc, LazyLock, Mutex};

use zarc::archive::{Archive, History, Notice, OpenOptions, RollbackStage};
use zarc::base::{ErrorKind, Result, Until};
use zarc::crypto::{KeyCost, Password};
use zarc::format::PAGE_BYTES;
use zarc::storage::{Backend, Memory};

use crate::support::DATA;
use crate::support::faulty_storage::{Call, Fault, Faulty};
use crate::support::random_history::{Ending, Updates, open_for_writing};
use crate::support::truth::{Truth, assert_shows, newest};

/// An archive before a job.
struct Job {
    name: &'static str,
    /// How the archive is opened.
    opening: OpenOptions<'static>,
    bytes: Vec<u8>,
    /// Committed versions.
    promised: Vec<Arc<Truth>>,
    /// A further version that lacks only its commit.
    complete: Option<Arc<Truth>>,
}

/// An archive of three versions, and where each of them ends.
fn three_versions(opening: OpenOptions<'_>) -> (Vec<u8>, Vec<Arc<Truth>>, Vec<usize>) {
    let memory = Memory::default();
    let mut updates = Updates::new(3, 12, 1500);
    let (mut truths, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let mut archive =
            Archive::open_for_writing(Arc::new(memory.clone()), opening, &updates.environment)
                .unwrap();
        let update = updates.update(&mut archive, truths.last(), Ending::Commit, |_| {});
        truths.push(update.unwrap().unwrap().0);
        ends.push(memory.to_bytes().len());
    }
    (memory.to_bytes(), truths, ends)
}

fn jobs(opening: OpenOptions<'static>) -> Vec<Job> {
    let (bytes, truths, ends) = three_versions(opening);
    let page = usize::try_from(PAGE_BYTES).unwrap();
    let job = |name, len: usize, versions: usize, complete: bool| Job {
        name,
        opening,
        bytes: bytes[..len].to_vec(),
        promised: truths[..versions].to_vec(),
        complete: complete.then(|| Arc::clone(&truths[versions])),
    };
    vec![
        job("first update", 0, 0, false),
        job("first update over a torn header", 700, 0, false),
        job("second update", ends[0], 1, false),
        job("fourth update", ends[2], 3, false),
        job("a tail is cut off", ends[1] + 900, 2, false),
        job("a first tail is cut off", 4096 + 300, 0, false),
        job("a commit is completed", ends[2] - page, 2, true),
        job("a first commit is completed", ends[0] - page, 0, true),
        job("a page of a commit is completed", ends[2] - 1000, 3, false),
    ]
}

/// All faults of one call, told by how it fails.
fn faults(call: Call) -> Vec<Fault> {
    let parts: &[usize] = if call == Call::Append { &[0, 1, 70, 500, 999, 1000] } else { &[0] };
    let both = |&partly| [false, true].map(|lasts| Fault { call, after: 0, lasts, partly });
    parts.iter().flat_map(both).collect()
}

/// Runs `check` with every fault until it says that the fault did not happen any more.
fn with_every_fault(mut check: impl FnMut(Fault) -> bool) -> u64 {
    let mut runs = 0;
    for fault in Call::ALL.into_iter().flat_map(faults) {
        for after in 0.. {
            runs += 1;
            if !check(Fault { after, ..fault }) {
                break;
            }
        }
    }
    runs
}

/// Opens, adds one update; `attempt` learns what it would hold.
fn add(
    backend: Arc<dyn Backend>,
    job: &Job,
    attempt: &Mutex<Option<Arc<Truth>>>,
) -> Result<Vec<Arc<Truth>>> {
    let mut updates = Updates::new(77, 9, 3000);
    let mut archive = Archive::open_for_writing(backend, job.opening, &updates.environment)?;
    let mut truths = job.promised.clone();
    if newest_number(&archive)? > truths.len() as u64 {
        truths.extend(job.complete.clone());
    }
    assert_eq!(newest_number(&archive)?, truths.len() as u64, "versions after recovery");
    let base = truths.last().cloned();
    let update = updates.update(&mut archive, base.as_ref(), Ending::Commit, |truth| {
        *attempt.lock().unwrap() = Some(Arc::clone(truth));
    })?;
    truths.push(update.unwrap().0);
    Ok(truths)
}

fn newest_number(archive: &Archive) -> Result<u64> {
    Ok(History::of(archive).newest()?.map_or(0, |version| version.number()))
}

#[test]
fn no_failing_call_of_a_writer_loses_or_invents_a_version() {
    let mut runs = 0;
    for job in jobs(DATA) {
        runs += with_every_fault(|fault| writer_survives(&job, fault));
    }
    println!("{runs} runs of a writer");
    assert!(runs > 1500);
}

/// The header region of an encrypted archive is two pages, and its frames are read under keys.
#[test]
fn no_failing_call_of_a_writer_loses_or_invents_an_encrypted_version() {
    static PASSWORD: LazyLock<Password> = LazyLock::new(|| Password::new(b"words".to_vec()));
    let key_cost = KeyCost::with_log_n(10).unwrap();
    let opening = OpenOptions { password: Some(&PASSWORD), key_cost, ..DATA };
    let mut runs = 0;
    for job in jobs(opening).into_iter().filter(|job| {
        ["first update", "second update", "a commit is completed"].contains(&job.name)
    }) {
        runs += with_every_fault(|fault| writer_survives(&job, fault));
    }
    println!("{runs} runs of a writer");
    assert!(runs > 300);
}

/// Whether the fault happened.
fn writer_survives(job: &Job, fault: Fault) -> bool {
    let memory = Memory::with_bytes(job.bytes.clone());
    let faulty = Arc::new(Faulty::over(Arc::new(memory.clone()), fault));
    let attempt = Mutex::new(None);
    let result = add(faulty.clone(), job, &attempt);
    let place = format!("{}, {fault:?}: {:?}", job.name, result.as_ref().err());
    if let Err(error) = &result {
        assert!(faulty.has_failed(), "{place}");
        assert_eq!(error.kind(), ErrorKind::Io, "{place}");
    }
    let attempt = attempt.into_inner().unwrap();
    let promised = check_after(job, fault, &memory, result.ok(), attempt.as_ref(), &place);

    // The same again, on storage that works.
    let next = promised.len() as u64 + 1;
    let complete = job.complete.clone().into_iter().chain(attempt).find(|t| t.number == next);
    let (name, opening) = (job.name, job.opening);
    let again = Job { name, opening, bytes: Vec::new(), promised, complete };
    let truths = add(Arc::new(memory.clone()), &again, &Mutex::new(None)).expect(&place);
    if let Some(complete) = &job.complete {
        let is_kept = truths.iter().any(|truth| truth.comment == complete.comment);
        assert!(is_kept, "{place}: a complete update was cut off");
    }
    let archive = Archive::open(Arc::new(memory), job.opening.password).unwrap();
    assert_eq!(archive.notice(), None, "{place}");
    assert_shows(&archive, &truths, truths.len() / 2);
    faulty.has_failed()
}

/// What the bytes hold after a fault: what was promised, and the rest only where it may be.
/// Returns the versions that they show.
fn check_after(
    job: &Job,
    fault: Fault,
    memory: &Memory,
    added: Option<Vec<Arc<Truth>>>,
    attempt: Option<&Arc<Truth>>,
    place: &str,
) -> Vec<Arc<Truth>> {
    let archive = match Archive::open(Arc::new(memory.clone()), job.opening.password) {
        Ok(archive) => archive,
        Err(error) => {
            assert!(job.promised.is_empty() && added.is_none(), "{place}: {error}");
            return Vec::new();
        }
    };
    assert!(!matches!(archive.notice(), Some(Notice::Damaged(_))) || fault.call == Call::Append);
    let mut truths = job.promised.clone();
    let number = newest(&archive).map_or(0, |version| version.number());
    if let Some(added) = added {
        truths = added;
    } else {
        let is_more = number > truths.len() as u64;
        truths.extend(job.complete.clone().filter(|_| is_more));
        if number > truths.len() as u64 {
            // Whole, but not acknowledged: only if it could not be cut off again.
            assert!(fault.lasts || fault.call == Call::Truncate, "{place}");
            truths.extend(attempt.cloned());
        }
    }
    assert_eq!(number, truths.len() as u64, "{place}");
    assert_shows(&archive, &truths, 0);
    truths
}

/// A rollback and what became of it.
struct RolledBack {
    result: Result<Vec<Arc<Truth>>>,
    /// How far the archive said that it had come.
    stage: RollbackStage,
    attempt: Option<Arc<Truth>>,
}

/// Goes back to version `to`; adds an update, or leaves it at that.
fn roll_back(
    backend: Arc<dyn Backend>,
    truths: &[Arc<Truth>],
    to: usize,
    adds: bool,
) -> RolledBack {
    let mut updates = Updates::new(78, 9, 3000);
    let (mut stage, mut attempt) = (RollbackStage::None, None);
    let run = || {
        let mut archive = open_for_writing(backend, &updates.environment)?;
        let base = History::of(&archive).at(Until::Version(to as u64))?;
        archive.roll_back(base.as_ref(), DATA, &updates.environment)?;
        let mut kept = truths[..to].to_vec();
        let result = if adds {
            let update = updates.update(&mut archive, kept.last(), Ending::Commit, |truth| {
                attempt = Some(Arc::clone(truth));
            });
            update.map(|made| kept.extend(made.map(|(truth, _)| truth)))
        } else {
            archive.finish_rollback()
        };
        stage = archive.rollback_stage().0;
        result.map(|()| kept)
    };
    let result = run();
    RolledBack { result, stage, attempt }
}

#[test]
fn no_failing_call_of_a_rollback_is_told_otherwise_than_it_is() {
    let (bytes, truths, _) = three_versions(DATA);
    let mut runs = 0;
    for (to, adds) in [(0, true), (0, false), (1, true), (1, false), (2, true)] {
        runs += with_every_fault(|fault| rollback_survives(&bytes, &truths, to, adds, fault));
    }
    println!("{runs} runs of a rollback");
    assert!(runs > 500);
}

/// Whether the fault happened.
fn rollback_survives(
    bytes: &[u8],
    truths: &[Arc<Truth>],
    to: usize,
    adds: bool,
    fault: Fault,
) -> bool {
    let memory = Memory::with_bytes(bytes.to_vec());
    let faulty = Arc::new(Faulty::over(Arc::new(memory.clone()), fault));
    let RolledBack { result, stage, attempt } = roll_back(faulty.clone(), truths, to, adds);
    let place = format!("back to {to}, {adds}, {fault:?}, {stage:?}: {:?}", result.as_ref().err());
    let opened = Archive::open(Arc::new(memory.clone()), None);
    let number = match &opened {
        Ok(archive) => newest(archive).map_or(0, |version| version.number()),
        // What is left of a new beginning may lack its header.
        Err(_) => 0,
    };
    let mut shown = truths[..to].to_vec();
    match &result {
        Ok(made) => shown.clone_from(made),
        Err(error) => {
            assert!(faulty.has_failed() && error.kind() == ErrorKind::Io, "{place}");
            let is_unknown = error.to_string().contains("it is unknown whether update");
            let is_old = memory.to_bytes() == bytes;
            match stage {
                RollbackStage::None | RollbackStage::Pending => assert!(is_old, "{place}"),
                RollbackStage::Unknown => {}
                RollbackStage::Done => assert!(!is_old, "{place}"),
            }
            if is_old {
                shown = truths.to_vec();
            } else if number > to as u64 {
                assert!(is_unknown && stage == RollbackStage::Done, "{place}");
                shown.extend(attempt.clone());
            }
            let names_version = error.to_string().contains(&format!("rolled back to update {to};"));
            assert_eq!(names_version, is_unknown, "{place}");
        }
    }
    assert_eq!(number, shown.len() as u64, "{place}");
    if let Ok(archive) = &opened {
        assert_shows(archive, &shown, 0);
    } else {
        assert!(shown.is_empty() && result.is_err(), "{place}");
    }
    assert_takes_an_update(&memory, shown, attempt, &place);
    faulty.has_failed()
}

/// The next writer finds what was shown, or completes the update that only lacked its commit.
fn assert_takes_an_update(
    memory: &Memory,
    mut truths: Vec<Arc<Truth>>,
    attempt: Option<Arc<Truth>>,
    place: &str,
) {
    let mut updates = Updates::new(79, 9, 3000);
    let mut archive =
        open_for_writing(Arc::new(memory.clone()), &updates.environment).expect(place);
    if archive.notice() == Some(&Notice::Completed) {
        truths.extend(attempt);
    }
    let update = updates.update(&mut archive, truths.last(), Ending::Commit, |_| {});
    truths.push(update.expect(place).unwrap().0);
    drop(archive);
    let archive = Archive::open(Arc::new(memory.clone()), None).expect(place);
    assert_shows(&archive, &truths, truths.len() / 2);
}

#[test]
fn no_failing_call_of_a_reader_passes_for_less_than_there_is() {
    let (bytes, truths, ends) = three_versions(DATA);
    let mut runs = 0;
    // All whole; a tail; a later commit after damage.
    let mut damaged = bytes.clone();
    damaged[ends[1] - 4000] ^= 1;
    for (bytes, truths) in
        [(&bytes, &truths[..]), (&bytes[..ends[2] - 5000].to_vec(), &truths[..2])]
    {
        let notice = Archive::open(Arc::new(Memory::with_bytes(bytes.clone())), None).unwrap();
        let notice = notice.notice().cloned();
        runs += with_every_fault(|fault| {
            let memory = Memory::with_bytes(bytes.clone());
            let faulty = Arc::new(Faulty::over(Arc::new(memory.clone()), fault));
            read_everything(faulty.clone(), truths, notice.as_ref());
            assert!(memory.to_bytes() == *bytes, "a reader writes nothing");
            faulty.has_failed()
        });
    }
    runs += with_every_fault(|fault| {
        let faulty = Arc::new(Faulty::over(Arc::new(Memory::with_bytes(damaged.clone())), fault));
        if let Ok(archive) = Archive::open(faulty.clone(), None) {
            assert!(matches!(archive.notice(), Some(Notice::Damaged(_))), "{fault:?}");
        }
        faulty.has_failed()
    });
    println!("{runs} runs of a reader");
    assert!(runs > 300);
}

/// Reads every version; what is returned must be true, and what is missing due to an I/O error.
fn read_everything(backend: Arc<dyn Backend>, truths: &[Arc<Truth>], notice: Option<&Notice>) {
    let archive = match Archive::open(backend, None) {
        Ok(archive) => archive,
        Err(error) => return assert_eq!(error.kind(), ErrorKind::Io, "{error}"),
    };
    assert_eq!(archive.notice(), notice, "a fault is taken for a tail");
    for (number, truth) in (1..).zip(truths) {
        match History::of(&archive).at(Until::Version(number)) {
            Ok(version) => {
                let reading = truth.compare(&archive, &version.expect("a version is gone"));
                assert!(reading.errors.iter().all(|error| error.kind() == ErrorKind::Io));
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Io, "{error}"),
        }
    }
    if let Ok(newest) = newest_number(&archive) {
        assert_eq!(newest, truths.len() as u64);
    }
}
