//! Where files are cut into fragments: the "sieve" of `spec/fragmenting.md`.
//!
//! Pure arithmetic on bytes. Knows nothing of files, identities or archives.

mod fragmenter;
mod params;
mod sieve;
#[cfg(target_arch = "x86_64")]
mod sieve_x86;
mod sizes;

pub use fragmenter::Fragmenter;
pub use params::Params;
pub use sizes::Sizes;
