//! Grace after an outage: nobody is lost for the time in which the server, or its store, could not hear them.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use enginehouse_core::engine::RegisteredEngine;
use enginehouse_core::grace::{grace_for, postponed};
use enginehouse_core::ids::EngineId;
use enginehouse_core::limits::{LOST_AFTER_INTERVALS, MAX_HEARTBEAT_INTERVAL};
use enginehouse_core::lock::{Lock, ProgressLimit};
use enginehouse_core::time::Timestamp;
use enginehouse_store::StoreError;
use enginehouse_store::rows::LockCursor;

use super::context::TransactionContext;
use super::outage::{GRANTED_AGAIN, Grace};

/// How long after a stop the requests that lie in sockets may take to be read, parsed and carried out. Longer stops give more.
const SETTLE: Duration = Duration::from_millis(500);
/// How many locks are moved at once.
const PAGE: u32 = 1_000;

/// Moves the deadlines that engines keep by heartbeats. What was moved so far before stays as it is.
pub(super) async fn grant_grace(context: &mut TransactionContext<'_>, grace: Grace) -> Result<(), StoreError> {
    let Grace { resumed_at, length, is_again } = grace;
    let most = length.map_or(Duration::MAX, |length| length.max(SETTLE));
    // A lock that was just given had an engine that was heard. The server that has given it may be another one, which has served
    // all the time while this one started.
    let given_until = length.map_or(resumed_at - SETTLE, |_| Timestamp::MAX);
    match length {
        // Those that were locked at first, and come due before it is granted for the last time. Others are not locked for it.
        _ if is_again => postpone_due(context, context.now + GRANTED_AGAIN, resumed_at, most, given_until).await,
        None => after_an_outage(context, resumed_at, given_until).await,
        Some(_) => postpone_due(context, resumed_at + most, resumed_at, most, given_until).await,
    }
}

/// Gives every engine one full `lost_after` to send a heartbeat, and every lock as long as its engine.
async fn after_an_outage(
    context: &mut TransactionContext<'_>,
    resumed_at: Timestamp,
    given_until: Timestamp,
) -> Result<(), StoreError> {
    let engines = context.transaction.all_engines().await?;
    let intervals = engines.iter().map(|engine| (engine.engine_id.clone(), engine.heartbeat_interval)).collect();
    let due_soon = engines.into_iter().filter(|engine| moved(engine, resumed_at, Duration::MAX).is_some());
    let due_soon: Vec<_> = due_soon.map(|engine| engine.engine_id).collect();
    // Those that somebody holds are heard as soon as they are let go.
    let engines = context.transaction.free_engines_by_id(&due_soon).await?;
    move_engines(context, engines, resumed_at, Duration::MAX).await?;
    let until = resumed_at + MAX_HEARTBEAT_INTERVAL * LOST_AFTER_INTERVALS;
    move_locks(context, until, resumed_at, Duration::MAX, intervals, given_until).await
}

/// Gives those whose deadline comes until then as much time as the stop has taken.
///
/// An engine that heartbeats within its interval had two intervals left when the process stopped. So after a stop shorter
/// than its interval it has at least one left, and its row is not touched: a hiccup costs a look at two indexes, whatever
/// the fleet.
async fn postpone_due(
    context: &mut TransactionContext<'_>,
    until: Timestamp,
    resumed_at: Timestamp,
    most: Duration,
    given_until: Timestamp,
) -> Result<(), StoreError> {
    let engines = context.transaction.silent_engines(until, u32::MAX).await?;
    move_engines(context, engines, resumed_at, most).await?;
    move_locks(context, until, resumed_at, most, HashMap::new(), given_until).await
}

/// The engine with its deadline moved by `most`, or its whole `lost_after` if that is less; none if it stands later already.
fn moved(engine: &RegisteredEngine, resumed_at: Timestamp, most: Duration) -> Option<RegisteredEngine> {
    let due = engine.lost_due_at?;
    let later = postponed(due, resumed_at, grace_for(engine.heartbeat_interval).min(most));
    (later != due).then(|| RegisteredEngine { lost_due_at: Some(later), ..engine.clone() })
}

/// A lock with its end moved as the deadline of its engine is, and with as much time for progress again as it had: what was
/// reported meanwhile was not heard.
fn with_grace(lock: &Lock, resumed_at: Timestamp, of_engine: Duration, most: Duration) -> Lock {
    let progress_limit = lock
        .progress_limit
        .map(|limit| ProgressLimit { due_at: postponed(limit.due_at, resumed_at, limit.timeout.min(most)), ..limit });
    Lock { expires_at: postponed(lock.expires_at, resumed_at, of_engine.min(most)), progress_limit, ..lock.clone() }
}

async fn move_engines(
    context: &mut TransactionContext<'_>,
    engines: Vec<RegisteredEngine>,
    resumed_at: Timestamp,
    most: Duration,
) -> Result<(), StoreError> {
    let engines: Vec<_> = engines.iter().filter_map(|engine| moved(engine, resumed_at, most)).collect();
    if !engines.is_empty() {
        context.transaction.write_engines(&engines).await?;
    }
    Ok(())
}

/// Moves the ends of locks that were given up to a moment, as the deadlines of their engines. `intervals` are those that are known
/// already.
async fn move_locks(
    context: &mut TransactionContext<'_>,
    until: Timestamp,
    resumed_at: Timestamp,
    most: Duration,
    mut intervals: HashMap<EngineId, Duration>,
    given_until: Timestamp,
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let page = context.transaction.locks_expiring(until, after, PAGE).await?;
        let is_full = page.len() == PAGE as usize;
        let holders = page.iter().filter_map(|event| event.state.lock.as_ref()).map(|lock| lock.engine_id.clone());
        let unknown: HashSet<_> = holders.filter(|engine_id| !intervals.contains_key(engine_id)).collect();
        if !unknown.is_empty() {
            let unknown: Vec<_> = unknown.into_iter().collect();
            let found = context.transaction.free_engines_by_id(&unknown).await?;
            intervals.extend(found.into_iter().map(|engine| (engine.engine_id, engine.heartbeat_interval)));
        }
        context.learn_lanes_of(&page).await?;
        for event in page {
            let Some(lock) = event.state.lock.clone() else { continue };
            after = Some(LockCursor { expires_at: lock.expires_at, event_id: event.event_id });
            if lock.claimed_at > given_until {
                continue;
            }
            let interval = intervals.get(&lock.engine_id).copied().unwrap_or(Duration::ZERO);
            let later = with_grace(&lock, resumed_at, grace_for(interval), most);
            if later != lock {
                let event_id = event.event_id;
                context.events.keep(event);
                context.events.postpone_lock(event_id, later);
            }
        }
        context.write_events().await?;
        if !is_full {
            return Ok(());
        }
    }
}
