//! What the table of known fragments costs: `cargo bench --bench fragment_table -- [FRAGMENTS]...`
//! tells bytes a fragment, nanoseconds of processor time to insert, to find and to miss, and how many
//! of those who miss look into a page; with `history ARCHIVE FRAGMENTS` it writes an archive without data that
//! records so many random fragments, to try `add` on.
#![expect(clippy::cast_precision_loss, reason = "figures are shown to three digits")]
#![expect(clippy::unwrap_used, reason = "a bench that panics has failed, as it should")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use zarc::archive::{Archive, OpenOptions, PageHints};
use zarc::base::{Digest, Environment};
use zarc::compress::MethodChoice;
use zarc::format::{
    BlockRecord, Commit, Counts, Directory, FragmentPage, FragmentRecord, FrameType, Manifest,
    PackedPayload, PageReference, RunKind, RunReference, Update,
};
use zarc::journal::Journal;
use zarc::storage::LocalFile;

const BLOCK_FRAGMENTS: u64 = 256;
const PAGE_BLOCKS: u64 = 28;
const PAGE_FRAGMENTS: u64 = BLOCK_FRAGMENTS * PAGE_BLOCKS;
const FRAGMENT_BYTES: u32 = 64 * 1024;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [history, archive, fragments] = arguments.as_slice()
        && history == "history"
    {
        return write_history(Path::new(archive), fragments.parse().unwrap());
    }
    println!(
        "{:>11} {:>9} {:>7} {:>7} {:>7} {:>7} {:>9}",
        "fragments", "begun at", "bytes", "insert", "hit", "miss", "pages"
    );
    let counts: Vec<u64> = match arguments.as_slice() {
        [] => vec![1_000_000, 10_000_000],
        given => given.iter().map(|count| count.parse().unwrap()).collect(),
    };
    for count in counts {
        measure(count, count);
        measure(count, 0);
    }
}

/// The first bits of the identity of fragment `number`.
fn hash(number: u64) -> u64 {
    // splitmix64, which is a bijection: no two fragments are the same.
    let mut bits = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

fn measure(count: u64, expected: u64) {
    const ASKED: u64 = 2_000_000;
    let page_of = |number: u64| u32::try_from(number / PAGE_FRAGMENTS).unwrap();
    let mut hints = PageHints::new(expected, page_of(expected));
    let begin = processor_time();
    for first in (0..count).step_by(1 << 20) {
        let batch = first..(first + (1 << 20)).min(count);
        hints.insert_all(batch.map(|number| (hash(number), page_of(number))).collect());
    }
    let insert = nanoseconds(begin, count);
    let step = (count / ASKED).max(1);
    let asked = count / step;
    let begin = processor_time();
    for number in (0..count).step_by(usize::try_from(step).unwrap()) {
        assert!(hints.pages(hash(number)).any(|page| page == page_of(number)));
    }
    let hit = nanoseconds(begin, asked);
    let begin = processor_time();
    let looked =
        (count..count + asked).map(|n| black_box(hints.pages(hash(n)).count())).sum::<usize>();
    let miss = nanoseconds(begin, asked);
    println!(
        "{count:>11} {expected:>9} {:>7.2} {insert:>7.0} {hit:>7.0} {miss:>7.0} {:>8.4}%",
        hints.bytes() as f64 / count as f64,
        100.0 * looked as f64 / asked as f64
    );
}

fn nanoseconds(begin: Duration, count: u64) -> f64 {
    processor_time().saturating_sub(begin).as_secs_f64() * 1e9 / count as f64
}

/// Other programs may be running: what they take does not count.
fn processor_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap()
}

/// An archive without data whose one update records so many fragments.
fn write_history(path: &Path, fragments: u64) {
    let options = OpenOptions { method: Some(MethodChoice::Index), ..OpenOptions::plain(6) };
    let environment = Environment::system();
    let location = path.to_path_buf().into();
    drop(Archive::open_location_for_writing(&location, options, &environment).unwrap());
    let file = Arc::new(LocalFile::open_for_writing(path).unwrap());
    let (mut journal, _) =
        Journal::open_for_writing(file, None, || unreachable!("it was made"), |_| Ok(())).unwrap();
    let (mut random, previous_tag, date) = ([0; 32], journal.last_tag(), 1_000_000_000);
    (environment.random)(&mut random).unwrap();
    let (nonce, rolled_back) = (Digest::of(&random), Digest::default());
    let update = Update { nonce, previous_tag, date, rolled_back, writer: "bench".to_owned() };
    let mut writer = journal.begin_update(update).unwrap();
    let blocks = fragments.div_ceil(BLOCK_FRAGMENTS);
    let mut pages = Vec::new();
    for first_key in (0..blocks).step_by(usize::try_from(PAGE_BLOCKS).unwrap()) {
        let records = PAGE_BLOCKS.min(blocks - first_key);
        let page = FragmentPage {
            first_block: first_key,
            blocks: (first_key..).map(block).take(usize::try_from(records).unwrap()).collect(),
        };
        let (place, payload_len) =
            writer.append(FrameType::Fragments, &packed(&page.encode())).unwrap();
        pages.push(PageReference { first_key, place, payload_len, records });
    }
    let directory = packed(&Directory::Fragments(pages).encode());
    let (place, payload_len) = writer.append(FrameType::Directory, &directory).unwrap();
    let run = RunReference {
        kind: RunKind::Fragments,
        place,
        payload_len,
        updates: (1, 1),
        records: blocks,
        first_block: 0,
    };
    let counts = Counts { blocks, fragments: blocks * BLOCK_FRAGMENTS, ..Counts::default() };
    let manifest = Manifest {
        update: 1,
        date,
        counts,
        delta_fragments: Some(run.clone()),
        fragment_runs: vec![run],
        ..Manifest::default()
    };
    writer.append(FrameType::Manifest, &packed(&manifest.encode())).unwrap();
    let commit: Commit = writer.commit().unwrap().commit;
    println!("{} fragments in update {}", counts.fragments, commit.update);
}

fn block(number: u64) -> BlockRecord {
    let identity = |index: u64| Digest::of(&(number * BLOCK_FRAGMENTS + index).to_le_bytes());
    let fragment = |index| FragmentRecord { len: FRAGMENT_BYTES, identity: identity(index) };
    BlockRecord::without_data((0..BLOCK_FRAGMENTS).map(fragment).collect())
}

/// Identities cannot be compressed.
fn packed(raw: &[u8]) -> Vec<u8> {
    PackedPayload { codec: 0, raw_len: raw.len(), packed: raw }.encode()
}
