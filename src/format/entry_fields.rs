//! Kind and tagged fields of an entry: the two tables of `spec/format.md` section 7.2.

use crate::base::{ByteReader, ByteWriter, Kind, Metadata, Result, Timestamp, Xattr};

use super::content::Piece;
use super::entry::{Object, Stored};
use super::limits::{FIELD_BYTES_MAX, META_BYTES_MAX};

const MTIME: u64 = 1;
const CTIME: u64 = 2;
const MODE: u64 = 3;
const OWNER: u64 = 4;
const USER: u64 = 5;
const GROUP: u64 = 6;
const INODE: u64 = 7;
const DEVICE: u64 = 8;
const UNSETTLED: u64 = 9;
const LINK_TARGET: u64 = 10;
const DEVICE_NODE: u64 = 11;
const XATTRS: u64 = 12;
const CONTENT: u64 = 13;
const WINDOWS_ATTRIBUTES: u64 = 15;
const TOUCHED: u64 = 16;
/// From here up, a reader that does not know a tag must not use the entry.
const CRITICAL: u64 = 128;

const KIND_DELETED: u8 = 0;
const MODE_MAX: u64 = 0o7777;

fn kind_id(kind: Kind) -> u8 {
    match kind {
        Kind::File => 1,
        Kind::Directory => 2,
        Kind::Symlink => 3,
        Kind::Fifo => 4,
        Kind::CharacterDevice => 5,
        Kind::BlockDevice => 6,
        Kind::Socket => 7,
    }
}

fn kind_of(id: u8) -> Option<Kind> {
    Some(match id {
        1 => Kind::File,
        2 => Kind::Directory,
        3 => Kind::Symlink,
        4 => Kind::Fifo,
        5 => Kind::CharacterDevice,
        6 => Kind::BlockDevice,
        7 => Kind::Socket,
        _ => return None,
    })
}

/// Appends kind and fields.
pub(super) fn encode(object: &Object, writer: &mut ByteWriter) {
    match object {
        Object::Deleted => {
            writer.u8(KIND_DELETED);
        }
        Object::Stored(stored) => {
            writer.u8(kind_id(stored.metadata.kind));
            encode_stored(stored, writer);
        }
        Object::Unknown { kind, fields } => {
            writer.u8(*kind);
            for (tag, value) in fields {
                writer.varint(*tag).byte_string(value);
            }
        }
    }
    writer.u8(0);
}

fn encode_stored(stored: &Stored, writer: &mut ByteWriter) {
    let metadata = &stored.metadata;
    let mut field = |tag: u64, fill: &dyn Fn(&mut ByteWriter)| {
        let mut value = ByteWriter::new();
        fill(&mut value);
        writer.varint(tag).byte_string(value.as_bytes());
    };
    field(MTIME, &|value| encode_instant(metadata.mtime, value));
    field(CTIME, &|value| encode_instant(stored.ctime, value));
    if stored.has_attributes {
        field(MODE, &|value| {
            value.varint(u64::from(metadata.mode));
        });
        field(OWNER, &|value| {
            value.varint(u64::from(metadata.uid)).varint(u64::from(metadata.gid));
        });
        for (tag, name) in [(USER, &metadata.user), (GROUP, &metadata.group)] {
            if !name.is_empty() {
                field(tag, &|value| {
                    value.bytes(name);
                });
            }
        }
    }
    field(INODE, &|value| {
        value.varint(stored.inode);
    });
    if let Some(device) = stored.device {
        field(DEVICE, &|value| {
            value.varint(device);
        });
    }
    if stored.is_unsettled {
        field(UNSETTLED, &|_| {});
    }
    encode_by_kind(stored, &mut field);
    let unknown = &stored.unknown;
    let (below, above) = unknown.split_at(unknown.partition_point(|u| u.0 < WINDOWS_ATTRIBUTES));
    encode_unknown(below, &mut field);
    if let Some(bits) = metadata.windows_attributes {
        field(WINDOWS_ATTRIBUTES, &|value| {
            value.varint(u64::from(bits));
        });
    }
    if stored.is_touched {
        field(TOUCHED, &|_| {});
    }
    encode_unknown(above, &mut field);
}

/// Appends the field of a tag; the closure fills in its value.
type PutField<'a> = &'a mut dyn FnMut(u64, &dyn Fn(&mut ByteWriter));

/// Appends the fields that only some kinds have.
fn encode_by_kind(stored: &Stored, field: PutField<'_>) {
    let metadata = &stored.metadata;
    if metadata.kind == Kind::Symlink {
        field(LINK_TARGET, &|value| {
            value.bytes(&metadata.link_target);
        });
    }
    if matches!(metadata.kind, Kind::CharacterDevice | Kind::BlockDevice) {
        let (major, minor) = metadata.device;
        field(DEVICE_NODE, &|value| {
            value.varint(u64::from(major)).varint(u64::from(minor));
        });
    }
    if stored.has_attributes && !metadata.xattrs.is_empty() {
        field(XATTRS, &|value| {
            for xattr in &metadata.xattrs {
                value.byte_string(&xattr.name).byte_string(&xattr.value);
            }
        });
    }
    if !stored.content.is_empty() {
        field(CONTENT, &|value| Piece::encode_all(&stored.content, value));
    }
}

/// Appends fields that this zarc does not know.
fn encode_unknown(fields: &[(u64, Vec<u8>)], field: PutField<'_>) {
    for (tag, value) in fields {
        field(*tag, &|bytes| {
            bytes.bytes(value);
        });
    }
}

/// Reads kind and fields.
pub(super) fn decode(reader: &mut ByteReader<'_>) -> Result<Object> {
    let kind_id = reader.u8()?;
    let start = reader.clone();
    let known = kind_of(kind_id).map_or(Ok(None), |kind| decode_stored(kind, reader));
    if let Ok(Some(stored)) = known {
        return Ok(Object::Stored(stored));
    }
    // Something that this zarc does not know, or damage.
    *reader = start;
    let fields = decode_unknown(reader)?;
    if fields.iter().all(|(tag, _)| *tag < CRITICAL) {
        known?;
    }
    if kind_id == KIND_DELETED && fields.is_empty() {
        return Ok(Object::Deleted);
    }
    Ok(Object::Unknown { kind: kind_id, fields })
}

/// The next tag, above the one before, and its value; nothing behind the last one.
#[inline]
fn next_field<'a>(
    reader: &mut ByteReader<'a>,
    tag_before: &mut u64,
) -> Result<Option<(u64, &'a [u8])>> {
    let tag = reader.varint()?;
    if tag == 0 {
        return Ok(None);
    }
    if tag <= *tag_before {
        return Err(reader.corrupt("fields out of order"));
    }
    *tag_before = tag;
    let limit = if tag == CONTENT { META_BYTES_MAX } else { FIELD_BYTES_MAX };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok(Some((tag, reader.byte_string(limit, "field length")?)))
}

fn decode_unknown(reader: &mut ByteReader<'_>) -> Result<Vec<(u64, Vec<u8>)>> {
    let (mut fields, mut tag_before) = (Vec::new(), 0);
    while let Some((tag, value)) = next_field(reader, &mut tag_before)? {
        fields.push((tag, value.to_vec()));
    }
    Ok(fields)
}

/// An object of a known kind; nothing if it has a field without which it must not be used.
fn decode_stored(kind: Kind, fields: &mut ByteReader<'_>) -> Result<Option<Box<Stored>>> {
    let mut stored = Box::new(empty_stored(kind));
    let mut tag_before = 0;
    while let Some((tag, value)) = next_field(fields, &mut tag_before)? {
        if tag >= CRITICAL {
            return Ok(None);
        }
        let mut reader = ByteReader::new(value, "entry field");
        decode_field(&mut stored, tag, value, &mut reader)?;
        reader.finish()?;
    }
    let is_device = matches!(kind, Kind::CharacterDevice | Kind::BlockDevice);
    let metadata = &stored.metadata;
    let has_owner = (metadata.uid, metadata.gid) != (0, 0);
    let has_attributes = has_owner
        || !(metadata.user.is_empty() && metadata.group.is_empty() && metadata.xattrs.is_empty());
    let misplaced = (has_attributes && !stored.has_attributes)
        || (kind == Kind::Directory && stored.device.is_some())
        || (kind != Kind::File && !stored.content.is_empty())
        || (kind == Kind::Symlink) == stored.metadata.link_target.is_empty()
        || (!is_device && stored.metadata.device != (0, 0));
    if misplaced {
        let reader = ByteReader::new(&[], "entry");
        return Err(reader.corrupt("its fields do not fit its kind"));
    }
    Ok(Some(stored))
}

fn empty_stored(kind: Kind) -> Stored {
    Stored {
        metadata: Metadata::bare(kind, Timestamp::default()),
        has_attributes: false,
        ctime: Timestamp::default(),
        inode: 0,
        device: None,
        is_unsettled: false,
        is_touched: false,
        content: Vec::new(),
        unknown: Vec::new(),
    }
}

/// Reads one field; `reader` stands at the start of `value` and is left behind what was read.
fn decode_field<'a>(
    stored: &mut Stored,
    tag: u64,
    value: &'a [u8],
    reader: &mut ByteReader<'a>,
) -> Result<()> {
    let metadata = &mut stored.metadata;
    let whole = |reader: &mut ByteReader<'a>| reader.bytes(value.len()).map(<[u8]>::to_vec);
    match tag {
        MTIME => metadata.mtime = decode_instant(reader)?,
        CTIME => stored.ctime = decode_instant(reader)?,
        MODE => {
            metadata.mode = decode_u32(reader, MODE_MAX)?;
            stored.has_attributes = true;
        }
        OWNER => {
            (metadata.uid, metadata.gid) =
                (decode_u32(reader, u32::MAX.into())?, decode_u32(reader, u32::MAX.into())?);
        }
        USER => metadata.user = whole(reader)?,
        GROUP => metadata.group = whole(reader)?,
        INODE => stored.inode = reader.varint()?,
        DEVICE => stored.device = Some(reader.varint()?),
        UNSETTLED => stored.is_unsettled = true,
        LINK_TARGET => metadata.link_target = whole(reader)?,
        DEVICE_NODE => {
            metadata.device =
                (decode_u32(reader, u32::MAX.into())?, decode_u32(reader, u32::MAX.into())?);
        }
        XATTRS => metadata.xattrs = decode_xattrs(reader)?,
        CONTENT => {
            stored.content = Piece::decode_all(reader.clone())?;
            reader.bytes(value.len())?;
        }
        WINDOWS_ATTRIBUTES => {
            metadata.windows_attributes = Some(decode_u32(reader, u32::MAX.into())?);
        }
        TOUCHED => stored.is_touched = true,
        _ => stored.unknown.push((tag, whole(reader)?)),
    }
    Ok(())
}

fn encode_instant(instant: Timestamp, writer: &mut ByteWriter) {
    writer.signed_varint(instant.seconds).varint(u64::from(instant.nanos));
}

fn decode_instant(reader: &mut ByteReader<'_>) -> Result<Timestamp> {
    Ok(Timestamp { seconds: reader.signed_varint()?, nanos: decode_u32(reader, 999_999_999)? })
}

fn decode_u32(reader: &mut ByteReader<'_>, limit: u64) -> Result<u32> {
    let value = reader.varint_at_most(limit, "field")?;
    u32::try_from(value).map_err(|_| reader.corrupt("field above 32 bits"))
}

fn decode_xattrs(reader: &mut ByteReader<'_>) -> Result<Vec<Xattr>> {
    let mut xattrs: Vec<Xattr> = Vec::new();
    while reader.remaining() > 0 {
        let name = reader.byte_string(usize::MAX, "name")?.to_vec();
        let value = reader.byte_string(usize::MAX, "value")?.to_vec();
        if name.is_empty() || name.contains(&0) || xattrs.last().is_some_and(|x| x.name >= name) {
            return Err(reader.corrupt("extended attributes out of order"));
        }
        xattrs.push(Xattr { name, value });
    }
    Ok(xattrs)
}
