//! Engines send heartbeats: they stay alive, keep their locks, and learn what has changed.

use std::collections::{HashMap, HashSet};

use enginehouse_core::engine::{EngineStatus, RegisteredEngine};
use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::lock::LockToken;
use enginehouse_core::request::Heartbeat;
use enginehouse_core::transition::EventCommand;
use enginehouse_store::{HeldResource, StoreError};

use super::answers::HeartbeatAnswer;
use super::contention::Resource;
use super::context::TransactionContext;
use super::deadlines::bring_forward;

/// Takes heartbeats of engines whose epoch was checked. `engines` are changed in place, and written.
pub(super) async fn heartbeat(
    context: &mut TransactionContext<'_>,
    heartbeats: &[(&EngineId, &Heartbeat)],
    engines: &mut HashMap<EngineId, RegisteredEngine>,
) -> Result<Vec<HeartbeatAnswer>, StoreError> {
    let mut ids: Vec<_> = heartbeats.iter().map(|(engine_id, _)| (*engine_id).clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut held: HashMap<EngineId, Vec<(EventId, LockToken)>> = HashMap::new();
    let locked = context.transaction.held_events_for_update(&ids).await?;
    context.learn_lanes_of(&locked).await?;
    for event in locked {
        let Some(lock) = &event.state.lock else { continue };
        held.entry(lock.engine_id.clone()).or_default().push((event.event_id, lock.token));
        context.events.keep(event);
    }
    let busy = busy_locks(context, &ids, heartbeats, &held).await?;
    context.catch_up();
    let mut answers = Vec::with_capacity(heartbeats.len());
    for (engine_id, heartbeat) in heartbeats {
        let Some(engine) = engines.get_mut(*engine_id) else { continue };
        if engine.is_drained() {
            answers.push(drained_to_the_end(heartbeat));
            continue;
        }
        *engine = engine.clone().heard(heartbeat.dynamic_state.clone(), context.now);
        bring_forward(&mut context.effects.deadlines.engine_loss, engine.lost_due_at);
        context.effects.wake_ups.engines.insert((*engine_id).clone());
        let locks = held.get(*engine_id).map_or(&[][..], Vec::as_slice);
        let (renewed, lost) = renew(context, locks, heartbeat, &busy)?;
        answers.push(HeartbeatAnswer {
            status: engine.status,
            renewed,
            lost,
            cancel: to_cancel(context, locks),
            drain: engine.draining,
        });
    }
    context.write_events().await?;
    let heard: Vec<_> = ids.iter().filter_map(|id| engines.get(id)).filter(|one| !one.is_drained()).cloned().collect();
    context.transaction.write_engines(&heard).await?;
    Ok(answers)
}

/// The last answer to an engine that has stopped by itself: it holds nothing, and is to end.
fn drained_to_the_end(heartbeat: &Heartbeat) -> HeartbeatAnswer {
    HeartbeatAnswer {
        status: EngineStatus::Stopped,
        renewed: Vec::new(),
        lost: heartbeat.named_locks().collect(),
        cancel: Vec::new(),
        drain: true,
    }
}

/// The listed locks whose events another transaction works on. It mostly ends within milliseconds, so a heartbeat that meets one
/// is set aside for a moment and taken once more. What is locked still is neither renewed nor lost: whoever sends a heartbeat
/// waits for nobody, and the next one renews it.
async fn busy_locks(
    context: &mut TransactionContext<'_>,
    ids: &[EngineId],
    heartbeats: &[(&EngineId, &Heartbeat)],
    held: &HashMap<EngineId, Vec<(EventId, LockToken)>>,
) -> Result<HashSet<LockToken>, StoreError> {
    let locked: HashSet<_> = held.values().flatten().map(|(_, token)| *token).collect();
    let mut listed = heartbeats.iter().flat_map(|(_, heartbeat)| heartbeat.named_locks());
    if !context.is_shared || listed.all(|token| locked.contains(&token)) {
        return Ok(HashSet::new());
    }
    let mut busy = HashSet::new();
    let mut newly_met = Vec::new();
    for event in context.transaction.held_events(ids).await? {
        let Some(lock) = event.state.lock.filter(|lock| !locked.contains(&lock.token)) else { continue };
        busy.insert(lock.token);
        newly_met.extend(Some(Resource::Event(event.event_id)).filter(|resource| !context.held.contains(resource)));
    }
    if newly_met.is_empty() {
        return Ok(busy);
    }
    context.held.add(newly_met);
    Err(StoreError::Held {
        what: HeldResource::Rows,
        reason: "somebody has locked an event whose lock is renewed".to_owned(),
    })
}

/// Renews the locks that are listed or reported on, takes the reports, and notes the other locks. Answers which were renewed, and
/// which are lost.
fn renew(
    context: &mut TransactionContext<'_>,
    locks: &[(EventId, LockToken)],
    heartbeat: &Heartbeat,
    busy: &HashSet<LockToken>,
) -> Result<(Vec<LockToken>, Vec<LockToken>), StoreError> {
    let mut seen = HashSet::new();
    // Each once, in the order in which they are named.
    let named: Vec<_> = heartbeat.named_locks().filter(|token| seen.insert(*token)).collect();
    if named.is_empty() && heartbeat.lock_tokens.is_none() {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut reports: HashMap<_, Vec<_>> = HashMap::new();
    for (token, report) in heartbeat.reports.iter().filter(|(_, report)| !report.is_empty()) {
        reports.entry(*token).or_default().push(report);
    }
    let mut renewed = Vec::new();
    for (event_id, token) in locks {
        if seen.contains(token) {
            for report in reports.get(token).into_iter().flatten() {
                context.report(*event_id, *token, report)?;
            }
            // A lock that has expired is refused here, and so it is answered as lost.
            if context.transition(*event_id, &EventCommand::Renew { token: *token })?.is_ok() {
                renewed.push(*token);
            }
        } else if heartbeat.lock_tokens.is_some() {
            context.transition(*event_id, &EventCommand::LeaveOut)?.ok();
        }
    }
    let still_held: HashSet<_> = renewed.iter().copied().collect();
    let lost = named.into_iter().filter(|token| !still_held.contains(token) && !busy.contains(token)).collect();
    Ok((renewed, lost))
}

/// The events that the engine holds and should stop working on.
fn to_cancel(context: &TransactionContext<'_>, locks: &[(EventId, LockToken)]) -> Vec<EventId> {
    locks
        .iter()
        .filter_map(|(event_id, _)| context.events.get(*event_id))
        .filter(|event| event.state.cancel_requested && event.state.lock.is_some())
        .map(|event| event.event_id)
        .collect()
}
