//! What must hold for each engine alone.

use std::collections::HashMap;
use std::time::Duration;

use enginehouse_api::problem::Code;
use enginehouse_core::ids::{EngineId, EventId};

use super::event_history::EventHistory;
use super::violations::Violations;
use crate::history::{Answer, Call, CallOutcome, CallRecord};

/// When an engine has certainly spoken: from the invocation of a call to the return of its answer.
#[derive(Clone, Copy, Debug)]
struct SignOfLife {
    invoked_at: Duration,
    returned_at: Duration,
}

#[derive(Debug, Default)]
struct EngineHistory<'a> {
    registrations: Vec<(i64, &'a CallRecord)>,
    /// Calls of an epoch that were carried out.
    accepted: Vec<(i64, &'a CallRecord)>,
    /// Registrations that may have been carried out, and superseded the engine.
    unsure_registrations: Vec<&'a CallRecord>,
}

pub(super) fn check(
    operations: &[CallRecord],
    by_event: &HashMap<EventId, EventHistory<'_>>,
    lost_after: Duration,
    violations: &mut Violations,
) {
    let mut engines: HashMap<&EngineId, EngineHistory<'_>> = HashMap::new();
    for operation in operations {
        match (&operation.call, &operation.outcome) {
            (Call::Register { engine_id }, CallOutcome::Ok(Answer::Registered { epoch })) => {
                engines.entry(engine_id).or_default().registrations.push((*epoch, operation));
            }
            (Call::Register { engine_id }, CallOutcome::Unknown) => {
                engines.entry(engine_id).or_default().unsure_registrations.push(operation);
            }
            (Call::Heartbeat { engine_id, epoch } | Call::Claim { engine_id, epoch }, CallOutcome::Ok(_)) => {
                engines.entry(engine_id).or_default().accepted.push((*epoch, operation));
            }
            _ => {}
        }
    }
    for (engine_id, engine) in &engines {
        check_epochs(engine_id, engine, violations);
    }
    check_losses(&engines, by_event, lost_after, violations);
}

/// Epochs rise, and an older one is fenced off.
fn check_epochs(engine_id: &EngineId, engine: &EngineHistory<'_>, violations: &mut Violations) {
    let mut registrations = engine.registrations.clone();
    registrations.sort_by_key(|(_, operation)| operation.invoked_at);
    for pair in registrations.windows(2) {
        let [(earlier, first), (later, second)] = pair else { continue };
        if first.returned_at < second.invoked_at && earlier >= later {
            violations.add("the epochs of an engine go back", format!("{engine_id}: {earlier}, then {later}"));
        }
    }
    for (epoch, operation) in &engine.accepted {
        // The registrations are in order, so the last that had returned by then has the newest epoch of them.
        let returned = registrations.partition_point(|(_, other)| other.returned_at < operation.invoked_at);
        let newest = registrations[..returned].iter().map(|(epoch, _)| *epoch).max();
        if newest.is_some_and(|newest| newest > *epoch) {
            let what = format!("{engine_id}: epoch {epoch} after {newest:?}: {:?}", operation.call);
            violations.add("a call of an older epoch was accepted", what);
        }
    }
}

/// An engine that has kept its interval keeps its locks.
///
/// The rule is about what clients saw: between the claim and the refused settle, no two signs of life that were answered are
/// further apart than `lost_after`. Whatever was wrong with a server or a connection has made such a gap, or no difference.
fn check_losses(
    engines: &HashMap<&EngineId, EngineHistory<'_>>,
    by_event: &HashMap<EventId, EventHistory<'_>>,
    lost_after: Duration,
    violations: &mut Violations,
) {
    for (event_id, event) in by_event {
        for settle in &event.settles {
            if *settle.outcome != CallOutcome::Failed(Some(Code::LockLost)) || event.is_cancelled {
                continue;
            }
            // An earlier settle of the same token, such as one without an answer, may have ended the lock.
            if event.settles.iter().any(|other| other.token == settle.token && other.invoked_at < settle.invoked_at) {
                continue;
            }
            let Some(claimed) = event.claims.iter().find(|claimed| claimed.claim.token == settle.token) else {
                continue;
            };
            let Some(engine) = engines.get(claimed.engine_id) else { continue };
            let within = |operation: &CallRecord| {
                operation.returned_at > claimed.invoked_at && operation.invoked_at < settle.returned_at
            };
            let superseded = engine.registrations.iter().map(|(_, operation)| *operation);
            if superseded.chain(engine.unsure_registrations.iter().copied()).any(within) {
                continue;
            }
            let signs = engine.accepted.iter().map(|(_, operation)| *operation).filter(|operation| within(operation));
            let signs = signs.map(|it| SignOfLife { invoked_at: it.invoked_at, returned_at: it.returned_at });
            if longest_silence(signs.collect(), claimed.invoked_at, settle.returned_at) < lost_after {
                let what = format!("{event_id} of {}: {claimed:?}, {settle:?}", claimed.engine_id);
                violations.add("an engine that kept its interval has lost a lock", what);
            }
        }
    }
}

/// The longest time without a sign of life that a server can have seen: from the invocation of one to the return of the next.
fn longest_silence(mut signs: Vec<SignOfLife>, from: Duration, to: Duration) -> Duration {
    signs.sort_by_key(|sign| sign.invoked_at);
    let mut last = from;
    let mut longest = Duration::ZERO;
    for sign in signs {
        longest = longest.max(sign.returned_at.saturating_sub(last));
        last = last.max(sign.invoked_at);
    }
    longest.max(to.saturating_sub(last))
}
