//! Opening an archive to change its password.

use std::sync::Arc;

use crate::base::{Error, ErrorKind, Result};
use crate::crypto::Password;
use crate::journal::PasswordChange;
use crate::storage::{LocalFile, LocalParts};

use super::location::Location;

/// Opens the archive with its old password, alone, to give it another one.
pub fn begin_password_change(location: &Location, old: &Password) -> Result<PasswordChange> {
    let begun = match location {
        Location::Nowhere => return Err(Error::new(ErrorKind::Missing, "there is no archive")),
        Location::File(path) => {
            PasswordChange::begin(Arc::new(LocalFile::open_to_change(path)?), old)
        }
        Location::Parts(names) => {
            // Where there is no part none is to be made.
            LocalParts::open(names)?;
            PasswordChange::begin_parts(Arc::new(LocalParts::open_for_writing(names)?), old)
        }
    };
    begun.map_err(|error| error.at(location))
}
