//! Opening an archive to change its password.

use std::path::Path;
use std::sync::Arc;

use crate::base::Result;
use crate::crypto::Password;
use crate::journal::PasswordChange;
use crate::storage::LocalFile;

/// Opens the archive with its old password, alone, to give it another one.
pub fn begin_password_change(path: &Path, old: &Password) -> Result<PasswordChange> {
    let file = Arc::new(LocalFile::open_to_change(path)?);
    PasswordChange::begin(file, old).map_err(|error| error.at(path.display()))
}
