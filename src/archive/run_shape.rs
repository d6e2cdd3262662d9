//! How large the pieces of runs become, and when runs are merged.

/// The shape of the runs of an update. Readers do not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunShape {
    /// A page of entries ends when it has so many bytes.
    pub entry_page_bytes: usize,
    /// A page of fragment records ends when it has so many bytes.
    pub fragment_page_bytes: usize,
    /// A directory ends when it has so many bytes.
    pub directory_bytes: usize,
    /// A page of identities ends when it has so many records.
    pub identity_page_records: usize,
    /// Fragments of a run of identities that an update ends with, at least.
    pub identity_run_min: usize,
    /// A run of identities ends when it has those of so many fragments; they are in memory until then.
    pub identity_run_max: usize,
    /// So many runs of about the same size become one, at least 2.
    pub fan_out: u64,
}

impl Default for RunShape {
    fn default() -> Self {
        Self {
            entry_page_bytes: 64 * 1024,
            fragment_page_bytes: 256 * 1024,
            directory_bytes: 64 * 1024,
            identity_page_records: 2600,
            identity_run_min: 1 << 17,
            identity_run_max: 1 << 20,
            fan_out: 8,
        }
    }
}

impl RunShape {
    /// How many of the newest runs are to be merged, given how many records each has, newest
    /// first; 0 or at least 2.
    ///
    /// A run is of the tier that the logarithm of its size says. Tiers rise with age, and each has
    /// less than `fan_out` runs: so runs are few, and a record is written again only a few times
    /// for each tier.
    pub(super) fn newest_to_merge(self, records: &[u64], runs_max: usize) -> usize {
        if records.len() >= runs_max {
            return records.len();
        }
        let tier = |records: u64| records.max(1).ilog(self.fan_out);
        let Some(&newest) = records.first() else { return 0 };
        let (mut count, mut sum) = (1, newest);
        loop {
            let older = records.get(count..).unwrap_or_default();
            let smaller = older.iter().take_while(|&&run| tier(run) < tier(sum)).count();
            let equal = older[smaller..].iter().take_while(|&&run| tier(run) == tier(sum)).count();
            let is_full = equal as u64 + 1 >= self.fan_out;
            let more = if is_full { smaller + equal } else { smaller };
            if more == 0 {
                return if count == 1 { 0 } else { count };
            }
            sum = older[..more].iter().fold(sum, |sum, &run| sum.saturating_add(run));
            count += more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets so many updates come, each with as many records as `size` says, and returns the
    /// sizes of the runs that are left, newest first, and how many records were written again.
    fn live_after(updates: u64, size: impl Fn(u64) -> u64) -> (Vec<u64>, u64) {
        let (mut live, mut rewritten) = (Vec::new(), 0);
        for update in 0..updates {
            let count = RunShape::default().newest_to_merge(&live, 1024);
            if count > 0 {
                let merged: u64 = live.drain(..count).sum();
                rewritten += merged;
                live.insert(0, merged);
            }
            live.insert(0, size(update));
        }
        (live, rewritten)
    }

    #[test]
    fn live_runs_are_few_and_little_is_written_again() {
        for updates in [10_u64, 300, 5000, 100_000] {
            let tiers = u64::from(updates.ilog(8)) + 1;
            let scattered = |update: u64| 1 + update.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 7;
            let (live, rewritten) = live_after(updates, scattered);
            assert!(live.len() as u64 <= 8 * (tiers + 1), "{updates}: {live:?}");
            let records: u64 = live.iter().sum();
            assert!(rewritten <= 2 * (tiers + 1) * records, "{updates}: {rewritten} of {records}");
        }
    }

    #[test]
    fn runs_that_hide_behind_a_large_one_do_not_pile_up() {
        let (live, _) = live_after(50_000, |update| if update % 10 == 9 { 5000 } else { 1 });
        assert!(live.len() <= 60, "{live:?}");
    }

    #[test]
    fn an_update_of_few_records_leaves_a_large_run_alone() {
        let shape = RunShape::default();
        assert_eq!(shape.newest_to_merge(&[1, 1, 1, 1_000_000], 1024), 0);
        assert_eq!(shape.newest_to_merge(&[1; 7], 1024), 0);
        assert_eq!(shape.newest_to_merge(&[1; 8], 1024), 8);
        assert_eq!(shape.newest_to_merge(&[1, 1, 1, 1_000_000], 4), 4);
        assert_eq!(shape.newest_to_merge(&[], 1024), 0);
    }
}
