//! In which blocks fragments are, by the first bytes of their identities: `spec/format.md` section 7.4.
//!
//! Records have one width in a page, so a page is searched as it is.

use crate::base::{ByteReader, ByteWriter, Digest, Result};

use super::limits::{COUNT_MAX, IDENTITY_PAGE_RECORDS_MAX};

/// The first bytes of an identity, which are random: two fragments seldom agree in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityPrefix(u64);

impl IdentityPrefix {
    /// The greatest one.
    pub const MAX: Self = Self((1 << (8 * Self::BYTES)) - 1);
    /// How many bytes of the identity it has.
    const BYTES: u8 = 5;

    /// That of an identity.
    pub fn of(identity: &Digest) -> Self {
        Self::of_bits(u64::from_be_bytes(identity.prefix()))
    }

    /// That of the identity that begins with these eight bytes, taken as a big-endian number.
    pub fn of_bits(bits: u64) -> Self {
        Self(bits >> (64 - 8 * Self::BYTES))
    }

    /// The bytes as a big-endian number.
    pub fn number(self) -> u64 {
        self.0
    }

    pub(super) fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// One fragment. In the order of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdentityRecord {
    /// What its identity begins with.
    pub prefix: IdentityPrefix,
    /// The block that it is in.
    pub block: u64,
}

/// Records in rising order; of two fragments with one prefix in one block there are two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityPage {
    /// What the differences are added to.
    least: IdentityRecord,
    /// Bytes of a difference of prefixes, and of one of blocks.
    widths: (u8, u8),
    len: usize,
    /// Of all records, and [`SLACK`] more bytes.
    differences: Vec<u8>,
}

/// So many bytes are looked at to take a number of fewer.
const SLACK: usize = 8;

impl IdentityPage {
    /// The raw bytes of a page of these records, which are in order and at least one.
    pub fn encode(records: &[IdentityRecord]) -> Vec<u8> {
        let (Some(first), Some(last)) = (records.first(), records.last()) else {
            return Vec::new();
        };
        let blocks = || records.iter().map(|record| record.block);
        let (smallest, largest) = (blocks().min().unwrap_or(0), blocks().max().unwrap_or(0));
        // Records of no bytes could not be counted.
        let width_min = u8::from(records.len() > 1);
        let widths =
            (width_of(last.prefix.0 - first.prefix.0).max(width_min), width_of(largest - smallest));
        let mut writer = ByteWriter::new();
        writer.varint(records.len() as u64);
        writer.varint(first.prefix.0).u8(widths.0).varint(smallest).u8(widths.1);
        for record in records {
            put(&mut writer, record.prefix.0 - first.prefix.0, widths.0);
            put(&mut writer, record.block - smallest, widths.1);
        }
        writer.into_bytes()
    }

    /// Reads the raw bytes of a page.
    pub fn decode(raw: &[u8]) -> Result<Self> {
        let mut reader = ByteReader::new(raw, "identity page");
        let count = reader.varint_at_most(IDENTITY_PAGE_RECORDS_MAX, "number of records")?;
        if count == 0 {
            return Err(reader.corrupt("it is empty"));
        }
        let number = reader.varint_at_most(IdentityPrefix::MAX.0, "first bytes of an identity")?;
        let prefix_width = width(&mut reader, IdentityPrefix::BYTES)?;
        let block = reader.varint_at_most(COUNT_MAX, "block number")?;
        let block_width = width(&mut reader, 8)?;
        let least = IdentityRecord { prefix: IdentityPrefix(number), block };
        let widths = (prefix_width, block_width);
        let len = usize::try_from(count).unwrap_or(usize::MAX);
        let packed = reader.bytes(len.saturating_mul(usize::from(widths.0 + widths.1)))?;
        let differences = [packed, &[0; SLACK]].concat();
        let page = Self { least, widths, len, differences };
        page.check(&reader)?;
        reader.finish()?;
        Ok(page)
    }

    /// Fails unless the records are in order and within the limits.
    fn check(&self, reader: &ByteReader<'_>) -> Result<()> {
        if self.widths.0 + self.widths.1 == 0 && self.len > 1 {
            return Err(reader.corrupt("its records have no bytes"));
        }
        let mut before = self.least.prefix;
        let (mut before_block, mut smallest) = (0, u64::MAX);
        for record in self.records() {
            let is_in_order = (before, before_block) <= (record.prefix, record.block);
            if !is_in_order || record.prefix > IdentityPrefix::MAX || record.block > COUNT_MAX {
                return Err(reader.corrupt("its records are out of order"));
            }
            (before, before_block) = (record.prefix, record.block);
            smallest = smallest.min(record.block);
        }
        if (self.record(0).prefix, smallest) != (self.least.prefix, self.least.block) {
            return Err(reader.corrupt("its least record is another one"));
        }
        Ok(())
    }

    /// How many records it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Never: a page has a record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that the records take.
    pub fn bytes(&self) -> usize {
        self.differences.capacity()
    }

    /// A record; there is none behind the last one.
    pub fn record(&self, index: usize) -> IdentityRecord {
        let (of_prefix, of_block) = self.widths;
        let start = index * usize::from(of_prefix + of_block);
        let prefix = self.number(start, of_prefix);
        let block = self.number(start + usize::from(of_prefix), of_block);
        IdentityRecord {
            prefix: IdentityPrefix(self.least.prefix.0.saturating_add(prefix)),
            block: self.least.block.saturating_add(block),
        }
    }

    /// The number of so many bytes at a place.
    fn number(&self, start: usize, width: u8) -> u64 {
        let bytes = self.differences.get(start..start + SLACK);
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
        let mask = u64::MAX.checked_shr(u64::BITS - 8 * u32::from(width)).unwrap_or(0);
        u64::from_le_bytes(bytes) & mask
    }

    /// All records, in order.
    pub fn records(&self) -> impl Iterator<Item = IdentityRecord> + '_ {
        (0..self.len()).map(|index| self.record(index))
    }

    /// The blocks of the records with this prefix.
    pub fn blocks_of(&self, prefix: IdentityPrefix) -> impl Iterator<Item = u64> + '_ {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from.midpoint(to);
            if self.record(middle).prefix < prefix {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        let rest = (from..self.len()).map(|index| self.record(index));
        rest.take_while(move |record| record.prefix == prefix).map(|record| record.block)
    }
}

/// How many bytes a number takes.
fn width_of(number: u64) -> u8 {
    (0..8).rev().find(|index| number >> (8 * index) != 0).map_or(0, |index| index + 1)
}

fn width(reader: &mut ByteReader<'_>, most: u8) -> Result<u8> {
    let width = reader.u8()?;
    if width > most {
        return Err(reader.corrupt(format_args!("a difference of {width} bytes")));
    }
    Ok(width)
}

fn put(writer: &mut ByteWriter, number: u64, width: u8) {
    let bytes = number.to_le_bytes();
    writer.bytes(bytes.get(..width.into()).unwrap_or(&bytes));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record((prefix, block): (u64, u64)) -> IdentityRecord {
        IdentityRecord { prefix: IdentityPrefix(prefix), block }
    }

    /// Near each other and far apart, equal ones too.
    fn records() -> impl Strategy<Value = Vec<IdentityRecord>> {
        let prefix = prop_oneof![0..40_u64, 0..=IdentityPrefix::MAX.0];
        let block = prop_oneof![0..3_u64, 1000..70_000_u64, 0..=COUNT_MAX];
        prop::collection::vec((prefix, block).prop_map(record), 1..200).prop_map(|mut records| {
            records.sort_unstable();
            records
        })
    }

    proptest! {
        #[test]
        fn a_page_gives_its_records_back_and_finds_the_blocks_of_each(records in records()) {
            let raw = IdentityPage::encode(&records);
            let page = IdentityPage::decode(&raw).unwrap();
            prop_assert_eq!(page.records().collect::<Vec<_>>(), records.clone());
            prop_assert_eq!(page.len(), records.len());
            let others = [0, 7, IdentityPrefix::MAX.0].map(IdentityPrefix);
            for prefix in records.iter().map(|record| record.prefix).chain(others) {
                let wanted = records.iter().filter(|record| record.prefix == prefix);
                let found: Vec<u64> = page.blocks_of(prefix).collect();
                prop_assert_eq!(found, wanted.map(|record| record.block).collect::<Vec<_>>());
            }
        }

        #[test]
        fn no_bytes_make_a_page_whose_records_are_out_of_order(
            records in records(),
            place in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut raw = IdentityPage::encode(&records);
            *place.get_mut(raw.as_mut_slice()) = byte;
            if let Ok(page) = IdentityPage::decode(&raw) {
                let records: Vec<_> = page.records().collect();
                prop_assert!(records.is_sorted() && !records.is_empty());
                prop_assert!(records.iter().all(|record| record.prefix <= IdentityPrefix::MAX));
            }
        }
    }

    #[test]
    fn equal_records_are_several() {
        let records = vec![record((7, 3)); 5];
        let page = IdentityPage::decode(&IdentityPage::encode(&records)).unwrap();
        assert_eq!(page.records().collect::<Vec<_>>(), records);
    }

    #[test]
    fn what_breaks_a_rule_is_no_page() {
        let good = IdentityPage::encode(&[record((1, 5)), record((2, 4))]);
        assert_eq!(good, [2, 1, 1, 4, 1, 0, 1, 1, 0]);
        for bad in [
            &[0, 1, 1, 4, 1][..],
            &[2, 1, 6, 4, 1, 0, 1, 1, 0],
            &[2, 1, 1, 4, 9, 0, 1, 1, 0],
            &[2, 1, 0, 4, 0],
            &[2, 1, 1, 4, 1, 1, 0, 0, 1],
            &[2, 1, 1, 4, 1, 0, 1, 1],
            &[2, 1, 1, 4, 1, 0, 1, 1, 0, 0],
            // Differences that are larger than they need to be.
            &[2, 0, 1, 4, 1, 1, 1, 2, 0],
            &[2, 1, 1, 3, 1, 0, 2, 1, 1],
        ] {
            IdentityPage::decode(bad).unwrap_err();
        }
    }
}
