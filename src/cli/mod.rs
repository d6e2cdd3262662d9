//! The words the user types and reads: zpaq's spelling in, listings and messages out.
//!
//! Does no work of its own: it turns arguments into the options of `command` and prints what
//! comes back.

mod arguments;
mod listing;
mod message;
mod option_values;
mod progress_line;
mod question;
mod request;
mod run;
mod spelling;
mod summary;

pub use arguments::command_table;
pub use run::run;
