//! What `extract` restores, leaves alone and refuses.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;

use zarc::base::{ErrorKind, StoredPath, Until};
use zarc::command::extract;
use zarc::select::{Pattern, Rename, Selection};

use super::support::extraction::{options, run, small_tree, tree};
use super::support::{MTIME, Made, Thing, Told, file, noise};

/// Every kind of object comes back with content, mode, date and names.
#[test]
fn all_kinds_of_objects_come_back_as_they_were() {
    let mut made = Made::new();
    made.update(&small_tree());
    let out = made.path("out");
    let (summary, told) = run(&options(&made, &out));
    assert_eq!((summary.written, summary.problems), (11, 0), "{}", told.warnings());
    assert!(told.warnings().contains("1 device nodes and sockets are left out"));
    let d = out.join("d");
    assert_eq!(fs::read(d.join("sub/big")).unwrap(), noise(1, 300_000));
    assert_eq!(fs::read(d.join("small")).unwrap(), b"hello");
    assert_eq!(fs::read(d.join("empty")).unwrap(), b"");
    let sparse = [vec![0; 100_000], noise(2, 20_000), vec![0; 70_000]].concat();
    assert_eq!(fs::read(d.join("sparse")).unwrap(), sparse);
    assert_eq!(fs::read(d.join("hole")).unwrap(), vec![0; 100_000]);
    assert_eq!(fs::read_link(d.join("link")).unwrap(), Path::new("small"));
    assert!(fs::symlink_metadata(d.join("pipe")).unwrap().file_type().is_fifo());
    let (one, two) = (fs::metadata(d.join("one")).unwrap(), fs::metadata(d.join("two")).unwrap());
    assert_eq!((one.ino(), one.nlink()), (two.ino(), 2));
    assert_eq!(fs::read(d.join("two")).unwrap(), noise(3, 50_000));
    for (name, mode) in [("", 0o750), ("sub", 0o500), ("small", 0o640), ("pipe", 0o640)] {
        let metadata = fs::symlink_metadata(d.join(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o7777, mode, "{name}");
        let mtime = (metadata.mtime(), u32::try_from(metadata.mtime_nsec()).unwrap());
        assert_eq!(mtime, (MTIME.seconds, MTIME.nanos), "{name}");
    }
    fs::set_permissions(d.join("sub"), fs::Permissions::from_mode(0o700)).unwrap();
}

/// A second run skips, a forced one finds everything identical, and then only what differs is
/// written again.
#[test]
fn what_exists_is_skipped_and_with_force_only_what_differs_is_written() {
    let mut made = Made::new();
    let mut tree = small_tree();
    tree.retain(|(name, _)| !name.starts_with("d/sub"));
    made.update(&tree);
    let out = made.path("out");
    let mut options = options(&made, &out);
    run(&options);
    fs::write(out.join("d/small"), b"HELLO").unwrap();
    let (summary, _) = run(&options);
    assert_eq!((summary.written, summary.skipped, summary.problems), (0, 9, 0));
    assert_eq!(fs::read(out.join("d/small")).unwrap(), b"HELLO");
    options.force = true;
    let (summary, told) = run(&options);
    let written: Vec<String> =
        told.items(&out).into_iter().filter(|i| i.starts_with('>')).collect();
    assert_eq!(written, ["> d/small"]);
    assert_eq!((summary.identical, summary.problems), (8, 0), "{}", told.warnings());
    assert_eq!(fs::read(out.join("d/small")).unwrap(), b"hello");
    let (summary, _) = run(&options);
    assert_eq!((summary.written, summary.identical), (0, 9));
}

/// With force, links and other names of a file are replaced and not written through.
#[test]
fn force_replaces_links_and_never_writes_through_them() {
    let mut made = Made::new();
    made.update(&[("a", file(b"new")), ("b", file(b"new")), ("c", file(b"same"))]);
    let out = made.path("out");
    fs::create_dir(&out).unwrap();
    for (name, content) in [("x", "old"), ("y", "old"), ("z", "same")] {
        fs::write(made.path(name), content).unwrap();
    }
    std::os::unix::fs::symlink(made.path("x"), out.join("a")).unwrap();
    fs::hard_link(made.path("y"), out.join("b")).unwrap();
    fs::hard_link(made.path("z"), out.join("c")).unwrap();
    let bits = fs::metadata(made.path("z")).unwrap().mode();
    let mut options = options(&made, &out);
    options.force = true;
    let (summary, _) = run(&options);
    assert_eq!((summary.written, summary.problems), (3, 0));
    assert_eq!(fs::read(made.path("x")).unwrap(), b"old");
    assert_eq!(fs::read(made.path("y")).unwrap(), b"old");
    assert_eq!(fs::metadata(made.path("z")).unwrap().mode(), bits);
    assert_eq!(fs::read(out.join("a")).unwrap(), b"new");
    assert!(!out.join("a").is_symlink());
}

/// Names of the archive lead nowhere but below the target; what the user types leads anywhere.
#[test]
fn hostile_names_stay_below_the_target() {
    let mut made = Made::new();
    made.update(&[
        ("../up", file(b"1")),
        ("/abs/x", file(b"2")),
        ("a/../../../b", file(b"3")),
        ("C:/drive", file(b"4")),
        ("trap/x", file(b"5")),
        ("./dot", file(b"6")),
    ]);
    let out = made.path("deep/out");
    fs::create_dir_all(&out).unwrap();
    fs::create_dir(made.path("outside")).unwrap();
    std::os::unix::fs::symlink(made.path("outside"), out.join("trap")).unwrap();
    let (summary, told) = run(&options(&made, &out));
    assert_eq!((summary.written, summary.problems), (5, 1), "{}", told.warnings());
    assert!(told.warnings().contains("links are not followed"));
    assert!(told.warnings().contains("leading / and .. are removed from names"));
    let all = ["C", "C/drive", "a", "a/b", "abs", "abs/x", "dot", "trap", "up"];
    assert_eq!(tree(&out), all);
    assert_eq!(tree(&made.path("outside")), Vec::<String>::new());
    let mut around = tree(&made.path("."));
    around.retain(|name| !name.starts_with("deep/out/"));
    assert_eq!(around, ["deep", "deep/out", "made.zarc", "outside"]);
}

/// With pairs each name goes to its own place, also outside, and the rest of the name stays there.
#[test]
fn each_name_goes_where_the_user_says() {
    let mut made = Made::new();
    made.update(&[
        ("d", Thing::Directory(0o755)),
        ("d/../../x", file(b"1")),
        ("d/f", file(b"2")),
        ("other", file(b"3")),
    ]);
    let new = made.path("p/../q/new");
    let path = |name: &str| StoredPath::normalized(name.as_bytes()).unwrap();
    let mut options = options(&made, &new);
    fs::create_dir(made.path("p")).unwrap();
    options.files = vec![b"d".to_vec(), b"d/f".to_vec(), b"nothing".to_vec()];
    options.rename = Rename::pairs(vec![path("d")], vec![path(new.to_str().unwrap())]);
    let (summary, told) = run(&options);
    assert_eq!((summary.written, summary.missing), (3, 1), "{}", told.warnings());
    assert!(told.warnings().contains("nothing: not in the archive"));
    assert_eq!(tree(&made.path("q")), ["new", "new/f", "new/x"]);
}

/// A large file that is there already is compared for a while; the user need not wait for its end.
#[test]
fn a_comparison_with_what_is_there_can_be_interrupted() {
    let mut made = Made::new();
    made.update(&[("large", file(&noise(1, 4_000_000)))]);
    let mut options = options(&made, &made.path("out"));
    run(&options);
    options.force = true;
    let told = Told::stopping_at(6);
    let error = extract(&options, &told).unwrap_err();
    assert_eq!((error.kind(), told.warnings()), (ErrorKind::Stopped, String::new()));
}

/// Versions come into numbered directories, each with what its update changed.
#[test]
fn every_version_comes_into_its_own_directory() {
    let mut made = Made::new();
    made.update(&[("a", file(b"1")), ("b", file(b"1")), ("/c", file(b"1"))]);
    made.update(&[("a", file(b"2")), ("b", Thing::Deleted)]);
    made.update(&[("a", file(b"3"))]);
    let out = made.path("out");
    let mut options = options(&made, &out);
    options.all = Some(2);
    options.until = Until::Version(2);
    let (summary, told) = run(&options);
    assert_eq!((summary.written, summary.problems), (6, 0), "{}", told.warnings());
    assert_eq!(tree(&out), ["01", "01/a", "01/b", "01/c", "02", "02/a"]);
    assert_eq!(fs::read(out.join("02/a")).unwrap(), b"2");
    options.selection = Selection::new(vec![Pattern::new(b"02/*")], Vec::new());
    let (summary, _) = run(&options);
    assert_eq!(summary.skipped, 2, "the directory 02 and what is in it");
    options.all = None;
    options.selection = Selection::default();
    options.until = Until::Version(1);
    options.files = vec![b"b".to_vec()];
    run(&options);
    assert_eq!(fs::read(out.join("b")).unwrap(), b"1");
    options.until = Until::Version(0);
    let error = extract(&options, &Told::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Missing);
}

/// What `-nodelete` kept below a name that is a file by now is named; the file is restored.
#[test]
fn what_lies_below_a_file_does_not_take_its_name() {
    let mut made = Made::new();
    made.update(&[("d", Thing::Directory(0o755)), ("d/x/y", file(b"old")), ("e", file(b"1"))]);
    made.update(&[("d", file(b"new"))]);
    let out = made.path("out");
    let (summary, told) = run(&options(&made, &out));
    assert_eq!((summary.written, summary.problems), (2, 1), "{}", told.warnings());
    assert!(told.warnings().contains("d in the target is not a directory"), "{}", told.warnings());
    assert_eq!(fs::read(out.join("d")).unwrap(), b"new");
}
