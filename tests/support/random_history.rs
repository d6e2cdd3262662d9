//! Random histories of an archive: updates that are committed, given up, killed, or whose sync
//! fails, and rollbacks; recorded operation by operation, with what may be there at each moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use zarc::archive::{
    Archive, Change, Committed, Entry, History as ArchiveHistory, Notice, Object, OpenOptions,
    Piece, RunShape, Stored, Transaction, TransactionOptions, Version,
};
use zarc::base::{Digest, Environment, Kind, Metadata, Result, StoredPath, Timestamp, Until};
use zarc::compress::{ContentKind, Method};
use zarc::format::{FrameType, Update};
use zarc::journal::Journal;
use zarc::storage::Backend;

use super::crash_storage::Recorder;
use super::random::Random;
use super::recorded_history::{Attempt, History, Line, Safe};
use super::truth::{Truth, newest};

/// How an update ends when nothing goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Committed.
    Commit,
    /// Given up with a word.
    Abandon,
    /// Given up without one.
    Drop,
}

/// Opens or makes an archive.
pub fn open_for_writing(backend: Arc<dyn Backend>, environment: &Environment) -> Result<Archive> {
    Archive::open_for_writing(backend, super::DATA, environment)
}

/// Makes updates of random content; knows the truth about each.
pub struct Updates {
    /// The dice.
    pub random: Random,
    /// Clock and dice of the archive.
    pub environment: Environment,
    /// At most so many entries change in an update.
    pub entries_max: u64,
    /// Fragments have at most so many bytes.
    pub fragment_max: u64,
    /// Values of `-method` to choose from.
    pub methods: &'static [&'static str],
    /// How archives are opened to append.
    pub opening: OpenOptions<'static>,
    /// How the index is laid out; runs are merged as often as can be.
    pub shape: RunShape,
    attempts: u64,
}

impl Updates {
    /// Everything follows from `seed`.
    pub fn new(seed: u64, entries_max: u64, fragment_max: u64) -> Self {
        let environment = super::random::environment(seed ^ 0x5eed);
        let (random, methods) = (Random::new(seed), &["10", "store,0"][..]);
        let opening = super::DATA;
        // Runs are merged as often as can be, and there are some of identities.
        let (identity_page_records, identity_run_min, identity_run_max) = (7, 10, 60);
        let shape = RunShape {
            identity_page_records,
            identity_run_min,
            identity_run_max,
            fan_out: 2,
            ..RunShape::default()
        };
        let attempts = 0;
        Self { random, environment, entries_max, fragment_max, methods, opening, shape, attempts }
    }

    /// The same with an index that is laid out so.
    #[must_use]
    pub fn shaped(self, shape: RunShape) -> Self {
        Self { shape, ..self }
    }

    /// Makes an update on top of `before` and says what it holds if it counts. `about_to_commit`
    /// is called when nothing but the commit is left to do.
    pub fn update(
        &mut self,
        archive: &mut Archive,
        before: Option<&Arc<Truth>>,
        ending: Ending,
        about_to_commit: impl FnOnce(&Arc<Truth>),
    ) -> Result<Option<(Arc<Truth>, Committed)>> {
        self.attempts += 1;
        let comment = format!("attempt {} of {:x}", self.attempts, self.random.next());
        let options = TransactionOptions {
            method: Method::parse(self.methods[self.random.index(self.methods.len())])?,
            threads: 1,
            environment: self.environment,
            comment: comment.clone().into_bytes(),
            date: None,
            shape: self.shape,
        };
        let base = ArchiveHistory::of(archive).newest()?;
        let mut truth = before.map(|truth| Truth::clone(truth)).unwrap_or_default();
        assert_eq!(base.as_ref().map_or(0, Version::number), truth.number);
        truth.number += 1;
        truth.comment = comment.into_bytes();
        let mut transaction = Transaction::begin(archive, base.as_ref(), &options)?;
        self.change(&mut transaction, &mut truth)?;
        let truth = Arc::new(truth);
        match ending {
            Ending::Commit => {
                about_to_commit(&truth);
                transaction.commit().map(|committed| Some((truth, committed)))
            }
            Ending::Abandon => transaction.abandon().map(|()| None),
            Ending::Drop => Ok(None),
        }
    }

    fn change(&mut self, transaction: &mut Transaction<'_>, truth: &mut Truth) -> Result<()> {
        let mut names = BTreeMap::new();
        for _ in 0..self.random.below(self.entries_max + 1) {
            let number = self.random.below(3 * self.entries_max);
            let name = format!("tree/{}/name {number}", number % 4);
            names.insert(StoredPath::from_bytes(name.into_bytes())?, self.random.below(10));
        }
        for (path, dice) in names {
            let before = truth.objects.get(&path).map(|(_, content)| content.len() as u64);
            let (change, object, content) = match (before, dice) {
                (Some(size), 0..3) => (Change::Deleted(size), Object::Deleted, Vec::new()),
                (before, _) => {
                    let (object, content) = self.object(transaction, truth, dice)?;
                    (before.map_or(Change::Added, Change::Updated), object, content)
                }
            };
            let entry = Entry { path: path.clone(), object };
            transaction.record(&entry, change)?;
            if entry.object == Object::Deleted {
                truth.objects.remove(&path);
            } else {
                truth.objects.insert(path, (entry, Arc::new(content)));
            }
        }
        Ok(())
    }

    /// An object and its content.
    fn object(
        &mut self,
        transaction: &mut Transaction<'_>,
        truth: &Truth,
        dice: u64,
    ) -> Result<(Object, Vec<u8>)> {
        let (mut pieces, mut content) = (Vec::new(), Vec::new());
        let kind = match dice {
            8 => Kind::Directory,
            9 => Kind::Symlink,
            _ => Kind::File,
        };
        if kind == Kind::File {
            for _ in 0..self.random.below(3) {
                let bytes = self.fragment(truth);
                let fragment = transaction.store(&bytes, ContentKind::of(&bytes))?;
                let len = u32::try_from(bytes.len()).unwrap();
                Piece::push_fragment(&mut pieces, fragment, len);
                content.extend_from_slice(&bytes);
                if self.random.chance(10) {
                    Piece::push_hole(&mut pieces, 777);
                    content.extend_from_slice(&[0; 777]);
                }
            }
        }
        let link_target = if kind == Kind::Symlink { b"over there".to_vec() } else { Vec::new() };
        Ok((Object::Stored(Box::new(stored(kind, link_target, pieces, dice))), content))
    }

    /// One byte up to the largest fragment, most of them short; new, or known already.
    fn fragment(&mut self, truth: &Truth) -> Vec<u8> {
        let old = truth.objects.values().map(|(_, content)| content).find(|c| !c.is_empty());
        if let Some(old) = old.filter(|_| self.random.chance(20)) {
            return old[..=self.random.index(old.len())].to_vec();
        }
        let bound = 1 + self.random.below(self.fragment_max);
        let mut bytes = vec![b'.'; 1 + self.random.index(usize::try_from(bound).unwrap())];
        let noise = bytes.len() / (1 + self.random.index(4));
        self.random.fill(&mut bytes[..noise]);
        bytes
    }
}

fn stored(kind: Kind, link_target: Vec<u8>, content: Vec<Piece>, dice: u64) -> Stored {
    let time = |seconds| Timestamp { seconds, nanos: 77 };
    Stored {
        metadata: Metadata {
            kind,
            mode: 0o644,
            mtime: time(1_600_000_000),
            uid: 1000,
            gid: 100,
            user: b"anna".to_vec(),
            group: b"users".to_vec(),
            xattrs: Vec::new(),
            link_target,
            device: (0, 0),
            windows_attributes: None,
        },
        has_attributes: true,
        ctime: time(1_600_000_001),
        inode: 4711 + dice,
        device: None,
        is_unsettled: dice == 7,
        is_touched: false,
        content,
        unknown: Vec::new(),
    }
}

/// Lets processes come and go over one recorded disk.
pub struct Scribe {
    recorder: Recorder,
    updates: Updates,
    /// Never empty.
    lines: Vec<Line>,
}

impl Scribe {
    /// Begins with a disk that holds `start`, which may hold `versions`.
    pub fn new(start: Vec<u8>, versions: Vec<Arc<Truth>>, updates: Updates) -> Self {
        let line = Line { versions_before: versions, ..Line::default() };
        Self { recorder: Recorder::over(start), updates, lines: vec![line] }
    }

    /// Tells of updates that may be found complete on the disk.
    pub fn knowing(mut self, complete: &[Arc<Truth>]) -> Self {
        let attempt = |truth: &Arc<Truth>| Attempt { from: 0, cut: None, truth: Arc::clone(truth) };
        self.line_mut().attempts.extend(complete.iter().map(attempt));
        self
    }

    /// Runs so many processes, each with up to three updates, and ends the recording.
    pub fn run(mut self, processes: usize) -> History {
        for _ in 0..processes {
            if self.updates.random.chance(15) {
                self.junk();
            } else {
                self.process();
            }
            self.recorder.revive();
        }
        self.finish()
    }

    /// Recovers, adds one update, and ends the recording.
    pub fn run_once(mut self) -> History {
        let mut archive = self.open().expect("nothing is in the way");
        self.one_update(&mut archive, Ending::Commit).expect("nothing goes wrong");
        drop(archive);
        self.finish()
    }

    /// One version; an update whose last sync fails; the same process tries again.
    pub fn run_after_failed_sync(mut self) -> History {
        let mut archive = self.open().expect("nothing is in the way");
        self.one_update(&mut archive, Ending::Commit).expect("nothing goes wrong");
        self.recorder.fail_sync_after(1);
        self.one_update(&mut archive, Ending::Commit).expect_err("the commit is not synced");
        self.one_update(&mut archive, Ending::Commit).expect("it works again");
        drop(archive);
        self.finish()
    }

    fn finish(self) -> History {
        History { recording: self.recorder.finish(), lines: self.lines }
    }

    fn line(&self) -> &Line {
        self.lines.last().unwrap()
    }

    fn line_mut(&mut self) -> &mut Line {
        self.lines.last_mut().unwrap()
    }

    fn latest(&self) -> Option<&Arc<Truth>> {
        self.line().latest()
    }

    fn process(&mut self) {
        let random = &mut self.updates.random;
        if random.chance(25) {
            let (operations, dice) = (random.index(24), random.clone());
            self.recorder.kill_after(operations, dice);
        } else if random.chance(15) {
            self.recorder.fail_sync_after(random.index(4));
        }
        let Ok(mut archive) = self.open() else {
            return;
        };
        let rolls_back = self.latest().is_some() && self.updates.random.chance(25);
        if rolls_back && !matches!(self.roll_back(&mut archive), Ok(true)) {
            return;
        }
        for _ in 0..=self.updates.random.below(3) {
            let ending = self.ending();
            let result = self.one_update(&mut archive, ending);
            // Without a version the archive is gone with its update.
            let gives_up = result.is_err() && self.updates.random.chance(50);
            if gives_up || self.latest().is_none() {
                return;
            }
        }
    }

    fn ending(&mut self) -> Ending {
        match self.updates.random.below(10) {
            0 => Ending::Abandon,
            1 => Ending::Drop,
            _ => Ending::Commit,
        }
    }

    /// Goes back to an older version and adds to it or leaves it at that; returns whether the
    /// file was cut.
    fn roll_back(&mut self, archive: &mut Archive) -> Result<bool> {
        let truths = self.line().truths();
        let to = self.updates.random.index(truths.len());
        let base = ArchiveHistory::of(archive).at(Until::Version(to as u64))?;
        archive.roll_back(base.as_ref(), self.updates.opening, &self.updates.environment)?;
        let (from, ending) = (self.recorder.moment(), self.ending());
        let mut attempt = None;
        let result = if self.updates.random.chance(20) {
            archive.finish_rollback().map(|()| None)
        } else {
            let before = to.checked_sub(1).map(|index| &truths[index]);
            self.updates.update(archive, before, ending, |truth| attempt = Some(Arc::clone(truth)))
        };
        let Some(cut) = self.recorder.truncate_after(from) else {
            result?;
            return Ok(false);
        };
        // Nothing of the update was written before the cut.
        let attempt = attempt.map(|truth| Attempt { from: cut + 1, cut: None, truth });
        self.lines.push(Line {
            begun_by: Some(cut),
            versions_before: truths[..to].to_vec(),
            versions: Vec::new(),
            attempts: attempt.into_iter().collect(),
        });
        self.learn(result.map(|made| made.map(|(truth, _)| truth)))?;
        Ok(true)
    }

    /// Opens as a new process does and learns what became of the last attempt.
    fn open(&mut self) -> Result<Archive> {
        let opened_at = self.recorder.moment();
        let backend = Arc::new(self.recorder.clone());
        let Updates { opening, environment, .. } = &self.updates;
        let archive = Archive::open_for_writing(backend, *opening, environment)?;
        let number = newest(&archive).map_or(0, |version| version.number());
        let before = self.latest().map_or(0, |truth| truth.number);
        if number > before {
            let comment = newest(&archive).unwrap().manifest.comment;
            let is_it = |attempt: &&Attempt| attempt.truth.comment == comment;
            let found = self.line().attempts.iter().find(is_it).expect("no such update");
            let truth = Arc::clone(&found.truth);
            let safe = if archive.notice() == Some(&Notice::Completed) {
                Safe::At(self.recorder.moment())
            } else {
                Safe::AfterSyncFrom(opened_at)
            };
            self.line_mut().versions.push((safe, truth));
        } else {
            assert_eq!(number, before, "a version is gone");
            self.cut_attempts();
        }
        Ok(archive)
    }

    /// All attempts at the next version have failed.
    fn cut_attempts(&mut self) {
        let cut = self.recorder.last_truncate();
        let number = self.latest().map_or(0, |truth| truth.number);
        for attempt in &mut self.line_mut().attempts {
            if attempt.cut.is_none() && attempt.truth.number > number {
                attempt.cut = cut.filter(|&cut| cut >= attempt.from);
            }
        }
    }

    fn one_update(&mut self, archive: &mut Archive, ending: Ending) -> Result<()> {
        let before = self.latest().cloned();
        let (recorder, mut attempt) = (&self.recorder, None);
        let result = self.updates.update(archive, before.as_ref(), ending, |truth| {
            let (from, truth) = (recorder.moment(), Arc::clone(truth));
            attempt = Some(Attempt { from, cut: None, truth });
        });
        self.line_mut().attempts.extend(attempt);
        self.learn(result.map(|made| made.map(|(truth, _)| truth)))
    }

    /// What became of an update.
    fn learn(&mut self, result: Result<Option<Arc<Truth>>>) -> Result<()> {
        let now = self.recorder.moment();
        match result {
            Ok(Some(truth)) => self.line_mut().versions.push((Safe::At(now), truth)),
            Ok(None) => {}
            Err(error) => {
                self.cut_attempts();
                return Err(error);
            }
        }
        Ok(())
    }

    /// A process that appends frames of many sizes and then gives up.
    fn junk(&mut self) {
        let environment = self.updates.environment;
        if self.latest().is_none() || self.open().is_err() {
            return;
        }
        let backend = Arc::new(self.recorder.clone());
        let header = || unreachable!("the archive has a version");
        let opened =
            Journal::open_for_writing(backend, self.updates.opening.password, header, |_| Ok(()));
        let (mut journal, _) = opened.unwrap();
        let previous_tag = journal.last_tag();
        let mut nonce = [0; 32];
        (environment.random)(&mut nonce).unwrap();
        let update = Update {
            nonce: Digest::from_bytes(nonce),
            previous_tag,
            date: journal.last().unwrap().commit.date + 1,
            rolled_back: Digest::default(),
            writer: "a test".to_owned(),
        };
        let random = &mut self.updates.random;
        if random.chance(50) {
            let (operations, dice) = (1 + random.index(8), random.clone());
            self.recorder.kill_after(operations, dice);
        }
        let mut writer = journal.begin_update(update).unwrap();
        for _ in 0..random.below(8) {
            let mut payload = vec![0; random.index(20_000)];
            random.fill(&mut payload);
            if writer.append(FrameType::Data, &payload).is_err() {
                return;
            }
        }
        if random.chance(50) {
            // An error is one of a dead process.
            drop(writer.abandon());
        }
    }
}
