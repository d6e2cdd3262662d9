//! Goal: what is stored is found again, wherever its record is by then, and nothing else is. Method:
//! more fragments than records are kept in memory go into archives of every kind; then all are
//! asked for again, in the same update and in the next one.

use std::sync::Arc;

use zarc::archive::{
    Archive, FragmentId, History, Location, OpenOptions, RunShape, Transaction, TransactionOptions,
};
use zarc::base::Environment;
use zarc::command::{KeyCost, Password};
use zarc::compress::{ContentKind, Method, MethodChoice};
use zarc::storage::Memory;

use crate::support::frames;
use crate::support::parts::parts;

/// Records of so many take more memory than is kept.
const COUNT: u64 = 400_000;

fn options() -> TransactionOptions {
    TransactionOptions {
        method: Method::parse("store,0").unwrap(),
        threads: 2,
        environment: Environment::system(),
        comment: Vec::new(),
        date: None,
        shape: RunShape::default(),
    }
}

fn store(transaction: &mut Transaction<'_>, number: u64) -> FragmentId {
    let bytes = [number.to_le_bytes(), (!number).to_le_bytes()].concat();
    transaction.store(&bytes, ContentKind::Other).unwrap()
}

/// Stores fragments from `first` on that are not there.
fn store_new(transaction: &mut Transaction<'_>, first: u64, count: u64) -> Vec<FragmentId> {
    let before = transaction.counts().fragments;
    let ids = (first..first + count).map(|number| store(transaction, number)).collect();
    assert_eq!(transaction.counts().fragments, before + count, "a wrong match");
    ids
}

/// Asks for each of `ids` again, those first that were stored first.
fn assert_found(transaction: &mut Transaction<'_>, ids: &[FragmentId]) {
    let before = transaction.counts().fragments;
    for (number, id) in (0..).zip(ids) {
        assert_eq!(store(transaction, number), *id, "fragment {number}");
    }
    assert_eq!(transaction.counts().fragments, before);
}

/// Two updates, of which the second meets the fragments of the first.
fn check_updates(mut open: impl FnMut() -> Archive) {
    let mut archive = open();
    let mut first = Transaction::begin(&mut archive, None, &options()).unwrap();
    let mut ids = store_new(&mut first, 0, COUNT);
    assert_found(&mut first, &ids);
    first.commit().unwrap();
    drop(archive);
    let mut archive = open();
    let base = History::of(&archive).newest().unwrap().unwrap();
    let mut second = Transaction::begin(&mut archive, Some(&base), &options()).unwrap();
    assert_found(&mut second, &ids[..10]);
    ids.extend(store_new(&mut second, COUNT, 100_000));
    assert_found(&mut second, &ids);
    assert!(second.unreadable().is_empty());
    second.commit().unwrap();
}

#[test]
fn fragments_whose_records_left_memory_are_found_in_a_plain_archive() {
    let memory = Memory::default();
    check_updates(|| {
        let environment = Environment::system();
        let backend = Arc::new(memory.clone());
        Archive::open_for_writing(backend, OpenOptions::plain(6), &environment).unwrap()
    });
}

#[test]
fn fragments_whose_records_left_memory_are_found_in_encrypted_parts() {
    let directory = tempfile::tempdir().unwrap();
    let password = Password::new(b"word".to_vec());
    let key_cost = KeyCost::with_log_n(10).unwrap();
    let options = OpenOptions { password: Some(&password), key_cost, ..OpenOptions::plain(6) };
    let location = parts(directory.path(), "p??.zarc");
    check_updates(|| {
        Archive::open_location_for_writing(&location, options, &Environment::system()).unwrap()
    });
}

#[test]
fn fragments_whose_records_left_memory_are_found_in_an_index() {
    let memory = Memory::default();
    let options = OpenOptions { method: Some(MethodChoice::Index), ..OpenOptions::plain(6) };
    check_updates(|| {
        let (environment, backend) = (Environment::system(), Arc::new(memory.clone()));
        Archive::open_for_writing(backend, options, &environment).unwrap()
    });
}

/// Of what goes nowhere nothing can be read back.
#[test]
fn fragments_are_found_where_nothing_is_kept() {
    let (location, environment) = (Location::Nowhere, Environment::system());
    let mut archive =
        Archive::open_location_for_writing(&location, OpenOptions::plain(6), &environment).unwrap();
    let mut transaction = Transaction::begin(&mut archive, None, &options()).unwrap();
    let ids = store_new(&mut transaction, 0, COUNT);
    assert_found(&mut transaction, &ids);
}

#[test]
fn fragments_of_a_page_that_is_damaged_are_stored_again_and_the_others_found() {
    // Found through the records of all blocks, or through a run of identities.
    for (shape, is_told_first) in [
        (RunShape { identity_run_min: usize::MAX, ..RunShape::default() }, true),
        (RunShape { identity_run_max: 1 << 16, ..RunShape::default() }, false),
    ] {
        check_damaged_page(shape, is_told_first);
    }
}

fn check_damaged_page(shape: RunShape, is_told_first: bool) {
    let options = || TransactionOptions { shape, ..options() };
    let memory = Memory::default();
    let environment = Environment::system();
    let open = |memory: &Memory| {
        let backend = Arc::new(memory.clone());
        Archive::open_for_writing(backend, OpenOptions::plain(6), &environment).unwrap()
    };
    let mut archive = open(&memory);
    let mut transaction = Transaction::begin(&mut archive, None, &options()).unwrap();
    let ids = store_new(&mut transaction, 0, 200_000);
    transaction.commit().unwrap();
    let mut bytes = memory.to_bytes();
    let pages = frames(&bytes, 3);
    assert_eq!(pages.len(), 4, "a page for each block");
    let (offset, len) = pages[1];
    bytes[offset + len / 2] ^= 1;
    let memory = Memory::with_bytes(bytes);
    let mut archive = open(&memory);
    let base = History::of(&archive).newest().unwrap().unwrap();
    let mut transaction = Transaction::begin(&mut archive, Some(&base), &options()).unwrap();
    assert_eq!(transaction.unreadable().len(), usize::from(is_told_first));
    let mut is_again = 0;
    for (number, id) in (0..).zip(&ids) {
        let now = store(&mut transaction, number);
        assert_eq!(now == *id, id.block != 1, "fragment {number}");
        is_again += u64::from(now != *id);
    }
    assert_eq!(transaction.counts().fragments, ids.len() as u64 + is_again);
    assert!(is_again > 0);
    let [error] = transaction.unreadable() else { panic!("one page is damaged") };
    assert!(error.to_string().contains("damaged"), "{error}");
    transaction.commit().unwrap();
}
