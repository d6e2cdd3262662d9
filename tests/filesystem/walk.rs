//! Goal: a walk reports every object once, in archive order, and never waits or follows a link.
//! Method: real trees in fresh directories, odd names and odd objects included.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use zarc::base::{Kind, Metadata, StoredPath};
use zarc::filesystem::{AccountNames, Choice, Extent, Item, Target, Walk, WalkOptions};

use super::{
    content, fresh, is_root, metadata_of, objects, only_object, options, path, plain, root, told,
};

#[test]
fn a_walk_comes_in_stored_order_whatever_the_names() {
    let dir = fresh();
    let long = "n".repeat(255);
    let names: [&[u8]; 9] =
        [b"a!", b"a.b", b"a/b", b"\xff\xfe", b"new\nline", b"-rf", long.as_bytes(), b"a/c/d", b"z"];
    for name in names {
        let file = dir.path().join(OsStr::from_bytes(name));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, name).unwrap();
    }
    let walk = Walk::new(vec![root(dir.path(), "t")], options(false));
    let paths: Vec<StoredPath> = walk.map(|item| item.path().clone()).collect();
    assert!(paths.is_sorted_by(|left, right| left < right), "{paths:?}");
    assert_eq!(paths.len(), names.len() + 3);
    assert_eq!(paths.iter().filter(|path| path.as_bytes().starts_with(b"t/a/")).count(), 3);
    for object in objects(dir.path(), false).iter().filter(|o| o.kind == Kind::File) {
        let (bytes, _) = content(object.open().unwrap());
        assert!(object.path.as_bytes().ends_with(&bytes));
    }
}

#[test]
fn roots_are_merged_and_the_first_of_two_wins() {
    let dir = fresh();
    for name in ["one/a/x", "one/c", "two/b", "two/c", "file"] {
        fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
        fs::write(dir.path().join(name), name).unwrap();
    }
    let at = |name: &str, stored: &str| root(&dir.path().join(name), stored);
    let roots = vec![
        at("two", "t"),
        at("one", "t"),
        at("one/a", "t/a"),
        at("file", "f/"),
        at("none", "n"),
        at("file/below", "m"),
        at("none", "f"),
        at("no/parent", "t/c"),
    ];
    let expected = ["f", "absent m", "absent n", "t", "t/a", "t/a/x", "t/b", "t/c"];
    assert_eq!(told(roots.clone(), options(false)), expected);
    let twice = Walk::new(roots, options(false)).find(|item| item.path() == &path("t/c"));
    let Some(Item::Object(object)) = twice else { panic!("t/c is there") };
    assert_eq!(content(object.open().unwrap()).0, b"two/c");
}

#[test]
fn what_is_not_wanted_is_not_reported_or_not_visited() {
    let dir = fresh();
    for name in ["skip/a", "descend/a", "take/a", "own"] {
        fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
        fs::write(dir.path().join(name), name).unwrap();
    }
    let own = fs::metadata(dir.path().join("own")).unwrap();
    let wanted = |disk: &[u8], is_directory: bool| match () {
        () if disk.ends_with(b"/skip") && is_directory => Choice::Skip,
        () if disk.ends_with(b"/descend") && is_directory => Choice::DescendOnly,
        () => Choice::Take,
    };
    let options = WalkOptions {
        special: false,
        leave_out: vec![(own.dev(), own.ino())],
        wanted: Box::new(wanted),
    };
    let expected = ["t", "t/descend/a", "t/take", "t/take/a"];
    assert_eq!(told(vec![root(dir.path(), "t")], options), expected);
}

#[test]
fn a_directory_that_cannot_be_read_comes_and_then_says_so() {
    let dir = fresh();
    fs::create_dir(dir.path().join("closed")).unwrap();
    fs::write(dir.path().join("closed/file"), "").unwrap();
    fs::set_permissions(dir.path().join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let lines = told(vec![root(dir.path(), "t")], options(false));
    fs::set_permissions(dir.path().join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    if rustix::process::geteuid().is_root() {
        eprintln!("skipped: permissions do not stop root");
        return;
    }
    assert_eq!(lines, ["t", "t/closed", "unreadable t/closed"]);
}

#[test]
fn a_directory_with_too_long_a_path_below_says_so_before_its_children() {
    let dir = fresh();
    fs::write(dir.path().join("a"), "").unwrap();
    fs::write(dir.path().join("bb"), "").unwrap();
    let stored = vec!["x".repeat(1023); 32].join("/")[..StoredPath::LEN_MAX - 2].to_owned();
    let lines = told(vec![root(dir.path(), &stored)], options(false));
    let expected = [stored.clone(), format!("unreadable {stored}"), format!("{stored}/a")];
    assert_eq!(lines, expected);
}

#[test]
fn pipes_sockets_and_devices_are_met_but_never_opened() {
    let dir = fresh();
    let target = Target::open(dir.path()).unwrap();
    for (name, kind) in [("pipe", Kind::Fifo), ("socket", Kind::Socket)] {
        let unapplied = target.make_node(&path(name), &plain(kind), true, false).unwrap().unapplied;
        assert!(unapplied.is_empty(), "{unapplied:?}");
    }
    symlink("pipe", dir.path().join("link")).unwrap();
    assert_eq!(told(vec![root(dir.path(), "t")], options(false)), ["t", "t/link", "t/pipe"]);
    let met = objects(dir.path(), true);
    assert_eq!(met.len(), 4);
    for object in &met {
        // A blocking open of the pipe would never return.
        assert!(object.open().is_err());
        object.metadata(&mut AccountNames::new()).unwrap();
    }
    assert_eq!((met[2].mode, met[2].mtime), (0o640, plain(Kind::Fifo).mtime));
    assert!(target.open_existing(&path("pipe")).is_err());
    if is_root() {
        let null = Metadata { device: (1, 3), ..plain(Kind::CharacterDevice) };
        target.make_node(&path("null"), &null, true, false).unwrap();
        assert_eq!(
            metadata_of(&dir.path().join("null")),
            Metadata { user: b"root".into(), group: b"root".into(), ..null }
        );
    }
}

#[test]
fn a_root_that_is_a_link_is_stored_as_a_link() {
    let dir = fresh();
    symlink("/etc", dir.path().join("link")).unwrap();
    let met = objects(&dir.path().join("link/"), false);
    assert_eq!((met.len(), met[0].kind), (1, Kind::Symlink));
    assert_eq!(met[0].metadata(&mut AccountNames::new()).unwrap().link_target, b"/etc");
}

#[test]
fn a_file_that_is_exchanged_or_cut_while_it_is_read_does_no_harm() {
    let dir = fresh();
    let name = dir.path().join("f");
    fs::write(&name, vec![1; 9000]).unwrap();
    let object = only_object(&name);
    let mut file = object.open().unwrap();
    assert_eq!(file.read(&mut [0; 4096]).unwrap(), Extent::Data(4096));
    fs::OpenOptions::new().write(true).open(&name).unwrap().set_len(5000).unwrap();
    assert_eq!(content(file).0.len(), 904);
    // The first file stays open under another name, so its number is not used again.
    fs::rename(&name, dir.path().join("g")).unwrap();
    symlink("g", &name).unwrap();
    assert!(object.open().is_err());
    fs::remove_file(&name).unwrap();
    fs::write(&name, "other").unwrap();
    assert!(object.open().is_err());
}

#[test]
fn a_file_of_the_kernel_without_a_size_is_read_to_its_end() {
    let object = only_object(Path::new("/proc/self/status"));
    assert_eq!(object.status.size, 0);
    let mut file = object.open().unwrap();
    assert!(matches!(file.read(&mut [0; 64]).unwrap(), Extent::Data(64)));
}
