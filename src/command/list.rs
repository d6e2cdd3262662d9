//! `list`: versions, their objects, and how they compare with the disk.

use std::io;

use crate::archive::{
    Archive, BlockTable, Catalog, Entry, History, Location, OpenOptions, Version,
};
use crate::base::{Error, ErrorKind, Kind, Progress, Result, StoredPath, Timestamp};
use crate::filesystem::{self, AccountNames, Object, Walk};
use crate::select::in_version;

use super::changes::{Changes, Step};
use super::content_comparison::is_same_content;
use super::options::{Comparison, ListOptions, ListSummary, Row};
use super::scope::{Scope, catalog, tell_notice};
use super::status::{drop_attributes, is_unchanged, size_of};

/// Receives rows.
type Show<'a> = &'a mut dyn FnMut(Row) -> Result<()>;

/// Shows versions and compares them with the disk; rows come in stored order.
pub fn list(
    options: &ListOptions,
    show: &mut dyn FnMut(Row) -> Result<()>,
    progress: &dyn Progress,
) -> Result<ListSummary> {
    let archive = match &options.archive {
        Location::File(path) => Archive::open_path(path)?,
        Location::Nowhere => {
            let nothing = OpenOptions { fragment_exponent: 0, method: None };
            Archive::open_nowhere(nothing, &options.environment)?
        }
    };
    let is_damaged = tell_notice(&archive, progress);
    let scope = Scope::new(&options.files, &options.selection, &options.rename)?;
    let version = History::of(&archive).at(options.until)?;
    let summary = ListSummary {
        versions: version.as_ref().map_or(0, Version::number),
        archive_bytes: version.as_ref().map_or(0, Version::end),
        damaged: u64::from(is_damaged),
        ..ListSummary::default()
    };
    let mut lister = Lister { options, archive: &archive, show, progress, summary };
    if let Some(digits) = options.all {
        lister.list_versions(digits)?;
    } else if options.files.is_empty() {
        lister.list_version(&catalog(&archive, version.as_ref())?)?;
    } else {
        filesystem::raise_descriptor_limit();
        lister.compare(&scope, version.as_ref())?;
    }
    Ok(lister.summary)
}

struct Lister<'a> {
    options: &'a ListOptions,
    archive: &'a Archive,
    show: Show<'a>,
    progress: &'a dyn Progress,
    summary: ListSummary,
}

impl Lister<'_> {
    fn warn(&mut self, path: &StoredPath, problem: &dyn std::fmt::Display) {
        self.summary.problems += 1;
        self.progress.problem(path.as_bytes(), &problem.to_string());
    }

    fn check_stopped(&self) -> Result<()> {
        if self.progress.is_stopped() {
            return Err(Error::new(ErrorKind::Stopped, "interrupted"));
        }
        Ok(())
    }

    fn show(&mut self, row: Row) -> Result<()> {
        if let Row::Object { comparison, .. } = &row {
            match comparison {
                Comparison::Same => self.summary.same += 1,
                Comparison::Different => self.summary.different += 1,
                Comparison::InternalOnly => self.summary.internal_only += 1,
                Comparison::ExternalOnly => self.summary.external_only += 1,
            }
        }
        (self.show)(row)
    }

    fn show_entry(
        &mut self,
        comparison: Comparison,
        entry: &Entry,
        version: Option<(u64, usize)>,
    ) -> Result<()> {
        let stored = entry.object.stored();
        let metadata = stored.map(|stored| {
            let mut metadata = stored.metadata.clone();
            if !self.options.attributes {
                drop_attributes(&mut metadata);
            }
            metadata
        });
        let (path, size) = (entry.path.clone(), size_of(entry));
        self.show(Row::Object { comparison, version, path, metadata, size })
    }

    /// A page that cannot be read is said and counted; what other pages hold is still shown.
    fn readable(&mut self, entry: Result<Entry>) -> Option<Entry> {
        match entry {
            Ok(entry) => Some(entry),
            Err(error) => {
                self.summary.damaged += 1;
                self.progress.warn(&format!("part of the index is lost: {error}"));
                None
            }
        }
    }

    fn list_version(&mut self, catalog: &Catalog) -> Result<()> {
        for entry in catalog.entries() {
            self.check_stopped()?;
            let Some(entry) = self.readable(entry) else { continue };
            if self.options.selection.is_wanted(entry.path.as_bytes()) {
                self.show_entry(Comparison::InternalOnly, &entry, None)?;
            }
        }
        Ok(())
    }

    /// Every version as a directory: its date and counts, then what it changed.
    fn list_versions(&mut self, digits: usize) -> Result<()> {
        let named: Vec<StoredPath> = self
            .options
            .files
            .iter()
            .map(|file| StoredPath::normalized(file))
            .collect::<Result<_>>()?;
        for version in History::of(self.archive).versions(self.options.until)? {
            let version = version?;
            let number = (version.number(), digits);
            self.show_version(&version, number)?;
            for entry in Catalog::of_changes(self.archive, &version)?.changes() {
                self.check_stopped()?;
                let Some(entry) = self.readable(entry) else { continue };
                let is_named =
                    named.is_empty() || named.iter().any(|name| entry.path.is_within(name));
                let shown = in_version(number.0, number.1, &entry.path)?;
                if is_named && self.options.selection.is_wanted(shown.as_bytes()) {
                    self.show_entry(Comparison::InternalOnly, &entry, Some(number))?;
                }
            }
        }
        Ok(())
    }

    fn show_version(&mut self, version: &Version, (number, digits): (u64, usize)) -> Result<()> {
        let name = format!("{number:0digits$}/");
        if !self.options.selection.is_wanted(name.as_bytes()) {
            return Ok(());
        }
        let counts = &version.manifest.counts;
        self.show(Row::Version {
            version: (number, digits),
            date: Timestamp { seconds: version.date(), nanos: 0 },
            updates: counts.added + counts.updated,
            deletions: counts.deleted,
            size: counts.content_bytes,
            stored_bytes: version.stored_bytes(),
        })
    }

    fn compare(&mut self, scope: &Scope, version: Option<&Version>) -> Result<()> {
        let options = self.options;
        let stored = scope.entries(&catalog(self.archive, version)?);
        let leave_out = self.archive.identity();
        let walk = Walk::new(scope.roots.clone(), scope.walk_options(options.special, leave_out));
        let mut comparer = Comparer::new(self.archive, version, options)?;
        for step in Changes::new(walk, stored, options.special) {
            self.check_stopped()?;
            match step {
                Ok(step) => self.show_step(step, &mut comparer)?,
                Err(error) => {
                    self.readable(Err(error));
                }
            }
        }
        Ok(())
    }

    fn show_step(&mut self, step: Step, comparer: &mut Comparer) -> Result<()> {
        match step {
            Step::New(object) => self.show_object(&object, comparer),
            Step::Gone(entry) => self.show_entry(Comparison::InternalOnly, &entry, None),
            Step::Unknown => Ok(()),
            Step::Unreadable(path, error) => {
                self.warn(&path, &error);
                Ok(())
            }
            Step::Missing(path) => {
                self.warn(&path, &"neither on disk nor in the archive");
                Ok(())
            }
            Step::Both(object, entry) => match comparer.is_same(&object, &entry) {
                Ok(true) => self.show_entry(Comparison::Same, &entry, None),
                Ok(false) => {
                    self.show_entry(Comparison::Different, &entry, None)?;
                    self.show_object(&object, comparer)
                }
                Err(error) => {
                    self.warn(&entry.path, &error);
                    Ok(())
                }
            },
        }
    }

    fn show_object(&mut self, object: &Object, comparer: &mut Comparer) -> Result<()> {
        let mut metadata = match object.metadata(&mut comparer.names) {
            Ok(metadata) => metadata,
            Err(error) => {
                self.warn(&object.path, &error);
                return Ok(());
            }
        };
        if !self.options.attributes {
            drop_attributes(&mut metadata);
        }
        self.show(Row::Object {
            comparison: Comparison::ExternalOnly,
            version: None,
            path: object.path.clone(),
            metadata: Some(metadata),
            size: object.status.size,
        })
    }
}

/// Compares one name on both sides.
struct Comparer {
    names: AccountNames,
    attributes: bool,
    /// Where contents are looked up, if they are compared.
    content: Option<BlockTable>,
}

impl Comparer {
    fn new(archive: &Archive, version: Option<&Version>, options: &ListOptions) -> Result<Self> {
        let content = match version {
            Some(version) if options.force => Some(BlockTable::of(archive, version)?),
            _ => None,
        };
        Ok(Self { names: AccountNames::new(), attributes: options.attributes, content })
    }

    /// With contents compared, dates and attributes do not count; else contents do not.
    fn is_same(&mut self, object: &Object, entry: &Entry) -> io::Result<bool> {
        let Some(stored) = entry.object.stored() else { return Ok(false) };
        if object.kind != stored.metadata.kind {
            return Ok(false);
        }
        if let Some(table) = &self.content {
            if object.kind == Kind::File {
                return Ok(object.status.size == stored.size()
                    && is_same_content(object.open()?, &stored.content, table)?);
            }
        } else if is_unchanged(object, stored, self.attributes) {
            return Ok(true);
        }
        let on_disk = object.metadata(&mut self.names)?;
        let is_same_link = on_disk.link_target == stored.metadata.link_target
            && on_disk.device == stored.metadata.device;
        if self.content.is_some() {
            return Ok(is_same_link);
        }
        let (mut on_disk, mut in_archive) = (on_disk, stored.metadata.clone());
        if !self.attributes || !stored.has_attributes {
            drop_attributes(&mut on_disk);
            drop_attributes(&mut in_archive);
        }
        let is_same_size = object.kind != Kind::File || object.status.size == stored.size();
        Ok(on_disk == in_archive && is_same_size)
    }
}
