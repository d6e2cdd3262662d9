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
#[derive(PartialEq, Eq, Hash)]
pub struct StoredPath(Vec<u8>);

// By hand for `clone_from`, which takes no new memory.
impl Clone for StoredPath {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }

    fn clone_from(&mut self, source: &Self) {
        self.0.clone_from(&source.0);
    }
}

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

    /// The first `shared` bytes of this path and then `rest`; an error where that is no path.
    pub fn with_end(&self, shared: usize, rest: &[u8]) -> Result<Self> {
        let head = self.0.get(..shared).unwrap_or(&self.0);
        let mut bytes = Vec::with_capacity(head.len() + rest.len());
        bytes.extend_from_slice(head);
        bytes.extend_from_slice(rest);
        // Components that end within `head` were checked when this path was made.
        let checked = head.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        let is_fine = |part: &[u8]| (1..=Self::COMPONENT_LEN_MAX).contains(&part.len());
        if checked > 1
            && bytes.len() <= Self::LEN_MAX
            && !rest.contains(&0)
            && bytes[checked..].split(|&byte| byte == b'/').all(is_fine)
        {
            return Ok(Self(bytes));
        }
        Self::from_bytes(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What is behind the last separator: all of a path that has none.
    pub fn last_component(&self) -> &[u8] {
        let start = self.0.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        &self.0[start..]
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
        let shared = Self::shared_len(left, right);
        match (left.get(shared), right.get(shared)) {
            (Some(&left), Some(&right)) => weight(left).cmp(&weight(right)),
            _ => left.len().cmp(&right.len()),
        }
    }

    /// How many bytes both begin with; neighbours in a tree share most of their path.
    pub fn shared_len(left: &[u8], right: &[u8]) -> usize {
        let (left_words, right_words) = (left.as_chunks::<8>().0, right.as_chunks::<8>().0);
        let words = left_words.iter().zip(right_words).take_while(|(a, b)| a == b).count();
        let (left, right) = (&left[words * 8..], &right[words * 8..]);
        words * 8 + left.iter().zip(right).take_while(|(a, b)| a == b).count()
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
    fn a_path_that_shares_its_beginning_is_checked_like_any_other() {
        let all =
            |text: &str| (0..=text.len()).map(|len| text[..len].to_owned()).collect::<Vec<_>>();
        let rests = ["", "/", "a", "/a", "a/", "a//b", "b/c", "\0", "a/\0", "//", "..", "é/x"];
        let long = "x".repeat(1024);
        for before in ["/", "/a", "a/b/c", "/usr/lib/x", "./a"] {
            for rest in rests.iter().copied().chain([long.as_str(), &long[1..]]) {
                for head in all(before) {
                    let whole = StoredPath::from_bytes([&head, rest].concat().into_bytes());
                    let joined = path(before).with_end(head.len(), rest.as_bytes());
                    assert_eq!(joined.is_ok(), whole.is_ok(), "{head} {rest}");
                    assert_eq!(joined.ok(), whole.ok(), "{head} {rest}");
                }
            }
        }
    }

    #[test]
    fn what_two_paths_share_is_counted_to_the_byte() {
        let text = "a/path/of/some/length";
        for len in 0..text.len() {
            let other = [&text[..len], "#"].concat();
            assert_eq!(StoredPath::shared_len(text.as_bytes(), other.as_bytes()), len);
            assert_eq!(StoredPath::shared_len(&text.as_bytes()[..len], text.as_bytes()), len);
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
