//! Goal: what `extract` restores is what `add` saw, whatever is in the tree. Method: random trees,
//! archived and restored, compared by a walker that shares nothing with zarc.

use std::ffi::OsStr;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode};
use zarc::base::Until;
use zarc::compress::MethodChoice;

use super::support::noise;
use super::support::trees::{Tree, differences, walk};
use super::support::workbench::{
    Workbench, fresh_in_memory, is_root, random_cases, real_seconds, rows, run_add, set_clock,
    set_dice, set_mtime, set_xattr,
};

/// A piece of a file.
#[derive(Debug, Clone)]
enum Segment {
    /// Bytes that do not compress; equal seeds make duplicates.
    Noise(u64, usize),
    /// Words.
    Text(usize),
    /// Zeros that are written.
    Zeros(usize),
    /// Zeros that are not.
    Hole(usize),
}

/// What is made.
#[derive(Debug, Clone)]
enum Thing {
    File(Vec<Segment>),
    Directory,
    Symlink(Vec<u8>),
    Fifo,
    /// Another name of something made before.
    Link(prop::sample::Index),
}

/// Something to make, somewhere.
#[derive(Debug, Clone)]
struct Plan {
    parent: prop::sample::Index,
    name: Vec<u8>,
    thing: Thing,
    mode: u32,
    mtime: (i64, i64),
    owner: Option<(u32, u32)>,
    xattrs: Vec<(&'static str, Vec<u8>)>,
}

/// Sizes where something changes: fragments of the smallest and the usual exponent, buffers.
const SIZES: &[usize] = &[
    0, 1, 63, 64, 65, 511, 4095, 4096, 4097, 8127, 8128, 8129, 65_535, 65_536, 65_537, 131_072,
    520_191, 520_192, 520_193,
];

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![4 => prop::sample::select(SIZES), 2 => 0..3000_usize, 1 => 0..200_000_usize]
}

fn content() -> impl Strategy<Value = Vec<Segment>> {
    let segment = prop_oneof![
        4 => (0..5_u64, size()).prop_map(|(seed, len)| Segment::Noise(seed, len)),
        2 => size().prop_map(Segment::Text),
        1 => size().prop_map(Segment::Zeros),
        2 => (1..300_000_usize).prop_map(Segment::Hole),
    ];
    prop_oneof![
        3 => (0..5_u64, size()).prop_map(|(seed, len)| vec![Segment::Noise(seed, len)]),
        2 => prop::collection::vec(segment, 0..4),
    ]
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let odd: Vec<Vec<u8>> = vec![
        b"line\nbreak".to_vec(),
        b"\xff\xfe\x80".to_vec(),
        b"-dash".to_vec(),
        b"--".to_vec(),
        b" space ".to_vec(),
        b"...".to_vec(),
        b".hidden".to_vec(),
        b"C:".to_vec(),
        b"a\\b*?[x]".to_vec(),
        b"\x1b[31m".to_vec(),
        "\u{e4}\u{1f600}".as_bytes().to_vec(),
        vec![b'x'; 255],
        vec![0xc3; 255],
    ];
    let is_name = |name: &Vec<u8>| name != b"." && name != b"..";
    prop_oneof![
        3 => prop::sample::select(odd),
        4 => "[a-d]{1,2}".prop_map(String::into_bytes),
        2 => prop::collection::vec((1..=255_u8).prop_filter("slash", |&b| b != b'/'), 1..6)
            .prop_filter("dots", is_name),
    ]
}

fn thing() -> impl Strategy<Value = Thing> {
    let target = prop_oneof![
        Just(b"nowhere".to_vec()),
        Just(b"/etc/passwd".to_vec()),
        Just(b"..".to_vec()),
        Just(b"a\xff\n".to_vec()),
        Just(vec![b'y'; 3000]),
    ];
    prop_oneof![
        6 => content().prop_map(Thing::File),
        4 => Just(Thing::Directory),
        2 => target.prop_map(Thing::Symlink),
        1 => Just(Thing::Fifo),
        2 => any::<prop::sample::Index>().prop_map(Thing::Link),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    let mode = prop::sample::select(vec![
        0o644, 0o600, 0o755, 0o000, 0o777, 0o4755, 0o2755, 0o6711, 0o1777, 0o7777, 0o444,
    ]);
    let seconds = prop_oneof![
        Just(0),
        Just(-1),
        Just(-2_000_000_000),
        Just(4_294_967_296),
        Just(15_000_000_000),
        any::<i32>().prop_map(i64::from),
    ];
    let mtime = (seconds, prop_oneof![Just(0), Just(1), Just(999_999_999), 0..1_000_000_000_i64]);
    let owner = prop::option::weighted(0.2, prop::sample::select(vec![(0, 0), (12345, 54321)]));
    let value = prop::collection::vec(any::<u8>(), 0..200);
    let attribute = (prop::sample::select(vec!["user.note", "user.\u{e4}"]), value);
    let xattrs = prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(attribute, 1..3)];
    (any::<prop::sample::Index>(), name(), thing(), mode, mtime, owner, xattrs).prop_map(
        |(parent, name, thing, mode, mtime, owner, xattrs)| Plan {
            parent,
            name,
            thing,
            mode,
            mtime,
            owner,
            xattrs,
        },
    )
}

/// Makes the tree, then sets the metadata, what lies deepest first.
fn build(root: &Path, plans: &[Plan]) {
    let mut directories = vec![root.to_owned()];
    let mut others: Vec<PathBuf> = Vec::new();
    let mut made = Vec::new();
    for plan in plans {
        let path = plan.parent.get(&directories).join(OsStr::from_bytes(&plan.name));
        if path.symlink_metadata().is_ok() {
            continue;
        }
        match &plan.thing {
            Thing::File(segments) => write_file(&path, segments),
            Thing::Directory => fs::create_dir(&path).unwrap(),
            Thing::Symlink(target) => {
                std::os::unix::fs::symlink(OsStr::from_bytes(target), &path).unwrap();
            }
            Thing::Fifo => {
                rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
            }
            Thing::Link(earlier) if others.is_empty() => {
                let _ = earlier;
                continue;
            }
            Thing::Link(earlier) => fs::hard_link(earlier.get(&others), &path).unwrap(),
        }
        match plan.thing {
            Thing::Directory => directories.push(path.clone()),
            _ => others.push(path.clone()),
        }
        made.push((path, plan));
    }
    for (path, plan) in made.into_iter().rev() {
        set_metadata(&path, plan);
    }
}

fn write_file(path: &Path, segments: &[Segment]) {
    let mut file = fs::File::create(path).unwrap();
    let mut end = 0;
    for segment in segments {
        let bytes = match segment {
            Segment::Noise(seed, len) => noise(*seed, *len),
            Segment::Text(len) => {
                b"the quick brown fox\n".iter().copied().cycle().take(*len).collect()
            }
            Segment::Zeros(len) => vec![0; *len],
            Segment::Hole(len) => {
                end += *len as u64;
                file.seek(SeekFrom::Start(end)).unwrap();
                continue;
            }
        };
        end += bytes.len() as u64;
        file.write_all(&bytes).unwrap();
    }
    file.set_len(end).unwrap();
}

fn set_metadata(path: &Path, plan: &Plan) {
    let kind = path.symlink_metadata().unwrap().file_type();
    if let Some((uid, gid)) = plan.owner.filter(|_| is_root()) {
        std::os::unix::fs::lchown(path, Some(uid), Some(gid)).unwrap();
    }
    if kind.is_file() || kind.is_dir() {
        for (name, value) in &plan.xattrs {
            set_xattr(path, name, value);
        }
    }
    if !kind.is_symlink() {
        // Only root can read what nobody may read.
        let readable = if is_root() { 0 } else { 0o700 };
        fs::set_permissions(path, fs::Permissions::from_mode(plan.mode | readable)).unwrap();
    }
    set_mtime(path, plan.mtime);
}

/// Holes stay holes: what is restored takes hardly more blocks than the source.
fn check_sparse(before: &Tree, after: &Tree) {
    for (name, node) in before {
        let (least, most) = (node.blocks, after[name].blocks);
        let name = name.escape_ascii();
        assert!(most <= least + 64, "{name} takes {most} blocks, not {least}");
    }
}

fn check(plans: &[Plan], dir: tempfile::TempDir, fragment: Option<u8>, method: &str) {
    let bench = Workbench::new(dir);
    build(&bench.work(), plans);
    let before = walk(&bench.work());
    // So late that everything on disk is settled.
    set_clock(real_seconds() + 1000);
    set_dice(1);
    let mut options = bench.add_options(b"");
    options.fragment = fragment;
    options.method = Some(MethodChoice::parse(method).unwrap());
    let (summary, told) = run_add(&options);
    assert_eq!((summary.problems, told.warnings().as_str()), (0, ""));
    assert_eq!(summary.added, before.len() as u64);

    let (summary, told, after) = bench.extract(Until::Latest, false);
    assert_eq!((summary.problems, told.warnings().as_str()), (0, ""));
    assert_eq!(summary.written, before.len() as u64);
    assert_eq!(differences(&before, &after), Vec::<String>::new());
    check_sparse(&before, &after);

    let (summary, told) = bench.verify();
    assert_eq!((summary.damaged, told.warnings().as_str()), (0, ""));
    for force in [false, true] {
        let mut compare = bench.compare_options(b"");
        compare.force = force;
        let (_, summary, told) = rows(&compare);
        assert_eq!(told.warnings(), "");
        let counts =
            (summary.same, summary.different + summary.internal_only + summary.external_only);
        assert_eq!(counts, (before.len() as u64, 0), "force {force}");
    }

    let bytes = fs::read(bench.archive()).unwrap();
    let written = fs::metadata(bench.archive()).unwrap().modified().unwrap();
    for force in [false, true] {
        options.force = force;
        let (summary, told) = run_add(&options);
        assert_eq!((summary.version, told.warnings().as_str()), (None, ""));
        assert!(fs::read(bench.archive()).unwrap() == bytes, "nothing is appended");
        assert_eq!(fs::metadata(bench.archive()).unwrap().modified().unwrap(), written);
    }
}

/// Whatever is in a tree comes back: names, kinds, bytes, modes, owners, times, attributes, links,
/// holes; and a second look at it finds nothing new.
#[test]
fn every_tree_comes_back_as_it_was() {
    let trees = (
        prop::collection::vec(plan(), 0..30),
        prop::option::of(prop::sample::select(vec![0, 3, 6])),
        prop::sample::select(vec!["1", "0", "2,0"]),
        any::<bool>(),
    );
    random_cases(100)
        .run(&trees, |(plans, fragment, method, in_memory)| {
            let dir = if in_memory { fresh_in_memory() } else { tempfile::tempdir().unwrap() };
            check(&plans, dir, fragment, method);
            Ok(())
        })
        .unwrap();
}
