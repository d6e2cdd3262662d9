//! Whether a run of identities holds what the fragment records say, in memory that does not grow with it.

use std::ops::Range;

use crate::base::Result;
use crate::format::{IdentityPrefix, IdentityRecord, IdentityRun};

use super::block_table::BlockTable;
use super::identity_filter::mixed;
use super::identity_run::OpenIdentityRun;
use super::open::Archive;

/// A sum over records in any order: others make another one but for one chance in 2^64.
#[derive(Default, PartialEq, Eq)]
struct Sum {
    count: u64,
    sum: u64,
}

impl Sum {
    fn add(&mut self, record: IdentityRecord) {
        self.count += 1;
        let block = mixed(record.block.wrapping_add(1));
        self.sum = self.sum.wrapping_add(mixed(block ^ record.prefix.number()));
    }
}

/// Whether a run of an archive has the fragments of these blocks and no others; fails where one or the other cannot be
/// read.
pub fn has_identities_of(
    archive: &Archive,
    run: &IdentityRun,
    table: &BlockTable,
    blocks: Range<u64>,
) -> Result<bool> {
    let (mut listed, mut recorded) = (Sum::default(), Sum::default());
    for record in OpenIdentityRun::open(&archive.reader(), run)?.records() {
        listed.add(record?);
    }
    for page in table.listed_pages_from(blocks.start) {
        let page = table.read_page(&page?)?;
        if page.first_block >= blocks.end {
            break;
        }
        let records = (page.first_block..).zip(&page.blocks);
        for (block, record) in records.filter(|(block, _)| blocks.contains(block)) {
            for fragment in &record.fragments {
                recorded
                    .add(IdentityRecord { prefix: IdentityPrefix::of(&fragment.identity), block });
            }
        }
    }
    Ok(listed == recorded)
}
