//! How finely file systems tell when something changed.

use std::collections::HashMap;
use std::io;

use super::object::Object;

/// Remembers of each file system, by its device number, whether the kernel of this machine gives its
/// times of change, by the tick: whatever changes a hundredth of a second later has another one.
///
/// Others may be off by the clock of a server, or have whole seconds alone.
#[derive(Debug, Default)]
pub struct ChangeClocks {
    is_fine: HashMap<u64, bool>,
}

impl ChangeClocks {
    /// Knows none yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the time of change of `object` is such a fine one.
    pub fn is_fine(&mut self, object: &Object) -> bool {
        // A time without a fraction may be one of a file system that has no fractions.
        object.status.ctime.nanos > 0
            && *self
                .is_fine
                .entry(object.status.device)
                .or_insert_with(|| has_fine_times(object).unwrap_or(false))
    }
}

/// Whether the file system is one of those that are known to take the clock of this kernel.
#[cfg(target_os = "linux")]
fn has_fine_times(object: &Object) -> io::Result<bool> {
    /// Magic numbers of `linux/magic.h`: btrfs, ext2 to ext4, f2fs, overlayfs, tmpfs, XFS; of bcachefs and ZFS.
    const LOCAL: [u64; 8] = [
        0x9123_683e,
        0xef53,
        0xf2f5_2010,
        0x794c_7630,
        0x0102_1994,
        0x5846_5342,
        0xca45_1a4e,
        0x2fc1_2fc1,
    ];
    let kind = rustix::fs::fstatfs(object.open_path()?)?.f_type;
    #[allow(clippy::cast_sign_loss, reason = "signed here, unsigned there, and of 32 bits")]
    Ok(LOCAL.contains(&(kind as u64 & 0xffff_ffff)))
}

#[cfg(not(target_os = "linux"))]
fn has_fine_times(_: &Object) -> io::Result<bool> {
    Ok(false)
}
