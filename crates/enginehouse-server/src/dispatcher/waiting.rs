//! Claims that have found nothing and wait: in memory, oldest first.
//!
//! Nothing is locked for a claim that waits, so a client that goes away while it does leaves nothing behind.
//!
//! A batch that may have something for some of them takes them out, so that no other batch serves them too, and puts back
//! those that it had nothing for.

use std::collections::{BTreeMap, HashMap, HashSet};

use enginehouse_core::ids::{EngineId, LaneId};
use enginehouse_core::request::Claim;
use tokio::time::Instant;

use super::Responder;
use super::commands::Exchanged;
use super::registry::Registry;

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
    /// Whether something may have become ready for it while nobody could serve it.
    pub(super) look_again: bool,
}

/// For which claims there may be something.
#[derive(Clone, Debug, Default)]
pub(super) struct News {
    /// How many events have become ready in each lane.
    pub(super) ready: HashMap<LaneId, u32>,
    /// Engines that may take more than before.
    pub(super) relieved: HashSet<EngineId>,
    /// Whether any claim may find more than before.
    pub(super) everything_changed: bool,
}

impl News {
    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.relieved.is_empty() && !self.everything_changed
    }

    /// Adds other news.
    pub(super) fn add(&mut self, other: Self) {
        for (lane_id, events) in other.ready {
            *self.ready.entry(lane_id).or_default() += events;
        }
        self.relieved.extend(other.relieved);
        self.everything_changed |= other.everything_changed;
    }
}

/// The claims that wait, by number: the oldest first.
#[derive(Default)]
pub(super) struct Waiting {
    parked: BTreeMap<u64, Parked>,
    last_number: u64,
    /// How many are taken out by batches.
    taken_out: usize,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.parked.len() + self.taken_out
    }

    pub(super) fn park(&mut self, park: impl FnOnce(u64) -> Parked) {
        self.last_number += 1;
        self.parked.insert(self.last_number, park(self.last_number));
    }

    /// Whether some claim is to be looked at again.
    pub(super) fn wants_look(&self) -> bool {
        self.parked.values().any(|parked| parked.look_again)
    }

    /// Whether some claim may find something now.
    pub(super) fn has_news(&self, news: &News, registry: &Registry) -> bool {
        !news.is_empty()
            && self.parked.values().any(|parked| {
                news.everything_changed
                    || news.relieved.contains(&parked.engine_id)
                    || news.ready.keys().any(|lane_id| registry.may_serve(&parked.engine_id, *lane_id))
            })
    }

    /// Takes out claims that may find something now: as many as there are events that have become ready for them, oldest
    /// first; those of engines that have changed themselves; and those that are to be looked at again.
    pub(super) fn take_woken(&mut self, news: &News, registry: &Registry) -> Vec<Parked> {
        if news.is_empty() && !self.wants_look() {
            return Vec::new();
        }
        let mut ready: Vec<(LaneId, u32)> = news.ready.iter().map(|(lane_id, events)| (*lane_id, *events)).collect();
        let mut woken = Vec::new();
        for parked in self.parked.values().filter(|parked| !parked.responder.is_closed()) {
            let of_lane = ready
                .iter_mut()
                .find(|(lane_id, events)| *events > 0 && registry.may_serve(&parked.engine_id, *lane_id));
            if let Some((_, events)) = of_lane {
                *events -= 1;
                woken.push(parked.number);
            } else if news.everything_changed || news.relieved.contains(&parked.engine_id) || parked.look_again {
                woken.push(parked.number);
            }
        }
        let woken: Vec<_> = woken.into_iter().filter_map(|number| self.parked.remove(&number)).collect();
        self.taken_out += woken.len();
        woken
    }

    /// Claims that were taken out have an answer now.
    pub(super) fn served(&mut self, claims: usize) {
        self.taken_out -= claims;
    }

    /// Puts back claims that were taken out.
    pub(super) fn put_back(&mut self, claims: impl IntoIterator<Item = Parked>) {
        for parked in claims {
            self.taken_out -= 1;
            self.parked.insert(parked.number, parked);
        }
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
