//! While a small batch is carried out, the requests for the next one gather.
//!
//! Where several transactions are in flight, whatever arrives could begin one of its own at once. But most of a small
//! transaction is its beginning and its end, and one that begins beside another takes the processor from it: many small ones take
//! longer than a few larger ones. So the next batch of a class begins when the one before it sends its commit: what that
//! does in the database, and its wait for the disk, are time to carry out the next one. A large batch is worth another processor.
//!
//! Nobody waits long for a transaction that waits for somebody else: after a few milliseconds its class goes on without it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::batch::BatchClass;

/// Batches of at least so many events keep none of their class waiting.
const LARGE_BATCH: usize = 128;
/// For how long at most a batch keeps those of its class waiting.
const MAX_GATHERING: Duration = Duration::from_millis(3);

/// The batches that have not sent their commit.
#[derive(Clone, Default)]
pub(super) struct Gathering(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// By the batch's number: its class, and until when that gathers.
    until: Mutex<BTreeMap<u64, (BatchClass, Instant)>>,
    changed: Notify,
}

impl Gathering {
    /// A batch begins.
    pub(super) fn begin(&self, number: u64, class: BatchClass, events: usize, now: Instant) {
        if events < LARGE_BATCH {
            self.until().insert(number, (class, now + MAX_GATHERING));
        }
    }

    /// A batch sends its commit, or has ended without one.
    pub(super) fn end(&self, number: u64) {
        if self.until().remove(&number).is_some() {
            self.0.changed.notify_one();
        }
    }

    /// Until when requests of a class gather at the longest; none, if a batch of them may begin.
    pub(super) fn of(&self, class: BatchClass, now: Instant) -> Option<Instant> {
        let of_class = |(of, until): &(BatchClass, Instant)| (*of == class && *until > now).then_some(*until);
        self.until().values().filter_map(of_class).max()
    }

    /// Waits until a batch has sent its commit. Dropped while it waits, it has lost nothing.
    pub(super) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    fn until(&self) -> MutexGuard<'_, BTreeMap<u64, (BatchClass, Instant)>> {
        // Nobody panics while holding it.
        self.0.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::timers::Timer;

    #[test]
    fn a_class_gathers_while_a_small_batch_of_it_is_carried_out_and_not_for_long() {
        use BatchClass::{Engines, Others};
        let gathering = Gathering::default();
        let began = Timer::now();
        let gathers = |class, micros| gathering.of(class, began + Duration::from_micros(micros)).is_some();
        gathering.begin(1, Others, LARGE_BATCH - 1, began);
        assert!(gathers(Others, 0) && gathers(Others, 2_999) && !gathers(Others, 3_000), "it is waited for a little");
        assert!(!gathers(Engines, 0), "engines wait for none of the others");
        gathering.begin(2, Engines, LARGE_BATCH, began);
        assert!(!gathers(Engines, 0), "a large one is worth a processor of its own");
        gathering.begin(3, Others, 1, began + Duration::from_micros(2_000));
        assert_eq!(gathering.of(Others, began), Some(began + Duration::from_micros(5_000)), "for the last of them");
        assert!(gathering.changed().now_or_never().is_none());
        gathering.end(3);
        assert!(gathering.changed().now_or_never().is_some(), "the scheduler is told");
        assert!(gathers(Others, 2_999));
        gathering.end(1);
        gathering.end(1);
        assert!(!gathers(Others, 0));
    }
}
