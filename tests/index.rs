//! An index, `add -method i`: it knows what a backup of the same files knows, but no contents.
//!
//! Goal: what the manual says of `-method i`. Method: the same tree goes into an index and into an
//! archive with data; lists, comparisons and updates of both have to agree, and what needs data is
//! refused. Archives that contradict their header are put together from frames of others.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use zarc::base::Until;
use zarc::command::{AddOptions, VerifySummary, add, verify};
use zarc::compress::MethodChoice;
use zarc::format::{ArchiveHeader, FrameType, Update};
use zarc::journal::{Journal, NewPart};
use zarc::storage::Memory;

use super::support::workbench::{
    Workbench, fresh_in_memory, real_seconds, rows, run_add, run_extract, set_clock, verify_options,
};
use super::support::{Told, frames, noise};

/// The type of a DATA frame.
const DATA: u8 = 2;

/// A tree that is archived twice.
struct Twins {
    bench: Workbench,
    clock: i64,
}

impl Twins {
    fn new() -> Self {
        let bench = Workbench::new(fresh_in_memory());
        let work = bench.work();
        fs::create_dir(work.join("sub")).unwrap();
        fs::write(work.join("text"), "a line of text\n".repeat(30_000)).unwrap();
        fs::write(work.join("sub/noise"), noise(1, 300_000)).unwrap();
        fs::write(work.join("empty"), "").unwrap();
        fs::File::create(work.join("hole")).unwrap().set_len(1_000_000).unwrap();
        std::os::unix::fs::symlink("text", work.join("link")).unwrap();
        // So late that everything on disk is settled.
        Self { bench, clock: real_seconds() + 1000 }
    }

    fn options(&self, method: Option<&str>) -> AddOptions {
        let mut options = self.bench.add_options(b"");
        options.method = method.map(|method| MethodChoice::parse(method).unwrap());
        if method == Some("i") {
            options.archive = self.bench.path("i.zarc").into();
        }
        options
    }

    /// Adds the tree to both archives.
    fn add(&mut self) {
        self.clock += 1000;
        set_clock(self.clock);
        let (backup, told) = run_add(&self.options(Some("1")));
        assert_eq!((backup.problems, told.warnings().as_str()), (0, ""));
        let (index, told) = run_add(&self.options(Some("i")));
        assert_eq!((index.problems, told.warnings().as_str()), (0, ""));
        let of = |s: &zarc::command::AddSummary| {
            (s.version, s.added, s.updated, s.deleted, s.touched, s.new_bytes)
        };
        assert_eq!(of(&index), of(&backup));
    }

    /// What a listing of the backup shows, which the index has to show too.
    fn same_rows(&self, change: impl Fn(&mut zarc::command::ListOptions)) -> Vec<String> {
        let shown = |name: &str| {
            let mut options = self.bench.list_options(Until::Latest);
            options.archive = self.bench.path(name).into();
            change(&mut options);
            let (rows, summary, told) = rows(&options);
            assert_eq!((summary.damaged + summary.problems, told.warnings().as_str()), (0, ""));
            let objects =
                rows.iter().filter(|row| matches!(row, zarc::command::Row::Object { .. }));
            objects.map(|row| format!("{row:?}")).collect::<Vec<_>>()
        };
        let rows = shown("a.zarc");
        assert_eq!(shown("i.zarc"), rows);
        rows
    }

    fn compare(&self, force: bool) -> Vec<String> {
        let files = self.bench.compare_options(b"").files;
        self.same_rows(|options| (options.files, options.force) = (files.clone(), force))
    }
}

fn check(archive: &Path) -> (VerifySummary, String) {
    let told = Told::default();
    (verify(&verify_options(archive.to_owned()), &told).unwrap(), told.warnings())
}

/// Exit code and what is said on stderr.
fn zarc(words: &[&std::ffi::OsStr]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_zarc")).args(words).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Update after update an index lists what a backup lists, compares with the disk as it does, and
/// finds the same fragments again; only the data is not there.
#[test]
fn an_index_knows_what_a_backup_knows() {
    let mut twins = Twins::new();
    let work = twins.bench.work();
    twins.add();
    fs::copy(work.join("sub/noise"), work.join("copy")).unwrap();
    fs::remove_file(work.join("link")).unwrap();
    fs::write(work.join("text"), "another line\n".repeat(20_000)).unwrap();
    twins.add();
    assert!(!twins.same_rows(|_| ()).is_empty());
    twins.same_rows(|options| options.until = Until::Version(1));
    twins.same_rows(|options| options.all = Some(4));
    let is_same = |rows: &[String]| rows.iter().all(|row| row.contains("comparison: Same"));
    assert!(is_same(&twins.compare(false)) && is_same(&twins.compare(true)));
    // Size and time stay, the content does not: only identities tell.
    let mut content = noise(1, 300_000);
    content[150_000] ^= 1;
    fs::write(work.join("copy"), &content).unwrap();
    let differing = |rows: Vec<String>| rows.iter().filter(|row| row.contains("Different")).count();
    assert_eq!(differing(twins.compare(true)), 1);

    let index = twins.bench.path("i.zarc");
    let bytes = fs::read(&index).unwrap();
    assert_eq!(frames(&bytes, DATA), []);
    assert!(bytes.len() < 60_000, "{} bytes", bytes.len());
    let (backup, told) = check(&twins.bench.archive());
    assert_eq!((backup.damaged, backup.unchecked, told.as_str()), (0, 0, ""));
    let (found, told) = check(&index);
    assert_eq!((found.damaged, told.as_str()), (0, ""));
    assert_eq!((found.unchecked, found.fragments, found.blocks), (backup.fragments, 0, 0));
    assert_eq!((found.versions, found.files), (backup.versions, backup.files));
}

/// More than one block takes is kept in several, and all of it is found again.
#[test]
fn an_index_of_much_content_has_several_blocks() {
    let bench = Workbench::new(fresh_in_memory());
    let content = noise(7, 70_000_000);
    fs::write(bench.work().join("large"), &content).unwrap();
    set_clock(real_seconds() + 1000);
    let mut options = bench.add_options(b"");
    options.method = Some(MethodChoice::Index);
    run_add(&options);
    fs::write(bench.work().join("large-again"), &content).unwrap();
    let (again, _) = run_add(&options);
    assert_eq!((again.added, again.new_bytes), (1, 0));
    let archive = zarc::archive::Archive::open_path(&bench.archive(), None).unwrap();
    let version = zarc::archive::History::of(&archive).newest().unwrap().unwrap();
    let counts = version.manifest.counts;
    assert_eq!((counts.blocks, counts.data_bytes), (3, 0));
    let (found, told) = check(&bench.archive());
    assert_eq!((found.damaged, told.as_str(), found.unchecked), (0, "", counts.fragments));
}

/// What an archive is, it stays: another method is an error before anything is changed, also of an
/// unfinished update, and no method means the archive's own.
#[test]
fn an_archive_is_an_index_or_not_for_good() {
    let mut twins = Twins::new();
    twins.add();
    fs::write(twins.bench.work().join("new"), noise(3, 50_000)).unwrap();
    let (backup, index) = (twins.bench.archive(), twins.bench.path("i.zarc"));
    for (archive, method, kind) in [
        (&backup, "i", "holds data"),
        (&index, "1", "is an index, which takes only -method i"),
        (&index, "store", "is an index, which takes only -method i"),
    ] {
        let whole = fs::read(archive).unwrap();
        for tail in [&b""[..], b"an update that was never completed"] {
            let before = [&whole, tail].concat();
            fs::write(archive, &before).unwrap();
            for dry in [false, true] {
                let mut options = twins.options(Some(method));
                (options.archive, options.dry) = (archive.clone().into(), dry);
                let error = add(&options, &Told::default()).unwrap_err().to_string();
                assert!(error.contains(kind) && error.contains("nothing was added"), "{error}");
            }
            let work = twins.bench.work();
            let words = ["add".as_ref(), archive.as_os_str(), work.as_os_str(), "-method".as_ref()];
            let (code, told) = zarc(&[&words[..], &[method.as_ref()]].concat());
            assert_eq!((code, told.lines().count()), (Some(2), 1), "{told}");
            let shown = MethodChoice::parse(method).unwrap();
            assert!(told.contains(&format!("-method {shown} (")), "{told}");
            assert!(told.contains(kind), "{told}");
            assert!(fs::read(archive).unwrap() == before, "it is left as it was");
        }
        fs::write(archive, &whole).unwrap();
    }
    for archive in [&backup, &index] {
        let mut options = twins.options(None);
        options.archive = archive.clone().into();
        let (summary, _) = run_add(&options);
        assert_eq!((summary.added, summary.new_bytes), (1, 50_000));
        let has_data = !frames(&fs::read(archive).unwrap(), DATA).is_empty();
        assert_eq!(has_data, archive == &backup);
    }
    assert_eq!(check(&index).0.damaged + check(&backup).0.damaged, 0);
}

/// There is nothing to extract, and nothing is made.
#[test]
fn what_needs_data_is_refused_in_one_line() {
    let mut twins = Twins::new();
    twins.add();
    let (index, out) = (twins.bench.path("i.zarc"), twins.bench.path("out"));
    let error = run_extract(&index, &out, Until::Latest, false).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("holds no data"), "{error}");
    for more in [&[][..], &["-test"], &["-all"], &["-force"], &["-until", "1"]] {
        let mut words = vec!["extract".as_ref(), index.as_os_str()];
        words.extend(["-to".as_ref(), out.as_os_str()]);
        words.extend(more.iter().map(AsRef::<std::ffi::OsStr>::as_ref));
        let (code, told) = zarc(&words);
        assert_eq!((code, told.lines().count()), (Some(2), 1), "{more:?}: {told}");
        assert!(told.contains("holds no data") && told.contains("i.zarc"), "{told}");
    }
    assert!(!out.exists());
}

/// An update that is given up, at whatever moment, leaves an index as it was.
#[test]
fn an_index_is_rolled_back() {
    let mut twins = Twins::new();
    twins.add();
    let index = twins.bench.path("i.zarc");
    let before = fs::read(&index).unwrap();
    for number in 0..5 {
        fs::write(twins.bench.work().join(format!("{number}")), noise(number, 90_000)).unwrap();
    }
    let options = twins.options(Some("i"));
    let mut stops = 0;
    for stop_at in 1.. {
        if add(&options, &Told::stopping_at(stop_at)).is_ok() {
            break;
        }
        assert!(fs::read(&index).unwrap() == before, "stop {stop_at}");
        stops += 1;
    }
    assert!(stops > 5, "{stops}");
    assert_eq!(check(&index).0.damaged, 0);
}

/// The frames of an archive's only update, under a header that says the opposite of its data.
fn under_another_header(archive: &Path) -> Vec<u8> {
    let bytes = fs::read(archive).unwrap();
    let (mut header, _) = ArchiveHeader::decode(&bytes[..4096]).unwrap();
    header.flags.no_data = !header.flags.no_data;
    let memory = Memory::default();
    let new_part = || Ok(NewPart { header: header.clone(), key: None });
    let backend = Arc::new(memory.clone());
    let opened = Journal::open_for_writing(backend, None, new_part, |_| Ok(()));
    let (mut journal, _) = opened.unwrap();
    let payload = |(at, len): (usize, usize)| &bytes[at + 64..at + len - 32];
    let update = Update::decode(payload(frames(&bytes, 1)[0])).unwrap();
    let update = Update { previous_tag: journal.last_tag(), ..update };
    let mut writer = journal.begin_update(update).unwrap();
    let mut found: Vec<(usize, FrameType, &[u8])> = Vec::new();
    for (number, frame_type) in [
        (2, FrameType::Data),
        (3, FrameType::Fragments),
        (4, FrameType::Entries),
        (5, FrameType::Directory),
        (6, FrameType::Manifest),
    ] {
        found.extend(frames(&bytes, number).into_iter().map(|f| (f.0, frame_type, payload(f))));
    }
    found.sort_by_key(|(offset, ..)| *offset);
    for (offset, frame_type, payload) in found {
        let place = writer.append(frame_type, payload).unwrap();
        assert_eq!(place.0.offset, offset as u64, "frames stand where they stood");
    }
    writer.commit().unwrap();
    memory.to_bytes()
}

/// Data in an index, and records without data in an archive that says it has some, are damage.
#[test]
fn an_archive_that_contradicts_its_header_is_damaged() {
    let mut twins = Twins::new();
    twins.add();
    let made_up = twins.bench.path("made-up.zarc");
    for (archive, complaints) in [
        ("a.zarc", &["records other blocks", "has places of data"][..]),
        ("i.zarc", &["block 0", "records other blocks"]),
    ] {
        let bytes = under_another_header(&twins.bench.path(archive));
        fs::write(&made_up, bytes).unwrap();
        let (found, told) = check(&made_up);
        assert!(found.damaged > 0);
        for complaint in complaints {
            assert!(told.contains(complaint), "{archive}: {told}");
        }
    }
    // The last one says that it has data: what cannot be restored is named.
    let (summary, told) =
        run_extract(&made_up, &twins.bench.path("out"), Until::Latest, false).unwrap();
    assert!(summary.damaged > 0, "{}", told.warnings());
}

/// No flipped byte of an index goes unseen.
#[test]
fn damage_to_an_index_is_found() {
    let mut twins = Twins::new();
    twins.add();
    let index = twins.bench.path("i.zarc");
    let whole = fs::read(&index).unwrap();
    for number in 1..=7 {
        for (at, len) in frames(&whole, number).into_iter().filter(|_| number != DATA) {
            for offset in [at + 9, at + 64, at + len / 2, at + len - 1] {
                let mut bytes = whole.clone();
                bytes[offset] ^= 0x10;
                fs::write(&index, &bytes).unwrap();
                let told = Told::default();
                let found = verify(&verify_options(index.clone()), &told);
                assert!(found.is_err() || !told.warnings().is_empty(), "byte {offset}");
            }
        }
    }
}
