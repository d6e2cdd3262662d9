//! The lines of `-json`: `spec/json.md` says what each field means. A type here is a type there.

use std::borrow::Cow;

use data_encoding::BASE64;
use serde::Serialize;

use crate::base::{BlockReport, Error, ErrorKind, Item, Kind, Metadata, Xattr};
use crate::command::{Comparison, PlannedPart, Row};

use super::json_figures::Figures;

/// One line.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Line<'a> {
    #[serde(rename = "object")]
    Treated(TreatedLine<'a>),
    #[serde(rename = "object")]
    Listed(Box<ListedLine<'a>>),
    Version(VersionLine),
    Part(PartLine<'a>),
    Problem(ProblemLine<'a>),
    Warning {
        message: &'a str,
    },
    Block(BlockLine<'a>),
    Progress {
        done: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        total: Option<u64>,
    },
    Summary(SummaryLine<'a>),
    Error(ErrorLine<'a>),
}

/// What `add` or `extract` did with an object.
#[derive(Serialize)]
pub(super) struct TreatedLine<'a> {
    path: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
    #[serde(flatten)]
    fate: Fate,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_bytes: Option<u64>,
}

/// What became of an object: the name of the field tells the command.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Fate {
    Change(&'static str),
    Result(&'static str),
}

impl Fate {
    fn of(mark: char) -> Self {
        match mark {
            '+' => Self::Change("added"),
            '#' => Self::Change("updated"),
            '-' => Self::Change("deleted"),
            '>' => Self::Result("written"),
            '?' => Self::Result("skipped"),
            '=' => Self::Result("identical"),
            other => unreachable!("commands have no mark {other}"),
        }
    }
}

/// A row of `list`.
#[derive(Serialize)]
pub(super) struct ListedLine<'a> {
    path: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
    comparison: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtime: Option<String>,
    #[serde(flatten)]
    attributes: Option<Attributes<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<(u32, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    windows_attributes: Option<u32>,
}

/// What `-noattributes` leaves out.
#[derive(Serialize)]
struct Attributes<'a> {
    mode: String,
    uid: u32,
    gid: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    user: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_base64: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    group: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_base64: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    xattrs: Vec<XattrField<'a>>,
}

/// An extended attribute.
#[derive(Serialize)]
struct XattrField<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name_base64: Option<String>,
    value_base64: String,
}

/// A version, with `list -all`.
#[derive(Serialize)]
pub(super) struct VersionLine {
    version: u64,
    date: String,
    updates: u64,
    deletions: u64,
    size: u64,
    stored_bytes: u64,
}

/// What an extraction needs of a part.
#[derive(Serialize)]
pub(super) struct PartLine<'a> {
    part: u32,
    name: &'a str,
    present: bool,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown_blocks: Option<u64>,
    ranges: Vec<RangeField>,
}

/// Bytes of a part.
#[derive(Serialize)]
struct RangeField {
    offset: u64,
    length: u64,
}

/// An object that could not be treated as asked for.
#[derive(Serialize)]
pub(super) struct ProblemLine<'a> {
    path: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
    message: &'a str,
}

/// A block as it was written.
#[derive(Serialize)]
pub(super) struct BlockLine<'a> {
    block: u64,
    fragments: u64,
    raw_bytes: u64,
    stored_bytes: u64,
    method: &'a str,
    content: &'static str,
}

/// The last line of a command that came to its end.
#[derive(Serialize)]
pub(super) struct SummaryLine<'a> {
    #[serde(flatten)]
    pub(super) figures: Figures<'a>,
    pub(super) exit_code: u8,
    pub(super) seconds: f64,
}

/// The last line of a command that did not.
#[derive(Serialize)]
pub(super) struct ErrorLine<'a> {
    kind: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    exit_code: u8,
}

impl<'a> Line<'a> {
    /// What became of an object.
    pub(super) fn of_item(item: &Item<'a>) -> Self {
        let (path, path_base64) = text(item.name);
        let (size, new_bytes) = (item.size, item.new_bytes);
        Self::Treated(TreatedLine { path, path_base64, fate: Fate::of(item.mark), size, new_bytes })
    }

    /// A row of `list`; what is not compared has no comparison.
    pub(super) fn of_row(row: &'a Row, is_compared: bool) -> Self {
        match row {
            Row::Object { .. } => Self::Listed(Box::new(ListedLine::of(row, is_compared))),
            Row::Version { version, date, updates, deletions, size, stored_bytes } => {
                Self::Version(VersionLine {
                    version: version.0,
                    date: date.to_rfc3339(),
                    updates: *updates,
                    deletions: *deletions,
                    size: *size,
                    stored_bytes: *stored_bytes,
                })
            }
        }
    }

    /// What an extraction needs of a part.
    pub(super) fn of_part(planned: &'a PlannedPart) -> Self {
        let PlannedPart { part, name, is_there, ranges, unknown_blocks } = planned;
        Self::Part(PartLine {
            part: *part,
            name,
            present: *is_there,
            bytes: ranges.bytes(),
            unknown_blocks: (*unknown_blocks > 0).then_some(*unknown_blocks),
            ranges: ranges.iter().map(|(offset, length)| RangeField { offset, length }).collect(),
        })
    }

    /// Why an object could not be treated as asked for.
    pub(super) fn of_problem(name: &'a [u8], message: &'a str) -> Self {
        let (path, path_base64) = text(name);
        Self::Problem(ProblemLine { path, path_base64, message })
    }

    /// A block that was written.
    pub(super) fn of_block(report: &'a BlockReport) -> Self {
        let BlockReport { number, fragments, raw_bytes, stored_bytes, method, content } = report;
        Self::Block(BlockLine {
            block: *number,
            fragments: *fragments,
            raw_bytes: *raw_bytes,
            stored_bytes: *stored_bytes,
            method,
            content,
        })
    }

    /// Why a command did not come to its end.
    pub(super) fn of_error(error: &'a Error, exit_code: u8) -> Self {
        Self::Error(ErrorLine {
            kind: error_kind(error.kind()),
            message: error.to_string(),
            place: error.place_text(),
            hint: error.hint_text(),
            exit_code,
        })
    }
}

impl<'a> ListedLine<'a> {
    fn of(row: &'a Row, is_compared: bool) -> Self {
        let Row::Object { comparison, version, path, metadata, has_attributes, is_deleted, size } =
            row
        else {
            unreachable!("a version is no object");
        };
        let (path, path_base64) = text(path.as_bytes());
        let metadata = metadata.as_ref();
        let of_kind = |kinds: &[Kind]| metadata.filter(|metadata| kinds.contains(&metadata.kind));
        // A directory has a size with -summary only.
        let has_size = |metadata: &&Metadata| {
            metadata.kind == Kind::File || metadata.kind == Kind::Directory && *size > 0
        };
        let target = of_kind(&[Kind::Symlink]).map(|metadata| text(&metadata.link_target));
        let (target, target_base64) = target.unzip();
        let kind = metadata.map_or("unknown", |metadata| kind(metadata.kind));
        Self {
            path,
            path_base64,
            comparison: match comparison {
                Comparison::InternalOnly if !is_compared => "none",
                comparison => compared(*comparison),
            },
            version: version.map(|(number, _)| number),
            deleted: *is_deleted,
            kind: (!is_deleted).then_some(kind),
            size: metadata.filter(has_size).map(|_| *size),
            mtime: metadata.map(|metadata| metadata.mtime.to_rfc3339()),
            attributes: metadata.filter(|_| *has_attributes).map(Attributes::of),
            target,
            target_base64: target_base64.flatten(),
            device: of_kind(&[Kind::CharacterDevice, Kind::BlockDevice]).map(|m| m.device),
            windows_attributes: metadata.and_then(|metadata| metadata.windows_attributes),
        }
    }
}

impl<'a> Attributes<'a> {
    fn of(metadata: &'a Metadata) -> Self {
        let (user, user_base64) = text(&metadata.user);
        let (group, group_base64) = text(&metadata.group);
        Self {
            mode: format!("{:04o}", metadata.mode),
            uid: metadata.uid,
            gid: metadata.gid,
            user,
            user_base64,
            group,
            group_base64,
            xattrs: metadata.xattrs.iter().map(XattrField::of).collect(),
        }
    }
}

impl<'a> XattrField<'a> {
    fn of(xattr: &'a Xattr) -> Self {
        let (name, name_base64) = text(&xattr.name);
        Self { name, name_base64, value_base64: BASE64.encode(&xattr.value) }
    }
}

/// Bytes as text; in base64 too when they are not UTF-8, so that nothing of them is lost.
fn text(bytes: &[u8]) -> (Cow<'_, str>, Option<String>) {
    let text = String::from_utf8_lossy(bytes);
    let is_lossy = text.as_bytes() != bytes;
    (text, is_lossy.then(|| BASE64.encode(bytes)))
}

fn compared(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Same => "same",
        Comparison::Different => "different",
        Comparison::InternalOnly => "internal",
        Comparison::ExternalOnly => "external",
        Comparison::Duplicate => "duplicate",
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Directory => "directory",
        Kind::Symlink => "symlink",
        Kind::Fifo => "fifo",
        Kind::CharacterDevice => "character_device",
        Kind::BlockDevice => "block_device",
        Kind::Socket => "socket",
    }
}

fn error_kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Usage => "usage",
        ErrorKind::Missing => "missing",
        ErrorKind::Exists => "exists",
        ErrorKind::Corrupt => "corrupt",
        ErrorKind::Truncated => "truncated",
        ErrorKind::Unsupported => "unsupported",
        ErrorKind::Busy => "busy",
        ErrorKind::Io => "io",
        ErrorKind::Stopped => "stopped",
    }
}
