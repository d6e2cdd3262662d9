//! Updates that no zarc writes, made frame by frame.

use std::sync::Arc;

use zarc::archive::{Counts, Manifest};
use zarc::base::Digest;
use zarc::compress::{ContentKind, Method, pack};
use zarc::format::{FrameType, PackedPayload, Place, Update};
use zarc::journal::{Journal, UpdateWriter};
use zarc::storage::Memory;

/// Appends a frame whose payload is packed.
pub fn append_packed(
    writer: &mut UpdateWriter<'_>,
    frame_type: FrameType,
    raw: &[u8],
) -> (Place, u64) {
    let packed = pack(raw, &Method::metadata(), ContentKind::Other).unwrap();
    let (codec, bytes) = (packed.codec as u8, packed.bytes);
    let payload = PackedPayload { codec, raw_len: raw.len(), packed: &bytes }.encode();
    writer.append(frame_type, &payload).unwrap()
}

/// Appends an update that holds what `append` writes, and this manifest as it changes it.
pub fn append_update(
    memory: &Memory,
    manifest: Manifest,
    append: impl FnOnce(&mut UpdateWriter<'_>, &mut Manifest),
) {
    let header = || unreachable!("the archive has a version");
    let opened = Journal::open_for_writing(Arc::new(memory.clone()), None, header, |_| Ok(()));
    let mut journal = opened.unwrap().0;
    let date = manifest.date + 1;
    let update = Update {
        nonce: Digest::of(b"a forged update"),
        previous_tag: journal.last_tag(),
        date,
        rolled_back: Digest::default(),
        writer: "a test".to_owned(),
    };
    let counts = Counts {
        names: manifest.counts.names,
        names_bytes: manifest.counts.names_bytes,
        blocks: manifest.counts.blocks,
        fragments: manifest.counts.fragments,
        ..Default::default()
    };
    let mut manifest = Manifest {
        update: manifest.update + 1,
        date,
        counts,
        delta_entries: None,
        delta_fragments: None,
        ..manifest
    };
    let mut writer = journal.begin_update(update).unwrap();
    append(&mut writer, &mut manifest);
    append_packed(&mut writer, FrameType::Manifest, &manifest.encode());
    writer.commit().unwrap();
}
