//! Restores one entry after the other: what each kind of object needs, and what becomes of one
//! that is there already.

use std::io;
use std::sync::Arc;

use crate::archive::{BlockFetcher, BlockTable, Entry, Object, Stored};
use crate::base::{Kind, Metadata, Result, StoredPath, Timestamp};

use super::options::ExtractOptions;
use super::restore_directories::NewDirectories;
use super::restore_file::Manner;
use super::restore_held::HeldPlaces;
use super::restore_ledger::Ledger;
use super::restore_links::HardLinks;
use super::restore_place::{Name, Place, Targets};
use super::restore_window::{FILES_MAX, PlannedFile, Window};
use super::same_object::is_same;
use super::wanted::Wanted;

/// Restores entries in archive order.
pub(super) struct Restorer<'a> {
    options: &'a ExtractOptions,
    pub(super) ledger: Ledger<'a>,
    table: Arc<BlockTable>,
    fetcher: BlockFetcher,
    targets: Targets,
    window: Window,
    links: HardLinks,
    /// Later names of objects whose first name is on its way.
    linked: Vec<PlannedFile>,
    /// Where the files of the window and these later names go.
    held: HeldPlaces,
    directories: NewDirectories,
    left_out: u64,
    was_outside_told: bool,
}

impl<'a> Restorer<'a> {
    pub(super) fn new(
        options: &'a ExtractOptions,
        table: BlockTable,
        ledger: Ledger<'a>,
    ) -> Result<Self> {
        let table = Arc::new(table);
        let manner = Manner { replace: options.force, attributes: options.attributes };
        Ok(Self {
            options,
            ledger,
            fetcher: BlockFetcher::new(Arc::clone(&table), options.threads)?,
            table,
            targets: Targets::default(),
            window: Window::new(manner),
            links: HardLinks::default(),
            linked: Vec::new(),
            held: HeldPlaces::default(),
            directories: NewDirectories::default(),
            left_out: 0,
            was_outside_told: false,
        })
    }

    /// Restores what is wanted, as it comes.
    pub(super) fn take(&mut self, wanted: Wanted) -> Result<()> {
        match wanted {
            Wanted::Version(number, date) => self.restore_version(number, date),
            Wanted::Entry(entry, version) => self.restore(entry, version),
            Wanted::End => self.finish_version(),
            Wanted::Lost(error) => {
                self.ledger.damage(error);
                Ok(())
            }
        }
    }

    /// Restores an entry, now or with its window; into a numbered directory with `-all`.
    fn restore(&mut self, entry: Entry, version: Option<(u64, usize)>) -> Result<()> {
        self.ledger.check_stopped()?;
        let stored = match entry.object {
            Object::Deleted => return Ok(()),
            Object::Unknown { kind, .. } => {
                let why = format_args!("not restored: objects of kind {kind} need a newer zarc");
                self.ledger.problem(&entry.path, why);
                return Ok(());
            }
            Object::Stored(stored) => stored,
        };
        let name = match Name::of(&entry.path, version, &self.options.rename) {
            Ok(name) => name,
            Err(error) => {
                self.ledger.problem(&entry.path, error);
                return Ok(());
            }
        };
        if name.points_outside() && !self.was_outside_told {
            self.was_outside_told = true;
            self.ledger.note("leading / and .. are removed from names");
        }
        self.ledger.plan(stored.size());
        if self.options.dry {
            self.check(name.shown, &Arc::from(stored));
        } else {
            let place = self.targets.place(&name)?;
            if self.held.is_held(&place) {
                // Two names may mean one place, and what was kept with `-nodelete` can lie below an
                // object that is no directory any more: who came first is there first.
                self.restore_window()?;
            }
            let shown = name.shown.clone();
            if let Err(error) = self.restore_at(place, name.shown, &Arc::from(stored)) {
                // A comparison of contents that was interrupted is no flaw of the object.
                self.ledger.check_stopped()?;
                self.ledger.refused(&shown, error)?;
            }
        }
        if self.window.is_full() || self.linked.len() >= FILES_MAX {
            self.restore_window()?;
        }
        Ok(())
    }

    /// Makes the numbered directory of a version, which has the date of the update, wherever files
    /// of the version may go.
    fn restore_version(&mut self, version: (u64, usize), date: i64) -> Result<()> {
        let options = self.options;
        let everything = [b".".to_vec()];
        let files = if options.files.is_empty() { &everything[..] } else { &options.files };
        let mut made = Vec::new();
        for file in files {
            let path = StoredPath::normalized(file)?;
            let name = Name::of_version(&path, version, &options.rename)?;
            if made.contains(&name.shown) {
                continue;
            }
            made.push(name.shown.clone());
            if options.dry {
                self.ledger.written(&name.shown, None);
                continue;
            }
            let place = self.targets.place(&name)?;
            let (metadata, manner) = (
                Metadata::bare(Kind::Directory, Timestamp { seconds: date, nanos: 0 }),
                (false, options.force),
            );
            let made = self.directories.make(
                place,
                name.shown.clone(),
                &metadata,
                manner,
                &mut self.ledger,
            );
            if let Err(error) = made {
                self.ledger.refused(&name.shown, error)?;
            }
        }
        Ok(())
    }

    /// `-test`: contents are decoded and compared with nothing.
    fn check(&mut self, shown: StoredPath, stored: &Arc<Stored>) {
        if stored.metadata.kind == Kind::File {
            self.window.push(PlannedFile { shown, place: None, stored: Arc::clone(stored) });
        } else {
            self.ledger.written(&shown, None);
        }
    }

    fn restore_at(
        &mut self,
        place: Place,
        shown: StoredPath,
        stored: &Arc<Stored>,
    ) -> io::Result<()> {
        match stored.metadata.kind {
            Kind::Directory => {
                let attributes = self.has_attributes(stored);
                let force = self.options.force;
                let metadata = &stored.metadata;
                self.directories.make(place, shown, metadata, (attributes, force), &mut self.ledger)
            }
            Kind::CharacterDevice | Kind::BlockDevice | Kind::Socket if !self.options.special => {
                self.left_out += 1;
                Ok(())
            }
            _ => self.restore_object(&place, shown, stored),
        }
    }

    /// Restores anything but a directory.
    fn restore_object(
        &mut self,
        place: &Place,
        shown: StoredPath,
        stored: &Arc<Stored>,
    ) -> io::Result<()> {
        let size = (stored.metadata.kind == Kind::File).then(|| stored.size());
        let existing = if self.directories.has_fresh_parent(place) {
            None
        } else {
            place.target.inspect(&place.path)?
        };
        if existing.is_some() && !self.options.force {
            self.ledger.skipped(&shown, size);
            return Ok(());
        }
        if existing.as_ref().is_some_and(|e| e.kind == Kind::Directory) {
            return Err(io::Error::other("a directory is in the way"));
        }
        let planned = PlannedFile { shown, place: Some(place.clone()), stored: Arc::clone(stored) };
        if self.links.has_earlier(stored, place) {
            self.held.add(place);
            self.linked.push(planned);
            return Ok(());
        }
        self.links.begin(stored, place);
        let attributes = self.has_attributes(stored);
        if let Some(existing) = existing
            && is_same(&existing, place, stored, attributes, &self.table, self.ledger.progress)?
        {
            self.ledger.identical(&planned.shown, size);
            self.links.finish(stored, place, existing.identity);
            if stored.metadata.kind == Kind::File && existing.links == 1 {
                let target = &place.target;
                let report = target.apply_metadata(&place.path, &stored.metadata, attributes)?;
                self.ledger.unapplied(&planned.shown, report);
            }
            return Ok(());
        }
        if stored.metadata.kind == Kind::File {
            self.held.add(place);
            self.window.push(planned);
            return Ok(());
        }
        self.make_object(&planned, place)
    }

    /// Makes a symbolic link, pipe, device node or socket.
    fn make_object(&mut self, planned: &PlannedFile, place: &Place) -> io::Result<()> {
        let (metadata, force) = (&planned.stored.metadata, self.options.force);
        let attributes = self.has_attributes(&planned.stored);
        let (target, path) = (&place.target, &place.path);
        let restored = match metadata.kind {
            Kind::Symlink => target.make_symlink(path, metadata, attributes, force)?,
            _ => target.make_node(path, metadata, attributes, force)?,
        };
        self.links.finish(&planned.stored, place, restored.identity);
        self.ledger.written(&planned.shown, None);
        self.ledger.unapplied(&planned.shown, restored.unapplied);
        Ok(())
    }

    /// Restores what waits in the window, then the links to it.
    fn restore_window(&mut self) -> Result<()> {
        loop {
            self.window.restore(&self.fetcher, &mut self.links, &mut self.ledger)?;
            if self.linked.is_empty() {
                self.held.clear();
                return Ok(());
            }
            for planned in std::mem::take(&mut self.linked) {
                self.ledger.check_stopped()?;
                let shown = planned.shown.clone();
                if let Err(error) = self.link(planned) {
                    self.ledger.refused(&shown, error)?;
                }
            }
        }
    }

    /// Makes a hard link to an earlier name, or plans a copy where that is not possible.
    fn link(&mut self, planned: PlannedFile) -> io::Result<()> {
        let Some(place) = planned.place.clone() else {
            return Ok(());
        };
        let is_file = planned.stored.metadata.kind == Kind::File;
        if let Some((first, identity)) = self.links.restored(&planned.stored, &place) {
            let size = is_file.then(|| planned.stored.size());
            let there = place.target.inspect(&place.path)?;
            if there.is_some_and(|existing| existing.identity == identity) {
                self.ledger.identical(&planned.shown, size);
                return Ok(());
            }
            let force = self.options.force;
            match place.target.make_hard_link(&first.path, identity, &place.path, force) {
                Ok(true) => {
                    self.ledger.linked(&planned.shown, size);
                    return Ok(());
                }
                Err(error) if !is_link_refused(&error) => return Err(error),
                // Nor to what has taken the place of the earlier name since.
                Ok(false) | Err(_) => {}
            }
        }
        if is_file {
            self.window.push(planned);
            return Ok(());
        }
        self.make_object(&planned, &place)
    }

    /// Restores what is still waited for and gives directories their metadata.
    fn finish_version(&mut self) -> Result<()> {
        self.restore_window()?;
        self.links.clear();
        self.finish_directories()
    }

    /// Gives directories their metadata.
    pub(super) fn finish_directories(&mut self) -> Result<()> {
        self.directories.finish(&mut self.ledger)
    }

    /// Waits until everything is on the disk.
    pub(super) fn sync(&self) -> Result<()> {
        if self.left_out > 0 {
            self.ledger.note(&format!(
                "{} device nodes and sockets are left out; -special restores them",
                self.left_out
            ));
        }
        self.targets.sync()
    }

    fn has_attributes(&self, stored: &Stored) -> bool {
        self.options.attributes && stored.has_attributes
    }
}

/// Whether this object cannot have another name there, but could have a copy.
fn is_link_refused(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::CrossesDevices
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::TooManyLinks
            | io::ErrorKind::Unsupported
    )
}
