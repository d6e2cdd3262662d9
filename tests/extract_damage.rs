//! What `extract` does when the archive is damaged or when it is stopped.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use zarc::base::ErrorKind;
use zarc::command::{ExtractOptions, extract};
use zarc::compress::ContentKind;

use super::support::extraction::{options, run, small_tree, tree};
use super::support::{MTIME, Made, Thing, Told, file, noise};

/// A damaged block costs the files that need it, and no file gets other bytes than it had.
#[test]
fn a_damaged_block_costs_only_the_files_that_need_it() {
    let mut made = Made::new();
    let text = |seed| Thing::File(noise(seed, 40_000), ContentKind::Text);
    made.update(&[
        ("d", Thing::Directory(0o755)),
        ("d/bad", text(1)),
        ("d/bad2", text(1)),
        ("d/good", file(&noise(2, 40_000))),
    ]);
    made.update(&[("d/later", file(&noise(3, 40_000)))]);
    let data = made.frames(2);
    assert_eq!(data.len(), 3);
    let (offset, len) = data[0];
    made.flip(offset + len / 2);
    for dry in [true, false] {
        let out = made.path("out");
        let mut options = options(&made, &out);
        options.dry = dry;
        let (summary, told) = run(&options);
        let counts = (summary.written, summary.damaged, summary.problems);
        assert_eq!(counts, (3, 2, 2), "{}", told.warnings());
        assert!(told.warnings().contains("d/bad: not restored"));
        assert_eq!(out.exists(), !dry);
    }
    assert_eq!(tree(&made.path("out")), ["d", "d/good", "d/later"]);
    assert_eq!(fs::read(made.path("out/d/good")).unwrap(), noise(2, 40_000));
}

/// Damaged lists of blocks and of entries cost what only they tell of.
#[test]
fn damaged_metadata_costs_what_it_tells_of() {
    let mut made = Made::new();
    made.update(&[("a", file(&noise(1, 10_000)))]);
    made.update(&[("b", file(&noise(2, 10_000)))]);
    for (frame_type, written, damaged) in [(3, 1, 1), (4, 1, 1)] {
        let (offset, len) = made.frames(frame_type)[0];
        made.flip(offset + len / 2);
        let out = made.path(&format!("out{frame_type}"));
        let (summary, told) = run(&options(&made, &out));
        assert_eq!((summary.written, summary.damaged), (written, damaged), "{}", told.warnings());
        assert_eq!(tree(&out), ["b"]);
        made.flip(offset + len / 2);
    }
    // The directory of the first update's blocks: their files are named.
    let directories = made.frames(5);
    let (offset, len) = directories[1];
    made.flip(offset + len / 2);
    let (summary, told) = run(&options(&made, &made.path("out5")));
    assert_eq!((summary.written, summary.damaged), (1, 2), "{}", told.warnings());
}

/// Stopped at any moment, it leaves no temporary files, no part of a file, and directories with
/// their metadata; the next run completes it.
#[test]
fn a_stopped_extraction_leaves_nothing_half_done() {
    let mut made = Made::new();
    let mut things = small_tree();
    things.retain(|(name, _)| *name != "d/sub" && *name != "d/node");
    things.push(("d/late", file(&noise(9, 30_000))));
    made.update(&things);
    for stop_at in 1.. {
        let out = made.path(&format!("out{stop_at}"));
        let told = Told::stopping_at(stop_at);
        let result = extract(&options(&made, &out), &told);
        let Err(error) = result else {
            assert!(stop_at > 10, "it looks often enough");
            break;
        };
        assert_eq!(error.kind(), ErrorKind::Stopped);
        let state = if out.exists() && !tree(&out).is_empty() {
            "what was restored before is whole and stays"
        } else {
            "nothing was restored"
        };
        assert!(error.to_string().ends_with(state), "{error}");
        if out.exists() {
            let found = tree(&out);
            assert!(!found.iter().any(|name| name.contains(".zarc-")), "{found:?}");
            assert_eq!(fs::metadata(out.join("d")).unwrap().mode() & 0o7777, 0o750);
        }
        let tested = ExtractOptions { dry: true, ..options(&made, &out) };
        let error = extract(&tested, &Told::stopping_at(1)).unwrap_err();
        assert!(error.to_string().ends_with("nothing was restored"), "{error}");
        let (summary, told) = run(&options(&made, &out));
        assert_eq!(summary.problems, 0, "{}", told.warnings());
        assert_eq!(fs::read(out.join("d/late")).unwrap(), noise(9, 30_000));
        assert_eq!(fs::read(out.join("d/sub/big")).unwrap(), noise(1, 300_000));
    }
}

/// A directory that holds 400 kB, until it is dropped.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(path: std::path::PathBuf) -> Option<Self> {
        fs::create_dir(&path).unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=400k", "tmpfs"])
            .arg(&path)
            .output();
        mount.is_ok_and(|output| output.status.success()).then_some(Self(path))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Programs that other tests start right now may hold it for a moment.
        let unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

/// Files of one block are made side by side: when the disk is full, those that are there are told.
#[test]
fn a_full_disk_ends_with_a_word_about_every_file_that_is_there() {
    let mut made = Made::new();
    let names: Vec<String> = (0..40).map(|number| format!("d/small{number}")).collect();
    let mut things = vec![("d", Thing::Directory(0o750)), ("d/large", file(&noise(100, 600_000)))];
    things.extend(names.iter().zip(0..).map(|(name, n)| (name.as_str(), file(&noise(n, 4000)))));
    made.update(&things);
    assert_eq!(made.frames(2).len(), 1, "all files are in one block");
    let Some(disk) = SmallDisk::mount(made.path("disk")) else {
        eprintln!("skipped: a small disk needs root");
        return;
    };
    let out = disk.0.join("out");
    let told = Told::default();
    let error = extract(&ExtractOptions { threads: 1, ..options(&made, &out) }, &told).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("d/large"), "{message}");
    assert!(message.ends_with("what was restored before is whole and stays"), "{message}");
    let mut expected: Vec<String> = names.iter().map(|name| format!("> {name}")).collect();
    expected.push("> d".to_owned());
    expected.sort();
    let mut items = told.items(&out);
    items.sort();
    assert_eq!(items, expected);
    for (name, n) in names.iter().zip(0..) {
        assert_eq!(fs::read(out.join(name)).unwrap(), noise(n, 4000));
        let metadata = fs::metadata(out.join(name)).unwrap();
        assert_eq!((metadata.mode() & 0o7777, metadata.mtime()), (0o640, MTIME.seconds));
    }
    assert_eq!(fs::metadata(out.join("d")).unwrap().mtime(), MTIME.seconds);
    assert_eq!(tree(&out).len(), 41);
}

/// More files in one window than may be open at a time, each needing several blocks.
#[test]
fn many_files_can_wait_for_many_blocks() {
    let mut made = Made::new();
    let names: Vec<String> = (0..600).map(|n| format!("f{n:03}")).collect();
    let first: Vec<(&str, Thing)> =
        names.iter().zip(0..).map(|(name, n)| (name.as_str(), file(&noise(n, 10_000)))).collect();
    made.update(&first);
    // The first fragment of each file is stored already, in another block than the second.
    let second: Vec<(&str, Thing)> =
        names.iter().zip(0..).map(|(name, n)| (name.as_str(), file(&noise(n, 15_000)))).collect();
    made.update(&second);
    let out = made.path("out");
    let (summary, told) = run(&options(&made, &out));
    assert_eq!((summary.written, summary.problems), (600, 0), "{}", told.warnings());
    for (name, n) in names.iter().zip(0..) {
        assert_eq!(fs::read(out.join(name)).unwrap(), noise(n, 15_000));
    }
}
