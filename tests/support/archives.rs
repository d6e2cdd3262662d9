//! Archives that are kept in the repository, and what is told of them.

use std::path::PathBuf;

use zarc::archive::{Archive, Catalog, Entry, History};
use zarc::base::Until;

use crate::golden::FOLDER;

/// Those that this zarc reads without a password, each with its manifest beside it.
pub fn kept() -> Vec<PathBuf> {
    archives(true)
}

/// Those of earlier drafts.
pub fn kept_of_earlier_drafts() -> Vec<PathBuf> {
    archives(false)
}

fn archives(are_readable: bool) -> Vec<PathBuf> {
    let mut archives = Vec::new();
    for folder in std::fs::read_dir("testdata/archives").expect("a folder of drafts") {
        let folder = folder.expect("a folder").path();
        let is_readable = folder == std::path::Path::new(FOLDER);
        for file in std::fs::read_dir(folder).expect("archives").flatten() {
            let is_archive = file.path().extension().is_some_and(|suffix| suffix == "zarc");
            // It has tests of its own, with its password.
            let is_encrypted = file.path().file_stem().is_some_and(|stem| stem == "encrypted");
            if is_archive && is_readable == are_readable && !is_encrypted {
                archives.push(file.path());
            }
        }
    }
    archives.sort();
    assert!(!archives.is_empty());
    archives
}

/// Whether an archive holds data, or is an index.
pub fn holds_data(archive: &std::path::Path) -> bool {
    Archive::open_path(archive, None).expect("an archive").holds_data()
}

/// The entries of each version, from the first on.
pub fn versions(archive: &std::path::Path) -> Vec<Vec<Entry>> {
    let archive = Archive::open_path(archive, None).expect("an archive");
    let history = History::of(&archive);
    let versions = history.versions(Until::Latest).expect("versions");
    versions
        .map(|version| {
            let catalog = Catalog::of(&archive, &version.expect("a version")).expect("a catalog");
            catalog.entries().map(|entry| entry.expect("an entry")).collect()
        })
        .collect()
}

/// Takes out of a tree what cannot be made without being root.
pub fn drop_what_needs_root(tree: &mut super::trees::Tree) {
    if !super::workbench::is_root() {
        eprintln!("skipped: device nodes and owners need root");
        tree.retain(|_, node| !matches!(node.kind, 'c' | 'b'));
        for node in tree.values_mut() {
            node.owner = (0, 0);
        }
    }
}
