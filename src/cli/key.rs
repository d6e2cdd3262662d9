//! Which source of a password the user names: an option or a variable of the environment, but only
//! one of them.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::base::{Error, Result};
use crate::command::{KeySource, Password};

use super::arguments::Common;

/// The source of the password, if one is named. `variable` looks into the environment.
pub(super) fn key(
    common: &Common,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<KeySource>> {
    let words = |words: &[OsString]| match words {
        [] => KeySource::Prompt,
        words => {
            let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            KeySource::Words(Password::new(words.join(&b' ')))
        }
    };
    let file = |name: OsString| KeySource::File(name.into());
    let text = |text: OsString| KeySource::Words(Password::new(text.into_vec()));
    let named = [
        ("-key", common.key.as_deref().map(words)),
        ("-keyfile", common.keyfile.clone().map(file)),
        ("-keycmd", common.keycmd.clone().map(KeySource::Command)),
        ("ZARC_KEY", variable("ZARC_KEY").map(text)),
        ("ZARC_KEY_FILE", variable("ZARC_KEY_FILE").map(file)),
        ("ZARC_KEY_COMMAND", variable("ZARC_KEY_COMMAND").map(KeySource::Command)),
    ];
    let mut named = named.into_iter().filter_map(|(name, source)| Some((name, source?)));
    let Some((name, source)) = named.next() else { return Ok(None) };
    match named.next() {
        None => Ok(Some(source)),
        Some((other, _)) => Err(Error::usage(format!("{name} and {other}"))
            .because("the right form is one source of the password")),
    }
}

/// Whether the password stands among the arguments, where other users of the machine can see it.
pub(super) fn is_seen(common: &Common) -> bool {
    common.key.as_ref().is_some_and(|words| !words.is_empty())
}
