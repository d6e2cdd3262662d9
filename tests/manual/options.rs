//! `-not`, `-only`, `-to`, `-noattributes`, `-nodelete` and `-test`.

use std::fs;

use super::{DATE, Desk, Row, SHOWN_DATE};

#[test]
fn not_leaves_out_what_matches_from_add_extract_and_list() {
    let files =
        [("d/a.c", "1"), ("d/a.o", "2"), ("d/e.o/x", "3"), ("d/sub/b.o", "4"), ("d/xo", "5")];
    let desk = Desk::with(&files);
    desk.done("add part d -not *.o d/s?b");
    assert_eq!(desk.done("list part").names(), ["- d/", "- d/a.c", "- d/xo"]);
    desk.done("add all d");
    let listed = desk.done("list all -not *.o -not d/sub");
    assert_eq!(listed.names(), ["- d/", "- d/a.c", "- d/xo"]);
    assert_eq!(desk.done("list all -not d? d/sub?").rows(), desk.done("list all").rows());
    let compared = desk.done("list all d -not d/?*");
    assert_eq!(compared.names(), ["= d/"]);
    desk.done("extract all -to out -not d/e.o d/?.c");
    assert_eq!(desk.tree("out"), ["d", "d/a.o", "d/sub", "d/sub/b.o", "d/xo"]);
    // What is left out is not deleted either.
    desk.remove("d/a.o");
    desk.done("add all d -not *.o");
    assert!(desk.done("list all").names().contains(&"- d/a.o".to_owned()));
}

#[test]
fn only_takes_nothing_but_what_matches() {
    let desk = Desk::with(&[("d/a.c", "1"), ("d/b.h", "2"), ("d/sub/c.c", "3"), ("d/sub/d", "4")]);
    desk.done("add part d -only *.c d/?.h");
    assert_eq!(desk.done("list part").names(), ["- d/a.c", "- d/b.h", "- d/sub/c.c"]);
    desk.done("add all d -only *");
    assert_eq!(desk.done("list all").rows().len(), 6, "* is everything");
    assert_eq!(desk.done("list all -only d/sub").names().len(), 3);
    desk.done("extract all -to out -only d/s* -not *.c");
    assert_eq!(desk.tree("out"), ["d", "d/sub", "d/sub/d"]);
}

#[test]
fn symbols_hide_rows_of_a_comparison() {
    let desk = Desk::with(&[("d/differs", "1"), ("d/gone", "2"), ("d/same", "3")]);
    desk.done("add x d");
    desk.write("d/differs", b"longer");
    desk.write("d/new", b"4");
    desk.remove("d/gone");
    for (hidden, names) in [
        ("=", &["# d/differs", "+ d/differs", "- d/gone", "+ d/new"][..]),
        ("=#", &["+ d/differs", "- d/gone", "+ d/new"]),
        ("=-", &["# d/differs", "+ d/differs", "+ d/new"]),
        ("=+", &["# d/differs", "- d/gone"]),
        ("=+-", &["# d/differs"]),
        ("=#+-?^", &[]),
    ] {
        assert_eq!(desk.done(&format!("list x d -not {hidden}")).names(), names, "{hidden}");
    }
}

#[test]
fn extract_renames_files_or_puts_everything_below_a_directory() {
    let desk = Desk::with(&[("file", "f"), ("dir/a", "a"), ("C:/foo", "c"), ("D:foo", "d")]);
    let absolute = desk.path("dir").to_str().unwrap().to_owned();
    desk.done(&format!("add x file dir C: D:foo {absolute}"));
    desk.done("extract x file dir -to newfile newdir");
    assert_eq!((desk.text("newfile"), desk.text("newdir/a")), ("f".into(), "a".into()));
    desk.done("extract x -to tmp");
    for (name, content) in [("file", "f"), ("dir/a", "a"), ("C/foo", "c"), ("D/foo", "d")] {
        assert_eq!(desk.text(&format!("tmp/{name}")), content, "{name}");
    }
    assert_eq!(desk.text(&format!("tmp/{absolute}/a")), "a");
}

#[test]
fn add_and_list_rename_what_is_outside() {
    let desk = Desk::with(&[("dir/file", "1"), ("dir/sub/x", "2"), ("other", "3")]);
    desk.done("add x dir other -to newdir");
    let names = ["- newdir/", "- newdir/file", "- newdir/sub/", "- newdir/sub/x", "- other"];
    assert_eq!(desk.done("list x").names(), names);
    let same = names.map(|name| name.replace('-', "="));
    assert_eq!(desk.done("list x dir other -to newdir").names(), same);
    desk.remove("dir/file");
    desk.write("dir/new", b"4");
    let compared = desk.done("list x dir -to newdir -not =");
    assert_eq!(compared.names(), ["- newdir/file", "+ newdir/new"]);
}

#[test]
fn names_are_chosen_before_they_are_renamed() {
    let desk = Desk::with(&[("dir/a", "1"), ("dir/b", "2")]);
    desk.done("add x dir -to new -not dir/b new/a");
    assert_eq!(desk.done("list x").names(), ["- new/", "- new/a"]);
    let compared = desk.done("list x dir -to new -only dir/a");
    assert_eq!(compared.names(), ["= new/a"]);
    desk.done("extract x new -to out -only new/a -not out/a");
    assert_eq!(desk.tree("out"), ["a"]);
}

#[test]
fn without_attributes_permissions_are_not_saved_restored_or_compared() {
    let desk = Desk::with(&[("d/f", "content")]);
    desk.set_mode("d/f", 0o751);
    desk.done("add bare d -noattributes");
    desk.done("extract bare -to out");
    desk.done("add full d");
    desk.done("extract full -to plain -noattributes");
    // What the umask leaves a new file.
    fs::write(desk.path("default"), "").unwrap();
    let (default, _) = desk.mode_and_date("default");
    for name in ["out/d/f", "plain/d/f"] {
        assert_eq!(desk.mode_and_date(name), (default, (DATE, 0)), "{name}");
    }
    desk.set_mode("d/f", 0o600);
    assert_eq!(desk.done("list bare d").names(), ["= d/", "= d/f"], "none were saved");
    let listed = desk.done("list full d -noattributes");
    let row = |size, name| Row { symbol: '=', date: SHOWN_DATE, size, mode: "     ", name };
    assert_eq!(listed.rows(), [row(0, "d/"), row(7, "d/f")]);
    assert_eq!(desk.done("list full d").names(), ["= d/", "# d/f", "+ d/f"]);
}

#[test]
fn with_nodelete_what_is_gone_stays() {
    let desk = Desk::with(&[("d/gone", "1"), ("d/stays", "2")]);
    desk.done("add x d");
    desk.remove("d/gone");
    let said = desk.done("add x d -nodelete");
    assert!(said.items().is_empty());
    assert_eq!(desk.done("list x").names(), ["- d/", "- d/gone", "- d/stays"]);
    assert_eq!(desk.done("add x d").items(), ["- d/gone"]);
}

#[test]
fn with_test_nothing_is_written() {
    let desk = Desk::with(&[("d/a", "1")]);
    let before = desk.tree("");
    let said = desk.done("add x d -test");
    assert_eq!(said.items(), ["+ d", "+ d/a 1"]);
    let told = said.data.lines().last().unwrap();
    assert!(told.contains(" MB stored, ") && told.ends_with(" seconds"), "{told}");
    assert_eq!(desk.tree(""), before, "no archive is made");

    desk.done("add x d");
    let archive = desk.read("x.zarc");
    desk.write("d/a", b"22");
    assert_eq!(desk.done("add x d -test").items(), ["# d/a 2"]);
    assert!(desk.read("x.zarc") == archive, "none is appended to");

    let before = desk.tree("");
    desk.set_mode("d/a", 0o600);
    let said = desk.done("extract x -test -force");
    assert_eq!(said.items(), ["> d", "> d/a 1"], "files are not compared");
    assert_eq!(desk.tree(""), before);
    assert_eq!(desk.text("d/a"), "22");
    assert_eq!(desk.mode_and_date("d/a").0, 0o600);
}
