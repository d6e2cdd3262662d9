//! All integration tests, in one binary.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod architecture;
mod block_reports;
mod command_line;
mod compress;
mod crash;
mod damage;
mod damage_cli;
mod examples;
mod extract;
mod extract_damage;
mod faults;
mod filesystem;
mod golden;
mod history;
mod index;
mod json;
mod json_page;
mod list_and_add;
mod list_archives;
mod list_summary;
mod manual;
mod manual_page;
mod manual_table;
mod old_archives;
mod oracle;
mod reference_reader;
mod rollback;
mod rollback_cli;
mod round_trip;
mod sources;
mod support;
mod vectors_format;
mod vectors_fragment;
mod verify;
mod windows_attributes;
