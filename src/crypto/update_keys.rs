//! Encrypting and authenticating the frames of one update.

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use subtle::ConstantTimeEq;

use crate::base::Digest;

use super::secret::Secret;

/// The two keys of an update.
#[derive(Debug, Clone)]
pub struct UpdateKeys {
    encryption: Secret,
    authentication: Secret,
}

impl UpdateKeys {
    pub(super) fn derived_from(key: &Secret) -> Self {
        Self { encryption: key.derive(&[b"enc\0"]), authentication: key.derive(&[b"mac\0"]) }
    }

    /// Encrypts or decrypts the payload of the frame with this index, which has a keystream of its
    /// own; so each index is used for one payload only.
    pub fn apply_keystream(&self, frame_index: u64, payload: &mut [u8]) {
        apply_aes_ctr(&self.encryption, frame_index, payload);
    }

    /// The tag of a frame: of its header and its payload as stored.
    pub fn tag(&self, pieces: &[&[u8]]) -> Digest {
        Digest::from_bytes(self.authentication.keyed_hash(pieces))
    }

    /// The tag of a frame if it is `tag`; the time this takes does not tell how much of it is.
    pub fn checked_tag(&self, tag: &[u8], pieces: &[&[u8]]) -> Option<Digest> {
        let computed = self.tag(pieces);
        bool::from(computed.as_bytes().as_slice().ct_eq(tag)).then_some(computed)
    }
}

/// AES-256-CTR. The counter block starts as `frame_index` and eight zero bytes, big endian; a frame
/// has less than 2^64 blocks of 16 bytes, so two frames never meet.
pub(super) fn apply_aes_ctr(key: &Secret, frame_index: u64, bytes: &mut [u8]) {
    let mut counter = [0; 16];
    counter[..8].copy_from_slice(&frame_index.to_be_bytes());
    let mut cipher = Ctr128BE::<Aes256>::new(key.expose().into(), &counter.into());
    cipher.apply_keystream(bytes);
}
