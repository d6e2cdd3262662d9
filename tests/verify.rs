//! What `test` finds.

use zarc::base::{ErrorKind, Until};
use zarc::command::{VerifyOptions, VerifySummary, verify};
use zarc::compress::ContentKind;

use super::support::workbench::verify_options;
use super::support::{Made, Thing, Told, file, noise};

fn run(made: &Made) -> (VerifySummary, String) {
    let told = Told::default();
    let summary = verify(&options(made), &told).expect("a test");
    (summary, told.warnings())
}

fn options(made: &Made) -> VerifyOptions {
    verify_options(made.archive())
}

fn sample() -> Made {
    let mut made = Made::new();
    made.update(&[
        ("a", file(&noise(1, 50_000))),
        ("b", Thing::File(noise(2, 50_000), ContentKind::Text)),
        ("d", Thing::Directory(0o755)),
        ("d/sparse", Thing::Sparse(1000, noise(1, 50_000), 1000)),
        ("d/link", Thing::Symlink("x")),
    ]);
    made.update(&[("a", file(&noise(3, 50_000))), ("b", Thing::Deleted)]);
    made.update(&[("c", file(&noise(1, 50_000))), ("empty", file(b""))]);
    made.update(&[("e", file(&noise(5, 50_000)))]);
    made
}

/// A sound archive has nothing to find, and everything in it is counted.
#[test]
fn a_sound_archive_is_found_sound() {
    let made = sample();
    let (summary, told) = run(&made);
    assert_eq!((summary.damaged, told.as_str()), (0, ""));
    assert_eq!((summary.versions, summary.blocks), (4, 4));
    let frames: usize = (1..=7).map(|kind| made.frames(kind).len()).sum();
    assert_eq!(summary.frames, frames as u64);
    assert_eq!((summary.files, summary.bytes), (9, 200_000));
    let mut until = options(&made);
    until.until = Until::Version(2);
    let earlier = verify(&until, &Told::default()).unwrap();
    assert_eq!((earlier.versions, earlier.damaged), (2, 0));
    assert_ne!(earlier.fingerprint, summary.fingerprint);
}

/// Whatever byte of whatever frame is flipped, it is found: in header, payload and tag.
#[test]
fn every_flipped_byte_is_found() {
    let made = sample();
    for frame_type in 1..=7 {
        for (offset, len) in made.frames(frame_type) {
            for at in [offset + 9, offset + 20, offset + 64, offset + len / 2, offset + len - 1] {
                made.flip(at);
                let (summary, told) = run(&made);
                // The last commit's own header tells that it is one: without it, it never was.
                assert!(summary.damaged > 0, "type {frame_type} byte {at}: {told}");
                made.flip(at);
            }
        }
    }
    assert_eq!(run(&made).0.damaged, 0);
}

/// Bytes between frames are zero.
#[test]
fn bytes_between_frames_are_looked_at() {
    let made = sample();
    let (commit, _) = made.frames(7)[1];
    made.flip(commit - 1);
    let (summary, told) = run(&made);
    assert_eq!(summary.damaged, 1, "{told}");
    assert!(told.contains("bytes between two frames are not zero"), "{told}");
}

/// A damaged header is told at once; without any commit there is nothing to test.
#[test]
fn a_damaged_archive_header_is_an_error() {
    let made = sample();
    made.flip(40);
    let error = verify(&options(&made), &Told::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    made.flip(40);
    let mut none = options(&made);
    none.until = Until::Version(0);
    let error = verify(&none, &Told::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Missing);
}

/// An update that was interrupted is told and is no damage.
#[test]
fn an_interrupted_update_is_no_damage() {
    let made = sample();
    let bytes = std::fs::read(made.archive()).unwrap();
    let (commit, _) = made.frames(7)[3];
    std::fs::write(made.archive(), &bytes[..commit]).unwrap();
    let (summary, told) = run(&made);
    assert_eq!((summary.versions, summary.damaged), (3, 0), "{told}");
    assert!(told.contains("never completed"), "{told}");
}

/// Files whose blocks are damaged are named, in each version that has them.
#[test]
fn files_that_cannot_be_restored_are_named() {
    let made = sample();
    let (offset, len) = made.frames(2)[0];
    made.flip(offset + len / 2);
    let (summary, told) = run(&made);
    assert_eq!(summary.damaged, 4, "{told}");
    for name in ["a in version 1", "d/sparse in version 1", "c in version 3"] {
        assert!(told.contains(name), "{name}: {told}");
    }
}
