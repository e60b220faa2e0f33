//! Which engines have failed an event that waits for a retry, and are passed over for it.
//!
//! The store knows who failed what. Only events that have failed are looked up, and only where another engine is to retry them
//! ([`RetryElsewhere`]). Where another one is preferred, the event waits for it from when an engine that has failed it first asks
//! again: not from when it is due, since behind a backlog that may be long ago. That moment is kept in memory; after a restart, or
//! by another server that shares the store, the event waits anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::retry::Tally;
use enginehouse_core::retry_elsewhere::{FailedOn, PREFERS_FOR, RetryElsewhere};
use enginehouse_core::time::Timestamp;

/// Of how many events it is known since when they wait for another engine.
const MAX_WAITING: usize = 65_536;
/// After how long such an event is forgotten once memory is short: it was cancelled, or another server has given it away.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);

/// Since when events wait for another engine than those that have failed them, shared by the workers of a dispatcher. Cheap to
/// clone.
#[derive(Clone, Default)]
pub struct RetryWaits(Arc<Mutex<HashMap<EventId, Timestamp>>>);

impl RetryWaits {
    fn waits(&self) -> MutexGuard<'_, HashMap<EventId, Timestamp>> {
        // Nobody panics while holding it, and if somebody did, the moments are as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When an engine that has failed an event first asked for it again, if one has.
    pub fn since(&self, event_id: EventId) -> Option<Timestamp> {
        self.waits().get(&event_id).copied()
    }

    /// An engine that has failed an event asks for it again. Answers since when it does: since ever, if there are too many such
    /// events to remember.
    pub(super) fn begin(&self, event_id: EventId, now: Timestamp) -> Timestamp {
        let mut waits = self.waits();
        if waits.len() >= MAX_WAITING && !waits.contains_key(&event_id) {
            waits.retain(|_, since| *since + FORGOTTEN_AFTER > now);
            if waits.len() >= MAX_WAITING {
                return Timestamp::MIN;
            }
        }
        *waits.entry(event_id).or_insert(now)
    }

    /// When the next of them may be given to any engine.
    pub(super) fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        self.waits().values().map(|since| *since + PREFERS_FOR).filter(|end| *end > now).min()
    }

    /// An event does not wait any more.
    pub(super) fn end(&self, event_id: EventId) {
        self.waits().remove(&event_id);
    }
}

/// Whether another engine is to retry an event, and how many attempts have failed since it was enqueued or redriven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    pub mode: RetryElsewhere,
    pub failures: u32,
}

impl Retry {
    /// Of an event with this tally; none if it has not failed, or anybody may retry it.
    pub fn of(tally: Tally, mode: impl FnOnce() -> RetryElsewhere) -> Option<Self> {
        // A lost lock is no failure: whoever comes back, or is there still, takes the event at once.
        let retry = || Self { mode: mode(), failures: tally.retries };
        (tally.retries > 0).then(retry).filter(|retry| retry.mode != RetryElsewhere::Off)
    }
}

/// An event that another engine is to retry.
#[derive(Clone, Debug)]
pub struct RetriedEvent {
    retry: Retry,
    /// By their names.
    failed_by: Arc<[EngineId]>,
}

impl RetriedEvent {
    /// An event that these engines have failed, as the store names them: the last first.
    pub fn new(retry: Retry, mut failed_by: Vec<EngineId>) -> Self {
        failed_by.truncate(retry.failures as usize);
        failed_by.sort_unstable();
        failed_by.dedup();
        Self { retry, failed_by: failed_by.into() }
    }

    /// The engines that have failed it, by their names.
    pub fn failed_by(&self) -> &Arc<[EngineId]> {
        &self.failed_by
    }

    /// Whether it waits for another engine only for a while.
    pub fn prefers(&self) -> bool {
        self.retry.mode == RetryElsewhere::Prefer
    }

    /// The engines that are not to have it now. It has waited for another one `since` then; `others_fit` is asked whether an active
    /// engine beside these could run it.
    pub fn failed_on(
        &self,
        since: Option<Timestamp>,
        now: Timestamp,
        others_fit: impl FnOnce() -> bool,
    ) -> Option<FailedOn<'_>> {
        FailedOn::kept_from(self.retry.mode, &self.failed_by, since, now, others_fit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_waits_from_when_it_is_first_asked_for_and_of_too_many_none_more_does() {
        let (waits, now) = (RetryWaits::default(), Timestamp::from_millis(1_000_000));
        let id = |number: usize| EventId(uuid::Uuid::from_u128(number as u128));
        assert_eq!(waits.since(id(0)), None);
        assert_eq!((waits.begin(id(0), now), waits.begin(id(0), now + FORGOTTEN_AFTER / 2)), (now, now));
        let later = now + FORGOTTEN_AFTER / 2;
        (1..MAX_WAITING).for_each(|number| assert_eq!(waits.begin(id(number), later), later));
        assert_eq!(waits.begin(id(MAX_WAITING), later), Timestamp::MIN);
        waits.end(id(7));
        assert_eq!(waits.begin(id(MAX_WAITING), later), later);
        let old = now + FORGOTTEN_AFTER;
        assert_eq!((waits.begin(id(7), old), waits.since(id(0))), (old, None), "the first one is forgotten");
    }

    #[test]
    fn only_failures_since_the_last_redrive_count() {
        let failed_by = ["a", "b", "a", "c"].map(|name| name.parse().unwrap()).to_vec();
        let tally = |retries| Tally { retries, failures: 9, losses: 2 };
        let engines = |retries| {
            let retry = Retry::of(tally(retries), || RetryElsewhere::Prefer)?;
            let retried = RetriedEvent::new(retry, failed_by.clone());
            Some(retried.failed_by().iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(engines(0), None);
        assert_eq!(engines(1).unwrap(), ["a"]);
        assert_eq!(engines(3).unwrap(), ["a", "b"]);
        assert_eq!(engines(4).unwrap(), ["a", "b", "c"]);
        assert_eq!(Retry::of(tally(1), || RetryElsewhere::Off), None);
    }
}
