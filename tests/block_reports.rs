//! Goal: what `add` says of the blocks it writes is what it wrote. Method: reports are compared, one
//! by one and in sum, with the DATA frames of the archive, whose bytes are read by hand.

use std::fs;
use std::path::Path;
use std::process::Command;

use zarc::archive::{Archive, History};
use zarc::base::BlockReport;
use zarc::compress::MethodChoice;

use super::support::workbench::{Workbench, fresh_in_memory, real_seconds, run_add, set_clock};
use super::support::{frames, noise};

/// A tree of text, of bytes that do not compress, of some that do not look it, and a program.
fn bench() -> Workbench {
    let bench = Workbench::new(fresh_in_memory());
    let write = |name: &str, bytes: &[u8]| fs::write(bench.work().join(name), bytes).unwrap();
    let lines: Vec<String> = (0..200_000).map(|n| format!("line {n}\n")).collect();
    write("text", lines.concat().as_bytes());
    write("noise", &noise(1, 3_000_000));
    write("short-noise", &noise(2, 300));
    write(
        "program",
        &[&b"\x7fELF\x02\x01"[..], &[0; 12], &[3, 0, 62, 0], &vec![7; 100_000]].concat(),
    );
    set_clock(real_seconds() + 1000);
    bench
}

/// What the DATA frames of an archive say: number, fragments, raw bytes, payload, codec.
fn written(archive: &Path) -> Vec<(u64, u64, u64, u64, u8)> {
    let bytes = fs::read(archive).unwrap();
    let frames = frames(&bytes, 2).into_iter();
    let described = frames.map(|(at, len)| {
        let payload = &bytes[at + 64..at + len - 32];
        let u32_at = |at: usize| u32::from_le_bytes(payload[at..at + 4].try_into().unwrap());
        let number = u64::from_le_bytes(payload[8..16].try_into().unwrap());
        let payload_len = payload.len() as u64;
        (number, u32_at(16).into(), u32_at(4).into(), payload_len, payload[0])
    });
    described.collect()
}

fn codec_of(report: &BlockReport) -> u8 {
    match report.method.split([':', ',']).next().unwrap() {
        "store" => 0,
        "zstd" => 1,
        "brotli" => 2,
        "lzma" => 3,
        "ppmd" => 4,
        "cm" => 5,
        other => panic!("{other}"),
    }
}

#[test]
fn reports_are_the_data_frames() {
    for (method, of_text, of_code) in [
        ("zstd:1,0", 1, 1),
        ("brotli:1,0", 2, 2),
        ("30", 4, 3),
        ("40", 5, 3),
        ("50", 5, 5),
        ("0,0", 0, 0),
    ] {
        let bench = bench();
        let mut options = bench.add_options(b"");
        options.method = Some(MethodChoice::parse(method).unwrap());
        let (summary, told) = run_add(&options);
        let reports = told.blocks();
        let reported: Vec<_> = reports
            .iter()
            .map(|r| (r.number, r.fragments, r.raw_bytes, r.stored_bytes, codec_of(r)))
            .collect();
        assert_eq!(reported, written(&bench.archive()));
        let archive = Archive::open_path(&bench.archive(), None).unwrap();
        let counts = History::of(&archive).newest().unwrap().unwrap().manifest.counts;
        let sum = |of: fn(&BlockReport) -> u64| reports.iter().map(of).sum::<u64>();
        assert_eq!(sum(|r| r.fragments), counts.fragments);
        assert_eq!((sum(|r| r.raw_bytes), summary.new_bytes), (counts.new_bytes, counts.new_bytes));
        assert_eq!(sum(|r| r.stored_bytes), counts.data_bytes);
        for (content, codec) in
            [("text", of_text), ("executable", of_code), ("incompressible", 0), ("other", 0)]
        {
            let of_kind: Vec<_> = reports.iter().filter(|r| r.content == content).collect();
            assert!(!of_kind.is_empty(), "{content}");
            assert!(of_kind.iter().all(|r| codec_of(r) == codec), "{method}: {of_kind:?}");
            // A report's method is one that can be asked for.
            assert!(of_kind.iter().all(|r| MethodChoice::parse(&r.method).is_ok()));
        }
    }
}

#[test]
fn an_index_and_an_update_without_new_content_report_no_blocks() {
    let bench = bench();
    let mut options = bench.add_options(b"");
    assert!(!run_add(&options).1.blocks().is_empty());
    fs::copy(bench.work().join("noise"), bench.work().join("copy")).unwrap();
    let (summary, told) = run_add(&options);
    assert_eq!((summary.added, told.blocks()), (1, Vec::new()));
    options.archive = bench.path("i.zarc").into();
    options.method = Some(MethodChoice::Index);
    let (summary, told) = run_add(&options);
    assert_eq!((summary.new_bytes > 0, told.blocks()), (true, Vec::new()));
}

/// The lines about blocks are there with `-verbose` alone, and add up to what was stored.
#[test]
fn blocks_are_shown_with_verbose_only() {
    let bench = bench();
    let add = |archive: &str, more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_zarc"))
            .arg("add")
            .args([bench.path(archive), bench.work()])
            .args(["-method", "zstd:1,0"])
            .args(more)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0));
        let told = String::from_utf8(output.stderr).unwrap();
        let lines = told.lines().filter(|line| line.starts_with('['));
        lines.map(str::to_owned).collect::<Vec<String>>()
    };
    assert_eq!(add("plain.zarc", &[]), [""; 0]);
    assert_eq!(add("quiet.zarc", &["-quiet"]), [""; 0]);
    let shown = add("verbose.zarc", &["-verbose"]);
    let expected: Vec<String> = written(&bench.path("verbose.zarc"))
        .iter()
        .map(|(number, fragments, raw, stored, codec)| {
            let method = ["store,0", "zstd:1,0"][usize::from(*codec)];
            format!("[{number}.0..{}] {raw} -> {stored} -method {method} (", fragments - 1)
        })
        .collect();
    assert_eq!(shown.len(), expected.len());
    for (shown, expected) in shown.iter().zip(&expected) {
        assert!(shown.starts_with(expected.as_str()), "{shown}, not {expected}");
    }
}
