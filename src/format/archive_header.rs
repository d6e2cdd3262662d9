//! The first page of every part: `spec/format.md` section 3.

use crate::base::{ByteReader, ByteWriter, Digest, Error, ErrorKind, Result};

use super::limits::{PAGE_BYTES, PARTS_MAX, UPDATE_PARTS_MAX};

const MAGIC: [u8; 8] = *b"ZARC\r\n\x1a\n";
const MAJOR: u16 = 0;
const MINOR: u16 = 8;
const CHECKED_BYTES: usize = 480;
const FLAG_ENCRYPTED: u32 = 1;
const FLAG_INDEX: u32 = 2;
const FLAG_NO_DATA: u32 = 4;
const FLAG_IN_PARTS: u32 = 1 << 16;
const FLAGS_IGNORED: u32 = 0xffff_0000;
const CUT_RULE: u8 = 1;
const IDENTITY_BLAKE3: u8 = 1;

/// What kind of archive the file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a bit of the header")]
pub struct HeaderFlags {
    /// Payloads are encrypted.
    pub encrypted: bool,
    /// This is part 0, the index.
    pub index: bool,
    /// The archive holds no data, only the index of it.
    pub no_data: bool,
    /// The archive is kept in parts: nothing may be appended to this one alone.
    pub in_parts: bool,
}

/// What a part says that goes on with an update begun in an earlier part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuation {
    /// The part where the update starts.
    pub start_part: u32,
    /// Index of the first frame of this part in the update.
    pub first_index: u64,
    /// Length of the part before in bytes.
    pub bytes_before: u64,
    /// The update's nonce, which tells two attempts at it apart.
    pub nonce: Digest,
}

/// The header record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveHeader {
    /// What kind of archive.
    pub flags: HeaderFlags,
    /// Number of this part; 1 in a single-file archive.
    pub part: u32,
    /// Random, the same in all parts.
    pub archive_id: [u8; 16],
    /// Seconds since 1970.
    pub created: i64,
    /// log2 of the largest raw block length.
    pub block_bits: u8,
    /// `-fragment N`.
    pub fragment_exponent: u8,
    /// Tag of the last commit before this part.
    pub link: Digest,
    /// Number of the first update with frames in this part.
    pub first_update: u64,
    /// If the first update goes on here and does not start here.
    pub continues: Option<Continuation>,
}

impl ArchiveHeader {
    /// The first bytes of every archive.
    pub const MAGIC: [u8; 8] = MAGIC;
    /// Where the key record of a page stands, and how long it is.
    pub const KEY_RECORD: std::ops::Range<usize> = 512..656;

    /// Length of the header region in bytes: a page, and a copy of it in an encrypted archive.
    pub fn region_bytes(&self) -> u64 {
        if self.flags.encrypted { 2 * PAGE_BYTES } else { PAGE_BYTES }
    }

    /// The part where the first update with frames in this part starts.
    pub fn start_part(&self) -> u32 {
        self.continues.as_ref().map_or(self.part, |piece| piece.start_part)
    }

    /// The header region and the genesis tag; `key_records` are those of both pages of an encrypted
    /// archive.
    pub fn encode(&self, key_records: Option<[&[u8]; 2]>) -> (Vec<u8>, Digest) {
        let flags = u32::from(self.flags.encrypted) * FLAG_ENCRYPTED
            + u32::from(self.flags.index) * FLAG_INDEX
            + u32::from(self.flags.no_data) * FLAG_NO_DATA
            + u32::from(self.flags.in_parts) * FLAG_IN_PARTS;
        let mut writer = ByteWriter::new();
        let region_bytes = if self.flags.encrypted { 8192 } else { 4096 };
        writer.bytes(&MAGIC).u16(MAJOR).u16(MINOR).u32(region_bytes).u32(flags).u32(self.part);
        writer.bytes(&self.archive_id).i64(self.created);
        writer.u8(self.block_bits).u8(self.fragment_exponent).u8(CUT_RULE).u8(IDENTITY_BLAKE3);
        let piece = self.continues.as_ref();
        writer.u32(piece.map_or(0, |piece| piece.start_part));
        writer.u64(piece.map_or(0, |piece| piece.first_index));
        writer.bytes(self.link.as_bytes()).u64(self.first_update);
        if let Some(piece) = piece {
            writer.u64(piece.bytes_before).bytes(piece.nonce.as_bytes());
        }
        writer.pad_to(CHECKED_BYTES);
        let genesis = Digest::of(writer.as_bytes());
        writer.bytes(genesis.as_bytes());
        assert_eq!(self.flags.encrypted, key_records.is_some(), "a key belongs to encryption");
        let record = writer.into_bytes();
        let page = |key_record: &[u8]| {
            let mut page = ByteWriter::new();
            page.bytes(&record).bytes(key_record).pad_to(4096);
            page.into_bytes()
        };
        let region = match key_records {
            None => page(&[]),
            Some(key_records) => key_records.map(page).concat(),
        };
        (region, genesis)
    }

    /// Reads the first page of a part; also returns the genesis tag.
    pub fn decode(page: &[u8]) -> Result<(Self, Digest)> {
        let mut reader = ByteReader::new(page, "archive header");
        if page.is_empty() {
            return Err(Error::new(ErrorKind::Unsupported, "this is not a zarc archive")
                .because("the file is empty"));
        }
        let is_begun = MAGIC.starts_with(page);
        if !is_begun && (page.len() < 8 || reader.array::<8>()? != MAGIC) {
            return Err(Error::new(ErrorKind::Unsupported, "this is not a zarc archive")
                .because("the first eight bytes are not those of one"));
        }
        if page.len() < 512 {
            return Err(Error::new(ErrorKind::Truncated, "the archive header is incomplete"));
        }
        check_version(reader.u16()?, reader.u16()?)?;
        let checked = page.get(..CHECKED_BYTES).unwrap_or_default();
        let genesis = Digest::of(checked);
        if page.get(CHECKED_BYTES..CHECKED_BYTES + Digest::LEN) != Some(genesis.as_bytes()) {
            return Err(
                Error::corrupt("the archive header is damaged").because("its checksum differs")
            );
        }
        let region = reader.u32()?;
        let flags = decode_flags(reader.u32()?)?;
        let mut header = Self {
            flags,
            part: decode_part(&mut reader)?,
            archive_id: reader.array()?,
            created: reader.i64()?,
            block_bits: reader.u8()?,
            fragment_exponent: reader.u8()?,
            link: Digest::default(),
            first_update: 0,
            continues: None,
        };
        expect_identity_rules(&mut reader)?;
        let (start_part, first_index) = (reader.u32()?, reader.u64()?);
        header.link = Digest::from_bytes(reader.array()?);
        header.first_update = reader.u64()?;
        if start_part > 0 {
            let (bytes_before, nonce) = (reader.u64()?, Digest::from_bytes(reader.array()?));
            header.continues = Some(Continuation { start_part, first_index, bytes_before, nonce });
        }
        let is_in_order = if start_part > 0 {
            start_part < header.part
                && u64::from(header.part - start_part) < UPDATE_PARTS_MAX
                && first_index > 0
        } else {
            first_index == 0
        };
        if !is_in_order {
            return Err(reader.corrupt("a part that goes on with nothing before it"));
        }
        if u64::from(region) != header.region_bytes() {
            return Err(reader.corrupt(format_args!("a header region of {region} bytes")));
        }
        if header.block_bits > 28 || header.fragment_exponent > 15 {
            return Err(reader.corrupt("blocks or fragments above 2^28 bytes"));
        }
        Ok((header, genesis))
    }
}

fn decode_part(reader: &mut ByteReader<'_>) -> Result<u32> {
    let part = reader.u32()?;
    if u64::from(part) > PARTS_MAX {
        Err(reader.corrupt(format_args!("part {part}")))
    } else {
        Ok(part)
    }
}

fn check_version(major: u16, minor: u16) -> Result<()> {
    if (major, minor) == (MAJOR, MINOR) {
        return Ok(());
    }
    let draft = if major == 0 { "draft " } else { "" };
    Err(Error::new(
        ErrorKind::Unsupported,
        format!("the archive is made with {draft}{major}.{minor} of the format"),
    )
    .because(format!("this zarc reads draft {MAJOR}.{MINOR}"))
    .hint("use the zarc that made the archive to extract it"))
}

fn decode_flags(flags: u32) -> Result<HeaderFlags> {
    let unknown = flags & !(FLAG_ENCRYPTED | FLAG_INDEX | FLAG_NO_DATA | FLAGS_IGNORED);
    if unknown != 0 {
        return Err(Error::new(ErrorKind::Unsupported, "the archive needs a newer zarc")
            .because(format!("its header has the unknown flags {unknown:#x}")));
    }
    Ok(HeaderFlags {
        encrypted: flags & FLAG_ENCRYPTED != 0,
        index: flags & FLAG_INDEX != 0,
        no_data: flags & FLAG_NO_DATA != 0,
        in_parts: flags & FLAG_IN_PARTS != 0,
    })
}

/// Cut rule and identity.
fn expect_identity_rules(reader: &mut ByteReader<'_>) -> Result<()> {
    let (cut, identity) = (reader.u8()?, reader.u8()?);
    if (cut, identity) != (CUT_RULE, IDENTITY_BLAKE3) {
        return Err(Error::new(ErrorKind::Unsupported, "the archive needs a newer zarc")
            .because(format!("cut rule {cut}, identity {identity} are unknown")));
    }
    Ok(())
}
