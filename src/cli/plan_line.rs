//! The line of a part that `extract -plan` prints.

use crate::command::PlannedPart;

use super::message::{counted, shown};

/// Symbol, name, and the first and last byte of each range.
pub(super) fn plan_line(planned: &PlannedPart) -> String {
    let PlannedPart { name, is_there, ranges, unknown_blocks, .. } = planned;
    let symbol = if *is_there { '=' } else { '?' };
    let places: Vec<String> =
        ranges.iter().map(|(start, len)| format!("{start}-{}", start + len - 1)).collect();
    let unknown = match unknown_blocks {
        0 => String::new(),
        blocks => format!(", and {}, somewhere", counted(*blocks, "block")),
    };
    let (bytes, count) = (counted(ranges.bytes(), "byte"), counted(places.len() as u64, "range"));
    let name = shown(name.as_bytes(), true);
    let name = String::from_utf8_lossy(&name);
    format!("{symbol} {name}: {bytes} in {count}: {}{unknown}\n", places.join(" "))
}
