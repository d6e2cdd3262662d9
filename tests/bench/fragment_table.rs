//! What the table of known fragments costs: `cargo bench --bench fragment_table -- [FRAGMENTS]...`
//! tells bytes a fragment, nanoseconds of processor time to insert, to find and to miss, and how many
//! of those who miss look into a page. The example `generate` writes archives to try `add` on.
#![expect(clippy::cast_precision_loss, reason = "figures are shown to three digits")]
#![expect(clippy::unwrap_used, reason = "a bench that panics has failed, as it should")]

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use zarc::archive::PageHints;

/// How many fragments a page records, of large files.
const PAGE_FRAGMENTS: u64 = 256 * 28;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
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
