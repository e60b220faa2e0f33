//! The generation of a store: what keeps numbers from being given twice when a store goes back to an older state.
//!
//! Epochs and lock serials only rise, so that whoever holds an old one is told. But a store that is restored from a backup does
//! not know which ones it gave after the backup was made. So each restore is a new **generation**, which is the high part of
//! every number that is given from then on: a number of an older generation is smaller, whatever was counted in it.

use std::fmt;

use crate::time::Timestamp;

/// How many bits of a number count within a generation. With the 26 of the generation, a number is one that JSON can hold.
const COUNT_BITS: u32 = 27;
const MAX_GENERATION: i64 = (1 << 26) - 1;
/// The start of 2020, from which generations count minutes.
const START: Timestamp = Timestamp::from_millis(1_577_836_800_000);

/// The generation of a store; that of one that was never restored is the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(i64);

impl Generation {
    pub const FIRST: Self = Self(0);

    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    pub const fn number(self) -> i64 {
        self.0
    }

    /// The generation after this one. It is named after the time, so that two restores of one backup are not the same: the
    /// backup knows of neither.
    #[must_use]
    pub fn raised(self, now: Timestamp) -> Self {
        let minutes = now.since(START).as_secs() / 60;
        Self(i64::try_from(minutes).unwrap_or(i64::MAX).max(self.0 + 1).min(MAX_GENERATION))
    }

    /// The number that follows `last`, which may be of an older generation; 0 is before the first.
    pub fn next_number(self, last: i64) -> i64 {
        (last + 1).max((self.0 << COUNT_BITS) + 1)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn a_store_that_was_never_restored_counts_from_one() {
        assert_eq!((Generation::FIRST.next_number(0), Generation::FIRST.next_number(1)), (1, 2));
    }

    #[test]
    fn numbers_of_a_later_generation_are_larger_and_count_on() {
        let restored = Generation::FIRST.raised(NOW);
        let first = restored.next_number(7);
        assert!(first > 1_000_000 && restored.next_number(first) == first + 1);
        let again = restored.raised(NOW);
        assert_eq!(again.number(), restored.number() + 1, "the clock may stand still, or go back");
        assert!(again.next_number(first + 1_000_000) > first + 1_000_000);
    }

    #[test]
    fn two_restores_of_one_backup_differ_and_json_holds_the_largest_number() {
        let later = NOW + std::time::Duration::from_secs(60);
        assert_ne!(Generation::FIRST.raised(NOW), Generation::FIRST.raised(later));
        let last = Generation::FIRST.raised(Timestamp::MAX);
        assert!(last.next_number(0) < 1 << 53);
    }
}
