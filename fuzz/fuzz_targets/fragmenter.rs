//! Cuts do not depend on how the bytes arrive, and keep their bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zarc::fragment::Fragmenter;

fn cuts(bytes: &[u8], step: usize) -> Vec<usize> {
    let mut fragmenter = Fragmenter::new(0).unwrap();
    let (mut cuts, mut start, mut end) = (Vec::new(), 0, 0);
    while start < bytes.len() {
        end = (end + step).min(bytes.len());
        while let Some(len) = fragmenter.cut(&bytes[start..end], end == bytes.len()) {
            cuts.push(len);
            start += len;
            if start == bytes.len() {
                break;
            }
        }
    }
    cuts
}

fuzz_target!(|bytes: &[u8]| {
    let Some((step, bytes)) = bytes.split_first() else { return };
    let whole = cuts(bytes, bytes.len().max(1));
    assert_eq!(whole, cuts(bytes, usize::from(*step) + 1));
    assert_eq!(whole.iter().sum::<usize>(), bytes.len());
    assert!(whole.iter().all(|&len| len <= 8128));
    assert!(whole.iter().rev().skip(1).all(|&len| len >= 64));
});
