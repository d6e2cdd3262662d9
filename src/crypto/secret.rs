//! Bytes that nobody may see: wiped when dropped, never printed.

use std::fmt;

use zeroize::Zeroize;

/// A key of 32 bytes.
#[derive(Clone)]
pub struct Secret([u8; Self::LEN]);

impl Secret {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// Takes a key over.
    pub fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// BLAKE3 under this key of several pieces as if they were one.
    pub fn keyed_hash(&self, pieces: &[&[u8]]) -> [u8; Self::LEN] {
        self.stretch(pieces)
    }

    /// As many bytes as are asked for instead of 32, of BLAKE3's extended output.
    pub fn stretch<const LEN: usize>(&self, pieces: &[&[u8]]) -> [u8; LEN] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for piece in pieces {
            hasher.update(piece);
        }
        let mut bytes = [0; LEN];
        let mut output = hasher.finalize_xof();
        output.fill(&mut bytes);
        // Both hold the key.
        output.zeroize();
        hasher.zeroize();
        bytes
    }

    /// The key that this one and the pieces stand for.
    #[must_use]
    pub fn derive(&self, pieces: &[&[u8]]) -> Self {
        Self(self.keyed_hash(pieces))
    }

    /// The bytes, for whoever encrypts with them.
    pub(super) fn expose(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A password as the user gave it: any bytes.
#[derive(Clone)]
pub struct Password(Vec<u8>);

impl Password {
    /// Takes a password over; whoever made the bytes made no copy.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether two passwords are the same; both come from the user, so the time taken tells nobody.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    pub(super) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Password {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}
