//! Damage to an encrypted archive, as a user meets it: through `extract`.
//!
//! Goal: no wrong byte is restored and no loss goes unsaid. Method: an encrypted archive of which every
//! version is known is cut to many lengths, and bits, sectors and pages of it are changed at random; what is
//! restored is compared with the version that it is said to be.

use std::fs;

use zarc::base::Until;
use zarc::command::{ExtractOptions, extract};

use crate::support::parts::{InParts, history_in_parts};
use crate::support::random::Random;
use crate::support::trees::{Tree, differences, walk};
use crate::support::workbench::{number_from_environment, remove_tree, rows};
use crate::support::{Told, noise};

const PAGE: usize = 4096;
/// Header, payload and tag of a commit: the rest of its page is not used.
const COMMIT_RECORD: usize = 64 + 224 + 32;
/// Changes of the normal run; `ZARC_TEST_CASES` multiplies them.
const CHANGES: u64 = 150;

/// An encrypted archive in one file: three versions, where each ends, and what it holds.
struct Sample {
    archive: InParts,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    trees: Vec<Tree>,
}

impl Sample {
    fn new() -> Self {
        let (mut archive, _) = history_in_parts(1, Some("word"));
        archive.restore(&[]);
        let (mut ends, mut trees) = (Vec::new(), Vec::new());
        let path = archive.bench.archive();
        for number in 1..=3 {
            let name = format!("g{number}");
            fs::write(archive.bench.work().join(name), noise(50 + number, 9000)).unwrap();
            let options =
                zarc::command::AddOptions { archive: path.clone().into(), ..archive.add_options() };
            zarc::command::add(&options, &Told::default()).unwrap();
            ends.push(usize::try_from(fs::metadata(&path).unwrap().len()).unwrap());
            trees.push(walk(&archive.bench.work()));
        }
        archive.key = Some("word");
        Self { bytes: fs::read(&path).unwrap(), archive, ends, trees }
    }

    /// Reads a changed archive; panics if anything is wrong or missing without a word. Says whether
    /// something was told, and which version is the newest that was found.
    fn check(&self, bytes: &[u8], what: &str) -> (bool, usize) {
        let path = self.archive.bench.archive();
        fs::write(&path, bytes).unwrap();
        let (out, told) = (self.archive.bench.path("out"), Told::default());
        let options = ExtractOptions {
            archive: path.clone().into(),
            key: self.archive.key(),
            ..self.archive.bench.extract_options(&out)
        };
        let done = extract(&options, &told);
        let restored = walk(&out.join("t"));
        if out.exists() {
            remove_tree(&out);
        }
        let list = zarc::command::ListOptions {
            archive: path.into(),
            key: self.archive.key(),
            ..self.archive.bench.list_options(Until::Latest)
        };
        let Ok(done) = done else {
            assert!(restored.is_empty(), "{what}: it fails, but restores");
            return (true, 0);
        };
        let (_, summary, _) = rows(&list);
        let newest = usize::try_from(summary.versions).unwrap();
        assert!((1..=3).contains(&newest), "{what}");
        let expected = &self.trees[newest - 1];
        for (name, node) in &restored {
            let right = expected.get(name).unwrap_or_else(|| panic!("{what}: no such name"));
            assert!(right.content == node.content, "{what}: {}", String::from_utf8_lossy(name));
        }
        let is_told = done.problems > 0 || !told.warnings().is_empty();
        if !is_told {
            let missing = differences(expected, &restored);
            assert!(missing.is_empty(), "{what}: {missing:?}");
        }
        assert_eq!(done.problems > 0, done.damaged > 0, "{what}: {}", told.warnings());
        (is_told, newest)
    }
}

#[test]
fn an_encrypted_archive_cut_at_any_length_shows_the_version_before_the_cut() {
    let sample = Sample::new();
    let ends = sample.ends.iter().flat_map(|&end| [end - PAGE, end - PAGE + COMMIT_RECORD, end]);
    let near = ends.flat_map(|end| [end - 1, end, end + 1]);
    let lens: Vec<usize> = (0..sample.bytes.len()).step_by(2711).chain(near).collect();
    for len in lens.into_iter().filter(|&len| len <= sample.bytes.len()) {
        let (is_told, newest) = sample.check(&sample.bytes[..len], &format!("{len} bytes"));
        let is_made = |end: &&usize| **end - PAGE + COMMIT_RECORD <= len;
        assert_eq!(newest, sample.ends.iter().filter(is_made).count(), "{len} bytes");
        let is_end =
            sample.ends.iter().any(|end| (end - PAGE + COMMIT_RECORD..=*end).contains(&len));
        assert_eq!(is_told, !is_end, "{len} bytes");
    }
}

#[test]
fn a_changed_encrypted_archive_restores_nothing_wrong_and_no_loss_is_silent() {
    let sample = Sample::new();
    let (mut told, mut silent) = (0, 0);
    for number in 0..CHANGES * number_from_environment("ZARC_TEST_CASES", 1) {
        let mut random = Random::new(number);
        let mut bytes = sample.bytes.clone();
        let at = random.index(bytes.len());
        let end = match random.below(4) {
            0 | 1 => at + 1,
            2 => (at / 512 + 1) * 512,
            _ => (at / PAGE + 1) * PAGE,
        };
        let range = at..end.min(bytes.len());
        match random.below(3) {
            0 => bytes[range].fill(0),
            1 => bytes[at] ^= 1 << random.below(8),
            _ => random.fill(&mut bytes[range]),
        }
        let (is_told, newest) = sample.check(&bytes, &format!("change {number} at {at}"));
        assert!(is_told || newest == 3, "change {number} at {at}: versions are gone");
        *(if is_told { &mut told } else { &mut silent }) += 1;
    }
    println!("{told} told, {silent} without consequence");
    assert!(told > silent && silent > 0, "{told} told, {silent} without consequence");
}
