//! Claims that have found nothing and wait: in memory, oldest first.
//!
//! Nothing is locked for a claim that waits, so a client that goes away while it does leaves nothing behind.

use std::collections::BTreeMap;

use enginehouse_core::ids::{EngineId, LaneId};
use enginehouse_core::request::Claim;
use tokio::time::Instant;

use super::Responder;
use super::commands::Exchanged;
use super::registry::Registry;
use super::report::Report;

/// A claim that waits.
pub(super) struct Parked {
    pub(super) number: u64,
    pub(super) engine_id: EngineId,
    pub(super) epoch: i64,
    pub(super) claim: Claim,
    /// What the exchange has brought so far.
    pub(super) exchanged: Exchanged,
    /// When it is answered with nothing.
    pub(super) until: Instant,
    pub(super) responder: Responder,
}

/// The claims that wait, by number: the oldest first.
#[derive(Default)]
pub(super) struct Waiting {
    parked: BTreeMap<u64, Parked>,
    last_number: u64,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.parked.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.parked.len()
    }

    pub(super) fn park(&mut self, park: impl FnOnce(u64) -> Parked) {
        self.last_number += 1;
        self.parked.insert(self.last_number, park(self.last_number));
    }

    pub(super) fn take(&mut self, number: u64) -> Option<Parked> {
        self.parked.remove(&number)
    }

    /// Claims that may find something now: as many as there are events that have become ready for them, oldest first; and
    /// those of engines that have changed themselves.
    pub(super) fn woken(&self, report: &Report, registry: &Registry) -> Vec<&Parked> {
        let mut ready: Vec<(LaneId, u32)> = report.ready.iter().map(|(lane_id, events)| (*lane_id, *events)).collect();
        if ready.is_empty() && report.relieved.is_empty() && !report.everything_changed {
            return Vec::new();
        }
        let mut woken = Vec::new();
        for parked in self.parked.values() {
            if parked.responder.is_closed() {
                continue;
            }
            let of_lane = ready
                .iter_mut()
                .find(|(lane_id, events)| *events > 0 && registry.could_serve(&parked.engine_id, *lane_id));
            if let Some((_, events)) = of_lane {
                *events -= 1;
                woken.push(parked);
            } else if report.everything_changed || report.relieved.contains(&parked.engine_id) {
                woken.push(parked);
            }
        }
        woken
    }

    /// Takes out claims whose time is over, and those whose clients have gone.
    pub(super) fn overdue(&mut self, now: Instant) -> Vec<Parked> {
        let over: Vec<_> = self
            .parked
            .values()
            .filter(|parked| parked.until <= now || parked.responder.is_closed())
            .map(|parked| parked.number)
            .collect();
        over.into_iter().filter_map(|number| self.parked.remove(&number)).collect()
    }

    /// Takes out every claim.
    pub(super) fn take_all(&mut self) -> Vec<Parked> {
        std::mem::take(&mut self.parked).into_values().collect()
    }

    /// When the next claim's time is over.
    pub(super) fn next_until(&self) -> Option<Instant> {
        self.parked.values().map(|parked| parked.until).min()
    }
}
