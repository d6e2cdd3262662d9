//! The keys of an encrypted archive's updates: derived when a frame is met that tells what they are
//! derived from, kept for the other frames while there is room.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::base::{Error, Result};
use crate::crypto::{MasterKey, UpdateKeys};
use crate::format::{Anchor, Commit, FrameHeader, FrameType, Intent, Update};

use super::commit_point::CommitPoint;
use super::frame_reader::FrameReader;
use super::key_cache::{KeyCache, Name};
use super::tail::if_there;

/// The keys of one archive.
#[derive(Debug)]
pub(super) struct Keychain {
    master_key: MasterKey,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    keys: KeyCache,
    last: Option<CommitPoint>,
    /// Of the update being written, which no commit tells yet.
    own: Option<(Name, UpdateKeys)>,
}

impl Keychain {
    pub(super) fn new(master_key: MasterKey) -> Self {
        Self { master_key, known: Mutex::default() }
    }

    /// The key of the archive.
    pub(super) fn master_key(&self) -> &MasterKey {
        &self.master_key
    }

    /// The last commit: where the search for an update begins.
    pub(super) fn set_last(&self, last: Option<&CommitPoint>) {
        self.known().last = last.cloned();
    }

    /// The keys of the update that is about to be written, so that its frames can be read back.
    pub(super) fn set_own(&self, number: u64, update: &Update) -> UpdateKeys {
        let keys = self.keys_of_update(number, update);
        self.known().own = Some(((number, update.nonce.prefix()), keys.clone()));
        keys
    }

    /// The keys of the update that an UPDATE frame opens.
    pub(super) fn keys_of_update(&self, number: u64, update: &Update) -> UpdateKeys {
        self.master_key.update_keys(number, &update.nonce, &update.previous_tag)
    }

    /// The keys of the frame with this header and payload. Whether the frame is what it says has
    /// to be seen from its tag.
    pub(super) fn keys_of_frame(
        &self,
        reader: &FrameReader,
        header: &FrameHeader,
        payload: &[u8],
    ) -> Result<UpdateKeys> {
        let (nonce, previous_tag) = match header.frame_type {
            FrameType::Update => {
                let update = Update::decode(payload)?;
                (update.nonce, update.previous_tag)
            }
            FrameType::Commit => {
                let commit = Commit::decode(payload)?;
                (commit.nonce, commit.previous_tag)
            }
            FrameType::Anchor => {
                let anchor = Anchor::decode(payload)?;
                (anchor.nonce, anchor.previous_tag)
            }
            FrameType::Intent => {
                let intent = Intent::decode(payload)?;
                (intent.nonce, intent.previous_tag)
            }
            _ => return self.found_keys(reader, header),
        };
        if nonce.prefix() != header.nonce_prefix {
            return Err(Error::corrupt("a frame contradicts its header"));
        }
        Ok(self.master_key.update_keys(header.update, &nonce, &previous_tag))
    }

    /// Keeps keys that were proved right by a tag.
    pub(super) fn keep(&self, header: &FrameHeader, keys: &UpdateKeys) {
        if matches!(header.frame_type, FrameType::Update | FrameType::Commit | FrameType::Anchor) {
            self.known().keys.put((header.update, header.nonce_prefix), keys.clone());
        }
    }

    /// Keys that were met before, or those of the update's commit, which is looked for from the last one
    /// of its part, so that other parts are not needed.
    fn found_keys(&self, reader: &FrameReader, header: &FrameHeader) -> Result<UpdateKeys> {
        let name = (header.update, header.nonce_prefix);
        if let Some(keys) = self.known().keys.get(&name) {
            return Ok(keys);
        }
        if let Some((_, keys)) = self.known().own.as_ref().filter(|(own, _)| *own == name) {
            return Ok(keys.clone());
        }
        let mut next = self.last_commit(reader, header.part)?;
        while let Some(point) = next.as_ref().filter(|point| point.commit.update > header.update) {
            let jump =
                if point.commit.jump.update >= header.update { point.jump(reader)? } else { None };
            next = Some(match jump {
                Some(jump) => jump,
                None => point.previous(reader)?,
            });
        }
        let commit = next.map(|point| point.commit);
        let is_its = |commit: &Commit| (commit.update, commit.nonce.prefix()) == name;
        let commit = commit
            .filter(is_its)
            .ok_or_else(|| Error::corrupt("a frame belongs to no update of this archive"))?;
        let Commit { update, nonce, previous_tag, .. } = &commit;
        Ok(self.master_key.update_keys(*update, nonce, previous_tag))
    }

    /// The last commit of a part, or of the archive if the part ends otherwise.
    fn last_commit(&self, reader: &FrameReader, part: u32) -> Result<Option<CommitPoint>> {
        let last = self.known().last.clone();
        if last.as_ref().is_none_or(|last| part >= last.place.part) {
            return Ok(last);
        }
        let of_part = if_there(CommitPoint::last_of(&reader.in_part(part)))?;
        Ok(of_part.or(last))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing can be half done while it is locked.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
