//! Goal: byte layouts stay what they are, and both readers agree on them. Method: each vector in
//! `testdata/vectors` is made here from plain values, compared with the file byte by byte, and
//! decoded. `ZARC_WRITE_VECTORS=1` writes the files anew, which only a new draft may need.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use zarc::base::{
    ByteReader, ByteWriter, Digest, Kind, Metadata, Result, StoredPath, Timestamp, Xattr,
};
use zarc::compress::{Codec, ContentKind, Filter, Method, pack, unpack_after};
use zarc::format::{
    Anchor, ArchiveHeader, Base, BlockRecord, Commit, CommitLink, Continuation, CopiedRange,
    Counts, Data, Directory, DirectoryBuilder, Entry, EntryPage, EntryPageBuilder, FragmentId,
    FragmentPage, FragmentRecord, FrameHeader, FrameType, HeaderFlags, IdentityPage,
    IdentityPrefix, IdentityRecord, IdentityRun, Intent, Manifest, Object, Origin, PackedPayload,
    PageReference, Piece, Place, Run, RunKey, RunKind, RunReference, Stored, Update,
    check_directory,
};
use zarc::journal::FrameReader;
use zarc::storage::Memory;

struct Vector {
    name: &'static str,
    what: &'static str,
    is_ok: bool,
    bytes: Vec<u8>,
}

fn ok(name: &'static str, what: &'static str, bytes: Vec<u8>) -> Vector {
    Vector { name, what, is_ok: true, bytes }
}

fn refused(name: &'static str, what: &'static str, bytes: Vec<u8>) -> Vector {
    Vector { name, what, is_ok: false, bytes }
}

fn numbered_digest(number: u8) -> Digest {
    Digest::of(&[number])
}

fn header() -> ArchiveHeader {
    ArchiveHeader {
        flags: HeaderFlags::default(),
        part: 1,
        archive_id: *b"sixteen bytes id",
        created: 1_700_000_000,
        block_bits: 28,
        fragment_exponent: 6,
        link: Digest::default(),
        first_update: 1,
        continues: None,
    }
}

fn header_page() -> Vec<u8> {
    header().encode(None).0[..512].to_vec()
}

/// Part 3, in which update 2 goes on.
fn continued_header() -> ArchiveHeader {
    let piece = Continuation {
        start_part: 2,
        first_index: 5,
        bytes_before: 60_000,
        nonce: numbered_digest(6),
    };
    ArchiveHeader {
        flags: HeaderFlags { in_parts: true, ..HeaderFlags::default() },
        part: 3,
        link: numbered_digest(2),
        first_update: 2,
        continues: Some(piece),
        ..header()
    }
}

/// The same with other bytes for the part where the update starts and the index.
fn changed_continuation(start_part: u32, first_index: u64) -> Vec<u8> {
    let mut page = continued_header().encode(None).0[..512].to_vec();
    page[52..56].copy_from_slice(&start_part.to_le_bytes());
    page[56..64].copy_from_slice(&first_index.to_le_bytes());
    let checksum = Digest::of(&page[..480]);
    page[480..].copy_from_slice(checksum.as_bytes());
    page
}

/// The header page with some bytes changed and, if asked for, its checksum made right again.
fn changed_header(offset: usize, bytes: &[u8], is_sealed: bool) -> Vec<u8> {
    let mut page = header_page();
    page[offset..offset + bytes.len()].copy_from_slice(bytes);
    if is_sealed {
        let checksum = Digest::of(&page[..480]);
        page[480..].copy_from_slice(checksum.as_bytes());
    }
    page
}

fn frame_header(frame_type: FrameType, payload_len: u64) -> FrameHeader {
    FrameHeader {
        frame_type,
        is_encrypted: false,
        is_last: frame_type == FrameType::Manifest,
        part: 1,
        update: 3,
        index: 7,
        payload_len,
        offset: 4096,
        nonce_prefix: *b"nonce123",
    }
}

fn changed_frame_header(offset: usize, bytes: &[u8], is_sealed: bool) -> Vec<u8> {
    let mut header = frame_header(FrameType::Entries, 100).encode().to_vec();
    header[offset..offset + bytes.len()].copy_from_slice(bytes);
    if is_sealed {
        let checksum = Digest::of(&header[..56]).prefix();
        header[56..].copy_from_slice(&checksum);
    }
    header
}

fn frame(frame_type: FrameType, payload: &[u8]) -> Vec<u8> {
    let header = frame_header(frame_type, payload.len() as u64).encode();
    let tag = Digest::of_pieces(&[&header, payload]);
    [&header, payload, tag.as_bytes()].concat()
}

fn with_flipped_end(mut bytes: Vec<u8>) -> Vec<u8> {
    *bytes.last_mut().unwrap() ^= 1;
    bytes
}

fn update() -> Update {
    Update {
        nonce: numbered_digest(1),
        previous_tag: numbered_digest(2),
        date: 1_700_000_001,
        rolled_back: Digest::default(),
        writer: "zarc 0.1.0".to_owned(),
    }
}

fn commit() -> Commit {
    Commit {
        archive_id: *b"sixteen bytes id",
        update: 3,
        date: 1_700_000_003,
        start: Place { part: 1, offset: 20_480 },
        previous: Place { part: 1, offset: 16_384 },
        frames: 7,
        manifest_offset: 21_000,
        jump: CommitLink { update: 1, place: Place { part: 1, offset: 8_192 } },
        previous_tag: numbered_digest(3),
        root: numbered_digest(4),
        state: numbered_digest(5),
        nonce: numbered_digest(6),
    }
}

fn anchor() -> Anchor {
    Anchor {
        archive_id: *b"sixteen bytes id",
        update: 3,
        nonce: numbered_digest(6),
        previous_tag: numbered_digest(3),
        commit_tag: numbered_digest(7),
        start: Place { part: 2, offset: 4096 },
        commit: Place { part: 2, offset: 20_480 },
        origin: (30_000, 17),
        previous: 24_576,
        archive_bytes: 65_536,
    }
}

fn intent() -> Intent {
    Intent {
        part: 2,
        update: 3,
        nonce: numbered_digest(6),
        previous_tag: numbered_digest(3),
        time: 1_700_000_002,
    }
}

fn origin() -> Origin {
    let range = |offset, len, copy| CopiedRange { place: Place { part: 2, offset }, len, copy };
    Origin { ranges: vec![range(4096, 240, 28_672), range(9000, 1000, 28_912)] }
}

fn data_payload() -> Vec<u8> {
    block_300(0, 0, Vec::new(), &[0x5a; 203])
}

/// The same block in a brotli stream.
fn brotli_payload(stream: &[u8]) -> Vec<u8> {
    block_300(2, 0, Vec::new(), stream)
}

/// The stream without its end marker.
fn cut_end_marker(stream: &mut Vec<u8>) {
    stream.truncate(stream.len() - 6);
}

/// The same block as `method` packs it, with a change to the stream.
fn changed_stream(method: &str, change: fn(&mut Vec<u8>)) -> Vec<u8> {
    let method = Method::parse(method).unwrap();
    let packed = pack(&[0x5a; 203], &method, ContentKind::Other).unwrap();
    let mut stream = packed.bytes.into_owned();
    change(&mut stream);
    block_300(packed.codec.id(), 0, Vec::new(), &stream)
}

fn block_300(codec: u8, filter: u8, bases: Vec<Base>, packed: &[u8]) -> Vec<u8> {
    Data { codec, filter, bases, block: 300, lengths: vec![3, 200], packed }.encode()
}

/// Calls, some of them within the distance of another.
fn e8e9_payload() -> Vec<u8> {
    let code: Vec<u8> =
        (0..203).map(|i| [0xe8, 0x10, 0x00, 0xe9, 0x00, 0xff, 0xff][i % 7]).collect();
    block_300(0, 1, Vec::new(), &code)
}

/// The block as the difference to two others, which have 256 bytes each, from 0 to 255.
fn bases_payload(first: u64) -> Vec<u8> {
    let base = |block, ranges: &[(u32, u32)]| Base { block, ranges: ranges.to_vec() };
    let bases = vec![base(first, &[(0, 3), (10, 100)]), base(299, &[(156, 100)])];
    block_300(1, 0, bases, &ZSTD_AFTER_BASES)
}

/// What the reference encoder makes of the bytes 0, 1, 2, 10 to 109 and 156 to 255 after themselves.
const ZSTD_AFTER_BASES: [u8; 16] = [
    0x28, 0xb5, 0x2f, 0xfd, 0x20, 0xcb, 0x3d, 0x00, 0x00, 0x00, 0x01, 0x00, 0x48, 0x27, 0x65, 0x80,
];

/// The block as one frame that does not say how long its content is.
fn sizeless_stream() -> Vec<u8> {
    let header = [0x28, 0xb5, 0x2f, 0xfd, 0, 0];
    // The last block, raw, of 203 bytes.
    [&header[..], &[0x59, 0x06, 0], &[0x5a; 203]].concat()
}

/// What the reference encoder makes of the block.
fn brotli_stream() -> [u8; 11] {
    [0x1b, 0xca, 0x00, 0xf8, 0x25, 0xb4, 0x62, 0xb1, 0x40, 0x80, 0x00]
}

/// The block in one uncompressed meta-block and an empty last one, with a window of 2^25 bytes.
fn large_window_stream() -> Vec<u8> {
    let header = 0x11_u64 | 25 << 8 | 202 << 17 | 1 << 33;
    [&header.to_le_bytes()[..5], &[0x5a; 203], &[0x03]].concat()
}

fn entries() -> Vec<Entry> {
    let file = Stored {
        metadata: Metadata {
            kind: Kind::File,
            mode: 0o4755,
            mtime: Timestamp { seconds: -1, nanos: 999_999_999 },
            uid: 0,
            gid: 1000,
            user: b"root".to_vec(),
            group: Vec::new(),
            xattrs: vec![Xattr { name: b"user.note".to_vec(), value: b"a\0b".to_vec() }],
            link_target: Vec::new(),
            device: (0, 0),
            windows_attributes: None,
        },
        has_attributes: true,
        ctime: Timestamp { seconds: 1_700_000_000, nanos: 1 },
        inode: 4242,
        device: Some(64_769),
        is_unsettled: true,
        is_touched: true,
        content: vec![
            Piece::Data(Run { first: FragmentId { block: 300, index: 1 }, count: 1, len: 200 }),
            Piece::Hole(1 << 33),
            Piece::Data(Run { first: FragmentId { block: 2, index: 0 }, count: 9, len: 70_000 }),
        ],
        unknown: vec![(100, b"kept".to_vec())],
    };
    let mut link = file.clone();
    link.metadata.kind = Kind::Symlink;
    link.metadata.link_target = b"../file\xff".to_vec();
    (link.content, link.device, link.has_attributes) = (Vec::new(), None, false);
    (link.metadata.mode, link.metadata.gid) = (0, 0);
    (link.metadata.user, link.metadata.xattrs) = (Vec::new(), Vec::new());
    let path = |bytes: &[u8]| StoredPath::from_bytes(bytes.to_vec()).unwrap();
    vec![
        Entry { path: path(b"/etc/file"), object: Object::Stored(Box::new(file)) },
        Entry { path: path(b"/etc/file/gone"), object: Object::Deleted },
        Entry { path: path(b"/etc/link\n"), object: Object::Stored(Box::new(link)) },
    ]
}

/// A file that was saved in Windows, with fields on both sides that are not known.
fn entry_of_windows() -> Entry {
    let Object::Stored(mut stored) = entries().remove(0).object else {
        panic!("a file comes first")
    };
    stored.metadata = Metadata {
        mode: 0,
        uid: 0,
        gid: 0,
        user: Vec::new(),
        group: Vec::new(),
        xattrs: Vec::new(),
        windows_attributes: Some(0x8000_0021),
        ..stored.metadata
    };
    (stored.has_attributes, stored.device, stored.is_unsettled) = (false, None, false);
    stored.unknown = vec![(14, vec![7; 32]), (100, b"kept".to_vec())];
    Entry {
        path: StoredPath::from_bytes(b"C:/Users/file".to_vec()).unwrap(),
        object: Object::Stored(stored),
    }
}

fn entry_page(entries: &[Entry]) -> Vec<u8> {
    let mut builder = EntryPageBuilder::new();
    for entry in entries {
        builder.push(entry);
    }
    builder.finish().unwrap().2
}

/// A page of one entry from raw bytes of its path and of its fields.
fn raw_entry_page(path: &[u8], fields: &[u8]) -> Vec<u8> {
    let mut writer = ByteWriter::new();
    writer.varint(1).varint(0).byte_string(path).u8(1).bytes(fields).u8(0);
    writer.into_bytes()
}

fn fragment_page() -> FragmentPage {
    let fragment = |len: u32| FragmentRecord { len, identity: numbered_digest(9) };
    let block = |offset: u64| BlockRecord {
        place: Place { part: 1, offset },
        payload_len: 1000,
        bases: vec![3, 126],
        fragments: vec![fragment(1), fragment(520_192)],
    };
    FragmentPage { first_block: 127, blocks: vec![block(4096), block(1 << 40)] }
}

fn run(kind: RunKind, first_block: u64, records: u64) -> RunReference {
    let place = Place { part: 1, offset: 40_000 };
    RunReference { kind, place, payload_len: 77, updates: (2, 3), records, first_block }
}

fn manifest() -> Manifest {
    let delta = RunReference { updates: (3, 3), ..run(RunKind::Entries, 0, 10) };
    let counts = Counts {
        added: 1,
        updated: 2,
        deleted: 3,
        touched: 4,
        content_bytes: 5,
        new_bytes: 6,
        data_bytes: 7,
        names: 800,
        names_bytes: 9_000,
        blocks: 12,
        fragments: 130,
    };
    Manifest {
        update: 3,
        date: 1_700_000_003,
        counts,
        comment: b"before the move".to_vec(),
        delta_entries: Some(delta.clone()),
        delta_fragments: None,
        entry_runs: vec![delta, RunReference { updates: (1, 2), ..run(RunKind::Entries, 0, 99) }],
        fragment_runs: vec![run(RunKind::Fragments, 0, 8), run(RunKind::Fragments, 8, 4)],
        identity_runs: [(90, 8), (30, 3)].map(identity_run).to_vec(),
    }
}

fn identity_run((records, blocks): (u64, u64)) -> IdentityRun {
    let place = Place { part: 1, offset: 7_000 + blocks };
    IdentityRun { place, payload_len: 62, records, blocks }
}

/// A run has the identities of a block that there is not.
fn identities_beyond() -> Manifest {
    Manifest { identity_runs: [(90, 8), (30, 5)].map(identity_run).to_vec(), ..manifest() }
}

/// Of two blocks, two of one block beginning alike.
fn identities() -> Vec<IdentityRecord> {
    let bits = [0x0102_0304_05ff_ffff, 0x0102_0304_0500_0000, 0x0102_0304_0600_0000, u64::MAX];
    let record = |(bits, block)| IdentityRecord { prefix: IdentityPrefix::of_bits(bits), block };
    bits.into_iter().zip([300, 300, 4000, 299]).map(record).collect()
}

fn identities_out_of_order() -> Vec<u8> {
    let mut raw = IdentityPage::encode(&identities());
    // The last record comes before the others.
    let last = raw.len() - 7;
    raw[last..last + 5].fill(0);
    raw
}

fn directory_of_identities() -> Vec<u8> {
    let place = Place { part: 1, offset: 5_000 };
    let page = |record: &IdentityRecord| PageReference {
        first_key: record.prefix,
        place,
        payload_len: 60,
        records: 4,
    };
    let identities = identities();
    raw_directory(1, &[page(&identities[0]), page(&identities[2])])
}

/// The raw bytes of directories: of entry pages, of fragment pages, of directories.
fn directories() -> [Vec<u8>; 3] {
    let place = Place { part: 1, offset: 5_000 };
    let page = |first_key| PageReference { first_key, place, payload_len: 60, records: 4 };
    let blocks = [page(0), page(4)];
    let above = [page(0), PageReference { records: u64::from(u32::MAX), ..page(4) }];
    let paths = ["a/b", "a.b"].map(|text| StoredPath::normalized(text.as_bytes()).unwrap());
    let entry_pages =
        paths.map(|path| PageReference { first_key: path, place, payload_len: 61, records: 5 });
    [raw_directory(1, &entry_pages), raw_directory(1, &blocks), raw_directory(2, &above)]
}

fn raw_directory<Key: RunKey + std::fmt::Debug>(
    level: u8,
    listed: &[PageReference<Key>],
) -> Vec<u8> {
    let mut builder = DirectoryBuilder::new(level);
    for page in listed {
        builder.push(page);
    }
    let (.., raw) = builder.finish().unwrap();
    assert_eq!(Directory::decode(&raw).unwrap().listed, listed);
    raw
}

fn record_vectors() -> Vec<Vector> {
    let mut lengths_differ = data_payload();
    lengths_differ[24] = 4;
    let mut unknown_codec = data_payload();
    unknown_codec[0] = 99;
    let packed_too_long = PackedPayload { codec: 0, raw_len: (1 << 26) + 1, packed: b"x" };
    let rest = [&brotli_stream()[..], &[0]].concat();
    let [of_entries, of_fragments, of_directories] = directories();
    let mut of_a_gap = of_fragments.clone();
    *of_a_gap.last_mut().unwrap() += 1;
    vec![
        refused("varint-overlong", "varint", vec![0x81, 0x00]),
        ok("update-payload", "update", update().encode()),
        ok("data-payload", "data", data_payload()),
        ok("data-brotli", "data", brotli_payload(&brotli_stream())),
        ok("data-lzma", "data", changed_stream("lzma", |_| ())),
        ok("data-ppmd", "data", changed_stream("ppmd", |_| ())),
        ok("data-cm", "data", changed_stream("cm", |_| ())),
        refused("data-zstd-sizeless", "data", block_300(1, 0, Vec::new(), &sizeless_stream())),
        refused("data-lzma-rest", "data", changed_stream("lzma", |stream| stream.push(0))),
        refused("data-lzma-endless", "data", changed_stream("lzma", cut_end_marker)),
        refused("data-ppmd-rest", "data", changed_stream("ppmd", |stream| stream.push(0))),
        refused("data-cm-rest", "data", changed_stream("cm", |stream| stream.push(0))),
        ok("data-e8e9", "data", e8e9_payload()),
        ok("data-bases", "data", bases_payload(7)),
        refused("data-base-later", "data", bases_payload(300)),
        refused("data-brotli-rest", "data", brotli_payload(&rest)),
        refused("data-brotli-large-window", "data", brotli_payload(&large_window_stream())),
        refused("data-lengths-differ", "data", lengths_differ),
        refused("data-codec-unknown", "data", unknown_codec),
        refused("packed-raw-too-long", "packed", packed_too_long.encode()),
        ok("fragment-page", "fragment-page", fragment_page().encode()),
        ok("entry-page", "entry-page", entry_page(&entries())),
        refused("entry-path-malformed", "entry-page", raw_entry_page(b"a//b", &[])),
        ok("entry-windows-attributes", "entry-page", entry_page(&[entry_of_windows()])),
        refused(
            "entry-attributes-too-large",
            "entry-page",
            raw_entry_page(b"a", &[15, 5, 0x80, 0x80, 0x80, 0x80, 0x10]),
        ),
        refused("entry-field-too-long", "entry-page", raw_entry_page(b"a", &[7, 2, 1, 1])),
        ok("directory-entries", "directory", of_entries),
        ok("directory-fragments", "directory", of_fragments),
        ok("directory-of-directories", "directory", of_directories),
        ok("directory-identities", "directory", directory_of_identities()),
        refused("directory-records-differ", "directory", of_a_gap),
        ok("identity-page", "identity-page", IdentityPage::encode(&identities())),
        refused("identity-page-out-of-order", "identity-page", identities_out_of_order()),
        refused("identity-page-larger-differences", "identity-page", vec![1, 6, 1, 3, 0, 1]),
        refused("identity-page-without-bytes", "identity-page", vec![2, 7, 0, 3, 0]),
        ok("manifest-raw", "manifest", manifest().encode()),
        refused("manifest-identities-beyond", "manifest", identities_beyond().encode()),
        ok("commit-payload", "commit", commit().encode()),
        ok("anchor-payload", "anchor", anchor().encode()),
        refused("anchor-without-part", "anchor", anchor_without_part()),
        ok("intent-payload", "intent", intent().encode()),
        ok("origin-payload", "origin", origin().encode()),
        refused("origin-overlap", "origin", origin_with_overlap()),
    ]
}

fn anchor_without_part() -> Vec<u8> {
    let mut payload = anchor().encode();
    payload[120..128].fill(0);
    payload
}

fn origin_with_overlap() -> Vec<u8> {
    let mut origin = origin();
    origin.ranges[0].len = 5000;
    origin.encode()
}

fn frame_vectors() -> Vec<Vector> {
    let too_long = (1_u64 << 26) + 1;
    let commit_frame = frame(FrameType::Commit, &commit().encode());
    vec![
        ok("header-plain", "header", header_page()),
        ok("header-without-data", "header", changed_header(16, &[4], true)),
        refused("header-unknown-flag", "header", changed_header(16, &[8], true)),
        refused("header-checksum-wrong", "header", changed_header(40, &[1], false)),
        refused("header-other-draft", "header", changed_header(10, &[99], true)),
        ok("header-continued", "header-of-part-3", changed_continuation(2, 5)),
        refused("header-continued-later", "header-of-part-3", changed_continuation(3, 5)),
        refused("header-continued-from-0", "header-of-part-3", changed_continuation(2, 0)),
        ok("frame-header", "frame-header", changed_frame_header(9, &[2], true)),
        refused("frame-unknown-flag", "frame-header", changed_frame_header(9, &[0x80], true)),
        refused(
            "frame-header-checksum-wrong",
            "frame-header",
            changed_frame_header(24, &[1], false),
        ),
        refused(
            "frame-payload-too-long",
            "frame-header",
            changed_frame_header(32, &too_long.to_le_bytes(), true),
        ),
        refused("frame-type-unknown", "frame-header", changed_frame_header(8, &[77], true)),
        refused("frame-tag-wrong", "frame", with_flipped_end(frame(FrameType::Data, b"payload"))),
        refused("frame-of-index", "frame", frame(FrameType::Anchor, &anchor().encode())),
        refused("commit-tag-wrong", "frame", with_flipped_end(commit_frame)),
    ]
}

fn decode(what: &str, bytes: &[u8]) -> Result<()> {
    match what {
        "varint" => ByteReader::new(bytes, "vector").varint().map(drop),
        "header" | "header-of-part-3" => ArchiveHeader::decode(bytes).map(drop),
        "frame-header" => FrameHeader::decode(bytes).map(drop),
        "frame" => {
            let at_its_offset = [vec![0; 4096], bytes.to_vec()].concat();
            FrameReader::new(Arc::new(Memory::with_bytes(at_its_offset))).frame_at(4096).map(drop)
        }
        "update" => Update::decode(bytes).map(drop),
        "data" => Data::decode(bytes).and_then(|data| {
            let (codec, filter) = (Codec::from_id(data.codec)?, Filter::from_id(data.filter)?);
            let of_base: Vec<u8> = (0..=255).collect();
            let ranges = data.bases.iter().flat_map(|base| &base.ranges);
            let prefix: Vec<&[u8]> =
                ranges.map(|&(start, len)| &of_base[start as usize..][..len as usize]).collect();
            let mut raw = Vec::new();
            unpack_after(&prefix.concat(), codec, data.packed, data.raw_len(), &mut raw)?;
            filter.undo(&mut raw);
            Ok(())
        }),
        "packed" => PackedPayload::decode(bytes).map(drop),
        "fragment-page" => FragmentPage::decode(bytes).map(drop),
        "entry-page" => EntryPage::decode(bytes).map(drop),
        "directory" => check_directory(bytes),
        "identity-page" => IdentityPage::decode(bytes).map(drop),
        "manifest" => Manifest::decode(bytes).map(drop),
        "commit" => Commit::decode(bytes).map(drop),
        "anchor" => Anchor::decode(bytes).map(drop),
        "intent" => Intent::decode(bytes).map(drop),
        "origin" => Origin::decode(bytes).map(drop),
        other => panic!("no decoder for {other}"),
    }
}

fn text_of(vector: &Vector) -> String {
    let expect = if vector.is_ok { "ok" } else { "refused" };
    let mut text = format!("what: {}\nexpect: {expect}\n", vector.what);
    for line in vector.bytes.chunks(32) {
        let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        text.extend(["hex: ", &hex.concat(), "\n"]);
    }
    text
}

#[test]
fn vectors_are_what_the_code_writes_and_reads() {
    for vector in record_vectors().into_iter().chain(frame_vectors()) {
        let path = PathBuf::from("testdata/vectors").join(format!("{}.txt", vector.name));
        if std::env::var_os("ZARC_WRITE_VECTORS").is_some() {
            fs::write(&path, text_of(&vector)).unwrap();
        }
        let stored = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(stored, text_of(&vector), "{}", path.display());
        let decoded = decode(vector.what, &vector.bytes);
        assert_eq!(decoded.is_ok(), vector.is_ok, "{}: {decoded:?}", vector.name);
    }
}

#[test]
fn values_come_back_from_their_bytes() {
    let of_header = ArchiveHeader::decode(&continued_header().encode(None).0).unwrap().0;
    assert_eq!(of_header, continued_header());
    assert_eq!(Update::decode(&update().encode()).unwrap(), update());
    assert_eq!(Commit::decode(&commit().encode()).unwrap(), commit());
    assert_eq!(Anchor::decode(&anchor().encode()).unwrap(), anchor());
    assert_eq!(anchor().encode().len() as u64, Anchor::LEN);
    assert_eq!(Intent::decode(&intent().encode()).unwrap(), intent());
    assert_eq!(intent().encode().len() as u64, Intent::LEN);
    assert_eq!(Origin::decode(&origin().encode()).unwrap(), origin());
    assert_eq!(Manifest::decode(&manifest().encode()).unwrap(), manifest());
    assert_eq!(FragmentPage::decode(&fragment_page().encode()).unwrap(), fragment_page());
    assert_eq!(EntryPage::decode(&entry_page(&entries())).unwrap().entries, entries());
    let of_windows = vec![entry_of_windows()];
    assert_eq!(EntryPage::decode(&entry_page(&of_windows)).unwrap().entries, of_windows);
}
