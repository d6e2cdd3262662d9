//! A codec on arbitrary bytes gives exactly the declared length or an error, in bounded memory;
//! and what is packed comes back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zarc::compress::{Codec, ContentKind, Filter, Method, pack, pack_after, unpack, unpack_after};

fuzz_target!(|bytes: &[u8]| {
    let mut raw = Vec::new();
    let raw_len = bytes.first().map_or(0, |&byte| usize::from(byte) * 257);
    for codec in
        [Codec::Store, Codec::Zstd, Codec::Brotli, Codec::Lzma, Codec::Ppmd, Codec::ContextMixing]
    {
        if unpack(codec, bytes, raw_len, &mut raw).is_ok() {
            assert_eq!(raw.len(), raw_len);
        }
    }
    // The same behind a prefix, and the filter, which changes nothing for good.
    let (prefix, rest) = bytes.split_at(bytes.len() / 2);
    if unpack_after(prefix, Codec::Zstd, rest, raw_len, &mut raw).is_ok() {
        assert_eq!(raw.len(), raw_len);
    }
    let packed = pack_after(prefix, rest, &Method::default(), ContentKind::Other).unwrap();
    if packed.codec == Codec::Zstd {
        unpack_after(prefix, packed.codec, &packed.bytes, rest.len(), &mut raw).unwrap();
        assert_eq!(raw, rest);
    }
    let mut filtered = bytes.to_vec();
    Filter::E8e9.apply(&mut filtered);
    Filter::E8e9.undo(&mut filtered);
    assert_eq!(filtered, bytes);
    let level = bytes.len() % 10;
    for method in ["25", "3", "4", &format!("brotli:{level}")] {
        let method = Method::parse(method).unwrap();
        let packed = pack(bytes, &method, ContentKind::of(bytes)).unwrap();
        unpack(packed.codec, &packed.bytes, bytes.len(), &mut raw).unwrap();
        assert_eq!(raw, bytes);
    }
});
