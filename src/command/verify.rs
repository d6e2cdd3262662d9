//! `test`: every stored byte is read and everything that can be compared is compared.
//!
//! Frames first, update by update ([`Audit`], [`super::verify_version`]), then all blocks
//! ([`super::verify_blocks`]), then the entries of each update ([`super::verify_entries`]).

use crate::archive::{Archive, Audit, AuditedUpdate, BlockTable, Finding, History, Place, Version};
use crate::base::{Error, ErrorKind, Progress, Result, Until};

use super::findings::Findings;
use super::key_source::password_of;
use super::options::{VerifyOptions, VerifySummary};
use super::scope::{tell_absent, tell_notice};
use super::verify_blocks::{check_blocks, count_blocks};
use super::verify_entries::EntryCheck;
use super::verify_version::check_version;

/// Reads and checks every stored byte.
pub fn verify(options: &VerifyOptions, progress: &dyn Progress) -> Result<VerifySummary> {
    verify_archive(options, progress).map_err(|error| error.at(&options.archive))
}

fn verify_archive(options: &VerifyOptions, progress: &dyn Progress) -> Result<VerifySummary> {
    let password = password_of(&options.archive, options.key.as_ref(), progress)?;
    let archive = Archive::open_location(&options.archive, password.as_ref())?;
    let history = History::of(&archive);
    let end = history.end_at(options.until)?.ok_or_else(|| {
        let cause = "no update was completed before what -until says";
        Error::new(ErrorKind::Missing, "nothing can be tested").because(cause)
    })?;
    if let Some(digits) = &options.expect {
        expect_fingerprint(&history, options.until, digits)?;
    }
    let mut findings = Findings::new(progress);
    let is_newest = options.until == Until::Latest;
    let is_damaged =
        if is_newest { tell_notice(&archive, progress) } else { tell_absent(&archive, progress) };
    findings.summary.damaged += u64::from(is_damaged);
    let (updates, newest) = check_frames(&archive, end, &mut findings)?;
    for number in 1..=archive.updates_in_index() {
        findings.check_stopped()?;
        findings.expect(archive.check_copies(number));
    }
    let Some(newest) = newest else {
        findings.damage(Error::corrupt("no version can be opened"));
        return Ok(findings.summary);
    };
    let (table, unreadable) = BlockTable::of_readable(&archive, &newest);
    for error in unreadable {
        findings.damage(error);
    }
    let expected = newest.manifest.counts.blocks;
    let table = std::sync::Arc::new(table);
    let bad = if archive.holds_data() {
        check_blocks(&archive, &table, expected, options.threads, &mut findings)?
    } else {
        count_blocks(&table, expected, &mut findings)?
    };
    let mut entries = EntryCheck::new(&archive, &table, &bad);
    for update in &updates {
        // One that cannot be opened was named with its frame.
        if let Ok(version) = update.version(&archive) {
            entries.check_changes(&version, &mut findings)?;
        }
    }
    entries.check_names(&newest, &mut findings)?;
    Ok(findings.summary)
}

/// Fails unless the state that is meant has this fingerprint.
fn expect_fingerprint(history: &History, until: Until, digits: &str) -> Result<()> {
    let Some((number, fingerprint)) = history.fingerprint(until)? else { return Ok(()) };
    if fingerprint.starts_with(digits) {
        return Ok(());
    }
    let error = Error::corrupt(format!("the fingerprint is not {digits}"));
    Err(match history.version_of_fingerprint(digits)? {
        Some(older) if older < number => error
            .because(format_args!(
                "that is version {older}, and this is version {number}: the archive is newer"
            ))
            .hint("it is all right if something was added since"),
        Some(newer) => error.because(format_args!(
            "that is version {newer}, and this is version {number}: the archive is newer than -until says"
        )),
        None => error
            .because(format_args!(
                "no version has it, and version {number} has {fingerprint:.16}: the newest versions were cut off, an older state of the archive was put back, or it is another one"
            ))
            .hint("if it was not you, take the archive from another copy"),
    })
}

/// Checks all frames, and each update against the one before.
fn check_frames(
    archive: &Archive,
    end: Place,
    findings: &mut Findings<'_>,
) -> Result<(Vec<AuditedUpdate>, Option<Version>)> {
    let mut audit = Audit::new(archive, end);
    let mut updates = Vec::new();
    let mut newest: Option<Version> = None;
    let mut before: Option<Version> = None;
    while let Some(finding) = audit.step() {
        findings.check_stopped()?;
        match finding {
            None => {}
            Some(Finding::Damage(error)) => findings.damage(error),
            Some(Finding::Update(mut update)) => {
                findings.summary.versions += 1;
                findings.summary.fingerprint = Some(update.fingerprint());
                let data = update.take_data();
                match update.version(archive) {
                    Ok(version) => {
                        let is_next = |b: &&Version| b.number() + 1 == version.number();
                        let known = before.as_ref().filter(is_next);
                        check_version(archive, &version, known, data, findings);
                        newest = Some(version.clone());
                        before = Some(version);
                    }
                    Err(error) => {
                        findings.damage(error);
                        before = None;
                    }
                }
                updates.push(*update);
            }
        }
    }
    findings.summary.frames += audit.frames();
    Ok((updates, newest))
}
