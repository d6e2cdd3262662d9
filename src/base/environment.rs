//! The clock and the dice, passed in so that a test decides what they show.

use std::time::{SystemTime, UNIX_EPOCH};

use super::error::{Error, Result};
use super::timestamp::Timestamp;

/// Where instants and random bytes come from.
#[derive(Debug, Clone, Copy)]
pub struct Environment {
    /// The present.
    pub now: fn() -> Timestamp,
    /// The clock by which the kernel dates changes, if it can be read: what changes after it was read has no
    /// earlier date, on a file system that takes its dates from there.
    pub tick: fn() -> Option<Timestamp>,
    /// Bytes nobody can guess, or an error of the system's generator.
    pub random: fn(&mut [u8]) -> Result<()>,
}

impl Environment {
    /// The machine's clock and the operating system's generator.
    pub fn system() -> Self {
        Self { now: system_now, tick: system_tick, random: system_random }
    }

    /// The present by both clocks.
    pub fn moment(&self) -> Moment {
        Moment { now: (self.now)(), tick: (self.tick)() }
    }
}

/// An instant, by the two clocks of an [`Environment`].
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// By the one that tells the time.
    pub now: Timestamp,
    /// By the one that dates changes.
    pub tick: Option<Timestamp>,
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

#[cfg(target_os = "linux")]
fn system_tick() -> Option<Timestamp> {
    let tick = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
    Some(Timestamp { seconds: tick.tv_sec, nanos: tick.tv_nsec.try_into().ok()? })
}

#[cfg(not(target_os = "linux"))]
fn system_tick() -> Option<Timestamp> {
    None
}

fn system_random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|cause| {
        Error::new(super::error::ErrorKind::Io, "cannot get random bytes from the system")
            .because(cause)
    })
}
