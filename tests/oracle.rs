//! Goal: zarc is what a user of zpaq expects. Method: both programs get the same trees and the same
//! words, and their listings and restored trees must be the same, apart from what `support/zpaq.rs`
//! normalises and what the table of differences below names.
//!
//! The oracle is zpaq 7.15. Where it does not follow the manual, the manual counts. Without zpaq
//! these tests say that they are skipped; where `CI` is set they fail.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use proptest::prelude::*;

use super::support::workbench::random_cases;
use super::support::zpaq::{Listed, Listing, Pair, Program, assert_same, parse};

/// Words of the commands that make the history; the last directory is deleted on the way.
const EVERYTHING: &[&str] = &["d", "empty", "top", "star*", "q?m", "two words", "caf\u{e9}"];

fn set_mode(pair: &Pair, name: &str, mode: u32) {
    fs::set_permissions(pair.work().join(name), fs::Permissions::from_mode(mode)).unwrap();
}

fn first_tree(pair: &mut Pair) {
    for (name, content) in [
        ("d/a.txt", "hello"),
        ("d/a b", "with a space"),
        ("d/void", ""),
        ("d/same", "hello"),
        ("d/sub/\u{e9}", "sub"),
        ("d/sub/deep/x.rs", "fn x"),
        ("d/sub/deep/y.c", "int y"),
        ("d/was_file", "a file"),
        ("d/was_dir/in", "in it"),
        ("d/-dash", "-"),
        ("d.x/between", "sorted before d/"),
        ("top", "top"),
        ("star*", "a name with a star"),
        ("q?m", "and one with a question mark"),
        ("two words/in it", "2"),
        ("caf\u{e9}/cr\u{e8}me", "3"),
    ] {
        pair.put(name, content.as_bytes());
    }
    pair.put("d/large", &super::support::noise(7, 300_000));
    fs::create_dir(pair.work().join("empty")).unwrap();
    set_mode(pair, "d/a.txt", 0o600);
    set_mode(pair, "d/sub/deep/x.rs", 0o4751);
    set_mode(pair, "empty", 0o1777);
}

/// Seven versions with all kinds of changes; each update is compared as it is made.
fn history() -> Option<Pair> {
    let mut pair = Pair::find()?;
    let work = pair.work();
    let at = |name: &str| work.join(name);
    first_tree(&mut pair);
    assert!(pair.add(EVERYTHING).len() > 20);
    pair.put("d/a.txt", b"hello again");
    pair.put("d/new.txt", b"new");
    set_mode(&pair, "d/a b", 0o755);
    fs::remove_file(at("d/void")).unwrap();
    pair.add(EVERYTHING);
    pair.touch("d/sub/\u{e9}");
    fs::remove_file(at("d/was_file")).unwrap();
    pair.put("d/was_file/in", b"a directory now");
    fs::remove_dir_all(at("d/was_dir")).unwrap();
    pair.put("d/was_dir", b"a file now");
    pair.add(EVERYTHING);
    fs::rename(at("d/sub/deep"), at("d/moved")).unwrap();
    fs::rename(at("top"), at("d/top")).unwrap();
    pair.put("top", b"another one");
    pair.add(EVERYTHING);
    fs::remove_dir(at("empty")).unwrap();
    pair.put("d/void", b"back");
    set_mode(&pair, "d/moved", 0o700);
    pair.put("d/large", &super::support::noise(8, 200_000));
    let part = pair.add(&["d"]);
    assert!(!part.contains("- empty"), "{part:?}");
    assert!(pair.add(EVERYTHING).contains("- empty"));
    pair.put("B", b"beside");
    let absolute = at("d/moved").to_str().unwrap().to_owned();
    pair.add(&["./B", &absolute]);
    Some(pair)
}

/// Changes of all kinds that no version has.
fn change_the_disk(pair: &mut Pair) {
    let work = pair.work();
    pair.put("d/a.txt", b"different on disk");
    fs::remove_file(work.join("d/new.txt")).unwrap();
    fs::remove_dir_all(work.join("d/was_file")).unwrap();
    pair.put("d/sub/fresh", b"only outside");
    set_mode(pair, "d/sub/\u{e9}", 0o640);
    pair.touch("d/was_dir");
    fs::create_dir_all(work.join("d/fresh/x")).unwrap();
    pair.touch("d/fresh/x");
    pair.touch("d/fresh");
    pair.touch("d");
    pair.touch("d/sub");
    // Here the directory stays as it was.
    pair.put("two words/in it", b"of another size");
}

const GLOBS: &[&[&str]] = &[
    &["*"],
    &["d"],
    &["d/"],
    &["d/sub"],
    &["*.txt"],
    &["d/*"],
    &["d/?*"],
    &["?"],
    &["d/??"],
    &["*b*"],
    &["d/sub/*", "top"],
    &["*/in"],
    &["d/a?b"],
    &["d/a b"],
    &["star*"],
    &["q?m"],
    &["*\u{e9}*"],
    &["d/sub/?"],
    &["d/sub/??"],
    &["d*"],
    &["d.*"],
    &["/"],
    &["/*"],
    &["./*"],
    &["./d"],
    &["*/*"],
    &["*/*/*"],
    &["nothing"],
    &["d/s*/*"],
    &["*d"],
    &["*/"],
    &["D*"],
    &["empty", "two words"],
    &["two?words/*it"],
    &["d/moved/x.rs", "d/moved/y.?", "*/a*"],
    &["*/moved"],
    &["*/moved/*"],
    &["0002"],
    &["0002/"],
    &["0002/*"],
    &["000?/d"],
    &["*3/d/*"],
    &["*", "d"],
];

#[test]
fn versions_are_listed_as_by_zpaq() {
    let Some(pair) = history() else { return };
    let newest = pair.compare_lists(&[]);
    assert!(newest.rows.len() > 20);
    for number in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "-1", "-2", "-6", "-7", "-8"] {
        pair.compare_lists(&["-until", number]);
        pair.compare_lists(&["-all", "-until", number]);
    }
    for date in ["1999-12-31", "20010101", "2999/12/31 23:59:59", "299901010000", "2999"] {
        pair.compare_lists(&["-until", date]);
        pair.compare_lists(&["-all", "-until", date]);
    }
    let all = pair.compare_lists(&["-all"]);
    assert_eq!(all.roots.len(), 7);
    for digits in ["1", "2", "6"] {
        pair.compare_lists(&["-all", digits]);
        let only_dates = format!("{}/?*", "?".repeat(digits.parse().unwrap()));
        let dates = pair.compare_lists(&["-all", digits, "-not", &only_dates]);
        assert_eq!((dates.roots.len(), dates.rows.len()), (7, 0));
    }
}

/// A date means the last update that was made until then, to the second.
#[test]
fn dates_of_updates_select_the_same_versions() {
    let Some(pair) = history() else { return };
    let [theirs, ours] = [Program::Zpaq, Program::Zarc].map(|program| pair.dates(program));
    assert_eq!((theirs.len(), ours.len()), (7, 7));
    for (number, (their_date, our_date)) in (1..).zip(theirs.iter().zip(&ours)) {
        let number: u64 = number;
        let spellings: [fn(&str) -> String; 3] = [
            str::to_owned,
            |date| date.replace(['-', ':', ' '], ""),
            |date| date.replace('-', "/"),
        ];
        for spell in spellings {
            let by_number = pair.list_with(Program::Zpaq, &["-until", &number.to_string()]);
            let by_date = pair.list_with(Program::Zpaq, &["-until", &spell(their_date)]);
            assert_eq!(by_date, by_number, "zpaq {their_date}");
            let by_number = pair.list_with(Program::Zarc, &["-until", &number.to_string()]);
            let by_date = pair.list_with(Program::Zarc, &["-until", &spell(our_date)]);
            assert_eq!(by_date, by_number, "zarc {our_date}");
        }
    }
}

#[test]
fn globs_select_the_same_names() {
    let Some(mut pair) = history() else { return };
    change_the_disk(&mut pair);
    for globs in GLOBS {
        for option in ["-only", "-not"] {
            for before in [&[][..], &["-all"], &["d", "top"], &["-until", "2"]] {
                pair.compare_lists(&[before, &[option], *globs].concat());
            }
        }
    }
    for words in [
        &["-only", "d", "-not", "*.txt"][..],
        &["-not", "*.txt", "-only", "d"],
        &["-only", "*.txt", "d/sub", "-not", "d/sub/*"],
        &["-only", "d/*", "-not", "d/sub", "d/moved/*"],
        &["-not", "d/?*", "-only", "d*"],
        &["d", "-only", "d/sub", "-not", "="],
    ] {
        pair.compare_lists(words);
    }
}

#[test]
fn files_are_compared_with_the_disk_as_by_zpaq() {
    let Some(mut pair) = history() else { return };
    let same = pair.compare_lists(&["d", "-not", "="]);
    assert_eq!(same, Listing::default(), "nothing has changed yet");
    change_the_disk(&mut pair);
    let absolute = pair.work().join("d/moved").to_str().unwrap().to_owned();
    for files in [
        &["d"][..],
        &["top"],
        &["d/sub", "top", "B"],
        &["./B"],
        &[&absolute],
        &["."],
        &["d/"],
        &["d", "d/sub"],
        &["d", "d"],
        &["two words", "caf\u{e9}"],
        &["d/../d"],
        EVERYTHING,
    ] {
        pair.compare_lists(files);
        pair.compare_lists(&[files, &["-not", "="]].concat());
        pair.compare_lists(&[files, &["-force"]].concat());
        pair.compare_lists(&[files, &["-noattributes"]].concat());
    }
    let symbols = |rows: &[Listed]| rows.iter().map(|row| row.symbol).collect::<Vec<_>>();
    let whole = symbols(&pair.compare_lists(&["d"]).rows);
    assert!("=#-+".chars().all(|symbol| whole.contains(&symbol)), "{whole:?}");
    for hidden in ["=", "=#", "=-", "=+", "=#+", "=-+", "=#-+", "=^", "=#=-"] {
        pair.compare_lists(&["d", "-not", hidden]);
        pair.compare_lists(&["-not", hidden]);
        pair.compare_lists(&["d", "-not", hidden, "*.txt"]);
        pair.compare_lists(&["d", "-force", "-not", hidden]);
    }
    for number in ["0", "1", "2", "3", "5", "-1", "-3"] {
        pair.compare_lists(&["d", "-until", number]);
        pair.compare_lists(&["d", "-force", "-until", number]);
        pair.compare_lists(&["d", "top", "-noattributes", "-until", number]);
    }
    pair.compare_lists(&["-noattributes"]);
    pair.compare_lists(&["-noattributes", "-all"]);
}

/// What `zpaq list FILES -to NAMES` shows: it calls external files by their external names, zarc by
/// the internal ones that they are compared with.
fn renamed(mut listing: Listing, files: &[&str], names: &[&str]) -> Listing {
    for row in listing.rows.iter_mut().filter(|row| row.symbol == '+') {
        let pair = files.iter().zip(names).find_map(|(file, name)| {
            let rest = row.name.strip_prefix(file)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{name}{rest}"))
        });
        row.name = pair.unwrap_or_else(|| row.name.clone());
    }
    listing.rows.sort();
    listing
}

#[test]
fn files_are_compared_under_other_names_as_by_zpaq() {
    let Some(mut pair) = history() else { return };
    change_the_disk(&mut pair);
    let absolute = pair.work().join("d").to_str().unwrap().to_owned();
    for (files, names) in [
        (&["d"][..], &["d"][..]),
        (&["d"], &["other"]),
        (&["d/sub"], &["d/moved"]),
        (&["d", "top"], &["d", "B"]),
        (&["d", "top"], &["other"]),
        (&["top"], &["d/top"]),
        (&[&absolute], &["d"]),
        (&["d/moved"], &["d/sub/deep"]),
    ] {
        for more in [&[][..], &["-not", "="], &["-force"], &["-until", "3"]] {
            let words = [files, &["-to"], names, more].concat();
            let (theirs, ours) = pair.list(&words);
            assert_same(&renamed(theirs, files, names), &ours, &words);
        }
    }
}

#[test]
fn the_same_is_restored() {
    let Some(pair) = history() else { return };
    let out = pair.compare_extracts(&["-to", "out"], true);
    assert!(out.len() > 25 && out.contains_key("out/B"), "{out:?}");
    for words in [
        &["d"][..],
        &["d", "top"],
        &["d", "-to", "out"],
        &["d", "top", "-to", "one", "two/three"],
        &["d", "top", "-to", "one"],
        &["d/moved", "-to", "m/n/o"],
        &["./B"],
        &["d/sub/\u{e9}", "two words"],
        &["empty", "-until", "1"],
        &["d", "-noattributes"],
        &["d", "d/sub"],
        &["-until", "1"],
        &["-until", "3", "-to", "three"],
        &["-until", "-2", "-to", "back"],
        &["d", "-until", "2"],
        &["-only", "d/*"],
        &["-to", "out", "-only", "*.txt", "*/moved"],
        &["-to", "out", "-not", "*.txt"],
        &["-to", "out", "-not", "*/moved/*", "star?"],
        &["d", "-only", "*/sub", "-not", "*\u{e9}"],
        &["-all", "-to", "all"],
        &["-all", "2", "-to", "all"],
        &["-all"],
        &["-all", "-until", "3"],
        &["-all", "-only", "*/void", "*/was_file"],
        &["-all", "-not", "000[12]", "*.txt"],
    ] {
        pair.compare_extracts(words, true);
    }
    let absolute = pair.work().join("d/moved").to_str().unwrap().to_owned();
    pair.compare_extracts(&[&absolute, "-to", "mm"], true);
}

/// What exists is skipped; with force it becomes what the archive has.
#[test]
fn what_exists_is_skipped_or_with_force_overwritten_as_by_zpaq() {
    let Some(pair) = history() else { return };
    let whole = pair.compare_extracts(&["d"], true);
    for program in [Program::Zpaq, Program::Zarc] {
        let out = pair.out(program);
        fs::write(out.join("d/a.txt"), "mine").unwrap();
        fs::remove_file(out.join("d/large")).unwrap();
        set_file_times(&out.join("d/a.txt"));
        set_file_times(&out.join("d/same"));
        fs::set_permissions(out.join("d/new.txt"), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let skipped = pair.compare_extracts(&["d"], false);
    assert!(skipped["d/a.txt"].ends_with("mine") && skipped["d/large"] == whole["d/large"]);
    let forced = pair.compare_extracts(&["d", "-force"], false);
    assert_eq!(forced, whole);
}

fn set_file_times(path: &Path) {
    super::support::workbench::set_mtime(path, (1_400_000_000, 0));
}

#[test]
fn files_are_added_under_the_same_names() {
    let absolute_name = |pair: &Pair| pair.work().join("d/sub").to_str().unwrap().to_owned();
    let placeholder = "ABSOLUTE";
    for words in [
        &["d", "-to", "n"][..],
        &["d", "two words", "top", "-to", "n", "m"],
        &["d/sub", "d"],
        &["d", "d/sub"],
        &["d", "d"],
        &["d", "./d"],
        &["d", "d/sub", "-to", "a", "b"],
        &["."],
        &["d", "-not", "*.txt"],
        &["d", "top", "-only", "*/sub", "top"],
        &["d", "-not", "d/sub"],
        &["d", "-not", "d/sub/*", "d/was?file"],
        &["d", "-only", "d/*/?*"],
        &["d", "-to", "n", "-not", "n/sub"],
        &["d", "-to", "n", "-only", "d/sub"],
        &[placeholder],
        &[placeholder, "-to", "g"],
        &["../tree/d"],
        &["d", "-only", "nothing"],
        &["top", "-not", "*"],
        &["d", "-to", "/abs/x"],
        &["d/a.txt", "-to", "b"],
        &["d/.."],
        &["d/sub/../a.txt", "d/./sub"],
        &["two words/", "star*", "q?m"],
    ] {
        let Some(mut pair) = Pair::find() else { return };
        first_tree(&mut pair);
        let absolute = absolute_name(&pair);
        let words: Vec<&str> =
            words.iter().map(|&word| if word == placeholder { &absolute } else { word }).collect();
        pair.add_apart(&words);
        if pair.has_archive(Program::Zarc) {
            pair.compare_lists(&[]);
        } else {
            assert!(!pair.has_archive(Program::Zpaq), "{words:?}");
        }
    }
}

/// One thing that the programs do not do alike.
struct Difference {
    /// The command, after `add PREPARATION`.
    words: &'static [&'static str],
    /// What zpaq 7.15 lists, stores or restores.
    theirs: &'static str,
    /// What zarc does.
    ours: &'static str,
    /// Why that is right.
    reason: &'static str,
}

/// What the archive holds before the words of a difference.
const PREPARATION: &[&str] = &["d", "e", "f", "d/../g", "link"];

/// All known differences that `support/zpaq.rs` does not normalise.
const DIFFERENCES: &[Difference] = &[
    Difference {
        words: &["list", "link"],
        theirs: "",
        ours: "= link -> f",
        reason: "symbolic links are stored: a restore must be complete",
    },
    Difference {
        words: &["list", "-only", "d//s"],
        theirs: "",
        ours: "- d/s/, - d/s/b",
        reason: "repeated slashes mean one, as for the system",
    },
    Difference {
        words: &["list", "e", "-not", "e?"],
        theirs: "= e/c",
        ours: "= e/, = e/c",
        reason: "the manual: a match to a directory also matches its contents; e? does not match e/c",
    },
    Difference {
        words: &["list", "-only", "??"],
        theirs: "- d/, - e/",
        ours: "",
        reason: "the same: ? is not the slash that ends the name of a directory",
    },
    Difference {
        words: &["list", "f/"],
        theirs: "",
        ours: "= f",
        reason: "a slash behind the name of a file is dropped",
    },
    Difference {
        words: &["list", "e", "-until", "-0"],
        theirs: "",
        ours: "= e/, = e/c",
        reason: "the manual gives -0 no meaning of its own; zpaq 7.15 prints its usage",
    },
    Difference {
        words: &["list", "e", "-all"],
        theirs: "+ e/, + e/c",
        ours: "- 0001/e/, - 0001/e/c",
        reason: "the manual: -all lists all saved versions; zpaq 7.15 compares e with 0001/e",
    },
    Difference {
        words: &["list", "e", "-to", "x"],
        theirs: "+ e/, + e/c",
        ours: "+ x/, + x/c",
        reason: "the manual: list renames external files to internal names",
    },
    Difference {
        words: &["add", "d//s"],
        theirs: "- d//s/, - d//s/b",
        ours: "- d/s/, - d/s/b",
        reason: "a file has one name, however often the slash was typed",
    },
    Difference {
        words: &["add", "e", "-to", "n/"],
        theirs: "- n//, - n//c",
        ours: "- n/, - n/c",
        reason: "a file has one name, however often the slash was typed",
    },
    Difference {
        words: &["add", "e//"],
        theirs: "",
        ours: "- e/, - e/c",
        reason: "the manual: a directory includes all files within; zpaq 7.15 finds nothing",
    },
    Difference {
        words: &["add", "f/"],
        theirs: "",
        ours: "- f",
        reason: "a slash behind the name of a file is dropped",
    },
    Difference {
        words: &["add", "e", "-to", ""],
        theirs: "- /, - /c",
        ours: "",
        reason: "an empty name is refused, not taken for the root directory",
    },
    Difference {
        words: &["add", "e", "e.x", "-to", "n"],
        theirs: "- n.x, - n/, - n/c",
        ours: "- e.x, - n/, - n/c",
        reason: "e.x has no other name and is not within e; zpaq 7.15 replaces any beginning",
    },
    Difference {
        words: &["add", "d/s", "d", "-to", "x", "y"],
        theirs: "- x/, - x/b, - y/, - y/a.txt",
        ours: "- x/, - x/b, - y/, - y/a.txt, - y/s/, - y/s/b",
        reason: "each of the files is stored whole under its own name",
    },
    Difference {
        words: &["add", "--", "f"],
        theirs: "",
        ours: "- f",
        reason: "-- ends the options; zpaq 7.15 prints its usage",
    },
    Difference {
        words: &["extract", "*.txt"],
        theirs: "d, d/a.txt",
        ours: "",
        reason: "the manual: wildcards in files are for the shell; patterns are for -only",
    },
    Difference {
        words: &["extract", "d/../g"],
        theirs: "d, g",
        ours: "d, d/g",
        reason: "what an archive says leads nowhere but below the target",
    },
    Difference {
        words: &["extract", "link"],
        theirs: "",
        ours: "link",
        reason: "symbolic links are stored: a restore must be complete",
    },
];

/// The table is no excuse for more than it says, and nothing stays in it that is a difference no more.
#[test]
fn each_known_difference_is_just_this_one() {
    for difference in DIFFERENCES {
        let Some(mut pair) = Pair::find() else { return };
        for name in ["d/a.txt", "d/s/b", "e/c", "e.x", "f", "g"] {
            pair.put(name, b"content");
        }
        std::os::unix::fs::symlink("f", pair.work().join("link")).unwrap();
        let (command, words) = difference.words.split_first().unwrap();
        if *command != "add" {
            pair.add_apart(PREPARATION);
        }
        let found = [Program::Zpaq, Program::Zarc].map(|program| match *command {
            "extract" => {
                pair.run_extract(program, words);
                let names: Vec<String> = pair.restored(program).into_keys().collect();
                names.join(", ")
            }
            "add" => {
                pair.run(program, &pair.work(), "add", words);
                shown(&pair, program, &[])
            }
            _ => shown(&pair, program, words),
        });
        let [theirs, ours] = found;
        let (words, reason) = (difference.words, difference.reason);
        assert_eq!(theirs, difference.theirs, "zpaq {words:?}: {reason}");
        assert_eq!(ours, difference.ours, "zarc {words:?}: {reason}");
    }
}

/// The manual does not say what two files are that get one name. zpaq 7.15 keeps the one whose own
/// name sorts last, zarc the one that was named first.
#[test]
fn of_two_files_under_one_name_the_first_named_is_kept() {
    for (files, theirs, ours) in [(["f", "g"], "g", "f"), (["g", "f"], "g", "g")] {
        let Some(mut pair) = Pair::find() else { return };
        pair.put("f", b"f");
        pair.put("g", b"g");
        pair.add_apart(&[&files[..], &["-to", "x", "x"]].concat());
        for (program, kept) in [(Program::Zpaq, theirs), (Program::Zarc, ours)] {
            pair.run_extract(program, &["x"]);
            assert!(pair.restored(program)["x"].ends_with(kept), "{program:?} {files:?}");
        }
    }
}

/// Symbols and names that a program lists, sorted by name.
fn shown(pair: &Pair, program: Program, words: &[&str]) -> String {
    let output = pair.run(program, &pair.work(), "list", words);
    let mut rows = parse(&output.stdout, true).rows;
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    let rows: Vec<String> = rows.iter().map(|row| format!("{} {}", row.symbol, row.name)).collect();
    rows.join(", ")
}

/// Names and globs of few letters, so that they often meet.
fn word(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(pieces), 1..6).prop_map(|pieces| pieces.concat())
}

fn globs() -> impl Strategy<Value = Vec<String>> {
    // Where a letter follows, ? is not the slash at the end of a directory's name.
    let glob = word(&["a", "b", "*", "?a", "?b", "/", ".c", "ab"]);
    // zarc takes several slashes for one, zpaq does not: the table above.
    let glob = (any::<bool>(), glob).prop_map(|(is_rooted, glob)| {
        let glob = if is_rooted { format!("t/{glob}") } else { glob };
        glob.split("//").collect::<Vec<_>>().join("/").replace("//", "/")
    });
    prop::collection::vec(glob, 0..3)
}

fn tree() -> impl Strategy<Value = Vec<String>> {
    let name = prop::collection::vec(word(&["a", "b", ".c", "a b"]), 1..4);
    prop::collection::vec(name.prop_map(|parts| format!("t/{}", parts.join("/"))), 1..12)
}

/// Makes what has room: a name may be taken already, or lead through a file.
fn make(pair: &mut Pair, names: &[String]) {
    for name in names {
        let path = pair.work().join(name);
        let parent = path.parent().unwrap();
        if !path.exists() && (parent.is_dir() || fs::create_dir_all(parent).is_ok()) {
            pair.put(name, name.as_bytes());
        }
    }
}

/// Random globs choose the same names of random trees, on disk, in an archive and between both.
#[test]
fn random_globs_select_the_same_names() {
    if Pair::find().is_none() {
        return;
    }
    let cases = (tree(), tree(), globs(), globs());
    let check = |(before, after, only, not): (Vec<String>, Vec<String>, Vec<_>, Vec<_>)| {
        let mut pair = Pair::find().unwrap();
        make(&mut pair, &before);
        let mut options: Vec<&str> = Vec::new();
        for (option, globs) in [("-only", &only), ("-not", &not)] {
            if !globs.is_empty() {
                options.push(option);
                options.extend(globs.iter().map(String::as_str));
            }
        }
        pair.add(&["t"]);
        pair.compare_lists(&options);
        pair.compare_lists(&[&["-all"], &options[..]].concat());
        pair.compare_extracts(&[&["-to", "out"], &options[..]].concat(), true);
        make(&mut pair, &after);
        pair.compare_lists(&[&["t"], &options[..]].concat());
        pair.add(&[&["t"], &options[..]].concat());
        pair.compare_lists(&[]);
        Ok(())
    };
    random_cases(24).run(&cases, check).unwrap();
}

/// Names and symbols of each size, largest first: equal sizes may come in any order, and which of
/// some duplicates is the first.
fn by_size(listing: &Listing) -> Vec<(u64, Vec<String>, usize)> {
    let mut sizes: Vec<(u64, Vec<String>, usize)> = Vec::new();
    for row in &listing.rows {
        if sizes.last().is_none_or(|(size, ..)| *size != row.size) {
            sizes.push((row.size, Vec::new(), 0));
        }
        let (_, names, duplicates) = sizes.last_mut().unwrap();
        let symbol = if row.symbol == '^' { '-' } else { row.symbol };
        names.push(format!("{symbol} {} {} {}", row.date, row.mode, row.name));
        *duplicates += usize::from(row.symbol == '^');
    }
    for (_, names, _) in &mut sizes {
        names.sort();
    }
    sizes
}

/// The largest files and directories come first, directories with the size of all that is in them,
/// and duplicates are marked.
#[test]
fn summaries_show_the_same_sizes_and_duplicates() {
    let Some(mut pair) = Pair::find() else { return };
    for (name, len) in [("d/a", 5000), ("d/b", 5000), ("e/c", 5000), ("d/s/x", 70_000)] {
        pair.put(name, &super::support::noise(len, usize::try_from(len).unwrap()));
    }
    pair.put("top", &super::support::noise(70_000, 70_000));
    pair.put("other", &super::support::noise(1, 70_000));
    pair.put("void", b"");
    pair.put("empty", b"");
    pair.add(&["d", "e", "top", "other", "void", "empty"]);
    for words in [
        &["-summary", "1"][..],
        &["-summary", "5"],
        &["-summary", "100"],
        &["-s100"],
        &["-summary", "100", "-not", "=^"],
        &["-summary", "100", "-only", "d"],
        &["-summary", "100", "-not", "*/a", "top"],
        &["d", "-summary", "100"],
        &["top", "d/s", "-summary", "100"],
    ] {
        let [theirs, ours] =
            [Program::Zpaq, Program::Zarc].map(|program| by_size(&pair.list_with(program, words)));
        assert!(!theirs.is_empty());
        // Which duplicates are shown first is theirs to choose, and so which are hidden.
        let are_hidden = words.contains(&"=^");
        let counted = |sizes: &[(u64, Vec<String>, usize)]| -> Vec<(u64, usize)> {
            sizes.iter().map(|(size, names, _)| (*size, names.len())).collect()
        };
        if are_hidden {
            assert_eq!(counted(&theirs), counted(&ours), "{words:?}: zpaq, zarc");
        } else {
            assert_eq!(theirs, ours, "{words:?}: zpaq, zarc");
        }
    }
}

/// The archive is cut off behind a version and goes on from there; a date is that of the update.
#[test]
fn updates_are_rolled_back_and_go_on_as_by_zpaq() {
    for until in ["0", "1", "3", "7", "9", "-1", "-3", "-9", "2005-05-05 05:05:05", "2999-01-01"] {
        let Some(mut pair) = history() else { return };
        change_the_disk(&mut pair);
        let work = pair.work();
        // zarc does not destroy history without being told twice.
        for (program, words) in [
            (Program::Zpaq, &["d", "top", "-until", until][..]),
            (Program::Zarc, &["d", "top", "-until", until, "-force"]),
        ] {
            let output = pair.run(program, &work, "add", words);
            assert_eq!(output.status.code(), Some(0), "{program:?} -until {until}: {output:?}");
        }
        pair.compare_lists(&[]);
        pair.compare_lists(&["-all"]);
        pair.compare_lists(&["d", "top", "-not", "="]);
        pair.compare_extracts(&["-to", "out"], true);
        if until.len() > 2 {
            let [theirs, ours] = [Program::Zpaq, Program::Zarc].map(|program| pair.dates(program));
            assert_eq!(theirs.last(), ours.last(), "the date of the update, -until {until}");
        }
    }
}
