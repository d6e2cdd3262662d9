//! File formats by their first bytes, as far as they matter for compression.

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Magic {
    /// Machine code for x86 in ELF, PE or Mach-O.
    Executable,
    /// A format that is compressed as a rule.
    Compressed,
    /// Nothing known.
    Unknown,
}

/// Where and what: formats that are compressed as a rule.
const COMPRESSED: &[(usize, &[u8])] = &[
    (0, b"\x1f\x8b\x08"),         // gzip
    (0, b"\xfd7zXZ\0"),           // xz
    (0, b"\x28\xb5\x2f\xfd"),     // zstd
    (0, b"\x04\x22\x4d\x18"),     // lz4
    (0, b"LZIP\x01"),             // lzip
    (0, b"BZh"),                  // bzip2
    (0, b"PK\x03\x04"),           // zip, jar, docx, odt, apk, whl
    (0, b"7z\xbc\xaf\x27\x1c"),   // 7z
    (0, b"Rar!\x1a\x07"),         // rar
    (0, b"\xff\xd8\xff"),         // JPEG
    (0, b"\x89PNG\r\n\x1a\n"),    // PNG
    (0, b"GIF8"),                 // GIF
    (0, b"ID3"),                  // MP3 with a tag
    (0, b"\xff\xfb"),             // MP3
    (0, b"\xff\xf3"),             // MP3
    (4, b"ftyp"),                 // MP4, MOV, HEIC, AVIF
    (0, b"OggS"),                 // Ogg, Opus
    (0, b"fLaC"),                 // FLAC
    (8, b"WEBP"),                 // WebP in RIFF
    (0, b"\x1a\x45\xdf\xa3"),     // WebM, Matroska
    (0, b"wOFF"),                 // WOFF
    (0, b"wOF2"),                 // WOFF 2
    (0, b"7kSt\xa0\x31\x83\xd3"), // ZPAQ with its marker
    (0, b"zPQ"),                  // ZPAQ
];

impl Magic {
    /// What a file is that begins with `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        if is_executable(bytes) {
            return Self::Executable;
        }
        let matches = |&(at, magic): &(usize, &[u8])| {
            bytes.get(at..).is_some_and(|rest| rest.starts_with(magic))
        };
        if COMPRESSED.iter().any(matches) { Self::Compressed } else { Self::Unknown }
    }
}

/// Whether it is a file of machine code for x86, of 32 or 64 bits: the filter knows no other.
fn is_executable(bytes: &[u8]) -> bool {
    match bytes {
        [0x7f, b'E', b'L', b'F', ..] => matches!(field(bytes, 18), Some([3 | 62, 0])),
        [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => {
            matches!(field(bytes, 4), Some([7, 0, 0, 0 | 1]))
        }
        // A Mach-O of several architectures begins like a Java class, whose version is above 44.
        [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 1..40, ..] => {
            matches!(field(bytes, 8), Some([0 | 1, 0, 0, 7]))
        }
        [b'M', b'Z', ..] => is_pe(bytes),
        _ => false,
    }
}

/// Whether the header of DOS points to one of PE, which names the processor.
fn is_pe(bytes: &[u8]) -> bool {
    let start =
        field(bytes, 0x3c).and_then(|start| usize::try_from(u32::from_le_bytes(start)).ok());
    let header = start.and_then(|start| bytes.get(start..));
    header.is_some_and(|header| {
        header.starts_with(b"PE\0\0")
            && matches!(field(header, 4), Some([0x4c, 0x01] | [0x64, 0x86]))
    })
}

/// The bytes at an offset, if there are so many.
fn field<const LEN: usize>(bytes: &[u8], offset: usize) -> Option<[u8; LEN]> {
    bytes.get(offset..).and_then(|rest| rest.first_chunk()).copied()
}
