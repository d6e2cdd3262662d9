//! Goal: Windows attributes in an archive are listed, stay with objects that did not change, and
//! disturb nothing on a system that has none. Method: a real directory is added, its entries get
//! attributes as another system would have written them, and the commands go over them.

use std::fs;

use zarc::archive::{
    Archive, Catalog, Change, Entry, History, Object, RunShape, Transaction, TransactionOptions,
};
use zarc::base::Until;
use zarc::command::{Row, list};
use zarc::compress::Method;

use super::support::workbench::{
    ROOT, Workbench, environment, real_seconds, run_add, set_clock, set_mtime,
};
use super::support::{DATA, Told};

const READ_ONLY_ARCHIVE: u32 = 0x21;

/// A directory with a file in it, long enough unchanged.
fn bench() -> Workbench {
    let bench = Workbench::new(tempfile::tempdir().unwrap());
    fs::write(bench.work().join("f"), "content\n").unwrap();
    for path in [bench.work().join("f"), bench.work()] {
        set_mtime(&path, (1_000_000_000, 0));
    }
    // Nothing is younger than the clock can tell.
    set_clock(real_seconds() + 1000);
    bench
}

/// Changes all entries of the newest version in one update.
fn rewrite(bench: &Workbench, change: impl Fn(&mut zarc::archive::Stored)) {
    let mut archive =
        Archive::open_location_for_writing(&bench.archive().into(), DATA, &environment()).unwrap();
    let base = History::of(&archive).newest().unwrap().expect("a version");
    let entries: Vec<Entry> =
        Catalog::of(&archive, &base).unwrap().entries().collect::<Result<_, _>>().unwrap();
    let options = TransactionOptions {
        method: Method::parse("1").unwrap(),
        threads: 1,
        environment: environment(),
        comment: Vec::new(),
        date: None,
        shape: RunShape::default(),
    };
    let mut transaction = Transaction::begin(&mut archive, Some(&base), &options).unwrap();
    for Entry { path, object } in entries {
        let Object::Stored(mut stored) = object else { panic!("{path} is deleted") };
        let size = stored.size();
        change(&mut stored);
        let entry = Entry { path, object: Object::Stored(stored) };
        transaction.record(&entry, Change::Updated(size)).unwrap();
    }
    transaction.commit().unwrap();
}

/// The attributes that the archive has now, in the order of names.
fn attributes(bench: &Workbench) -> Vec<Option<u32>> {
    let mut found = Vec::new();
    let mut show = |row: Row| {
        let Row::Object { metadata, .. } = row else { panic!("no object") };
        found.push(metadata.expect("nothing is deleted").windows_attributes);
        Ok(())
    };
    list(&bench.list_options(Until::Latest), &mut show, &Told::default()).unwrap();
    found
}

#[test]
fn windows_attributes_stay_with_what_did_not_change() {
    let bench = bench();
    run_add(&bench.add_options(b""));
    rewrite(&bench, |stored| stored.metadata.windows_attributes = Some(READ_ONLY_ARCHIVE));
    let both = [Some(READ_ONLY_ARCHIVE); 2];
    assert_eq!(attributes(&bench), both);

    // Not even looked at again.
    let (summary, _) = run_add(&bench.add_options(b""));
    assert_eq!((summary.version, attributes(&bench).as_slice()), (None, &both[..]));
    // All is read again, and found the same.
    let mut forced = bench.add_options(b"");
    forced.force = true;
    let (summary, _) = run_add(&forced);
    assert_eq!((summary.version, summary.updated), (None, 0));

    // Another inode number: the entry is written again, the object is the same.
    rewrite(&bench, |stored| stored.inode += 1);
    let (summary, told) = run_add(&bench.add_options(b""));
    assert_eq!((summary.touched, summary.updated), (2, 0), "{}", told.warnings());
    assert_eq!(attributes(&bench), both);

    // What changed here has what this system says: nothing. The directory stays.
    fs::write(bench.work().join("f"), "other content\n").unwrap();
    let (summary, _) = run_add(&bench.add_options(b""));
    assert_eq!(summary.updated, 1);
    assert_eq!(attributes(&bench), [Some(READ_ONLY_ARCHIVE), None]);
}

#[test]
fn what_has_windows_attributes_is_compared_without_them() {
    let bench = bench();
    run_add(&bench.add_options(b""));
    rewrite(&bench, |stored| {
        stored.metadata.windows_attributes = Some(READ_ONLY_ARCHIVE);
        // So that the comparison has to look closer.
        stored.inode += 1;
    });
    let compare = |attributes: bool| {
        let mut options = bench.compare_options(b"");
        options.attributes = attributes;
        let mut shown = Vec::new();
        let mut show = |row: Row| {
            let Row::Object { comparison, metadata, .. } = row else { panic!("no object") };
            shown.push((comparison.symbol(), metadata.unwrap().windows_attributes));
            Ok(())
        };
        list(&options, &mut show, &Told::default()).unwrap();
        shown
    };
    assert_eq!(compare(true), [('=', Some(READ_ONLY_ARCHIVE)); 2]);
    assert_eq!(compare(false), [('=', None); 2]);
}

#[test]
fn an_archive_of_windows_is_listed_and_restored() {
    let bench = bench();
    run_add(&bench.add_options(b""));
    rewrite(&bench, |stored| {
        let metadata = &mut stored.metadata;
        metadata.windows_attributes = Some(READ_ONLY_ARCHIVE);
        (metadata.mode, metadata.uid, metadata.gid) = (0, 0, 0);
        metadata.user.clear();
        metadata.group.clear();
        metadata.xattrs.clear();
        stored.has_attributes = false;
    });
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_zarc"));
    let output = command.arg("list").arg(bench.archive()).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let root = String::from_utf8(ROOT.to_vec()).unwrap();
    assert!(
        shown.starts_with(&format!("- 2001-09-09 01:46:40            0 RA    {root}/\n")),
        "{shown}"
    );
    assert!(shown.contains(&format!("            8 RA    {root}/f\n")), "{shown}");
    let (summary, told, tree) = bench.extract(Until::Latest, false);
    assert_eq!((summary.written, summary.problems), (2, 0), "{}", told.warnings());
    assert_eq!(tree.len(), 2);
}
