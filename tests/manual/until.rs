//! `-until`: the archive as it was.

use super::{DATE, Desk};
use crate::support::workbench::set_mtime;

/// Three versions of `d/f`: one, two, three.
fn three_versions() -> Desk {
    let desk = Desk::new();
    for content in ["one", "two", "three"] {
        desk.write("d/f", content.as_bytes());
        desk.done("add x d");
    }
    desk
}

fn content_until(desk: &Desk, until: &str) -> String {
    desk.done(&format!("extract x -to out -force -until {until}"));
    desk.text("out/d/f")
}

#[test]
fn a_version_shows_the_archive_after_so_many_updates() {
    let desk = three_versions();
    for (until, content) in [
        ("1", "one"),
        ("2", "two"),
        ("3", "three"),
        ("9999999", "three"),
        ("-1", "two"),
        ("-2", "one"),
        ("-0", "three"),
    ] {
        assert_eq!(content_until(&desk, until), content, "-until {until}");
    }
    let listed = desk.done("list x -until 2 -all");
    assert!(listed.data.contains("0002/d/f") && !listed.data.contains("0003/"));
    assert!(listed.data.contains(" in 2 versions\n"));
    assert_eq!(desk.done("test x -until 2").number_before("versions"), 2);
    for until in ["0", "-3", "-99"] {
        assert_eq!(desk.done(&format!("list x -until {until}")).rows(), [], "-until {until}");
        assert_eq!(desk.zarc(&format!("extract x -until {until}")).code, 2, "-until {until}");
    }
    // What a file on disk is compared with.
    desk.write("d/f", b"two");
    let compared = desk.done("list x d -until 2 -force -not =");
    assert_eq!(compared.names(), Vec::<String>::new());
}

/// Each update has a date of its own; up to its last second it counts.
#[test]
fn a_date_shows_the_archive_as_it_was_then_in_universal_time() {
    let desk = three_versions();
    let said = desk.done("list x -all -not ????/?*");
    let dates: Vec<String> = said.rows().iter().map(|row| row.date.to_owned()).collect();
    for (date, content) in dates.iter().zip(["one", "two", "three"]) {
        let digits: String = date.chars().filter(char::is_ascii_digit).collect();
        for until in [date.clone(), date.replace('-', "/"), date.replace(' ', "T"), digits] {
            let line = format!("extract x -to out -force -until {until}");
            let status = desk.command(&line).env("TZ", "AAA+11").status().unwrap();
            assert!(status.success(), "{line}");
            assert_eq!(desk.text("out/d/f"), content, "{line}");
        }
    }
    assert_eq!(content_until(&desk, "2999/12/31"), "three");
    assert_eq!(desk.done("list x -until 2014/04/30 11:30").rows(), []);
}

#[test]
fn dates_of_files_have_nothing_to_do_with_it() {
    let desk = three_versions();
    // In the year 2033.
    set_mtime(&desk.path("d/f"), (2 * DATE, 0));
    desk.done("add x d");
    let listed = desk.done("list x d -until 4");
    assert_eq!(listed.names(), ["= d/", "= d/f"]);
    assert_eq!(listed.rows()[1].date, "2033-05-18 03:33:20");
}
