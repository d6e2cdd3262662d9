//! Arbitrary bytes decode to exactly the declared length or to an error, in bounded memory; and what
//! is packed comes back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zarc::compress::context_mixing::{Strength, decode, encode};

fuzz_target!(|bytes: &[u8]| {
    let mut raw = Vec::new();
    let raw_len = bytes.last().map_or(0, |&byte| usize::from(byte) * 17);
    if decode(bytes, raw_len, &mut raw).is_ok() {
        assert_eq!(raw.len(), raw_len);
    }
    for strength in [Strength::Fast, Strength::Strong] {
        let mut packed = Vec::new();
        encode(strength, bytes, &mut packed);
        decode(&packed, bytes.len(), &mut raw).unwrap();
        assert_eq!(raw, bytes);
    }
});
