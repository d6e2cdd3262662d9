//! Goal: `add -until` leaves exactly the versions up to the one that was asked for, and the new
//! one; and nothing is lost by somebody who did not say so, or before it has to be. Method: an
//! archive of four versions, with plain copies of what each holds; every form of `-until`; what is
//! left is compared byte by byte and version by version.

use std::fs;
use std::sync::Mutex;

use zarc::archive::{Archive, History};
use zarc::base::{ErrorKind, Item, Progress, Until};
use zarc::command::{AddOptions, AddSummary, Location, Rollback, add};
use zarc::compress::MethodChoice;
use zarc::select::{Pattern, Selection};

use super::support::trees::{Tree, differences, walk};
use super::support::workbench::{
    Workbench, fresh_in_memory, real_seconds, run_add, set_clock, set_dice,
};
use super::support::{Told, frames, noise};

/// Seconds between two updates.
const STEP: i64 = 1000;
/// Bytes of the file that is new in each version.
const NEW_BYTES: usize = 150_000;
/// Types of frames, as `spec/format.md` has them.
const UPDATE: u8 = 1;
const COMMIT: u8 = 7;

/// Four versions: each has one more file, and another content of one.
struct Sample {
    bench: Workbench,
    bytes: Vec<u8>,
    /// Where each update ends.
    ends: Vec<usize>,
    dates: Vec<i64>,
    trees: Vec<Tree>,
}

impl Sample {
    fn new() -> Self {
        let bench = Workbench::new(fresh_in_memory());
        let (mut ends, mut dates, mut trees) = (Vec::new(), Vec::new(), Vec::new());
        let first = real_seconds() + STEP;
        set_dice(7);
        for (number, date) in (0_u64..4).zip((first..).step_by(1000)) {
            fs::write(bench.work().join("same name"), noise(100 + number, 3000)).unwrap();
            fs::write(bench.work().join(format!("n{number}")), noise(number, NEW_BYTES)).unwrap();
            set_clock(date);
            run_add(&bench.add_options(b""));
            ends.push(fs::read(bench.archive()).unwrap().len());
            dates.push(date);
            trees.push(walk(&bench.work()));
        }
        set_clock(first + 10 * STEP);
        let bytes = fs::read(bench.archive()).unwrap();
        Self { bench, bytes, ends, dates, trees }
    }

    /// The archive of four versions again.
    fn restore(&self) {
        fs::write(self.bench.archive(), &self.bytes).unwrap();
    }

    fn now(&self) -> Vec<u8> {
        fs::read(self.bench.archive()).unwrap()
    }

    fn options(&self, until: Until, force: bool) -> AddOptions {
        AddOptions { until, force, ..self.bench.add_options(b"") }
    }

    /// What going back to version `to` takes away.
    fn loss(&self, to: usize) -> Rollback {
        let start = if to == 0 { 4096 } else { self.ends[to - 1] };
        Rollback { to: to as u64, newest: 4, bytes: (self.bytes.len() - start) as u64 }
    }

    /// Panics unless the archive holds the first `kept` versions, and then what is on disk.
    fn assert_holds(&self, kept: usize) {
        for version in 1..=kept {
            let (_, _, tree) = self.bench.extract(Until::Version(version as u64), false);
            let told = differences(&self.trees[version - 1], &tree);
            assert!(told.is_empty(), "version {version}: {told:#?}");
        }
        let (_, _, tree) = self.bench.extract(Until::Latest, false);
        let told = differences(&walk(&self.bench.work()), &tree);
        assert!(told.is_empty(), "what was added: {told:#?}");
        let (summary, told) = self.bench.verify();
        assert_eq!(summary.damaged, 0, "{}", told.warnings());
        assert_eq!(summary.versions, kept as u64 + 1);
    }

    /// Date of the newest version.
    fn newest_date(&self) -> i64 {
        let archive = Archive::open_path(&self.bench.archive(), None).unwrap();
        History::of(&archive).newest().unwrap().unwrap().date()
    }
}

/// Bytes 16 from 24 on of the header: the archive's id.
fn id(bytes: &[u8]) -> &[u8] {
    &bytes[24..40]
}

/// Tag of the last commit.
fn newest_tag(bytes: &[u8]) -> &[u8] {
    let (offset, len) = *frames(bytes, COMMIT).last().unwrap();
    &bytes[offset + len - 32..offset + len]
}

/// What the last UPDATE frame says was rolled back.
fn rolled_back_tag(bytes: &[u8]) -> &[u8] {
    let (offset, _) = *frames(bytes, UPDATE).last().unwrap();
    &bytes[offset + 64 + 72..][..32]
}

/// Answers questions.
struct Person<'a> {
    answer: bool,
    /// What happens while it thinks.
    meanwhile: &'a (dyn Fn() + Sync),
    questions: Mutex<Vec<String>>,
    told: Told,
}

impl<'a> Person<'a> {
    fn who_says(answer: bool, meanwhile: &'a (dyn Fn() + Sync)) -> Self {
        Self { answer, meanwhile, questions: Mutex::default(), told: Told::default() }
    }

    fn questions(&self) -> Vec<String> {
        self.questions.lock().unwrap().clone()
    }
}

impl Progress for Person<'_> {
    fn item(&self, item: &Item<'_>) {
        self.told.item(item);
    }

    fn problem(&self, name: &[u8], why: &str) {
        self.told.problem(name, why);
    }

    fn warn(&self, text: &str) {
        self.told.warn(text);
    }

    fn advance(&self, _done: u64, _total: u64) {}

    fn confirms(&self, question: &str) -> bool {
        self.questions.lock().unwrap().push(question.to_owned());
        (self.meanwhile)();
        self.answer
    }
}

/// All forms of `-until`, and how many versions each leaves.
fn forms(dates: &[i64]) -> Vec<(Until, usize)> {
    vec![
        (Until::Latest, 4),
        (Until::Version(0), 0),
        (Until::Version(1), 1),
        (Until::Version(3), 3),
        (Until::Version(4), 4),
        (Until::Version(9), 4),
        (Until::Before(0), 4),
        (Until::Before(1), 3),
        (Until::Before(3), 1),
        (Until::Before(4), 0),
        (Until::Before(9), 0),
        (Until::Date(dates[0] - 1), 0),
        (Until::Date(dates[0]), 1),
        (Until::Date(dates[1]), 2),
        (Until::Date(dates[1] + 1), 2),
        (Until::Date(dates[2] - 1), 2),
        (Until::Date(dates[3]), 4),
        (Until::Date(dates[3] + 123_456), 4),
    ]
}

#[test]
fn every_form_of_until_leaves_the_versions_before_and_adds_one() {
    let sample = Sample::new();
    fs::remove_file(sample.bench.work().join("n1")).unwrap();
    fs::write(sample.bench.work().join("new"), b"new").unwrap();
    let present = sample.dates[0] + 10 * STEP;
    for (until, kept) in forms(&sample.dates) {
        sample.restore();
        let (summary, told) = run_add(&sample.options(until, true));
        let bytes = sample.now();
        assert_eq!(summary.version, Some(kept as u64 + 1), "{until:?}");
        let lost = (kept < 4).then(|| sample.loss(kept));
        assert_eq!(summary.rolled_back, lost, "{until:?}");
        let end = kept.checked_sub(1).map_or(0, |last| sample.ends[last]);
        assert!(bytes[..end] == sample.bytes[..end], "{until:?}: kept bytes differ");
        assert_eq!(bytes.len() as u64, end as u64 + summary.stored_bytes, "{until:?}");
        assert_eq!(id(&bytes) == id(&sample.bytes), kept > 0, "{until:?}");
        sample.assert_holds(kept);
        let tag = if kept < 4 { newest_tag(&sample.bytes) } else { &[0; 32] };
        assert_eq!(rolled_back_tag(&bytes), tag, "{until:?}");
        let date_before = kept.checked_sub(1).map(|index| sample.dates[index]);
        let date = match until {
            Until::Date(date) if Some(date) == date_before => date + 1,
            Until::Date(date) => date,
            _ => present,
        };
        assert_eq!(sample.newest_date(), date, "{until:?}");
        let is_bumped = matches!(until, Until::Date(wanted) if wanted != date);
        assert_eq!(told.warnings().contains("dated"), is_bumped, "{until:?}");
    }
}

#[test]
fn content_is_found_again_only_in_the_versions_that_are_left() {
    let sample = Sample::new();
    for kept in 0..4 {
        sample.restore();
        let (summary, _) = run_add(&sample.options(Until::Version(kept), true));
        // The files of the lost versions, and the one that all versions have otherwise.
        let lost = (4 - usize::try_from(kept).unwrap()) * NEW_BYTES + 3000;
        assert_eq!(summary.new_bytes, lost as u64, "back to version {kept}");
        sample.assert_holds(usize::try_from(kept).unwrap());
    }
}

#[test]
fn a_new_beginning_takes_the_fragment_size_of_this_run() {
    let sample = Sample::new();
    let exponent = |bytes: &[u8]| bytes[49];
    assert_eq!(exponent(&sample.bytes), 6);
    let mut options = sample.options(Until::Version(0), true);
    options.fragment = Some(3);
    let (_, told) = run_add(&options);
    assert_eq!(exponent(&sample.now()), 3);
    assert_eq!(told.warnings(), "");
    // What is kept keeps its size.
    sample.restore();
    options.until = Until::Version(1);
    let (_, told) = run_add(&options);
    assert_eq!(exponent(&sample.now()), 6);
    assert!(told.warnings().contains("-fragment 6"), "{}", told.warnings());
}

#[test]
fn nothing_is_lost_without_force_or_a_yes() {
    let sample = Sample::new();
    let nothing = || {};
    for (until, kept) in forms(&sample.dates).into_iter().filter(|(_, kept)| *kept < 4) {
        let person = Person::who_says(false, &nothing);
        let error = add(&sample.options(until, false), &person).unwrap_err();
        let (told, loss) = (error.to_string(), sample.loss(kept));
        assert_eq!(error.kind(), ErrorKind::Exists);
        for part in [&loss.to_string(), &format!("{} bytes", loss.bytes), "say -force"] {
            assert!(told.contains(part), "{told}");
        }
        assert!(told.ends_with("; nothing was changed"), "{told}");
        assert!(sample.now() == sample.bytes, "{until:?}");
        let [question] = &person.questions()[..] else { panic!("one question") };
        assert!(question.contains(&loss.to_string()), "{question}");
        // Who cannot be asked has not agreed.
        add(&sample.options(until, false), &Told::default()).unwrap_err();
        assert!(sample.now() == sample.bytes, "{until:?}");
    }
}

#[test]
fn a_yes_is_as_good_as_force_and_the_archive_stays_locked_until_it_comes() {
    let sample = Sample::new();
    let intrude = || {
        let intruder = sample.options(Until::Latest, true);
        let refused = add(&intruder, &Told::default()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Busy);
    };
    let person = Person::who_says(true, &intrude);
    let summary = add(&sample.options(Until::Version(2), false), &person).unwrap();
    assert_eq!((summary.version, summary.rolled_back), (Some(3), Some(sample.loss(2))));
    assert_eq!(person.questions().len(), 1);
    sample.assert_holds(2);
}

#[test]
fn nobody_is_asked_when_nothing_can_be_lost() {
    let sample = Sample::new();
    let ask = |options: &AddOptions| {
        let person = Person::who_says(false, &|| panic!("a question"));
        add(options, &person).unwrap()
    };
    fs::write(sample.bench.work().join("new"), b"new").unwrap();
    let dry = AddOptions { dry: true, ..sample.options(Until::Version(1), false) };
    let summary = ask(&dry);
    assert_eq!((summary.version, summary.rolled_back), (None, Some(sample.loss(1))));
    // The files of versions 2 to 4, the last content of the one that they all have, the new file.
    assert_eq!(summary.new_bytes, 3 * NEW_BYTES as u64 + 3000 + 3);
    let anew = AddOptions { until: Until::Version(0), ..dry };
    assert_eq!(ask(&anew).rolled_back, Some(sample.loss(0)));
    let nowhere = AddOptions { archive: Location::Nowhere, dry: false, ..anew };
    assert_eq!(ask(&nowhere).rolled_back, None);
    assert!(sample.now() == sample.bytes);
    // Nothing comes after these.
    assert_eq!(ask(&sample.options(Until::Version(9), false)).version, Some(5));
    assert!(sample.now().starts_with(&sample.bytes));
    let other = AddOptions { archive: sample.bench.path("other").into(), ..nowhere };
    assert_eq!(ask(&other).version, Some(1));
}

#[test]
fn without_a_change_since_then_only_the_rollback_happens() {
    let sample = Sample::new();
    let yes = Person::who_says(true, &|| {});
    for (force, progress) in [(false, &yes as &dyn Progress), (true, &Told::default())] {
        sample.restore();
        let unchanged = sample.bench.add_options(b"n0");
        let options = AddOptions { until: Until::Version(2), force, ..unchanged };
        let summary = add(&options, progress).unwrap();
        assert_eq!((summary.version, summary.rolled_back), (None, Some(sample.loss(2))));
        assert!(sample.now() == sample.bytes[..sample.ends[1]], "exactly the first two updates");
    }
}

#[test]
fn a_new_beginning_with_nothing_is_an_archive_without_versions() {
    let sample = Sample::new();
    let not = Selection::new(Vec::new(), vec![Pattern::new(b"*")]);
    let nothing = AddOptions { selection: not, ..sample.options(Until::Version(0), true) };
    let (summary, _) = run_add(&nothing);
    assert_eq!((summary.version, summary.rolled_back), (None, Some(sample.loss(0))));
    let header = sample.now();
    assert_eq!(header.len(), 4096);
    assert_ne!(id(&header), id(&sample.bytes));
    let archive = Archive::open_path(&sample.bench.archive(), None).unwrap();
    assert!(History::of(&archive).newest().unwrap().is_none());
    drop(archive);
    run_add(&sample.options(Until::Latest, false));
    assert!(sample.now().starts_with(&header));
    sample.assert_holds(0);
}

#[test]
fn a_slip_in_the_names_of_all_files_costs_nothing() {
    let sample = Sample::new();
    for until in [Until::Version(0), Until::Version(2)] {
        let missing = AddOptions { until, force: true, ..sample.bench.add_options(b"no such") };
        let error = add(&missing, &Told::default()).unwrap_err().to_string();
        assert!(error.ends_with("; nothing was changed"), "{error}");
        assert!(sample.now() == sample.bytes);
    }
}

#[test]
fn a_dry_run_and_a_run_agree_on_a_scope_that_is_gone() {
    let sample = Sample::new();
    fs::remove_file(sample.bench.work().join("n0")).unwrap();
    let mut options = sample.bench.add_options(b"n0");
    let missing = sample.bench.work().join("no such");
    options.files.push(missing.into_os_string().into_encoded_bytes());
    (options.until, options.force) = (Until::Version(2), true);
    let (dry, _) = run_add(&AddOptions { dry: true, ..options.clone() });
    assert!(sample.now() == sample.bytes);
    let (summary, told) = run_add(&options);
    assert!(told.warnings().contains("no such"), "{}", told.warnings());
    for done in [&dry, &summary] {
        let counts = (done.seen, done.deleted, done.problems);
        assert_eq!((counts, done.rolled_back), ((0, 1, 1), Some(sample.loss(2))));
    }
    assert_eq!((dry.version, summary.version), (None, Some(3)));
}

#[test]
fn an_interrupted_add_says_truly_whether_it_has_rolled_back() {
    let sample = Sample::new();
    // Files are read ahead, so that many are met before the cut, and as many written after it.
    for n in 0..30 {
        fs::write(sample.bench.work().join(format!("z{n}")), noise(200 + n, 200_000)).unwrap();
    }
    for kept in [0, 2] {
        let (mut untouched, mut rolled_back) = (0, 0);
        for stop_at in 1.. {
            sample.restore();
            let mut options = sample.options(Until::Version(kept as u64), true);
            options.method = Some(MethodChoice::parse("10").unwrap());
            let Err(error) = add(&options, &Told::stopping_at(stop_at)) else { break };
            assert_eq!(error.kind(), ErrorKind::Stopped);
            let (told, bytes) = (error.to_string(), sample.now());
            if told.contains(&format!("was rolled back to version {kept}, and nothing was added")) {
                rolled_back += 1;
                if kept == 0 {
                    assert_eq!(bytes.len(), 4096);
                    assert_ne!(id(&bytes), id(&sample.bytes));
                } else {
                    assert!(bytes == sample.bytes[..sample.ends[kept - 1]], "{told}");
                }
            } else {
                untouched += 1;
                assert!(told.ends_with("; nothing was added"), "{told}");
                assert!(bytes == sample.bytes, "{told}");
            }
        }
        assert!(
            untouched > 3 && rolled_back > 3,
            "{untouched} before the cut, {rolled_back} after"
        );
    }
}

#[test]
fn a_tail_is_dealt_with_before_the_rollback() {
    let sample = Sample::new();
    let page = 4096;
    // The last update lacks its commit only; the last update lacks more.
    for (len, newest) in [(sample.ends[3] - page, 4), (sample.ends[3] - page - 50_000, 3)] {
        let tail = &sample.bytes[..len];
        fs::write(sample.bench.archive(), tail).unwrap();
        let error = add(&sample.options(Until::Version(2), false), &Told::default()).unwrap_err();
        let lost = if newest == 4 { "versions 3 to 4," } else { "version 3," };
        assert!(error.to_string().contains(lost), "{error}");
        let whole = &sample.bytes[..sample.ends[newest - 1]];
        assert!(sample.now() == whole, "the tail is gone or complete, and nothing else");
        fs::write(sample.bench.archive(), tail).unwrap();
        let (summary, _): (AddSummary, Told) = run_add(&sample.options(Until::Version(2), true));
        let rolled_back = summary.rolled_back.unwrap();
        assert_eq!((rolled_back.to, rolled_back.newest), (2, newest as u64));
        assert_eq!(rolled_back_tag(&sample.now()), newest_tag(whole));
        sample.assert_holds(2);
    }
}

#[test]
fn damage_is_no_reason_to_roll_back() {
    let sample = Sample::new();
    let mut damaged = sample.bytes.clone();
    // The commit of version 3: version 4 cannot be reached from the start nor from the end.
    let (commit, _) = frames(&sample.bytes, COMMIT)[2];
    damaged[commit + 100] ^= 1;
    fs::write(sample.bench.archive(), &damaged).unwrap();
    let error = add(&sample.options(Until::Version(1), true), &Told::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(sample.now() == damaged);
}

#[test]
fn rollbacks_one_after_another_leave_a_sound_archive() {
    let sample = Sample::new();
    for (until, count) in
        [(Until::Version(3), 4), (Until::Before(2), 3), (Until::Latest, 4), (Until::Before(1), 4)]
    {
        let number = fs::read(sample.bench.archive()).unwrap().len() as u64;
        fs::write(sample.bench.work().join("same name"), noise(number, 2000)).unwrap();
        set_clock(sample.dates[3] + i64::try_from(number).unwrap());
        let (summary, _) = run_add(&sample.options(until, true));
        assert_eq!(summary.version, Some(count), "{until:?}");
        let (verified, told) = sample.bench.verify();
        assert_eq!((verified.damaged, verified.versions), (0, count), "{}", told.warnings());
    }
    // Only the first of them was never rolled back.
    let (_, _, tree) = sample.bench.extract(Until::Version(1), false);
    assert!(differences(&sample.trees[0], &tree).is_empty());
}
