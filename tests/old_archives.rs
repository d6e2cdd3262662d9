//! Goal: every archive ever kept lists, extracts and verifies as its manifest says. Method: the
//! manifest beside each archive, made of what was stored and not by reading it, is compared line by
//! line with what `list` shows and with what `extract` makes of each version.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use zarc::base::{ErrorKind, Until};
use zarc::command::{Row, verify};

use super::support::Told;
use super::support::archives::{
    drop_what_needs_root, holds_data, kept, kept_of_earlier_drafts, versions,
};
use super::support::trees::{Tree, walk};
use super::support::workbench::{
    Workbench, fresh_in_memory, is_root, remove_tree, row_node, rows, run_extract, verify_options,
};

/// The lines of a manifest, a list for each version: date and objects.
fn manifest(archive: &Path) -> Vec<(i64, Vec<String>)> {
    let text = fs::read_to_string(archive.with_extension("txt")).unwrap();
    let mut versions: Vec<(i64, Vec<String>)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("version ") {
            Some(rest) => {
                let (number, date) = rest.split_once(" of ").unwrap();
                versions.push((date.parse().unwrap(), Vec::new()));
                assert_eq!(number, versions.len().to_string());
            }
            None => versions.last_mut().unwrap().1.push(line.to_owned()),
        }
    }
    versions
}

/// The fields of a line that a listing has: all but what a content is.
fn listed_fields(line: &str) -> Vec<String> {
    let fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
    let is_file = fields[0] == "-";
    fields.into_iter().enumerate().filter(|(n, _)| *n != 6 || !is_file).map(|(_, f)| f).collect()
}

/// What `list` shows of an object, as fields of a manifest.
fn row_fields(row: &Row) -> Vec<String> {
    let Row::Object { path, .. } = row else { panic!("a version") };
    let (node, size) = row_node(row).unwrap();
    let owner = format!("{}:{}", node.owner.0, node.owner.1);
    let mut fields = vec![
        node.kind.to_string(),
        format!("{:04o}", node.mode),
        owner,
        size.to_string(),
        format!("{}.{:09}", node.mtime.0, node.mtime.1),
        path.as_bytes().escape_ascii().to_string(),
    ];
    match node.kind {
        '-' => {}
        'l' => fields.push(node.target.escape_ascii().to_string()),
        'c' | 'b' => {
            let (major, minor) = (rustix::fs::major(node.device), rustix::fs::minor(node.device));
            fields.push(format!("{major}:{minor}"));
        }
        _ => fields.push("-".to_owned()),
    }
    for (name, value) in &node.xattrs {
        fields.push(format!("{}={}", name.escape_ascii(), value.escape_ascii()));
    }
    fields
}

fn check_list(bench_of: &Workbench, archive: &Path, version: u64, lines: &[String]) {
    let mut options = bench_of.list_options(Until::Version(version));
    options.archive = archive.to_owned().into();
    let (rows, summary, told) = rows(&options);
    assert_eq!((summary.damaged + summary.problems, told.warnings().as_str()), (0, ""));
    assert_eq!(rows.len(), lines.len());
    for (row, line) in rows.iter().zip(lines) {
        let mut expected = listed_fields(line);
        expected.retain(|field| !field.starts_with("is "));
        let mut found = row_fields(row);
        // Without attributes a listing has none to show.
        if expected[1] == "-" {
            (found[1], found[2]) = ("-".to_owned(), "-".to_owned());
        }
        assert_eq!(found, expected, "{} version {version}", archive.display());
    }
}

/// What is on disk, as lines of a manifest; `bare` names were saved without attributes.
fn lines_of(tree: &Tree, bare: &[Vec<u8>]) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, node) in tree {
        let (mode, owner) = if bare.contains(name) {
            ("-".to_owned(), "-".to_owned())
        } else {
            (format!("{:04o}", node.mode), format!("{}:{}", node.owner.0, node.owner.1))
        };
        let shown = name.escape_ascii();
        let time = format!("{}.{:09}", node.mtime.0, node.mtime.1);
        let size = node.content.len();
        let mut line = format!("{}\t{mode}\t{owner}\t{size}\t{time}\t{shown}\t", node.kind);
        match node.kind {
            '-' => write!(line, "{}", blake3::hash(&node.content)).unwrap(),
            'l' => write!(line, "{}", node.target.escape_ascii()).unwrap(),
            'c' | 'b' => {
                let (major, minor) =
                    (rustix::fs::major(node.device), rustix::fs::minor(node.device));
                write!(line, "{major}:{minor}").unwrap();
            }
            _ => line.push('-'),
        }
        for (name, value) in &node.xattrs {
            write!(line, "\t{}={}", name.escape_ascii(), value.escape_ascii()).unwrap();
        }
        if let Some(first) = first_name(tree, node.link).filter(|first| *first != name) {
            write!(line, "\tis {}", first.escape_ascii()).unwrap();
        }
        lines.push(line);
    }
    lines
}

fn first_name(tree: &Tree, link: Option<super::support::trees::Identity>) -> Option<&Vec<u8>> {
    link?;
    // Manifests are in archive order, where what is below a name follows it at once.
    let mut names: Vec<_> = tree.iter().filter(|(_, node)| node.link == link).collect();
    names.sort_by_key(|(name, _)| archive_order(name));
    names.first().map(|(name, _)| *name)
}

fn archive_order(name: &[u8]) -> Vec<u8> {
    name.iter().map(|&byte| if byte == b'/' { 0 } else { byte }).collect()
}

fn check_extract(out: &Path, archive: &Path, version: u64, lines: &[String]) {
    let (summary, told) = run_extract(archive, out, Until::Version(version), true).unwrap();
    if is_root() {
        assert_eq!((summary.problems, told.warnings().as_str()), (0, ""), "version {version}");
    }
    let mut tree = walk(out);
    remove_tree(out);
    let number = usize::try_from(version).unwrap();
    let entries = &versions(archive)[number - 1];
    tree.retain(|name, _| entries.iter().any(|entry| entry.path.as_bytes() == name));
    drop_what_needs_root(&mut tree);
    let bare: Vec<Vec<u8>> = entries
        .iter()
        .filter(|entry| entry.object.stored().is_some_and(|stored| !stored.has_attributes))
        .map(|entry| entry.path.as_bytes().to_vec())
        .collect();
    let mut found = lines_of(&tree, &bare);
    let mut expected = lines.to_vec();
    if !is_root() {
        expected.retain(|line| !line.starts_with(['c', 'b']));
        for line in found.iter_mut().chain(&mut expected) {
            let mut fields: Vec<&str> = line.split('\t').collect();
            fields.remove(2);
            *line = fields.join("\t");
        }
    }
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "{} version {version}", archive.display());
}

/// Listed, extracted and verified, each version of each archive is what it was.
#[test]
fn every_kept_archive_is_read_as_its_manifest_says() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Workbench::new(dir);
    for archive in kept() {
        let manifest = manifest(&archive);
        for (number, (date, lines)) in (1..).zip(&manifest) {
            check_list(&bench, &archive, number, lines);
            if holds_data(&archive) {
                check_extract(&bench.path("out"), &archive, number, lines);
            }
            let mut options = bench.list_options(Until::Date(*date));
            options.archive = archive.clone().into();
            assert_eq!(rows(&options).1.versions, number, "by date");
        }
        let told = Told::default();
        let summary = verify(&verify_options(archive.clone()), &told).unwrap();
        assert_eq!((summary.damaged, told.warnings().as_str()), (0, ""));
        assert_eq!(summary.versions, manifest.len() as u64);
        assert_eq!(summary.unchecked == 0, holds_data(&archive));
    }
}

/// An archive of another draft, an earlier or a later one, is refused by the name of its draft by
/// every command.
#[test]
fn an_archive_of_another_draft_is_refused_by_name() {
    let mut later = fs::read(&kept()[0]).unwrap();
    later[10..12].copy_from_slice(&9_u16.to_le_bytes());
    let checksum = *blake3::hash(&later[..480]).as_bytes();
    later[480..512].copy_from_slice(&checksum);
    refuse(&later, "draft 0.9");
    for earlier in kept_of_earlier_drafts() {
        let folder = earlier.parent().and_then(Path::file_name).unwrap().to_string_lossy();
        refuse(&fs::read(&earlier).unwrap(), &folder.replace('-', " "));
    }
}

fn refuse(bytes: &[u8], draft: &str) {
    let bench = Workbench::new(fresh_in_memory());
    fs::write(bench.archive(), bytes).unwrap();
    let out = bench.path("out");
    let told = Told::default();
    let errors = [
        run_extract(&bench.archive(), &out, Until::Latest, true).map(|_| ()).unwrap_err(),
        verify(&verify_options(bench.archive()), &told).map(|_| ()).unwrap_err(),
        zarc::command::add(&bench.add_options(b""), &told).map(|_| ()).unwrap_err(),
        zarc::command::list(&bench.list_options(Until::Latest), &mut |_| Ok(()), &told)
            .map(|_| ())
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        let message = error.to_string();
        assert!(message.contains(draft) && message.contains("draft 0.8"), "{message}");
    }
    assert!(!out.exists());
    assert!(fs::read(bench.archive()).unwrap() == bytes, "it is left as it was");
    let program = std::process::Command::new(env!("CARGO_BIN_EXE_zarc"))
        .args(["list".as_ref(), bench.archive().as_os_str()])
        .output()
        .unwrap();
    assert_eq!(program.status.code(), Some(2));
}
