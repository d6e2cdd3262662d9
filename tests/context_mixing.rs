//! The context-mixing codec: what goes in comes out, known inputs give known bytes, and hostile bytes
//! come to nothing.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use zarc::compress::context_mixing::{Strength, decode, encode};

use super::support::random::Random;

const STRENGTHS: [Strength; 2] = [Strength::Fast, Strength::Strong];

fn packed(strength: Strength, input: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    encode(strength, input, &mut packed);
    packed
}

fn unpacked(packed: &[u8], raw_len: usize) -> Option<Vec<u8>> {
    let mut raw = vec![7; 3];
    decode(packed, raw_len, &mut raw).ok().map(|()| raw)
}

#[track_caller]
fn comes_back(input: &[u8]) {
    for strength in STRENGTHS {
        let packed = packed(strength, input);
        assert!(unpacked(&packed, input.len()).as_deref() == Some(input), "{strength:?}");
    }
}

fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut dice = Random::new(seed);
    (0..len).map(|_| dice.next().to_be_bytes()[0]).collect()
}

fn words(seed: u64, len: usize) -> Vec<u8> {
    let words =
        ["the ", "archive ", "keeps ", "Every ", "version\n", "of_a ", "file, ", "\u{e4}ra "];
    let mut dice = Random::new(seed);
    let mut text: Vec<u8> = Vec::new();
    while text.len() < len {
        text.extend_from_slice(words[dice.index(words.len())].as_bytes());
    }
    text.truncate(len);
    text
}

fn records(len: usize) -> Vec<u8> {
    let record = |i: u32| [i.to_le_bytes(), (i * i / 7).to_le_bytes(), [0, 0, 1, 255]].concat();
    let mut bytes: Vec<u8> = (0..).flat_map(record).take(len).collect();
    bytes.truncate(len);
    bytes
}

#[test]
fn inputs_of_all_sorts_come_back() {
    comes_back(&[]);
    for byte in [0, 1, b'a', 128, 255] {
        comes_back(&[byte]);
        comes_back(&vec![byte; 4000]);
    }
    for period in [2, 3, 5, 6, 7, 31, 32, 33, 255, 1000] {
        comes_back(&noise(1, period).repeat(3000 / period));
    }
    comes_back(&noise(1, 4000));
    comes_back(&words(2, 8000));
    comes_back(&records(6000));
    comes_back(&[words(3, 2000), noise(4, 500), words(3, 2000), records(2000)].concat());
}

/// The hash of four of these five bytes, rotated, is 2^32 - 1 when the last one is added to it.
#[test]
fn hashes_wrap() {
    comes_back(&[&b"before "[..], &[0xe7, 0xf6, 0x43, 0x5e, 0xff], b" after"].concat());
}

#[test]
fn what_can_be_predicted_becomes_small() {
    let repeated = noise(5, 1000).repeat(50);
    for strength in STRENGTHS {
        assert!(packed(strength, &vec![0; 100_000]).len() < 60);
        assert!(packed(strength, &repeated).len() < 1400);
        assert!(packed(strength, &words(6, 10_000)).len() < 1200);
        assert!(packed(strength, &records(6000)).len() < 2500);
        assert!(packed(strength, &noise(7, 6000)).len() < 6300);
    }
}

#[test]
fn the_strong_model_is_stronger() {
    for input in [records(3000), records(12_000)] {
        let [fast, strong] = STRENGTHS.map(|strength| packed(strength, &input).len());
        assert!(strong < fast, "{strong} of {fast}");
    }
}

#[test]
fn packed_bytes_are_appended() {
    let mut out = b"before".to_vec();
    encode(Strength::Fast, b"input", &mut out);
    assert_eq!(out.strip_prefix(b"before").unwrap(), packed(Strength::Fast, b"input"));
}

#[test]
fn every_truncation_and_every_addition_is_an_error() {
    for strength in STRENGTHS {
        let input = words(9, 60);
        let packed = packed(strength, &input);
        for len in 0..packed.len() {
            assert_eq!(unpacked(&packed[..len], input.len()), None, "{len} bytes");
        }
        assert_eq!(unpacked(&[packed.as_slice(), &[0]].concat(), input.len()), None);
        assert_eq!(unpacked(&[packed.as_slice(), &[0; 9]].concat(), input.len()), None);
    }
}

#[test]
fn an_unknown_first_byte_and_an_impossible_length_are_errors() {
    let good = packed(Strength::Fast, b"input");
    for head in 4..=255 {
        let bad = [&[head], &good[1..]].concat();
        assert_eq!(unpacked(&bad, 5), None);
    }
    assert_eq!(unpacked(&good, usize::MAX), None);
    #[cfg(target_pointer_width = "64")]
    assert_eq!(unpacked(&good, 1 << 32), None);
}

#[test]
fn changed_bytes_give_the_right_length_or_an_error() {
    let input = [words(10, 200), records(200), words(10, 200)].concat();
    let mut dice = Random::new(11);
    for strength in STRENGTHS {
        let packed = packed(strength, &input);
        for _ in 0..15 {
            let mut bad = packed.clone();
            for _ in 0..=dice.index(3) {
                let at = dice.index(bad.len());
                bad[at] = bad[at].wrapping_add(1 + noise(dice.next(), 1)[0] % 255);
            }
            if let Some(raw) = unpacked(&bad, input.len()) {
                assert_eq!(raw.len(), input.len());
            }
        }
        assert_ne!(unpacked(&packed, input.len() - 1).map(|raw| raw.len()), Some(input.len()));
        assert!(unpacked(&noise(12, 500), 5000).is_none_or(|raw| raw.len() == 5000));
    }
}

fn field<'a>(record: &'a str, name: &str) -> Option<&'a str> {
    record.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// The bytes that a vector's `input` describes.
fn input(description: &str) -> Vec<u8> {
    let fields: Vec<&str> = description.split(' ').collect();
    let number = |i: usize| fields[i].parse::<u64>().unwrap();
    let len = |i: usize| fields[i].parse::<usize>().unwrap();
    match fields[0] {
        "noise" => noise(number(1), len(2)),
        "words" => words(number(1), len(2)),
        "records" => records(len(1)),
        "zeros" => vec![0; len(1)],
        "mixture" => [words(1, len(1)), noise(2, 200), words(1, len(1)), records(len(1))].concat(),
        form => panic!("unknown form of input: {form}"),
    }
}

fn strength(name: &str) -> Strength {
    match name {
        "fast" => Strength::Fast,
        "strong" => Strength::Strong,
        name => panic!("unknown strength: {name}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[test]
fn known_inputs_give_the_bytes_of_the_vectors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("testdata/vectors/context-mixing.txt");
    let text = fs::read_to_string(&path).unwrap();
    let writes = std::env::var_os("ZARC_WRITE_VECTORS").is_some();
    let mut records = text.split("\n\n").map(str::to_owned).collect::<Vec<_>>();
    let mut count = 0;
    for record in records.iter_mut().filter(|record| field(record, "input").is_some()) {
        let bytes = input(field(record, "input").unwrap());
        let packed = packed(strength(field(record, "strength").unwrap()), &bytes);
        let found = format!("packed: {}", hex(&packed));
        if writes {
            let kept = record.lines().filter(|line| !line.starts_with("packed"));
            *record = kept.chain([found.as_str()]).collect::<Vec<_>>().join("\n");
        } else {
            assert!(record.trim_end().ends_with(&found), "{record}\nfound\n{found}");
        }
        assert_eq!(unpacked(&packed, bytes.len()), Some(bytes));
        count += 1;
    }
    assert!(count >= 12, "only {count} vectors were found");
    if writes {
        fs::write(path, records.join("\n\n").trim_end().to_owned() + "\n").unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn random_pieces_come_back(
        pieces in prop::collection::vec((0..5_u8, any::<u64>(), 0..700_usize, 1..4_usize), 0..6)
    ) {
        let mut bytes = Vec::new();
        for (sort, seed, len, times) in pieces {
            let piece = match sort {
                0 => noise(seed, len),
                1 => words(seed, len),
                2 => records(len),
                3 => vec![seed.to_be_bytes()[0]; len],
                _ => bytes[bytes.len().saturating_sub(len)..].to_vec(),
            };
            bytes.extend(piece.repeat(times));
        }
        comes_back(&bytes);
    }
}
