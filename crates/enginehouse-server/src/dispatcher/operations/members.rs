//! What an operation does to its members, and why it leaves some as they are.

use std::collections::HashSet;

use enginehouse_core::access::session::SessionProof;
use enginehouse_core::engine::EngineStatus;
use enginehouse_core::event::Start;
use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::operation::{MemberOutcome, OperationAction, OperationMember, OperationPlan, OperationRecord};
use enginehouse_core::quarantine::Quarantine;
use enginehouse_core::transition::{EventCommand, Transition};
use enginehouse_store::StoreError;

use super::super::context::TransactionContext;
use super::super::engines::{Deregister, Drain, LiftQuarantine, PutInQuarantine, Resume};
use super::super::event_actions::{discard_detail, no_dead_letter};
use super::super::operation::Operation;
use super::super::reply::{OperationResult, Refusal};

/// Nothing if a member was changed; otherwise what became of it, and why.
pub(super) type TurnOutcome = Result<(), (MemberOutcome, String)>;

const HELD: &str = "another transaction holds it";
/// Of a quarantine whose end has come before the engine had its turn.
const OVER: &str = "the quarantine would be over already";
/// The reason of a quarantine, where whoever wanted it gave none.
const NO_REASON: &str = "by an operation, which gave no reason";

fn conflict(why: impl Into<String>) -> TurnOutcome {
    Err((MemberOutcome::Conflict, why.into()))
}

fn refused(refusal: Refusal) -> TurnOutcome {
    match refusal {
        Refusal::Unreadable(row) => Err((MemberOutcome::Failed, row.to_string())),
        Refusal::Event { why, .. } => conflict(why.to_string()),
        refusal => conflict(refusal.to_string()),
    }
}

/// Acts on events, each as it is now.
pub(super) async fn act_on_events(
    context: &mut TransactionContext<'_>,
    operation: &OperationRecord,
    plan: &OperationPlan,
    members: &[OperationMember],
    passes_over_held: bool,
) -> Result<Vec<TurnOutcome>, StoreError> {
    let ids: Vec<Option<EventId>> = members.iter().map(|member| member.target.parse().ok()).collect();
    let known: Vec<EventId> = ids.iter().copied().flatten().collect();
    let held: HashSet<EventId> = match passes_over_held {
        true => context.transaction.contended_events(&known).await?.into_iter().collect(),
        false => HashSet::new(),
    };
    context.load_events(known.into_iter().filter(|event_id| !held.contains(event_id))).await?;
    let mut outcomes = Vec::with_capacity(members.len());
    for event_id in ids {
        outcomes.push(match event_id {
            None => Err((MemberOutcome::Failed, "it is no id of an event".to_owned())),
            Some(event_id) if held.contains(&event_id) => conflict(HELD),
            Some(event_id) => match act_on_event(context, operation, plan, event_id)? {
                Ok(()) => Ok(()),
                Err(refusal) => refused(refusal),
            },
        });
    }
    context.write_events().await?;
    Ok(outcomes)
}

/// Acts on one event that was read, if it is there.
fn act_on_event(
    context: &mut TransactionContext<'_>,
    operation: &OperationRecord,
    plan: &OperationPlan,
    event_id: EventId,
) -> OperationResult<()> {
    let Some(event) = context.events.get(event_id) else { return Ok(Err(context.no_event(event_id))) };
    match context.registry.lane_of(event) {
        Ok(lane) if plan.within.admit_lane(lane) => {}
        // To whoever has created it, it is not there.
        Ok(_) => return Ok(Err(context.no_event(event_id))),
        Err(refusal) => return Ok(Err(refusal)),
    }
    let is_of_dead_letters =
        matches!(operation.action, OperationAction::RedriveDeadLetters | OperationAction::DiscardDeadLetters);
    if is_of_dead_letters && let Some(refusal) = no_dead_letter(context, event_id) {
        return Ok(Err(refusal));
    }
    let redrive = EventCommand::Redrive { start: Start::Now, expires_after: None };
    let (name, command) = match operation.action {
        OperationAction::RetryEvents => ("event.retry", EventCommand::Retry),
        OperationAction::RedriveEvents => ("event.redrive", redrive),
        OperationAction::RedriveDeadLetters => ("dead_letter.redrive", redrive),
        OperationAction::DiscardDeadLetters => ("dead_letter.discard", EventCommand::Discard),
        _ if plan.force => ("event.cancel", EventCommand::CancelByForce),
        _ => ("event.cancel", EventCommand::Cancel),
    };
    let mut detail = match operation.action {
        OperationAction::DiscardDeadLetters => discard_detail(context, event_id, plan.reason.as_deref()),
        _ => serde_json::json!({ "reason": plan.reason }),
    };
    detail["created_by"] = operation.created_by.as_str().into();
    if plan.force {
        detail["force"] = true.into();
    }
    match context.decide(event_id, &command)? {
        Ok(Transition::AlreadySo) => return Ok(Err(Refusal::AlreadySo)),
        Ok(Transition::Moves { .. }) => {}
        Err(refusal) => return Ok(Err(refusal)),
    }
    if let Err(refusal) = context.transition(event_id, &command)? {
        return Ok(Err(refusal));
    }
    context.audit(name, event_id, &detail);
    Ok(Ok(()))
}

/// Acts on engines, each as it is now.
pub(super) async fn act_on_engines(
    context: &mut TransactionContext<'_>,
    action: OperationAction,
    plan: &OperationPlan,
    members: &[OperationMember],
    passes_over_held: bool,
) -> Result<Vec<TurnOutcome>, StoreError> {
    let ids: Vec<Option<EngineId>> = members.iter().map(|member| member.target.parse().ok()).collect();
    let known: Vec<EngineId> = ids.iter().flatten().cloned().collect();
    let held: HashSet<EngineId> = match passes_over_held {
        true => context.transaction.contended_engines(&known).await?.into_iter().collect(),
        false => HashSet::new(),
    };
    let mut outcomes = Vec::with_capacity(members.len());
    for engine_id in ids {
        outcomes.push(match engine_id {
            None => Err((MemberOutcome::Failed, "it is no id of an engine".to_owned())),
            Some(engine_id) if held.contains(&engine_id) => conflict(HELD),
            Some(_) if plan.until.is_some_and(|until| until <= context.now) => conflict(OVER),
            Some(engine_id) => match act_on_engine(context, action, plan, engine_id).await? {
                Ok(()) => Ok(()),
                Err(refusal) => refused(refusal),
            },
        });
    }
    Ok(outcomes)
}

async fn act_on_engine(
    context: &mut TransactionContext<'_>,
    action: OperationAction,
    plan: &OperationPlan,
    engine_id: EngineId,
) -> OperationResult<()> {
    let found = context.transaction.engines_by_id(std::slice::from_ref(&engine_id)).await?.pop();
    let Some(engine) = found.filter(|_| plan.within.admit_engine(&engine_id)) else {
        return Ok(Err(context.no_engine(&engine_id)));
    };
    let is_so = match action {
        OperationAction::DrainEngines => {
            engine.status == EngineStatus::Draining && engine.stop_when_drained >= plan.stop_when_drained
        }
        OperationAction::ResumeEngines => !engine.draining && engine.status != EngineStatus::Stopped,
        OperationAction::QuarantineEngines => {
            let kept = engine.quarantine_at(context.now).map(|kept| (kept.until, &kept.event_types));
            kept == Some((plan.until, &plan.event_types))
        }
        OperationAction::LiftQuarantines => {
            engine.quarantine_at(context.now).is_none() && engine.automatic_quarantines.is_empty()
        }
        _ => engine.status == EngineStatus::Stopped,
    };
    if is_so {
        return Ok(Err(Refusal::AlreadySo));
    }
    let session = SessionProof::NotAskedFor;
    let done = match action {
        OperationAction::DrainEngines => {
            let drain = Drain { engine_id, stop_when_drained: plan.stop_when_drained, epoch: None, session };
            drain.execute(context).await?
        }
        OperationAction::ResumeEngines => Resume(engine_id).execute(context).await?,
        OperationAction::QuarantineEngines => {
            let quarantine = Quarantine {
                reason: plan.reason.clone().filter(|why| !why.is_empty()).unwrap_or_else(|| NO_REASON.to_owned()),
                since: context.now,
                until: plan.until,
                event_types: plan.event_types.clone(),
            };
            PutInQuarantine { engine_id, quarantine }.execute(context).await?
        }
        OperationAction::LiftQuarantines => LiftQuarantine(engine_id).execute(context).await?,
        _ => Deregister { engine_id, epoch: None, session }.execute(context).await?,
    };
    Ok(done.map(|_| ()))
}
