//! Archives of any size without a tree on disk: entries, fragments and updates that are made up
//! and go the way of all others, through a transaction. Memory does not grow with them.

use std::collections::BTreeSet;

use zarc::archive::{
    Archive, Change, Entry, FragmentId, History, Object, Piece, RunShape, Stored, Transaction,
    TransactionOptions,
};
use zarc::base::{Digest, Environment, Kind, Metadata, Result, StoredPath, Timestamp};
use zarc::compress::{ContentKind, Method};

/// Files of each directory.
pub const FILES_PER_DIRECTORY: u64 = 1000;

/// Contents that files share, in an archive with data.
const CONTENTS: u64 = 16;

/// Length of a fragment that is only declared.
const DECLARED_BYTES: u32 = 64 * 1024;

/// What an archive is to hold.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Files of the first update.
    pub files: u64,
    /// Updates, the first one included.
    pub updates: u64,
    /// Files that each later update changes.
    pub changed: u64,
    /// Fragments of the first update that are declared, in an archive without data.
    pub declared: u64,
}

/// The directory that files of a number are in, and those around it.
pub fn directory(number: u64) -> String {
    format!("tree/{:07}", number / FILES_PER_DIRECTORY)
}

/// The name of a file.
pub fn file(number: u64) -> String {
    format!("{}/file {:03}", directory(number), number % FILES_PER_DIRECTORY)
}

/// Appends all updates of the plan to an archive that has none.
pub fn generate(
    archive: &mut Archive,
    plan: &Plan,
    shape: RunShape,
    environment: Environment,
) -> Result<()> {
    let mut contents = Vec::new();
    for update in 1..=plan.updates {
        let base = History::of(archive).newest()?;
        let options = TransactionOptions {
            method: Method::parse("1")?,
            threads: 1,
            environment,
            comment: Vec::new(),
            date: None,
            shape,
        };
        let mut transaction = Transaction::begin(archive, base.as_ref(), &options)?;
        if update == 1 {
            contents = fragments(&mut transaction, plan)?;
            add_all(&mut transaction, plan, &contents)?;
        } else {
            change_some(&mut transaction, plan, update, &contents)?;
        }
        transaction.commit()?;
    }
    Ok(())
}

/// Contents for files: declared ones, of which not all are kept, or real ones.
fn fragments(transaction: &mut Transaction<'_>, plan: &Plan) -> Result<Vec<(FragmentId, u32)>> {
    let mut contents = Vec::new();
    for number in 0..plan.declared {
        let identity = Digest::of(&number.to_le_bytes());
        let id = transaction.declare(identity, DECLARED_BYTES)?;
        if number < CONTENTS {
            contents.push((id, DECLARED_BYTES));
        }
    }
    if plan.declared == 0 {
        for number in 0..CONTENTS {
            let text = format!("content {number}\n").repeat(100);
            let id = transaction.store(text.as_bytes(), ContentKind::Other)?;
            contents.push((id, u32::try_from(text.len()).expect("a short text")));
        }
    }
    Ok(contents)
}

fn add_all(
    transaction: &mut Transaction<'_>,
    plan: &Plan,
    contents: &[(FragmentId, u32)],
) -> Result<()> {
    for number in 0..plan.files {
        if number == 0 {
            record(transaction, "tree", directory_object(), Change::Added)?;
        }
        if number % FILES_PER_DIRECTORY == 0 {
            record(transaction, &directory(number), directory_object(), Change::Added)?;
        }
        record(transaction, &file(number), file_object(number, 1, contents), Change::Added)?;
    }
    Ok(())
}

fn change_some(
    transaction: &mut Transaction<'_>,
    plan: &Plan,
    update: u64,
    contents: &[(FragmentId, u32)],
) -> Result<()> {
    let numbers: BTreeSet<u64> =
        (0..plan.changed).map(|index| mixed(update << 32 | index) % plan.files).collect();
    for number in numbers {
        let object = file_object(number, update, contents);
        let size = object.stored().map_or(0, Stored::size);
        record(transaction, &file(number), object, Change::Updated(size))?;
    }
    Ok(())
}

fn record(
    transaction: &mut Transaction<'_>,
    path: &str,
    object: Object,
    change: Change,
) -> Result<()> {
    let path = StoredPath::from_bytes(path.as_bytes().to_vec())?;
    transaction.record(&Entry { path, object }, change)
}

/// A directory of which little is known.
pub fn directory_object() -> Object {
    stored(Kind::Directory, 0, 1, Vec::new())
}

fn file_object(number: u64, update: u64, contents: &[(FragmentId, u32)]) -> Object {
    let index = usize::try_from(number % contents.len() as u64).expect("an index");
    let (id, len) = contents[index];
    let mut content = Vec::new();
    Piece::push_fragment(&mut content, id, len);
    stored(Kind::File, number, update, content)
}

/// Times and inodes as different from each other as on a disk.
fn stored(kind: Kind, number: u64, update: u64, content: Vec<Piece>) -> Object {
    let dice = mixed(number);
    let nanos = u32::try_from(dice % 1_000_000_000).expect("below a second");
    let mtime = Timestamp { seconds: 1_600_000_000 + (update << 8).cast_signed(), nanos };
    let metadata = Metadata {
        kind,
        mode: 0o644,
        mtime,
        uid: 1000,
        gid: 1000,
        user: b"user".to_vec(),
        group: b"user".to_vec(),
        xattrs: Vec::new(),
        link_target: Vec::new(),
        device: (0, 0),
        windows_attributes: None,
    };
    Object::Stored(Box::new(Stored {
        metadata,
        has_attributes: true,
        ctime: mtime,
        inode: 1_000_000 + number,
        device: None,
        is_unsettled: false,
        is_touched: false,
        content,
        unknown: Vec::new(),
    }))
}

/// The finish of `SplitMix64`: numbers that follow each other become noise.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
