//! Nothing starves: an engine is held back for an event that has waited long, and what would delay that one waits.
//!
//! Small events fit where a large one does not, and each that is given keeps the large one waiting. So once the first event of
//! a lane has waited for long enough, the engine that is expected to be free for it first is held back for it: until then, the
//! engine is given an event of the same priority, or of a lower one, only if that leaves room for both, or ends before (backfill,
//! as batch schedulers call it). What is expected is what was seen of each type of events.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Abilities;
use crate::ids::EventId;
use crate::lane::LaneKey;
use crate::time::Timestamp;

/// Something that an engine works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldWork {
    /// When it is expected to end.
    pub ends_at: Timestamp,
    pub memory_mb: u64,
    /// Whether it must be its engine's only one.
    pub final_attempt: bool,
}

/// When an engine is expected to have room for an event, and what room there is then beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    pub opens_at: Timestamp,
    /// How many more locks it may hold then.
    pub spare_locks: u32,
    /// How much memory is left then, in MiB; no bound if the event needs none.
    pub spare_memory_mb: Option<u64>,
}

/// For what an engine is held back, as its gate looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldBack {
    /// The priority of the event that has waited long, as it counts by now.
    pub priority: u8,
    pub reservation: Reservation,
    pub now: Timestamp,
}

/// The event for which an engine is held back.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldBackFor {
    pub event_id: EventId,
    /// The event's lane: its events are not kept from the engine.
    pub lane: Arc<LaneKey>,
    pub since: Timestamp,
    pub hold_back: HoldBack,
}

/// An event that an engine might be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldBackCandidate {
    /// Its priority, as it counts by now.
    pub priority: u8,
    pub required_memory_mb: Option<u64>,
    /// How long it is expected to take; nothing if nobody knows.
    pub takes: Option<Duration>,
    /// Whether it must be its engine's only one.
    pub final_attempt: bool,
}

/// The moment at which work is expected to end that began at `claimed_at`: when all but a few of its kind had ended, or, where
/// none was seen, when its lock is over. What has taken longer already may end at any moment.
pub fn expected_end(claimed_at: Timestamp, takes: Option<Duration>, lock_lasts: Duration, now: Timestamp) -> Timestamp {
    (claimed_at + takes.unwrap_or(lock_lasts)).max(now)
}

impl Reservation {
    /// When an engine that holds `work` is expected to have room for an event of a lane, which may have to be its only one;
    /// nothing, if it has too little even when it is empty.
    pub fn of(
        abilities: &Abilities,
        work: &[HeldWork],
        key: &LaneKey,
        final_attempt: bool,
        now: Timestamp,
    ) -> Option<Self> {
        let needs = key.required_memory_mb.unwrap_or(0);
        let mut work = work.to_vec();
        work.sort_unstable_by_key(|held| held.ends_at);
        let mut ended: usize = 0;
        loop {
            // What ends at the same moment as the last one that had to end has ended, too.
            let opens_at = ended.checked_sub(1).map_or(now, |last| work[last].ends_at.max(now));
            while ended > 0 && work.get(ended).is_some_and(|held| held.ends_at <= opens_at) {
                ended += 1;
            }
            let left = &work[ended..];
            let locks = u32::try_from(left.len()).unwrap_or(u32::MAX);
            let memory_mb = left.iter().fold(needs, |sum, held| sum.saturating_add(held.memory_mb));
            let spare_locks = abilities.max_concurrent_events.checked_sub(locks.saturating_add(1));
            let spare_memory_mb = match (abilities.memory_limit_mb, key.required_memory_mb) {
                (Some(limit), Some(_)) => limit.checked_sub(memory_mb).map(Some),
                // Whoever needs memory needs an engine that declares some.
                (None, Some(_)) => None,
                // What needs none has room whatever others need.
                (_, None) => Some(None),
            };
            let alone = left.is_empty() || !final_attempt && !left.iter().any(|held| held.final_attempt);
            if let (Some(spare_locks), Some(spare_memory_mb), true) = (spare_locks, spare_memory_mb, alone) {
                let spare_locks = if final_attempt { 0 } else { spare_locks };
                return Some(Self { opens_at, spare_locks, spare_memory_mb });
            }
            if left.is_empty() {
                return None;
            }
            ended += 1;
        }
    }

    /// Whether the engine would be free later, if it were given this event now.
    pub fn is_delayed_by(&self, candidate: &HoldBackCandidate, now: Timestamp) -> bool {
        let ends_before = candidate.takes.is_some_and(|takes| now + takes <= self.opens_at);
        let fits_beside = !candidate.final_attempt
            && self.spare_locks > 0
            && self.spare_memory_mb.is_none_or(|spare| candidate.required_memory_mb.unwrap_or(0) <= spare);
        !ends_before && !fits_beside
    }
}

impl HoldBack {
    /// Whether the engine is kept from an event: one that has no better priority, and would delay it.
    pub fn keeps_from(&self, candidate: &HoldBackCandidate) -> bool {
        candidate.priority >= self.priority && self.reservation.is_delayed_by(candidate, self.now)
    }
}

/// The priority of an event as it counts by now: one step better for each period that it has waited, where its queue says so.
pub fn effective_priority(priority: u8, aging: Option<Duration>, available_at: Timestamp, now: Timestamp) -> u8 {
    let Some(period) = aging.filter(|period| !period.is_zero()) else { return priority };
    let steps = now.since(available_at).as_millis() / period.as_millis().max(1);
    priority.saturating_sub(u8::try_from(steps).unwrap_or(u8::MAX))
}

/// Up to when an event must have become available to have this priority by now, or a better one; any that is due, if it has it
/// from the beginning, and nothing if its queue says nothing of it or so much time has not passed yet.
pub fn available_until(priority: u8, level: u8, aging: Option<Duration>, now: Timestamp) -> Option<Timestamp> {
    let steps = u32::from(priority.saturating_sub(level));
    if steps == 0 {
        return Some(now);
    }
    let wait = aging.filter(|period| !period.is_zero())?.checked_mul(steps)?;
    let until = now.as_millis().checked_sub(i64::try_from(wait.as_millis()).ok()?)?;
    (until >= Timestamp::MIN.as_millis()).then(|| Timestamp::from_millis(until))
}

#[cfg(test)]
mod tests;
