//! The earliest deadline of each kind, and when the scheduler has to look at them next.

use std::time::Duration;

use enginehouse_core::time::Timestamp;
use tokio::time::Instant;

use crate::timers::Timer;

/// How long at most between two looks for expired locks and silent engines, where other servers share the store.
pub(super) const SHARED_SWEEP_INTERVAL: Duration = Duration::from_millis(800);

/// The earliest time of each kind at which something falls due; none if nothing does.
///
/// A deadline may be too early, because the lock was renewed since. Then the sweep finds nothing, and notes when to
/// look again. It is never too late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Deadlines {
    /// A lock expires.
    pub(super) lock_expiry: Option<Timestamp>,
    /// An engine is lost.
    pub(super) engine_loss: Option<Timestamp>,
    /// A queued event expires.
    pub(super) event_expiry: Option<Timestamp>,
    /// A delayed event becomes ready. It is kept only while claims wait for events: see `ready_known`.
    pub(super) ready: Option<Timestamp>,
    /// Whether `ready` is known.
    pub(super) ready_known: bool,
    /// The retention of a finished event ends.
    pub(super) retention: Option<Timestamp>,
    /// What was counted of durations and minutes goes to the store.
    pub(super) statistics: Option<Timestamp>,
    /// Lanes that may starve are looked at.
    pub(super) hold_backs: Option<Timestamp>,
}

impl Deadlines {
    /// Everything is due: what an earlier process knew is lost.
    pub(super) fn overdue() -> Self {
        let overdue = Some(Timestamp::MIN);
        Self {
            lock_expiry: overdue,
            engine_loss: overdue,
            event_expiry: overdue,
            retention: overdue,
            ..Self::default()
        }
    }

    /// Takes the earlier deadline of each kind.
    pub(super) fn merge(&mut self, other: Self) {
        bring_forward(&mut self.lock_expiry, other.lock_expiry);
        bring_forward(&mut self.engine_loss, other.engine_loss);
        bring_forward(&mut self.event_expiry, other.event_expiry);
        bring_forward(&mut self.retention, other.retention);
        bring_forward(&mut self.statistics, other.statistics);
        bring_forward(&mut self.hold_backs, other.hold_backs);
        bring_forward(&mut self.ready, other.ready);
        self.ready_known |= other.ready_known;
    }

    /// Each kind by itself.
    pub(super) fn each_kind(self) -> [Self; 5] {
        let none = Self { ready_known: self.ready_known, ..Self::default() };
        [
            Self { lock_expiry: self.lock_expiry, ..none },
            Self { engine_loss: self.engine_loss, ready: self.ready, ..none },
            Self { event_expiry: self.event_expiry, ..none },
            Self { retention: self.retention, ..none },
            Self { statistics: self.statistics, hold_backs: self.hold_backs, ..none },
        ]
    }

    fn earliest(&self) -> Option<Timestamp> {
        let Self { lock_expiry, engine_loss, event_expiry, ready, ready_known: _, retention, statistics, hold_backs } =
            *self;
        [lock_expiry, engine_loss, event_expiry, ready, retention, statistics, hold_backs].into_iter().flatten().min()
    }
}

/// Moves a deadline to another time, if that is earlier.
pub(super) fn bring_forward(deadline: &mut Option<Timestamp>, to: Option<Timestamp>) {
    *deadline = match (*deadline, to) {
        (Some(present), Some(to)) => Some(present.min(to)),
        (present, to) => present.or(to),
    };
}

/// When the scheduler has to sweep next.
///
/// Deadlines are in the store's time, but the scheduler sleeps by the monotonic clock of its process. So it keeps the
/// store's time together with the instant at which it was read.
pub(super) struct SweepSchedule {
    deadlines: Deadlines,
    store_time: Timestamp,
    store_time_read_at: Instant,
    /// Whether a batch that sweeps is in flight. It has taken the deadlines with it.
    in_flight: bool,
    /// No sweep before this instant: the store has just failed.
    back_off_until: Option<Instant>,
}

impl SweepSchedule {
    /// Everything is due. The sweep after a crash is the sweep of every day.
    pub(super) fn new() -> Self {
        Self {
            deadlines: Deadlines::overdue(),
            store_time: Timestamp::MIN,
            store_time_read_at: Timer::now(),
            in_flight: false,
            back_off_until: None,
        }
    }

    /// Whether a batch that sweeps is in flight.
    pub(super) fn in_flight(&self) -> bool {
        self.in_flight
    }

    /// The store's time, as of the last commit.
    pub(super) fn store_time(&self) -> Timestamp {
        self.store_time
    }

    /// Notes the store's time, which a transaction has just read.
    pub(super) fn read_store_time(&mut self, now: Timestamp) {
        if now >= self.store_time {
            self.store_time = now;
            self.store_time_read_at = Timer::now();
        }
    }

    /// The deadlines for a batch that sweeps. Only one at a time does.
    pub(super) fn begin_sweep(&mut self) -> Deadlines {
        self.in_flight = true;
        std::mem::take(&mut self.deadlines)
    }

    /// The deadlines for a batch that does not sweep: none, but it may learn when the next event becomes ready.
    pub(super) fn without_sweep(&self) -> Deadlines {
        Deadlines { ready_known: self.deadlines.ready_known, ..Deadlines::default() }
    }

    /// A batch that sweeps has ended.
    pub(super) fn end_sweep(&mut self) {
        self.in_flight = false;
    }

    /// Takes in the deadlines that a transaction has found.
    pub(super) fn merge(&mut self, deadlines: Deadlines) {
        self.deadlines.merge(deadlines);
    }

    /// Looks for ready events at `at`, if no earlier look is planned.
    pub(super) fn look_for_ready(&mut self, at: Timestamp) {
        bring_forward(&mut self.deadlines.ready, Some(at));
    }

    /// Writes what was counted of durations and minutes at `at`, if that is not to be done before.
    pub(super) fn write_statistics(&mut self, at: Timestamp) {
        bring_forward(&mut self.deadlines.statistics, Some(at));
    }

    /// A claim begins to wait. The batch that was to find out when the next event becomes ready did so before.
    pub(super) fn claim_waits(&mut self) {
        if !self.deadlines.ready_known {
            self.look_for_ready(self.store_time);
        }
    }

    /// A transaction has failed: its deadlines are kept, and nothing is looked at before `until`.
    pub(super) fn failed(&mut self, deadlines: Option<Deadlines>, until: Instant) {
        if let Some(deadlines) = deadlines {
            self.deadlines.merge(Deadlines { ready_known: false, ..deadlines });
        }
        self.deadlines.ready_known = false;
        self.look_for_ready(self.store_time);
        self.back_off_until = Some(until);
    }

    /// Whether the store has just failed, and is left alone for a while but for what callers ask.
    pub(super) fn backs_off(&self) -> bool {
        self.back_off_until.is_some_and(|until| until > Timer::now())
    }

    /// When to sweep next; never in the past.
    pub(super) fn next_sweep(&mut self) -> Option<Instant> {
        let now = Timer::now();
        self.back_off_until = self.back_off_until.filter(|until| *until > now);
        let due = self.deadlines.earliest()?;
        let due = self.store_time_read_at.checked_add(due.since(self.store_time))?;
        Some(due.max(self.back_off_until.unwrap_or(now)).max(now))
    }
}
