//! The clock and the dice, passed in so that a test decides what they show.

use std::time::{SystemTime, UNIX_EPOCH};

use super::error::{Error, Result};
use super::timestamp::Timestamp;

/// Where instants and random bytes come from.
#[derive(Debug, Clone, Copy)]
pub struct Environment {
    /// The present.
    pub now: fn() -> Timestamp,
    /// Bytes nobody can guess, or an error of the system's generator.
    pub random: fn(&mut [u8]) -> Result<()>,
}

impl Environment {
    /// The machine's clock and the operating system's generator.
    pub fn system() -> Self {
        Self { now: system_now, random: system_random }
    }
}

fn system_now() -> Timestamp {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => Timestamp {
            seconds: after.as_secs().try_into().unwrap_or(i64::MAX),
            nanos: after.subsec_nanos(),
        },
        // A clock before 1970 is wrong; the archive's rule that dates increase corrects it.
        Err(_) => Timestamp::default(),
    }
}

fn system_random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|cause| {
        Error::new(super::error::ErrorKind::Io, "cannot get random bytes from the system")
            .because(cause)
    })
}
