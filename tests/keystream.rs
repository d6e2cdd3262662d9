//! No keystream twice, whatever happens to an archive.
//!
//! Goal: section 11 of `spec/format.md`: a frame index is used once under one nonce, so that no two payloads
//! are ever encrypted by the same bytes. Method: random histories on disks in memory that keep all that was
//! ever written to them, also what was cut off: updates, processes that die or whose sync fails, failing
//! power, updates given up, rollbacks, archives made anew, and copies of the file that go on separately. For
//! each frame the keys are derived from the password and the UPDATE frame, proved by the frame's tag, and
//! looked up among all that were used before.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use zarc::archive::{Archive, BlockTable, History, OpenOptions};
use zarc::base::Until;
use zarc::command::{AddOptions, KeySource, add};
use zarc::crypto::{KeyCost, KeyRecord, MasterKey, Password, UpdateKeys};
use zarc::format::{ArchiveHeader, Commit, FrameHeader, FrameType, Update};

use super::support::crash_storage::{Operation, Recorder};
use super::support::random_history::{Ending, Updates};
use super::support::truth::Truth;
use super::support::workbench::{Workbench, fresh_in_memory, set_clock, set_dice};
use super::support::{Told, guarded, noise};

/// Histories of the normal run; `ZARC_TEST_CASES` multiplies them.
const HISTORIES: u64 = 1000;
/// Processes in a history.
const LIVES: u64 = 6;

static PASSWORD: LazyLock<Password> = LazyLock::new(|| Password::new(b"open sesame".to_vec()));

fn opening() -> OpenOptions<'static> {
    let key_cost = KeyCost::with_log_n(10).unwrap();
    OpenOptions { password: Some(&PASSWORD), key_cost, ..OpenOptions::plain(6) }
}

/// Counts of all histories.
#[derive(Debug, Default)]
struct Tally {
    frames: AtomicU64,
    updates: AtomicU64,
    archives: AtomicU64,
    rollbacks: AtomicU64,
    forks: AtomicU64,
}

fn add_one(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// All that was encrypted in one history.
#[derive(Default)]
struct Used {
    masters: HashMap<[u8; 16], MasterKey>,
    /// A key, told by bytes of its keystream that no frame uses, and the index of a frame.
    indexes: HashSet<([u8; 16], u64)>,
    /// The updates that were begun, by the same.
    updates: HashSet<[u8; 16]>,
}

fn fingerprint(keys: &UpdateKeys) -> [u8; 16] {
    let mut bytes = [0; 16];
    keys.apply_keystream(u64::MAX, &mut bytes);
    bytes
}

impl Used {
    /// The key of the archive on a disk that begins like this, if it is there.
    fn master(&mut self, disk: &[u8], tally: &Tally) -> Option<MasterKey> {
        let (header, _) = ArchiveHeader::decode(disk).ok()?;
        let record = disk.get(ArchiveHeader::KEY_RECORD)?;
        let known = self.masters.get(&header.archive_id).cloned();
        known.or_else(|| {
            let record = KeyRecord::decode(record, &header.archive_id).ok()?;
            let master = record.unwrap(&PASSWORD).unwrap();
            self.masters.insert(header.archive_id, master.clone());
            add_one(&tally.archives);
            Some(master)
        })
    }

    /// Takes the appends of one process, which began with `disk`.
    fn take(&mut self, disk: &[u8], operations: &[Operation], tally: &Tally) {
        let mut master = self.master(disk, tally);
        let mut keys: Option<UpdateKeys> = None;
        for operation in operations {
            let Operation::Append(_, bytes) = operation else { continue };
            if bytes.starts_with(&ArchiveHeader::MAGIC) {
                master = self.master(bytes, tally);
            }
            let Some(header) = bytes.get(..64).and_then(|bytes| FrameHeader::decode(bytes).ok())
            else {
                continue;
            };
            let end = bytes.len().min(64 + usize::try_from(header.payload_len).unwrap());
            let payload = &bytes[64..end];
            let master = master.as_ref().expect("frames follow a header");
            let is_update = header.frame_type == FrameType::Update;
            if let Some(update) = Update::decode(payload).ok().filter(|_| is_update) {
                let of_update =
                    master.update_keys(header.update, &update.nonce, &update.previous_tag);
                let is_new = self.updates.insert(fingerprint(&of_update));
                assert!(is_new, "two updates have the same key");
                keys = Some(of_update);
                add_one(&tally.updates);
            }
            if header.frame_type == FrameType::Commit
                && let Ok(commit) = Commit::decode(payload)
            {
                // One that completes an update of a dead process has its keys, but encrypts nothing.
                let tag = &commit.previous_tag;
                keys = Some(master.update_keys(header.update, &commit.nonce, tag));
            }
            if is_update && payload.len() as u64 != header.payload_len {
                continue;
            }
            self.take_frame(&header, bytes, keys.as_ref(), tally);
        }
    }

    fn take_frame(
        &mut self,
        header: &FrameHeader,
        bytes: &[u8],
        keys: Option<&UpdateKeys>,
        tally: &Tally,
    ) {
        let tagged = 64 + usize::try_from(header.payload_len).unwrap();
        let keys = keys.expect("frames follow their update");
        if let Some(tag) = bytes.get(tagged..tagged + 32) {
            assert!(keys.checked_tag(tag, &[&bytes[..tagged]]).is_some(), "other keys were used");
        }
        if header.is_encrypted {
            let is_new = self.indexes.insert((fingerprint(keys), header.index));
            assert!(is_new, "frame {} of update {} twice", header.index, header.update);
            add_one(&tally.frames);
        }
        assert_eq!(header.is_encrypted, header.frame_type.is_secret());
    }
}

/// What is known of the newest version of a disk: its number alone, so that updates can follow it.
fn newest_truth(archive: &Archive) -> Option<Arc<Truth>> {
    let version = History::of(archive).newest().unwrap()?;
    Some(Arc::new(Truth { number: version.number(), ..Truth::default() }))
}

/// One process: opens, perhaps goes back, adds. Where a call fails it ends.
fn live(recorder: &Recorder, updates: &mut Updates, tally: &Tally) -> zarc::base::Result<()> {
    let backend = Arc::new(recorder.clone());
    let mut archive = Archive::open_for_writing(backend, opening(), &updates.environment)?;
    let mut truth = newest_truth(&archive);
    if let Some(newest) = &truth
        && updates.random.chance(30)
    {
        let to = updates.random.below(newest.number);
        let base = History::of(&archive).at(Until::Version(to))?;
        archive.roll_back(base.as_ref(), opening(), &updates.environment)?;
        add_one(&tally.rollbacks);
        truth =
            base.map(|version| Arc::new(Truth { number: version.number(), ..Truth::default() }));
    }
    for _ in 0..=updates.random.below(3) {
        let ending =
            [Ending::Commit, Ending::Commit, Ending::Commit, Ending::Abandon, Ending::Drop]
                [updates.random.index(5)];
        let made = updates.update(&mut archive, truth.as_ref(), ending, |_| {})?;
        let Some((committed, _)) = made else { return Ok(()) };
        // What is in a version does not matter here.
        truth = Some(Arc::new(Truth { number: committed.number, ..Truth::default() }));
    }
    Ok(())
}

fn one_history(seed: u64, tally: &Tally) {
    let mut updates = Updates::new(seed, 1, 20);
    updates.methods = &["store,0"];
    let mut used = Used::default();
    let mut disks: Vec<Vec<u8>> = vec![Vec::new()];
    for life in 0..LIVES {
        let random = &mut updates.random;
        let chosen = random.index(disks.len());
        if chosen + 1 < disks.len() {
            add_one(&tally.forks);
        }
        let disk = disks[chosen].clone();
        let recorder = Recorder::over(disk.clone());
        // The first one makes an archive.
        match if life == 0 { 3 } else { random.below(4) } {
            0 => recorder.kill_after(random.index(20), random.clone()),
            1 => recorder.fail_sync_after(random.index(4)),
            _ => {}
        }
        // An error ends the process, and what it left is the next one's.
        let _ =
            guarded(&format!("seed {seed}, life {life}"), || live(&recorder, &mut updates, tally));
        let recording = recorder.finish();
        used.take(&disk, recording.operations(), tally);
        let random = &mut updates.random;
        let last = recording.moments().last().unwrap();
        disks.push(match random.below(4) {
            0 => last.lost(),
            1 => last.power_loss(true, random),
            _ => last.killed(),
        });
    }
}

#[test]
fn no_history_encrypts_two_payloads_by_the_same_keystream() {
    let (tally, next) = (Tally::default(), AtomicU64::new(0));
    let times = std::env::var("ZARC_TEST_CASES").map_or(1, |text| text.parse().unwrap());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= HISTORIES * times {
                        break;
                    }
                    one_history(seed, &tally);
                }
            });
        }
    });
    println!("{tally:?}");
    let least = |counter: AtomicU64, least: u64| assert!(counter.into_inner() >= least * times);
    least(tally.frames, HISTORIES * 8);
    least(tally.updates, HISTORIES * 3);
    least(tally.rollbacks, HISTORIES / 8);
    least(tally.forks, HISTORIES / 2);
    // Some are made anew.
    least(tally.archives, HISTORIES + HISTORIES / 20);
}

/// The counters of two frames do not meet, however long the frames are: the index is above the count.
#[test]
fn the_keystreams_of_two_frames_have_no_block_in_common() {
    let key = KeyRecord::wrap(
        &MasterKey::generate([7; 16], &zarc::base::Environment::system()).unwrap(),
        &PASSWORD,
        KeyCost::with_log_n(10).unwrap(),
        1,
        &zarc::base::Environment::system(),
    );
    let master = key.unwrap().unwrap(&PASSWORD).unwrap();
    let none = zarc::base::Digest::default();
    let keys = master.update_keys(1, &none, &none);
    let mut blocks = HashSet::new();
    for index in (0..32).chain([255, 256, u64::from(u32::MAX), u64::MAX - 1, u64::MAX]) {
        let mut stream = vec![0; 16 * 4096];
        keys.apply_keystream(index, &mut stream);
        for block in stream.chunks(16) {
            assert!(blocks.insert(block.to_vec()), "index {index}");
        }
    }
}

/// Identities and lengths of all fragments of an archive that was just made of the same directory.
fn fragments(bench: &Workbench, password: Option<&'static Password>) -> Vec<(Vec<u8>, u32)> {
    let options = AddOptions {
        key: password.map(|password| KeySource::Words(password.clone())),
        key_cost: KeyCost::with_log_n(10).unwrap(),
        fragment: Some(2),
        ..bench.add_options(b"")
    };
    add(&options, &Told::default()).unwrap();
    let archive = Archive::open_path(&bench.archive(), password).unwrap();
    let version = History::of(&archive).newest().unwrap().unwrap();
    let table = BlockTable::of(&archive, &version).unwrap();
    let records = (0..version.manifest.counts.blocks).map(|number| table.record(number).unwrap());
    let fragments = records.flat_map(|record| record.fragments.clone());
    let fragments = fragments.map(|f| (f.identity.as_bytes().to_vec(), f.len)).collect();
    fs::remove_file(bench.archive()).unwrap();
    fragments
}

#[test]
fn the_same_file_has_other_identities_and_other_cuts_in_each_encrypted_archive() {
    set_clock(1_000_000_000);
    set_dice(5);
    let bench = Workbench::new(fresh_in_memory());
    fs::write(bench.work().join("noise"), noise(3, 1 << 20)).unwrap();
    let [one, two] = [(); 2].map(|()| fragments(&bench, Some(&PASSWORD)));
    let [plain, same] = [(); 2].map(|()| fragments(&bench, None));
    assert!(plain == same && plain.len() > 20, "plain archives have one name for one fragment");
    let lens = |fragments: &[(Vec<u8>, u32)]| fragments.iter().map(|f| f.1).collect::<Vec<_>>();
    let names = |fragments: &[(Vec<u8>, u32)]| {
        fragments.iter().map(|f| f.0.clone()).collect::<BTreeSet<_>>()
    };
    for (left, right) in [(&one, &two), (&one, &plain), (&two, &plain)] {
        assert!(names(left).is_disjoint(&names(right)), "an identity is the same");
        assert_ne!(lens(left), lens(right), "the cuts are the same");
        assert_eq!(lens(left).iter().sum::<u32>(), lens(right).iter().sum::<u32>());
    }
}
