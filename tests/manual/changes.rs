//! `add`: what counts as a change, and what is read to know it.

use std::cell::Cell;
use std::fs;

use zarc::archive::{Archive, Catalog, History};
use zarc::base::{Kind, Timestamp};

use super::{DATE, Desk};
use crate::support::workbench::{
    Workbench, fresh_in_memory, real_seconds, run_add, set_clock, set_dice, set_mtime,
};

#[test]
fn additions_updates_and_deletions_are_changes_at_any_depth() {
    let desk = Desk::with(&[("d/1/2/3/old", "o"), ("d/1/2/3/gone", "g"), ("e/out", "of scope")]);
    desk.done("add x d e");
    desk.write("d/1/2/3/old", b"other");
    desk.write("d/1/2/3/4/new", b"n");
    desk.remove("d/1/2/3/gone");
    desk.remove("e/out");
    let said = desk.done("add x d");
    let changes = ["+ d/1/2/3/4", "+ d/1/2/3/4/new 1", "- d/1/2/3/gone", "# d/1/2/3/old 5"];
    assert_eq!(said.items(), changes);
    // What was not named is not looked at.
    assert!(desk.done("list x").names().contains(&"- e/out".to_owned()));
    assert!(desk.done("add x d").data.contains("\nnothing to add: "));
}

#[test]
fn a_file_has_changed_when_its_size_date_or_permissions_have() {
    let desk = Desk::with(&[("d/f", "content")]);
    desk.done("add x d");
    let changed = ["# d/f 7 -> 0"];
    set_mtime(&desk.path("d/f"), (DATE + 1, 0));
    assert_eq!(desk.done("add x d").items(), changed, "date");
    set_mtime(&desk.path("d/f"), (DATE + 1, 1));
    assert_eq!(desk.done("add x d").items(), changed, "nanoseconds");
    desk.set_mode("d/f", 0o600);
    assert_eq!(desk.done("add x d").items(), changed, "permissions");
    fs::write(desk.path("d/f"), "contents").unwrap();
    set_mtime(&desk.path("d/f"), (DATE + 1, 1));
    assert_eq!(desk.done("add x d").items(), ["# d/f 8"], "size");
    assert_eq!(desk.done("add x d").items(), Vec::<&str>::new());
    // The change time cannot be set back: same size, same date, and yet it is noticed.
    fs::write(desk.path("d/f"), "CONTENTS").unwrap();
    set_mtime(&desk.path("d/f"), (DATE + 1, 1));
    assert_eq!(desk.done("add x d").items(), ["# d/f 8"], "content");
}

#[test]
fn new_permissions_alone_store_no_content_again() {
    let desk = Desk::with(&[("d/f", "content")]);
    desk.done("add x d");
    desk.set_mode("d/f", 0o400);
    let said = desk.done("add x d");
    assert_eq!(said.items(), ["# d/f 7 -> 0"]);
    assert!(said.data.contains(" 0.000000 MB new, "), "{}", said.data);
    desk.done("extract x -to out");
    assert_eq!(desk.mode_and_date("out/d/f"), (0o400, (DATE, 0)));
    assert_eq!(desk.text("out/d/f"), "content");
}

/// The kernel tells who opens a file.
#[cfg(target_os = "linux")]
#[test]
fn what_did_not_change_is_not_opened_without_force() {
    use rustix::fs::inotify;
    let bench = Workbench::new(fresh_in_memory());
    fs::write(bench.work().join("file"), "content").unwrap();
    // So late that the file is settled.
    set_clock(real_seconds() + 1000);
    set_dice(5);
    run_add(&bench.add_options(b""));
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
    let (file, events) = (bench.work().join("file"), inotify::WatchFlags::OPEN);
    inotify::add_watch(&watch, &file, events).unwrap();
    let is_opened = || rustix::io::read(&watch, &mut [0_u8; 4096]).is_ok();
    let mut options = bench.add_options(b"");
    run_add(&options);
    assert!(!is_opened());
    options.force = true;
    run_add(&options);
    assert!(is_opened());
}

/// Between two names of a file, which is read once, so much time goes by that it would be settled.
#[test]
fn a_name_is_as_settled_as_the_content_that_another_name_was_read_for() {
    thread_local! {
        static MOMENTS: Cell<u32> = const { Cell::new(0) };
    }
    let bench = Workbench::new(fresh_in_memory());
    fs::write(bench.work().join("first"), "content").unwrap();
    fs::hard_link(bench.work().join("first"), bench.work().join("second")).unwrap();
    set_dice(8);
    let mut options = bench.add_options(b"");
    options.environment.now = || {
        MOMENTS.set(MOMENTS.get() + 1);
        let later = if MOMENTS.get() <= 2 { 0 } else { 1000 };
        Timestamp { seconds: real_seconds() + later, nanos: 0 }
    };
    run_add(&options);
    let archive = Archive::open_path(&bench.archive(), None).unwrap();
    let version = History::of(&archive).newest().unwrap().unwrap();
    let entries = Catalog::of(&archive, &version).unwrap().entries().map(Result::unwrap);
    let marks: Vec<(Kind, bool)> = entries
        .filter_map(|entry| {
            entry.object.stored().map(|stored| (stored.metadata.kind, stored.is_unsettled))
        })
        .collect();
    assert_eq!(marks, [(Kind::Directory, true), (Kind::File, true), (Kind::File, true)]);
}

#[cfg(target_os = "linux")]
#[test]
fn no_temporary_files_are_made_beside_the_archive() {
    use rustix::fs::inotify;
    let bench = Workbench::new(fresh_in_memory());
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
    let events = inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO;
    inotify::add_watch(&watch, bench.path(""), events).unwrap();
    let created = || {
        let mut space = [std::mem::MaybeUninit::<u8>::uninit(); 4096];
        let mut reader = inotify::Reader::new(&watch, &mut space);
        let mut names = Vec::new();
        while let Ok(event) = reader.next() {
            names.extend(event.file_name().map(|name| name.to_str().unwrap().to_owned()));
        }
        names
    };
    set_clock(real_seconds() + 1000);
    set_dice(6);
    for (content, expected) in [("first", &["a.zarc"][..]), ("second", &[])] {
        fs::write(bench.work().join("file"), content).unwrap();
        assert!(run_add(&bench.add_options(b"")).0.version.is_some());
        assert_eq!(created(), expected, "{content}");
    }
}

#[test]
fn with_force_files_are_read_and_added_only_when_they_differ() {
    let desk = Desk::with(&[("d/a", "a"), ("d/b", "b")]);
    desk.done("add x d");
    let before = desk.read("x.zarc");
    let said = desk.done("add x d -force");
    assert_eq!(said.items(), Vec::<&str>::new());
    assert!(desk.read("x.zarc") == before, "nothing differs, nothing is appended");
    desk.write("d/b", b"B");
    assert_eq!(desk.done("add x d -force").items(), ["# d/b 1"]);
}
