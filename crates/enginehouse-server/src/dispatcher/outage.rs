//! Outages: times in which engines could not be heard, so that their silence says nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_store::TransactionTime;
use tokio::time::Instant;

use super::pulse::{Pulse, Stall};
use super::sweep::SHARED_SWEEP_INTERVAL;
use crate::timers::Timer;

/// How long a transaction may take before that counts as an outage: requests wait for it meanwhile.
const SLOW_TRANSACTION: Duration = Duration::from_secs(5);
/// How much longer than it is looked at in any case a shared store may do nothing before it must have been away, without an
/// error: it or the way to it stood still. No engine that heartbeats is at risk before.
const STORE_SILENCE: Duration = Duration::from_millis(1_500);

/// How much time engines get to send a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grace {
    /// As much as the stop has taken from them.
    Stall(Stall),
    /// Their whole `lost_after`: nobody knows for how long they were not heard.
    Whole,
}

/// Knows whether the next transaction is the first one after an outage. That transaction grants grace.
///
/// Shared with the batches, which ask when their transactions have read the time: an outage may have ended just before. One that
/// was started after an outage, but came to its transaction only after another one had granted grace, must not grant it again:
/// by then, the engines have had their time.
#[derive(Clone)]
pub(super) struct OutageDetector(Arc<Mutex<Outages>>);

struct Outages {
    pulse: Arc<Pulse>,
    pending: Option<Grace>,
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
///
/// Dropped without [`AfterOutage::committed`], it was not done, and the next transaction has to do it.
pub(super) struct AfterOutage {
    outage: OutageDetector,
    pub(super) grace: Option<Grace>,
    /// Whether the clock has leapt, so that nothing is to be pruned for a while.
    pub(super) holds_pruning: bool,
    /// How many outages the grace covers.
    noted: u64,
    leaps: u64,
    is_done: bool,
}

impl OutageDetector {
    /// A start is the end of an outage.
    pub(super) fn new(pulse: Arc<Pulse>, store_is_shared: bool) -> Self {
        Self(Arc::new(Mutex::new(Outages {
            pulse,
            pending: Some(Grace::Whole),
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
        self.outages().note(Grace::Whole);
    }

    /// What a transaction that has just read the store's time has to do before it declares anything due. Every transaction asks, for
    /// each may be the only one that can tell that there was an outage; one that judges nobody's silence leaves the grace to others.
    pub(super) fn after_outage(&self, time: &dyn TransactionTime, judges_silence: bool) -> AfterOutage {
        let mut outages = self.outages();
        outages.look();
        if outages.jumps < time.jumps() {
            outages.jumps = time.jumps();
            outages.note(Grace::Whole);
        }
        let (grace, noted) = if judges_silence { (outages.pending, outages.noted) } else { (None, u64::MAX) };
        let holds_pruning = outages.leaps < time.leaps();
        AfterOutage { outage: self.clone(), grace, holds_pruning, noted, leaps: time.leaps(), is_done: false }
    }
}

impl AfterOutage {
    /// The transaction has committed. What it has granted is not pending any more, unless there was another outage since.
    pub(super) fn committed(&mut self, duration: Duration) {
        self.is_done = true;
        let mut outages = self.outage.outages();
        let now = Timer::now();
        outages.last_success = now;
        outages.leaps = outages.leaps.max(self.leaps);
        if self.noted == outages.noted {
            outages.pending = None;
        }
        if duration > SLOW_TRANSACTION {
            outages.note(Grace::Stall(Stall { length: duration, ended_at: now }));
        }
    }
}

impl Drop for AfterOutage {
    /// Another transaction may have granted the same grace, and committed; but not to the rows that this one held.
    fn drop(&mut self) {
        if let Some(grace) = self.grace.filter(|_| !self.is_done) {
            let mut outages = self.outage.outages();
            if outages.pending.is_none() {
                outages.note(grace);
            }
        }
    }
}

impl Outages {
    /// Looks for a stop of the process, and for one of a store that others share and that is looked at all the time.
    fn look(&mut self) {
        if let Some(stall) = self.pulse.take_stall() {
            let milliseconds = stall.length.as_millis();
            tracing::warn!(milliseconds, "the server was stopped or starved: engines get that time to send heartbeats");
            self.note(Grace::Stall(stall));
        }
        let now = Timer::now();
        let silence = now.saturating_duration_since(self.last_success).saturating_sub(SHARED_SWEEP_INTERVAL);
        if self.store_is_shared && silence > STORE_SILENCE {
            self.note(Grace::Stall(Stall { length: silence, ended_at: now }));
        }
    }

    fn note(&mut self, grace: Grace) {
        self.noted += 1;
        self.pending = Some(match (self.pending, grace) {
            (Some(Grace::Whole), _) | (_, Grace::Whole) => Grace::Whole,
            (Some(Grace::Stall(before)), Grace::Stall(stall)) => {
                Grace::Stall(Stall { length: before.length + stall.length, ..stall })
            }
            (None, stall) => stall,
        });
    }
}

#[cfg(test)]
mod tests {
    use enginehouse_core::generation::Generation;
    use enginehouse_core::time::Timestamp;
    use enginehouse_store::UnreadableRow;

    use super::*;

    /// A time that has jumped so often, and leapt so often.
    struct Jumps(u64, u64);

    const STEADY: Jumps = Jumps(0, 0);

    impl TransactionTime for Jumps {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(0)
        }

        fn jumps(&self) -> u64 {
            self.0
        }

        fn leaps(&self) -> u64 {
            self.1
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

    fn detector() -> (Arc<Pulse>, OutageDetector) {
        let pulse = Pulse::without_thread();
        let outage = OutageDetector::new(Arc::clone(&pulse), false);
        let mut start = outage.after_outage(&STEADY, true);
        assert_eq!(start.grace, Some(Grace::Whole));
        start.committed(Duration::ZERO);
        (pulse, outage)
    }

    #[test]
    fn grace_is_granted_once_by_a_transaction_that_commits() {
        let (_, outage) = detector();
        outage.found();
        let lost = outage.after_outage(&STEADY, true);
        assert_eq!(lost.grace, Some(Grace::Whole));
        drop(lost);
        let mut next = outage.after_outage(&STEADY, true);
        assert_eq!(next.grace, Some(Grace::Whole), "a transaction that was dropped leaves it to the next");
        next.committed(Duration::ZERO);
        assert_eq!(outage.after_outage(&STEADY, true).grace, None);
    }

    #[test]
    fn a_stop_while_a_transaction_grants_grace_is_left_to_the_next() {
        let (pulse, outage) = detector();
        pulse.stalled(Duration::from_secs(2));
        let mut first = outage.after_outage(&STEADY, true);
        pulse.stalled(Duration::from_secs(3));
        drop(outage.after_outage(&STEADY, true));
        first.committed(Duration::ZERO);
        let Some(Grace::Stall(stall)) = outage.after_outage(&STEADY, true).grace else {
            panic!("the second stop is forgotten")
        };
        assert_eq!(stall.length, Duration::from_secs(5), "both, since nobody knows which one the rows have had");
    }

    #[test]
    fn an_outage_that_a_transaction_has_seen_which_judges_nobody_is_left_to_one_that_does() {
        let (pulse, outage) = detector();
        outage.after_outage(&Jumps(1, 0), false).committed(Duration::ZERO);
        let mut jump = outage.after_outage(&Jumps(1, 0), true);
        assert_eq!(jump.grace, Some(Grace::Whole));
        jump.committed(Duration::ZERO);
        pulse.stalled(Duration::from_secs(2));
        outage.after_outage(&Jumps(1, 0), false).committed(Duration::ZERO);
        assert!(matches!(outage.after_outage(&Jumps(1, 0), true).grace, Some(Grace::Stall(_))));
    }

    #[test]
    fn what_a_failed_transaction_was_to_grant_is_granted_though_another_one_has_done_so() {
        let (_, outage) = detector();
        outage.found();
        let (one, mut other) = (outage.after_outage(&STEADY, true), outage.after_outage(&STEADY, true));
        other.committed(Duration::ZERO);
        drop(one);
        let mut again = outage.after_outage(&STEADY, true);
        assert_eq!(again.grace, Some(Grace::Whole), "the rows that the failed one had locked");
        again.committed(Duration::ZERO);
        assert_eq!(outage.after_outage(&STEADY, true).grace, None);
    }

    #[test]
    fn a_leap_holds_pruning_once_it_was_written() {
        let (_, outage) = detector();
        let lost = outage.after_outage(&Jumps(1, 1), false);
        assert!(lost.holds_pruning);
        drop(lost);
        let mut next = outage.after_outage(&Jumps(1, 1), false);
        assert!(next.holds_pruning);
        next.committed(Duration::ZERO);
        assert!(!outage.after_outage(&Jumps(1, 1), true).holds_pruning);
        assert!(outage.after_outage(&Jumps(2, 2), true).holds_pruning);
    }
}
