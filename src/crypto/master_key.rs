//! The one random key of an archive, and the keys that are derived from it.

use zeroize::Zeroizing;

use crate::base::{Digest, Environment, Result};

use super::secret::Secret;
use super::update_keys::UpdateKeys;

/// The key of an archive: random, made once, wrapped under the password.
#[derive(Debug, Clone)]
pub struct MasterKey {
    key: Secret,
    archive_id: [u8; 16],
}

impl MasterKey {
    /// A new key for a new archive.
    pub fn generate(archive_id: [u8; 16], environment: &Environment) -> Result<Self> {
        let mut bytes = Zeroizing::new([0; Secret::LEN]);
        (environment.random)(bytes.as_mut_slice())?;
        Ok(Self::from_secret(Secret::new(*bytes), archive_id))
    }

    pub(super) fn from_secret(key: Secret, archive_id: [u8; 16]) -> Self {
        Self { key, archive_id }
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.key
    }

    /// The archive it belongs to.
    pub fn archive_id(&self) -> [u8; 16] {
        self.archive_id
    }

    /// The key of fragment identities: without it nobody can tell whether a known file is stored.
    pub fn identity_key(&self) -> Secret {
        self.key.derive(&[b"zarc-v1-fragment-id\0", &self.archive_id])
    }

    /// The constants of the cut rule: without them nobody can foresee where a known file is cut.
    pub fn cut_constants<const LEN: usize>(&self) -> [u8; LEN] {
        self.key.stretch(&[b"zarc-v1-cut\0", &self.archive_id])
    }

    /// The keys of one update. A nonce never occurs twice, so neither do they.
    pub fn update_keys(&self, update: u64, nonce: &Digest, previous_tag: &Digest) -> UpdateKeys {
        let key = self.key.derive(&[
            b"zarc-v1-update\0",
            &self.archive_id,
            &update.to_le_bytes(),
            nonce.as_bytes(),
            previous_tag.as_bytes(),
        ]);
        UpdateKeys::derived_from(&key)
    }
}
