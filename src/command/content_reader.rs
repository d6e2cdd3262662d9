//! Reads files into fragments and holes: read, cut and hashed while the bytes are near.
//!
//! A failure of the file and a failure of the archive are different types here: the first skips
//! the file, the second ends the update.

use crate::base::{Error, ErrorKind, Result};
use crate::compress::ContentKind;
use crate::crypto::IdentityHash;
use crate::filesystem::{Extent, SourceFile};
use crate::fragment::{Fragmenter, Params};

use super::portion::{Failure, Part, Portion};

/// A portion has room for so many bytes, and for more only if a fragment is longer.
const PORTION_BYTES: usize = 1 << 20;
/// Files are read in pieces of so many bytes, which are cut and hashed before the next one comes:
/// little enough to stay in the cache.
const READ_BYTES: usize = 256 << 10;

/// How files are cut, and what their fragments are called.
#[derive(Clone)]
pub(super) struct CutRule {
    fragmenter: Fragmenter,
    identities: IdentityHash,
}

impl CutRule {
    /// Cuts as `-fragment exponent` says, with these constants.
    pub(super) fn new(exponent: u8, params: &Params, identities: IdentityHash) -> Result<Self> {
        let Some(fragmenter) = Fragmenter::with_params(exponent, params) else {
            return Err(Error::usage(format!("-fragment {exponent} is out of range")));
        };
        Ok(Self { fragmenter, identities })
    }
}

/// Where portions go.
pub(super) trait Outlet {
    /// A buffer that is not in use any more, or an empty one.
    fn buffer(&mut self) -> Vec<u8>;

    /// Takes the next portion; an error if nobody wants it.
    fn deliver(&mut self, portion: Portion) -> Result<()>;
}

/// Reads one file after the other.
pub(super) struct ContentReader {
    rule: CutRule,
    /// Where the portion is gathered.
    buffer: Vec<u8>,
    parts: Vec<Part>,
    /// Where the fragments of the portion end.
    cut: usize,
    /// Where the bytes end that were read.
    filled: usize,
}

impl ContentReader {
    pub(super) fn new(rule: CutRule) -> Self {
        Self { rule, buffer: Vec::new(), parts: Vec::new(), cut: 0, filled: 0 }
    }

    /// Appends to the portion what needs no bytes.
    pub(super) fn push(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// Reads `file` into parts. At most `limit` bytes are read: a file that grows faster than it
    /// is read must come to an end.
    pub(super) fn read(
        &mut self,
        file: &mut SourceFile,
        limit: u64,
        is_stopped: &dyn Fn() -> bool,
        outlet: &mut dyn Outlet,
    ) -> std::result::Result<(), Failure> {
        self.rule.fragmenter.restart();
        // A file before that could not be read to its end may have left something.
        self.filled = self.cut;
        let mut kind = None;
        let mut left = limit;
        loop {
            if is_stopped() {
                return Err(Error::new(ErrorKind::Stopped, "interrupted").into());
            }
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(READ_BYTES);
            self.make_room(wanted, outlet)?;
            let extent = match wanted {
                0 => Extent::End,
                _ => file.read(&mut self.buffer[self.filled..self.filled + wanted])?,
            };
            if let Extent::Data(len) = extent {
                self.filled += len;
                left -= len as u64;
            }
            let is_last = !matches!(extent, Extent::Data(_));
            let uncut = &self.buffer[self.cut..self.filled];
            if kind.is_none() && !is_last && uncut.len() < ContentKind::SAMPLE_LEN {
                continue;
            }
            let kind = *kind.get_or_insert_with(|| ContentKind::of(uncut));
            self.cut(kind, is_last);
            match extent {
                Extent::Data(_) => {}
                Extent::Hole(len) => {
                    self.parts.push(Part::Hole(len.min(left)));
                    left -= len.min(left);
                }
                Extent::End => return Ok(()),
            }
        }
    }

    /// Cuts and hashes what was read; nothing is left uncut if `is_last`.
    fn cut(&mut self, kind: ContentKind, is_last: bool) {
        let CutRule { fragmenter, identities } = &mut self.rule;
        while self.cut < self.filled {
            let uncut = &self.buffer[self.cut..self.filled];
            let Some(cut) = fragmenter.cut(uncut, is_last) else {
                break;
            };
            let identity = identities.of(&uncut[..cut]);
            let len = u32::try_from(cut).expect("fragments are below 2^28 bytes");
            self.parts.push(Part::Fragment { len, identity, kind });
            self.cut += cut;
        }
    }

    /// Makes sure that so many bytes can be read, for which the portion may have to go.
    fn make_room(&mut self, wanted: usize, outlet: &mut dyn Outlet) -> Result<()> {
        if self.buffer.len() - self.filled >= wanted {
            return Ok(());
        }
        if self.cut > 0 {
            self.deliver(outlet)?;
        }
        let needed = self.filled + wanted;
        if self.buffer.len() < needed {
            // The current fragment is long: it is to be moved seldom.
            self.buffer.resize(needed.max(self.filled * 2).max(PORTION_BYTES), 0);
        }
        Ok(())
    }

    /// Hands over all that was cut and told.
    pub(super) fn deliver(&mut self, outlet: &mut dyn Outlet) -> Result<()> {
        if self.parts.is_empty() {
            return Ok(());
        }
        let uncut = self.filled - self.cut;
        let mut next = outlet.buffer();
        if next.len() < uncut.max(PORTION_BYTES) {
            next.resize(uncut.max(PORTION_BYTES), 0);
        }
        next[..uncut].copy_from_slice(&self.buffer[self.cut..self.filled]);
        (self.cut, self.filled) = (0, uncut);
        let bytes = std::mem::replace(&mut self.buffer, next);
        outlet.deliver(Portion { bytes, parts: std::mem::take(&mut self.parts) })
    }
}
