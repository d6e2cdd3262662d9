//! `-to`: what a name is called on the other side, and the directory of a version under `-all`.

use crate::base::{Result, StoredPath};

/// How names change on their way between disk and archive.
#[derive(Debug, Clone, Default)]
pub struct Rename(Rule);

#[derive(Debug, Clone, Default)]
enum Rule {
    #[default]
    None,
    Pairs(Vec<(StoredPath, StoredPath)>),
    Prefix(StoredPath),
}

impl Rename {
    /// Names stay as they are.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether all names stay as they are.
    pub fn is_none(&self) -> bool {
        matches!(self.0, Rule::None)
    }

    /// What is at or below the first of `from` goes to the first of `to`, and so on; names of
    /// `from` without a partner stay as they are.
    pub fn pairs(from: Vec<StoredPath>, to: Vec<StoredPath>) -> Self {
        Self(Rule::Pairs(from.into_iter().zip(to).collect()))
    }

    /// Everything goes below one directory, absolute names and drive letters too.
    pub fn prefix(directory: StoredPath) -> Self {
        Self(Rule::Prefix(directory))
    }

    /// The name on the other side.
    pub fn apply(&self, path: &StoredPath) -> Result<StoredPath> {
        match &self.0 {
            Rule::None => Ok(path.clone()),
            Rule::Pairs(pairs) => match pairs.iter().find(|(from, _)| path.is_within(from)) {
                Some((from, to)) => moved(path, from, to),
                None => Ok(path.clone()),
            },
            Rule::Prefix(directory) => below(directory, path),
        }
    }

    /// Where [`Self::apply`] puts the name, in two parts: a directory in the user's own words, which
    /// are trusted, and a name below it, which may come from an archive and is not.
    pub fn place(&self, path: &StoredPath) -> Result<(StoredPath, StoredPath)> {
        let here = || StoredPath::from_bytes(b".".to_vec());
        match &self.0 {
            Rule::None => Ok((here()?, path.clone())),
            Rule::Prefix(directory) => Ok((directory.clone(), below(&here()?, path)?)),
            Rule::Pairs(pairs) => match pairs.iter().find(|(from, _)| path.is_within(from)) {
                Some((from, to)) => {
                    let (directory, name) = split(to)?;
                    Ok((directory, moved(path, from, &name)?))
                }
                None => Ok((here()?, path.clone())),
            },
        }
    }
}

/// A version number never has more digits.
const DIGITS_MAX: usize = 20;

/// The numbered directory of a version, at least `digits` digits wide: `0001`.
pub fn version_directory((number, digits): (u64, usize)) -> String {
    format!("{number:0width$}", width = digits.min(DIGITS_MAX))
}

/// `path` as it is called in the numbered directory of a version, at least `digits` digits wide:
/// `0001/foo` for `foo` and `/foo`, `0001/C/foo` for `C:/foo` and `C:foo`.
pub fn in_version(version: u64, digits: usize, path: &StoredPath) -> Result<StoredPath> {
    let directory = version_directory((version, digits));
    below(&StoredPath::from_bytes(directory.into_bytes())?, path)
}

/// `path`, which is within `from`, at the same place within `to`.
fn moved(path: &StoredPath, from: &StoredPath, to: &StoredPath) -> Result<StoredPath> {
    let rest = path.as_bytes().get(from.as_bytes().len()..).unwrap_or_default();
    joined(to, rest.strip_prefix(b"/").unwrap_or(rest))
}

/// The directory that `name` is in, and what it is called there.
fn split(name: &StoredPath) -> Result<(StoredPath, StoredPath)> {
    let bytes = name.as_bytes();
    let (directory, last) = match bytes.iter().rposition(|&byte| byte == b'/') {
        Some(0) => (&b"/"[..], &bytes[1..]),
        Some(slash) => (&bytes[..slash], &bytes[slash + 1..]),
        None => (&b"."[..], bytes),
    };
    // These name no place in a directory, but are one.
    let (directory, last) = match last {
        b"" | b"." | b".." => (bytes, &b"."[..]),
        _ => (directory, last),
    };
    let path = |bytes: &[u8]| StoredPath::from_bytes(bytes.to_vec());
    Ok((path(directory)?, path(last)?))
}

/// `path` below `directory` as a relative path without the colon of a drive letter.
fn below(directory: &StoredPath, path: &StoredPath) -> Result<StoredPath> {
    let name = path.as_bytes();
    match name {
        [drive, b':', rest @ ..] if drive.is_ascii_alphabetic() => {
            let place = directory.join(&[*drive])?;
            joined(&place, rest.strip_prefix(b"/").unwrap_or(rest))
        }
        _ => joined(directory, name.strip_prefix(b"/").unwrap_or(name)),
    }
}

fn joined(directory: &StoredPath, rest: &[u8]) -> Result<StoredPath> {
    if rest.is_empty() { Ok(directory.clone()) } else { directory.join(rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&str]) -> Vec<StoredPath> {
        names.iter().map(|name| StoredPath::normalized(name.as_bytes()).unwrap()).collect()
    }

    fn check(rename: &Rename, names: &[(&str, &str)]) {
        for (name, expected) in names {
            let path = StoredPath::normalized(name.as_bytes()).unwrap();
            let shown = rename.apply(&path).unwrap();
            assert_eq!(shown.as_bytes(), expected.as_bytes(), "{name}");
        }
    }

    #[test]
    fn files_are_renamed_pair_by_pair() {
        let rename = Rename::pairs(paths(&["dir", "/", "file"]), paths(&["new/dir", "root"]));
        check(&rename, &[("dir/a", "new/dir/a"), ("dir", "new/dir"), ("/etc", "root/etc")]);
        check(&rename, &[("dirt", "dirt"), ("file", "file"), ("/", "root")]);
        check(&Rename::pairs(paths(&["a"]), paths(&["/"])), &[("a", "/"), ("a/b", "/b")]);
    }

    #[test]
    fn a_prefix_takes_absolute_names_and_drive_letters() {
        let names = [
            ("foo", "tmp/foo"),
            ("/foo", "tmp/foo"),
            ("C:/foo", "tmp/C/foo"),
            ("C:foo", "tmp/C/foo"),
            ("C:", "tmp/C"),
            ("/", "tmp"),
            ("12:30", "tmp/12:30"),
        ];
        check(&Rename::prefix(paths(&["tmp/"]).remove(0)), &names);
        check(&Rename::prefix(paths(&["/"]).remove(0)), &[("foo", "/foo"), ("/foo", "/foo")]);
        check(&Rename::none(), &[("/foo", "/foo")]);
    }

    #[test]
    fn what_the_user_typed_is_told_from_what_the_archive_says() {
        let pairs =
            Rename::pairs(paths(&["a", "b", "c", "d"]), paths(&["/tmp/x", "../y", "..", "/"]));
        let prefix = Rename::prefix(paths(&["../out"]).remove(0));
        for (rename, name, directory, below) in [
            (&pairs, "a/../z", "/tmp", "x/../z"),
            (&pairs, "b", "..", "y"),
            (&pairs, "c/z", "..", "./z"),
            (&pairs, "d", "/", "."),
            (&pairs, "../z", ".", "../z"),
            (&prefix, "/z", "../out", "./z"),
            (&prefix, "C:/z", "../out", "./C/z"),
            (&Rename::none(), "/z", ".", "/z"),
        ] {
            let place = rename.place(&paths(&[name])[0]).unwrap();
            let shown = (place.0.as_bytes(), place.1.as_bytes());
            assert_eq!(shown, (directory.as_bytes(), below.as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_version_has_its_own_directory() {
        for (version, digits, name, expected) in
            [(1, 4, "/foo", "0001/foo"), (123, 2, "C:foo", "123/C/foo"), (7, 2, "/", "07")]
        {
            let path = &paths(&[name])[0];
            let shown = in_version(version, digits, path).unwrap();
            assert_eq!(shown.as_bytes(), expected.as_bytes());
        }
    }
}
