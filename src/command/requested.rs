//! The names that the user asks for, and which of them an archive holds.

use crate::archive::{Catalog, Entry};
use crate::base::{Error, Result, StoredPath};

struct Name {
    path: StoredPath,
    is_found: bool,
    /// What it selects is selected by another name too.
    is_within_another: bool,
}

/// Names in archive order, each with everything below it; none means everything.
pub(super) struct Requested {
    names: Vec<Name>,
}

impl Requested {
    /// Takes names as the user typed them.
    pub(super) fn new(typed: &[Vec<u8>]) -> Result<Self> {
        let mut paths = typed
            .iter()
            .map(|name| {
                StoredPath::normalized(name).map_err(|cause| {
                    Error::usage(format!("the name {}", name.escape_ascii())).because(cause)
                })
            })
            .collect::<Result<Vec<_>>>()?;
        paths.sort();
        paths.dedup();
        let mut names: Vec<Name> = Vec::new();
        // In archive order a name comes right before what is below it.
        let mut last_root: Option<StoredPath> = None;
        for path in paths {
            let is_within_another = last_root.as_ref().is_some_and(|root| path.is_within(root));
            if !is_within_another {
                last_root = Some(path.clone());
            }
            names.push(Name { path, is_found: false, is_within_another });
        }
        Ok(Self { names })
    }

    /// Whether no names were given.
    pub(super) fn is_everything(&self) -> bool {
        self.names.is_empty()
    }

    /// Gives every object that is asked for to `take`, each once, in archive order.
    pub(super) fn for_each_entry(
        &mut self,
        catalog: &Catalog,
        mut take: impl FnMut(Result<Entry>) -> Result<()>,
    ) -> Result<()> {
        if self.names.is_empty() {
            return catalog.entries().try_for_each(take);
        }
        for name in &mut self.names {
            let mut entries = catalog.entries_within(&name.path);
            if name.is_within_another {
                name.is_found |= entries.any(|entry| entry.is_ok());
                continue;
            }
            for entry in entries {
                name.is_found |= entry.is_ok();
                take(entry)?;
            }
        }
        Ok(())
    }

    /// The names that stand for nothing in all catalogs together.
    pub(super) fn missing(&self) -> impl Iterator<Item = &StoredPath> {
        self.names.iter().filter(|name| !name.is_found).map(|name| &name.path)
    }
}
