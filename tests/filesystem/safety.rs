//! Goal: nothing outside the target is touched, nothing in it is written to, nothing is left over.
//! Method: links and exchanged files where the restore is going to pass.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;

use zarc::base::{Kind, Metadata};
use zarc::filesystem::Target;

use super::{fresh, metadata_of, options, path, plain, root, told};

#[test]
fn names_that_point_outside_land_below_the_target() {
    let dir = fresh();
    let target = Target::open(&dir.path().join("in/side")).unwrap();
    for name in ["/a", "../../b", "./c/../d"] {
        let file = target.create_file(&path(name)).unwrap();
        file.finish(&plain(Kind::File), true, false).unwrap();
    }
    assert_eq!(
        told(vec![root(&dir.path().join("in"), "t")], options(false)),
        ["t", "t/side", "t/side/a", "t/side/b", "t/side/c", "t/side/c/d"]
    );
    for name in ["/", ".", "../.."] {
        let metadata = Metadata { mode: 0o700, ..plain(Kind::Directory) };
        assert!(target.create_file(&path(name)).unwrap().finish(&metadata, true, true).is_err());
        assert!(!target.make_directory(&path(name), true, true).unwrap());
        assert!(target.finish_directory(&path(name), &metadata, true).unwrap().is_empty());
    }
    assert_eq!(metadata_of(&dir.path().join("in/side")).mtime, plain(Kind::File).mtime);
}

#[test]
fn a_link_on_the_way_is_never_followed() {
    let (dir, victim) = (fresh(), fresh());
    fs::write(victim.path().join("f"), "precious").unwrap();
    symlink(victim.path(), dir.path().join("link")).unwrap();
    let target = Target::open(dir.path()).unwrap();
    let (inside, metadata) = (path("link/f"), plain(Kind::File));
    let link = target.inspect(&path("link")).unwrap().unwrap().identity;
    let refused = [
        target.create_file(&inside).map(drop),
        target.make_directory(&inside, true, true).map(drop),
        target.make_symlink(&inside, &metadata, true, true).map(drop),
        target.make_hard_link(&inside, link, &path("g"), true).map(drop),
        target.make_hard_link(&path("link"), link, &inside, true).map(drop),
        target.apply_metadata(&inside, &metadata, true).map(drop),
        target.inspect(&inside).map(drop),
        target.open_existing(&inside).map(drop),
        target.remove(&inside),
    ];
    for result in refused {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::NotADirectory);
    }
    assert!(target.finish_directory(&path("link"), &plain(Kind::Directory), true).is_err());
    assert!(target.apply_metadata(&path("link"), &metadata, true).is_err());
    assert!(target.open_existing(&path("link")).is_err());
    assert_eq!(told(vec![root(victim.path(), "v")], options(false)), ["v", "v/f"]);
    assert_eq!(fs::read(victim.path().join("f")).unwrap(), b"precious");
    assert!(target.make_directory(&path("link"), true, false).is_err());
    assert!(target.make_directory(&path("link"), true, true).unwrap());
    assert!(fs::symlink_metadata(dir.path().join("link")).unwrap().is_dir());
}

#[test]
fn what_stands_at_the_final_name_is_replaced_never_written_to() {
    let dir = fresh();
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink("victim", dir.path().join("symlink")).unwrap();
    fs::hard_link(&victim, dir.path().join("hardlink")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, dir.path().join("pipe"), 0o600.into()).unwrap();
    fs::create_dir(dir.path().join("directory")).unwrap();
    let before = metadata_of(&victim);
    let target = Target::open(dir.path()).unwrap();
    let restore = |name: &str, replace| {
        let mut file = target.create_file(&path(name)).unwrap();
        file.write_at(0, b"new").unwrap();
        file.finish(&plain(Kind::File), true, replace)
    };
    for name in ["symlink", "hardlink", "pipe"] {
        assert_eq!(restore(name, false).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert!(restore(name, true).unwrap().unapplied.is_empty());
        assert_eq!(fs::read(dir.path().join(name)).unwrap(), b"new");
        assert!(fs::symlink_metadata(dir.path().join(name)).unwrap().is_file());
    }
    assert_eq!(restore("directory", true).unwrap_err().kind(), ErrorKind::IsADirectory);
    let metadata = Metadata { link_target: b"victim".to_vec(), ..plain(Kind::Symlink) };
    assert!(target.make_symlink(&path("pipe"), &metadata, true, false).is_err());
    let link = target.make_symlink(&path("pipe"), &metadata, true, true).unwrap();
    assert!(link.unapplied.is_empty());
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert_eq!(metadata_of(&victim), before);
    let names = ["t", "t/directory", "t/hardlink", "t/pipe", "t/symlink", "t/victim"];
    assert_eq!(told(vec![root(dir.path(), "t")], options(false)), names);
}

#[test]
fn a_file_that_is_not_finished_leaves_nothing_behind() {
    let dir = fresh();
    let target = Target::open(dir.path()).unwrap();
    let mut open = target.create_file(&path("a")).unwrap();
    open.write_at(3, b"x").unwrap();
    let mut parked = target.create_file(&path("sub/b")).unwrap();
    parked.park().unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    drop((open, parked));
    assert_eq!(told(vec![root(dir.path(), "t")], options(false)), ["t", "t/sub"]);
}

#[test]
fn a_parked_file_that_somebody_exchanged_is_not_written_to() {
    let (dir, victim) = (fresh(), fresh());
    let precious = victim.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    let target = Target::open(dir.path()).unwrap();
    let mut parked = target.create_file(&path("a")).unwrap();
    parked.park().unwrap();
    let temporary = fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    fs::rename(&temporary, victim.path().join("kept")).unwrap();
    fs::hard_link(&precious, &temporary).unwrap();
    assert!(parked.write_at(0, b"x").is_err());
    fs::remove_file(&temporary).unwrap();
    symlink(&precious, &temporary).unwrap();
    assert!(parked.write_at(0, b"x").is_err());
    assert_eq!(fs::read(&precious).unwrap(), b"precious");
}
