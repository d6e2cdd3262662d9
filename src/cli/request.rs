//! Arguments checked and turned into the options of commands.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::base::{Environment, Error, Result, StoredPath, Until};
use crate::command::{
    AddOptions, ExtractOptions, IndexOptions, KeyCost, KeySource, ListOptions, Location, PartNames,
    PasswdOptions, VerifyOptions,
};
use crate::compress::MethodChoice;
use crate::select::{Pattern, Rename, Selection};

use super::arguments::{
    AddArguments, Common, ExtractArguments, IndexArguments, ListArguments, Names, PasswdArguments,
    TestArguments, Verb,
};
use super::key::{key, new_key};
use super::part_size::part_bytes;

/// Digits of a version's directory when `-all` names none, and the most that it may name.
const ALL_DIGITS: (usize, usize) = (4, 20);
/// Rows of `list -summary` that names no number, and the most that it may name.
const SUMMARY_ROWS: (usize, usize) = (20, 1_000_000_000);
/// The largest `-fragment N`: its longest fragments, 8128 * 2^15 bytes, just fill the largest block.
const FRAGMENT_MAX: usize = 15;
/// How much of a fingerprint tells a version from all others; it has 16 digits, its digest 64.
const EXPECT_DIGITS: std::ops::RangeInclusive<usize> = 8..=64;
/// More threads than this are a slip.
const THREADS_MAX: usize = 1024;

/// What `zarc add` asks for.
pub(super) fn add(arguments: &AddArguments) -> Result<AddOptions> {
    let fragment = match &arguments.fragment {
        Some(text) => Some(number("-fragment", text, 0, FRAGMENT_MAX)?),
        None => None,
    };
    let archive = location(&arguments.common)?;
    let part_bytes = match &arguments.partsize {
        Some(typed) => Some(part_bytes(typed, &archive)?),
        None => None,
    };
    Ok(AddOptions {
        archive,
        key: password(&arguments.common)?,
        key_cost: KeyCost::default(),
        files: files(&arguments.files)?,
        selection: selection(&arguments.names),
        rename: rename_of_files(&arguments.files, &arguments.names.to)?,
        until: until(&arguments.common)?,
        force: arguments.force,
        fragment,
        part_bytes,
        method: match &arguments.method {
            Some(method) => Some(MethodChoice::parse(text("-method", method)?)?),
            None => None,
        },
        attributes: !arguments.names.noattributes,
        delete: !arguments.nodelete,
        special: arguments.names.special,
        dry: arguments.test,
        threads: threads(arguments.threads.as_deref())?,
        environment: Environment::system(),
    })
}

/// What `zarc extract` asks for.
pub(super) fn extract(arguments: &ExtractArguments) -> Result<ExtractOptions> {
    let to = &arguments.names.to;
    let rename = match to.first() {
        Some(directory) if arguments.files.is_empty() => Rename::prefix(name("-to", directory)?),
        _ => rename_of_files(&arguments.files, to)?,
    };
    Ok(ExtractOptions {
        archive: archive(&arguments.common)?,
        key: password(&arguments.common)?,
        files: files(&arguments.files)?,
        selection: selection(&arguments.names),
        rename,
        until: until(&arguments.common)?,
        all: all(arguments.all.as_ref())?,
        force: arguments.force,
        attributes: !arguments.names.noattributes,
        special: arguments.names.special,
        dry: arguments.test,
        threads: threads(arguments.threads.as_deref())?,
    })
}

/// What `zarc list` asks for.
pub(super) fn list(arguments: &ListArguments) -> Result<ListOptions> {
    let rename = if arguments.files.is_empty() {
        Rename::none()
    } else {
        rename_of_files(&arguments.files, &arguments.names.to)?
    };
    Ok(ListOptions {
        archive: location(&arguments.common)?,
        key: password(&arguments.common)?,
        files: files(&arguments.files)?,
        selection: selection(&arguments.names),
        rename,
        until: until(&arguments.common)?,
        all: all(arguments.all.as_ref())?,
        summary: summary(arguments.summary.as_ref())?,
        force: arguments.force,
        attributes: !arguments.names.noattributes,
        special: arguments.names.special,
        environment: Environment::system(),
    })
}

/// What `zarc index` asks for.
pub(super) fn index(arguments: &IndexArguments) -> Result<IndexOptions> {
    let common = &arguments.common;
    if common.until.is_some() {
        return Err(Error::usage("-until with index").because("an index has all versions"));
    }
    let Location::Parts(archive) = archive(common)? else {
        return Err(Error::usage("only an archive in parts has an index")
            .because("the right form is a name with * or ?, such as 'part??'"));
    };
    Ok(IndexOptions { archive, key: password(common)?, force: arguments.force })
}

/// What `zarc test` asks for.
pub(super) fn verify(arguments: &TestArguments) -> Result<VerifyOptions> {
    Ok(VerifyOptions {
        archive: archive(&arguments.common)?,
        key: password(&arguments.common)?,
        until: until(&arguments.common)?,
        expect: expect(arguments.expect.as_deref())?,
        threads: threads(arguments.threads.as_deref())?,
    })
}

/// What `zarc passwd` asks for.
pub(super) fn passwd(arguments: &PasswdArguments) -> Result<PasswdOptions> {
    if arguments.common.until.is_some() {
        return Err(Error::usage("-until with passwd")
            .because("a password opens all versions of an archive"));
    }
    Ok(PasswdOptions {
        archive: archive(&arguments.common)?,
        key: password(&arguments.common)?.unwrap_or(KeySource::Prompt),
        new_key: new_key(arguments)?.unwrap_or(KeySource::Prompt),
        key_cost: KeyCost::default(),
        environment: Environment::system(),
    })
}

/// The symbols that `-not =#+-` hides from a listing.
pub(super) fn hidden_symbols(names: &Names) -> Vec<char> {
    let values = names.not.iter().filter(|value| is_symbols(value));
    values.flat_map(|value| value.as_bytes()).map(|&byte| char::from(byte)).collect()
}

/// Says which names of `-to` rename nothing, and why.
pub(super) fn idle_to(verb: &Verb) -> Vec<String> {
    let (files, to) = match verb {
        Verb::Add(arguments) => (&arguments.files, &arguments.names.to),
        Verb::Extract(arguments) => (&arguments.files, &arguments.names.to),
        Verb::List(arguments) => (&arguments.files, &arguments.names.to),
        Verb::Index(_) | Verb::Test(_) | Verb::Passwd(_) | Verb::Help(_) => return Vec::new(),
    };
    match (verb, &to[..]) {
        (_, []) => Vec::new(),
        (Verb::List(arguments), _) if arguments.all.is_some() => {
            vec!["-to has no effect on list -all".to_owned()]
        }
        (Verb::List(_), _) if files.is_empty() => {
            vec!["-to has no effect on list without files".to_owned()]
        }
        (_, [first, _, ..]) if files.is_empty() => {
            let first = first.to_string_lossy();
            vec![format!(
                "without files everything goes below {}; other names of -to have no effect",
                first.escape_debug()
            )]
        }
        _ => renamed_before(files, to),
    }
}

/// Names of `-to` for files that are renamed with one that was named before them.
fn renamed_before(files: &[OsString], to: &[OsString]) -> Vec<String> {
    let paths: Vec<_> =
        files.iter().map(|file| StoredPath::normalized(file.as_bytes()).ok()).collect();
    let mut told = Vec::new();
    for (number, name) in to.iter().enumerate() {
        let Some((Some(path), before)) = paths[..paths.len().min(number + 1)].split_last() else {
            continue;
        };
        if let Some(first) = before.iter().flatten().find(|first| path.is_within(first)) {
            let [name, path, first] = [name.as_bytes(), path.as_bytes(), first.as_bytes()]
                .map(|bytes| String::from_utf8_lossy(bytes).escape_debug().to_string());
            told.push(format!(
                "-to {name} has no effect: {path} is renamed with {first}, which is named before"
            ));
        }
    }
    told
}

fn is_symbols(value: &OsStr) -> bool {
    let symbols = value.as_bytes().strip_prefix(b"=");
    symbols.is_some_and(|symbols| symbols.iter().all(|byte| b"=#+-?^".contains(byte)))
}

fn selection(names: &Names) -> Selection {
    let not = names.not.iter().filter(|value| !is_symbols(value));
    Selection::new(
        names.only.iter().map(|value| Pattern::new(value.as_bytes())).collect(),
        not.map(|value| Pattern::new(value.as_bytes())).collect(),
    )
}

/// The source of the password, if any.
fn password(common: &Common) -> Result<Option<KeySource>> {
    key(common, |name| std::env::var_os(name))
}

/// The archive, which may be "": nowhere.
fn location(common: &Common) -> Result<Location> {
    if common.archive.is_empty() {
        return Ok(Location::Nowhere);
    }
    archive(common)
}

/// The archive, whose name gets its extension; what other commands refuse is refused here too.
fn archive(common: &Common) -> Result<Location> {
    let typed = common.archive.as_bytes();
    if typed.is_empty() {
        return Err(Error::usage("the archive \"\" holds nothing")
            .because("only add and list take it: for a dry run, and to compare with nothing"));
    }
    let last = typed.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    if matches!(last, b"" | b"." | b"..") {
        return Err(Error::usage(format!("the archive {} is a directory", typed.escape_ascii()))
            .because("the right form is the name of a file"));
    }
    let mut name = common.archive.clone();
    if !last.contains(&b'.') {
        name.push(".zarc");
    }
    if PartNames::is_pattern(&name) {
        return PartNames::parse(&name).map(Location::Parts);
    }
    Ok(Location::File(name.into()))
}

fn files(typed: &[OsString]) -> Result<Vec<Vec<u8>>> {
    if typed.iter().any(|file| file.is_empty()) {
        return Err(Error::usage("a file name is empty").because("\".\" is the current directory"));
    }
    Ok(typed.iter().map(|file| file.as_bytes().to_vec()).collect())
}

fn rename_of_files(files: &[OsString], to: &[OsString]) -> Result<Rename> {
    if to.is_empty() {
        return Ok(Rename::none());
    }
    if to.len() > files.len() {
        return Err(Error::usage(format!("-to has {} names for {} files", to.len(), files.len()))
            .because("the right form is at most one for each file, in the same order"));
    }
    let from: Result<_> = files.iter().map(|file| name("the file", file)).collect();
    let to: Result<_> = to.iter().map(|value| name("-to", value)).collect();
    Ok(Rename::pairs(from?, to?))
}

fn name(what: &str, typed: &OsStr) -> Result<StoredPath> {
    if typed.is_empty() {
        return Err(Error::usage(format!("{what} \"\"")).because("a name cannot be empty"));
    }
    StoredPath::normalized(typed.as_bytes()).map_err(|cause| {
        Error::usage(format!("{what} {}", typed.to_string_lossy().escape_debug())).because(cause)
    })
}

fn until(common: &Common) -> Result<Until> {
    match &common.until {
        Some(typed) => Until::parse(text("-until", typed)?),
        None => Ok(Until::Latest),
    }
}

fn all(typed: Option<&Vec<OsString>>) -> Result<Option<usize>> {
    optional_number("-all", typed, ALL_DIGITS.0, ALL_DIGITS.1)
}

fn summary(typed: Option<&Vec<OsString>>) -> Result<Option<usize>> {
    optional_number("-summary", typed, SUMMARY_ROWS.0, SUMMARY_ROWS.1)
}

/// The number from 1 to `most` behind an option that may do without one.
fn optional_number(
    option: &str,
    typed: Option<&Vec<OsString>>,
    without: usize,
    most: usize,
) -> Result<Option<usize>> {
    match typed.map(|values| values.last()) {
        None => Ok(None),
        Some(None) => Ok(Some(without)),
        Some(Some(typed)) => Ok(Some(number(option, typed, 1, most)?)),
    }
}

/// The beginning of a fingerprint.
fn expect(typed: Option<&OsStr>) -> Result<Option<String>> {
    let Some(typed) = typed else { return Ok(None) };
    let digits = text("-expect", typed)?.to_ascii_lowercase();
    let is_hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hexadecimal && EXPECT_DIGITS.contains(&digits.len()) {
        return Ok(Some(digits));
    }
    Err(Error::usage(format!("-expect {}", digits.escape_debug())).because(format_args!(
        "the right form is the fingerprint that add and test print, {} of its digits at least",
        EXPECT_DIGITS.start()
    )))
}

fn threads(typed: Option<&OsStr>) -> Result<usize> {
    match typed {
        Some(typed) => number("-threads", typed, 1, THREADS_MAX),
        None => Ok(std::thread::available_parallelism().map_or(1, Into::into)),
    }
}

fn number<N: TryFrom<usize>>(option: &str, typed: &OsStr, least: usize, most: usize) -> Result<N> {
    let value = text(option, typed)?.parse().ok().filter(|value| (least..=most).contains(value));
    value.and_then(|value| N::try_from(value).ok()).ok_or_else(|| {
        let shown = typed.to_string_lossy();
        Error::usage(format!("{option} {}", shown.escape_debug()))
            .because(format_args!("the right form is {option} N with N from {least} to {most}"))
    })
}

pub(super) fn text<'a>(option: &str, typed: &'a OsStr) -> Result<&'a str> {
    typed.to_str().ok_or_else(|| {
        Error::usage(format!("{option} {}", typed.as_bytes().escape_ascii()))
            .because("it is not text")
    })
}

#[cfg(test)]
mod tests {
    use super::super::arguments::Arguments;
    use super::*;
    use clap::Parser;

    fn list_of(words: &[&str]) -> ListArguments {
        match Arguments::try_parse_from([&["zarc", "list"], words].concat()).unwrap().verb {
            Verb::List(arguments) => arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_archive_without_extension_gets_ours() {
        for (typed, name) in [
            ("a", "a.zarc"),
            ("a.zarc", "a.zarc"),
            ("d.old/a", "d.old/a.zarc"),
            ("a.zpaq", "a.zpaq"),
            (".hidden", ".hidden"),
        ] {
            assert_eq!(list(&list_of(&[typed])).unwrap().archive, Location::File(name.into()));
        }
        for refused in ["dir/", "..", "d?/part", "part*?"] {
            assert!(list(&list_of(&[refused])).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_star_or_question_marks_mean_parts() {
        for (typed, name) in [("part??", "part??.zarc"), ("d/x*", "d/x*.zarc"), ("p?.a", "p?.a")] {
            let archive = list(&list_of(&[typed])).unwrap().archive;
            assert!(matches!(archive, Location::Parts(_)), "{typed}");
            assert_eq!(archive.to_string(), name);
        }
    }

    #[test]
    fn symbols_and_patterns_of_not_are_told_apart() {
        let arguments = list_of(&["a", "--not==#", "--not=*.o", "--not==x"]);
        assert_eq!(hidden_symbols(&arguments.names), ['=', '#']);
        let selection = list(&arguments).unwrap().selection;
        assert!(selection.is_wanted(b"a.c", false) && !selection.is_wanted(b"a.o", false));
        assert!(!selection.is_wanted(b"=x", false));
    }
}
