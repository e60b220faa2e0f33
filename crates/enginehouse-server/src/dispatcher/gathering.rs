//! While a small batch is carried out, the requests for the next one gather.
//!
//! Where several transactions are in flight, whatever arrives could begin one of its own at once. But most of a small
//! transaction is its beginning and its end, and one that begins beside another takes the processor from it: many small ones take
//! longer than a few larger ones. So the next batch waits until a small one has ended. A large batch is worth another processor;
//! and one of hardly any events tells of a server with little to do, where whoever comes next is best served at once.
//!
//! Nobody waits long, whatever a transaction itself waits for, a slow disk, a standby or what somebody else holds: after a few
//! milliseconds the others go on without it. Engines and others take turns (`inbox`), so that neither keeps the other from it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use tokio::time::Instant;

/// How many events a batch has that keeps others waiting.
const SMALL_BATCH: Range<usize> = 4..32;
/// For how long at most a batch keeps others waiting.
const MAX_GATHERING: Duration = Duration::from_millis(3);

/// The small batches in flight.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    /// By the number of each, until when others wait for it.
    until: BTreeMap<u64, Instant>,
}

impl Gathering {
    /// A batch begins, with so many events.
    pub(super) fn begin(&mut self, number: u64, events: usize, now: Instant) {
        if SMALL_BATCH.contains(&events) {
            self.until.insert(number, now + MAX_GATHERING);
        }
    }

    /// A batch has ended.
    pub(super) fn end(&mut self, number: u64) {
        self.until.remove(&number);
    }

    /// Until when requests gather at the longest; none, if the next batch may begin.
    pub(super) fn until(&self, now: Instant) -> Option<Instant> {
        self.until.values().copied().max().filter(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timers::Timer;

    #[test]
    fn requests_gather_while_a_small_batch_is_in_flight_and_not_for_long() {
        let mut gathering = Gathering::default();
        let began = Timer::now();
        let after = |micros| began + Duration::from_micros(micros);
        assert_eq!(gathering.until(began), None);
        gathering.begin(0, SMALL_BATCH.start - 1, began);
        assert_eq!(gathering.until(began), None, "there is little to do");
        gathering.begin(1, SMALL_BATCH.end, began);
        assert_eq!(gathering.until(began), None, "a large one is worth a processor of its own");
        gathering.begin(2, SMALL_BATCH.end - 1, began);
        assert_eq!(gathering.until(after(2_999)), Some(after(3_000)));
        assert_eq!(gathering.until(after(3_000)), None, "it may be waiting for somebody else");
        gathering.begin(3, SMALL_BATCH.start, after(2_000));
        assert_eq!(gathering.until(began), Some(after(5_000)), "for the last of them");
        gathering.end(3);
        assert_eq!(gathering.until(began), Some(after(3_000)));
        gathering.end(2);
        assert_eq!(gathering.until(began), None);
    }
}
