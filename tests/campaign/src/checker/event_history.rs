//! What clients know of each event, out of the history of all.

use std::collections::HashMap;
use std::time::Duration;

use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::lock::LockToken;
use enginehouse_core::time::Timestamp;

use crate::history::{Answer, Call, CallOutcome, CallRecord, LockedEvent, Settling};

/// A claim, with the call that brought it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClaimCall<'a> {
    pub(super) claim: &'a LockedEvent,
    pub(super) engine_id: &'a EngineId,
    pub(super) invoked_at: Duration,
    pub(super) returned_at: Duration,
}

/// A call that settles, with its outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settle<'a> {
    pub(super) token: LockToken,
    pub(super) how: &'a Settling,
    pub(super) outcome: &'a CallOutcome,
    pub(super) invoked_at: Duration,
    pub(super) returned_at: Duration,
}

/// What clients know of one event.
#[derive(Debug, Default)]
pub(super) struct EventHistory<'a> {
    pub(super) claims: Vec<ClaimCall<'a>>,
    pub(super) settles: Vec<Settle<'a>>,
    /// From when on it may be claimed, as enqueues said, and when they did. A repeat says what holds by then.
    pub(super) available: Vec<(Timestamp, Duration)>,
    /// When redrives that may have taken effect were invoked.
    pub(super) redrives: Vec<Duration>,
    pub(super) is_cancelled: bool,
}

pub(super) fn by_event(operations: &[CallRecord]) -> HashMap<EventId, EventHistory<'_>> {
    let mut all: HashMap<EventId, EventHistory<'_>> = HashMap::new();
    for operation in operations {
        let (invoked_at, returned_at) = (operation.invoked_at, operation.returned_at);
        match (&operation.call, &operation.outcome) {
            (Call::Enqueue { .. }, CallOutcome::Ok(Answer::Enqueued { event_id, available_at })) => {
                all.entry(*event_id).or_default().available.push((*available_at, returned_at));
            }
            (Call::Claim { engine_id, .. }, CallOutcome::Ok(Answer::Claimed(claims))) => {
                for claim in claims {
                    let claimed = ClaimCall { claim, engine_id, invoked_at, returned_at };
                    all.entry(claim.event_id).or_default().claims.push(claimed);
                }
            }
            (Call::Settle { event_id, token, how }, outcome) => {
                let settle = Settle { token: *token, how, outcome, invoked_at, returned_at };
                all.entry(*event_id).or_default().settles.push(settle);
            }
            (Call::Redrive { event_id }, CallOutcome::Ok(_) | CallOutcome::Unknown) => {
                all.entry(*event_id).or_default().redrives.push(invoked_at);
            }
            (Call::Cancel { event_id }, CallOutcome::Ok(_) | CallOutcome::Unknown) => {
                all.entry(*event_id).or_default().is_cancelled = true;
            }
            _ => {}
        }
    }
    all
}
