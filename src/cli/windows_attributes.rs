//! Windows attributes as letters, as zpaq lists them.

/// A letter for each bit that `GetFileAttributes` has a name for: read-only, hidden, system, unused,
/// directory, archive, device, normal file, temporary, sparse, reparse point, compressed, offline,
/// not content indexed, encrypted, integrity stream, virtual, no scrub data. Bits above have the
/// last digit of their number.
const LETTERS: &[u8; 32] = b"RHS DAdFTprCoIEivs89012345678901";

/// The letters of the bits that are set, lowest first.
pub(super) fn letters(bits: u32) -> String {
    let set = LETTERS.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
    set.map(|(_, &letter)| char::from(letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_has_its_letter() {
        // Names and values of `winnt.h`.
        for (value, letter) in [
            (0x0000_0001, "R"), // FILE_ATTRIBUTE_READONLY
            (0x0000_0002, "H"), // HIDDEN
            (0x0000_0004, "S"), // SYSTEM
            (0x0000_0008, " "),
            (0x0000_0010, "D"), // DIRECTORY
            (0x0000_0020, "A"), // ARCHIVE
            (0x0000_0040, "d"), // DEVICE
            (0x0000_0080, "F"), // NORMAL
            (0x0000_0100, "T"), // TEMPORARY
            (0x0000_0200, "p"), // SPARSE_FILE
            (0x0000_0400, "r"), // REPARSE_POINT
            (0x0000_0800, "C"), // COMPRESSED
            (0x0000_1000, "o"), // OFFLINE
            (0x0000_2000, "I"), // NOT_CONTENT_INDEXED
            (0x0000_4000, "E"), // ENCRYPTED
            (0x0000_8000, "i"), // INTEGRITY_STREAM
            (0x0001_0000, "v"), // VIRTUAL
            (0x0002_0000, "s"), // NO_SCRUB_DATA
            (0x0004_0000, "8"),
            (0x0008_0000, "9"),
            (0x0010_0000, "0"),
            (0x8000_0000, "1"),
        ] {
            assert_eq!(letters(value), letter, "{value:#x}");
        }
        assert_eq!(letters(0), "");
        assert_eq!(letters(0x27), "RHSA");
        assert_eq!(letters(0x3ffff), "RHS DAdFTprCoIEivs");
        assert_eq!(letters(u32::MAX).len(), 32);
    }
}
