//! Grace after an outage: nobody is lost for the time in which the server, or its store, could not hear them.

use std::collections::HashMap;
use std::time::Duration;

use enginehouse_core::grace::{grace_for, postponed};
use enginehouse_core::limits::{LOST_AFTER_INTERVALS, MAX_HEARTBEAT_INTERVAL};
use enginehouse_store::StoreError;
use enginehouse_store::rows::LockCursor;

use super::context::TransactionContext;
use super::sweep::{SWEEP_LIMIT, find_next_losses};

/// Gives every engine one full `lost_after` from now to send a heartbeat, and every lock as long as its engine.
pub(super) async fn grant_grace(context: &mut TransactionContext<'_>) -> Result<(), StoreError> {
    let mut graces = HashMap::new();
    let mut due_soon = Vec::new();
    for engine in context.transaction.all_engines().await? {
        let grace = grace_for(engine.heartbeat_interval);
        if engine.lost_due_at.is_some_and(|due| postponed(due, context.now, grace) != due) {
            due_soon.push(engine.engine_id.clone());
        }
        graces.insert(engine.engine_id, grace);
    }
    let mut engines = context.transaction.engines_by_id(&due_soon).await?;
    for engine in &mut engines {
        let grace = grace_for(engine.heartbeat_interval);
        engine.lost_due_at = engine.lost_due_at.map(|due| postponed(due, context.now, grace));
    }
    if !engines.is_empty() {
        context.transaction.write_engines(&engines).await?;
    }
    let until = context.now + MAX_HEARTBEAT_INTERVAL * LOST_AFTER_INTERVALS;
    let mut after = None;
    loop {
        let page = context.transaction.locks_expiring(until, after, SWEEP_LIMIT).await?;
        let is_full = page.len() == SWEEP_LIMIT as usize;
        for event in page {
            let Some(lock) = event.state.lock.clone() else { continue };
            after = Some(LockCursor { expires_at: lock.expires_at, event_id: event.event_id });
            let grace = graces.get(&lock.engine_id).copied().unwrap_or_else(|| grace_for(Duration::ZERO));
            let later = postponed(lock.expires_at, context.now, grace);
            if later != lock.expires_at {
                let event_id = event.event_id;
                context.events.keep(event);
                context.events.postpone_lock_expiry(event_id, later);
            }
        }
        context.write_events().await?;
        if !is_full {
            break;
        }
    }
    find_next_losses(context).await
}
