//! Directories that are being restored: made when they are met, given their metadata when nothing
//! in them changes any more.

use std::cmp::Reverse;
use std::io;

use crate::base::{Metadata, Result, StoredPath};

use super::restore_fresh::FreshDirectories;
use super::restore_ledger::Ledger;
use super::restore_place::Place;

/// A directory without its metadata.
struct NewDirectory {
    shown: StoredPath,
    place: Place,
    metadata: Metadata,
    attributes: bool,
}

/// All directories without their metadata.
#[derive(Default)]
pub(super) struct NewDirectories {
    directories: Vec<NewDirectory>,
    fresh: FreshDirectories,
}

impl NewDirectories {
    /// Makes a directory. One that is there keeps its metadata, unless `force` is true.
    pub(super) fn make(
        &mut self,
        place: Place,
        shown: StoredPath,
        metadata: &Metadata,
        (attributes, force): (bool, bool),
        ledger: &mut Ledger<'_>,
    ) -> io::Result<()> {
        let made = place.target.make_directory(&place.path, attributes, force);
        let is_new = match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                ledger.skipped(&shown, None);
                return Ok(());
            }
            made => made?,
        };
        self.fresh.enter(&place, is_new);
        if is_new {
            ledger.written(&shown, None);
        } else if force {
            ledger.summary.identical += 1;
        } else {
            // That a directory is there is no news.
            ledger.summary.skipped += 1;
            return Ok(());
        }
        self.directories.push(NewDirectory {
            shown,
            place,
            metadata: metadata.clone(),
            attributes,
        });
        Ok(())
    }

    /// Whether `place` is in a directory that was made on the way to it, where nothing is yet.
    pub(super) fn has_fresh_parent(&mut self, place: &Place) -> bool {
        self.fresh.has_parent(place)
    }

    /// Gives all their metadata, those below others first.
    pub(super) fn finish(&mut self, ledger: &mut Ledger<'_>) -> Result<()> {
        let depth = |path: &StoredPath| path.components_below().count();
        self.directories.sort_by_cached_key(|directory| Reverse(depth(&directory.place.path)));
        for directory in self.directories.drain(..) {
            let (place, metadata) = (&directory.place, &directory.metadata);
            let attributes = directory.attributes;
            match place.target.finish_directory(&place.path, metadata, attributes) {
                Ok(report) => ledger.unapplied(&directory.shown, report),
                Err(error) => ledger.refused(&directory.shown, error)?,
            }
        }
        Ok(())
    }
}
