//! Engines come, drain and go.

use enginehouse_core::engine::{Engine, EngineStatus, Registration};
use enginehouse_core::ids::EngineId;
use enginehouse_core::transition::{Command, Loss};
use enginehouse_store::{StoreError, Transaction};

use super::batch::Batch;
use super::commands::Refusal;
use super::report::sooner;
use super::working::Working;

/// An engine registers: a new epoch, and the locks of the older one are lost. Answers whether it is new.
pub(super) async fn register(
    tx: &mut dyn Transaction,
    registration: &Registration,
    working: &mut Working,
    batch: &mut Batch<'_>,
) -> Result<(Engine, bool), StoreError> {
    let ids = [registration.engine_id.clone()];
    let previous = tx.engines_by_id(&ids).await?.pop();
    if previous.is_some() {
        lose_locks(tx, &ids, Loss::EngineSuperseded, working, batch).await?;
    }
    let engine = Engine::registered(registration, previous.as_ref(), batch.now);
    sooner(&mut batch.report.due.engine_loss, engine.lost_due_at);
    write(tx, &engine, batch).await?;
    Ok((engine, previous.is_none()))
}

/// An engine is to get no new events.
pub(super) async fn drain(
    tx: &mut dyn Transaction,
    engine_id: &EngineId,
    stop_when_drained: bool,
    batch: &mut Batch<'_>,
) -> Result<Result<Engine, Refusal>, StoreError> {
    let Some(engine) = registered(tx, engine_id).await? else {
        return Ok(Err(Refusal::EngineNotRegistered(engine_id.clone())));
    };
    let mut engine = engine.drained(stop_when_drained);
    if engine.stop_when_drained && tx.locks_of_engines(std::slice::from_ref(engine_id)).await?.is_empty() {
        engine = engine.stopped();
    }
    batch.audit("engine.drain", engine_id, &serde_json::json!({ "stop_when_drained": stop_when_drained }));
    write(tx, &engine, batch).await?;
    Ok(Ok(engine))
}

/// A draining engine may get events again.
pub(super) async fn resume(
    tx: &mut dyn Transaction,
    engine_id: &EngineId,
    batch: &mut Batch<'_>,
) -> Result<Result<Engine, Refusal>, StoreError> {
    let Some(engine) = registered(tx, engine_id).await? else {
        return Ok(Err(Refusal::EngineNotRegistered(engine_id.clone())));
    };
    let engine = engine.resumed();
    batch.audit("engine.resume", engine_id, &serde_json::json!({}));
    write(tx, &engine, batch).await?;
    Ok(Ok(engine))
}

/// An engine goes for good; its locks are lost.
pub(super) async fn deregister(
    tx: &mut dyn Transaction,
    engine_id: &EngineId,
    working: &mut Working,
    batch: &mut Batch<'_>,
) -> Result<Result<Engine, Refusal>, StoreError> {
    let Some(engine) = registered(tx, engine_id).await? else {
        return Ok(Err(Refusal::EngineNotRegistered(engine_id.clone())));
    };
    lose_locks(tx, std::slice::from_ref(engine_id), Loss::EngineDeregistered, working, batch).await?;
    let engine = engine.stopped();
    batch.audit("engine.deregister", engine_id, &serde_json::json!({}));
    write(tx, &engine, batch).await?;
    Ok(Ok(engine))
}

/// Stops those of the engines whose locks have ended that were asked to stop once drained.
pub(super) async fn stop_drained(tx: &mut dyn Transaction, batch: &mut Batch<'_>) -> Result<(), StoreError> {
    let relieved = &batch.report.news.relieved;
    let candidates: Vec<_> = relieved.iter().filter(|id| batch.registry.stops_when_drained(id)).cloned().collect();
    if candidates.is_empty() {
        return Ok(());
    }
    let held = tx.locks_of_engines(&candidates).await?;
    for engine in tx.engines_by_id(&candidates).await? {
        let drained = engine.draining && held.iter().all(|lock| lock.engine_id != engine.engine_id);
        if drained && engine.status == EngineStatus::Draining {
            write(tx, &engine.stopped(), batch).await?;
        }
    }
    Ok(())
}

/// The locks of these engines are lost.
pub(super) async fn lose_locks(
    tx: &mut dyn Transaction,
    engines: &[EngineId],
    loss: Loss,
    working: &mut Working,
    batch: &mut Batch<'_>,
) -> Result<(), StoreError> {
    let events: Vec<_> = tx.locks_of_engines(engines).await?.into_iter().map(|lock| lock.event_id).collect();
    working.load(tx, events.iter().copied()).await?;
    for event_id in events {
        // One whose lock has ended in this very batch is refused: there is nothing left to lose.
        working.apply(event_id, &Command::LoseLock(loss), &mut batch.deciding())?.ok();
    }
    working.write(tx, batch.registry, batch.report).await?;
    Ok(())
}

/// An engine that is registered and has not stopped.
async fn registered(tx: &mut dyn Transaction, engine_id: &EngineId) -> Result<Option<Engine>, StoreError> {
    let engine = tx.engines_by_id(std::slice::from_ref(engine_id)).await?.pop();
    Ok(engine.filter(|engine| engine.status != EngineStatus::Stopped))
}

/// Writes an engine whose registration has changed, for every server to see.
async fn write(tx: &mut dyn Transaction, engine: &Engine, batch: &mut Batch<'_>) -> Result<(), StoreError> {
    tx.write_engines(std::slice::from_ref(engine)).await?;
    batch.registry.keep_engine(engine);
    batch.registry.raise(tx).await?;
    // A waiting claim of this engine has something to learn, good or bad.
    batch.report.news.relieved.insert(engine.engine_id.clone());
    Ok(())
}
