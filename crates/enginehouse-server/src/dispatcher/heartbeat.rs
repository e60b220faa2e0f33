//! Engines speak up: they stay alive, keep their locks, and learn what has changed.

use std::collections::{HashMap, HashSet};

use enginehouse_core::engine::Engine;
use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::lock::LockToken;
use enginehouse_core::request::Heartbeat;
use enginehouse_core::transition::Command;
use enginehouse_store::rows::HeldLock;
use enginehouse_store::{StoreError, Transaction};

use super::batch::Batch;
use super::commands::HeartbeatAnswer;
use super::report::sooner;
use super::working::Working;

/// Takes heartbeats of engines whose epoch was checked. `engines` are changed in place, and written.
pub(super) async fn heartbeat(
    tx: &mut dyn Transaction,
    heartbeats: &[(EngineId, &Heartbeat)],
    engines: &mut HashMap<EngineId, Engine>,
    working: &mut Working,
    batch: &mut Batch<'_>,
) -> Result<Vec<HeartbeatAnswer>, StoreError> {
    let mut ids: Vec<_> = heartbeats.iter().map(|(engine_id, _)| engine_id.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut held: HashMap<EngineId, Vec<HeldLock>> = HashMap::new();
    for lock in tx.locks_of_engines(&ids).await? {
        held.entry(lock.engine_id.clone()).or_default().push(lock);
    }
    working.load(tx, held.values().flatten().map(|lock| lock.event_id)).await?;
    let mut answers = Vec::with_capacity(heartbeats.len());
    for (engine_id, heartbeat) in heartbeats {
        let Some(engine) = engines.get_mut(engine_id) else { continue };
        *engine = engine.clone().heard(heartbeat.dynamic_state.clone(), batch.now);
        sooner(&mut batch.report.due.engine_loss, engine.lost_due_at);
        batch.report.news.relieved.insert(engine_id.clone());
        let locks = held.get(engine_id).map_or(&[][..], Vec::as_slice);
        let (renewed, lost) = match &heartbeat.lock_tokens {
            Some(listed) => renew(locks, listed, working, batch)?,
            None => (Vec::new(), Vec::new()),
        };
        answers.push(HeartbeatAnswer {
            status: engine.status,
            renewed,
            lost,
            cancel: still_to_cancel(locks, working),
            drain: engine.draining,
        });
    }
    working.write(tx, batch.registry, batch.report).await?;
    let heard: Vec<_> = ids.iter().filter_map(|id| engines.get(id)).cloned().collect();
    tx.write_engines(&heard).await?;
    Ok(answers)
}

/// Renews the locks that are listed, and notes those that are not. Answers which were renewed, and which are lost.
fn renew(
    locks: &[HeldLock],
    listed: &[LockToken],
    working: &mut Working,
    batch: &mut Batch<'_>,
) -> Result<(Vec<LockToken>, Vec<LockToken>), StoreError> {
    let listed_set: HashSet<_> = listed.iter().copied().collect();
    let mut renewed = Vec::new();
    for lock in locks {
        let command = match listed_set.contains(&lock.token) {
            true => Command::Renew { token: lock.token },
            false => Command::LeaveOut,
        };
        // A lock that has expired is refused here, and so told to be lost.
        if working.apply(lock.event_id, &command, &mut batch.deciding())?.is_ok() && listed_set.contains(&lock.token) {
            renewed.push(lock.token);
        }
    }
    let still: HashSet<_> = renewed.iter().copied().collect();
    let lost = listed.iter().copied().filter(|token| !still.contains(token)).collect();
    Ok((renewed, lost))
}

fn still_to_cancel(locks: &[HeldLock], working: &Working) -> Vec<EventId> {
    locks
        .iter()
        .filter_map(|lock| working.get(lock.event_id))
        .filter(|event| event.state.cancel_requested && event.state.lock.is_some())
        .map(|event| event.event_id)
        .collect()
}
