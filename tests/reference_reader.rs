//! Goal: `spec/format.md` says all there is to know. Method: `spec/reader.py`, made from the text
//! alone, and zarc read the same vectors and archives and must agree in every version.
//!
//! Python comes from `ZARC_READER_PYTHON`, else `python3`, and needs the packages `blake3`,
//! `brotli`, `cryptography`, `pyppmd` and `zstandard`. Without them these tests say that they are skipped; where
//! `CI` is set they fail.

use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use zarc::base::Until;
use zarc::command::{AddOptions, KeyCost, KeySource, Password, Row};

use super::golden::{FOLDER, PASSWORD};
use super::support::archives::{drop_what_needs_root, holds_data, kept, versions};
use super::support::extraction::small_tree;
use super::support::parts::{InParts, history_with_index};
use super::support::trees::{Tree, differences, walk};
use super::support::workbench::{
    Workbench, is_root, real_seconds, remove_tree, row_node, rows, run_add, run_extract, set_clock,
    set_xattr,
};
use super::support::{Made, Thing, file, noise};

/// The second reader, ready to run.
pub struct Reader(PathBuf);

impl Reader {
    /// Nothing, told visibly, where it cannot run.
    pub fn find() -> Option<Self> {
        let python = std::env::var_os("ZARC_READER_PYTHON").unwrap_or_else(|| "python3".into());
        // What `python3` leads to may be a script that takes its time to find the real one.
        let packages = "blake3, brotli, cryptography, pyppmd, zstandard";
        let question = format!("import {packages}, sys; print(sys.executable, end='')");
        let answer = Command::new(&python).args(["-c", &question]).output();
        if let Some(answer) = answer.ok().filter(|answer| answer.status.success()) {
            return Some(Self(String::from_utf8(answer.stdout).unwrap().into()));
        }
        let why = format!("{} has not all of {packages}", Path::new(&python).display());
        assert!(std::env::var_os("CI").is_none(), "{why}");
        eprintln!("skipped: {why}");
        None
    }

    fn run(&self, arguments: &[&OsStr]) -> Output {
        let mut command = Command::new(&self.0);
        command.arg("spec/reader.py").args(arguments).output().unwrap()
    }

    /// Output of a run that has to succeed.
    pub fn told(&self, arguments: &[&OsStr]) -> String {
        let output = self.run(arguments);
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaints}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// How the reader shows names.
fn shown(name: &[u8]) -> String {
    let mut shown = String::new();
    for &byte in name {
        match byte {
            b'\\' => shown.push_str("\\x5c"),
            b' '..=b'~' => shown.push(char::from(byte)),
            _ => write!(shown, "\\x{byte:02x}").unwrap(),
        }
    }
    shown
}

/// A row of zarc as a line of the reader.
fn line(row: &Row) -> String {
    let Row::Object { path, .. } = row else { panic!("a version") };
    let Some((node, size)) = row_node(row) else {
        return format!("x\t-\t-\t-\t{}", shown(path.as_bytes()));
    };
    let mtime = format!("{}.{:09}", node.mtime.0, node.mtime.1);
    let target =
        if node.kind == 'l' { format!(" -> {}", shown(&node.target)) } else { String::new() };
    let name = shown(path.as_bytes());
    format!("{}\t{:04o}\t{size}\t{mtime}\t{name}{target}", node.kind, node.mode)
}

/// A line of the reader, as zarc shows an object without attributes.
fn without_dash(line: &str) -> String {
    match line.split_once('\t') {
        Some((kind, rest)) if kind != "x" && rest.starts_with("-\t") => {
            format!("{kind}\t0000\t{}", &rest[2..])
        }
        _ => line.to_owned(),
    }
}

fn check_lists(reader: &Reader, bench: &Workbench, archive: &Path, count: u64) {
    let mut options = bench.list_options(Until::Latest);
    options.archive = archive.to_owned().into();
    for version in 1..=count {
        options.until = Until::Version(version);
        let ours: Vec<String> = rows(&options).0.iter().map(line).collect();
        let until = version.to_string();
        let arguments = ["list".as_ref(), archive.as_os_str(), "--until".as_ref(), until.as_ref()];
        let theirs: Vec<String> = reader.told(&arguments).lines().map(without_dash).collect();
        assert_eq!(ours, theirs, "{} version {version}", archive.display());
    }
    (options.until, options.all) = (Until::Latest, Some(1));
    let rows = rows(&options).0;
    let ours: Vec<String> =
        rows.iter().filter(|row| matches!(row, Row::Object { .. })).map(line).collect();
    let theirs = reader.told(&["list".as_ref(), archive.as_os_str(), "--all".as_ref()]);
    let (headings, theirs): (Vec<&str>, Vec<&str>) =
        theirs.lines().partition(|line| line.starts_with("update "));
    assert_eq!(ours, theirs.into_iter().map(without_dash).collect::<Vec<_>>());
    assert_eq!(headings.len() as u64, count);
}

/// What an archive saved nothing of is not compared.
fn forget_bare(tree: &mut Tree, archive: &Path, version: u64) {
    let entries = &versions(archive)[usize::try_from(version).unwrap() - 1];
    for entry in entries {
        let is_bare = entry.object.stored().is_some_and(|stored| !stored.has_attributes);
        if let Some(node) = tree.get_mut(entry.path.as_bytes()).filter(|_| is_bare) {
            node.has_attributes = false;
        }
    }
    // Directories that only lead somewhere are made with any metadata.
    tree.retain(|name, node| {
        node.kind != 'd' || entries.iter().any(|entry| entry.path.as_bytes() == name)
    });
}

fn check_extractions(reader: &Reader, bench: &Workbench, archive: &Path, count: u64) {
    for version in 1..=count {
        let (ours, theirs) = (bench.path("ours"), bench.path("theirs"));
        let (summary, told) = run_extract(archive, &ours, Until::Version(version), true).unwrap();
        let until = version.to_string();
        let output = reader.run(&[
            "extract".as_ref(),
            archive.as_os_str(),
            theirs.as_os_str(),
            "--until".as_ref(),
            until.as_ref(),
        ]);
        if is_root() {
            let complaints = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{complaints}");
            assert_eq!(summary.problems, 0, "{}", told.warnings());
        }
        let (mut by_us, mut by_them) = (walk(&ours), walk(&theirs));
        for tree in [&mut by_us, &mut by_them] {
            forget_bare(tree, archive, version);
            drop_what_needs_root(tree);
        }
        let told = differences(&by_them, &by_us);
        assert!(told.is_empty(), "{} version {version}: {told:#?}", archive.display());
        remove_tree(&ours);
        remove_tree(&theirs);
    }
}

/// Both say that there is nothing to extract, and make nothing.
fn check_refusals(reader: &Reader, bench: &Workbench, archive: &Path) {
    let (ours, theirs) = (bench.path("ours"), bench.path("theirs"));
    let error = run_extract(archive, &ours, Until::Latest, true).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("holds no data"), "{error}");
    let output = reader.run(&["extract".as_ref(), archive.as_os_str(), theirs.as_os_str()]);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{complaints}");
    assert!(complaints.contains("an archive without data"), "{complaints}");
    assert!(!ours.exists() && !theirs.exists());
}

fn check(reader: &Reader, archive: &Path) {
    let bench = Workbench::new(tempfile::tempdir().unwrap());
    let verified = reader.told(&["verify".as_ref(), archive.as_os_str()]);
    let count = versions(archive).len() as u64;
    assert!(verified.starts_with(&format!("{count} updates, ")), "{verified}");
    check_lists(reader, &bench, archive, count);
    if !holds_data(archive) {
        check_refusals(reader, &bench, archive);
        return;
    }
    check_extractions(reader, &bench, archive, count);
}

/// Both decode what is to be decoded and refuse what is to be refused.
#[test]
fn the_reader_agrees_with_all_vectors() {
    let Some(reader) = Reader::find() else { return };
    let told = reader.told(&["vectors".as_ref(), "testdata/vectors".as_ref()]);
    assert!(told.contains(" 0 disagree"), "{told}");
}

/// Both read the archives that are kept, version by version.
#[test]
fn the_reader_agrees_on_kept_archives() {
    let Some(reader) = Reader::find() else { return };
    for archive in kept() {
        check(&reader, &archive);
    }
}

/// Both read what is made of entries by hand: all kinds, holes, links, several updates.
#[test]
fn the_reader_agrees_on_archives_made_by_hand() {
    let Some(reader) = Reader::find() else { return };
    let mut made = Made::new();
    let mut tree = small_tree();
    tree.retain(|(name, _)| *name != "d/node");
    made.update(&tree);
    made.update(&[("d/small", Thing::Deleted), ("d/new", file(&noise(4, 70_000)))]);
    made.update(&[("d/small", file(b"again")), ("d/link", file(b"no link"))]);
    check(&reader, &made.archive());
}

/// Both read an archive of which versions were rolled back, in the middle and from the start.
#[test]
fn the_reader_agrees_on_archives_after_rollbacks() {
    let Some(reader) = Reader::find() else { return };
    let bench = Workbench::new(tempfile::tempdir().unwrap());
    set_clock(real_seconds());
    let forms = [Until::Latest, Until::Latest, Until::Version(1), Until::Latest, Until::Before(1)];
    for (number, until) in (0..).zip(forms.into_iter().chain([Until::Version(0), Until::Latest])) {
        fs::write(bench.work().join(format!("f{number}")), noise(number, 20_000)).unwrap();
        fs::write(bench.work().join("always"), noise(number + 50, 2000)).unwrap();
        let (force, options) = (true, bench.add_options(b""));
        let (summary, _) = run_add(&AddOptions { until, force, ..options });
        assert_eq!(summary.rolled_back.is_some(), until != Until::Latest);
        check(&reader, &bench.archive());
    }
}

/// Both read what `add` made of a directory, with the marks of objects that were too young, and
/// with content that was found again.
#[test]
fn the_reader_agrees_on_what_add_makes() {
    let Some(reader) = Reader::find() else { return };
    let bench = Workbench::new(tempfile::tempdir().unwrap());
    let work = bench.work();
    fs::create_dir_all(work.join("sub/deep")).unwrap();
    fs::write(work.join("text"), "words of a text\n".repeat(20_000)).unwrap();
    fs::write(work.join("noise"), noise(1, 700_000)).unwrap();
    fs::write(work.join("sub/copy"), [noise(2, 70_000), noise(1, 700_000)].concat()).unwrap();
    fs::hard_link(work.join("noise"), work.join("sub/deep/linked")).unwrap();
    std::os::unix::fs::symlink("text", work.join("link")).unwrap();
    fs::File::create(work.join("sparse")).unwrap().set_len(5_000_000).unwrap();
    set_xattr(&work.join("text"), "user.note", b"a note");
    set_clock(real_seconds());
    run_add(&bench.add_options(b""));
    set_clock(real_seconds() + 1000);
    run_add(&bench.add_options(b""));
    fs::remove_file(work.join("sub/deep/linked")).unwrap();
    fs::write(work.join("text"), "other words\n").unwrap();
    let mut options = bench.add_options(b"");
    (options.attributes, options.fragment) = (false, Some(0));
    run_add(&options);
    fs::rename(work.join("sub"), work.join("moved")).unwrap();
    run_add(&bench.add_options(b"moved"));
    check(&reader, &bench.archive());
}

/// Both read an encrypted archive with its password, and neither does with another.
#[test]
fn the_reader_decrypts_what_zarc_encrypts() {
    let Some(reader) = Reader::find() else { return };
    let bench = Workbench::new(tempfile::tempdir().unwrap());
    let mut options = bench.add_options(b"");
    options.key = Some(KeySource::Words(Password::new("pass wörd".into())));
    options.key_cost = KeyCost::with_log_n(10).unwrap();
    let mut trees = Vec::new();
    for number in 0..3 {
        set_clock(real_seconds() + number);
        fs::write(bench.work().join("text"), format!("words {number}\n").repeat(9000)).unwrap();
        fs::write(bench.work().join(format!("n{number}")), noise(3, 400_000)).unwrap();
        run_add(&options);
        trees.push(walk(&bench.work()));
    }
    let archive = bench.archive();
    let with = ["--password".as_ref(), "pass wörd".as_ref()];
    reader.told(&[&["verify".as_ref(), archive.as_os_str()], &with[..]].concat());
    for (version, tree) in (1..).zip(&trees) {
        let (out, until) = (bench.path("out"), version.to_string());
        let asked = ["extract".as_ref(), archive.as_os_str(), out.as_os_str()];
        reader.told(&[&asked, &with[..], &["--until".as_ref(), until.as_ref()]].concat());
        assert_eq!(differences(tree, &walk(&out.join("t"))), Vec::<String>::new());
        remove_tree(&out);
    }
    for wrong in [&["--password".as_ref(), "pass word".as_ref()][..], &[]] {
        let asked = ["list".as_ref(), archive.as_os_str()];
        assert_eq!(reader.run(&[&asked, wrong].concat()).status.code(), Some(2));
    }
}

/// Both read the encrypted archive that is kept: the other reader finds in each version what its manifest
/// says of names, sizes and kinds.
#[test]
fn the_reader_decrypts_the_archive_that_is_kept() {
    let Some(reader) = Reader::find() else { return };
    let archive = Path::new(FOLDER).join("encrypted.zarc");
    let with = ["--password".as_ref(), PASSWORD.as_ref()];
    let verified = reader.told(&[&["verify".as_ref(), archive.as_os_str()], &with[..]].concat());
    let manifest = fs::read_to_string(archive.with_extension("txt")).unwrap();
    let versions: Vec<&str> = manifest.split("version ").skip(1).collect();
    assert!(verified.starts_with(&format!("{} updates, ", versions.len())), "{verified}");
    for (number, version) in (1..).zip(versions) {
        let until = u32::to_string(&number);
        let asked = ["list".as_ref(), archive.as_os_str(), "--until".as_ref(), until.as_ref()];
        let listed = reader.told(&[&asked, &with[..]].concat());
        let fields = |line: &str, which: [usize; 4]| {
            let fields: Vec<&str> = line.split('\t').collect();
            which.map(|at| fields[at].to_owned())
        };
        // Kind, mode, size and name; the manifest has the owner between them.
        let theirs: Vec<_> = listed.lines().map(|line| fields(line, [0, 1, 2, 4])).collect();
        let said: Vec<_> = version.lines().skip(1).map(|line| fields(line, [0, 1, 3, 5])).collect();
        assert_eq!(theirs, said, "version {number}");
    }
}

/// Both read an archive in parts, plain and encrypted, and name a part of another place.
#[test]
fn the_reader_agrees_on_archives_in_parts() {
    let Some(reader) = Reader::find() else { return };
    for key in [None, Some("pass")] {
        let (archive, trees) = history_with_index(4, key);
        let parts = PartsByReader { reader: &reader, archive: &archive };
        let told = parts.told("verify", &archive.directory().join("part??.zarc"), &[]);
        let (summary, _) = archive.verify().unwrap();
        assert!(told.contains(&summary.fingerprint.unwrap()), "{told}");
        assert!(told.contains("index of 4 updates"), "{told}");
        check_index_by_reader(&parts);
        let name = parts.pattern();
        for (version, tree) in (1_u64..).zip(&trees) {
            let (out, until) = (archive.bench.path("out"), version.to_string());
            let words = [out.as_os_str(), "--until".as_ref(), until.as_ref()];
            parts.told("extract", &name, &words);
            assert_eq!(differences(tree, &walk(&out.join("t"))), Vec::<String>::new());
            remove_tree(&out);
        }
        let refused = |words: &str| {
            let output = parts.run("verify", &name, &[]);
            assert_eq!(output.status.code(), Some(2));
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(told.contains(words), "{told}");
        };
        fs::copy(archive.part(4), archive.part(3)).unwrap();
        refused("this is part 4, not 3");
        fs::remove_file(archive.part(3)).unwrap();
        refused("part03.zarc: is missing, but part 4 is there");
    }
}

/// An archive in parts and the second reader, which is told its password.
struct PartsByReader<'a> {
    reader: &'a Reader,
    archive: &'a InParts,
}

impl PartsByReader<'_> {
    fn pattern(&self) -> PathBuf {
        self.archive.directory().join("part??.zarc")
    }

    fn run(&self, command: &str, archive: &Path, more: &[&OsStr]) -> Output {
        let key = self.archive.key.map(|key| ["--password".as_ref(), OsStr::new(key)]);
        let words = [&[command.as_ref(), archive.as_os_str()], more].concat();
        self.reader.run(&[&words[..], key.as_ref().map_or(&[], |key| &key[..])].concat())
    }

    fn told(&self, command: &str, archive: &Path, more: &[&OsStr]) -> String {
        let output = self.run(command, archive, more);
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command} {more:?}: {complaints}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// By the index alone all versions are listed; what is wrong with it is told, what a crash leaves of it is not.
fn check_index_by_reader(parts: &PartsByReader<'_>) {
    let (name, index) = (parts.pattern(), parts.archive.part(0));
    for version in 1..=4 {
        let until = u32::to_string(&version);
        let words = ["--until".as_ref(), until.as_ref()];
        let list = |archive: &Path| parts.told("list", archive, &words);
        assert_eq!(list(&index), list(&name), "the index alone");
    }
    // A byte of a copy that its part does not have.
    let whole = fs::read(&index).unwrap();
    let mut other = whole.clone();
    *other.last_mut().unwrap() ^= 1;
    other[2 * 4096 + 4096 + 100] ^= 1;
    fs::write(&index, other).unwrap();
    assert_eq!(parts.run("verify", &name, &[]).status.code(), Some(2));
    // A group that was never completed, and an index that was never made, are no damage.
    for (len, updates) in [(whole.len() - 4096, Some(3)), (0, None)] {
        fs::write(&index, &whole[..len]).unwrap();
        let told = parts.told("verify", &name, &[]);
        match updates {
            Some(updates) => assert!(told.contains(&format!("index of {updates} updates"))),
            None => assert!(!told.contains("index of"), "{told}"),
        }
    }
    if parts.archive.key.is_some() {
        // The header stands twice.
        let mut torn = whole.clone();
        torn[60] ^= 1;
        fs::write(&index, torn).unwrap();
        parts.told("verify", &name, &[]);
    }
    fs::write(&index, whole).unwrap();
}
