//! A backend whose n-th call of one kind fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use zarc::base::{Error, ErrorKind, Result};
use zarc::storage::Backend;

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Asking for the length.
    Len,
    /// Reading.
    ReadAt,
    /// Appending.
    Append,
    /// Writing over bytes of the header region.
    Overwrite,
    /// Syncing.
    Sync,
    /// Cutting off.
    Truncate,
}

impl Call {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Len, Self::ReadAt, Self::Append, Self::Overwrite, Self::Sync, Self::Truncate];
}

/// What fails.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Calls of this kind.
    pub call: Call,
    /// The one after so many.
    pub after: u64,
    /// From then on all calls that change anything fail as well, as on a disk that is full or
    /// gone; else only this one.
    pub lasts: bool,
    /// What a failing append still writes, in thousandths of its bytes.
    pub partly: usize,
}

/// Forwards all calls but those that fail.
pub struct Faulty {
    stored: Arc<dyn Backend>,
    fault: Fault,
    calls: AtomicU64,
    has_failed: AtomicBool,
}

impl Faulty {
    /// Lets `fault` happen to `stored`.
    pub fn over(stored: Arc<dyn Backend>, fault: Fault) -> Self {
        Self { stored, fault, calls: AtomicU64::new(0), has_failed: AtomicBool::new(false) }
    }

    /// Whether the fault happened.
    pub fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::SeqCst)
    }

    fn check(&self, call: Call) -> Result<()> {
        let changes = matches!(call, Call::Append | Call::Overwrite | Call::Sync | Call::Truncate);
        let mut fails = self.fault.lasts && changes && self.has_failed();
        if call == self.fault.call && self.calls.fetch_add(1, Ordering::SeqCst) == self.fault.after
        {
            self.has_failed.store(true, Ordering::SeqCst);
            fails = true;
        }
        if !fails {
            return Ok(());
        }
        Err(Error::io("cannot use the archive", std::io::Error::other("input/output error")))
    }
}

impl Backend for Faulty {
    fn len(&self) -> Result<u64> {
        self.check(Call::Len)?;
        self.stored.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.check(Call::ReadAt)?;
        self.stored.read_at(offset, buffer)
    }

    fn append(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let was_sound = !self.has_failed();
        let result = self.check(Call::Append);
        match &result {
            Ok(()) => self.stored.append(offset, bytes)?,
            Err(_) if was_sound => {
                let written = bytes.len() * self.fault.partly / 1000;
                self.stored.append(offset, &bytes[..written])?;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Io),
        }
        result
    }

    fn overwrite(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.check(Call::Overwrite)?;
        self.stored.overwrite(offset, bytes)
    }

    fn sync(&self) -> Result<()> {
        self.check(Call::Sync)?;
        self.stored.sync()
    }

    fn truncate(&self, len: u64) -> Result<()> {
        self.check(Call::Truncate)?;
        self.stored.truncate(len)
    }
}
