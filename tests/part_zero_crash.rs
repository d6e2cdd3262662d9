//! Crashes, failing calls and flipped bytes of an archive in parts with an index.
//!
//! Goal: *The index* of `spec/recovery.md`: what was promised is there whatever a crash leaves of the
//! index and of the part that was being made; the index is never before the parts; it shows what the
//! parts show or says that it is damaged. Method: every update is recorded in both files; both are
//! rebuilt as they may be at each moment, each in its own way; readers, writers and the index alone
//! are compared with what was meant.

use std::collections::BTreeMap;
use std::sync::Arc;

use zarc::archive::{Archive, Catalog, Entry, History, OpenOptions};
use zarc::base::Until;

use crate::crash::disks;
use crate::support::DATA;
use crate::support::guarded;
use crate::support::logged_parts::LoggedParts;
use crate::support::random::Random;
use crate::support::random_history::{Ending, Updates};
use crate::support::truth::{Truth, assert_shows, newest};

/// Histories, and how many updates each has.
const HISTORIES: u64 = 9;
const UPDATES: usize = 4;

type Files = BTreeMap<u32, Vec<u8>>;

#[derive(Debug, Default)]
struct Tally {
    states: u64,
    given_up: u64,
    caught_up: u64,
}

fn open(files: &LoggedParts) -> zarc::base::Result<Archive> {
    Archive::open_parts(Arc::new(files.clone()), None)
}

fn open_for_writing(files: &LoggedParts, updates: &Updates) -> zarc::base::Result<Archive> {
    Archive::open_parts_for_writing(Arc::new(files.clone()), DATA, &updates.environment)
}

/// Everything that can be listed: of each version its fingerprint, its length, its entries.
fn listing(archive: &Archive) -> zarc::base::Result<Vec<(String, u64, Vec<Entry>)>> {
    let mut all = Vec::new();
    for version in History::of(archive).versions(Until::Latest)? {
        let version = version?;
        let entries: zarc::base::Result<Vec<Entry>> =
            Catalog::of(archive, &version)?.entries().collect();
        all.push((version.fingerprint(), version.end(), entries?));
    }
    Ok(all)
}

fn index_alone(files: &Files) -> LoggedParts {
    LoggedParts::of(
        &files.iter().filter(|(part, _)| **part == 0).map(|(p, b)| (*p, b.clone())).collect(),
    )
}

/// Panics unless the index alone lists what the parts list.
fn assert_index_is_right(files: &Files) {
    let whole = open(&LoggedParts::of(files)).expect("it is whole");
    assert_eq!(whole.notice(), None);
    let alone = open(&index_alone(files)).expect("the index is whole");
    assert_eq!(alone.notice(), None);
    assert_eq!(listing(&alone).unwrap(), listing(&whole).unwrap());
    for update in 1..=whole.updates_in_index() {
        whole.check_copies(update).unwrap();
    }
    assert_eq!(whole.updates_in_index(), newest(&whole).map_or(0, |version| version.number()));
}

#[test]
fn whatever_a_crash_leaves_of_part_and_index_shows_every_promised_version() {
    let mut tally = Tally::default();
    for seed in 0..HISTORIES {
        crash_history(seed, &mut tally);
    }
    assert!(tally.states > 3000, "{tally:?}");
    assert!(tally.given_up > 100 && tally.caught_up > 100, "{tally:?}");
}

fn crash_history(seed: u64, tally: &mut Tally) {
    let mut updates = Updates::new(seed, 4, 2000);
    let mut random = Random::new(!seed);
    let mut before: Files = [(1, Vec::new())].into();
    let mut truths: Vec<Arc<Truth>> = Vec::new();
    for number in 1..=UPDATES {
        let part = u32::try_from(number).unwrap();
        let files = LoggedParts::of(&before);
        let mut archive = open_for_writing(&files, &updates).unwrap();
        let update = updates.update(&mut archive, truths.last(), Ending::Commit, |_| {});
        truths.push(update.unwrap().unwrap().0);
        drop(archive);
        let log = files.log();
        let (index, made) =
            (files.recorder(0).unwrap().finish(), files.recorder(part).unwrap().finish());
        let (index, made): (Vec<_>, Vec<_>) = (index.moments().collect(), made.moments().collect());
        for at in 0..=log.len() {
            let done = |file: u32| log[..at].iter().filter(|part| **part == file).count();
            let is_all = at == log.len();
            let (of_index, of_part) = (&index[done(0)], &made[done(part)]);
            for (kind, disk) in disks(of_part, &mut random) {
                let states = disks(of_index, &mut random);
                let (index_kind, index_disk) = states[random.index(states.len())].clone();
                let mut found = before.clone();
                // A file that nothing was done to may not be there yet.
                if done(part) > 0 || number == 1 {
                    found.insert(part, disk);
                }
                if done(0) > 0 || before.contains_key(&0) {
                    found.insert(0, index_disk);
                }
                let place =
                    format!("seed {seed}, part {part}, moment {at}, {kind}, index {index_kind}");
                let promised = truths.len() - usize::from(!is_all);
                guarded(&place, || check(&found, &before, &truths, promised, &mut random, tally));
            }
        }
        before = files.files();
        assert_index_is_right(&before);
    }
}

/// Reads, recovers, adds, reads again, with all parts and with the index alone.
fn check(
    found: &Files,
    before: &Files,
    truths: &[Arc<Truth>],
    promised: usize,
    random: &mut Random,
    tally: &mut Tally,
) {
    tally.states += 1;
    let seen = match open(&LoggedParts::of(found)) {
        Ok(archive) => {
            let seen = newest(&archive).map_or(0, |version| version.number());
            let seen = usize::try_from(seen).unwrap();
            assert!((promised..=truths.len()).contains(&seen), "{seen} of {promised} versions");
            assert!(archive.updates_in_index() <= seen as u64, "the index is before the parts");
            assert_shows(&archive, &truths[..seen], random.index(promised.max(1)));
            tally.caught_up += u64::from(archive.updates_in_index() < seen as u64);
            seen
        }
        Err(error) => {
            assert!(promised == 0, "not readable: {error}");
            0
        }
    };
    let files = LoggedParts::of(found);
    let mut updates = Updates::new(random.next(), 3, 400);
    let mut archive = open_for_writing(&files, &updates).expect("a crash is no reason to refuse");
    let kept = usize::try_from(newest(&archive).map_or(0, |version| version.number())).unwrap();
    assert!(kept >= seen.max(promised), "recovery lost a version that was seen");
    tally.given_up += u64::from(kept < truths.len());
    let mut truths = truths[..kept].to_vec();
    let update = updates.update(&mut archive, truths.last(), Ending::Commit, |_| {});
    truths.push(update.expect("a recovered archive takes an update").unwrap().0);
    drop(archive);
    let after = files.files();
    let archive = open(&files).expect("it was written without a fault");
    assert_shows(&archive, &truths, random.index(truths.len()));
    for (part, bytes) in before.iter().filter(|(part, bytes)| **part > 0 && !bytes.is_empty()) {
        assert!(after[part] == *bytes, "part {part} was written again");
    }
    assert_index_is_right(&after);
}

/// The part that was begun may have been completed and moved away before the index knew.
#[test]
fn a_part_that_was_begun_and_is_nowhere_stops_a_writer() {
    let (files, truths) = small_history(2);
    let updates = Updates::new(7, 3, 400);
    let third = LoggedParts::of(&files);
    let mut archive = open_for_writing(&third, &updates).unwrap();
    let mut more = Updates::new(8, 3, 400);
    more.update(&mut archive, truths.last(), Ending::Commit, |_| {}).unwrap().unwrap();
    drop(archive);
    let moments = third.recorder(0).unwrap().finish();
    let mut refused = 0;
    for moment in moments.moments() {
        let mut found = files.clone();
        found.insert(0, moment.killed());
        let there = LoggedParts::of(&found);
        let told = open_for_writing(&there, &updates).map(drop);
        match told {
            // Nothing was written of the group, or all of it: then part 3 is missing.
            Ok(()) => assert!(moment.killed() == files[&0]),
            Err(error) => {
                let text = error.to_string();
                let is_known = text.contains("update 3 expected, found 2; part3 is missing")
                    || text.contains("the end of update 3 is lost, and part3 is not there");
                assert!(is_known || text.contains("part3 was begun for update 3"), "{text}");
                refused += u32::from(!is_known);
                assert!(there.files() == found, "nothing was changed");
                let force = OpenOptions { force: true, ..DATA };
                let store = Arc::new(there.clone());
                let forced = Archive::open_parts_for_writing(store, force, &updates.environment);
                assert_eq!(forced.is_err(), is_known, "{text}");
                assert!(is_known || there.files() == files);
            }
        }
        // With the part everything is well.
        found.insert(3, third.files()[&3].clone());
        let there = LoggedParts::of(&found);
        drop(open_for_writing(&there, &updates).unwrap());
        assert_index_is_right(&there.files());
    }
    assert!(refused >= 2, "{refused} refused");
}

/// The same history each time.
fn small_history(count: usize) -> (Files, Vec<Arc<Truth>>) {
    let mut updates = Updates::new(99, 3, 300);
    let files = LoggedParts::of(&[(1, Vec::new())].into());
    let mut truths: Vec<Arc<Truth>> = Vec::new();
    for _ in 0..count {
        let mut archive = open_for_writing(&files, &updates).unwrap();
        let update = updates.update(&mut archive, truths.last(), Ending::Commit, |_| {});
        truths.push(update.unwrap().unwrap().0);
    }
    (files.files(), truths)
}

#[test]
fn whichever_call_fails_nothing_that_was_told_is_lost() {
    let (files, truths) = small_history(2);
    for alone in [false, true] {
        let start = if alone { index_alone(&files).files() } else { files.clone() };
        let mut failed = 0;
        for after in 0.. {
            let there = LoggedParts::of(&start);
            there.fail_after(after);
            let mut updates = Updates::new(5, 3, 300);
            let told = open_for_writing(&there, &updates).and_then(|mut archive| {
                updates.update(&mut archive, truths.last(), Ending::Commit, |_| {}).map(|_| ())
            });
            let has_failed = there.heal();
            assert_eq!(told.is_err(), has_failed, "call {after}: {told:?}");
            let mut now = there.files();
            if alone {
                now.extend(
                    files.iter().filter(|(part, _)| **part > 0).map(|(p, b)| (*p, b.clone())),
                );
            }
            let archive = open(&LoggedParts::of(&now)).unwrap();
            let seen = newest(&archive).unwrap().number();
            assert!(seen == 3 || (seen == 2 && has_failed), "call {after}");
            let there = LoggedParts::of(&now);
            drop(open_for_writing(&there, &updates).expect("what failed can be mended"));
            assert_index_is_right(&there.files());
            if let Err(error) = told.as_ref()
                && seen == 3
            {
                let text = error.to_string();
                assert!(text.contains("complete in part3") || text.contains("unknown"), "{text}");
            }
            if !has_failed {
                break;
            }
            failed += 1;
        }
        assert!(failed > 12, "{failed} calls");
    }
}

/// A process that dies at any call of a rollback leaves all versions up to some number, and an index
/// that is right or behind.
#[test]
fn a_rollback_that_is_interrupted_leaves_parts_without_a_gap() {
    let (files, truths) = small_history(4);
    for to in [0, 1, 3] {
        let mut seen_after: Vec<u64> = Vec::new();
        for after in 0.. {
            let there = LoggedParts::of(&files);
            let updates = Updates::new(5, 3, 300);
            let mut archive = open_for_writing(&there, &updates).unwrap();
            let base = History::of(&archive).at(Until::Version(to)).unwrap();
            there.fail_after(after);
            archive.roll_back(base.as_ref(), DATA, &updates.environment).unwrap();
            let done = archive.finish_rollback();
            drop(archive);
            let has_failed = there.heal();
            assert_eq!(done.is_err(), has_failed, "call {after}");
            let now = there.files();
            if let Ok(archive) = open(&there) {
                let seen = newest(&archive).map_or(0, |version| version.number());
                assert!(archive.updates_in_index() <= seen && archive.notice().is_none());
                let shown = usize::try_from(seen).unwrap();
                assert_shows(&archive, &truths[..shown], 0);
                seen_after.push(seen);
            } else {
                // Part 1 is being made again.
                assert!(to == 0 && now.keys().all(|part| *part < 2), "call {after}");
                seen_after.push(0);
            }
            let mut archive = open_for_writing(&there, &updates).expect("it can be gone on with");
            let kept = usize::try_from(*seen_after.last().unwrap()).unwrap();
            let mut more = Updates::new(6, 3, 300);
            let last = truths[..kept].last();
            more.update(&mut archive, last, Ending::Commit, |_| {}).unwrap().unwrap();
            drop(archive);
            assert_index_is_right(&there.files());
            if !has_failed {
                break;
            }
        }
        assert!(seen_after.is_sorted_by(|a, b| a >= b), "{seen_after:?}");
        assert_eq!((seen_after[0], seen_after.last()), (4, Some(&to)));
    }
}

/// A plain index has checksums only; none of its bytes can be wrong unnoticed.
#[test]
fn no_flipped_byte_of_an_index_shows_anything_else() {
    let (files, _) = small_history(2);
    let alone = index_alone(&files).files();
    let expected = listing(&open(&LoggedParts::of(&alone)).unwrap()).unwrap();
    let (mut told, mut unseen) = (0, 0);
    for at in 0..alone[&0].len() {
        let mut flipped = alone.clone();
        flipped.get_mut(&0).unwrap()[at] ^= 1 << (at % 8);
        let damaged = LoggedParts::of(&flipped);
        let archive = open(&damaged);
        let has_notice = archive.as_ref().is_ok_and(|archive| archive.notice().is_some());
        match archive.and_then(|archive| listing(&archive)) {
            Ok(shown) if shown == expected => unseen += 1,
            // The last anchor is damaged: the update before it is the newest that is known.
            Ok(shown) => {
                assert!(expected.starts_with(&shown), "byte {at}");
                assert!(has_notice, "byte {at}");
                told += 1;
            }
            Err(_) => told += 1,
        }
    }
    assert!(told > 1000 && unseen > 1000, "{told} told, {unseen} in padding");
}
