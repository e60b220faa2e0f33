//! Chores: operations without a caller.
//!
//! A pass takes no hint of what has changed, so the pass after a crash is the pass of every day. Each is safe at any
//! time, any number of times, on any number of servers.

use std::collections::HashMap;
use std::time::Duration;

use enginehouse_core::grace::{grace_for, postponed};
use enginehouse_core::limits::{LOST_AFTER_INTERVALS, MAX_HEARTBEAT_INTERVAL};
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::{Command, Loss};
use enginehouse_store::rows::LockCursor;
use enginehouse_store::{StoreError, Transaction};

use super::batch::Batch;
use super::engines::lose_locks;
use super::report::sooner;
use super::working::Working;

/// How many rows one pass takes at most: the writer is never held for long.
pub(super) const SWEEP_BATCH: u32 = 1_000;
/// How many ready events of a lane wake claims at once. Those that are given events make room for the next pass.
const READY_BATCH: u32 = 64;
/// How many events one pass forgets.
const FORGET_BATCH: u32 = 500;
/// How long at least from one look for what may be forgotten to the next, unless a pass was full.
const FORGET_PAUSE: Duration = Duration::from_secs(1);
/// How long at least until the next look for empty lanes, gone engines and old audit entries.
const TIDY_PAUSE: Duration = Duration::from_secs(600);
/// How long at most from one look for expired locks and lost engines to the next, where others share the store.
pub(super) const SHARED_LOOK: Duration = Duration::from_millis(800);
/// How long audit entries are kept.
const AUDIT_KEPT: Duration = Duration::from_secs(365 * 86_400);

/// Takes back events whose lock has expired.
pub(super) async fn expire_locks(
    tx: &mut dyn Transaction,
    working: &mut Working,
    batch: &mut Batch<'_>,
) -> Result<(), StoreError> {
    let expired = tx.locks_expiring(batch.now, None, SWEEP_BATCH).await?;
    let ids: Vec<_> = expired.iter().map(|event| event.event_id).collect();
    for event in expired {
        working.keep(event);
    }
    for event_id in ids {
        // What is refused was renewed or settled in this very batch.
        working.apply(event_id, &Command::LoseLock(Loss::Expired), &mut batch.deciding())?.ok();
    }
    // What is not written was settled in between, or swept by another server: nothing to do.
    working.write(tx, batch.registry, batch.report).await?;
    Ok(())
}

/// Declares engines lost that have missed their heartbeats, with their locks.
pub(super) async fn lose_engines(
    tx: &mut dyn Transaction,
    working: &mut Working,
    batch: &mut Batch<'_>,
) -> Result<(), StoreError> {
    let silent = tx.silent_engines(batch.now, SWEEP_BATCH).await?;
    if !silent.is_empty() {
        let ids: Vec<_> = silent.iter().map(|engine| engine.engine_id.clone()).collect();
        let lost: Vec<_> = silent.into_iter().map(enginehouse_core::engine::Engine::lost).collect();
        tx.write_engines(&lost).await?;
        lose_locks(tx, &ids, Loss::EngineLost, working, batch).await?;
        batch.report.engines_lost += lost.len() as u64;
        for engine_id in &ids {
            // A waiting claim of this engine is refused.
            batch.report.news.relieved.insert(engine_id.clone());
            tracing::warn!(%engine_id, "an engine is lost: it missed its heartbeats");
        }
    }
    Ok(())
}

/// Notes when the next lock expires, and the next engine is lost. Where others share the store they give locks and hear
/// engines too, and may be ended at any moment: there, the next look comes soon in any case.
pub(super) async fn look_ahead(tx: &mut dyn Transaction, batch: &mut Batch<'_>) -> Result<(), StoreError> {
    let next_look = batch.is_shared.then_some(batch.now + SHARED_LOOK);
    let until = next_look.unwrap_or(Timestamp::MAX);
    batch.report.due.lock_expiry = tx.next_lock_expiry(until).await?.or(next_look);
    batch.report.due.engine_loss = tx.next_engine_loss().await?;
    sooner(&mut batch.report.due.engine_loss, next_look);
    Ok(())
}

/// After an outage: gives every engine one full `lost_after` to speak up, and every lock as long.
pub(super) async fn grant_grace(
    tx: &mut dyn Transaction,
    working: &mut Working,
    batch: &mut Batch<'_>,
) -> Result<(), StoreError> {
    let mut graces = HashMap::new();
    let mut due_soon = Vec::new();
    for engine in tx.all_engines().await? {
        let grace = grace_for(engine.heartbeat_interval);
        graces.insert(engine.engine_id.clone(), grace);
        if engine.lost_due_at.is_some_and(|due| postponed(due, batch.now, grace) != due) {
            due_soon.push(engine.engine_id);
        }
    }
    let mut engines = tx.engines_by_id(&due_soon).await?;
    for engine in &mut engines {
        let grace = grace_for(engine.heartbeat_interval);
        engine.lost_due_at = engine.lost_due_at.map(|due| postponed(due, batch.now, grace));
    }
    if !engines.is_empty() {
        tx.write_engines(&engines).await?;
    }
    let until = batch.now + MAX_HEARTBEAT_INTERVAL * LOST_AFTER_INTERVALS;
    let mut after = None;
    loop {
        let page = tx.locks_expiring(until, after, SWEEP_BATCH).await?;
        let full = page.len() == SWEEP_BATCH as usize;
        for event in page {
            let Some(lock) = event.state.lock.clone() else { continue };
            after = Some(LockCursor { expires_at: lock.expires_at, event_id: event.event_id });
            let grace = graces.get(&lock.engine_id).copied().unwrap_or_else(|| grace_for(Duration::ZERO));
            let later = postponed(lock.expires_at, batch.now, grace);
            if later != lock.expires_at {
                let event_id = event.event_id;
                working.keep(event);
                working.postpone(event_id, later);
            }
        }
        working.write(tx, batch.registry, batch.report).await?;
        if !full {
            break;
        }
    }
    look_ahead(tx, batch).await
}

/// Finds out in which lanes events have come due, for the claims that wait, and notes when the next one will.
pub(super) async fn find_ready(
    tx: &mut dyn Transaction,
    nobody_waits: bool,
    batch: &mut Batch<'_>,
) -> Result<(), StoreError> {
    if nobody_waits {
        batch.report.due.ready = None;
        batch.report.due.ready_known = false;
        return Ok(());
    }
    let lanes = batch.registry.lanes();
    batch.report.news.ready.extend(tx.ready_counts(&lanes, READY_BATCH).await?);
    batch.report.due.ready = tx.next_ready_at(&lanes).await?;
    batch.report.due.ready_known = true;
    Ok(())
}

/// How long finished events are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Completed ones.
    pub completed: Duration,
    /// Failed and cancelled ones; dead letters stay until they are resolved.
    pub failed: Duration,
}

impl Retention {
    /// 7 days, and 30.
    pub const DEFAULT: Self =
        Self { completed: Duration::from_secs(7 * 86_400), failed: Duration::from_secs(30 * 86_400) };
}

/// Forgets some of what has been kept long enough, and notes when to look again.
pub(super) async fn forget(tx: &mut dyn Transaction, batch: &mut Batch<'_>) -> Result<(), StoreError> {
    let Retention { completed, failed } = batch.config.retention;
    let now = batch.now;
    let ids = tx.forgettable_events(now - completed, now - failed, FORGET_BATCH).await?;
    if !ids.is_empty() {
        tx.delete_events(&ids).await?;
        batch.report.forgotten += ids.len() as u64;
    }
    if ids.len() == FORGET_BATCH as usize {
        batch.report.due.retention = Some(now);
        return Ok(());
    }
    tidy(tx, now, batch).await?;
    let (oldest_completed, oldest_failed) = tx.oldest_finished().await?;
    let next = [oldest_completed.map(|at| at + completed), oldest_failed.map(|at| at + failed)];
    let next = next.into_iter().flatten().min().unwrap_or(Timestamp::MAX).clamp(now + FORGET_PAUSE, now + TIDY_PAUSE);
    batch.report.due.retention = Some(next);
    Ok(())
}

/// Forgets lanes without events, engines that are gone for good, and old audit entries.
async fn tidy(tx: &mut dyn Transaction, now: Timestamp, batch: &mut Batch<'_>) -> Result<(), StoreError> {
    for lane_id in tx.delete_empty_lanes(FORGET_BATCH).await? {
        batch.registry.forget_lane(lane_id);
    }
    let gone = tx.delete_gone_engines(now - batch.config.retention.failed, FORGET_BATCH).await?;
    if !gone.is_empty() {
        for engine_id in &gone {
            batch.registry.forget_engine(engine_id);
        }
        batch.registry.raise(tx).await?;
    }
    tx.delete_audit(now - AUDIT_KEPT, FORGET_BATCH).await?;
    Ok(())
}
