//! The names of an archive's parts: `*` or `?` in the last component stand for the number.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::base::{Error, Result};

/// A pattern: one `*`, which is the whole number, or any count of `?`, each one digit of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartNames {
    directory: PathBuf,
    pattern: Vec<u8>,
}

impl PartNames {
    /// Whether the name has a character that stands for a number.
    pub fn is_pattern(name: &OsStr) -> bool {
        name.as_bytes().iter().any(|byte| b"*?".contains(byte))
    }

    /// Takes a name apart. Numbers belong into the last component, and `*` stands alone: else
    /// two numbers could have one name.
    pub fn parse(name: &OsStr) -> Result<Self> {
        let path = Path::new(name);
        let directory = path.parent().unwrap_or(Path::new("")).to_owned();
        let wrong = |cause: &str| {
            Err(Error::usage("cannot tell the names of the parts")
                .at(path.display())
                .because(cause))
        };
        if Self::is_pattern(directory.as_os_str()) {
            return wrong("only the last component of the name may have * or ?");
        }
        let pattern = path.file_name().unwrap_or_default().as_bytes().to_vec();
        let star = pattern.iter().position(|&byte| byte == b'*');
        let rest = star.and_then(|star| pattern.get(star + 1..)).unwrap_or_default();
        if rest.contains(&b'*') || (star.is_some() && pattern.contains(&b'?')) {
            return wrong("a * takes the whole number, so it stands alone");
        }
        Ok(Self { directory, pattern })
    }

    /// Where the parts are.
    pub fn directory(&self) -> &Path {
        if self.directory.as_os_str().is_empty() { Path::new(".") } else { &self.directory }
    }

    /// The file of part `number`. Fails if the number has more digits than the name has `?`.
    pub fn path(&self, number: u32) -> Result<PathBuf> {
        let too_large = || {
            Error::usage(format!("there is no name for part {number}"))
                .at(self)
                .because("it has more digits than the name has ?")
                .hint("start a new archive with more of them, or with *")
        };
        self.name(number).map(|name| self.directory.join(name)).ok_or_else(too_large)
    }

    /// The file's name without its directory.
    pub fn name(&self, number: u32) -> Option<OsString> {
        let digits = number.to_string();
        let places = self.places().count();
        let mut rest = format!("{number:0places$}").into_bytes().into_iter();
        if places > 0 && digits.len() > places {
            return None;
        }
        let mut name = Vec::new();
        for &byte in &self.pattern {
            match byte {
                b'*' => name.extend(digits.bytes()),
                b'?' => name.extend(rest.next()),
                byte => name.push(byte),
            }
        }
        Some(OsString::from_vec(name))
    }

    /// Where each `?` stands.
    fn places(&self) -> impl Iterator<Item = usize> + '_ {
        (0..).zip(&self.pattern).filter(|(_, byte)| **byte == b'?').map(|(place, _)| place)
    }

    /// The number of the part that has this name, if it is one.
    pub fn number(&self, name: &OsStr) -> Option<u32> {
        let bytes = name.as_bytes();
        let star = self.pattern.iter().position(|&byte| byte == b'*');
        let digits: Vec<u8> = if let Some(start) = star {
            let end = bytes.len().checked_sub(self.pattern.len() - start - 1)?;
            bytes.get(start..end)?.to_vec()
        } else {
            self.places().filter_map(|place| bytes.get(place).copied()).collect()
        };
        let number = std::str::from_utf8(&digits).ok()?.parse().ok()?;
        (self.name(number)? == name).then_some(number)
    }
}

impl fmt::Display for PartNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.directory.join(OsStr::from_bytes(&self.pattern)).display().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(pattern: &str) -> PartNames {
        PartNames::parse(OsStr::new(pattern)).unwrap()
    }

    #[test]
    fn numbers_have_names_and_names_numbers() {
        for (pattern, number, name) in [
            ("part??.zarc", 0, "part00.zarc"),
            ("part??.zarc", 7, "part07.zarc"),
            ("part??.zarc", 99, "part99.zarc"),
            ("d/part?.zarc", 3, "part3.zarc"),
            ("v?-?", 12, "v1-2"),
            ("x*.zarc", 0, "x0.zarc"),
            ("x*.zarc", 1234, "x1234.zarc"),
            ("*", 5, "5"),
        ] {
            assert_eq!(names(pattern).name(number).unwrap(), name, "{pattern} {number}");
            assert_eq!(names(pattern).number(OsStr::new(name)), Some(number), "{pattern} {name}");
        }
    }

    #[test]
    fn other_names_are_no_parts() {
        for (pattern, name) in [
            ("part??.zarc", "part1.zarc"),
            ("part??.zarc", "part001.zarc"),
            ("part??.zarc", "part+1.zarc"),
            ("part??.zarc", "part0a.zarc"),
            ("part??.zarc", "qart01.zarc"),
            ("part??.zarc", "part01.zarc.old"),
            ("x*.zarc", "x01.zarc"),
            ("x*.zarc", "x.zarc"),
            ("x*.zarc", "x-1.zarc"),
            ("x*.zarc", "x99999999999.zarc"),
            ("ab*ba", "aba"),
        ] {
            assert_eq!(names(pattern).number(OsStr::new(name)), None, "{pattern} {name}");
        }
    }

    #[test]
    fn a_number_without_a_name_is_an_error() {
        assert!(names("part??.zarc").path(100).unwrap_err().to_string().contains("part 100"));
        assert_eq!(names("d/part??").path(10).unwrap(), Path::new("d/part10"));
        assert_eq!(names("p?").directory(), Path::new("."));
    }

    #[test]
    fn patterns_that_are_ambiguous_are_refused() {
        for pattern in ["d?/part??", "d*/x?", "a*b*", "a*?"] {
            assert!(PartNames::parse(OsStr::new(pattern)).is_err(), "{pattern}");
        }
    }
}
