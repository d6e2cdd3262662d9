//! The master key wrapped under a password: 144 bytes of the header region.

use scrypt::{Params, scrypt};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::base::{ByteReader, ByteWriter, Digest, Environment, Error, ErrorKind, Result};

use super::master_key::MasterKey;
use super::secret::{Password, Secret};
use super::update_keys::apply_aes_ctr;

const NAME: [u8; 4] = *b"ZKEY";
const VERSION: u8 = 1;
const KDF_SCRYPT: u8 = 1;
const SALT_LABEL: &[u8] = b"zarc-v1-kek\0";
/// Bytes under the tag.
const TAGGED_BYTES: usize = 96;
/// Bytes under the checksum, the tag included.
const CHECKED_BYTES: usize = 128;

/// What one guess at a password costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyCost {
    log_n: u8,
    r: u8,
    p: u8,
}

impl KeyCost {
    /// N from 2^10 to 2^20, so that a foreign archive asks for 1 GiB of memory at most.
    const LOG_N: std::ops::RangeInclusive<u8> = 10..=20;
    const R: u8 = 8;
    const P: std::ops::RangeInclusive<u8> = 1..=4;

    /// N = 2^`log_n`, r = 8, p = 1; nothing outside of 10 to 20.
    pub fn with_log_n(log_n: u8) -> Option<Self> {
        Self::LOG_N.contains(&log_n).then_some(Self { log_n, r: Self::R, p: 1 })
    }

    /// 128 MiB and most of a second.
    pub const DEFAULT: Self = Self { log_n: 17, r: Self::R, p: 1 };

    fn checked(log_n: u8, r: u8, p: u8) -> Option<Self> {
        let is_allowed = Self::LOG_N.contains(&log_n) && r == Self::R && Self::P.contains(&p);
        is_allowed.then_some(Self { log_n, r, p })
    }

    /// The keys that encrypt and authenticate the master key.
    fn stretch(self, password: &Password, salt: &[u8; 32]) -> Result<(Secret, Secret)> {
        let failed = |cause: &dyn std::fmt::Display| {
            Error::new(ErrorKind::Unsupported, "cannot make a key of the password").because(cause)
        };
        let params = Params::new(self.log_n, self.r.into(), self.p.into())
            .map_err(|error| failed(&error))?;
        #[cfg(test)]
        tally::count();
        let mut keys = Zeroizing::new([0; 64]);
        scrypt(password.expose(), &[SALT_LABEL, salt].concat(), &params, keys.as_mut_slice())
            .map_err(|error| failed(&error))?;
        let half = |from: usize| {
            let mut half = Zeroizing::new([0; Secret::LEN]);
            half.copy_from_slice(&keys[from..from + Secret::LEN]);
            Secret::new(*half)
        };
        Ok((half(0), half(Secret::LEN)))
    }
}

impl Default for KeyCost {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A key record as it stands in a header region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    cost: KeyCost,
    generation: u32,
    archive_id: [u8; 16],
    salt: [u8; 32],
    wrapped: [u8; 32],
    tag: [u8; 32],
}

impl KeyRecord {
    /// Length in bytes.
    pub const LEN: usize = 144;

    /// Wraps a master key. Each password of an archive has a higher generation than the one before.
    pub fn wrap(
        master_key: &MasterKey,
        password: &Password,
        cost: KeyCost,
        generation: u32,
        environment: &Environment,
    ) -> Result<Self> {
        let mut salt = [0; 32];
        (environment.random)(&mut salt)?;
        let (encryption, authentication) = cost.stretch(password, &salt)?;
        let mut wrapped = *master_key.secret().expose();
        apply_aes_ctr(&encryption, 0, &mut wrapped);
        let archive_id = master_key.archive_id();
        let mut record = Self { cost, generation, archive_id, salt, wrapped, tag: [0; 32] };
        record.tag = authentication.keyed_hash(&[&record.tagged_bytes()]);
        Ok(record)
    }

    /// The master key, if this is the password. Takes one scrypt.
    pub fn unwrap(&self, password: &Password) -> Result<MasterKey> {
        let (encryption, authentication) = self.cost.stretch(password, &self.salt)?;
        let tag = authentication.keyed_hash(&[&self.tagged_bytes()]);
        if !bool::from(tag.ct_eq(&self.tag)) {
            return Err(Error::usage("wrong password"));
        }
        let mut key = Zeroizing::new(self.wrapped);
        apply_aes_ctr(&encryption, 0, key.as_mut_slice());
        Ok(MasterKey::from_secret(Secret::new(*key), self.archive_id))
    }

    /// How many passwords the archive had before this one.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    fn tagged_bytes(&self) -> Vec<u8> {
        let mut writer = ByteWriter::with_capacity(Self::LEN);
        writer.bytes(&NAME).u8(VERSION).u8(KDF_SCRYPT);
        writer.u8(self.cost.log_n).u8(self.cost.r).u8(self.cost.p).bytes(&[0; 3]);
        writer.u32(self.generation).bytes(&self.archive_id).bytes(&self.salt).bytes(&self.wrapped);
        writer.into_bytes()
    }

    /// The 144 bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.tagged_bytes();
        debug_assert_eq!(bytes.len(), TAGGED_BYTES);
        bytes.extend_from_slice(&self.tag);
        let checksum = Digest::of(&bytes);
        bytes.extend_from_slice(&checksum.as_bytes()[..16]);
        bytes
    }

    /// Whether 144 bytes are a key record, of whatever archive.
    pub fn is_sound(bytes: &[u8]) -> bool {
        let checksum = Digest::of(bytes.get(..CHECKED_BYTES).unwrap_or_default());
        bytes.starts_with(&NAME)
            && bytes.get(CHECKED_BYTES..Self::LEN) == Some(&checksum.as_bytes()[..16])
    }

    /// Whether this is the beginning of a key record that ends too early.
    pub fn is_begun(bytes: &[u8]) -> bool {
        let name = bytes.get(..NAME.len()).unwrap_or(bytes);
        bytes.len() < Self::LEN && !name.is_empty() && NAME.starts_with(name)
    }

    /// Reads the 144 bytes of the archive `archive_id`. What a password would cost is bounded before
    /// anything is allocated for it.
    pub fn decode(bytes: &[u8], archive_id: &[u8; 16]) -> Result<Self> {
        let mut reader = ByteReader::new(bytes, "key record");
        let checksum = Digest::of(bytes.get(..CHECKED_BYTES).unwrap_or_default());
        if bytes.get(CHECKED_BYTES..Self::LEN) != Some(&checksum.as_bytes()[..16]) {
            return Err(reader.corrupt("its checksum differs"));
        }
        if reader.array::<4>()? != NAME {
            return Err(reader.corrupt("it does not begin with its name"));
        }
        let (version, kdf) = (reader.u8()?, reader.u8()?);
        let (log_n, r, p) = (reader.u8()?, reader.u8()?, reader.u8()?);
        let unsupported = |cause: String| {
            Error::new(ErrorKind::Unsupported, "the archive needs a newer zarc").because(cause)
        };
        if (version, kdf) != (VERSION, KDF_SCRYPT) {
            return Err(unsupported(format!("its key record has version {version}, kdf {kdf}")));
        }
        let cost = KeyCost::checked(log_n, r, p).ok_or_else(|| {
            unsupported(format!("its key costs scrypt N = 2^{log_n}, r = {r}, p = {p}"))
        })?;
        if reader.array::<3>()? != [0; 3] {
            return Err(reader.corrupt("reserved bytes are not zero"));
        }
        let record = Self {
            cost,
            generation: reader.u32()?,
            archive_id: reader.array()?,
            salt: reader.array()?,
            wrapped: reader.array()?,
            tag: reader.array()?,
        };
        if record.archive_id != *archive_id {
            return Err(reader.corrupt("it is of another archive"));
        }
        Ok(record)
    }
}

/// How often a password was stretched by this thread.
#[cfg(test)]
pub(crate) mod tally {
    use std::cell::Cell;

    thread_local! {
        static STRETCHED: Cell<u64> = const { Cell::new(0) };
    }

    pub(super) fn count() {
        STRETCHED.set(STRETCHED.get() + 1);
    }

    /// Since this was last asked.
    pub(crate) fn take() -> u64 {
        STRETCHED.take()
    }
}
