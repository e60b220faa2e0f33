//! The sweep: everything that happens because time has passed, without a caller.
//!
//! A sweep takes no hint of what has changed, so the sweep after a crash is the sweep of every day. It is safe at any
//! time, any number of times, on any number of servers.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use enginehouse_core::engine::RegisteredEngine;
use enginehouse_core::hold_back::effective_priority;
use enginehouse_core::ids::EngineId;
use enginehouse_core::limits::MINUTES_KEPT;
use enginehouse_core::policy::Precedence;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::{EventCommand, Loss};
use enginehouse_store::StoreError;
use enginehouse_store::rows::EventRow;

use super::context::TransactionContext;
use super::deadlines::{Deadlines, SHARED_SWEEP_INTERVAL, bring_forward};
use super::durations::NEXT_WRITE;
use super::engines::{count_by_holder, is_alone, lock_held_events, lose};
use super::expiry::expire_events;
use super::grace::grant_grace;
use super::hold_backs::{LOOK_INTERVAL, StarvingEvent};
use super::minutes::DELETED_WITH_A_WRITE;
use super::outage::Grace;
use super::retention::delete_expired;
use super::unheard::postpone_losses;

/// How many rows one sweep takes at most, so that requests do not wait long for it.
const SWEEP_LIMIT: u32 = 1_000;
/// How many ready events of a lane wake claims at once. The claims that are given events ask for the rest.
const READY_LIMIT: u32 = 64;
/// How long until the next look for what should have ended by now and did not.
const STUCK_INTERVAL: Duration = Duration::from_secs(1);
/// The same, for what is still due when all the others have been granted grace.
const GRACE_INTERVAL: Duration = Duration::from_millis(100);

/// Deals with whatever has fallen due, in a batch that settles so many events, and notes when something will next.
pub(super) async fn sweep(
    context: &mut TransactionContext<'_>,
    grace: Option<Grace>,
    claims_wait: bool,
    settlements: usize,
) -> Result<(), StoreError> {
    let deadlines = context.effects.deadlines;
    let now = context.now;
    let is_due = |deadline: Option<Timestamp>| deadline.is_some_and(|at| at <= now);
    if grace.is_some() || is_due(deadlines.lock_expiry) || is_due(deadlines.engine_loss) {
        // What came due before an outage is judged: otherwise one outage behind the other would keep the dead alive. What came due
        // since is not, in the same transaction as the grace: what is still due then, another transaction had locked, and if that
        // one fails, it was given no time.
        let by = grace.map_or(now, Grace::began_at);
        let mut may_be_more = false;
        if grace.is_some() || is_due(deadlines.lock_expiry) {
            may_be_more |= expire_locks(context, by).await?;
        }
        if grace.is_some() || is_due(deadlines.engine_loss) {
            may_be_more |= lose_engines(context, by).await?;
        }
        if let Some(grace) = grace {
            grant_grace(context, grace).await?;
        }
        find_next_losses(context).await?;
        match grace {
            Some(_) => look_later(context, GRACE_INTERVAL),
            // What is still due is a row that cannot be read, or that another transaction holds.
            None if !may_be_more => look_later(context, STUCK_INTERVAL),
            None => {}
        }
    }
    if is_due(deadlines.event_expiry) {
        expire_events(context, SWEEP_LIMIT).await?;
    }
    if is_due(deadlines.retention) {
        delete_expired(context, settlements).await?;
    }
    if is_due(deadlines.ready) {
        find_ready(context, claims_wait).await?;
    }
    if is_due(deadlines.hold_backs) {
        look_for_starving(context).await?;
    }
    if is_due(deadlines.statistics) {
        write_statistics(context).await?;
    }
    Ok(())
}

/// Looks at the first events of lanes that claims had no room for, and lets engines be held back for those that wait long.
async fn look_for_starving(context: &mut TransactionContext<'_>) -> Result<(), StoreError> {
    let now = context.now;
    let lanes = context.hold_backs.to_look_at(now);
    // It is a hint: it locks nothing, and what it misses is found by the next look.
    let first_events = match context.store.lane_heads(&lanes).await {
        Ok(events) => events,
        Err(error) => {
            tracing::debug!(%error, "events that wait long cannot be looked at");
            context.effects.deadlines.hold_backs = Some(now + LOOK_INTERVAL);
            return Ok(());
        }
    };
    context.learn_lanes_of(&first_events).await?;
    let heads: Vec<_> = first_events.iter().filter_map(|event| starving(context, event)).collect();
    let freed = context.hold_backs.update(&lanes, &heads, now);
    context.effects.wake_ups.engines.extend(freed);
    context.effects.deadlines.hold_backs = context.hold_backs.next_look(now, LOOK_INTERVAL);
    Ok(())
}

/// The first event of a lane as one that may starve, unless it is kept by something that is no lack of room.
fn starving(context: &TransactionContext<'_>, event: &EventRow) -> Option<StarvingEvent> {
    let lane = context.registry.lane_of(event).ok()?;
    let facts = context.registry.lane_facts(lane);
    let Precedence { hold_back_after, aging } = context.registry.precedence(lane);
    let after = hold_back_after?;
    let available_at = event.state.available_at;
    let is_paused = facts.is_paused() || context.registry.paused_run(event).is_some();
    (!is_paused && available_at <= context.now).then(|| StarvingEvent {
        lane_id: event.lane_id,
        event_id: event.event_id,
        priority: effective_priority(lane.priority, aging, available_at, context.now),
        available_at,
        final_attempt: context.registry.is_final_attempt(event),
        retry: context.registry.retry(event),
        due_at: available_at + after,
    })
}

/// Adds to the store what was counted of durations and minutes: no more than requests of the same batch can wait for.
async fn write_statistics(context: &mut TransactionContext<'_>) -> Result<(), StoreError> {
    let (unwritten, has_more) = context.durations.take_unwritten();
    context.transaction.add_durations(&unwritten.rows()).await?;
    context.unwritten = Some(unwritten);
    let (minutes, has_more_minutes) = context.minutes.take_unwritten();
    context.transaction.add_minutes(&minutes.rows()).await?;
    context.unwritten_minutes = Some(minutes);
    context.transaction.delete_minutes(context.now - MINUTES_KEPT, DELETED_WITH_A_WRITE).await?;
    context.effects.deadlines.statistics = (has_more || has_more_minutes).then(|| context.now + NEXT_WRITE);
    Ok(())
}

/// Looks again a little later for losses that are still due.
fn look_later(context: &mut TransactionContext<'_>, wait: Duration) {
    let now = context.now;
    let Deadlines { lock_expiry, engine_loss, .. } = &mut context.effects.deadlines;
    for deadline in [lock_expiry, engine_loss] {
        *deadline = deadline.map(|at| if at <= now { now + wait } else { at });
    }
}

/// Takes back events whose lock had expired by then. Answers whether there may be more.
async fn expire_locks(context: &mut TransactionContext<'_>, by: Timestamp) -> Result<bool, StoreError> {
    let expired = context.transaction.locks_expiring(by, None, SWEEP_LIMIT).await?;
    context.learn_lanes_of(&expired).await?;
    let counts = count_held(context, &expired).await?;
    let may_be_more = expired.len() == SWEEP_LIMIT as usize;
    for event in expired {
        let event_id = event.event_id;
        let command = match &event.state.lock {
            Some(lock) if context.late_locks.contains(lock.token) => EventCommand::Return,
            _ => EventCommand::LoseLock { loss: Loss::Expired, alone: is_alone(&event, &counts) },
        };
        context.events.keep(event);
        // Refused if the lock was renewed or settled in this very batch.
        context.transition(event_id, &command)?.ok();
    }
    context.write_events().await?;
    Ok(may_be_more)
}

/// How many events the holders of those events hold that are on their last chance: whether they hold others decides
/// what becomes of them.
async fn count_held(
    context: &mut TransactionContext<'_>,
    expired: &[EventRow],
) -> Result<HashMap<EngineId, usize>, StoreError> {
    let mut holders = BTreeSet::new();
    for event in expired {
        if let Some(lock) = &event.state.lock
            && context.registry.is_final_attempt(event)
        {
            holders.insert(lock.engine_id.clone());
        }
    }
    if holders.is_empty() {
        return Ok(HashMap::new());
    }
    let holders: Vec<_> = holders.into_iter().collect();
    Ok(count_by_holder(&context.transaction.held_events(&holders).await?))
}

/// Declares engines lost that had missed their heartbeats by then, with their locks. Answers whether there may be more.
async fn lose_engines(context: &mut TransactionContext<'_>, by: Timestamp) -> Result<bool, StoreError> {
    let silent = context.transaction.silent_engines(by, SWEEP_LIMIT).await?;
    // Nobody could hear an engine whose row somebody held, nor one whose signs of life were refused: that is made good for in a
    // transaction of its own, which may come after this one.
    let could_not_be_heard = |engine: &RegisteredEngine| {
        context.held.was_overdue(&engine.engine_id) || context.held.is_unheard(&engine.engine_id)
    };
    let (unheard, silent): (Vec<_>, Vec<_>) = silent.into_iter().partition(could_not_be_heard);
    postpone_losses(context, unheard).await?;
    if silent.is_empty() {
        return Ok(false);
    }
    let may_be_more = silent.len() == SWEEP_LIMIT as usize;
    let ids: Vec<_> = silent.iter().map(|engine| engine.engine_id.clone()).collect();
    // An engine of which somebody holds an event is lost with all its locks at once, a little later.
    let (mut events, contended) = lock_held_events(context, &ids).await?;
    events.retain(|event| event.state.engine_id.as_ref().is_none_or(|engine_id| !contended.contains(engine_id)));
    let lost: Vec<_> = silent
        .into_iter()
        .filter(|engine| !contended.contains(&engine.engine_id))
        .map(RegisteredEngine::lost)
        .collect();
    context.transaction.write_engines(&lost).await?;
    lose(context, events, Loss::EngineLost).await?;
    context.effects.engines_lost += lost.len() as u64;
    for RegisteredEngine { engine_id, .. } in lost {
        tracing::warn!(%engine_id, "an engine is lost: it missed its heartbeats");
        context.hold_backs.remove_engine(&engine_id);
        context.registry.engine_lost(&engine_id);
        // A waiting claim of this engine is refused.
        context.effects.wake_ups.engines.insert(engine_id);
    }
    Ok(may_be_more)
}

/// Notes when the next lock expires, and when the next engine is lost.
///
/// Other servers of a shared store give locks and hear engines, too, and may end at any moment. There, the next sweep
/// comes soon in any case.
pub(super) async fn find_next_losses(context: &mut TransactionContext<'_>) -> Result<(), StoreError> {
    let next_sweep = context.is_shared.then_some(context.now + SHARED_SWEEP_INTERVAL);
    let until = next_sweep.unwrap_or(Timestamp::MAX);
    context.effects.deadlines.lock_expiry = context.transaction.next_lock_expiry(until).await?.or(next_sweep);
    let next_engine_loss = context.transaction.next_engine_loss().await?;
    let overdue = match next_engine_loss.is_some_and(|at| at <= context.now) {
        true => context.transaction.contended_silent_engines(context.now, SWEEP_LIMIT).await?,
        false => Vec::new(),
    };
    context.held.set_overdue(overdue);
    context.effects.deadlines.engine_loss = next_engine_loss;
    bring_forward(&mut context.effects.deadlines.engine_loss, next_sweep);
    Ok(())
}

/// Finds the lanes in which delayed events have become ready, for the claims that wait, and notes when the next one will.
async fn find_ready(context: &mut TransactionContext<'_>, claims_wait: bool) -> Result<(), StoreError> {
    context.effects.deadlines.ready = None;
    if !claims_wait {
        context.effects.deadlines.ready_known = false;
        return Ok(());
    }
    let lanes = context.registry.lanes();
    context.effects.wake_ups.ready.extend(context.transaction.ready_counts(&lanes, READY_LIMIT).await?);
    context.find_next_ready().await
}

#[cfg(test)]
mod tests;
