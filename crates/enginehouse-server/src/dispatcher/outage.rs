//! Outages: times in which engines could not be heard, so that their silence says nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
    last_success: Instant,
    store_is_shared: bool,
}

/// What a transaction has to grant.
#[derive(Clone, Copy, Debug)]
pub(super) struct GrantedGrace {
    pub(super) grace: Option<Grace>,
    /// How many outages it covers.
    noted: u64,
}

impl GrantedGrace {
    /// That of a transaction which judges nobody's silence.
    pub(super) const NONE: Self = Self { grace: None, noted: u64::MAX };
}

impl OutageDetector {
    /// A start is the end of an outage.
    pub(super) fn new(pulse: Arc<Pulse>, store_is_shared: bool) -> Self {
        let outages =
            Outages { pulse, pending: Some(Grace::Whole), noted: 0, last_success: Timer::now(), store_is_shared };
        Self(Arc::new(Mutex::new(outages)))
    }

    fn outages(&self) -> MutexGuard<'_, Outages> {
        // Nobody panics while holding it, and if somebody did, what is pending is as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There was an outage of unknown length: the store was away.
    pub(super) fn found(&self) {
        self.outages().note(Grace::Whole);
    }

    /// What a transaction that has just read the store's time has to grant before it declares anything due.
    pub(super) fn due_grace(&self, clock_jumped: bool) -> GrantedGrace {
        let mut outages = self.outages();
        outages.look();
        if clock_jumped {
            outages.note(Grace::Whole);
        }
        GrantedGrace { grace: outages.pending, noted: outages.noted }
    }

    /// A transaction has committed. What it has granted is not pending any more, unless there was another outage since.
    pub(super) fn committed(&self, granted: GrantedGrace, duration: Duration) {
        let mut outages = self.outages();
        let now = Timer::now();
        outages.last_success = now;
        if granted.noted == outages.noted {
            outages.pending = None;
        }
        if duration > SLOW_TRANSACTION {
            outages.note(Grace::Stall(Stall { length: duration, ended_at: now }));
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
    use super::*;

    fn detector() -> (Arc<Pulse>, OutageDetector) {
        let pulse = Pulse::without_thread();
        let outage = OutageDetector::new(Arc::clone(&pulse), false);
        let start = outage.due_grace(false);
        assert_eq!(start.grace, Some(Grace::Whole));
        outage.committed(start, Duration::ZERO);
        (pulse, outage)
    }

    #[test]
    fn grace_is_granted_once_by_a_transaction_that_commits() {
        let (_, outage) = detector();
        outage.found();
        let lost = outage.due_grace(false);
        assert_eq!(lost.grace, Some(Grace::Whole));
        let next = outage.due_grace(false);
        assert_eq!(next.grace, Some(Grace::Whole), "a transaction that was dropped leaves it to the next");
        outage.committed(next, Duration::ZERO);
        assert_eq!(outage.due_grace(false).grace, None);
    }

    #[test]
    fn a_stop_while_a_transaction_grants_grace_is_left_to_the_next() {
        let (pulse, outage) = detector();
        pulse.stalled(Duration::from_secs(2));
        let first = outage.due_grace(false);
        pulse.stalled(Duration::from_secs(3));
        outage.due_grace(false);
        outage.committed(first, Duration::ZERO);
        let Some(Grace::Stall(stall)) = outage.due_grace(false).grace else { panic!("the second stop is forgotten") };
        assert_eq!(stall.length, Duration::from_secs(5), "both, since nobody knows which one the rows have had");
    }
}
