//! Wake-ups on their way from one batch to the next.
//!
//! **No event is missed by a claim that is about to wait.** A claim that has found nothing may have looked just before
//! another batch, or another server, made an event ready. So a claim looks again if any batch has made something ready
//! since it began. And a batch that has made something ready while others were in flight wakes the claims that wait now.
//!
//! **And no event wakes claims for ever.** A batch may look for an event that another one holds, and does not take in the end.
//! So what it was to look for is looked for once more, if it had company: once, or batches that look for nothing else keep each
//! other company until nobody waits any more.

use std::collections::HashMap;
use std::time::Duration;

use enginehouse_core::ids::{EventId, LaneId};
use enginehouse_store::RemoteChanges;
use tokio::time::Instant;

use super::wake_ups::{EventForOthers, WakeUps};

/// How often to look for ready events in any case, where others share the store.
const SHARED_READY_INTERVAL: Duration = Duration::from_secs(1);

/// Wake-ups that no batch has taken yet, and what they depend on.
#[derive(Default)]
pub(super) struct PendingWakeUps {
    /// For what no batch has looked for yet.
    new: WakeUps,
    /// For what a batch has looked for that had company.
    repeated: WakeUps,
    /// Whether a claim that is to look again may find its engine free now.
    pub(super) look_again: bool,
    /// How often something has become ready.
    ready_count: u64,
    /// The version of the settings, as others have last told it.
    settings_version: Option<i64>,
    /// When ready events were last looked for in any case.
    looked_at: Option<Instant>,
}

/// Wake-ups that a batch has taken.
#[derive(Clone, Debug, Default)]
pub(super) struct TakenWakeUps {
    new: WakeUps,
    repeated: WakeUps,
    /// How often something had become ready before.
    ready_count: u64,
}

impl TakenWakeUps {
    /// Those that it has taken, and others.
    pub(super) fn and(&self, others: &WakeUps) -> WakeUps {
        let mut all = self.new.clone();
        all.merge(self.repeated.clone());
        all.merge(others.clone());
        all
    }
}

impl PendingWakeUps {
    /// Whether `may_serve` some of them.
    pub(super) fn any(&self, may_serve: impl Fn(&WakeUps) -> bool) -> bool {
        may_serve(&self.new) || may_serve(&self.repeated)
    }

    /// Nobody waits whom they could wake.
    pub(super) fn clear(&mut self) {
        self.new = WakeUps::default();
        self.repeated = WakeUps::default();
        self.look_again = false;
    }

    /// A batch begins, and takes them.
    pub(super) fn take(&mut self) -> TakenWakeUps {
        self.look_again = false;
        TakenWakeUps {
            new: std::mem::take(&mut self.new),
            repeated: std::mem::take(&mut self.repeated),
            ready_count: self.ready_count,
        }
    }

    /// Whether something has become ready since a batch began.
    pub(super) fn has_more_since(&self, taken: &TakenWakeUps) -> bool {
        self.ready_count != taken.ready_count
    }

    /// A transaction of a batch has committed, and has made some itself.
    pub(super) fn committed(&mut self, made: WakeUps, had_company: bool) {
        self.ready_count += u64::from(!made.is_empty());
        if had_company {
            self.new.merge(made);
        }
    }

    /// A batch has ended. What others may have held meanwhile is looked for once more, after a failure for the first time.
    pub(super) fn ended(&mut self, mut taken: TakenWakeUps, had_company: bool, failed: bool) {
        if failed {
            self.new.merge(taken.new);
            self.repeated.merge(taken.repeated);
        } else {
            // Whoever has passed over an event again has told it again.
            taken.new.passed_over.clear();
            taken.new.for_others.clear();
            self.ready_count += u64::from(!taken.new.is_empty());
            if had_company {
                self.repeated.merge(taken.new);
            }
        }
    }

    /// Lanes with an event that a claim was woken for, but whose engine holds others: it is for one that is idle.
    pub(super) fn passed_over(&mut self, lanes: impl IntoIterator<Item = LaneId>) {
        self.new.passed_over.extend(lanes);
    }

    /// Events that a claim was woken for, but that its engine has failed: they are for engines that have not.
    pub(super) fn for_others(&mut self, events: HashMap<EventId, EventForOthers>) {
        self.new.for_others.extend(events);
    }

    /// Lanes with an event that a claim was woken for, but whose engine is held back for another one: it is for the next claim.
    pub(super) fn kept_from(&mut self, lanes: impl IntoIterator<Item = LaneId>) {
        for lane_id in lanes {
            *self.new.ready.entry(lane_id).or_default() += 1;
        }
    }

    /// Others have told which settings there are now. Answers whether they have changed.
    pub(super) fn learn_settings(&mut self, version: i64) -> bool {
        self.settings_version.replace(version) != Some(version)
    }

    /// Others have changed the store.
    pub(super) fn take_in(&mut self, changes: &RemoteChanges, settings_changed: bool) {
        let anything_changed = settings_changed || changes.everything;
        self.ready_count += u64::from(anything_changed || !changes.arrivals.is_empty());
        self.new.all |= anything_changed;
        for (lane_id, _, events) in &changes.arrivals {
            *self.new.ready.entry(*lane_id).or_default() += events;
        }
    }

    /// Whether it is time to look for ready events in any case.
    pub(super) fn is_time_to_look(&mut self, now: Instant) -> bool {
        let is_due = self.looked_at.is_none_or(|at| now.saturating_duration_since(at) >= SHARED_READY_INTERVAL);
        if is_due {
            self.looked_at = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(lane_id: i64) -> WakeUps {
        WakeUps { ready: [(LaneId(lane_id), 1)].into(), ..WakeUps::default() }
    }

    fn lanes(taken: &TakenWakeUps) -> Vec<i64> {
        let mut lanes: Vec<_> = taken.and(&WakeUps::default()).ready.into_keys().map(|LaneId(lane)| lane).collect();
        lanes.sort_unstable();
        lanes
    }

    #[test]
    fn what_a_batch_with_company_has_looked_for_is_looked_for_once_more_and_then_no_more() {
        let mut pending = PendingWakeUps::default();
        pending.committed(ready(1), true);
        let first = pending.take();
        assert_eq!(lanes(&first), [1]);
        pending.ended(first, true, false);
        let second = pending.take();
        assert_eq!(lanes(&second), [1], "another batch may have held the event, and not taken it");
        pending.ended(second, true, false);
        assert_eq!(
            lanes(&pending.take()),
            [0; 0],
            "batches that look for the same again would be company for each other for ever"
        );
    }

    #[test]
    fn a_batch_alone_has_served_whomever_it_could() {
        let mut pending = PendingWakeUps::default();
        pending.committed(ready(1), false);
        assert_eq!(lanes(&pending.take()), [0; 0]);
        pending.committed(ready(1), true);
        let taken = pending.take();
        pending.ended(taken, false, false);
        assert_eq!(lanes(&pending.take()), [0; 0]);
    }

    #[test]
    fn what_a_failed_batch_was_to_look_for_is_looked_for_as_often_as_before() {
        let mut pending = PendingWakeUps::default();
        pending.committed(ready(1), true);
        for failed in [true, true, false] {
            let taken = pending.take();
            assert_eq!(lanes(&taken), [1]);
            pending.ended(taken, true, failed);
        }
        let again = pending.take();
        assert_eq!(lanes(&again), [1]);
        pending.ended(again, true, true);
        let again = pending.take();
        assert_eq!(lanes(&again), [1]);
        pending.ended(again, true, false);
        assert_eq!(lanes(&pending.take()), [0; 0]);
    }

    #[test]
    fn a_batch_learns_whether_something_has_become_ready_since_it_began() {
        let mut pending = PendingWakeUps::default();
        pending.committed(ready(1), true);
        let (looks, beside) = (pending.take(), pending.take());
        assert!(!pending.has_more_since(&beside));
        pending.ended(looks, false, false);
        assert!(pending.has_more_since(&beside), "it may have held what the other one was to look for");
        let beside = pending.take();
        pending.committed(WakeUps::default(), true);
        assert!(!pending.has_more_since(&beside));
        pending.committed(ready(2), true);
        assert!(pending.has_more_since(&beside));
    }
}
