//! Engines that could not be heard, because somebody held their rows: they get time to send another heartbeat.

use std::collections::HashSet;

use enginehouse_core::engine::RegisteredEngine;
use enginehouse_core::grace::{grace_for, postponed};
use enginehouse_core::ids::EngineId;
use enginehouse_store::StoreError;

use super::context::TransactionContext;

/// Gives these engines, which were read for a change, one full `lost_after` from now to send a heartbeat.
pub(super) async fn postpone_losses(
    context: &mut TransactionContext<'_>,
    mut engines: Vec<RegisteredEngine>,
) -> Result<(), StoreError> {
    for engine in &mut engines {
        let grace = grace_for(engine.heartbeat_interval);
        engine.lost_due_at = engine.lost_due_at.map(|due| postponed(due, context.now, grace));
    }
    if !engines.is_empty() {
        context.transaction.write_engines(&engines).await?;
    }
    Ok(())
}

/// The same for engines whose signs of life were refused: the server could not write them, and makes good for that as soon as
/// it can.
pub(super) async fn hear_later(context: &mut TransactionContext<'_>, ids: &[EngineId]) -> Result<(), StoreError> {
    let held: HashSet<_> = context.transaction.contended_engines(ids).await?.into_iter().collect();
    let engines = context.transaction.free_engines_by_id(ids).await?;
    postpone_losses(context, engines).await?;
    context.effects.made_good.extend(ids.iter().filter(|id| !held.contains(*id)).cloned());
    Ok(())
}
