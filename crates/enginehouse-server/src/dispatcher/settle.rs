//! Engines settle: they end attempts, or keep them going.

use std::collections::HashMap;
use std::sync::Arc;

use enginehouse_core::access::selector::Selectors;
use enginehouse_core::access::session::SessionProof;
use enginehouse_core::ids::EngineId;
use enginehouse_core::request::{SettleCommand, Settler};
use enginehouse_core::transition::EventState;
use enginehouse_store::StoreError;
use enginehouse_store::rows::EventRow;

use super::answers::{SettleResult, SettledEvent};
use super::batch::to_settle;
use super::context::TransactionContext;
use super::reply::Refusal;

/// Settles the locks of many requests as one set, each with its own answer.
pub(super) async fn settle(
    context: &mut TransactionContext<'_>,
    requests: &[&[SettleCommand]],
) -> Result<Vec<Vec<SettleResult>>, StoreError> {
    let settlements = || requests.iter().copied().flatten();
    let ids: Vec<_> = to_settle(settlements(), context.contended).collect();
    context.load_events(ids).await?;
    context.catch_up();
    let mut answers = Vec::with_capacity(requests.len());
    for request in requests {
        let mut results = Vec::with_capacity(request.len());
        for settlement in *request {
            if context.contended.contains(&settlement.event_id) {
                results.push(Err(Refusal::EventIsHeld(settlement.event_id)));
                continue;
            }
            let event = context.events.get(settlement.event_id);
            if let (Some(event), Some(within)) = (event, &settlement.within)
                && !is_within(within, event, context)
            {
                results.push(Err(context.no_event(settlement.event_id)));
                continue;
            }
            if let Some(engine_id) = unproved_session(context, settlement).await? {
                results.push(Err(Refusal::WrongSession(engine_id)));
                continue;
            }
            let event = context.events.get(settlement.event_id).filter(|_| settlement.settler != Settler::Command);
            let holder = event.and_then(|event| event.state.lock.as_ref());
            let holder = holder.map(|lock| (lock.engine_id.clone(), lock.engine_epoch));
            if let Some(token) = settlement.command.token().filter(|_| !settlement.report.is_empty()) {
                // A repeat of a settle says the same once more: its lock is not current.
                context.report(settlement.event_id, token, &settlement.report)?;
            }
            results.push(match context.transition(settlement.event_id, &settlement.command)? {
                Ok(event) => {
                    let event = event.clone();
                    context.settlers.extend(holder);
                    let lane = Arc::clone(context.registry.lane(event.lane_id)?);
                    Ok(SettledEvent { event, lane, payload: None })
                }
                Err(refused) => Err(refused),
            });
        }
        answers.push(results);
    }
    context.write_events().await?;
    Ok(answers)
}

/// The engine whose session a settle has to show and does not: the one that has the lock, or that has settled it so before. Whoever
/// shows the token of another lock is refused for that.
async fn unproved_session(
    context: &TransactionContext<'_>,
    settlement: &SettleCommand,
) -> Result<Option<EngineId>, StoreError> {
    let Settler::Engine(proof @ (SessionProof::Missing | SessionProof::Shown(_))) = settlement.settler else {
        return Ok(None);
    };
    let Some(EventState { lock, settled, engine_id, .. }) =
        context.events.get(settlement.event_id).map(|event| &event.state)
    else {
        return Ok(None);
    };
    let shown = settlement.command.token();
    let (engine_id, epoch) = match (lock, settled, engine_id) {
        (Some(lock), ..) if shown == Some(lock.token) => (&lock.engine_id, Some(lock.engine_epoch)),
        (None, Some(settled), Some(engine_id)) if shown == Some(settled.token) => (engine_id, None),
        _ => return Ok(None),
    };
    let session = match context.registry.session_of(engine_id, epoch) {
        Some(session) => session,
        // It has registered since this transaction began, or has stopped.
        None => context.store.engine(engine_id).await?.and_then(|(engine, _)| engine.session),
    };
    Ok((!proof.admits(session.as_ref())).then(|| engine_id.clone()))
}

/// Whether somebody who may act on these may settle an event: by its lane, and by the engine that claimed it last.
fn is_within(within: &Selectors, event: &EventRow, context: &TransactionContext<'_>) -> bool {
    context.registry.lane_of(event).is_ok_and(|lane| within.admit_lane(lane))
        && event.state.engine_id.as_ref().is_none_or(|engine_id| within.admit_engine(engine_id))
}

/// Adds the payload where a request has settled one event alone: it is answered with the whole event.
pub(super) async fn add_payloads(
    context: &mut TransactionContext<'_>,
    answers: &mut [Vec<SettleResult>],
) -> Result<(), StoreError> {
    let alone = |answer: &Vec<SettleResult>| match &answer[..] {
        [Ok(settled)] => Some(settled.event.event_id),
        _ => None,
    };
    let ids: Vec<_> = answers.iter().filter_map(alone).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let payloads: HashMap<_, _> = context.transaction.payloads(&ids).await?.into_iter().collect();
    for answer in answers {
        if let [Ok(settled)] = &mut answer[..] {
            settled.payload = payloads.get(&settled.event.event_id).cloned();
        }
    }
    Ok(())
}
