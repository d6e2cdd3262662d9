//! Extractions into a directory, and what is there then.

use std::fs;
use std::path::Path;

use zarc::base::{StoredPath, Until};
use zarc::command::{ExtractOptions, ExtractSummary, extract};
use zarc::select::{Rename, Selection};

use super::{Made, Thing, Told, file, noise};

/// Restores everything into `target`.
pub fn options(made: &Made, target: &Path) -> ExtractOptions {
    let target = target.to_str().expect("a name of text").as_bytes();
    ExtractOptions {
        archive: made.archive().into(),
        key: None,
        files: Vec::new(),
        selection: Selection::default(),
        rename: Rename::prefix(StoredPath::normalized(target).expect("a name")),
        until: Until::Latest,
        all: None,
        force: false,
        attributes: true,
        special: false,
        dry: false,
        threads: 2,
    }
}

/// Extracts and listens.
pub fn run(options: &ExtractOptions) -> (ExtractSummary, Told) {
    let told = Told::default();
    let summary = extract(options, &told).expect("an extraction");
    (summary, told)
}

/// Everything below a directory, sorted, with what it is.
pub fn tree(root: &Path) -> Vec<String> {
    fn visit(root: &Path, dir: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(root).expect("below").display().to_string();
            found.push(name);
            if path.is_dir() && !path.is_symlink() {
                visit(root, &path, found);
            }
        }
    }
    let mut found = Vec::new();
    visit(root, root, &mut found);
    found.sort();
    found
}

/// Objects of every kind.
pub fn small_tree() -> Vec<(&'static str, Thing)> {
    vec![
        ("d", Thing::Directory(0o750)),
        ("d/sub", Thing::Directory(0o500)),
        ("d/sub/big", file(&noise(1, 300_000))),
        ("d/empty", file(b"")),
        ("d/small", file(b"hello")),
        ("d/link", Thing::Symlink("small")),
        ("d/pipe", Thing::Fifo),
        ("d/sparse", Thing::Sparse(100_000, noise(2, 20_000), 70_000)),
        ("d/hole", Thing::Sparse(100_000, Vec::new(), 0)),
        ("d/one", Thing::Linked(7, noise(3, 50_000))),
        ("d/two", Thing::Linked(7, noise(3, 50_000))),
        ("d/node", Thing::Device),
    ]
}
