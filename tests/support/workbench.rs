//! A directory that is archived, its archive, and the commands as a user would run them; with a
//! clock that a test turns.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::test_runner::{Config, RngSeed, TestRunner};
use rustix::fs::{CWD, Timespec, Timestamps, XattrFlags};
use rustix::time::{ClockId, clock_gettime};
use zarc::base::{Environment, Kind, Result, StoredPath, Timestamp, Until};
use zarc::command::{
    AddOptions, AddSummary, ExtractOptions, ExtractSummary, KeyCost, ListOptions, ListSummary,
    Location, Row, VerifyOptions, VerifySummary, add, extract, list, verify,
};
use zarc::compress::MethodChoice;
use zarc::select::{Rename, Selection};

use super::Told;
use super::trees::{Node, Tree, join, walk};

thread_local! {
    static CLOCK: Cell<i64> = const { Cell::new(0) };
    static DICE: Cell<u64> = const { Cell::new(1) };
}

/// What the archive calls the directory that is archived.
pub const ROOT: &[u8] = b"t";

/// The clock shows this now, in the thread that calls.
pub fn set_clock(seconds: i64) {
    CLOCK.set(seconds);
}

/// Throws the same from here on, in the thread that calls.
pub fn set_dice(seed: u64) {
    DICE.set(seed | 1);
}

/// The clock and the dice of the thread.
pub fn environment() -> Environment {
    Environment { now: || Timestamp { seconds: CLOCK.get(), nanos: 5 }, random: throw }
}

#[expect(clippy::unnecessary_wraps, reason = "an environment asks for it")]
fn throw(bytes: &mut [u8]) -> Result<()> {
    for byte in bytes {
        let mut state = DICE.get();
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        DICE.set(state);
        *byte = state.to_le_bytes()[3];
    }
    Ok(())
}

/// The machine's time in seconds.
pub fn real_seconds() -> i64 {
    clock_gettime(ClockId::Realtime).tv_sec
}

/// Waits until the clock that dates changes is past this moment: what changes from here on has another change
/// time than what changed before. The clock lags, so the next tick may not do.
pub fn wait_for_a_tick() {
    let moment = |clock| {
        let now = clock_gettime(clock);
        (now.tv_sec, now.tv_nsec)
    };
    let now = moment(ClockId::Realtime);
    while moment(ClockId::RealtimeCoarse) <= now {
        std::thread::yield_now();
    }
}

/// A number from the environment, for runs longer than the normal one.
pub fn number_from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Random cases from a seed: `ZARC_TEST_SEED`, and `ZARC_TEST_CASES` times as many.
pub fn random_cases(cases: u64) -> TestRunner {
    let seed = number_from_environment("ZARC_TEST_SEED", 1);
    let cases = cases * number_from_environment("ZARC_TEST_CASES", 1);
    eprintln!("ZARC_TEST_SEED={seed}, {cases} cases");
    TestRunner::new(Config {
        cases: u32::try_from(cases).expect("a smaller number"),
        failure_persistence: None,
        max_shrink_iters: 400,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    })
}

/// A fresh directory in memory, where there is one.
pub fn fresh_in_memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
        .expect("a directory")
}

/// Whether this user may do everything, such as read files of mode 0 and give files away.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Sets an attribute where the file system has them.
pub fn set_xattr(path: &Path, name: &str, value: &[u8]) {
    let _ = rustix::fs::lsetxattr(path, name, value, XattrFlags::empty());
}

/// Sets the modification time of anything.
pub fn set_mtime(path: &Path, (seconds, nanos): (i64, i64)) {
    let time = Timespec { tv_sec: seconds, tv_nsec: nanos };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, path, &times, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
        .expect("a time");
}

/// A directory to archive, an archive, and places to extract to.
pub struct Workbench {
    dir: tempfile::TempDir,
}

impl Workbench {
    /// With an empty directory to archive.
    pub fn new(dir: tempfile::TempDir) -> Self {
        fs::create_dir(dir.path().join("work")).expect("a directory");
        Self { dir }
    }

    /// What is archived.
    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// The archive.
    pub fn archive(&self) -> PathBuf {
        self.dir.path().join("a.zarc")
    }

    /// A place beside them.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn rename(&self) -> Rename {
        let work = self.work();
        let from = StoredPath::normalized(work.as_os_str().as_encoded_bytes()).expect("a name");
        Rename::pairs(vec![from], vec![StoredPath::normalized(ROOT).expect("a name")])
    }

    fn disk_name(&self, name: &[u8]) -> Vec<u8> {
        let work = self.work();
        let work = work.as_os_str().as_encoded_bytes();
        if name.is_empty() { work.to_vec() } else { join(work, name) }
    }

    /// Archives `scope` of the directory.
    pub fn add_options(&self, scope: &[u8]) -> AddOptions {
        AddOptions {
            archive: self.archive().into(),
            key: None,
            key_cost: KeyCost::default(),
            files: vec![self.disk_name(scope)],
            selection: Selection::default(),
            rename: self.rename(),
            until: Until::Latest,
            force: false,
            fragment: None,
            part_bytes: None,
            method: Some(MethodChoice::parse("1").expect("a method")),
            attributes: true,
            delete: true,
            special: false,
            dry: false,
            threads: 2,
            environment: environment(),
        }
    }

    /// Lists the archive.
    pub fn list_options(&self, until: Until) -> ListOptions {
        ListOptions {
            archive: self.archive().into(),
            key: None,
            files: Vec::new(),
            selection: Selection::default(),
            rename: self.rename(),
            until,
            all: None,
            summary: None,
            force: false,
            attributes: true,
            special: false,
            environment: environment(),
        }
    }

    /// Compares the archive with `scope` of the directory.
    pub fn compare_options(&self, scope: &[u8]) -> ListOptions {
        ListOptions { files: vec![self.disk_name(scope)], ..self.list_options(Until::Latest) }
    }

    /// Restores everything to a fresh place; returns what is there then.
    pub fn extract(&self, until: Until, special: bool) -> (ExtractSummary, Told, Tree) {
        let out = self.path("out");
        let (summary, told) =
            run_extract(&self.archive(), &out, until, special).expect("a version");
        let tree = walk(&out.join("t"));
        remove_tree(&out);
        (summary, told, tree)
    }

    /// Restores everything to `out`.
    pub fn extract_options(&self, out: &Path) -> ExtractOptions {
        extract_options(&self.archive(), out)
    }

    /// Checks everything.
    pub fn verify(&self) -> (VerifySummary, Told) {
        let told = Told::default();
        (verify(&verify_options(self.archive()), &told).expect("a check"), told)
    }
}

/// Archives and listens.
pub fn run_add(options: &AddOptions) -> (AddSummary, Told) {
    let told = Told::default();
    let summary = add(options, &told).expect("an update");
    (summary, told)
}

/// What checks everything of an archive.
pub fn verify_options(archive: impl Into<Location>) -> VerifyOptions {
    VerifyOptions {
        expect: None,
        archive: archive.into(),
        key: None,
        until: Until::Latest,
        threads: 2,
    }
}

/// What restores everything of an archive to `out`.
fn extract_options(archive: &Path, out: &Path) -> ExtractOptions {
    ExtractOptions {
        archive: archive.to_owned().into(),
        key: None,
        files: Vec::new(),
        selection: Selection::default(),
        rename: Rename::prefix(
            StoredPath::normalized(out.as_os_str().as_encoded_bytes()).expect("a name"),
        ),
        until: Until::Latest,
        all: None,
        force: false,
        attributes: true,
        special: false,
        dry: false,
        threads: 1,
    }
}

/// Restores everything of an archive to `out`.
pub fn run_extract(
    archive: &Path,
    out: &Path,
    until: Until,
    special: bool,
) -> Result<(ExtractSummary, Told)> {
    let told = Told::default();
    let options = ExtractOptions { until, special, ..extract_options(archive, out) };
    extract(&options, &told).map(|summary| (summary, told))
}

/// Removes a tree, whatever the modes of its directories are.
pub fn remove_tree(path: &Path) {
    if let Err(error) = fs::remove_dir_all(path) {
        assert!(!path.exists() || !is_root(), "{}: {error}", path.display());
        open_directories(path);
        let _ = fs::remove_dir_all(path);
    }
}

fn open_directories(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if path.is_symlink() || !path.is_dir() {
        return;
    }
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        open_directories(&entry.path());
    }
}

/// Everything that `list` shows.
pub fn rows(options: &ListOptions) -> (Vec<Row>, ListSummary, Told) {
    let (mut rows, told) = (Vec::new(), Told::default());
    let mut show = |row| {
        rows.push(row);
        Ok(())
    };
    let summary = list(options, &mut show, &told).expect("a list");
    (rows, summary, told)
}

/// A name of the archive as a tree says it: without the root.
pub fn below_root(path: &StoredPath) -> Vec<u8> {
    let rest = path.as_bytes().strip_prefix(ROOT).expect("a name below the root");
    rest.strip_prefix(b"/").unwrap_or(rest).to_vec()
}

/// What a row says of an object, as a node without content or links, and its size; nothing for a
/// deleted name.
pub fn row_node(row: &Row) -> Option<(Node, u64)> {
    let Row::Object { metadata, size, .. } = row else { panic!("a version") };
    let metadata = metadata.as_ref()?;
    let node = Node {
        kind: kind_letter(metadata.kind),
        mode: metadata.mode,
        mtime: (metadata.mtime.seconds, metadata.mtime.nanos.into()),
        owner: (metadata.uid, metadata.gid),
        content: Vec::new(),
        target: metadata.link_target.clone(),
        device: rustix::fs::makedev(metadata.device.0, metadata.device.1),
        xattrs: metadata.xattrs.iter().map(|x| (x.name.clone(), x.value.clone())).collect(),
        link: None,
        has_attributes: true,
        blocks: 0,
    };
    Some((node, *size))
}

/// The letter of a kind in a long listing.
pub fn kind_letter(kind: Kind) -> char {
    match kind {
        Kind::File => '-',
        Kind::Directory => 'd',
        Kind::Symlink => 'l',
        Kind::Fifo => 'p',
        Kind::CharacterDevice => 'c',
        Kind::BlockDevice => 'b',
        Kind::Socket => 's',
    }
}
