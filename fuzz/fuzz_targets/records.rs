//! Every decoder of the format on arbitrary bytes: no panic, no unbounded memory, and what decodes
//! encodes to something that decodes to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zarc::crypto::KeyRecord;
use zarc::format::{
    Anchor, ArchiveHeader, Commit, Data, Directory, DirectoryBuilder, EntryPage, EntryPageBuilder,
    FragmentPage, FrameHeader, IdentityPage, Intent, Manifest, Origin, PackedPayload, Update,
    check_directory,
};

fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else { return };
    match which % 15 {
        0 => drop(ArchiveHeader::decode(bytes)),
        1 => drop(FrameHeader::decode(bytes)),
        2 => drop(PackedPayload::decode(bytes)),
        3 => drop(Data::decode(bytes)),
        4 => drop(Update::decode(bytes)),
        5 => {
            if let Ok(commit) = Commit::decode(bytes) {
                assert_eq!(commit.encode(), bytes);
            }
        }
        6 => {
            if let Ok(page) = FragmentPage::decode(bytes) {
                assert_eq!(FragmentPage::decode(&page.encode()).unwrap(), page);
            }
        }
        7 => {
            if let Ok(page) = EntryPage::decode(bytes) {
                let mut builder = EntryPageBuilder::new();
                page.entries.iter().for_each(|entry| builder.push(entry));
                let (_, _, raw) = builder.finish().unwrap();
                assert_eq!(EntryPage::decode(&raw).unwrap(), page);
            }
        }
        8 => {
            drop(check_directory(bytes));
            if let Ok(directory) = Directory::<u64>::decode(bytes) {
                let mut builder = DirectoryBuilder::new(directory.level);
                directory.listed.iter().for_each(|page| builder.push(page));
                let (_, _, raw) = builder.finish().unwrap();
                assert_eq!(Directory::decode(&raw).unwrap(), directory);
            }
        }
        9 => {
            let id = [0; 16];
            if let Ok(record) = KeyRecord::decode(bytes, &id) {
                assert_eq!(KeyRecord::decode(&record.encode(), &id).unwrap(), record);
            }
        }
        10 => {
            if let Ok(anchor) = Anchor::decode(bytes) {
                assert_eq!(Anchor::decode(&anchor.encode()).unwrap(), anchor);
            }
        }
        11 => {
            if let Ok(intent) = Intent::decode(bytes) {
                assert_eq!(Intent::decode(&intent.encode()).unwrap(), intent);
            }
        }
        12 => {
            if let Ok(origin) = Origin::decode(bytes) {
                assert_eq!(Origin::decode(&origin.encode()).unwrap(), origin);
            }
        }
        13 => {
            if let Ok(page) = IdentityPage::decode(bytes) {
                let records: Vec<_> = page.records().collect();
                let again = IdentityPage::decode(&IdentityPage::encode(&records)).unwrap();
                assert!(again.records().eq(records));
            }
        }
        _ => {
            if let Ok(manifest) = Manifest::decode(bytes) {
                assert_eq!(Manifest::decode(&manifest.encode()).unwrap(), manifest);
            }
        }
    }
});
