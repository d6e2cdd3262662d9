//! One glob with zpaq's rules: `*` any string, `/` included; `?` any one byte; a match of a
//! directory covers its contents. Names are bytes; that of a directory ends with a slash, so that
//! `??/*` matches `01/` and `??/?*` does not.

/// A pattern of `-only` or `-not`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<u8>);

impl Pattern {
    /// The pattern the user typed; repeated slashes mean one. A slash at the end matches
    /// directories only.
    pub fn new(typed: &[u8]) -> Self {
        let mut bytes: Vec<u8> = Vec::with_capacity(typed.len());
        for &byte in typed {
            if byte != b'/' || bytes.last() != Some(&b'/') {
                bytes.push(byte);
            }
        }
        Self(bytes)
    }

    /// Whether it matches the whole name or a directory that the name is below.
    pub fn covers(&self, name: &[u8]) -> bool {
        let (mut at, mut taken) = (0, 0);
        // Where to go on when the rest does not fit: behind the last star, which takes one byte
        // more. Earlier stars need no second try, so the time is at most the product of lengths.
        let mut retry: Option<(usize, usize)> = None;
        loop {
            let fits = match self.0.get(at) {
                Some(b'*') => {
                    retry = Some((at + 1, taken));
                    at += 1;
                    continue;
                }
                Some(b'?') => taken < name.len(),
                Some(b'/') if at + 1 == self.0.len() && name.get(taken) == Some(&b'/') => {
                    return true;
                }
                Some(byte) => name.get(taken) == Some(byte),
                None if matches!(name.get(taken), None | Some(b'/')) => return true,
                None => false,
            };
            if fits {
                (at, taken) = (at + 1, taken + 1);
                continue;
            }
            match retry {
                Some((behind_star, start)) if start < name.len() => {
                    retry = Some((behind_star, start + 1));
                    (at, taken) = (behind_star, start + 1);
                }
                _ => return false,
            }
        }
    }

    /// Whether some name below `directory` could be covered.
    pub fn may_cover_below(&self, directory: &[u8]) -> bool {
        if self.covers(directory) {
            return true;
        }
        let star = self.0.iter().position(|&byte| byte == b'*');
        // Behind its first star a pattern can take whatever is left of any name.
        let fixed = &self.0[..star.unwrap_or(self.0.len())];
        let slash: &[u8] = if directory.ends_with(b"/") { b"" } else { b"/" };
        let mut prefix = directory.iter().chain(slash);
        let mut rest = fixed.iter();
        loop {
            match (rest.next(), prefix.next()) {
                (_, None) => return true,
                (None, Some(_)) => return star.is_some(),
                (Some(b'?'), Some(_)) => {}
                (Some(wanted), Some(byte)) if wanted == byte => {}
                (Some(_), Some(_)) => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_names_as_in_the_manual() {
        for (pattern, name, covered) in [
            ("a", "a", true),
            ("a", "a/b/c", true),
            ("a", "ab", false),
            ("a/", "a/b", true),
            ("a/", "a/", true),
            ("a/", "a", false),
            ("a", "a/", true),
            ("a/*", "a/", true),
            ("a/*", "a", false),
            ("a/?*", "a/", false),
            ("a?", "a/", true),
            ("a?", "a/b", false),
            ("*/", "a/", true),
            ("*/", "a", false),
            ("*c/", "a/c/d", true),
            ("a//b", "a/b", true),
            ("/", "/usr", true),
            ("/", "usr", false),
            ("", "a", false),
            ("*", "a/b", true),
            ("*.o", "src/x.o", true),
            ("*.o", "src/x.o/y", true),
            ("*.o", "src/x.oo", false),
            ("a*c", "a/b/c", true),
            ("a*c", "a/b/cd", false),
            ("?", "a/b", true),
            ("a?b", "a/b", true),
            ("a?", "a/b", false),
            ("??/?*", "01", false),
            ("??/?*", "01/", false),
            ("??/?*", "01/d", true),
            ("*b*d", "abcbd/e", true),
            ("*\u{e9}", "caf\u{e9}", true),
        ] {
            let is_covered = Pattern::new(pattern.as_bytes()).covers(name.as_bytes());
            assert_eq!(is_covered, covered, "{pattern} {name}");
        }
        assert!(Pattern::new(b"\xff?").covers(b"\xff\xfe/x"));
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let name = vec![b'a'; 20_000];
        assert!(!Pattern::new("*a".repeat(30).as_bytes()).covers(&[&name[..], b"b"].concat()));
        assert!(Pattern::new("a*".repeat(30).as_bytes()).covers(&name));
    }

    #[test]
    fn a_directory_is_entered_only_when_something_below_may_match() {
        for (pattern, directory, possible) in [
            ("a/b/c", "a", true),
            ("a/b/c", "a/b", true),
            ("a/b/c", "a/c", false),
            ("a/b/c", "ab", false),
            ("/a/b", "/", true),
            ("a/b", "/", false),
            ("*.txt", "any/where", true),
            ("src/*.rs", "src", true),
            ("src/*.rs", "src/deep", true),
            ("src/*.rs", "srd", false),
            ("s??/x", "src", true),
            ("a", "a/b", true),
        ] {
            let may = Pattern::new(pattern.as_bytes()).may_cover_below(directory.as_bytes());
            assert_eq!(may, possible, "{pattern} {directory}");
        }
    }
}
