//! Requests that need what somebody else holds: set aside, tried again by themselves, and refused after a while.

use std::time::Duration;

use tokio::time::Instant;

use super::batch::RequestBatch;
use crate::timers::Timer;

/// How long a request is tried again. What servers hold of each other's rows is over within milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long between two rounds.
const ROUND: Duration = Duration::from_millis(100);

/// One request that was set aside.
pub(super) struct SetAside {
    pub(super) batch: RequestBatch,
    since: Instant,
}

impl SetAside {
    pub(super) fn now(batch: RequestBatch) -> Self {
        Self { batch, since: Timer::now() }
    }

    pub(super) fn since(batch: RequestBatch, since: Instant) -> Self {
        Self { batch, since }
    }

    pub(super) fn into_parts(self) -> (Instant, RequestBatch) {
        (self.since, self.batch)
    }

    /// Whether it has been tried long enough: it is answered in this round.
    pub(super) fn is_last_round(&self) -> bool {
        Timer::now().saturating_duration_since(self.since) >= PATIENCE
    }
}

/// The requests that were set aside and are not being carried out.
#[derive(Default)]
pub(super) struct SetAsideQueue {
    requests: Vec<SetAside>,
    next_round: Option<Instant>,
}

impl SetAsideQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Adds requests that were just set aside: they are tried at once.
    pub(super) fn add(&mut self, requests: impl IntoIterator<Item = SetAside>) {
        let before = self.requests.len();
        self.requests.extend(requests);
        if self.requests.len() > before {
            self.next_round = Some(Timer::now());
        }
    }

    /// Puts back requests that could not be carried out in a round.
    pub(super) fn put_back(&mut self, requests: Vec<SetAside>) {
        self.requests.extend(requests);
        self.wait_a_round();
    }

    /// Plans a round, for work that is not a request.
    pub(super) fn wait_a_round(&mut self) {
        let at = Timer::now() + ROUND;
        self.next_round = Some(self.next_round.map_or(at, |planned| planned.min(at)));
    }

    /// When the next round is to begin.
    pub(super) fn next_round(&self) -> Option<Instant> {
        self.next_round
    }

    /// The requests of a round that begins now; none if it is not yet time.
    pub(super) fn take_round(&mut self) -> Option<Vec<SetAside>> {
        self.next_round.filter(|at| *at <= Timer::now())?;
        self.next_round = None;
        Some(std::mem::take(&mut self.requests))
    }
}
