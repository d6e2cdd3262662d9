//! What fragments are called.

use crate::base::Digest;

use super::secret::Secret;

/// The identity of fragments: BLAKE3, under a key in an encrypted archive.
#[derive(Debug, Clone, Default)]
pub struct IdentityHash(Option<Secret>);

impl IdentityHash {
    /// That of a plain archive, or of one with this key.
    pub fn new(key: Option<Secret>) -> Self {
        Self(key)
    }

    /// Whether both call every fragment the same: neither has a key, or both have the same one.
    pub fn is_same(&self, other: &Self) -> bool {
        self.of(&[]) == other.of(&[])
    }

    /// The identity of a fragment.
    pub fn of(&self, fragment: &[u8]) -> Digest {
        match &self.0 {
            None => Digest::of(fragment),
            Some(key) => Digest::from_bytes(key.keyed_hash(&[fragment])),
        }
    }
}
