//! Goal: names that mean one place on disk are restored one after the other, and a hard link leads to the
//! object it led to. Method: archives in which the later name has the earlier block, so that it would come
//! first if nobody looked.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use zarc::base::StoredPath;
use zarc::command::ExtractOptions;
use zarc::select::Rename;

use super::support::extraction::{options, run, tree};
use super::support::{Made, Thing, file, noise};

fn path(path: &Path) -> StoredPath {
    StoredPath::normalized(path.to_str().unwrap().as_bytes()).unwrap()
}

/// What became of two names of one place, without force and with it.
fn restore_both(options: &ExtractOptions, place: &Path, first: &[u8], second: &[u8]) {
    let (summary, told) = run(options);
    assert_eq!(
        (summary.written, summary.skipped, summary.problems),
        (1, 1, 0),
        "{}",
        told.warnings()
    );
    assert_eq!(fs::read(place).unwrap(), first);
    fs::remove_file(place).unwrap();
    let forced = ExtractOptions { force: true, ..options.clone() };
    let (summary, told) = run(&forced);
    assert_eq!(
        (summary.written, summary.skipped, summary.problems),
        (2, 0, 0),
        "{}",
        told.warnings()
    );
    assert_eq!(fs::read(place).unwrap(), second);
}

#[test]
fn of_two_names_of_one_place_the_first_is_there_first() {
    for (first, second) in [("./d/a", "d/a"), ("/d/a", "d/a"), ("d/../a", "d/a")] {
        let mut made = Made::new();
        let contents = [noise(1, 30_000), noise(2, 40_000)];
        made.update(&[(second, file(&contents[1]))]);
        made.update(&[(first, file(&contents[0]))]);
        let out = made.path("out");
        restore_both(&options(&made, &out), &out.join("d/a"), &contents[0], &contents[1]);
    }
}

#[test]
fn two_names_that_the_user_sends_to_one_place_are_restored_one_after_the_other() {
    let contents = [noise(1, 30_000), noise(2, 40_000)];
    for (to_first, to_second) in [("out/x/f", "out/x/f"), ("out/x/f", "out"), ("out", "out/x/f")] {
        let mut made = Made::new();
        let name = |name: &'static str, to| {
            if to == "out" { [name, "/x/f"].concat() } else { name.to_owned() }
        };
        let (first, second) = (name("a", to_first), name("b", to_second));
        made.update(&[(second.as_str(), file(&contents[1]))]);
        made.update(&[(first.as_str(), file(&contents[0]))]);
        let mut options = options(&made, &made.path("unused"));
        let from = ["a", "b"].map(|name| path(Path::new(name)));
        let to = [to_first, to_second].map(|to| path(&made.path(to)));
        options.rename = Rename::pairs(from.to_vec(), to.to_vec());
        restore_both(&options, &made.path("out/x/f"), &contents[0], &contents[1]);
    }
}

/// What is in a directory that this extraction made is not looked for first.
#[test]
fn in_a_new_directory_too_the_first_of_two_names_stays() {
    let contents = [noise(1, 30_000), noise(2, 40_000)];
    let mut made = Made::new();
    made.update(&[
        ("b", Thing::Directory(0o755)),
        ("b/f", file(&contents[1])),
        ("b/l", Thing::Symlink("2")),
    ]);
    made.update(&[
        ("a", Thing::Directory(0o755)),
        ("a/f", file(&contents[0])),
        ("a/l", Thing::Symlink("1")),
    ]);
    let mut options = options(&made, &made.path("unused"));
    let out = made.path("out");
    options.rename =
        Rename::pairs(["a", "b"].map(|name| path(Path::new(name))).to_vec(), vec![path(&out); 2]);
    let (summary, told) = run(&options);
    assert_eq!(
        (summary.written, summary.skipped, summary.problems),
        (3, 3, 0),
        "{}",
        told.warnings()
    );
    assert_eq!(fs::read(out.join("f")).unwrap(), contents[0]);
    assert_eq!(fs::read_link(out.join("l")).unwrap(), Path::new("1"));
    assert_eq!(tree(&out), ["f", "l"]);
    fs::remove_dir_all(&out).unwrap();
    options.force = true;
    let (summary, told) = run(&options);
    assert_eq!((summary.written, summary.problems), (5, 0), "{}", told.warnings());
    assert_eq!(fs::read(out.join("f")).unwrap(), contents[1]);
    assert_eq!(fs::read_link(out.join("l")).unwrap(), Path::new("2"));
}

/// A name that comes again, the same object, stays a link to the others.
#[test]
fn in_a_new_directory_too_links_that_come_again_are_kept() {
    let mut made = Made::new();
    let linked = || Thing::Linked(7, noise(3, 50_000));
    made.update(&[
        ("a", Thing::Directory(0o755)),
        ("a/f", linked()),
        ("a/g", linked()),
        ("b", Thing::Directory(0o755)),
        ("b/f", linked()),
    ]);
    let mut options = options(&made, &made.path("unused"));
    let out = made.path("out");
    let from = ["a", "b"].map(|name| path(Path::new(name)));
    options.rename = Rename::pairs(from.to_vec(), vec![path(&out); 2]);
    options.force = true;
    let (summary, told) = run(&options);
    assert_eq!((summary.written, summary.problems), (3, 0), "{}", told.warnings());
    let [f, g] = ["f", "g"].map(|name| fs::metadata(out.join(name)).unwrap().ino());
    assert_eq!(f, g);
}

/// To some file systems these are one place; to this one they may be two.
#[test]
fn names_that_differ_in_capital_letters_come_back_where_they_are_two() {
    let mut made = Made::new();
    made.update(&[("d/\u{e4}", file(&noise(1, 30_000))), ("d/f", file(&noise(2, 30_000)))]);
    made.update(&[("D/F", file(&noise(3, 30_000))), ("d/\u{c4}", file(&noise(4, 30_000)))]);
    let out = made.path("out");
    let (summary, told) = run(&options(&made, &out));
    assert_eq!(
        (summary.written + summary.skipped, summary.problems),
        (4, 0),
        "{}",
        told.warnings()
    );
    if summary.skipped == 0 {
        assert_eq!(fs::read(out.join("d/f")).unwrap(), noise(2, 30_000));
        assert_eq!(fs::read(out.join("D/F")).unwrap(), noise(3, 30_000));
    }
}

/// The first name of a file is taken by another file before the later name comes.
#[test]
fn a_later_name_is_no_link_to_what_took_the_place_of_the_first() {
    let linked = || Thing::Linked(7, noise(3, 50_000));
    let mut made = Made::new();
    made.update(&[("a", file(&noise(1, 30_000)))]);
    made.update(&[("./a", linked()), ("b", linked()), ("c", linked())]);
    let out = made.path("out");
    let mut options = options(&made, &out);
    options.force = true;
    let (summary, told) = run(&options);
    assert_eq!((summary.written, summary.problems), (4, 0), "{}", told.warnings());
    assert_eq!(tree(&out), ["a", "b", "c"]);
    assert_eq!(fs::read(out.join("a")).unwrap(), noise(1, 30_000));
    for name in ["b", "c"] {
        assert_eq!(fs::read(out.join(name)).unwrap(), noise(3, 50_000), "{name}");
    }
    // Where nothing gives way, the first name stays and the others are links to it.
    let out = made.path("kept");
    let (summary, told) = run(&ExtractOptions { force: false, ..self::options(&made, &out) });
    assert_eq!(
        (summary.written, summary.skipped, summary.problems),
        (3, 1, 0),
        "{}",
        told.warnings()
    );
    assert_eq!(fs::metadata(out.join("c")).unwrap().nlink(), 3);
    assert_eq!(fs::read(out.join("c")).unwrap(), noise(3, 50_000));
}
