//! The words the user types and reads: zpaq's spelling in, listings and messages out.
//!
//! Does no work of its own: it turns arguments into the options of `command` and prints what
//! comes back.

mod arguments;
mod help;
mod human_output;
mod json_figures;
mod json_line;
mod json_output;
mod key;
mod listing;
mod manual_page;
mod message;
mod option_values;
mod output;
mod part_size;
mod plan_line;
mod progress_line;
mod question;
mod request;
mod run;
mod spelling;
mod summary;
mod windows_attributes;

pub use arguments::command_table;
pub use run::run;
