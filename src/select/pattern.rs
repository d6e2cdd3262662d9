//! One glob with zpaq's rules: `*` any string, `/` included; `?` any one byte or character; a match
//! of a directory covers its contents. The name of a directory ends with a slash, so that `??/*` matches
//! `01/` and `??/?*` does not. A `?` does not stand for that last slash: `d?` would match `d/` and not
//! what is in it. How names are compared depends on the system they are for.

/// How names are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameRules {
    /// Names are bytes: two names are the same when their bytes are.
    Unix,
    /// Names are characters, `\` is `/`, and capital and small letters are the same: two letters
    /// are when their forms are, as far as each form is one character again (`ß` is not `ss`). The
    /// dotless `ı` is no `i`. Bytes that are no UTF-8 stand for themselves.
    Windows,
}

impl NameRules {
    /// Those of the system that this program is made for.
    pub const fn of_this_system() -> Self {
        if cfg!(windows) { Self::Windows } else { Self::Unix }
    }
}

/// A pattern of `-only` or `-not`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Units);

/// What is compared, one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Units {
    Bytes(Vec<u8>),
    /// Folded characters, and bytes behind the last character.
    Characters(Vec<u32>),
}

impl Pattern {
    /// The pattern the user typed, for names of this system; repeated slashes mean one. A slash
    /// at the end matches directories only.
    pub fn new(typed: &[u8]) -> Self {
        Self::with_rules(typed, NameRules::of_this_system())
    }

    /// The same for names of any system.
    pub fn with_rules(typed: &[u8], rules: NameRules) -> Self {
        Self(match rules {
            NameRules::Unix => Units::Bytes(with_single_slashes(typed)),
            NameRules::Windows => Units::Characters(with_single_slashes(&folded(typed))),
        })
    }

    /// Whether it matches the whole name or a directory that the name is below.
    pub fn covers(&self, name: &[u8]) -> bool {
        match &self.0 {
            Units::Bytes(pattern) => covers(pattern, name),
            Units::Characters(pattern) => covers(pattern, &folded(name)),
        }
    }

    /// Whether some name below `directory` could be covered.
    pub fn may_cover_below(&self, directory: &[u8]) -> bool {
        match &self.0 {
            Units::Bytes(pattern) => may_cover_below(pattern, directory),
            Units::Characters(pattern) => may_cover_below(pattern, &folded(directory)),
        }
    }
}

/// A name as it is compared in Windows.
fn folded(name: &[u8]) -> Vec<u32> {
    const BEHIND_CHARACTERS: u32 = 1 << 21;
    let mut units = Vec::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        units.extend(chunk.valid().chars().map(|character| u32::from(folded_character(character))));
        units.extend(chunk.invalid().iter().map(|&byte| BEHIND_CHARACTERS + u32::from(byte)));
    }
    units
}

/// The small letter of the capital letter: letters like the final sigma have only the latter in
/// common with others.
fn folded_character(character: char) -> char {
    match character {
        '\\' => '/',
        'ı' => character,
        _ if character.is_ascii() => character.to_ascii_lowercase(),
        _ => {
            let capital = only(character.to_uppercase()).unwrap_or(character);
            only(capital.to_lowercase()).unwrap_or(capital)
        }
    }
}

/// The character, if it is only one.
fn only(mut characters: impl Iterator<Item = char>) -> Option<char> {
    characters.next().filter(|_| characters.next().is_none())
}

fn with_single_slashes<Unit: Copy + PartialEq + From<u8>>(typed: &[Unit]) -> Vec<Unit> {
    let slash = Unit::from(b'/');
    let mut units: Vec<Unit> = Vec::with_capacity(typed.len());
    for &unit in typed {
        if unit != slash || units.last() != Some(&slash) {
            units.push(unit);
        }
    }
    units
}

fn covers<Unit: Copy + PartialEq + From<u8>>(pattern: &[Unit], name: &[Unit]) -> bool {
    let [slash, star, any] = [b'/', b'*', b'?'].map(Unit::from);
    let (mut at, mut taken) = (0, 0);
    // Where to go on when the rest does not fit: behind the last star, which takes one unit more.
    // Earlier stars need no second try, so the time is at most the product of lengths.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let fits = match pattern.get(at) {
            Some(unit) if *unit == star => {
                retry = Some((at + 1, taken));
                at += 1;
                continue;
            }
            Some(unit) if *unit == any => {
                name.get(taken).is_some_and(|unit| *unit != slash || taken + 1 < name.len())
            }
            Some(unit) if *unit == slash && at + 1 == pattern.len() => {
                if name.get(taken) == Some(unit) {
                    return true;
                }
                false
            }
            Some(unit) => name.get(taken) == Some(unit),
            None if name.get(taken).is_none_or(|unit| *unit == slash) => return true,
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

fn may_cover_below<Unit>(pattern: &[Unit], directory: &[Unit]) -> bool
where
    Unit: Copy + PartialEq + From<u8>,
{
    if covers(pattern, directory) {
        return true;
    }
    let [slash, star, any] = [b'/', b'*', b'?'].map(Unit::from);
    let first_star = pattern.iter().position(|unit| *unit == star);
    // Behind its first star a pattern can take whatever is left of any name.
    let fixed = &pattern[..first_star.unwrap_or(pattern.len())];
    let end = (directory.last() != Some(&slash)).then_some(slash);
    let mut prefix = directory.iter().copied().chain(end);
    let mut rest = fixed.iter().copied();
    loop {
        match (rest.next(), prefix.next()) {
            (_, None) => return true,
            (None, Some(_)) => return first_star.is_some(),
            (Some(wanted), Some(unit)) if wanted == any || wanted == unit => {}
            (Some(_), Some(_)) => return false,
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
            ("a?", "a/", false),
            ("a?", "a/b", false),
            ("a??", "a/b", true),
            ("a??", "ab/", false),
            ("a?*", "a/", false),
            ("?", "a/", true),
            ("?", "/", false),
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
    fn what_covers_a_directory_covers_all_that_is_in_it() {
        let words = |letters: &[u8], len: u32| -> Vec<Vec<u8>> {
            let word = |number: usize| {
                let letter = |place| letters[number / letters.len().pow(place) % letters.len()];
                (0..len).map(letter).collect()
            };
            (0..letters.len().pow(len)).map(word).collect()
        };
        let names = [words(b"ab", 1), words(b"ab/", 2), words(b"ab/", 3)].concat();
        for typed in (0..5).flat_map(|len| words(b"ab/*?", len)) {
            let pattern = Pattern::with_rules(&typed, NameRules::Unix);
            for name in names.iter().filter(|name| !name.ends_with(b"/")) {
                let below = |rest: &[u8]| pattern.covers(&[name, &b"/"[..], rest].concat());
                if below(b"") {
                    for rest in [&b"a"[..], b"b", b"ab/", b"b/a/"] {
                        assert!(below(rest), "{typed:?} {name:?} {rest:?}");
                    }
                }
            }
        }
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

    #[test]
    fn in_windows_case_is_nothing_and_a_backslash_is_a_slash() {
        for (pattern, name, covered) in [
            ("A", "a", true),
            ("*.TXT", "docs/Notes.txt", true),
            ("docs\\*.txt", "DOCS/a.txt", true),
            ("docs/*.txt", "docs\\a.txt", true),
            ("docs\\\\a\\", "docs/a/b", true),
            ("\\", "/usr", true),
            ("a", "ab", false),
            ("c:\\Users", "C:/users/me", true),
            // Letters of other scripts, in one character each.
            ("ÄÖÜ", "äöü", true),
            ("ΟΔΟΣ", "οδος", true),
            ("привет", "ПРИВЕТ", true),
            ("k", "\u{212a}", true),
            ("ẞ", "ß", true),
            ("ǅ", "ǆ", true),
            ("é", "e", false),
            // Forms of more than one character are other names.
            ("ß", "ss", false),
            ("ﬁ", "fi", false),
            ("i", "İ", false),
            ("I", "ı", false),
            // One character, whatever its bytes.
            ("?", "ä", true),
            ("a?c", "a€c", true),
            ("??", "€", false),
        ] {
            let windows = Pattern::with_rules(pattern.as_bytes(), NameRules::Windows);
            assert_eq!(windows.covers(name.as_bytes()), covered, "{pattern} {name}");
        }
        let byte = Pattern::with_rules(b"a\xffB", NameRules::Windows);
        assert!(byte.covers(b"A\xffb") && !byte.covers(b"A\xfeb"));
        let below = Pattern::with_rules(b"SRC\\deep\\*.rs", NameRules::Windows);
        assert!(below.may_cover_below(b"src") && below.may_cover_below(b"Src/Deep"));
        assert!(!below.may_cover_below(b"other"));
    }

    #[test]
    fn in_unix_names_are_bytes_and_nothing_else() {
        for (pattern, name, covered) in [
            ("A", "a", false),
            ("a\\b", "a/b", false),
            ("a\\b", "a\\b", true),
            ("Ä", "ä", false),
            ("?", "ä", false),
            ("??", "ä", true),
        ] {
            let unix = Pattern::with_rules(pattern.as_bytes(), NameRules::Unix);
            assert_eq!(unix.covers(name.as_bytes()), covered, "{pattern} {name}");
        }
        let is_windows = NameRules::of_this_system() == NameRules::Windows;
        assert_eq!(is_windows, cfg!(windows));
        assert_eq!(Pattern::new(b"A").covers(b"a"), is_windows);
    }

    #[test]
    fn patterns_of_small_letters_match_the_same_names_under_both_rules() {
        // Where neither case nor backslashes nor other characters are, the rules do not differ.
        let letters = b"ab/*?";
        let word = |mut number: usize, len: usize| -> Vec<u8> {
            let mut word = Vec::new();
            for _ in 0..len {
                word.push(letters[number % letters.len()]);
                number /= letters.len();
            }
            word
        };
        for number in 0..625 {
            let pattern = word(number, 4);
            let [unix, windows] = [NameRules::Unix, NameRules::Windows]
                .map(|rules| Pattern::with_rules(&pattern, rules));
            for name in (0..125).map(|number| word(number, 3)) {
                assert_eq!(unix.covers(&name), windows.covers(&name));
                assert_eq!(unix.may_cover_below(&name), windows.may_cover_below(&name));
            }
        }
    }
}
