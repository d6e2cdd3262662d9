//! Where the password of an encrypted archive comes from.

use std::ffi::OsString;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use crate::archive::{Archive, Location};
use crate::base::{Error, Progress, Result};
use crate::crypto::Password;
use crate::filesystem;

use super::core_files::forbid_core_files;

/// No password is longer than this, in bytes.
const PASSWORD_BYTES_MAX: u64 = 1 << 16;

const PASSWORD_ROOM: usize = 65_537;
const _: () = assert!(PASSWORD_ROOM as u64 == PASSWORD_BYTES_MAX + 1);

/// Where a password comes from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// `-key words`, or the environment.
    Words(Password),
    /// `-key`: the user is asked.
    Prompt,
    /// `-keyfile`: what the file holds, but for a line feed at its end.
    File(PathBuf),
    /// `-keycmd`: what the command prints, but for a line feed at its end.
    Command(OsString),
}

impl KeySource {
    /// The password; a new one is asked for until it is given twice alike.
    pub(super) fn password(
        &self,
        question: &str,
        is_new: bool,
        progress: &dyn Progress,
    ) -> Result<Password> {
        forbid_core_files(progress);
        let password = match self {
            Self::Words(password) => password.clone(),
            Self::Prompt => prompt(question, is_new, progress)?,
            Self::File(path) => {
                let read = filesystem::read_small(path, PASSWORD_BYTES_MAX);
                let failed = |error| Error::io("cannot read the key file", error);
                let bytes = read.map_err(failed).map_err(|error| error.at(path.display()))?;
                without_line_feed(Zeroizing::new(bytes))
            }
            Self::Command(command) => without_line_feed(printed_by(command)?),
        };
        if password.is_empty() {
            return Err(Error::usage("the password is empty"));
        }
        Ok(password)
    }
}

/// The password that a command is given for an archive that is there. Nobody is asked in vain.
pub(super) fn password_of(
    archive: &Location,
    source: Option<&KeySource>,
    progress: &dyn Progress,
) -> Result<Option<Password>> {
    Archive::expect_key(archive, source.is_some())?;
    source.map(|source| source.password("Password: ", false, progress)).transpose()
}

/// The password that a new archive is to have, if any.
pub(super) fn new_password(
    source: Option<&KeySource>,
    progress: &dyn Progress,
) -> Result<Option<Password>> {
    source.map(|source| source.password("Password: ", true, progress)).transpose()
}

fn prompt(question: &str, is_new: bool, progress: &dyn Progress) -> Result<Password> {
    loop {
        let ask = |question| progress.password(question).map(Password::new);
        let password = ask(question)?;
        if !is_new || ask("The same again: ")?.is_same(&password) {
            return Ok(password);
        }
        progress.warn("the two passwords differ; once more");
    }
}

/// What a shell command prints to stdout. What it says on stderr goes to the user, and it may ask him.
fn printed_by(command: &OsString) -> Result<Zeroizing<Vec<u8>>> {
    let failed = || Error::usage("the key command gave no password").at(command.display());
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdout(Stdio::piped());
    let mut child = shell.spawn().map_err(|error| failed().because(error))?;
    // A buffer that grows would leave copies behind.
    let mut printed = Zeroizing::new(Vec::with_capacity(PASSWORD_ROOM));
    let stdout = child.stdout.take().into_iter();
    let read = stdout.map(|out| out.take(PASSWORD_BYTES_MAX + 1).read_to_end(&mut printed));
    let read: std::io::Result<usize> = read.sum();
    let status = child.wait().map_err(|error| failed().because(error))?;
    read.map_err(|error| failed().because(error))?;
    if printed.len() as u64 > PASSWORD_BYTES_MAX {
        return Err(failed().because("it printed more than 64 KiB"));
    }
    if !status.success() {
        return Err(failed().because(status));
    }
    Ok(printed)
}

fn without_line_feed(mut bytes: Zeroizing<Vec<u8>>) -> Password {
    for end in *b"\n\r" {
        if bytes.last() == Some(&end) {
            bytes.pop();
        }
    }
    Password::new(std::mem::take(&mut bytes))
}
