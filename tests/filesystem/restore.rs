//! Goal: what a walk reported comes back the same. Method: restore, then walk what was restored.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::process::Command;

use zarc::base::{Kind, Metadata, Xattr};
use zarc::filesystem::{AccountNames, Target};

use super::{content, fresh, is_root, metadata_of, only_object, options, path, plain, root, told};

#[test]
fn depth_needs_descriptors_but_no_call_stack_on_both_sides() {
    let (dir, out) = (fresh(), fresh());
    zarc::filesystem::raise_descriptor_limit();
    let target = Target::open(out.path()).unwrap();
    let deep = vec!["d"; 1000].join("/");
    assert!(target.make_directory(&path(&deep), true, false).unwrap());
    target.create_file(&path(&format!("{deep}/f"))).unwrap().write_at(0, b"x").unwrap();
    let file = target.create_file(&path(&format!("{deep}/f"))).unwrap();
    assert!(file.finish(&plain(Kind::File), true, false).unwrap().unapplied.is_empty());
    let roots = || vec![root(out.path(), "t"), root(dir.path(), "u")];
    let lines = told(roots(), options(false));
    assert!(lines.len() == 1003 || lines.iter().any(|line| line.starts_with("unreadable t/d/")));
    assert_eq!(lines.last().unwrap(), "u");
}

#[test]
fn holes_are_found_and_restored() {
    let dir = fresh();
    let name = dir.path().join("sparse");
    let (start, end) = (1 << 20, 3 << 20);
    let mut expected = vec![0; end];
    expected[start..start + 4096].fill(7);
    let target = Target::open(dir.path()).unwrap();
    let mut new = target.create_file(&path("sparse")).unwrap();
    new.write_at(start as u64, &expected[start..start + 4096]).unwrap();
    new.park().unwrap();
    new.set_len(end as u64).unwrap();
    new.park().unwrap();
    assert!(new.finish(&plain(Kind::File), true, false).unwrap().unapplied.is_empty());
    let (bytes, holes) = content(only_object(&name).open().unwrap());
    assert!(bytes == expected);
    assert!(fs::metadata(&name).unwrap().blocks() * 512 <= 64 * 1024);
    assert_eq!(holes, (end - 4096) as u64);
}

/// A file that is being restored lets nobody in whom its own owner, bits or list keep out.
#[test]
fn a_file_on_its_way_is_as_private_as_it_will_be() {
    let own = Metadata { uid: rustix::process::geteuid().as_raw(), ..plain(Kind::File) };
    let listed = Xattr { name: b"user.note".to_vec(), value: b"1".to_vec() };
    let cases = [
        (Metadata { mode: 0o644, ..own.clone() }, 0o644),
        (Metadata { mode: 0o4711, ..own.clone() }, 0o711),
        (Metadata { mode: 0o444, ..own.clone() }, 0o644),
        (Metadata { mode: 0o640, ..own.clone() }, 0o600),
        (Metadata { mode: 0o604, ..own.clone() }, 0o600),
        (Metadata { mode: 0o644, uid: own.uid + 1, ..own.clone() }, 0o600),
        (Metadata { mode: 0o644, xattrs: vec![listed], ..own.clone() }, 0o600),
    ];
    for (metadata, first_mode) in cases {
        let out = fresh();
        let target = Target::open(out.path()).unwrap();
        let file = target.create_file_with(&path("file"), &metadata, true).unwrap();
        let temporary = fs::read_dir(out.path()).unwrap().next().unwrap().unwrap();
        let mode = temporary.metadata().unwrap().mode() & 0o7777;
        assert_eq!(mode & !first_mode, 0, "{mode:o} for {:o}", metadata.mode);
        file.finish(&metadata, true, false).unwrap();
        let restored = fs::metadata(out.path().join("file")).unwrap();
        assert_eq!(restored.mode() & 0o7777, metadata.mode);
    }
}

#[test]
fn metadata_makes_the_round_trip() {
    if !is_root() {
        return;
    }
    let (dir, out) = (fresh(), fresh());
    let (file, sub) = (dir.path().join("file"), dir.path().join("sub"));
    fs::write(&file, "x").unwrap();
    fs::create_dir(&sub).unwrap();
    symlink("nowhere", dir.path().join("link")).unwrap();
    let shell = format!(
        "cd '{}' && chown 1234:2345 file sub && chown -h 77:88 link && chmod 6751 file && chmod 3770 sub \
         && setfattr -n user.note -v $(printf %02000d 0) file && setfattr -n user.b -v 1 sub \
         && setfattr -h -n trusted.t -v 1 link \
         && setfacl -m u:99:r file && setfacl -m u:99:rwx -d -m g:98:rx sub \
         && touch -h -d '2001-02-03 04:05:06.789012345' file link sub",
        dir.path().display()
    );
    assert!(Command::new("sh").arg("-c").arg(shell).status().unwrap().success());
    let before: Vec<Metadata> =
        ["file", "link", "sub"].iter().map(|name| metadata_of(&dir.path().join(name))).collect();
    let opened = only_object(&file);
    let source = opened.open().unwrap();
    let same = opened.metadata_opened(&source, &mut AccountNames::new()).unwrap();
    assert_eq!(same, before[0]);
    assert_eq!(before[0].xattrs.len(), 2, "{:?}", before[0].xattrs);
    assert_eq!(before[2].xattrs.len(), 3, "{:?}", before[2].xattrs);
    let target = Target::open(out.path()).unwrap();
    target.make_directory(&path("sub"), true, false).unwrap();
    let mut new = target.create_file(&path("file")).unwrap();
    new.write_at(0, b"x").unwrap();
    let mut unapplied = new.finish(&before[0], true, false).unwrap().unapplied;
    let link = target.make_symlink(&path("link"), &before[1], true, false).unwrap();
    unapplied.extend(link.unapplied);
    unapplied.extend(target.finish_directory(&path("sub"), &before[2], true).unwrap());
    assert!(unapplied.is_empty(), "{unapplied:?}");
    for (name, before) in ["file", "link", "sub"].iter().zip(&before) {
        assert_eq!(&metadata_of(&out.path().join(name)), before);
    }
    // Attributes that the archive does not have are taken away again.
    let bare = Metadata { xattrs: Vec::new(), ..before[0].clone() };
    assert!(target.apply_metadata(&path("file"), &bare, true).unwrap().is_empty());
    assert_eq!(metadata_of(&out.path().join("file")), bare);
}

#[test]
fn without_attributes_only_the_time_is_restored() {
    let dir = fresh();
    let target = Target::open(dir.path()).unwrap();
    let note = Xattr { name: b"user.note".to_vec(), value: vec![1] };
    let metadata =
        |kind| Metadata { mode: 0o4000, uid: 7, xattrs: vec![note.clone()], ..plain(kind) };
    target.make_directory(&path("d"), false, false).unwrap();
    let file = target.create_file(&path("d/f")).unwrap();
    file.finish(&metadata(Kind::File), false, false).unwrap();
    target.finish_directory(&path("d"), &metadata(Kind::Directory), false).unwrap();
    let ordinary = dir.path().join("ordinary");
    fs::write(&ordinary, "").unwrap();
    let restored = metadata_of(&dir.path().join("d/f"));
    assert_eq!((restored.mode, restored.uid), (metadata_of(&ordinary).mode, plain(Kind::File).uid));
    assert_eq!((restored.mtime, restored.xattrs.len()), (plain(Kind::File).mtime, 0));
    assert_eq!(metadata_of(&dir.path().join("d")).mtime, plain(Kind::File).mtime);
}

#[test]
fn hard_links_come_back_and_leave_no_temporary_name() {
    let dir = fresh();
    fs::write(dir.path().join("a"), "a").unwrap();
    fs::write(dir.path().join("c"), "c").unwrap();
    let target = Target::open(dir.path()).unwrap();
    let [a, c] = ["a", "c"].map(|name| target.inspect(&path(name)).unwrap().unwrap().identity);
    let link = |to, replace| target.make_hard_link(&path("a"), a, &path(to), replace);
    assert!(link("sub/b", false).unwrap());
    assert!(link("c", false).is_err());
    for _ in 0..2 {
        assert!(link("c", true).unwrap());
    }
    assert_eq!(target.inspect(&path("c")).unwrap().unwrap().links, 3);
    // Another object stands there by now, or none.
    assert!(!target.make_hard_link(&path("a"), c, &path("d"), false).unwrap());
    assert!(!target.make_hard_link(&path("gone/a"), a, &path("d"), false).unwrap());
    let names = ["t", "t/a", "t/c", "t/sub", "t/sub/b"];
    assert_eq!(told(vec![root(dir.path(), "t")], options(false)), names);
}

#[test]
fn a_target_says_what_is_there() {
    let dir = fresh();
    let target = Target::open(dir.path()).unwrap();
    fs::write(dir.path().join("f"), "12345").unwrap();
    symlink("f", dir.path().join("l")).unwrap();
    assert_eq!(target.inspect(&path("none/f")).unwrap(), None);
    assert_eq!(target.inspect(&path("none")).unwrap(), None);
    assert_eq!(target.inspect(&path("f")).unwrap().unwrap().size, 5);
    assert_eq!(target.inspect(&path("l")).unwrap().unwrap().link_target, b"f");
    assert!(target.inspect(&path("f/below")).is_err());
    assert_eq!(target.inspect(&path("/")).unwrap().unwrap().kind, Kind::Directory);
    assert_eq!(content(target.open_existing(&path("f")).unwrap()).0, b"12345");
    target.remove(&path("l")).unwrap();
    assert!(target.remove(&path("/")).is_err());
    assert!(!fs::symlink_metadata(dir.path().join("f")).unwrap().file_type().is_fifo());
    target.sync().unwrap();
}

#[test]
fn thousands_of_files_can_be_in_progress() {
    let dir = fresh();
    let target = Target::open(dir.path()).unwrap();
    let mut files: Vec<_> = (0..3000)
        .map(|number| {
            let mut file =
                target.create_file(&path(&format!("{}/{number}", number % 100))).unwrap();
            file.write_at(0, number.to_string().as_bytes()).unwrap();
            file.park().unwrap();
            file
        })
        .collect();
    for file in &mut files {
        file.write_at(10, b"end").unwrap();
        file.park().unwrap();
    }
    for file in files {
        assert!(file.finish(&plain(Kind::File), true, false).unwrap().unapplied.is_empty());
    }
    assert_eq!(told(vec![root(dir.path(), "t")], options(false)).len(), 3101);
}
