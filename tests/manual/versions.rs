//! `-all`: every version in its own numbered directory.

use std::collections::BTreeMap;

use super::{DATE, Desk, SHOWN_DATE};
use crate::support::workbench::real_seconds;

/// Three versions: `d/a` is added, changed and deleted; `d/b` stays from the second on.
fn three_versions() -> Desk {
    let desk = Desk::with(&[("d/a", "first")]);
    desk.done("add x d");
    desk.write("d/a", b"changed");
    desk.write("d/b", b"b");
    desk.done("add x d");
    desk.remove("d/a");
    desk.done("add x d");
    desk
}

#[test]
fn all_versions_are_listed_in_numbered_directories() {
    let desk = three_versions();
    let said = desk.done("list x -all");
    let rows = said.rows();
    let found: Vec<_> =
        rows.iter().filter(|row| !row.name.contains(" -> ")).map(|row| row.name).collect();
    // A directory whose contents changed is in the update again when it was looked at anew.
    let files: Vec<_> = found.into_iter().filter(|name| !name.ends_with('/')).collect();
    assert_eq!(files, ["0001/d/a", "0002/d/a", "0002/d/b", "0003/d/a"]);
    let row = |name: &str| rows.iter().find(|row| row.name == name).unwrap();
    assert_eq!((row("0001/d/a").size, row("0002/d/a").size), (5, 7));
    assert_eq!(row("0002/d/a").date, SHOWN_DATE);
    let deleted = row("0003/d/a");
    assert_eq!((deleted.date, deleted.mode, deleted.size), ("", "     ", 0));
}

#[test]
fn the_root_of_a_version_tells_its_date_counts_and_size() {
    let from = real_seconds();
    let desk = three_versions();
    let said = desk.done("list x -all 2 -not ??/?*");
    let rows = said.rows();
    let counts: Vec<&str> = rows.iter().map(|row| row.name.split(" -> ").next().unwrap()).collect();
    assert_eq!(counts, ["01/ +2 -0", "02/ +2 -0", "03/ +0 -1"]);
    // What the updates take is the archive but for its first page.
    let stored = rows.iter().map(|row| row.name.split(" -> ").nth(1).unwrap());
    let stored: u64 = stored.map(|bytes| bytes.parse::<u64>().unwrap()).sum();
    assert_eq!(stored + 4096, desk.len("x.zarc"));
    // Dates are those of the updates, one after another.
    let dates: Vec<&str> = rows.iter().map(|row| row.date).collect();
    assert!(dates.is_sorted_by(|one, next| one < next), "{dates:?}");
    let shown = |seconds| zarc::base::Timestamp { seconds, nanos: 0 }.to_string();
    assert!(*dates[0] >= *shown(from) && *dates[2] <= *shown(real_seconds() + 3), "{dates:?}");
}

#[test]
fn all_versions_are_extracted_as_they_are_listed() {
    let desk = three_versions();
    desk.done("extract x -all -to out");
    let files: BTreeMap<String, String> = desk
        .tree("out")
        .into_iter()
        .filter(|name| desk.path(&format!("out/{name}")).is_file())
        .map(|name| (name.clone(), desk.text(&format!("out/{name}"))))
        .collect();
    let expected = [("0001/d/a", "first"), ("0002/d/a", "changed"), ("0002/d/b", "b")];
    assert_eq!(files, expected.map(|(name, text)| (name.into(), text.into())).into());
    assert_eq!(desk.mode_and_date("out/0002/d/a"), (0o644, (DATE, 0)));
}

/// The directory of a version has the date of the update, also where the version only deletes.
#[test]
fn the_directory_of_a_version_is_extracted_with_the_date_of_the_update() {
    let desk = three_versions();
    let listed = desk.done("list x -all -not ????/?*");
    let dates = |listed: &super::Said, out: &str| {
        for row in listed.rows() {
            let (number, _) = row.name.split_once('/').unwrap();
            let (_, (seconds, nanos)) = desk.mode_and_date(&format!("{out}{number}"));
            let shown = zarc::base::Timestamp { seconds, nanos: 0 }.to_string();
            assert_eq!((shown.as_str(), nanos), (row.date, 0), "{out}{number}");
        }
    };
    desk.done("extract x -all -to out");
    dates(&listed, "out/");
    assert_eq!(desk.tree("out").iter().filter(|name| !name.contains('/')).count(), 3);
    // A later run dates what is there again only with -force.
    desk.write("out/0003/new", b"x");
    desk.done("extract x -all -to out");
    assert_eq!(desk.mode_and_date("out/0003").1, (DATE, 0));
    desk.done("extract x -all -to out -force");
    dates(&listed, "out/");
    // Renamed, and in the current directory.
    desk.done("extract x d -all -to away/e");
    dates(&listed, "away/");
    desk.done("extract x d -all -until 2");
    assert_eq!(desk.tree("0002"), ["d", "d/a", "d/b"]);
    // What is not wanted is left out like the rows of list.
    desk.done("extract x -all -to some -only 0002/* -not */d");
    assert_eq!(desk.tree("some"), ["0002"]);
    let said = desk.done("extract x -all -test -not ????/?*");
    assert_eq!(said.items(), ["> 0001", "> 0002", "> 0003"]);
}

#[test]
fn the_number_of_digits_is_at_least_what_was_asked_for() {
    let desk = Desk::new();
    for version in 1..=11 {
        desk.write(&format!("d/{version}"), b"content");
        desk.done("add x d -quiet");
    }
    for (line, first, last) in [
        ("list x -all 1", "1/d/1", "11/d/11"),
        ("list x -all 2", "01/d/1", "11/d/11"),
        ("list x -all", "0001/d/1", "0011/d/11"),
        ("list x -all 7", "0000001/d/1", "0000011/d/11"),
    ] {
        let said = desk.done(line);
        let names: Vec<&str> = said.rows().iter().map(|row| row.name).collect();
        assert!(names.contains(&first) && names.contains(&last), "{line}: {names:?}");
    }
}

#[test]
fn absolute_names_and_drive_letters_are_below_the_version() {
    let desk = Desk::with(&[("foo", "relative"), ("C:/foo", "drive"), ("D:foo", "D")]);
    let absolute = desk.path("foo").to_str().unwrap().to_owned();
    desk.done(&format!("add x foo C: D:foo {absolute}"));
    let said = desk.done("list x -all");
    let names: Vec<&str> = said.rows().iter().skip(1).map(|row| row.name).collect();
    let mut expected =
        ["0001/C/", "0001/C/foo", "0001/D/foo", "0001/foo"].map(String::from).to_vec();
    expected.push(format!("0001{absolute}"));
    let mut found: Vec<String> = names.into_iter().map(String::from).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    desk.done("extract x -all -to out");
    assert_eq!(desk.text("out/0001/C/foo"), "drive");
    assert_eq!(desk.text(&format!("out/0001{absolute}")), "relative");
}

#[test]
fn what_an_update_only_looked_at_again_is_not_listed_or_extracted_as_changed() {
    let desk = Desk::with(&[("d/same", "content"), ("d/other", "1")]);
    desk.done("add x d");
    // The same file under another inode number, and a change beside it.
    desk.remove("d/same");
    desk.write("d/same", b"content");
    desk.write("d/other", b"longer");
    desk.done("add x d");
    let names = desk.done("list x -all -not *1/*").names();
    let files: Vec<_> = names.iter().filter(|name| !name.ends_with('/')).collect();
    assert!(files.iter().any(|name| name.ends_with("0002/d/other")), "{names:?}");
    assert!(!files.iter().any(|name| name.ends_with("0002/d/same")), "{names:?}");
    desk.done("extract x -all -to out");
    assert!(!desk.path("out/0002/d/same").exists());
    assert!(desk.path("out/0001/d/same").exists() && desk.path("out/0002/d/other").exists());
}
