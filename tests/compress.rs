//! Packing and unpacking: what goes in comes out, and hostile bytes come to nothing.

use std::fmt::Write;
use std::fs;

use zarc::base::ErrorKind;
use zarc::compress::{Codec, ContentKind, Method, pack, pack_after, unpack, unpack_after};

use super::support::random::Random;
use super::support::workbench::number_from_environment;

/// Bytes that no codec can make smaller.
fn noise(len: usize) -> Vec<u8> {
    let mut output = vec![0; len];
    blake3::Hasher::new().finalize_xof().fill(&mut output);
    output
}

/// Lines as of a log file.
fn text(len: usize) -> Vec<u8> {
    let mut text = String::new();
    for i in 0_u64.. {
        if text.len() >= len {
            break;
        }
        let number = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        writeln!(text, "{i:08} kept version {} of the tree", number >> 40).unwrap();
    }
    text.truncate(len);
    text.into_bytes()
}

fn method(text: &str) -> Method {
    Method::parse(text).unwrap()
}

/// The codecs that compress.
const CODECS: [Codec; 5] =
    [Codec::Zstd, Codec::Brotli, Codec::Lzma, Codec::Ppmd, Codec::ContextMixing];

fn packed_text(codec: Codec, len: usize) -> Vec<u8> {
    let raw = text(len);
    let packed = pack(&raw, &method(&codec.to_string()), ContentKind::Text).unwrap();
    assert_eq!(packed.codec, codec);
    packed.bytes.into_owned()
}

#[test]
fn every_block_comes_back_at_every_level() {
    let mut mixed = text(300_000);
    mixed.extend(noise(100_000));
    mixed.extend(text(300_000));
    let blocks = [vec![], vec![7], vec![0; 100_000], text(1000), noise(50_000), mixed];
    let mut methods: Vec<Method> = (1..=22).map(|level| method(&format!("zstd:{level}"))).collect();
    methods.extend((0..=11).map(|level| method(&format!("brotli:{level}"))));
    methods.extend((0..=9).map(|level| method(&format!("lzma:{level}"))));
    methods.extend([2, 5, 12, 32].map(|order| method(&format!("ppmd:{order}"))));
    methods.extend(["cm:1", "cm:2"].map(method));
    methods.extend(["0", "10", "20", "50", "58", "brotli", "brotli:5,8"].map(method));
    methods.push(Method::default());
    let mut raw = Vec::new();
    for method in methods {
        for block in &blocks {
            let packed = pack(block, &method, ContentKind::Other).unwrap();
            assert!(packed.bytes.len() <= block.len());
            assert_eq!(packed, pack(block, &method, ContentKind::Other).unwrap());
            unpack(packed.codec, &packed.bytes, block.len(), &mut raw).unwrap();
            assert_eq!(&raw, block, "{method}");
        }
    }
}

#[test]
fn what_does_not_get_smaller_is_stored() {
    let codec = |block: &[u8], level: &str, kind| pack(block, &method(level), kind).unwrap().codec;
    assert_eq!(codec(&noise(10_000), "5", ContentKind::Other), Codec::Store);
    assert_eq!(codec(&text(10_000), "0", ContentKind::Text), Codec::Store);
    assert_eq!(codec(&text(10_000), "1", ContentKind::Text), Codec::Zstd);
    for level in ["1", "3", "4", "5", "brotli:0", "brotli:5", "brotli:11"] {
        assert_eq!(codec(&noise(10_000), level, ContentKind::Other), Codec::Store);
        assert_eq!(codec(&noise(10_000), level, ContentKind::Incompressible), Codec::Store);
        for short in [&b""[..], b"x", b"xy"] {
            assert_eq!(codec(short, level, ContentKind::Text), Codec::Store);
        }
    }
    for level in 0..=11 {
        let method = format!("brotli:{level}");
        assert_eq!(codec(&text(10_000), &method, ContentKind::Text), Codec::Brotli);
    }
}

#[test]
fn slow_levels_try_what_resists_zstd_and_store_what_resists_them() {
    let resists = ContentKind::Incompressible;
    // Behind some noise a bit of each byte is what it was in the byte before.
    let mut bytes = noise(400_000);
    for at in 100_000..bytes.len() {
        bytes[at] = bytes[at] & 0x7f | bytes[at - 1] & 0x80;
    }
    for (level, codec) in
        [("3", Codec::Store), ("4", Codec::ContextMixing), ("5", Codec::ContextMixing)]
    {
        assert_eq!(pack(&bytes, &method(level), resists).unwrap().codec, codec, "{level}");
        assert_eq!(pack(&[], &method(level), resists).unwrap().codec, Codec::Store, "{level}");
    }
    let easy = text(10_000);
    for explicit in ["cm:1", "cm:2", "lzma"] {
        let stored = pack(&easy, &method(explicit), resists).unwrap();
        assert_eq!(stored.codec, Codec::Store, "{explicit}");
    }
    // Longer than what is tried of it.
    let noise = noise(400_000);
    assert_eq!(pack(&noise, &method("5"), resists).unwrap().codec, Codec::Store);
}

#[test]
fn threads_pack_the_same_bytes() {
    let block = text(2_000_000);
    for method in ["25", "3", "40", "brotli:0", "brotli:9"].map(method) {
        threads_pack_the_same(&block, method);
    }
}

fn threads_pack_the_same(block: &[u8], method_of_block: Method) {
    let expected = pack(block, &method_of_block, ContentKind::Text).unwrap();
    // A context that has seen other blocks at other levels must not remember them.
    pack(&noise(70_000), &method("1"), ContentKind::Other).unwrap();
    pack(&text(70_000), &method("3"), ContentKind::Other).unwrap();
    assert_eq!(pack(block, &method_of_block, ContentKind::Text).unwrap(), expected);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| pack(block, &method_of_block, ContentKind::Text).unwrap());
        assert_eq!(other.join().unwrap(), expected);
    });
}

#[test]
fn matches_reach_across_a_whole_block() {
    let copy = noise(1 << 20);
    let block = [copy.clone(), vec![0; 20 << 20], copy].concat();
    let long = pack(&block, &method("25"), ContentKind::Other).unwrap().bytes.len();
    let short = pack(&block, &method("zstd:1,5"), ContentKind::Other).unwrap().bytes.len();
    assert!(long + (900 << 10) < short, "{long} and {short}");
}

#[test]
fn a_block_is_packed_as_what_comes_after_another() {
    let before = [text(100_000), noise(200_000)].concat();
    let mut block = before.clone();
    block.splice(150_000..150_000, *b"something new");
    let mut out = Vec::new();
    for method in ["1", "2", "25", "zstd:19", "zstd:1"].map(method) {
        let packed = pack_after(&before, &block, &method, ContentKind::Other).unwrap();
        assert!(packed.bytes.len() < 2000, "{method}: {}", packed.bytes.len());
        assert_eq!(packed, pack_after(&before, &block, &method, ContentKind::Other).unwrap());
        unpack_after(&before, packed.codec, &packed.bytes, block.len(), &mut out).unwrap();
        assert!(out == block, "{method}");
        // With another prefix, or none, it is an error or another block, never more than its length.
        for other in [&before[..1000], &noise(300_000), b""] {
            let unpacked = unpack_after(other, packed.codec, &packed.bytes, block.len(), &mut out);
            assert!(unpacked.is_err() || out.len() == block.len() && out != block);
        }
    }
    // No other codec reaches back.
    for codec in [Codec::Store, Codec::Brotli, Codec::Lzma, Codec::Ppmd, Codec::ContextMixing] {
        let error = unpack_after(b"before", codec, b"block", 5, &mut out).unwrap_err();
        assert!(error.to_string().contains("does not know of base blocks"), "{error}");
    }
    let block = noise(1000);
    let stored = pack_after(&before, &block, &method("2"), ContentKind::Incompressible);
    assert_eq!(stored.unwrap().codec, Codec::Store);
}

#[test]
fn a_wrong_length_is_an_error() {
    for codec in CODECS {
        let packed = packed_text(codec, 5000);
        for raw_len in [0, 1, 4999, 5001, 1 << 40, usize::MAX] {
            let mut out = b"left over".to_vec();
            let error = unpack(codec, &packed, raw_len, &mut out).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            // A brotli stream does not say how long it is: some room is made before it is known.
            assert!(out.is_empty() && out.capacity() <= 64 * 1024);
            let error = unpack(Codec::Store, &packed, raw_len, &mut out).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
    }
}

#[test]
fn truncated_and_altered_blocks_never_panic() {
    let block = text(3000);
    for codec in CODECS {
        let packed = packed_text(codec, 3000);
        let mut out = Vec::new();
        for len in 0..packed.len() {
            let error = unpack(codec, &packed[..len], 3000, &mut out).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
        for i in 0..packed.len() * 8 {
            let mut altered = packed.clone();
            altered[i / 8] ^= 1 << (i % 8);
            // Without a checksum some changes go unseen here; none may change the length.
            if unpack(codec, &altered, 3000, &mut out).is_ok() {
                assert_eq!(out.len(), 3000);
            }
        }
        unpack(codec, &packed, 3000, &mut out).unwrap();
        assert_eq!(out, block);
    }
}

/// Streams of all levels with several bytes changed, left out or put in. `ZARC_TEST_CASES` makes
/// it so many times as long.
#[test]
fn streams_altered_in_many_places_never_panic() {
    let block = [text(2000), noise(200), vec![b'x'; 5000], text(4000)].concat();
    let mut random = Random::new(number_from_environment("ZARC_TEST_SEED", 1));
    let (mut out, mut decoded) = (Vec::new(), 0);
    for level in 0..=11 {
        let method = method(&format!("brotli:{level}"));
        let packed = pack(&block, &method, ContentKind::Other).unwrap().bytes.into_owned();
        for _ in 0..2000 * number_from_environment("ZARC_TEST_CASES", 1) {
            let mut altered = packed.clone();
            for _ in 0..=random.index(6) {
                // Half of the changes are where tables stand.
                let end = if random.chance(50) { altered.len().min(100) } else { altered.len() };
                let at = random.index(end);
                match random.index(4) {
                    0 => drop(altered.remove(at)),
                    1 => altered.insert(at, random.next().to_le_bytes()[0]),
                    _ => altered[at] = random.next().to_le_bytes()[0],
                }
            }
            if unpack(Codec::Brotli, &altered, block.len(), &mut out).is_ok() {
                assert_eq!(out.len(), block.len());
                decoded += 1;
            }
            assert!(out.capacity() < 1 << 20);
        }
    }
    assert!(decoded > 0, "some changes go unseen without a checksum");
}

#[test]
fn random_bytes_are_no_frame() {
    let bytes = noise(100_000);
    let mut out = Vec::new();
    for (i, chunk) in bytes.chunks(100).enumerate() {
        assert!(unpack(Codec::Zstd, chunk, i, &mut out).is_err());
        let _ = unpack(Codec::Brotli, chunk, 100, &mut out);
        let with_properties = [&[0x5d, 0], &chunk[..i % 100]].concat();
        let _ = unpack(Codec::Lzma, &with_properties, 100, &mut out);
        let with_magic = [&[0x28, 0xb5, 0x2f, 0xfd], chunk].concat();
        let _ = unpack(Codec::Zstd, &with_magic, 100, &mut out);
        assert!(out.capacity() < 1 << 20);
    }
}

#[test]
fn only_one_plain_frame_is_accepted() {
    let packed = packed_text(Codec::Zstd, 3000);
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 9][..], &packed].concat();
    let empty_frame = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0];
    let mut out = Vec::new();
    unpack(Codec::Zstd, &empty_frame, 0, &mut out).unwrap();
    for bytes in [
        [&packed[..], &[0]].concat(),
        [&packed[..], &packed].concat(),
        [&packed[..], &empty_frame].concat(),
        [&empty_frame[..], &packed].concat(),
        skippable,
    ] {
        for raw_len in [0, 3000, 6000] {
            let error = unpack(Codec::Zstd, &bytes, raw_len, &mut out).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
    }
}

/// Bytes in uncompressed meta-blocks of a brotli stream with a window of 2^16 bytes.
fn raw_brotli(pieces: &[&[u8]]) -> Vec<u8> {
    let mut stream = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        // Only the first one stands behind the bit for the window.
        let shift = u32::from(number == 0);
        let header = (piece.len() as u64 - 1) << 3 | 1 << 19;
        stream.extend_from_slice(&(header << shift).to_le_bytes()[..3]);
        stream.extend_from_slice(piece);
    }
    stream.push(0x03);
    stream
}

#[test]
fn only_one_plain_stream_is_accepted() {
    let mut out = Vec::new();
    let mut attempt = |stream: &[u8], raw_len| {
        let result = unpack(Codec::Brotli, stream, raw_len, &mut out);
        let told = result.map(|()| out.clone()).map_err(|error| error.to_string());
        assert!(told.is_ok() || out.is_empty());
        assert!(out.capacity() < 1 << 20, "{}", out.capacity());
        told
    };
    let two = raw_brotli(&[b"one, ", b"two"]);
    assert_eq!(attempt(&two, 8).unwrap(), b"one, two");
    assert!(attempt(&two, 7).unwrap_err().contains("more than 7 bytes"));
    assert!(attempt(&two, 9).unwrap_err().contains("8 bytes, 9 expected"));
    // A stream of no bytes is one too; no bytes are no stream.
    assert_eq!(attempt(&[0x06], 0).unwrap(), b"");
    assert!(attempt(&[], 0).unwrap_err().contains("ends too early"));
    for behind in [&b"\0"[..], &[0x06], &two] {
        let told = attempt(&[&two[..], behind].concat(), 8).unwrap_err();
        assert!(told.contains(&format!("ends after {} bytes", two.len())), "{told}");
    }
    // A window of 2^25 bytes, which the format has only as an extension.
    let large = 0x11_u64 | 25 << 8 | 202 << 17 | 1 << 33;
    let large = [&large.to_le_bytes()[..5], &[7; 203], &[0x03]].concat();
    assert!(attempt(&large, 203).unwrap_err().contains("no brotli stream"));
}

/// A few bytes that stand for very many take no more room than the block may have.
#[test]
fn a_stream_of_more_than_it_should_be_is_given_up() {
    let zeros = vec![0; 64 << 20];
    let packed = pack(&zeros, &method("brotli:5,6"), ContentKind::Other).unwrap();
    assert!(packed.bytes.len() < 1000, "{}", packed.bytes.len());
    let mut out = Vec::new();
    for raw_len in [0, 1, 1000, 1 << 20, (64 << 20) - 1] {
        let error = unpack(Codec::Brotli, &packed.bytes, raw_len, &mut out).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(out.is_empty() && out.capacity() <= raw_len.max(8));
    }
    unpack(Codec::Brotli, &packed.bytes, 64 << 20, &mut out).unwrap();
    assert!(out == zeros);
    // Bytes that are not there are not made room for.
    let mut out = Vec::new();
    unpack(Codec::Brotli, &packed_text(Codec::Brotli, 100_000), 1 << 28, &mut out).unwrap_err();
    assert!(out.capacity() < 1 << 20);
}

#[test]
fn frames_that_ask_for_too_much_are_refused() {
    // Descriptor, window, dictionary, content size; then one raw block of one byte.
    let frame =
        |header: &[u8]| [&[0x28, 0xb5, 0x2f, 0xfd][..], header, &[0x09, 0, 0, b'x']].concat();
    let mut out = Vec::new();
    let mut attempt = |header: &[u8], raw_len| {
        let result = unpack(Codec::Zstd, &frame(header), raw_len, &mut out);
        assert!(out.capacity() < 1 << 20);
        result.map_err(|error| error.to_string())
    };
    attempt(&[0x20, 1], 1).unwrap();
    let window = |log: u8| [0x80, (log - 10) << 3, 1, 0, 0, 0];
    attempt(&window(28), 1).unwrap();
    assert!(attempt(&window(29), 1).unwrap_err().contains("window"));
    assert!(attempt(&window(41), 1).unwrap_err().contains("window"));
    assert!(attempt(&[0x21, 7, 1], 1).unwrap_err().contains("dictionary"));
    assert!(attempt(&[0x00, 0], 1).unwrap_err().contains("no length"));
    let huge = [0xe0, 0, 0, 0, 0, 0, 1, 0, 0];
    assert!(attempt(&huge, 1 << 40).unwrap_err().contains("window"));
}

#[test]
fn kinds_of_content_are_told_apart() {
    let text_lines = "Größe über alles, schön\n".repeat(300);
    let latin_1 = b"Gr\xf6\xdfe \xfcber alles und noch mehr\n".repeat(200);
    let cut_in_two = "é".repeat(4096).as_bytes()[..4095].to_vec();
    let table: Vec<u8> = (0..16_000_u32).flat_map(|i| (i * i).to_le_bytes()).collect();
    for (name, sample, kind) in [
        ("nothing", vec![], ContentKind::Other),
        ("a line", b"one line\n".to_vec(), ContentKind::Text),
        ("a log", text(70_000), ContentKind::Text),
        ("UTF-8", text_lines.into_bytes(), ContentKind::Text),
        ("latin 1", latin_1, ContentKind::Text),
        ("a character cut in two", cut_in_two, ContentKind::Text),
        ("short noise", noise(300), ContentKind::Other),
        ("noise", noise(600), ContentKind::Incompressible),
        ("much noise", noise(70_000), ContentKind::Incompressible),
        ("zeros", vec![0; 70_000], ContentKind::Other),
        ("numbers", table, ContentKind::Other),
        ("half of each", [noise(35_000), vec![3; 35_000]].concat(), ContentKind::Other),
    ] {
        assert_eq!(ContentKind::of(&sample), kind, "{name}");
    }
}

#[test]
fn formats_are_known_by_their_first_bytes() {
    let with_head = |head: &[u8], rest: &[u8]| [head, rest].concat();
    let mut pe = with_head(b"MZ", &[0; 510]);
    pe[0x3c] = 0x80;
    pe[0x80..0x86].copy_from_slice(b"PE\0\0\x64\x86");
    assert_eq!(ContentKind::of(&pe), ContentKind::Executable);
    for (head, kind) in [
        (&b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0"[..], ContentKind::Executable),
        // Code for another processor.
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\xb7\0", ContentKind::Other),
        (b"\xcf\xfa\xed\xfe\x07\0\0\x01", ContentKind::Executable),
        (b"\xcf\xfa\xed\xfe\x0c\0\0\x01", ContentKind::Other),
        (b"\xca\xfe\xba\xbe\0\0\0\x02\x01\0\0\x07", ContentKind::Executable),
        // A Java class, and a program of DOS: no code that a filter knows.
        (b"\xca\xfe\xba\xbe\0\0\0\x34", ContentKind::Other),
        (b"MZ", ContentKind::Other),
        // A zip archive whose members are stored.
        (b"PK\x03\x04", ContentKind::Other),
    ] {
        let sample = with_head(head, &[0; 9000]);
        assert_eq!(ContentKind::of(&sample), kind, "{}", head.escape_ascii());
    }
    let gzip = with_head(b"\x1f\x8b\x08", &noise(9000));
    assert_eq!(ContentKind::of(&gzip), ContentKind::Incompressible);
    if let Ok(program) = fs::read("/bin/ls") {
        assert_eq!(ContentKind::of(&program), ContentKind::Executable);
    }
}
