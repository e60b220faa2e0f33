//! Signs of life: every call of an engine's present epoch shows that its process lives, not its heartbeats alone.
//!
//! A call moves the engine's deadline in its row, so that every server of a shared store knows it. That is one write per half
//! an interval at most, however often the engine calls; and a claim that waits has one made for it in each interval.

use enginehouse_store::StoreError;

use super::context::TransactionContext;
use super::seen_engines::Callers;

/// Moves the deadlines of engines that have called. One that another transaction works for is left out: that is a sign, too.
pub(super) async fn see(context: &mut TransactionContext<'_>, callers: &Callers) -> Result<(), StoreError> {
    if callers.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = callers.keys().cloned().collect();
    let engines = context.transaction.free_engines_by_id(&ids).await?;
    // An older process than the one that has registered says nothing of it.
    let present = engines.into_iter().filter(|engine| callers.get(&engine.engine_id) == Some(&engine.epoch));
    let (now, mut engines, mut seen) = (context.now, Vec::new(), Vec::new());
    for engine in present {
        seen.extend(engine.seen(now));
        engines.push(engine);
    }
    context.seen_engines.keep(engines.iter().chain(&seen));
    if !seen.is_empty() {
        context.transaction.write_engines(&seen).await?;
    }
    Ok(())
}
