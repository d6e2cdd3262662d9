//! The floor that `add` and `extract` stand on: the same work with nothing around it, to tell how far zarc is from what
//! the machine, the hash and the codec allow.
//!
//! - `floor add ARCHIVE TREE [METHOD]`: walks, reads, cuts, hashes, looks fragments up, compresses and writes. No
//!   metadata, no proof of what was compressed, no earlier versions, no recovery from anything.
//! - `floor same TREE`: lists directories and asks for the status of every name.
//! - `floor extract ARCHIVE DIRECTORY [whole]`: decodes, hashes, makes the files and links with their dates; `whole` gives each
//!   its name when it has all its bytes, as zarc does.
//!
//! One thread, so its CPU time is what counts; what it writes is no archive of zarc.
#![expect(clippy::unwrap_used, reason = "a bench that panics has failed, as it should")]

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RawDir, RenameFlags, Stat, Timespec, Timestamps, futimens,
    open, openat, readlinkat, renameat_with, statat, symlinkat, utimensat,
};
use zarc::base::Digest;
use zarc::compress::{Codec, ContentKind, Method, pack, unpack};
use zarc::crypto::IdentityHash;
use zarc::fragment::Fragmenter;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["add", archive, tree] => add(archive, tree, Method::default()),
        ["add", archive, tree, method] => add(archive, tree, Method::parse(method).unwrap()),
        ["same", tree] => walk(&mut Statuses, &open_tree(tree), &mut tree.into()),
        ["extract", archive, directory] => extract(archive, directory, false),
        ["extract", archive, directory, "whole"] => extract(archive, directory, true),
        _ => panic!(
            "floor add ARCHIVE TREE [METHOD] | same TREE | extract ARCHIVE DIRECTORY [whole]"
        ),
    }
}

/// What is done with each object of a tree.
trait Visitor {
    fn visit(&mut self, directory: BorrowedFd<'_>, path: &Path, stat: &Stat);
}

/// Nothing but the status is asked for.
struct Statuses;

impl Visitor for Statuses {
    fn visit(&mut self, _: BorrowedFd<'_>, _: &Path, stat: &Stat) {
        std::hint::black_box(stat);
    }
}

fn open_tree(tree: &str) -> OwnedFd {
    open(tree, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap()
}

/// Where `extract` puts things must be below its directory: `tree` is a name in the current one.
fn checked(tree: &str) -> &str {
    let is_name = Path::new(tree).components().all(|part| matches!(part, Component::Normal(_)));
    assert!(is_name, "TREE is a name below the current directory");
    tree
}

/// Directories are sorted, so that an order of names is kept as in an archive.
fn walk(visitor: &mut impl Visitor, directory: &OwnedFd, path: &mut PathBuf) {
    let mut buffer = vec![MaybeUninit::uninit(); 32 << 10];
    let mut names = Vec::new();
    let mut list = RawDir::new(directory, &mut buffer);
    while let Some(entry) = list.next() {
        let entry = entry.unwrap();
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            names.push(entry.file_name().to_owned());
        }
    }
    names.sort_unstable();
    for name in names {
        let stat = statat(directory, &name, AtFlags::SYMLINK_NOFOLLOW).unwrap();
        path.push(std::ffi::OsStr::from_bytes(name.to_bytes()));
        visitor.visit(directory.as_fd(), path, &stat);
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
            walk(visitor, &openat(directory, &name, flags, Mode::empty()).unwrap(), path);
        }
        path.pop();
    }
}

/// Bytes of a block, and where its fragments go when they come back.
struct Block {
    kind: ContentKind,
    number: usize,
    raw: Vec<u8>,
}

struct Packer {
    method: Method,
    identities: IdentityHash,
    fragmenter: Fragmenter,
    /// Block, offset and length.
    known: HashMap<Digest, (usize, usize, usize)>,
    open: Vec<Block>,
    blocks: usize,
    archive: BufWriter<File>,
    list: BufWriter<File>,
    buffer: Vec<u8>,
}

impl Visitor for Packer {
    fn visit(&mut self, directory: BorrowedFd<'_>, path: &Path, stat: &Stat) {
        let name = path.file_name().unwrap();
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {}
            FileType::Symlink => {
                write!(self.list, "{} {}@ ", stat.st_mtime, stat.st_mtime_nsec).unwrap();
                let link = readlinkat(directory, name, Vec::new()).unwrap();
                for bytes in [path.as_os_str().as_bytes(), b"\0", link.to_bytes_with_nul()] {
                    self.list.write_all(bytes).unwrap();
                }
                return;
            }
            _ => return,
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW;
        let mut file = File::from(openat(directory, name, flags, Mode::empty()).unwrap());
        let mut content = std::mem::take(&mut self.buffer);
        content.clear();
        file.read_to_end(&mut content).unwrap();
        write!(self.list, "{} {}", stat.st_mtime, stat.st_mtime_nsec).unwrap();
        let kind = ContentKind::of(&content);
        let mut rest = content.as_slice();
        while let Some(len) = self.fragmenter.cut(rest, true) {
            let (fragment, after) = rest.split_at(len);
            self.take(kind, fragment);
            rest = after;
        }
        self.buffer = content;
        self.list.write_all(b" ").unwrap();
        self.list.write_all(path.as_os_str().as_bytes()).unwrap();
        self.list.write_all(b"\0").unwrap();
    }
}

impl Packer {
    fn take(&mut self, kind: ContentKind, fragment: &[u8]) {
        let identity = self.identities.of(fragment);
        let known = self.known.get(&identity).copied();
        let place = known.unwrap_or_else(|| {
            let place = self.store(kind, fragment);
            self.known.insert(identity, place);
            place
        });
        write!(self.list, ":{}:{}:{}", place.0, place.1, place.2).unwrap();
    }

    fn store(&mut self, kind: ContentKind, fragment: &[u8]) -> (usize, usize, usize) {
        let at = self.open.iter().position(|block| block.kind == kind).unwrap_or_else(|| {
            self.open.push(Block { kind, number: self.blocks, raw: Vec::new() });
            self.blocks += 1;
            self.open.len() - 1
        });
        let block = &mut self.open[at];
        let place = (block.number, block.raw.len(), fragment.len());
        block.raw.extend_from_slice(fragment);
        if block.raw.len() >= self.method.block_bytes() {
            let block = self.open.swap_remove(at);
            self.seal(&block);
        }
        place
    }

    fn seal(&mut self, block: &Block) {
        let packed = pack(&block.raw, &self.method, block.kind).unwrap();
        assert!(matches!(packed.codec, Codec::Store | Codec::Zstd), "METHOD is zstd's or store");
        let is_stored = u8::from(packed.codec == Codec::Store);
        self.archive.write_all(&(block.number as u64).to_le_bytes()).unwrap();
        self.archive.write_all(&(block.raw.len() as u64).to_le_bytes()).unwrap();
        self.archive.write_all(&(packed.bytes.len() as u64).to_le_bytes()).unwrap();
        self.archive.write_all(&[is_stored]).unwrap();
        self.archive.write_all(&packed.bytes).unwrap();
    }
}

fn add(archive: &str, tree: &str, method: Method) {
    let create = |name: &str| BufWriter::new(File::create(name).unwrap());
    let mut packer = Packer {
        method,
        identities: IdentityHash::new(None),
        fragmenter: Fragmenter::new(6).unwrap(),
        known: HashMap::new(),
        open: Vec::new(),
        blocks: 0,
        archive: create(archive),
        list: create(&format!("{archive}.list")),
        buffer: Vec::new(),
    };
    walk(&mut packer, &open_tree(checked(tree)), &mut tree.into());
    for block in std::mem::take(&mut packer.open) {
        packer.seal(&block);
    }
    packer.list.flush().unwrap();
    packer.archive.into_inner().unwrap().sync_all().unwrap();
}

/// A line of the list: `SECONDS NANOSECONDS[:BLOCK:OFFSET:LENGTH]... PATH`. Of a link it is
/// `SECONDS NANOSECONDS@ PATH`, and the next line is where that leads.
struct Listed {
    mtime: Timespec,
    path: PathBuf,
    link: Option<Vec<u8>>,
    /// Pieces that are not there yet.
    missing: usize,
}

/// Where a piece of a block goes.
struct Piece {
    file: usize,
    file_offset: u64,
    start: usize,
    len: usize,
}

/// All files and links, and for each block what is made of it.
fn read_list(archive: &str) -> (Vec<Listed>, HashMap<u64, Vec<Piece>>) {
    let (mut files, mut pieces) = (Vec::new(), HashMap::<_, Vec<_>>::new());
    let mut lines = BufReader::new(File::open(format!("{archive}.list")).unwrap()).split(0);
    while let Some(line) = lines.next() {
        let line = line.unwrap();
        let mut words = line.splitn(3, |&byte| byte == b' ');
        let mut word = || words.next().unwrap();
        let text = |word| str::from_utf8(word).unwrap();
        let seconds = text(word()).parse().unwrap();
        let numbers = text(word());
        let is_link = numbers.ends_with('@');
        let mut numbers =
            numbers.trim_end_matches('@').split(':').map(|number| number.parse::<u64>().unwrap());
        let nanos = numbers.next().unwrap().try_into().unwrap();
        let path = PathBuf::from(std::ffi::OsStr::from_bytes(word()));
        let (mut file_offset, mut missing) = (0, 0);
        while let Some(block) = numbers.next() {
            let mut number = || usize::try_from(numbers.next().unwrap()).unwrap();
            let (start, len) = (number(), number());
            let piece = Piece { file: files.len(), file_offset, start, len };
            pieces.entry(block).or_default().push(piece);
            (file_offset, missing) = (file_offset + len as u64, missing + 1);
        }
        let target = is_link.then(|| lines.next().unwrap().unwrap());
        let mtime = Timespec { tv_sec: seconds, tv_nsec: nanos };
        files.push(Listed { mtime, path, link: target, missing });
    }
    (files, pieces)
}

fn extract(archive: &str, directory: &str, is_named_last: bool) {
    let (mut files, pieces) = read_list(archive);
    let root = open_tree(directory);
    let mut made = PathBuf::new();
    for file in &files {
        let parent = file.path.parent().unwrap();
        if parent != made {
            std::fs::create_dir_all(Path::new(directory).join(parent)).unwrap();
            parent.clone_into(&mut made);
        }
        if let Some(link) = &file.link {
            make_link(link, &root, file);
        } else if file.missing == 0 {
            NewFile::create(&root, &file.path, is_named_last).finish(file.mtime);
        }
    }
    let identities = IdentityHash::new(None);
    let mut archive = BufReader::new(File::open(archive).unwrap());
    let (mut head, mut packed, mut raw) = ([0; 25], Vec::new(), Vec::new());
    while archive.read_exact(&mut head).is_ok() {
        let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap());
        packed.resize(usize::try_from(number(16)).unwrap(), 0);
        archive.read_exact(&mut packed).unwrap();
        let codec = if head[24] == 1 { Codec::Store } else { Codec::Zstd };
        unpack(codec, &packed, usize::try_from(number(8)).unwrap(), &mut raw).unwrap();
        for in_file in pieces[&number(0)].chunk_by(|one, other| one.file == other.file) {
            let listed = &mut files[in_file[0].file];
            let file = NewFile::create(&root, &listed.path, is_named_last);
            for piece in in_file {
                let bytes = &raw[piece.start..piece.start + piece.len];
                std::hint::black_box(identities.of(bytes));
                file.file.write_all_at(bytes, piece.file_offset).unwrap();
            }
            listed.missing -= in_file.len();
            if listed.missing == 0 {
                file.finish(listed.mtime);
            }
        }
    }
}

fn make_link(link: &[u8], root: &OwnedFd, listed: &Listed) {
    symlinkat(link, root, &listed.path).unwrap();
    let times = Timestamps { last_access: listed.mtime, last_modification: listed.mtime };
    utimensat(root, &listed.path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// A file on its way to its name.
struct NewFile<'a> {
    root: &'a OwnedFd,
    path: &'a Path,
    /// Its name until it is whole, if it has one of its own.
    temporary: Option<PathBuf>,
    file: File,
}

impl<'a> NewFile<'a> {
    /// Or opens the one that is not whole yet.
    fn create(root: &'a OwnedFd, path: &'a Path, is_named_last: bool) -> Self {
        let flags = OFlags::CREATE | OFlags::WRONLY;
        let temporary = is_named_last.then(|| {
            let name = Digest::of(path.as_os_str().as_bytes()).to_string();
            path.with_file_name(format!(".zarc-{}", &name[..16]))
        });
        let name = temporary.as_deref().unwrap_or(path);
        let file = File::from(openat(root, name, flags, Mode::from_raw_mode(0o644)).unwrap());
        Self { root, path, temporary, file }
    }

    fn finish(&self, mtime: Timespec) {
        futimens(&self.file, &Timestamps { last_access: mtime, last_modification: mtime }).unwrap();
        if let Some(temporary) = &self.temporary {
            renameat_with(self.root, temporary, self.root, self.path, RenameFlags::NOREPLACE)
                .unwrap();
        }
    }
}
