//! A name as it stands in the archive: bytes, one spelling, one order.

use std::cmp::Ordering;
use std::fmt;

use super::error::{Error, Result};

/// A path in the archive: components joined by single `/`, kept as the user gave them (absolute,
/// `.` and `..` included), with nothing that means the same twice: no empty component but the one
/// before a leading `/`, no `/` at the end, no NUL.
///
/// Ordered by components, so that a depth-first walk which sorts each directory by name bytes
/// meets paths in this order.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StoredPath(Vec<u8>);

impl StoredPath {
    /// Longest path in bytes.
    pub const LEN_MAX: usize = 32 * 1024;
    /// Longest component in bytes.
    pub const COMPONENT_LEN_MAX: usize = 1023;

    /// The one spelling of what the user typed: repeated and trailing slashes removed.
    pub fn normalized(name: &[u8]) -> Result<Self> {
        let mut bytes = Vec::with_capacity(name.len());
        if name.first() == Some(&b'/') {
            bytes.push(b'/');
        }
        for component in name.split(|&byte| byte == b'/').filter(|c| !c.is_empty()) {
            if !bytes.is_empty() && bytes != b"/" {
                bytes.push(b'/');
            }
            bytes.extend_from_slice(component);
        }
        Self::from_bytes(bytes)
    }

    /// A path that is already in its one spelling; anything else is an error.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        let malformed = |cause: &str| {
            Err(Error::corrupt("a stored name is malformed")
                .at(bytes.escape_ascii())
                .because(cause))
        };
        if bytes.is_empty() {
            return malformed("it is empty");
        }
        if bytes.len() > Self::LEN_MAX {
            return malformed("it is longer than 32 KiB");
        }
        if bytes.contains(&0) {
            return malformed("it holds a NUL byte");
        }
        let relative = bytes.strip_prefix(b"/").unwrap_or(&bytes);
        for component in relative.split(|&byte| byte == b'/') {
            if component.is_empty() && bytes != b"/" {
                return malformed("it has an empty component");
            }
            if component.len() > Self::COMPONENT_LEN_MAX {
                return malformed("a component is longer than 1023 bytes");
            }
        }
        Ok(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// This path with one more component.
    pub fn join(&self, name: &[u8]) -> Result<Self> {
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + name.len());
        bytes.extend_from_slice(&self.0);
        if bytes != b"/" {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(name);
        let is_one_component = (1..=Self::COMPONENT_LEN_MAX).contains(&name.len())
            && !name.contains(&b'/')
            && !name.contains(&0);
        if is_one_component && bytes.len() <= Self::LEN_MAX {
            // The rest was checked when this path was made; a walk joins a name for each file.
            return Ok(Self(bytes));
        }
        Self::from_bytes(bytes)
    }

    /// Whether this path is `ancestor` or lies below it.
    pub fn is_within(&self, ancestor: &Self) -> bool {
        match self.0.strip_prefix(ancestor.0.as_slice()) {
            Some(rest) => rest.is_empty() || rest[0] == b'/' || ancestor.0 == b"/",
            None => false,
        }
    }

    /// The components that name a place below some directory: without the leading `/`, `.` and
    /// `..`. Empty for `/`, `.` and `..` themselves.
    pub fn components_below(&self) -> impl Iterator<Item = &[u8]> {
        self.0
            .split(|&byte| byte == b'/')
            .filter(|component| !matches!(*component, b"" | b"." | b".."))
    }

    /// Whether [`Self::components_below`] leaves out anything but `.`: such names change when
    /// they are extracted.
    pub fn points_outside(&self) -> bool {
        self.0.first() == Some(&b'/')
            || self.0.split(|&byte| byte == b'/').any(|component| component == b"..")
    }

    /// Compares path bytes in archive order without building a path.
    pub fn compare_bytes(left: &[u8], right: &[u8]) -> Ordering {
        // The separator sorts below every byte of a name, so components decide first.
        let weight = |byte: u8| if byte == b'/' { 0 } else { byte };
        let shared = left.iter().zip(right).position(|(a, b)| a != b);
        match shared {
            Some(i) => weight(left[i]).cmp(&weight(right[i])),
            None => left.len().cmp(&right.len()),
        }
    }
}

impl Ord for StoredPath {
    fn cmp(&self, other: &Self) -> Ordering {
        Self::compare_bytes(&self.0, &other.0)
    }
}

impl PartialOrd for StoredPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for StoredPath {
    /// Bytes that are not UTF-8 show as the replacement character, control characters escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in String::from_utf8_lossy(&self.0).chars() {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for StoredPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredPath({})", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> StoredPath {
        StoredPath::normalized(text.as_bytes()).unwrap()
    }

    #[test]
    fn order_is_that_of_a_sorted_depth_first_walk() {
        let sorted = ["/", "/a", "a", "a/b", "a/b/c", "a/c", "a!", "a.b", "ab"];
        for (i, left) in sorted.iter().enumerate() {
            for (j, right) in sorted.iter().enumerate() {
                assert_eq!(path(left).cmp(&path(right)), i.cmp(&j), "{left} {right}");
            }
        }
    }

    #[test]
    fn spellings_of_one_name_become_one() {
        for (typed, kept) in
            [("a//b/", "a/b"), ("///", "/"), ("./a", "./a"), ("/x//y", "/x/y"), ("..", "..")]
        {
            assert_eq!(path(typed).as_bytes(), kept.as_bytes());
        }
        assert!(StoredPath::normalized(b"").is_err());
        for bad in [&b"a//b"[..], b"a/", b"a\0b", b"//", b""] {
            assert!(StoredPath::from_bytes(bad.to_vec()).is_err(), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn being_within_goes_by_components() {
        assert!(path("/usr/lib").is_within(&path("/usr")));
        assert!(path("/usr").is_within(&path("/")));
        assert!(path("a").is_within(&path("a")));
        assert!(!path("/usr2").is_within(&path("/usr")));
        assert!(!path("usr").is_within(&path("/")));
    }

    #[test]
    fn extraction_never_sees_a_way_out() {
        let escaping = path("/a/../../b/./c");
        assert!(escaping.points_outside());
        let kept: Vec<&[u8]> = escaping.components_below().collect();
        assert_eq!(kept, [b"a", b"b", b"c"]);
    }
}
