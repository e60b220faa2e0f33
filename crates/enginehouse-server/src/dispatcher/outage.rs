//! Outages: times in which engines could not be heard, so that their silence says nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_core::time::Timestamp;
use enginehouse_store::TransactionTime;
use tokio::time::Instant;

use super::deadlines::SHARED_SWEEP_INTERVAL;
use super::pulse::{Pulse, Stall};
use crate::timers::Timer;

/// How long a transaction may take before that counts as an outage: requests wait for it meanwhile.
const SLOW_TRANSACTION: Duration = Duration::from_secs(5);
/// How much longer than it is looked at in any case a shared store may do nothing before it must have been away, without an
/// error: it or the way to it stood still. No engine that heartbeats is at risk before.
const STORE_SILENCE: Duration = Duration::from_millis(1_500);

/// For how long, once grace was granted in a shared store, it is granted again.
///
/// Granting waits for nobody: it leaves out the rows that another transaction has locked, and that one may fail and leave them as
/// they were. By the end of this time it has ended.
pub(super) const GRANTED_AGAIN: Duration = Duration::from_secs(1);

/// Why engines could not be heard.
#[derive(Clone, Copy, Debug)]
enum Outage {
    /// The process, or the store, has stood still.
    Stall(Stall),
    /// The store was away, or its clock was set: nobody knows for how long.
    Unknown,
}

/// How much time engines get to send a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grace {
    /// When they could be heard again.
    pub(super) resumed_at: Timestamp,
    /// For how long they could not be heard: as much they get. Their whole `lost_after`, if nobody knows.
    pub(super) length: Option<Duration>,
    /// Whether it was granted before, to all but those whose rows were locked.
    pub(super) is_again: bool,
}

impl Grace {
    /// When the outage began, as far as that is known. What arrives after it may have been sent before.
    pub(super) fn began_at(self) -> Timestamp {
        self.length.map_or(Timestamp::MIN, |length| self.resumed_at - length)
    }
}

/// Knows whether there was an outage of which the engines have not had their grace.
///
/// Shared with the batches, which ask when their transactions have read the time: an outage may have ended just before. A sweep
/// grants the grace, before anybody is declared lost. Until that is done for all, no lock that has expired during the outage is
/// refused to its holder.
#[derive(Clone)]
pub(super) struct OutageDetector(Arc<Mutex<Outages>>);

struct Outages {
    pulse: Arc<Pulse>,
    pending: Option<Outage>,
    /// When a pending stall has ended, in the store's time, once a transaction has read that.
    resumed_at: Option<Timestamp>,
    /// When grace was first granted for what is pending, in the store's time.
    granted_at: Option<Timestamp>,
    /// How many outages were noted.
    noted: u64,
    /// How many jumps of the store's time were noted.
    jumps: u64,
    /// For how many of its leaps pruning is held.
    leaps: u64,
    last_success: Instant,
    store_is_shared: bool,
}

/// What a transaction has to do because of an outage, before it does anything else.
#[derive(Clone, Copy, Debug)]
pub(super) struct AfterOutage {
    /// The grace that a sweep has to grant.
    pub(super) grace: Option<Grace>,
    /// Whether the clock has leapt, so that nothing is to be pruned for a while.
    pub(super) holds_pruning: bool,
    now: Timestamp,
    /// How many outages the grace covers.
    noted: u64,
    leaps: u64,
}

impl OutageDetector {
    /// A start is the end of an outage.
    pub(super) fn new(pulse: Arc<Pulse>, store_is_shared: bool) -> Self {
        Self(Arc::new(Mutex::new(Outages {
            pulse,
            pending: Some(Outage::Unknown),
            resumed_at: None,
            granted_at: None,
            noted: 0,
            jumps: 0,
            leaps: 0,
            last_success: Timer::now(),
            store_is_shared,
        })))
    }

    fn outages(&self) -> MutexGuard<'_, Outages> {
        // Nobody panics while holding it, and if somebody did, what is pending is as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There was an outage of unknown length: the store was away.
    pub(super) fn found(&self) {
        self.outages().note(Outage::Unknown);
    }

    /// What a transaction that has just read the store's time has to do before it declares anything due. Every transaction asks, for
    /// each may be the only one that can tell that there was an outage.
    pub(super) fn after_outage(&self, time: &dyn TransactionTime) -> AfterOutage {
        let mut outages = self.outages();
        let now = time.now();
        if outages.granted_at.is_some_and(|at| now >= at + GRANTED_AGAIN) {
            (outages.pending, outages.granted_at) = (None, None);
        }
        outages.look();
        if outages.jumps < time.jumps() {
            outages.jumps = time.jumps();
            outages.note(Outage::Unknown);
        }
        let holds_pruning = outages.leaps < time.leaps();
        AfterOutage { grace: outages.grace(now), holds_pruning, now, noted: outages.noted, leaps: time.leaps() }
    }

    /// A transaction has committed, which may have granted the grace. If there was another outage since, that one is still pending.
    pub(super) fn committed(&self, after: AfterOutage, has_granted: bool, duration: Duration) {
        let mut outages = self.outages();
        let ended_at = Timer::now();
        outages.last_success = ended_at;
        outages.leaps = outages.leaps.max(after.leaps);
        if has_granted && after.grace.is_some() && after.noted == outages.noted {
            outages.granted_at.get_or_insert(after.now);
            if !outages.store_is_shared {
                (outages.pending, outages.granted_at) = (None, None);
            }
        }
        if duration > SLOW_TRANSACTION {
            outages.note(Outage::Stall(Stall { length: duration, ended_at }));
        }
    }
}

impl Outages {
    /// Looks for a stop of the process, and for one of a store that others share and that is looked at all the time.
    fn look(&mut self) {
        if let Some(stall) = self.pulse.take_stall() {
            let milliseconds = stall.length.as_millis();
            tracing::warn!(milliseconds, "the server was stopped or starved: engines get that time to send heartbeats");
            self.note(Outage::Stall(stall));
        }
        let now = Timer::now();
        let silence = now.saturating_duration_since(self.last_success);
        if self.store_is_shared && silence > SHARED_SWEEP_INTERVAL + STORE_SILENCE {
            self.note(Outage::Stall(Stall { length: silence, ended_at: now }));
        }
    }

    fn note(&mut self, outage: Outage) {
        self.noted += 1;
        self.resumed_at = None;
        let not_granted = self.pending.filter(|_| self.granted_at.take().is_none());
        self.pending = Some(match (not_granted, outage) {
            (Some(Outage::Unknown), _) | (_, Outage::Unknown) => Outage::Unknown,
            (Some(Outage::Stall(before)), Outage::Stall(stall)) => {
                Outage::Stall(Stall { length: before.length + stall.length, ..stall })
            }
            (None, stall) => stall,
        });
    }

    fn grace(&mut self, now: Timestamp) -> Option<Grace> {
        let (resumed_at, length) = match self.pending? {
            Outage::Stall(Stall { length, ended_at }) => {
                let ended = || now - Timer::now().saturating_duration_since(ended_at);
                (*self.resumed_at.get_or_insert_with(ended), Some(length))
            }
            Outage::Unknown => (self.granted_at.unwrap_or(now), None),
        };
        Some(Grace { resumed_at, length, is_again: self.granted_at.is_some() })
    }
}

#[cfg(test)]
mod tests {
    use enginehouse_core::generation::Generation;
    use enginehouse_store::UnreadableRow;

    use super::*;

    /// A store's time.
    #[derive(Clone, Copy)]
    struct At {
        millis: i64,
        jumps: u64,
        leaps: u64,
    }

    const START: At = At { millis: 50_000, jumps: 0, leaps: 0 };

    impl TransactionTime for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.millis)
        }

        fn jumps(&self) -> u64 {
            self.jumps
        }

        fn leaps(&self) -> u64 {
            self.leaps
        }

        fn unreadable(&self, _: &str, _: &str) -> Option<&UnreadableRow> {
            None
        }

        fn catch_up(&mut self) -> Timestamp {
            self.now()
        }

        fn generation(&self) -> Generation {
            Generation::from_number(0)
        }
    }

    const WHOLE: Option<Grace> =
        Some(Grace { resumed_at: Timestamp::from_millis(START.millis), length: None, is_again: false });

    /// What a sweep has granted that has committed.
    fn sweep(outage: &OutageDetector, time: At) -> Option<Grace> {
        let after = outage.after_outage(&time);
        outage.committed(after, true, Duration::ZERO);
        after.grace
    }

    /// A detector that has got over the start.
    fn detector(store_is_shared: bool) -> (Arc<Pulse>, OutageDetector) {
        let pulse = Pulse::without_thread();
        let outage = OutageDetector::new(Arc::clone(&pulse), store_is_shared);
        assert!(sweep(&outage, At { millis: 0, ..START }).is_some());
        assert_eq!(sweep(&outage, START), None);
        (pulse, outage)
    }

    #[test]
    fn grace_is_granted_once_by_a_sweep_that_commits() {
        let (_, outage) = detector(false);
        outage.found();
        assert_eq!(outage.after_outage(&START).grace, WHOLE);
        assert_eq!(sweep(&outage, START), WHOLE, "a transaction that was dropped leaves it to the next");
        assert_eq!(sweep(&outage, START), None);
    }

    #[test]
    fn in_a_shared_store_it_is_granted_again_for_a_while() {
        let (_, outage) = detector(true);
        outage.found();
        let at = |millis| At { millis: START.millis + millis, ..START };
        for (millis, want) in [(0, true), (500, true), (999, true), (1_000, false), (1_001, false)] {
            let again = WHOLE.map(|grace| Grace { is_again: millis > 0, ..grace });
            assert_eq!(sweep(&outage, at(millis)), again.filter(|_| want), "{millis}: as much as at first");
        }
    }

    #[test]
    fn a_stop_while_a_transaction_grants_grace_is_left_to_the_next() {
        let (pulse, outage) = detector(false);
        pulse.stalled(Duration::from_secs(2));
        let first = outage.after_outage(&START);
        pulse.stalled(Duration::from_secs(3));
        outage.after_outage(&START);
        outage.committed(first, true, Duration::ZERO);
        let grace = outage.after_outage(&START).grace.expect("the second stop is pending");
        assert_eq!(grace.length, Some(Duration::from_secs(5)), "both, since nobody knows which one the rows have had");
    }

    #[test]
    fn a_stop_after_another_one_was_granted_is_no_longer_than_it_was() {
        let (pulse, outage) = detector(true);
        pulse.stalled(Duration::from_secs(2));
        sweep(&outage, START);
        pulse.stalled(Duration::from_secs(3));
        let grace = sweep(&outage, START).expect("the second stop is pending");
        assert_eq!(grace.length, Some(Duration::from_secs(3)));
        let since = START.now().since(grace.began_at());
        assert!(since >= Duration::from_secs(3) && since < Duration::from_secs(30), "{since:?}");
    }

    #[test]
    fn an_outage_that_another_transaction_comes_across_first_is_left_to_a_sweep() {
        let (pulse, outage) = detector(false);
        let jumped = At { jumps: 1, ..START };
        outage.committed(outage.after_outage(&jumped), false, Duration::ZERO);
        assert_eq!(sweep(&outage, jumped), WHOLE);
        assert_eq!(sweep(&outage, jumped), None);
        pulse.stalled(Duration::from_secs(2));
        outage.committed(outage.after_outage(&jumped), false, Duration::ZERO);
        assert!(sweep(&outage, jumped).is_some_and(|grace| grace.length.is_some()));
    }

    #[test]
    fn a_leap_holds_pruning_once_it_was_written() {
        let (_, outage) = detector(false);
        let (one, two) = (At { jumps: 1, leaps: 1, ..START }, At { jumps: 2, leaps: 2, ..START });
        assert!(outage.after_outage(&one).holds_pruning);
        let next = outage.after_outage(&one);
        assert!(next.holds_pruning, "the one before it was dropped");
        outage.committed(next, false, Duration::ZERO);
        assert!(!outage.after_outage(&one).holds_pruning);
        assert!(outage.after_outage(&two).holds_pruning);
    }
}
