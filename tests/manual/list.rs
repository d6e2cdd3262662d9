//! `list`: what is inside, and how it compares with the disk.

use std::fs;

use super::{DATE, Desk, Row, SHOWN_DATE};
use crate::support::workbench::set_mtime;

#[test]
fn each_row_has_symbol_date_size_permissions_and_name() {
    let desk = Desk::with(&[("d/file", "12345")]);
    desk.set_mode("d", 0o1777);
    desk.set_mode("d/file", 0o4751);
    let mut command = desk.command("add x d");
    assert!(command.status().unwrap().success());
    // Dates are in universal time, wherever the clock on the wall is.
    let output = desk.command("list x").env("TZ", "AAA-11").output().unwrap();
    let said = super::Said::of("list x", output);
    let row = |size, mode, name| Row { symbol: '-', date: SHOWN_DATE, size, mode, name };
    assert_eq!(said.rows(), [row(0, "d1777", "d/"), row(5, " 4751", "d/file")]);
}

#[test]
fn files_are_compared_with_those_on_disk() {
    let desk = Desk::with(&[
        ("d/date", "same bytes"),
        ("d/gone", "1"),
        ("d/mode", "1"),
        ("d/same", "1"),
        ("d/size", "1"),
        ("other", "not named"),
    ]);
    desk.done("add x d other");
    desk.remove("d/gone");
    desk.write("d/new", b"22");
    set_mtime(&desk.path("d/date"), (DATE + 60, 0));
    desk.set_mode("d/mode", 0o400);
    fs::write(desk.path("d/size"), "55555").unwrap();
    set_mtime(&desk.path("d/size"), (DATE, 0));
    let said = desk.done("list x d");
    let later = "2001-09-09 01:47:40";
    let row = |symbol, date, size, mode, name| Row { symbol, date, size, mode, name };
    let rows = [
        row('=', SHOWN_DATE, 0, "d0755", "d/"),
        row('#', SHOWN_DATE, 10, " 0644", "d/date"),
        row('+', later, 10, " 0644", "d/date"),
        row('-', SHOWN_DATE, 1, " 0644", "d/gone"),
        row('#', SHOWN_DATE, 1, " 0644", "d/mode"),
        row('+', SHOWN_DATE, 1, " 0400", "d/mode"),
        row('+', SHOWN_DATE, 2, " 0644", "d/new"),
        row('=', SHOWN_DATE, 1, " 0644", "d/same"),
        row('#', SHOWN_DATE, 1, " 0644", "d/size"),
        row('+', SHOWN_DATE, 5, " 0644", "d/size"),
    ];
    assert_eq!(said.rows(), rows);
    // Without names nothing is compared.
    let all = desk.done("list x").names();
    assert!(all.len() == 7 && all.iter().all(|name| name.starts_with('-')), "{all:?}");
}

/// With -force contents count, and dates and permissions do not.
#[test]
fn with_force_contents_are_compared_and_nothing_else() {
    let desk = Desk::with(&[("d/content", "ABC"), ("d/date", "1"), ("d/mode", "1")]);
    desk.done("add x d");
    fs::write(desk.path("d/content"), "abc").unwrap();
    set_mtime(&desk.path("d/content"), (DATE, 0));
    set_mtime(&desk.path("d/date"), (1, 0));
    desk.set_mode("d/mode", 0o777);
    let names = ["= d/", "# d/content", "+ d/content", "= d/date", "= d/mode"];
    assert_eq!(desk.done("list x d -force").names(), names);
}

#[test]
fn the_empty_archive_is_compared_as_one_that_holds_nothing() {
    let desk = Desk::with(&[("d/a", "content")]);
    let said = desk.done("list '' d");
    let row = |size, mode, name| Row { symbol: '+', date: SHOWN_DATE, size, mode, name };
    assert_eq!(said.rows(), [row(0, "d0755", "d/"), row(7, " 0644", "d/a")]);
    assert!(said.data.contains("\n0 =same, 0 #different, 2 +external, 0 -internal\n"));
    assert_eq!(desk.done("list ''").rows(), []);
    // There is nothing in it to restore or to check.
    for line in ["extract ''", "test ''"] {
        assert_eq!(desk.zarc(line).code, 2, "{line}");
    }
}

#[test]
fn files_cut_in_another_way_are_no_duplicates() {
    let content: Vec<u8> = crate::support::noise(3, 300_000);
    let desk = Desk::with(&[]);
    for name in ["d/a", "d/b", "d/c"] {
        desk.write(name, &content);
        let fragment = if name == "d/c" { "1" } else { "4" };
        desk.done(&format!("add x d -fragment {fragment}"));
    }
    let names = desk.done("list x -summary").names();
    assert_eq!(names.iter().filter(|name| name.starts_with('^')).count(), 1, "{names:?}");
}
