//! What must hold for each event alone.

use std::collections::{HashMap, HashSet};

use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::EventId;

use super::event_history::{ClaimCall, EventHistory};
use super::violations::Violations;
use crate::final_state::FinalEvent;
use crate::history::{Answer, CallOutcome, Settling};

pub(super) fn check(event_id: EventId, event: &EventHistory<'_>, violations: &mut Violations) {
    check_serials(event_id, event, violations);
    check_times(event_id, event, violations);
    check_settles(event_id, event, violations);
}

/// Serials of locks rise.
fn check_serials(event_id: EventId, event: &EventHistory<'_>, violations: &mut Violations) {
    let mut serials = HashSet::new();
    for claimed in &event.claims {
        if !serials.insert(claimed.claim.token.serial) {
            violations.add("a lock was given twice", format!("{event_id}: {:?}", claimed.claim.token));
        }
    }
    for (earlier, later) in pairs(&event.claims) {
        if earlier.claim.token.serial >= later.claim.token.serial {
            let what = format!("{event_id}: {:?}, then {:?}", earlier.claim.token, later.claim.token);
            violations.add("the serials of an event's locks go back", what);
        }
    }
}

/// All pairs of which the first had returned before the second was invoked.
fn pairs<'a>(claims: &'a [ClaimCall<'a>]) -> impl Iterator<Item = (&'a ClaimCall<'a>, &'a ClaimCall<'a>)> {
    let follows = |earlier: &ClaimCall<'_>, later: &ClaimCall<'_>| earlier.returned_at < later.invoked_at;
    claims.iter().flat_map(move |earlier| {
        claims.iter().filter(move |later| follows(earlier, later)).map(move |later| (earlier, later))
    })
}

/// Nothing is claimed before it is available: by its own answer, by that of its enqueue, and by that of the settle before.
fn check_times(event_id: EventId, event: &EventHistory<'_>, violations: &mut Violations) {
    for claimed in &event.claims {
        let claim = claimed.claim;
        let after_settle = event.settles.iter().filter_map(|settle| match settle.outcome {
            CallOutcome::Ok(Answer::Settled { status: EventStatus::Queued, available_at })
                if settle.token.serial < claim.token.serial && event.redrives.is_empty() =>
            {
                Some(*available_at)
            }
            _ => None,
        });
        let enqueues = event.available.iter().filter(|(_, at)| *at < claimed.invoked_at && event.redrives.is_empty());
        let after_enqueue = enqueues.map(|(available_at, _)| *available_at);
        let earliest = after_settle.chain(after_enqueue).chain([claim.available_at]).max();
        if earliest.is_some_and(|earliest| claim.claimed_at < earliest) {
            let what = format!("{event_id}: claimed at {}, available at {earliest:?}", claim.claimed_at);
            violations.add("an event was claimed before it was available", what);
        }
    }
}

/// Only the current token settles, and once.
fn check_settles(event_id: EventId, event: &EventHistory<'_>, violations: &mut Violations) {
    let mut completed_by = HashSet::new();
    for settle in event.settles.iter().filter(|settle| matches!(settle.outcome, CallOutcome::Ok(_))) {
        let is_repeat = event.settles.iter().any(|other| {
            other.token == settle.token
                && other.invoked_at < settle.invoked_at
                && !matches!((other.outcome, other.how), (CallOutcome::Failed(_), _) | (_, Settling::Extend))
        });
        let newer = event.claims.iter().find(|claimed| {
            claimed.claim.token.serial > settle.token.serial && claimed.returned_at < settle.invoked_at
        });
        // The repeat of a settle whose answer was lost is answered as the first was.
        if let (Some(newer), false) = (newer, is_repeat) {
            let what = format!("{event_id}: {settle:?}, after {newer:?}");
            violations.add("a stale token was accepted", what);
        }
        let Settling::Complete { .. } = settle.how else { continue };
        completed_by.insert(settle.token);
        let again = event.claims.iter().find(|claimed| claimed.invoked_at > settle.returned_at);
        if let Some(again) = again {
            violations.add("a completed event was claimed", format!("{event_id}: {settle:?}, then {again:?}"));
        }
    }
    if completed_by.len() > 1 {
        violations.add("an event was completed twice", format!("{event_id}: {completed_by:?}"));
    }
}

/// An event whose completion was acknowledged is completed with that result.
pub(super) fn check_results(
    by_event: &HashMap<EventId, EventHistory<'_>>,
    finals: &HashMap<EventId, &FinalEvent>,
    violations: &mut Violations,
) {
    for (event_id, event) in by_event {
        let Some(there) = finals.get(event_id) else {
            if !event.claims.is_empty() {
                violations.add("an event that was claimed is lost", event_id.to_string());
            }
            continue;
        };
        if let Some(claimed) = event.claims.iter().find(|claimed| claimed.claim.payload != there.payload) {
            violations.add("a claim brought another payload", format!("{event_id}: {:?}", claimed.claim));
        }
        for settle in &event.settles {
            let (Settling::Complete { result }, CallOutcome::Ok(_)) = (settle.how, settle.outcome) else { continue };
            if there.status != EventStatus::Completed || there.result.as_ref() != Some(result) {
                violations.add("a completion was acknowledged and is not there", format!("{settle:?}; {there:?}"));
            }
        }
    }
}
