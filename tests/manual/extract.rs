//! `extract`: what comes out, what is left alone, and what is said.

use std::fs;

use super::{DATE, Desk, SHOWN_DATE};
use crate::support::workbench::set_mtime;
use crate::support::{frames, noise};

#[test]
fn named_files_come_with_their_contents_and_without_names_everything_does() {
    let desk = Desk::with(&[("d/a", "1"), ("d/e/b", "2"), ("dd", "3"), ("f", "4")]);
    desk.done("add x d dd f");
    fs::create_dir(desk.path("some")).unwrap();
    let mut some = desk.command("extract ../x d/e f");
    assert!(some.current_dir(desk.path("some")).status().unwrap().success());
    assert_eq!(desk.tree("some"), ["d", "d/e", "d/e/b", "f"]);
    fs::create_dir(desk.path("all")).unwrap();
    let mut all = desk.command("extract ../x");
    assert!(all.current_dir(desk.path("all")).status().unwrap().success());
    assert_eq!(desk.tree("all"), ["d", "d/a", "d/e", "d/e/b", "dd", "f"]);
    assert_eq!(desk.text("all/d/e/b"), "2");
}

#[test]
fn the_latest_version_comes_out_and_what_is_deleted_does_not() {
    let desk = Desk::with(&[("d/a", "first"), ("d/gone", "x")]);
    desk.done("add x d");
    desk.write("d/a", b"second");
    desk.remove("d/gone");
    desk.done("add x d");
    desk.write("d/a", b"third");
    desk.done("add x d");
    desk.done("extract x -to out");
    assert_eq!(desk.tree("out"), ["d", "d/a"]);
    assert_eq!(desk.text("out/d/a"), "third");
    let asked = desk.zarc("extract x d/gone -to again");
    assert_eq!(asked.code, 2);
    assert!(asked.talk.contains("d/gone: not in the archive"), "{}", asked.talk);
}

/// Each object is told with its mark; dates and permissions are set where contents are the same.
#[test]
fn existing_files_are_left_alone_without_force() {
    let desk = Desk::with(&[("d/same", "same"), ("d/differs", "stored"), ("d/new", "new")]);
    desk.done("add x d");
    let said = desk.done("extract x -to out");
    let written = ["> out/d", "> out/d/differs 6", "> out/d/new 3", "> out/d/same 4"];
    assert_eq!(said.items(), written);
    fs::write(desk.path("out/d/differs"), "mine").unwrap();
    set_mtime(&desk.path("out/d/differs"), (77, 0));
    desk.set_mode("out/d/same", 0o600);
    set_mtime(&desk.path("out/d/same"), (78, 0));
    fs::remove_file(desk.path("out/d/new")).unwrap();

    let said = desk.done("extract x -to out");
    let skipped = ["? out/d/differs 6", "> out/d/new 3", "? out/d/same 4"];
    assert_eq!(said.items(), skipped);
    assert_eq!(desk.text("out/d/differs"), "mine");
    assert_eq!(desk.mode_and_date("out/d/differs"), (0o644, (77, 0)));
    assert_eq!(desk.mode_and_date("out/d/same"), (0o600, (78, 0)));

    let said = desk.done("extract x -to out -force");
    assert_eq!(said.items(), ["> out/d/differs 6", "= out/d/new 3", "= out/d/same 4"]);
    assert_eq!(desk.text("out/d/differs"), "stored");
    for name in ["out/d/differs", "out/d/same", "out/d/new"] {
        assert_eq!(desk.mode_and_date(name), (0o644, (DATE, 0)), "{name}");
    }
}

/// One flipped bit: the file that has it is named and not written, the others come out.
#[test]
fn a_wrong_fragment_is_an_error_and_the_rest_comes_out() {
    let desk = Desk::new();
    desk.write("d/noise", &noise(4, 100_000));
    desk.write("d/words", "words\n".repeat(100).as_bytes());
    desk.done("add x d");
    let mut bytes = desk.read("x.zarc");
    let (offset, len) = *frames(&bytes, 2).iter().max_by_key(|(_, len)| *len).unwrap();
    bytes[offset + len / 2] ^= 1;
    fs::write(desk.path("x.zarc"), bytes).unwrap();
    for line in ["extract x -to tested -test", "extract x -to out"] {
        let said = desk.zarc(line);
        assert_eq!(said.code, 2, "{line}");
        assert!(said.talk.contains("d/noise: not restored"), "{line}: {}", said.talk);
        assert!(said.items().contains(&"> out/d/words 600") || line.ends_with("-test"));
    }
    assert!(!desk.path("tested").exists());
    assert_eq!(desk.tree("out"), ["d", "d/words"]);
    let tested = desk.zarc("test x");
    assert_eq!(tested.code, 2);
    assert!(tested.talk.contains("damaged place"), "{}", tested.talk);
}

#[test]
fn absolute_names_are_listed_as_given_and_stay_below_the_current_directory() {
    let desk = Desk::with(&[("d/a", "content"), ("w/up", "up")]);
    let absolute = desk.path("d").to_str().unwrap().to_owned();
    let mut from_below = desk.command(&format!("add ../x {absolute} ../w"));
    assert!(from_below.current_dir(desk.path("d")).status().unwrap().success());
    let listed = desk.done("list x");
    let names: Vec<&str> = listed.rows().iter().map(|row| row.name).collect();
    assert_eq!(names[..2], [format!("{absolute}/"), format!("{absolute}/a")]);
    assert_eq!(names[2..], ["../w/", "../w/up"]);
    assert_eq!(listed.rows()[3].date, SHOWN_DATE);

    fs::create_dir(desk.path("below")).unwrap();
    let mut extract = desk.command("extract ../x");
    let output = extract.current_dir(desk.path("below")).output().unwrap();
    assert!(output.status.success());
    assert_eq!(desk.text(&format!("below{absolute}/a")), "content");
    assert_eq!(desk.text("below/w/up"), "up");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("leading / and .. are removed from names"), "{told}");
    // In place, when it is asked for.
    fs::remove_file(desk.path("d/a")).unwrap();
    desk.done(&format!("extract x {absolute} -to {absolute}"));
    assert_eq!(desk.text("d/a"), "content");
}
