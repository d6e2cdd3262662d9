//! Keys and what is done with them: `spec/format.md` section 11.
//!
//! Pure computation on bytes: knows neither frames nor files. Secrets are wiped when they go out of
//! use and never printed.

mod identity_hash;
mod key_record;
mod master_key;
mod secret;
mod update_keys;

pub use identity_hash::IdentityHash;
#[cfg(test)]
pub(crate) use key_record::tally;
pub use key_record::{KeyCost, KeyRecord};
pub use master_key::MasterKey;
pub use secret::{Password, Secret};
pub use update_keys::UpdateKeys;
