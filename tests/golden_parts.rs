//! Goal: archives in parts with their index that every later zarc has to read, plain and encrypted, and
//! such whose updates go on in several parts. Method: made-up histories as in `tests/golden.rs`, in parts; what
//! is kept is listed by all parts and by the index alone, restored and compared with its manifest, and tested;
//! the second reader does the same. `ZARC_WRITE_ARCHIVES=1 cargo test golden` writes it anew.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use zarc::base::Until;
use zarc::command::{ExtractOptions, ListOptions, Location, VerifyOptions, extract, verify};
use zarc::format::ArchiveHeader;

use crate::golden::{FOLDER, PASSWORD, history, make_in_parts, to_divide};
use crate::reference_reader::Reader;
use crate::support::Told;
use crate::support::keys::{key_words, word};
use crate::support::parts::parts;
use crate::support::trees::{Tree, walk};
use crate::support::workbench::{Workbench, fresh_in_memory, remove_tree, rows, verify_options};

/// An archive that is kept below the folder of the draft.
struct Kept {
    folder: &'static str,
    is_encrypted: bool,
    /// Updates are divided at this size.
    part_bytes: Option<u64>,
}

const fn kept(folder: &'static str, is_encrypted: bool, part_bytes: Option<u64>) -> Kept {
    Kept { folder, is_encrypted, part_bytes }
}

/// Encrypted data is padded to 64 KiB.
const KEPT: [Kept; 4] = [
    kept("parts", false, None),
    kept("parts-encrypted", true, None),
    kept("pieces", false, Some(13_000)),
    kept("pieces-encrypted", true, Some(110_000)),
];

impl Kept {
    fn folder(&self) -> PathBuf {
        Path::new(FOLDER).join(self.folder)
    }

    fn location(&self) -> Location {
        parts(&self.folder(), "part??.zarc")
    }

    fn key(&self) -> Option<&'static str> {
        self.is_encrypted.then_some(PASSWORD)
    }

    /// Names and bytes of its files as this zarc makes them, and the manifest.
    fn made(&self) -> (Vec<(String, Vec<u8>)>, String) {
        let made = if self.part_bytes.is_some() { to_divide() } else { history() };
        make_in_parts(&made, self.key().map(word).as_ref(), self.part_bytes)
    }

    /// What its manifest says of each version: kind, size, name and content, as [`contents`] has them.
    fn manifest(&self) -> Vec<Vec<String>> {
        let text = fs::read_to_string(self.folder().join("manifest.txt")).unwrap();
        let versions = text.split("version ").skip(1);
        versions.map(|version| version.lines().skip(1).map(of_content).collect()).collect()
    }

    fn extract(&self, until: Until) -> Tree {
        let bench = Workbench::new(fresh_in_memory());
        let (out, told) = (bench.path("out"), Told::default());
        let options = ExtractOptions {
            archive: self.location(),
            key: self.key().map(key_words),
            until,
            attributes: false,
            ..bench.extract_options(&out)
        };
        let summary = extract(&options, &told).unwrap();
        assert_eq!((summary.problems, told.warnings()), (0, String::new()), "{}", self.folder);
        if out.exists() { walk(&out) } else { Tree::new() }
    }
}

/// Of a line of a manifest what does not depend on who restores it.
fn of_content(line: &str) -> String {
    let fields: Vec<&str> = line.split('\t').collect();
    [fields[0], fields[3], fields[5], fields[6]].join("\t")
}

/// What is on disk, likewise.
fn contents(tree: &Tree) -> Vec<String> {
    let lines = tree.iter().filter(|(name, _)| !name.is_empty()).map(|(name, node)| {
        let content =
            if node.kind == '-' { blake3::hash(&node.content).to_string() } else { "-".to_owned() };
        format!("{}\t{}\t{}\t{content}", node.kind, node.content.len(), name.escape_ascii())
    });
    lines.collect()
}

/// Directories that only lead to something are made without an entry.
fn assert_restored(kept: &Kept, version: usize, expected: &[String], tree: &Tree) {
    let (mut expected, mut found) = (expected.to_vec(), contents(tree));
    for lines in [&mut expected, &mut found] {
        lines.retain(|line| !line.starts_with('d'));
        lines.sort();
    }
    assert_eq!(found, expected, "{} version {version}", kept.folder);
}

#[test]
fn the_golden_archives_in_parts_are_made_of_the_same_bytes_each_time() {
    for kept in &KEPT {
        let (made, manifest) = kept.made();
        assert!(made == kept.made().0, "{}", kept.folder);
        let folder = kept.folder();
        if std::env::var_os("ZARC_WRITE_ARCHIVES").is_some() {
            fs::create_dir_all(&folder).unwrap();
            for (name, bytes) in &made {
                fs::write(folder.join(name), bytes).unwrap();
            }
            fs::write(folder.join("manifest.txt"), &manifest).unwrap();
        }
        let said = fs::read_to_string(folder.join("manifest.txt")).unwrap();
        assert!(said == manifest, "the manifest of {} is not the one that is kept", kept.folder);
        let count = fs::read_dir(&folder).unwrap().count();
        assert_eq!(count, made.len() + 1, "{} has as many parts", kept.folder);
    }
}

#[test]
fn the_golden_archives_in_parts_are_read_by_parts_and_by_index() {
    for kept in &KEPT {
        let bench = Workbench::new(fresh_in_memory());
        let listed = |archive: Location, until| {
            let key = kept.key().map(key_words);
            let (shown, summary, told) =
                rows(&ListOptions { archive, key, ..bench.list_options(until) });
            assert_eq!(told.warnings(), "");
            (shown, summary.archive_bytes)
        };
        let manifest = kept.manifest();
        for (version, expected) in (1..).zip(&manifest) {
            let until = Until::Version(version);
            let shown = listed(kept.location(), until);
            assert_eq!(shown.0.len(), expected.len());
            let alone = Location::File(kept.folder().join("part00.zarc"));
            assert!(listed(alone, until) == shown, "{} version {version}", kept.folder);
            let version = usize::try_from(version).unwrap();
            assert_restored(kept, version, expected, &kept.extract(until));
        }
        let options =
            VerifyOptions { key: kept.key().map(key_words), ..verify_options(kept.location()) };
        let told = Told::default();
        let summary = verify(&options, &told).unwrap();
        let found = (summary.versions, summary.damaged);
        assert_eq!(found, (manifest.len() as u64, 0), "{}", told.warnings());
    }
}

/// Else the archives would show nothing: updates begin in a part and go on in others, and one has a part alone.
#[test]
fn the_golden_archives_in_pieces_have_updates_in_several_parts_and_in_one() {
    for kept in KEPT.iter().filter(|kept| kept.part_bytes.is_some()) {
        let files = fs::read_dir(kept.folder()).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<PathBuf> =
            files.filter(|file| file.extension() == Some(OsStr::new("zarc"))).collect();
        files.sort();
        let mut parts_of = [0; 3];
        for file in &files[1..] {
            let header = ArchiveHeader::decode(&fs::read(file).unwrap()).unwrap().0;
            let update = usize::try_from(header.first_update).unwrap();
            assert_eq!(header.continues.is_some(), parts_of[update - 1] > 0);
            parts_of[update - 1] += 1;
        }
        assert!(parts_of[0] > 2 && parts_of[1] == 1 && parts_of[2] > 1, "{parts_of:?}");
    }
}

/// The second reader, made from the text alone, finds the same.
#[test]
fn the_reference_reader_reads_the_golden_archives_in_parts() {
    let Some(reader) = Reader::find() else { return };
    for kept in &KEPT {
        let pattern = kept.folder().join("part??.zarc");
        let with: Vec<&OsStr> =
            kept.key().iter().flat_map(|&key| [OsStr::new("--password"), key.as_ref()]).collect();
        let told = reader.told(&[&["verify".as_ref(), pattern.as_os_str()], &with[..]].concat());
        let manifest = kept.manifest();
        assert!(told.starts_with(&format!("{} updates, ", manifest.len())), "{told}");
        assert!(told.contains(&format!("index of {} updates", manifest.len())), "{told}");
        for (version, expected) in (1..).zip(&manifest) {
            let bench = Workbench::new(fresh_in_memory());
            let (out, until) = (bench.path("out"), usize::to_string(&version));
            let asked = ["extract".as_ref(), pattern.as_os_str(), out.as_os_str()];
            reader.told(&[&asked[..], &["--until".as_ref(), until.as_ref()], &with[..]].concat());
            let tree = if out.exists() { walk(&out) } else { Tree::new() };
            assert_restored(kept, version, expected, &tree);
            remove_tree(&out);
        }
    }
}
