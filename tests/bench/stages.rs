//! What each stage of `add` and `extract` costs by itself: `cargo bench --bench stages`.
//!
//! Content is made up: words of a small vocabulary, which compress about as well as source text. How the stages
//! add up is in `spec/benchmarks.md`.
#![expect(clippy::unwrap_used, reason = "a bench that panics has failed, as it should")]

use std::fs;
use std::time::Duration;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use zarc::base::{Digest, Environment, Kind, Metadata, StoredPath, Timestamp};
use zarc::compress::{Codec, ContentKind, Method, pack, unpack};
use zarc::crypto::{IdentityHash, MasterKey};
use zarc::filesystem::{Choice, Root, Target, Walk, WalkOptions};
use zarc::format::{Entry, EntryPage, EntryPageBuilder, Object, Stored};
use zarc::fragment::Fragmenter;

const CONTENT_BYTES: usize = 16 << 20;
const NAMES: usize = 1000;

fn main() {
    // Packing at level 3 takes seconds: a hundred samples of it are not worth the wait.
    let stages = divan::Divan::default().max_time(Duration::from_secs(2));
    stages.config_with_args().main();
}

/// Numbers that are the same in every run.
fn numbers() -> impl Iterator<Item = u64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    })
}

fn content() -> Vec<u8> {
    let words: Vec<String> =
        numbers().take(4096).map(|n| format!("{:x} ", n % 1_000_003)).collect();
    let mut content = Vec::with_capacity(CONTENT_BYTES + 16);
    for number in numbers() {
        // Some words are more frequent than others.
        let index = (number % 4096).min(number / 4096 % 4096);
        content.extend_from_slice(words[usize::try_from(index).unwrap()].as_bytes());
        if content.len() >= CONTENT_BYTES {
            break;
        }
    }
    content.truncate(CONTENT_BYTES);
    content
}

#[divan::bench]
fn cut(bencher: Bencher<'_, '_>) {
    let content = content();
    let mut fragmenter = Fragmenter::new(6).unwrap();
    bencher.counter(BytesCount::of_slice(&content)).bench_local(|| {
        let mut rest = content.as_slice();
        while let Some(len) = fragmenter.cut(rest, true) {
            rest = &rest[len..];
        }
        black_box(rest.len())
    });
}

/// Fragments of 4 KiB, as of small files, and of 64 KiB.
#[divan::bench(args = [4 << 10, 64 << 10])]
fn hash(bencher: Bencher<'_, '_>, fragment_bytes: usize) {
    let content = content();
    let identities = IdentityHash::new(None);
    bencher.counter(BytesCount::of_slice(&content)).bench_local(|| {
        for fragment in content.chunks(fragment_bytes) {
            black_box(identities.of(fragment));
        }
    });
}

#[divan::bench(args = ["0", "1", "2", "3"])]
fn compress(bencher: Bencher<'_, '_>, method: &str) {
    let content = content();
    let method = Method::parse(method).unwrap();
    bencher
        .counter(BytesCount::of_slice(&content))
        .bench_local(|| black_box(pack(&content, &method, ContentKind::Text).unwrap().bytes.len()));
}

/// What is decoded before it is written, and again when it is restored.
#[divan::bench]
fn verify(bencher: Bencher<'_, '_>) {
    let content = content();
    let identities = IdentityHash::new(None);
    let method = Method::parse("1").unwrap();
    let packed = pack(&content, &method, ContentKind::Text).unwrap();
    let mut out = Vec::new();
    assert_ne!(packed.codec, Codec::Store);
    bencher.counter(BytesCount::of_slice(&content)).bench_local(|| {
        unpack(packed.codec, &packed.bytes, content.len(), &mut out).unwrap();
        for fragment in out.chunks(64 << 10) {
            black_box(identities.of(fragment));
        }
    });
}

/// Encrypting and authenticating.
#[divan::bench]
fn seal(bencher: Bencher<'_, '_>) {
    let master_key = MasterKey::generate([1; 16], &Environment::system()).unwrap();
    let keys = master_key.update_keys(1, &Digest::of(b"nonce"), &Digest::of(b"before"));
    let mut payload = content();
    bencher.counter(BytesCount::of_slice(&payload)).bench_local(|| {
        keys.apply_keystream(1, &mut payload);
        black_box(keys.tag(&[&payload]))
    });
}

#[divan::bench]
fn decode_page(bencher: Bencher<'_, '_>) {
    let mut page = EntryPageBuilder::new();
    for (index, number) in numbers().take(NAMES).enumerate() {
        let mtime =
            Timestamp { seconds: 1_600_000_000 + i64::try_from(number >> 8).unwrap(), nanos: 0 };
        let stored = Stored {
            metadata: Metadata { mode: 0o644, ..Metadata::bare(Kind::File, mtime) },
            has_attributes: true,
            ctime: mtime,
            inode: number,
            device: None,
            is_unsettled: false,
            is_touched: false,
            content: Vec::new(),
            unknown: Vec::new(),
        };
        let path =
            StoredPath::from_bytes(format!("usr/share/doc/package/file{index:06}").into_bytes());
        page.push(&Entry { path: path.unwrap(), object: Object::Stored(Box::new(stored)) });
    }
    let (_, _, raw) = page.finish().unwrap();
    bencher
        .counter(ItemsCount::new(NAMES))
        .bench_local(|| black_box(EntryPage::decode(&raw).unwrap()));
}

#[divan::bench]
fn walk(bencher: Bencher<'_, '_>) {
    let directory = tempfile::tempdir().unwrap();
    for index in 0..NAMES {
        let folder = directory.path().join(format!("d{}", index / 20));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("file{index}")), b"content").unwrap();
    }
    let disk = directory.path().as_os_str().as_encoded_bytes().to_vec();
    let stored = StoredPath::from_bytes(disk.clone()).unwrap();
    bencher.counter(ItemsCount::new(NAMES)).bench_local(|| {
        let options = WalkOptions {
            special: false,
            leave_out: Vec::new(),
            wanted: Box::new(|_, _| Choice::Take),
        };
        let roots = vec![Root { disk: disk.clone(), stored: stored.clone() }];
        black_box(Walk::new(roots, options).count())
    });
}

/// Making small files.
#[divan::bench]
fn create(bencher: Bencher<'_, '_>) {
    let directory = tempfile::tempdir().unwrap();
    let target = Target::open(directory.path()).unwrap();
    let metadata =
        Metadata { mode: 0o644, ..Metadata::bare(Kind::File, Timestamp { seconds: 1, nanos: 0 }) };
    let mut names = 0..;
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        let number: u64 = names.next().unwrap();
        let path = format!("d{}/file{number}", number / 20).into_bytes();
        let mut file = target.create_file(&StoredPath::from_bytes(path).unwrap()).unwrap();
        file.write_at(0, &[7; 4000]).unwrap();
        black_box(file.finish(&metadata, false, false).unwrap())
    });
}
