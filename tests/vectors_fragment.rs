//! The cut rule: known answers, a reference that tests one position at a time, and properties.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use zarc::fragment::{Fragmenter, Params, Sizes};

/// The numbers of splitmix64.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }
}

fn random(seed: u64, len: usize) -> Vec<u8> {
    let mut numbers = SplitMix(seed);
    let mut bytes: Vec<u8> =
        (0..len.div_ceil(8)).flat_map(|_| numbers.next().to_le_bytes()).collect();
    bytes.truncate(len);
    bytes
}

fn words(seed: u64, len: usize) -> Vec<u8> {
    let words = "the archive keeps every version of a file that was in it and can show them";
    let words: Vec<&str> = words.split(' ').collect();
    let mut bytes = Vec::new();
    for byte in random(seed, len).into_iter().map(usize::from) {
        bytes.extend_from_slice(words[byte % 16].as_bytes());
        bytes.push(if byte >= 240 { b'\n' } else { b' ' });
    }
    bytes.truncate(len);
    bytes
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

/// The bytes that a vector's `input` describes.
fn input(description: &str) -> Vec<u8> {
    let fields: Vec<&str> = description.split(' ').collect();
    let number = |i: usize| fields[i].parse::<u64>().unwrap();
    let len = |i: usize| fields[i].parse::<usize>().unwrap();
    match fields[0] {
        "random" => random(number(1), len(2)),
        "words" => words(number(1), len(2)),
        "letters" => {
            let letters = from_hex(fields[3]);
            let pick = |byte: u8| letters[usize::from(byte) % letters.len()];
            random(number(1), len(2)).into_iter().map(pick).collect()
        }
        "repeat" => from_hex(fields[2]).into_iter().cycle().take(len(1)).collect(),
        form => panic!("unknown form of input: {form}"),
    }
}

/// All fragments of `bytes` at once.
fn lengths(mut fragmenter: Fragmenter, mut bytes: &[u8]) -> Vec<usize> {
    let mut lengths = Vec::new();
    while let Some(length) = fragmenter.cut(bytes, true) {
        lengths.push(length);
        bytes = &bytes[length..];
    }
    lengths
}

/// The program of the specification: one position at a time, nothing remembered.
fn reference(bytes: &[u8], exponent: u8, params: &[u8; 58]) -> Vec<usize> {
    let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let wide = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let constant = |i: usize| u16::from_le_bytes([params[2 * i], params[2 * i + 1]]);
    let key = |i: usize| u64::from_le_bytes(params[10 + 8 * i..18 + 8 * i].try_into().unwrap());
    let fold = |p: u64, q: u64| {
        let product = u128::from(p) * u128::from(q);
        u64::try_from((product ^ (product >> 64)) & u128::from(u64::MAX)).unwrap()
    };
    let sizes = Sizes::for_exponent(exponent).unwrap();
    let even = (256_u128 << 64) / (sizes.average - sizes.min) as u128;
    let is_cut = |end: usize, length: usize| {
        let sum = (0..4).fold(0_u16, |sum, i| {
            sum.wrapping_add(word(end - 2 - 2 * i).wrapping_mul(constant(i) | 1))
        });
        if sum.wrapping_sub(constant(4)) >= 256 {
            return false;
        }
        let left = fold(wide(end - 32) ^ key(0), wide(end - 24) ^ key(1)) ^ key(4);
        let right = fold(wide(end - 16) ^ key(2), wide(end - 8) ^ key(3)) ^ key(5);
        let threshold = if length < sizes.average { even * 2 / 5 } else { even * 4 };
        u128::from(fold(left, right)) < threshold.min(u128::from(u64::MAX))
    };
    let (mut lengths, mut start) = (Vec::new(), 0);
    while start < bytes.len() {
        let most = sizes.max.min(bytes.len() - start);
        let length = (sizes.min..most).find(|&length| is_cut(start + length, length));
        lengths.push(length.unwrap_or(most));
        start += lengths.last().unwrap();
    }
    lengths
}

fn field<'a>(record: &'a str, name: &str) -> Option<&'a str> {
    record.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

#[test]
fn known_inputs_are_cut_where_the_vectors_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/vectors");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if !entry.file_name().to_string_lossy().starts_with("fragment-") {
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap();
        for record in text.split("\n\n").filter(|record| field(record, "input").is_some()) {
            let exponent = field(record, "exponent").unwrap().parse().unwrap();
            let params = field(record, "params").map_or(Params::PLAIN, |hex| {
                Params::from_bytes(from_hex(hex).as_slice().try_into().unwrap())
            });
            let mut expected = Vec::new();
            for item in field(record, "lengths").unwrap().split_whitespace() {
                let (length, times) = item.split_once('*').unwrap_or((item, "1"));
                let length: usize = length.parse().unwrap();
                expected.extend(std::iter::repeat_n(length, times.parse().unwrap()));
            }
            let fragmenter = Fragmenter::with_params(exponent, &params).unwrap();
            let bytes = input(field(record, "input").unwrap());
            assert_eq!(lengths(fragmenter, &bytes), expected, "{:?}: {record}", entry.path());
            count += 1;
        }
    }
    assert!(count >= 30, "only {count} vectors were found");
}

#[test]
fn the_fast_search_cuts_where_the_reference_does() {
    // All sorts of content, and constants that make hits dense or the words collide.
    let mut inputs = vec![random(1, 300_000), words(2, 300_000), vec![0; 50_000]];
    for period in 1..40 {
        inputs.push(input(&format!("repeat {} {}", 9000 + period, "5a".repeat(period - 1) + "00")));
    }
    for letters in ["0001", "41434754", "00ff7f80"] {
        inputs.push(input(&format!("letters 3 100000 {letters}")));
    }
    for seed in 0..8 {
        let params: [u8; 58] = match seed {
            0 => [0; 58],
            1 => [255; 58],
            _ => random(seed, 58).try_into().unwrap(),
        };
        for bytes in &inputs {
            for exponent in [0, 1, 3] {
                let fragmenter =
                    Fragmenter::with_params(exponent, &Params::from_bytes(&params)).unwrap();
                assert_eq!(lengths(fragmenter, bytes), reference(bytes, exponent, &params));
            }
        }
    }
}

#[test]
fn cuts_do_not_depend_on_how_a_file_is_read() {
    let mut numbers = SplitMix(77);
    for (exponent, bytes) in
        [(0, random(5, 200_000)), (2, words(6, 200_000)), (3, random(7, 900_000))]
    {
        let whole = lengths(Fragmenter::new(exponent).unwrap(), &bytes);
        for piece in [1, 7, 63, 64, 65, 1000, 5000, 100_000] {
            let mut fragmenter = Fragmenter::new(exponent).unwrap();
            let (mut found, mut start, mut end) = (Vec::new(), 0, 0);
            while start < bytes.len() {
                match fragmenter.cut(&bytes[start..end], end == bytes.len()) {
                    Some(length) => {
                        found.push(length);
                        start += length;
                    }
                    None => end = bytes.len().min(end + 1 + numbers.below(piece)),
                }
            }
            assert_eq!(found, whole, "pieces up to {piece}, exponent {exponent}");
        }
    }
}

#[test]
fn lengths_keep_their_bounds_and_their_mean() {
    for exponent in 0..=4 {
        let sizes = Sizes::for_exponent(exponent).unwrap();
        let bytes = random(u64::from(exponent), sizes.average * 2000);
        let lengths = lengths(Fragmenter::new(exponent).unwrap(), &bytes);
        assert_eq!(lengths.iter().sum::<usize>(), bytes.len());
        let (_, inner) = lengths.split_last().unwrap();
        assert!(inner.iter().all(|length| (sizes.min..=sizes.max).contains(length)));
        let mean = bytes.len() / lengths.len();
        let off = mean.abs_diff(sizes.average) * 100 / sizes.average;
        assert!(off < 8, "mean {mean}, asked for {}", sizes.average);
    }
}

#[test]
fn an_insertion_leaves_most_fragments_as_they_were() {
    let fragments = |bytes: &[u8]| {
        let mut rest = bytes;
        let mut found = HashSet::new();
        for length in lengths(Fragmenter::new(Sizes::EXPONENT_DEFAULT).unwrap(), bytes) {
            let (fragment, tail) = rest.split_at(length);
            found.insert(fragment.to_vec());
            rest = tail;
        }
        found
    };
    // Also where there are few different bytes, as in sequences of nucleotides.
    for description in ["random 11 20971520", "words 11 20971520", "letters 11 20971520 41434754"] {
        let bytes = input(description);
        let before = fragments(&bytes);
        for inserted in [1, 100, 5000, 70_000] {
            let after = fragments(&[random(12, inserted), bytes.clone()].concat());
            let kept = before.intersection(&after).count();
            let all = before.len();
            assert!(kept * 10 > all * 9, "{kept} of {all} after {inserted} before {description}");
        }
    }
}

#[test]
fn short_and_empty_files_need_no_search() {
    let mut fragmenter = Fragmenter::new(6).unwrap();
    assert_eq!(fragmenter.cut(&[], true), None);
    assert_eq!(fragmenter.cut(&[1], false), None);
    assert_eq!(fragmenter.cut(&[1], true), Some(1));
    assert_eq!(fragmenter.cut(&[0; 4096], true), Some(4096));
    assert_eq!(fragmenter.cut(&vec![0; 520_192], false), Some(520_192));
    assert!(Fragmenter::new(15).is_some());
    assert!(Fragmenter::new(16).is_none());
}
