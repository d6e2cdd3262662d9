//! `-only` and `-not`: which names are wanted, and which directories are worth entering.

use std::borrow::Cow;

use super::pattern::Pattern;

/// Which names are wanted. By default all.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    only: Vec<Pattern>,
    not: Vec<Pattern>,
}

/// What a walk does with one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Wanted; what is below a directory is still to be asked for.
    Take,
    /// A directory that is not wanted itself, with contents that may be.
    DescendOnly,
    /// Not wanted, and nothing below it either.
    Skip,
}

impl Selection {
    /// Wants what some pattern of `only` covers (everything when there is none) and no pattern
    /// of `not` does.
    pub fn new(only: Vec<Pattern>, not: Vec<Pattern>) -> Self {
        Self { only, not }
    }

    /// Whether every name is wanted.
    pub fn is_everything(&self) -> bool {
        self.only.is_empty() && self.not.is_empty()
    }

    /// Whether an object of this name is to be added, extracted or listed.
    pub fn is_wanted(&self, name: &[u8], is_directory: bool) -> bool {
        let name = matched_name(name, is_directory);
        !self.is_refused(&name) && self.is_chosen(&name)
    }

    /// What a walk that meets `name` does.
    pub fn verdict(&self, name: &[u8], is_directory: bool) -> Verdict {
        let may_descend = || {
            let may_cover = |pattern: &Pattern| pattern.may_cover_below(name);
            self.only.is_empty() || self.only.iter().any(may_cover)
        };
        if self.is_everything() {
            Verdict::Take
        } else if self.is_refused(&matched_name(name, is_directory)) {
            Verdict::Skip
        } else if self.is_wanted(name, is_directory) {
            Verdict::Take
        } else if is_directory && may_descend() {
            Verdict::DescendOnly
        } else {
            Verdict::Skip
        }
    }

    fn is_refused(&self, name: &[u8]) -> bool {
        self.not.iter().any(|pattern| pattern.covers(name))
    }

    fn is_chosen(&self, name: &[u8]) -> bool {
        self.only.is_empty() || self.only.iter().any(|pattern| pattern.covers(name))
    }
}

/// What patterns see: the name of a directory ends with a slash.
fn matched_name(name: &[u8], is_directory: bool) -> Cow<'_, [u8]> {
    if is_directory && !name.ends_with(b"/") {
        Cow::Owned([name, b"/"].concat())
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(only: &[&str], not: &[&str]) -> Selection {
        let patterns =
            |texts: &[&str]| texts.iter().map(|text| Pattern::new(text.as_bytes())).collect();
        Selection::new(patterns(only), patterns(not))
    }

    #[test]
    fn a_walk_takes_enters_or_skips() {
        let only = selection(&["src/*.rs", "doc"], &["*/secret", "doc/old"]);
        for (name, is_directory, verdict) in [
            ("src", true, Verdict::DescendOnly),
            ("src", false, Verdict::Skip),
            ("src/main.rs", false, Verdict::Take),
            ("src/main.c", false, Verdict::Skip),
            ("src/secret", true, Verdict::Skip),
            ("src/secret/key.rs", false, Verdict::Skip),
            ("doc", true, Verdict::Take),
            ("doc/new", true, Verdict::Take),
            ("doc/old/x", false, Verdict::Skip),
            ("target", true, Verdict::Skip),
        ] {
            assert_eq!(only.verdict(name.as_bytes(), is_directory), verdict, "{name}");
            let is_wanted = only.is_wanted(name.as_bytes(), is_directory);
            assert_eq!(is_wanted, verdict == Verdict::Take, "{name}");
        }
    }

    #[test]
    fn without_only_everything_is_wanted() {
        assert!(selection(&[], &[]).is_everything());
        assert!(selection(&[], &["*.o"]).is_wanted(b"\xff\n", false));
        assert!(!selection(&[], &["*.o"]).is_wanted(b"\xff/x.o", false));
    }

    #[test]
    fn the_name_of_a_directory_ends_with_a_slash() {
        for (only, not, name, verdict) in [
            (&["d/*"][..], &[][..], "d", Verdict::Take),
            (&["d/?*"], &[], "d", Verdict::DescendOnly),
            (&["*/"], &[], "d", Verdict::Take),
            (&[], &["d/?*"], "d", Verdict::Take),
            (&[], &["d/*"], "d", Verdict::Skip),
            (&[], &["d/*"], "d/sub", Verdict::Skip),
            (&[], &["d?"], "d", Verdict::Take),
            (&[], &["d?"], "d1", Verdict::Skip),
            (&["d?"], &[], "d", Verdict::DescendOnly),
            (&[], &["d?*"], "d", Verdict::Take),
            (&[], &["d?*"], "d/sub", Verdict::Skip),
            (&["/*"], &[], "/", Verdict::Take),
        ] {
            let found = selection(only, not).verdict(name.as_bytes(), true);
            assert_eq!(found, verdict, "{only:?} {not:?} {name}");
        }
        assert_eq!(selection(&["d/*"], &[]).verdict(b"d", false), Verdict::Skip);
    }
}
