//! Goal: new blocks share the work on earlier ones, and nobody can tell from the archive. Method: reads of
//! the frames of earlier blocks are counted while an update is written; whole archives are compared.

use std::fs;
use std::sync::Arc;

use zarc::archive::{
    Archive, History, OpenOptions, Piece, RunShape, Transaction, TransactionOptions,
};
use zarc::base::Environment;
use zarc::command::AddOptions;
use zarc::compress::{ContentKind, Method, MethodChoice};
use zarc::storage::Memory;

use super::support::counted_storage::Counted;
use super::support::workbench::{
    Workbench, fresh_in_memory, real_seconds, run_add, set_clock, set_dice,
};
use super::support::{frames, noise, words};

/// Three files, each of its own kind of content so that each is a block, and each like the first of them.
const KINDS: [ContentKind; 3] = [ContentKind::Text, ContentKind::Executable, ContentKind::Other];

/// The next versions of the files, which had this content before.
fn update(archive: &mut Archive, before: &[Vec<Piece>], version: usize) -> Vec<Vec<Piece>> {
    let options = TransactionOptions {
        method: Method::parse("1").unwrap(),
        threads: 3,
        environment: Environment::system(),
        comment: Vec::new(),
        date: None,
        shape: RunShape::default(),
    };
    let base = History::of(archive).newest().unwrap();
    let mut transaction = Transaction::begin(archive, base.as_ref(), &options).unwrap();
    let mut contents = Vec::new();
    // In the first update there is one file.
    let files = if before.is_empty() { 1 } else { KINDS.len() };
    for (file, kind) in KINDS.into_iter().enumerate().take(files) {
        let had = before.get(file).or(before.first());
        transaction.begin_content(had.map_or(&[], Vec::as_slice));
        let mut content = Vec::new();
        for bytes in words(1, version + 5 * file).chunks(20_000) {
            let fragment = transaction.store(bytes, kind).unwrap();
            Piece::push_fragment(&mut content, fragment, u32::try_from(bytes.len()).unwrap());
        }
        contents.push(content);
    }
    transaction.commit().unwrap();
    contents
}

#[test]
fn blocks_of_one_update_have_their_base_blocks_decoded_once() {
    let memory = Memory::default();
    let storage = Arc::new(Counted::over(memory.clone()));
    let environment = Environment::system();
    let open =
        || Archive::open_for_writing(storage.clone(), OpenOptions::plain(6), &environment).unwrap();
    let mut contents = Vec::new();
    for version in 0..3 {
        let frame_of =
            |number: usize| frames(&memory.to_bytes(), 2).get(number).map(|frame| frame.0);
        let first = frame_of(0);
        let before = first.map_or(0, |at| storage.reads_at(at));
        let deep: Vec<_> = (1..4).filter_map(frame_of).collect();
        let reads = |at: &usize| storage.reads_at(*at);
        let deep_before: Vec<_> = deep.iter().map(reads).collect();
        contents = update(&mut open(), &contents, version);
        // All blocks of the second update are made with the first block, and all of those of the third
        // with a block of the second, which needs the first: it is read once for all.
        assert_eq!(first.map_or(0, |at| storage.reads_at(at)) - before, u64::from(version > 0));
        // Each of these is asked twice what it needs itself, and decoded once.
        for (at, before) in deep.iter().zip(deep_before) {
            assert_eq!(storage.reads_at(*at) - before, 3, "{version}");
        }
    }
    assert_eq!(frames(&memory.to_bytes(), 2).len(), 7);
}

/// A large block is behind small ones and in front of others; several lean on the same blocks.
#[test]
fn threads_change_no_byte_of_what_leans_on_earlier_blocks() {
    const THREADS: [usize; 3] = [1, 2, 5];
    let bench = Workbench::new(fresh_in_memory());
    let archive = |threads| bench.path(&format!("{threads}.zarc"));
    for version in 0..4 {
        let write = |name: &str, bytes: &[u8]| fs::write(bench.work().join(name), bytes).unwrap();
        let code = [b"\x7fELF\x02\x01".as_slice(), &words(9, version)[..9000]].concat();
        write("a program", &code);
        let text: Vec<Vec<u8>> = (0..8).map(|seed| words(seed, version)).collect();
        write("b text", &text.concat());
        write("c noise", &noise(version as u64, 70_000));
        write("d other", &[[0_u8; 900].as_slice(), &words(3, version)].concat());
        set_clock(real_seconds() + 1000 + i64::try_from(version).unwrap());
        for threads in THREADS {
            set_dice(version as u64);
            let method = Some(MethodChoice::parse("10").unwrap());
            let archive = archive(threads).into();
            let options = AddOptions { archive, threads, method, ..bench.add_options(b"") };
            assert_eq!(run_add(&options).0.problems, 0);
        }
    }
    let first = fs::read(archive(THREADS[0])).unwrap();
    assert!(frames(&first, 2).len() > 20);
    for threads in THREADS {
        assert!(fs::read(archive(threads)).unwrap() == first, "{threads}");
    }
}
