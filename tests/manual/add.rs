//! `add`: what is taken, what is stored of it, and what is said.

use std::fs;
use std::os::unix::fs::FileTypeExt;

use super::{DATE, Desk, SHOWN_DATE};
use crate::support::workbench::set_mtime;
use crate::support::{frames, noise};

#[test]
fn an_archive_is_made_and_then_only_appended_to() {
    let desk = Desk::with(&[("d/a", "one")]);
    desk.done("add x d");
    let first = desk.read("x.zarc");
    desk.write("d/b", b"two");
    desk.done("add x d");
    let second = desk.read("x.zarc");
    assert!(second.len() > first.len());
    assert!(second.starts_with(&first), "committed bytes were written again");
    desk.done("extract x -to out");
    assert_eq!(desk.tree("out"), ["d", "d/a", "d/b"]);
}

#[test]
fn files_and_directories_are_taken_to_any_depth() {
    let deep = "d/1/2/3/4/5/6/7/8/9";
    let desk = Desk::with(&[(&format!("{deep}/leaf"), "leaf"), ("file", "f"), ("other", "o")]);
    desk.done("add x d file");
    desk.done("extract x -to out");
    assert_eq!(desk.text(&format!("out/{deep}/leaf")), "leaf");
    assert_eq!(desk.text("out/file"), "f");
    assert!(!desk.path("out/other").exists());
}

/// The shell expands `*`; what reaches the program is a name.
#[test]
fn a_star_in_a_file_name_is_a_character() {
    let desk = Desk::with(&[("*", "star"), ("?", "mark"), ("a", "a")]);
    desk.done("add x * ?");
    assert_eq!(desk.done("list x").names(), ["- *", "- ?"]);
}

#[test]
fn contents_name_date_and_permissions_are_saved() {
    let desk = Desk::with(&[("d/sub/file", "content")]);
    desk.set_mode("d/sub/file", 0o4751);
    desk.set_mode("d/sub", 0o2705);
    set_mtime(&desk.path("d/sub/file"), (DATE, 123_456_789));
    set_mtime(&desk.path("d/sub"), (-5, 7));
    desk.done("add x ./d");
    desk.done("extract x -to out");
    assert_eq!(desk.text("out/d/sub/file"), "content");
    assert_eq!(desk.mode_and_date("out/d/sub/file"), (0o4751, (DATE, 123_456_789)));
    assert_eq!(desk.mode_and_date("out/d/sub"), (0o2705, (-5, 7)));
    assert_eq!(desk.mode_and_date("out/d"), (0o755, (DATE, 0)));
    // The name is the one that was typed, with what is below it.
    let names = ["- ./d/", "- ./d/sub/", "- ./d/sub/file"];
    assert_eq!(desk.done("list x").names(), names);
}

#[test]
fn links_are_saved_as_links_and_pipes_as_pipes() {
    let desk = Desk::with(&[("outside/secret", "secret"), ("d/one", "same")]);
    std::os::unix::fs::symlink("../outside", desk.path("d/link")).unwrap();
    fs::hard_link(desk.path("d/one"), desk.path("d/two")).unwrap();
    let mkfifo = std::process::Command::new("mkfifo").arg(desk.path("d/pipe")).status().unwrap();
    assert!(mkfifo.success());
    desk.done("add x d");
    desk.done("extract x -to out");
    assert_eq!(desk.tree("out"), ["d", "d/link", "d/one", "d/pipe", "d/two"]);
    assert_eq!(fs::read_link(desk.path("out/d/link")).unwrap().to_str(), Some("../outside"));
    let kind = fs::symlink_metadata(desk.path("out/d/pipe")).unwrap().file_type();
    assert!(kind.is_fifo());
    fs::write(desk.path("out/d/one"), "changed").unwrap();
    assert_eq!(desk.text("out/d/two"), "changed");
}

/// A copy, a beginning and an end are known again, wherever they stand.
#[test]
fn content_that_is_stored_already_is_not_stored_again() {
    let desk = Desk::new();
    let content = noise(1, 3_000_000);
    desk.write("d/one", &content);
    desk.done("add x d");
    let before = desk.len("x.zarc");
    assert!(before > 3_000_000, "noise does not compress");
    desk.write("d/copy", &content);
    desk.write("d/longer", &[b"in front".as_slice(), &content, b"behind"].concat());
    let said = desk.done("add x d");
    assert_eq!(said.items()[..1], ["+ d/copy 3000000 -> 0"]);
    let grown = desk.len("x.zarc") - before;
    assert!(grown < 1_100_000, "{grown} bytes for what is nearly all there");
    desk.done("extract x -to out");
    assert!(desk.read("out/d/copy") == content);
    assert_eq!(desk.read("out/d/longer"), desk.read("d/longer"));
}

#[test]
fn each_object_is_told_with_its_mark_and_size() {
    let desk = Desk::with(&[("d/old", "12345"), ("d/gone", "1"), ("d/same", "2")]);
    let said = desk.done("add x d");
    assert_eq!(said.items(), ["+ d", "+ d/gone 1", "+ d/old 5", "+ d/same 1"]);
    desk.write("d/old", b"1234567");
    desk.write("d/new", b"12345");
    desk.remove("d/gone");
    let said = desk.done("add x d");
    // The content of the new one is stored already: so many bytes are left of it.
    assert_eq!(said.items(), ["- d/gone", "+ d/new 5 -> 0", "# d/old 7"]);
    assert!(said.data.starts_with("1 +added, 1 #updated, 1 -deleted\nversion 2, "));
}

/// Without its last frame an update is what an interrupted `add` leaves.
#[test]
fn an_update_that_was_not_finished_is_ignored_and_overwritten() {
    let desk = Desk::with(&[("d/a", "one")]);
    desk.done("add x d");
    let first = desk.read("x.zarc");
    desk.write("d/interrupted", &noise(7, 100_000));
    desk.done("add x d");
    let bytes = desk.read("x.zarc");
    let (commit, _) = *frames(&bytes, 7).last().unwrap();
    fs::write(desk.path("x.zarc"), &bytes[..commit - 4096]).unwrap();
    assert!(commit - 4096 > first.len());

    let listed = desk.done("list x");
    assert_eq!(listed.names(), ["- d/", "- d/a"]);
    assert!(listed.talk.contains("an update that was never completed"), "{}", listed.talk);
    desk.remove("d/interrupted");
    desk.write("d/b", b"two");
    desk.done("add x d");
    assert!(desk.len("x.zarc") < bytes.len() as u64, "the tail was kept");
    assert_eq!(desk.done("list x").names(), ["- d/", "- d/a", "- d/b"]);
    assert_eq!(desk.done("test x").number_before("versions"), 2);
}

#[test]
fn the_archive_nowhere_takes_everything_and_keeps_nothing() {
    let desk = Desk::new();
    desk.write("d/a", &noise(2, 500_000));
    desk.write("d/copy", &noise(2, 500_000));
    let before = desk.tree("");
    let said = desk.done("add '' d");
    assert_eq!(said.items(), ["+ d", "+ d/a 500000", "+ d/copy 500000 -> 0"]);
    assert!(said.data.contains("\nnothing written: 3 names"), "{}", said.data);
    // It was compressed: the size that an archive would have is known.
    let into = desk.done("add x d");
    let stored = |said: &super::Said| {
        let (before, _) = said.data.split_once(" MB stored").unwrap();
        before.rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!(stored(&said), stored(&into));
    fs::remove_file(desk.path("x.zarc")).unwrap();
    assert_eq!(desk.tree(""), before);
}

#[test]
fn the_list_needs_no_block_of_data() {
    let desk = Desk::new();
    for name in ["d/a", "d/b"] {
        desk.write(name, &noise(3, 200_000));
    }
    desk.done("add x d");
    let listed = desk.done("list x");
    let mut bytes = desk.read("x.zarc");
    let data = frames(&bytes, 2);
    assert!(!data.is_empty());
    for (offset, len) in data {
        bytes[offset + 64..offset + len].fill(0x55);
    }
    fs::write(desk.path("x.zarc"), bytes).unwrap();
    assert_eq!(desk.done("list x").data, listed.data);
    assert_eq!(listed.rows()[1].date, SHOWN_DATE);
    assert_eq!(desk.zarc("extract x -to out").code, 2, "the data is gone");
}
