//! Makes an archive of any size, to measure what size costs: `tests/bench/scale.sh`.
//!
//! `generate ARCHIVE FILES UPDATES CHANGED FRAGMENTS`: an archive with so many files, and updates
//! that change so many files each; with FRAGMENTS above 0 one without data, which records so many.
#![expect(clippy::print_stderr, reason = "a program of its own")]

#[path = "../support/generated.rs"]
mod generated;

use std::path::PathBuf;
use std::process::ExitCode;

use zarc::archive::{Archive, OpenOptions, RunShape};
use zarc::base::{Environment, Error, Result};
use zarc::compress::MethodChoice;

use generated::Plan;

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<()> {
    let [archive, numbers @ ..] = words else { return Err(usage()) };
    let numbers = numbers.iter().map(|word| word.parse().map_err(|_| usage()));
    let numbers: Vec<u64> = numbers.collect::<Result<_>>()?;
    let [files, updates, changed, declared] = numbers[..] else { return Err(usage()) };
    let plan = Plan { files, updates, changed, declared };
    let environment = Environment::system();
    let method = if declared > 0 { Some(MethodChoice::Index) } else { None };
    let options = OpenOptions { method, ..OpenOptions::plain(6) };
    let location = PathBuf::from(archive).into();
    let mut archive = Archive::open_location_for_writing(&location, options, &environment)?;
    generated::generate(&mut archive, &plan, RunShape::default(), environment)
}

fn usage() -> Error {
    Error::usage("generate ARCHIVE FILES UPDATES CHANGED FRAGMENTS")
}
