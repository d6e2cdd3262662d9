//! Crashes and flipped bytes of an archive in parts with an index.
//!
//! Goal: *The index* of `spec/recovery.md`: what was promised is there whatever a crash leaves of the
//! index and of the part that was being made; the index is never before the parts; it shows what the
//! parts show or says that it is damaged. Method: every update is recorded in all files, with and without a
//! password, in one part and in several; the files are rebuilt as they may be at each moment, each in its own
//! way; readers, writers and the index alone are compared with what was meant.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::crash::disks;
use crate::support::crash_storage::{Moment, Recording};
use crate::support::guarded;
use crate::support::indexed_parts::{Files, Kept, index_alone, listing};
use crate::support::logged_parts::LoggedParts;
use crate::support::random::Random;
use crate::support::random_history::{Ending, Updates};
use crate::support::truth::{Truth, assert_shows, newest};

/// Updates of each history.
const UPDATES: usize = 4;

#[derive(Debug, Default)]
struct Tally {
    states: u64,
    given_up: u64,
    caught_up: u64,
    /// States with a part of an update that starts in an earlier one.
    pieces: u64,
}

/// The tally of so many histories.
fn crash_histories(kept: Kept, histories: u64) -> Tally {
    let mut tally = Tally::default();
    for seed in 0..histories {
        crash_history(seed, kept, &mut tally);
    }
    println!("{tally:?}");
    tally
}

#[test]
fn whatever_a_crash_leaves_of_part_and_index_shows_every_promised_version() {
    let tally = crash_histories(Kept::PLAIN, 9);
    assert!(tally.states > 3000, "{tally:?}");
    assert!(tally.given_up > 100 && tally.caught_up > 100, "{tally:?}");
}

#[test]
fn whatever_a_crash_leaves_of_several_parts_and_index_shows_every_promised_version() {
    let tally = crash_histories(Kept { part_bytes: Some(8000), ..Kept::PLAIN }, 5);
    assert!(tally.states > 1500 && tally.pieces > 500, "{tally:?}");
    assert!(tally.given_up > 100 && tally.caught_up > 100, "{tally:?}");
}

#[test]
fn whatever_a_crash_leaves_of_encrypted_parts_and_index_shows_every_promised_version() {
    let key = Some("word");
    let tally = crash_histories(Kept { key, part_bytes: None }, 2);
    assert!(tally.states > 500, "{tally:?}");
    assert!(tally.given_up > 50 && tally.caught_up > 20, "{tally:?}");
    let tally = crash_histories(Kept { key, part_bytes: Some(20_000) }, 2);
    assert!(tally.states > 700 && tally.pieces > 300, "{tally:?}");
    assert!(tally.given_up > 50 && tally.caught_up > 20, "{tally:?}");
}

fn crash_history(seed: u64, kept: Kept, tally: &mut Tally) {
    let mut updates = Updates::new(seed, 4, 2000);
    let mut random = Random::new(!seed);
    let mut before: Files = [(1, Vec::new())].into();
    let mut truths: Vec<Arc<Truth>> = Vec::new();
    for number in 1..=UPDATES {
        let files = LoggedParts::of(&before);
        kept.update(&files, &mut updates, &mut truths).unwrap();
        let (log, after) = (files.log(), files.files());
        let recordings: BTreeMap<u32, Recording> =
            after.keys().map(|&part| (part, files.recorder(part).unwrap().finish())).collect();
        let moments: BTreeMap<u32, Vec<Moment<'_>>> =
            recordings.iter().map(|(part, made)| (*part, made.moments().collect())).collect();
        let first = if number == 1 { 1 } else { 1 + *before.keys().next_back().unwrap() };
        for at in 0..=log.len() {
            let done = |file: u32| log[..at].iter().filter(|part| **part == file).count();
            let written = moments.keys().rev().copied().find(|&part| done(part) > 0);
            let current = written.unwrap_or(first).max(first);
            let mut start = before.clone();
            for part in first..current {
                let moment = &moments[&part][done(part)];
                assert!(!moment.has_pending(), "a part is durable before the next one is made");
                start.insert(part, moment.lost());
            }
            for (kind, disk) in disks(&moments[&current][done(current)], &mut random) {
                let states = disks(&moments[&0][done(0)], &mut random);
                let (index_kind, index_disk) = states[random.index(states.len())].clone();
                let mut found = start.clone();
                // A file that nothing was done to may not be there yet.
                if done(current) > 0 || number == 1 {
                    found.insert(current, disk);
                }
                if done(0) > 0 || before.contains_key(&0) {
                    found.insert(0, index_disk);
                }
                let place = format!(
                    "{kept:?}, seed {seed}, update {number}, part {current}, moment {at}, {kind}, \
                     index {index_kind}"
                );
                let promised = truths.len() - usize::from(at < log.len());
                tally.pieces += u64::from(current > first);
                let check = Check { kept, before: &before, truths: &truths, promised };
                guarded(&place, || check.run(&found, &mut random, tally));
            }
        }
        before = after;
        kept.assert_index_is_right(&before);
    }
}

/// What has to be there after a crash.
struct Check<'a> {
    kept: Kept,
    /// The files before the update.
    before: &'a Files,
    truths: &'a [Arc<Truth>],
    promised: usize,
}

impl Check<'_> {
    /// Reads, recovers, adds, reads again, with all parts and with the index alone.
    fn run(&self, found: &Files, random: &mut Random, tally: &mut Tally) {
        tally.states += 1;
        let seen = self.seen_by_a_reader(found, random, tally);
        let files = LoggedParts::of(found);
        let mut updates = Updates::new(random.next(), 3, 400);
        let opened = self.kept.open_logged(&files, &updates);
        let mut archive = opened.expect("a crash is no reason to refuse");
        let kept = usize::try_from(newest(&archive).map_or(0, |version| version.number())).unwrap();
        assert!(kept >= seen.max(self.promised), "recovery lost a version that was seen");
        tally.given_up += u64::from(kept < self.truths.len());
        let mut truths = self.truths[..kept].to_vec();
        let update = updates.update(&mut archive, truths.last(), Ending::Commit, |_| {});
        truths.push(update.expect("a recovered archive takes an update").unwrap().0);
        drop(archive);
        let after = files.files();
        let archive = self.kept.open_files(&after).expect("it was written without a fault");
        assert_shows(&archive, &truths, random.index(truths.len()));
        let written = self.before.iter().filter(|(part, bytes)| **part > 0 && !bytes.is_empty());
        for (part, bytes) in written {
            assert!(after[part] == *bytes, "part {part} was written again");
        }
        self.kept.assert_index_is_right(&after);
    }

    /// How many versions a reader sees.
    fn seen_by_a_reader(&self, found: &Files, random: &mut Random, tally: &mut Tally) -> usize {
        let archive = match self.kept.open_files(found) {
            Ok(archive) => archive,
            Err(error) => {
                assert!(self.promised == 0, "not readable: {error}");
                return 0;
            }
        };
        let (promised, truths) = (self.promised, self.truths);
        let seen = newest(&archive).map_or(0, |version| version.number());
        let seen = usize::try_from(seen).unwrap();
        assert!((promised..=truths.len()).contains(&seen), "{seen} of {promised} versions");
        assert!(archive.updates_in_index() <= seen as u64, "the index is before the parts");
        assert_shows(&archive, &truths[..seen], random.index(promised.max(1)));
        tally.caught_up += u64::from(archive.updates_in_index() < seen as u64);
        seen
    }
}

/// The part that was begun may have been completed and moved away before the index knew.
#[test]
fn a_part_that_was_begun_and_is_nowhere_stops_a_writer() {
    for kept in Kept::ALL {
        let (files, mut truths) = kept.small_history(2);
        let newest_part = *files.keys().next_back().unwrap();
        let updates = Updates::new(7, 3, 400);
        let third = LoggedParts::of(&files);
        kept.update(&third, &mut Updates::new(8, 3, 400), &mut truths).unwrap();
        let made: Files =
            third.files().into_iter().filter(|(part, _)| *part > newest_part).collect();
        let begun = format!("part{}", newest_part + 1);
        let moments = third.recorder(0).unwrap().finish();
        let mut refused = 0;
        for moment in moments.moments() {
            let mut found = files.clone();
            found.insert(0, moment.killed());
            let there = LoggedParts::of(&found);
            match kept.open_logged(&there, &updates).map(drop) {
                // Nothing was written of the group, or all of it: then the part is missing.
                Ok(()) => assert!(moment.killed() == files[&0]),
                Err(error) => {
                    let text = error.to_string();
                    let is_known = text.contains("update 3 expected, found 2; part")
                        || text.contains("the end of update 3 is lost, and part");
                    assert!(text.contains(&begun) || made.len() > 1, "{text}");
                    let is_begun = text.contains(&format!("{begun} was begun for update 3"));
                    assert!(is_known != is_begun, "{text}");
                    refused += u32::from(!is_known);
                    assert!(there.files() == found, "nothing was changed");
                    let store = Arc::new(there.clone());
                    let forced = kept.open_for_writing(store, &updates.environment, true);
                    assert_eq!(forced.is_err(), is_known, "{text}");
                    assert!(is_known || there.files() == files);
                }
            }
            // With the part everything is well.
            found.extend(made.clone());
            let there = LoggedParts::of(&found);
            drop(kept.open_logged(&there, &updates).unwrap());
            kept.assert_index_is_right(&there.files());
        }
        assert!(refused >= 2, "{refused} refused");
    }
}

/// A plain index has checksums only; none of its bytes can be wrong unnoticed.
#[test]
fn no_flipped_byte_of_an_index_shows_anything_else() {
    let (files, _) = Kept::PLAIN.small_history(2);
    let alone = index_alone(&files);
    let expected = listing(&Kept::PLAIN.open_files(&alone).unwrap()).unwrap();
    let (mut told, mut unseen) = (0, 0);
    for at in 0..alone[&0].len() {
        let mut flipped = alone.clone();
        flipped.get_mut(&0).unwrap()[at] ^= 1 << (at % 8);
        let archive = Kept::PLAIN.open_files(&flipped);
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
