//! Which source of a password the user names: an option or a variable of the environment, but only
//! one of them.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::base::{Error, Result};
use crate::command::{KeySource, Password};

use super::arguments::{Common, PasswdArguments, Verb};

/// The source of the password, if one is named. `variable` looks into the environment.
pub(super) fn key(
    common: &Common,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<KeySource>> {
    let text = |text: OsString| KeySource::Words(Password::new(text.into_vec()));
    one_of([
        ("-key", common.key.as_deref().map(words)),
        ("-keyfile", common.keyfile.clone().map(file)),
        ("-keycmd", common.keycmd.clone().map(KeySource::Command)),
        ("ZARC_KEY", variable("ZARC_KEY").map(text)),
        ("ZARC_KEY_FILE", variable("ZARC_KEY_FILE").map(file)),
        ("ZARC_KEY_COMMAND", variable("ZARC_KEY_COMMAND").map(KeySource::Command)),
    ])
}

/// The source of the new password, if one is named.
pub(super) fn new_key(arguments: &PasswdArguments) -> Result<Option<KeySource>> {
    one_of([
        ("-newkey", arguments.newkey.as_deref().map(words)),
        ("-newkeyfile", arguments.newkeyfile.clone().map(file)),
        ("-newkeycmd", arguments.newkeycmd.clone().map(KeySource::Command)),
    ])
}

fn words(words: &[OsString]) -> KeySource {
    match words {
        [] => KeySource::Prompt,
        words => {
            let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            KeySource::Words(Password::new(words.join(&b' ')))
        }
    }
}

fn file(name: OsString) -> KeySource {
    KeySource::File(name.into())
}

/// The only source that is named, if any is.
fn one_of<const LEN: usize>(
    sources: [(&'static str, Option<KeySource>); LEN],
) -> Result<Option<KeySource>> {
    let mut named = sources.into_iter().filter_map(|(name, source)| Some((name, source?)));
    let Some((name, source)) = named.next() else { return Ok(None) };
    match named.next() {
        None => Ok(Some(source)),
        Some((other, _)) => Err(Error::usage(format!("{name} and {other}"))
            .because("the right form is one source of the password")),
    }
}

/// Whether a password stands among the arguments, where other users of the machine can see it.
pub(super) fn is_seen(verb: &Verb) -> bool {
    let has_words = |key: &Option<Vec<OsString>>| key.as_ref().is_some_and(|key| !key.is_empty());
    let is_new_one_seen = matches!(verb, Verb::Passwd(arguments) if has_words(&arguments.newkey));
    is_new_one_seen || verb.about().1.is_some_and(|common| has_words(&common.key))
}
