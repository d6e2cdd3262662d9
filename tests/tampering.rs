//! Tampering: whoever can write to the file but does not know the password cannot make it show anything
//! that was not put into it.
//!
//! Goal: the table of threats in `spec/encryption.md`. Method: an archive with a copy that went on in another
//! way, an archive under the same password and one under another; their frames, pages and bytes are moved,
//! swapped, doubled, dropped, cut off and flipped, by plan and at random, and all that can still be read is
//! compared with what was put in. Frames that are encrypted as they should be, but whose tag is not theirs,
//! show that nothing is decoded that is not authentic.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use zarc::archive::{Archive, History, Notice, OpenOptions};
use zarc::base::{ErrorKind, Until};
use zarc::crypto::KeyRecord;
use zarc::format::{ArchiveHeader, FrameHeader, Update};
use zarc::journal::{FrameReader, Journal};
use zarc::storage::{Backend, Memory};

use crate::support::keys::{cheap, word};
use crate::support::random::Random;
use crate::support::random_history::{Ending, Updates};
use crate::support::repetition::in_two_threads;
use crate::support::tampered_world::Sample as _;
use crate::support::truth::{Truth, newest};
use crate::support::{frames, tampered_world};

const PAGE: usize = 4096;
/// Header, payload and tag of a commit.
const COMMIT_BYTES: usize = 64 + 224 + 32;
/// Files of the normal run; `ZARC_TEST_CASES` multiplies them.
const SPLICES: u64 = 3000;

/// An encrypted archive, the truth about it, and where its versions end.
#[derive(Clone)]
struct Sample {
    bytes: Vec<u8>,
    truths: Vec<Arc<Truth>>,
    ends: Vec<usize>,
}

impl Sample {
    /// `before` with so many more versions.
    fn grown(before: &Self, versions: usize, password: &str, seed: u64) -> Self {
        let mut sample = before.clone();
        let memory = Memory::with_bytes(sample.bytes);
        let mut updates = Updates::new(seed, 6, 700);
        let (password, key_cost) = (word(password), cheap());
        for _ in 0..versions {
            let backend = Arc::new(memory.clone());
            let options =
                OpenOptions { password: Some(&password), key_cost, ..OpenOptions::plain(6) };
            let mut archive =
                Archive::open_for_writing(backend, options, &updates.environment).unwrap();
            let last = sample.truths.last();
            let made = updates.update(&mut archive, last, Ending::Commit, |_| {}).unwrap();
            sample.truths.push(made.unwrap().0);
            sample.ends.push(memory.to_bytes().len());
        }
        sample.bytes = memory.to_bytes();
        sample
    }

    fn new(versions: usize, password: &str, seed: u64) -> Self {
        let nothing = Self { bytes: Vec::new(), truths: Vec::new(), ends: Vec::new() };
        Self::grown(&nothing, versions, password, seed)
    }

    /// Where frames stand, commits with their page.
    fn frames(&self) -> Vec<(usize, usize)> {
        let of_kind = |kind| {
            let len = move |(at, len): (usize, usize)| (at, if kind == 7 { PAGE } else { len });
            frames(&self.bytes, kind).into_iter().map(len)
        };
        let mut frames: Vec<(usize, usize)> = (1..=7).flat_map(of_kind).collect();
        frames.sort_unstable();
        frames
    }

    /// The bytes of version `number`, counted from 1.
    fn update(&self, number: usize) -> std::ops::Range<usize> {
        let start = if number == 1 { 2 * PAGE } else { self.ends[number - 2] };
        start..self.ends[number - 1]
    }
}

impl tampered_world::Sample for Sample {
    fn id(&self) -> [u8; 16] {
        ArchiveHeader::decode(&self.bytes).unwrap().0.archive_id
    }

    fn truths(&self) -> &[Arc<Truth>] {
        &self.truths
    }
}

type World = tampered_world::World<Sample>;

/// The archive has four versions, the copy the first two of them and two others.
fn world() -> World {
    let base = Sample::new(2, "one", 1);
    let ours = Sample::grown(&base, 2, "one", 2);
    let fork = Sample::grown(&base, 2, "one", 3);
    let (twin, foreign) = (Sample::new(4, "one", 4), Sample::new(3, "two", 5));
    World { ours, fork, twin, foreign }
}

/// What a reader with the password "one" gets of a file.
#[derive(Debug, Default)]
struct Seen {
    /// The error that kept it from opening.
    refused: Option<String>,
    notice: Option<Notice>,
    /// Versions that are whole.
    whole: Vec<u64>,
    newest: u64,
    errors: Vec<String>,
}

/// Reads all there is; panics if anything of it was not put in.
fn read(world: &World, bytes: &[u8]) -> Seen {
    let mut seen = Seen::default();
    let memory = Memory::with_bytes(bytes.to_vec());
    let archive = match Archive::open(Arc::new(memory), Some(&word("one"))) {
        Ok(archive) => archive,
        Err(error) => {
            seen.refused = Some(error.to_string());
            return seen;
        }
    };
    read_versions(world, bytes, &archive, &mut seen);
    seen
}

fn read_versions(world: &World, bytes: &[u8], archive: &Archive, seen: &mut Seen) {
    // Of two headers one may be damaged.
    let header = [0, PAGE].iter().find_map(|&at| ArchiveHeader::decode(bytes.get(at..)?).ok());
    let truths = world.truths(header.expect("it opened").0.archive_id);
    seen.notice = archive.notice().cloned();
    let history = History::of(archive);
    match history.newest() {
        Ok(version) => seen.newest = version.map_or(0, |version| version.number()),
        Err(error) => {
            seen.errors.push(error.to_string());
            seen.newest = 4;
        }
    }
    for number in 1..=seen.newest {
        let version = match history.at(Until::Version(number)) {
            Ok(version) => version.expect("a version before the newest is gone"),
            Err(error) => {
                seen.errors.push(error.to_string());
                continue;
            }
        };
        let truth = truths.get(&version.manifest.comment).expect("nobody put this version in");
        let reading = truth.compare(archive, &version);
        if reading.is_whole() {
            seen.whole.push(number);
        }
        seen.errors.extend(reading.errors.iter().map(ToString::to_string));
    }
}

/// Errors of whoever decodes what was decrypted: no byte that is not authentic may come so far.
const OF_DECODERS: [&str; 6] =
    ["unpack", "codec", "zstd", "raw bytes", "identity differs", "entry page"];

fn assert_nothing_was_decoded(seen: &Seen) {
    for error in &seen.errors {
        assert!(OF_DECODERS.iter().all(|word| !error.contains(word)), "{error}");
    }
}

/// One change to a file, of the kinds that a person with an editor for bytes can make.
fn tamper(world: &World, bytes: &mut Vec<u8>, random: &mut Random) {
    let source = world.all()[random.index(4)];
    let piece = |random: &mut Random| match random.below(4) {
        0 => {
            let frames = source.frames();
            let (at, len) = frames[random.index(frames.len())];
            at..at + len
        }
        1 => source.update(1 + random.index(source.ends.len())),
        2 => {
            let page = PAGE * random.index(source.bytes.len() / PAGE);
            page..page + PAGE
        }
        _ => {
            let at = random.index(source.bytes.len());
            at..source.bytes.len().min(at + 1 + random.index(9000))
        }
    };
    let from = piece(random);
    let taken = &source.bytes[from.clone()];
    let at = match random.below(3) {
        // Where it stands in its own file, or where another piece begins.
        0 => from.start,
        1 => piece(random).start,
        _ => random.index(bytes.len() + 1),
    };
    let at = at.min(bytes.len());
    let end = bytes.len().min(at + taken.len());
    match random.below(6) {
        0 | 1 => bytes[at..end].copy_from_slice(&taken[..end - at]),
        2 => drop(bytes.splice(at..at, taken.iter().copied())),
        3 => drop(bytes.drain(at..end)),
        4 => bytes.truncate(at.max(1)),
        _ => {
            for _ in 0..=random.below(4) {
                let at = random.index(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
        }
    }
    if bytes.is_empty() {
        bytes.push(0);
    }
}

#[derive(Debug, Default)]
struct Tally {
    refused: AtomicU64,
    damaged: AtomicU64,
    unfinished: AtomicU64,
    shorter: AtomicU64,
    harmless: AtomicU64,
}

fn one_splice(world: &World, number: u64, tally: &Tally) {
    let mut random = Random::new(number);
    let start = world.all()[random.index(3)];
    let mut bytes = start.bytes.clone();
    for _ in 0..=random.below(3) {
        tamper(world, &mut bytes, &mut random);
    }
    let seen = read(world, &bytes);
    assert_nothing_was_decoded(&seen);
    let counter = if seen.refused.is_some() {
        &tally.refused
    } else if !seen.errors.is_empty() || matches!(seen.notice, Some(Notice::Damaged(_))) {
        &tally.damaged
    } else if seen.notice.is_some() {
        &tally.unfinished
    } else if seen.newest < 4 {
        // An older state of the file, from the first byte to the last, perhaps without zeros at the
        // end: nobody can tell.
        let is_end = |end: &usize| (end - PAGE + COMMIT_BYTES..=*end).contains(&bytes.len());
        let is_state = world.all().iter().any(|sample| sample.ends.iter().any(is_end));
        let is_unmade = bytes.len() <= 2 * PAGE;
        assert!(is_state || is_unmade, "versions are gone and nothing is said: {seen:?}");
        &tally.shorter
    } else {
        &tally.harmless
    };
    counter.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn whatever_is_spliced_shows_nothing_that_was_not_put_in() {
    let (world, tally) = (world(), Tally::default());
    let times = in_two_threads("splice", SPLICES, |number| one_splice(&world, number, &tally));
    println!("{tally:?}");
    let counters = [tally.refused, tally.damaged, tally.unfinished, tally.shorter, tally.harmless];
    assert!(counters.map(AtomicU64::into_inner).iter().all(|&count| count >= 10 * times));
}

/// An archive that is open while its bytes are changed underneath: its keys are known, so that what a frame
/// is taken for can be asked frame by frame.
struct Opened {
    memory: Memory,
    reader: FrameReader,
}

impl Opened {
    fn new(sample: &Sample) -> Self {
        let memory = Memory::with_bytes(sample.bytes.clone());
        let journal = Journal::open(Arc::new(memory.clone()), Some(&word("one"))).unwrap();
        Self { memory, reader: journal.reader() }
    }

    /// Why the frame at `at` is not taken, when `bytes` stand at `from`; what was there comes back.
    fn refusal(&self, at: usize, from: usize, bytes: &[u8]) -> Option<String> {
        let before = self.memory.to_bytes()[from..from + bytes.len()].to_vec();
        self.memory.overwrite(from as u64, bytes).unwrap();
        let refused = self.reader.frame_at(at as u64).err().map(|error| error.to_string());
        self.memory.overwrite(from as u64, &before).unwrap();
        assert!(self.reader.frame_at(at as u64).is_ok(), "it was sound before");
        if let Some(error) = &refused {
            assert!(OF_DECODERS.iter().all(|word| !error.contains(word)), "{error}");
        }
        refused
    }
}

/// Where the record of a frame ends, without the zeros of a commit's page.
fn record_len(sample: &Sample, (at, len): (usize, usize)) -> usize {
    if sample.bytes[at + 8] == 7 { COMMIT_BYTES } else { len }
}

/// T2: every bit is authenticated, before anything is decrypted.
#[test]
fn t2_a_flipped_bit_of_any_frame_is_found() {
    let sample = world().ours;
    let opened = Opened::new(&sample);
    let mut flips = 0;
    for frame in sample.frames() {
        let (at, len) = (frame.0, record_len(&sample, frame));
        // All of the header and of the tag, some of the payload.
        for byte in (0..64).chain((64..len - 32).step_by(97)).chain(len - 32..len) {
            let flipped = [sample.bytes[at + byte] ^ (1 << (byte % 8))];
            let refused = opened.refusal(at, at + byte, &flipped);
            assert!(refused.is_some(), "byte {byte} of the frame at {at}");
            flips += 1;
        }
    }
    assert!(flips > 3000, "{flips}");
}

/// T2: a frame whose payload is encrypted under the right keys, and that no decoder could take, is refused
/// for its tag: no decoder has seen it.
#[test]
fn t2_what_is_not_authentic_is_not_decoded() {
    let sample = world().ours;
    let opened = Opened::new(&sample);
    let record = KeyRecord::decode(&sample.bytes[ArchiveHeader::KEY_RECORD], &sample.id());
    let master_key = record.unwrap().unwrap(&word("one")).unwrap();
    let (mut keys, mut forged) = (None, 0);
    for (at, len) in sample.frames() {
        let header = FrameHeader::decode(&sample.bytes[at..at + 64]).unwrap();
        let payload = at + 64..at + len - 32;
        if sample.bytes[at + 8] == 1 {
            let update = Update::decode(&sample.bytes[payload.clone()]).unwrap();
            let (nonce, tag) = (&update.nonce, &update.previous_tag);
            keys = Some(master_key.update_keys(header.update, nonce, tag));
        }
        if !header.frame_type.is_secret() {
            continue;
        }
        for garbage in [0xff, 0, 1] {
            let mut forgery = vec![garbage; payload.len()];
            keys.as_ref().unwrap().apply_keystream(header.index, &mut forgery);
            let error = opened.refusal(at, payload.start, &forgery).expect("it was forged");
            assert!(error.contains("not authentic"), "{error}");
            forged += 1;
        }
    }
    assert!(forged > 30, "{forged}");
}

/// T4: a frame counts only in its place, in its update, in its archive.
#[test]
fn t4_a_frame_of_another_place_update_or_archive_is_refused() {
    let world = world();
    let opened = Opened::new(&world.ours);
    let mut moved = 0;
    for there in world.ours.frames() {
        for source in world.all() {
            for from in source.frames() {
                let bytes = &source.bytes[from.0..from.0 + record_len(source, from)];
                let is_itself = world.ours.bytes[there.0..].starts_with(bytes);
                // What opens or ends an update of the copy there is authentic in itself; that it is
                // no part of this history is seen from its commit.
                let is_of_copy = there.0 == from.0 && source.id() == world.ours.id();
                if !is_itself && !is_of_copy && there.0 + bytes.len() <= world.ours.bytes.len() {
                    let refused = opened.refusal(there.0, there.0, bytes);
                    assert!(refused.is_some(), "{from:?} of another at {there:?}");
                    moved += 1;
                }
            }
        }
    }
    assert!(moved > 1000, "{moved}");
}

/// T4: two versions of one archive, spliced between updates, are not taken for one history.
#[test]
fn t4_updates_of_a_copy_that_went_on_separately_do_not_fit() {
    let world = world();
    let (ours, fork) = (&world.ours, &world.fork);
    let bytes = [&ours.bytes[..ours.ends[2]], &fork.bytes[fork.update(4)]].concat();
    let seen = read(&world, &bytes);
    assert_nothing_was_decoded(&seen);
    assert!(!seen.whole.contains(&4), "{seen:?}");
    let is_told = !seen.errors.is_empty() || seen.notice.is_some() || seen.refused.is_some();
    assert!(is_told, "{seen:?}");
}

/// T5: an update that is dropped from the middle, played twice or out of order is told.
#[test]
fn t5_a_middle_update_that_is_dropped_doubled_or_swapped_is_told() {
    let world = world();
    let ours = &world.ours;
    let part = |number: usize| match number {
        0 => &ours.bytes[..2 * PAGE],
        number => &ours.bytes[ours.update(number)],
    };
    for order in [
        &[0, 1, 3, 4][..],
        &[0, 2, 3, 4],
        &[0, 1, 2, 2, 3, 4],
        &[0, 1, 3, 2, 4],
        &[0, 4, 3, 2, 1],
        &[0, 1, 1, 1, 1],
    ] {
        let bytes: Vec<u8> = order.iter().flat_map(|&number| part(number)).copied().collect();
        let seen = read(&world, &bytes);
        assert_nothing_was_decoded(&seen);
        assert!(seen.refused.is_some() || seen.notice.is_some(), "{order:?}: {seen:?}");
        let environment = crate::support::random::environment(5);
        let memory = Memory::with_bytes(bytes.clone());
        let (password, key_cost) = (word("one"), cheap());
        let options = OpenOptions { password: Some(&password), key_cost, ..OpenOptions::plain(6) };
        let opened = Archive::open_for_writing(Arc::new(memory.clone()), options, &environment);
        if let Ok(archive) = opened {
            // Only what was never committed, to the eyes of the writer, may be cut off.
            let number = newest(&archive).map_or(0, |version| version.number());
            let number = usize::try_from(number).unwrap();
            assert_eq!(order[1..=number], [1, 2, 3][..number]);
        } else {
            assert!(memory.to_bytes() == bytes, "what is refused is not changed");
        }
    }
}

/// T6: an older state of the whole file is one that was there: nobody can tell it from the file alone, but
/// its fingerprint is not the one that was noted.
#[test]
fn t6_an_older_state_has_another_fingerprint() {
    let world = world();
    let fingerprint = |bytes: &[u8]| {
        let backend = Arc::new(Memory::with_bytes(bytes.to_vec()));
        let archive = Archive::open(backend, Some(&word("one"))).unwrap();
        assert_eq!(archive.notice(), None);
        newest(&archive).unwrap().fingerprint()
    };
    let mut prints = std::collections::BTreeSet::new();
    for sample in [&world.ours, &world.fork] {
        for end in &sample.ends {
            prints.insert(fingerprint(&sample.bytes[..*end]));
        }
    }
    assert_eq!(prints.len(), 6, "two states are common to both");
}

/// T7: neither a plain archive nor one under another key is taken for the encrypted one.
#[test]
fn t7_another_archive_in_its_place_is_refused() {
    let world = world();
    let plain = Memory::default();
    let mut updates = Updates::new(8, 6, 700);
    let environment = updates.environment;
    let opened =
        Archive::open_for_writing(Arc::new(plain.clone()), OpenOptions::plain(6), &environment);
    updates.update(&mut opened.unwrap(), None, Ending::Commit, |_| {}).unwrap();
    let refused = |bytes: Vec<u8>| {
        let opened = Archive::open(Arc::new(Memory::with_bytes(bytes)), Some(&word("one")));
        opened.map(drop).unwrap_err()
    };
    let error = refused(plain.to_bytes());
    assert!(error.to_string().contains("not encrypted"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Usage);
    let error = refused(world.foreign.bytes.clone());
    assert!(error.to_string().contains("wrong password"), "{error}");
    // The flag alone, with its checksum made right: the frames are still encrypted.
    let mut bytes = world.ours.bytes.clone();
    for page in [0, PAGE] {
        bytes[page + 16] &= !1;
        bytes[page + 12..page + 16].copy_from_slice(&4096_u32.to_le_bytes());
        let checksum = zarc::base::Digest::of(&bytes[page..page + 480]);
        bytes[page + 480..page + 512].copy_from_slice(checksum.as_bytes());
    }
    assert!(refused(bytes.clone()).to_string().contains("not encrypted"));
    let opened = Archive::open(Arc::new(Memory::with_bytes(bytes)), None);
    assert!(opened.is_ok_and(|archive| newest(&archive).is_none()), "it shows nothing");
}

/// T12: lengths of frames tell little of the lengths of what is in them.
#[test]
fn t12_payloads_are_padded() {
    let world = world();
    for sample in world.all() {
        for (at, len) in sample.frames() {
            let unit = match sample.bytes[at + 8] {
                1 | 7 => continue,
                2 => 65_536,
                _ => 4096,
            };
            assert_eq!((len - 96) % unit, 0, "the frame at {at}");
        }
    }
}
