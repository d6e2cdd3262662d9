//! Damage: an archive that was cut, or whose bits, sectors or pages are not what was written,
//! gives no wrong byte, keeps silent about no loss, and is not made worse by a writer.
//!
//! Goal: what `spec/format.md` section 9.1 and the table of tails in `spec/recovery.md` promise.
//! Method: a small archive whose content is known is damaged in every way of a kind; all of every
//! version is read and compared; then it is opened to append and all is read again.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use zarc::archive::{Archive, History, Notice};
use zarc::base::Until;
use zarc::storage::Memory;

use crate::support::guarded;
use crate::support::random_history::{Ending, Updates, open_for_writing};
use crate::support::truth::{Truth, assert_shows, newest};
use crate::support::watched_storage::Watched;

const PAGE: usize = 4096;
const SECTOR: usize = 512;
/// Header, payload and tag of a commit.
const COMMIT_RECORD: usize = 64 + 224 + 32;

/// An archive, the truth about it, and where its versions end.
struct Sample {
    bytes: Vec<u8>,
    truths: Vec<Arc<Truth>>,
    ends: Vec<usize>,
    /// For each version, the offsets that are read for the content alone: while the names are
    /// right and these bytes are, so is the content.
    content: Vec<BTreeSet<u64>>,
}

impl Sample {
    /// The first archive of so many versions, two pages each, of which each has new content.
    fn new(versions: usize) -> Self {
        let sample = (0..10_000).map(|seed| Self::of_seed(versions, seed)).find(Self::is_varied);
        let mut sample = sample.expect("some seed gives one");
        sample.content = sample.watch_content();
        println!("{versions} versions end at {:?}", sample.ends);
        sample
    }

    fn of_seed(versions: usize, seed: u64) -> Self {
        let memory = Memory::default();
        let mut updates = Updates::new(seed, 9, 700);
        let (mut truths, mut ends) = (Vec::<Arc<Truth>>::new(), Vec::new());
        for _ in 0..versions {
            let backend = Arc::new(memory.clone());
            let mut archive = open_for_writing(backend, &updates.environment).unwrap();
            let update = updates.update(&mut archive, truths.last(), Ending::Commit, |_| {});
            truths.push(update.unwrap().unwrap().0);
            ends.push(memory.to_bytes().len());
        }
        Self { bytes: memory.to_bytes(), truths, ends, content: Vec::new() }
    }

    fn watch_content(&self) -> Vec<BTreeSet<u64>> {
        let watched = Arc::new(Watched::with_bytes(self.bytes.clone()));
        let archive = Archive::open(watched.clone(), None).unwrap();
        let watch = |truth: &Arc<Truth>| {
            let version = History::of(&archive).at(Until::Version(truth.number)).unwrap().unwrap();
            let (entries, mut reading) = truth.compare_names(&archive, &version);
            watched.take_offsets();
            truth.compare_content(&archive, &version, &entries, &mut reading).unwrap();
            watched.take_offsets()
        };
        self.truths.iter().map(watch).collect()
    }

    fn is_varied(&self) -> bool {
        let lens = self.truths.iter().map(|truth| {
            let contents = truth.objects.values().map(|(_, content)| content.len());
            (truth.objects.len() > 2, contents.sum::<usize>())
        });
        let rises = lens.clone().map(|(_, len)| len).is_sorted_by(|a, b| a + 200 < *b);
        self.bytes.len() == (1 + 2 * self.ends.len()) * PAGE && rises && lens.clone().all(|l| l.0)
    }

    /// Where the record of the last commit stands.
    fn last_commit(&self) -> Range<usize> {
        let start = self.bytes.len() - PAGE;
        start..start + COMMIT_RECORD
    }
}

/// What a reader gets of an archive.
#[derive(Debug, Default)]
struct Seen {
    /// Whether it opened.
    is_open: bool,
    notice: Option<Notice>,
    newest: usize,
    /// Versions of which all is there.
    whole: BTreeSet<usize>,
    /// Whether any error was met.
    has_errors: bool,
}

impl Seen {
    /// Whether the reader is told of damage.
    fn is_told(&self) -> bool {
        self.has_errors || matches!(self.notice, Some(Notice::Damaged(_)))
    }
}

/// Reads all there is; panics if anything is wrong, or missing without a word. If only the byte
/// at `changed` is not as it was, content that is not read from it is not read again.
fn read(sample: &Sample, bytes: &[u8], changed: Option<usize>) -> Seen {
    let mut seen = Seen::default();
    let Ok(archive) = Archive::open(Arc::new(Memory::with_bytes(bytes.to_vec())), None) else {
        seen.has_errors = true;
        return seen;
    };
    (seen.is_open, seen.notice) = (true, archive.notice().cloned());
    let history = History::of(&archive);
    if let Ok(version) = history.newest() {
        seen.newest = version.map_or(0, |version| usize::try_from(version.number()).unwrap());
    } else {
        seen.has_errors = true;
        // Older versions have to be named to be read.
        seen.newest = sample.truths.len();
    }
    for (number, truth) in (1..=seen.newest).zip(&sample.truths) {
        match history.at(Until::Version(number as u64)) {
            Ok(version) => {
                let version = version.expect("a version before the newest is gone");
                let is_same = changed
                    .is_some_and(|changed| !sample.content[number - 1].contains(&(changed as u64)));
                let reading = if is_same {
                    truth.compare_names(&archive, &version).1
                } else {
                    truth.compare(&archive, &version)
                };
                if reading.is_whole() {
                    seen.whole.insert(number);
                } else {
                    seen.has_errors = true;
                }
            }
            Err(_) => seen.has_errors = true,
        }
    }
    seen
}

/// Opens to append; what was whole before is whole afterwards. Says whether it was refused.
fn recover(sample: &Sample, bytes: &[u8], before: &Seen) -> bool {
    let memory = Memory::with_bytes(bytes.to_vec());
    let environment = crate::support::random::environment(5);
    let result = open_for_writing(Arc::new(memory.clone()), &environment);
    let after = memory.to_bytes();
    if result.is_err() {
        assert!(after == bytes, "what is refused is not changed");
        return true;
    }
    if after != bytes {
        // A new archive is begun only where none was.
        assert!(before.is_open || bytes.len() < PAGE, "an archive was made anew");
        let seen = read(sample, &after, None);
        assert!(before.whole.is_subset(&seen.whole), "{before:?} became {seen:?}");
    }
    false
}

/// Runs `check` for each number below `count`, on two threads.
fn for_all(count: usize, check: impl Fn(usize) + Sync) {
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap();
                    if number >= count {
                        break;
                    }
                    guarded(&format!("number {number}"), || check(number));
                }
            });
        }
    });
}

#[test]
fn an_archive_cut_at_any_length_shows_the_versions_before_the_cut() {
    let sample = Sample::new(3);
    for_all(sample.bytes.len() + 1, |len| {
        let bytes = &sample.bytes[..len];
        let seen = read(&sample, bytes, None);
        let commits = sample.ends.iter().filter(|&end| end - PAGE + COMMIT_RECORD <= len).count();
        if len < SECTOR {
            assert!(!seen.is_open, "no header");
        } else {
            assert!(seen.is_open && !seen.has_errors, "{seen:?}");
            assert_eq!(seen.whole, (1..=commits).collect());
            assert_eq!(seen.notice, notice_of_cut(&sample, len, commits), "cut to {len}");
        }
        let is_refused = recover(&sample, bytes, &seen);
        assert!(!is_refused, "a cut archive can be continued");
        // Whether an update starts where it should does not take each length.
        if len % 7 == 0 {
            add_to(&sample, bytes, commits);
        }
    });
}

/// What a reader is told of an archive cut to `len`, which leaves so many commits: nothing if the
/// cut looks like the end of a commit or of a new header, damage if a piece of a commit is left,
/// else that an update is unfinished.
fn notice_of_cut(sample: &Sample, len: usize, commits: usize) -> Option<Notice> {
    let end = if commits == 0 { PAGE } else { sample.ends[commits - 1] };
    let commit_page = sample.ends.get(commits).map_or(usize::MAX, |next| next - PAGE);
    if len <= end {
        None
    } else if len > commit_page {
        Some(Notice::Damaged(end as u64))
    } else {
        Some(Notice::Unfinished((len - end) as u64))
    }
}

/// An update on top of what is left is there afterwards, and so is what was left.
fn add_to(sample: &Sample, bytes: &[u8], commits: usize) {
    let memory = Memory::with_bytes(bytes.to_vec());
    let mut updates = Updates::new(5, 2, 100);
    updates.methods = &["store,0"];
    let mut archive = open_for_writing(Arc::new(memory.clone()), &updates.environment).unwrap();
    let number = newest(&archive).map_or(0, |version| version.number());
    let number = usize::try_from(number).unwrap();
    assert!(number >= commits);
    let mut truths = sample.truths[..number].to_vec();
    let update = updates.update(&mut archive, truths.last(), Ending::Commit, |_| {});
    truths.push(update.unwrap().unwrap().0);
    let archive = Archive::open(Arc::new(memory), None).unwrap();
    assert_shows(&archive, &truths, 0);
}

/// Counts of what became of damaged archives.
#[derive(Debug, Default)]
struct Tally {
    harmless: AtomicU64,
    told: AtomicU64,
    unfinished: AtomicU64,
    refused: AtomicU64,
}

/// Reads, judges, recovers. `may_be_unfinished` says whether the loss of the last version may
/// look like an update that was never completed.
fn check(sample: &Sample, bytes: &[u8], may_be_unfinished: bool, tally: &Tally) {
    judge(sample, bytes, &read(sample, bytes, None), may_be_unfinished, tally);
}

/// The same for one flipped bit.
fn check_flip(sample: &Sample, byte: usize, bit: usize, tally: &Tally) {
    let mut bytes = sample.bytes.clone();
    bytes[byte] ^= 1 << bit;
    judge(sample, &bytes, &read(sample, &bytes, Some(byte)), false, tally);
}

fn judge(sample: &Sample, bytes: &[u8], seen: &Seen, may_be_unfinished: bool, tally: &Tally) {
    let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
    if seen.whole.len() == sample.truths.len() {
        count(&tally.harmless);
    } else if seen.is_told() {
        count(&tally.told);
    } else {
        count(&tally.unfinished);
        assert!(may_be_unfinished, "a loss that nothing is said of: {seen:?}");
        assert_eq!(seen.newest, sample.truths.len() - 1);
        assert!(matches!(seen.notice, Some(Notice::Unfinished(_))), "{seen:?}");
    }
    if recover(sample, bytes, seen) {
        count(&tally.refused);
    }
}

#[test]
fn no_flipped_bit_gives_a_wrong_byte_or_goes_unnoticed_where_it_matters() {
    let sample = Sample::new(2);
    let tally = Tally::default();
    for_all(sample.bytes.len() * 8, |bit| check_flip(&sample, bit / 8, bit % 8, &tally));
    println!("{} flips of two versions: {tally:?}", sample.bytes.len() * 8);
    assert!(tally.told.into_inner() > 10_000);
}

#[test]
fn no_flipped_bit_in_the_middle_of_a_history_goes_unnoticed_where_it_matters() {
    // One bit of every byte: commits have a commit before and one after them here.
    let sample = Sample::new(3);
    let tally = Tally::default();
    for_all(sample.bytes.len(), |byte| check_flip(&sample, byte, byte % 8, &tally));
    println!("{} flips of three versions: {tally:?}", sample.bytes.len());
    assert!(tally.told.into_inner() > 1000);
}

#[test]
fn no_block_zeroed_or_misplaced_gives_a_wrong_byte_or_goes_unnoticed_where_it_matters() {
    let sample = Sample::new(3);
    let tally = Tally::default();
    let mut cases = 0;
    for size in [SECTOR, PAGE] {
        let blocks = sample.bytes.len() / size;
        cases += blocks + 2 * blocks * blocks;
        for_all(blocks, |block| {
            let mut bytes = sample.bytes.clone();
            bytes[block * size..][..size].fill(0);
            check(&sample, &bytes, looks_unfinished(&sample, &bytes), &tally);
        });
        for_all(blocks * blocks, |pair| {
            let (from, to) = (pair / blocks * size, pair % blocks * size);
            let mut bytes = sample.bytes.clone();
            bytes.copy_within(from..from + size, to);
            check(&sample, &bytes, looks_unfinished(&sample, &bytes), &tally);
            // The other half of a swap.
            bytes[from..from + size].copy_from_slice(&sample.bytes[to..to + size]);
            check(&sample, &bytes, looks_unfinished(&sample, &bytes), &tally);
        });
    }
    println!("{cases} blocks of three versions: {tally:?}");
}

/// The last commit's record is gone, and either nothing is in its place or the frames before it
/// are damaged too: nobody can tell that from a crash.
fn looks_unfinished(sample: &Sample, bytes: &[u8]) -> bool {
    let record = sample.last_commit();
    let page = record.start..record.start + PAGE;
    let frames = sample.ends[sample.ends.len() - 2]..record.start;
    let is_empty = bytes[page].iter().all(|&byte| byte == 0);
    bytes[record.clone()] != sample.bytes[record]
        && (is_empty || bytes[frames.clone()] != sample.bytes[frames])
}

/// Where the commits of several last updates are lost, a writer must not build on what it can still
/// follow and cut off the rest, which a repair can save.
#[test]
fn a_writer_refuses_an_archive_that_lost_its_last_commits() {
    let sample = Sample::of_seed(4, 1);
    let mut bytes = sample.bytes.clone();
    for end in &sample.ends[2..] {
        bytes[end - PAGE..*end].fill(0);
    }
    let memory = Memory::with_bytes(bytes.clone());
    let environment = Updates::new(1, 9, 700).environment;
    let opened = open_for_writing(Arc::new(memory.clone()), &environment);
    let kind = opened.map(drop).unwrap_err().kind();
    assert_eq!(kind, zarc::base::ErrorKind::Corrupt);
    assert!(memory.to_bytes() == bytes, "the archive was changed");
    let archive = Archive::open(Arc::new(memory), None).unwrap();
    assert!(matches!(archive.notice(), Some(Notice::Damaged(_))), "readers are not told");
}
