//! What somebody who tampers with an archive has at hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::truth::Truth;

/// An archive and the truth about it.
pub trait Sample {
    /// The archive's identifier.
    fn id(&self) -> [u8; 16];

    /// What was put in, version by version.
    fn truths(&self) -> &[Arc<Truth>];
}

/// All that plays a part.
pub struct World<S> {
    /// The archive.
    pub ours: S,
    /// A copy of it that went on in another way.
    pub fork: S,
    /// Another archive under the same password.
    pub twin: S,
    /// One under another password.
    pub foreign: S,
}

impl<S: Sample> World<S> {
    /// All archives.
    pub fn all(&self) -> [&S; 4] {
        [&self.ours, &self.fork, &self.twin, &self.foreign]
    }

    /// What was put into the archive with this identifier, by the comment that names each attempt.
    pub fn truths(&self, id: [u8; 16]) -> BTreeMap<Vec<u8>, Arc<Truth>> {
        let of_archive = self.all().into_iter().filter(|sample| sample.id() == id);
        let truths = of_archive.flat_map(Sample::truths);
        truths.map(|truth| (truth.comment.clone(), Arc::clone(truth))).collect()
    }
}
