//! Engines register, drain, resume and deregister.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use enginehouse_core::access::session::{SessionProof, SessionToken};
use enginehouse_core::engine::{EngineStatus, RegisteredEngine, Registrant, Registration, Succession};
use enginehouse_core::ids::EngineId;
use enginehouse_core::lock::Lock;
use enginehouse_core::quarantine::Quarantine;
use enginehouse_core::transition::{EventCommand, Loss};
use enginehouse_store::rows::{EventRow, RegistryChange};
use enginehouse_store::{HeldResource, StoreError};

use super::caps::check_engine;
use super::contention::Resource;
use super::context::TransactionContext;
use super::deadlines::bring_forward;
use super::operation::Operation;
use super::reply::{OperationResult, Refusal};

/// An engine registers: a new epoch begins, and the locks of the older one are lost.
#[derive(Clone, Debug)]
pub struct Register {
    pub registration: Registration,
    /// What it shows of the session that the engine has.
    pub session: SessionProof,
}

impl Register {
    /// An engine that shows nothing of a session.
    pub fn new(registration: Registration) -> Self {
        Self { registration, session: SessionProof::default() }
    }
}

/// An engine that has registered.
#[derive(Clone, Debug)]
pub struct Registered {
    pub engine: RegisteredEngine,
    /// What its process proves itself with until the next registration.
    pub session: SessionToken,
    /// Whether it has registered for the first time.
    pub is_new: bool,
}

/// Give an engine no new events.
#[derive(Clone, Debug)]
pub struct Drain {
    pub engine_id: EngineId,
    /// Whether the engine is to stop once its last lock is settled.
    pub stop_when_drained: bool,
    /// Only in this epoch: who drains itself, or says goodbye, does not mean the process that has taken over its id.
    pub epoch: Option<i64>,
    /// What proves that the engine does so itself.
    pub session: SessionProof,
}

/// Give a draining engine events again.
#[derive(Clone, Debug)]
pub struct Resume(pub EngineId);

/// Keep an engine from events, without stopping it.
#[derive(Clone, Debug)]
pub struct PutInQuarantine {
    pub engine_id: EngineId,
    pub quarantine: Quarantine,
}

/// Give an engine events again that is in a quarantine.
#[derive(Clone, Debug)]
pub struct LiftQuarantine(pub EngineId);

/// Remove an engine, in good order: it returns what it holds.
#[derive(Clone, Debug)]
pub struct Deregister {
    pub engine_id: EngineId,
    /// Only in this epoch.
    pub epoch: Option<i64>,
    /// What proves that the engine does so itself.
    pub session: SessionProof,
}

#[async_trait(?Send)]
impl Operation for Register {
    type Answer = Registered;

    fn resource(&self) -> Option<Resource> {
        Some(Resource::Engine(self.registration.engine_id.clone()))
    }

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<Registered> {
        let Self { registration, session } = self;
        let ids = [registration.engine_id.clone()];
        let previous = context.transaction.engines_by_id(&ids).await?.pop();
        if previous.is_none()
            && let unreadable @ Refusal::Unreadable(_) = context.no_engine(&registration.engine_id)
        {
            // A new row in its place would begin at epoch 1 again.
            return Ok(Err(unreadable));
        }
        if let (None, Err(refused)) = (&previous, check_engine(context, &registration.engine_id)) {
            return Ok(Err(refused));
        }
        let mut succession = Succession::Restart;
        if let Some(previous) = &previous {
            let principal = context.acting.clone();
            let registrant = Registrant { principal: &principal, session: *session, takeover: registration.takeover };
            succession = match previous.succession(registrant, context.now) {
                Ok(succession) => succession,
                Err(why) => return Ok(Err(Refusal::IdIsTaken { engine_id: registration.engine_id.clone(), why })),
            };
            lose_locks(context, &ids, succession.loss()).await?;
        }
        let token = SessionToken::made(context.rng.secret());
        let generation = context.transaction.generation();
        let engine = RegisteredEngine {
            session: Some(token.hash()),
            registered_by: context.acting.accessor().cloned(),
            takeovers_counted_until: succession.takeovers_counted_until(previous.as_ref()),
            ..RegisteredEngine::registered(registration, previous.as_ref(), generation, context.now)
        };
        bring_forward(&mut context.effects.deadlines.engine_loss, engine.lost_due_at);
        write(context, &engine).await?;
        Ok(Ok(Registered { engine, session: token, is_new: previous.is_none() }))
    }
}

#[async_trait(?Send)]
impl Operation for Drain {
    type Answer = RegisteredEngine;

    fn resource(&self) -> Option<Resource> {
        Some(Resource::Engine(self.engine_id.clone()))
    }

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<RegisteredEngine> {
        let engine = match registered(context, &self.engine_id, self.epoch, self.session).await? {
            Ok(engine) => engine,
            Err(refused) => return Ok(Err(refused)),
        };
        let mut engine = engine.drained(self.stop_when_drained);
        let ids = std::slice::from_ref(&self.engine_id);
        if engine.stop_when_drained && context.transaction.held_events(ids).await?.is_empty() {
            engine = engine.stopped();
        }
        let detail = serde_json::json!({ "stop_when_drained": self.stop_when_drained });
        context.audit("engine.drain", &self.engine_id, &detail);
        write(context, &engine).await?;
        Ok(Ok(engine))
    }
}

#[async_trait(?Send)]
impl Operation for Resume {
    type Answer = RegisteredEngine;

    fn resource(&self) -> Option<Resource> {
        Some(Resource::Engine(self.0.clone()))
    }

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<RegisteredEngine> {
        let engine = match registered(context, &self.0, None, SessionProof::NotAskedFor).await? {
            Ok(engine) => engine.resumed(),
            Err(refused) => return Ok(Err(refused)),
        };
        context.audit("engine.resume", &self.0, &serde_json::json!({}));
        write(context, &engine).await?;
        Ok(Ok(engine))
    }
}

#[async_trait(?Send)]
impl Operation for PutInQuarantine {
    type Answer = RegisteredEngine;

    fn resource(&self) -> Option<Resource> {
        Some(Resource::Engine(self.engine_id.clone()))
    }

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<RegisteredEngine> {
        let Self { engine_id, quarantine } = self;
        let engine = match registered(context, engine_id, None, SessionProof::NotAskedFor).await? {
            Ok(engine) => RegisteredEngine { quarantine: Some(quarantine.clone()), ..engine },
            Err(refused) => return Ok(Err(refused)),
        };
        // When it ends, claims of this engine that wait may be given what waits by then.
        bring_forward(&mut context.effects.deadlines.ready, quarantine.until);
        context.audit("engine.quarantine", engine_id, &serde_json::json!({ "quarantine": quarantine }));
        write(context, &engine).await?;
        Ok(Ok(engine))
    }
}

#[async_trait(?Send)]
impl Operation for LiftQuarantine {
    type Answer = RegisteredEngine;

    fn resource(&self) -> Option<Resource> {
        Some(Resource::Engine(self.0.clone()))
    }

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<RegisteredEngine> {
        let engine = match registered(context, &self.0, None, SessionProof::NotAskedFor).await? {
            Ok(engine) if engine.quarantine_at(context.now).is_none() && engine.automatic_quarantines.is_empty() => {
                return Ok(Ok(engine));
            }
            Ok(engine) => engine,
            Err(refused) => return Ok(Err(refused)),
        };
        // What it was quarantined for does not count any more: otherwise its next failure would quarantine it again.
        let lifted = engine.automatic_quarantines.iter().map(|lifted| (self.0.clone(), lifted.event_type.clone()));
        context.effects.cleared_suspects.extend(lifted);
        let RegisteredEngine { quarantine, automatic_quarantines, .. } = &engine;
        let lifted = serde_json::json!({ "quarantine": quarantine, "automatic_quarantines": automatic_quarantines });
        context.audit("engine.lift", &self.0, &lifted);
        let engine = RegisteredEngine { quarantine: None, automatic_quarantines: Vec::new(), ..engine };
        write(context, &engine).await?;
        Ok(Ok(engine))
    }
}

#[async_trait(?Send)]
impl Operation for Deregister {
    type Answer = RegisteredEngine;

    fn resource(&self) -> Option<Resource> {
        Some(Resource::Engine(self.engine_id.clone()))
    }

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<RegisteredEngine> {
        let Self { engine_id, epoch, session } = self;
        let engine = match registered(context, engine_id, *epoch, *session).await? {
            Ok(engine) => engine.stopped(),
            Err(refused) => return Ok(Err(refused)),
        };
        return_locks(context, engine_id).await?;
        context.audit("engine.deregister", engine_id, &serde_json::json!({}));
        write(context, &engine).await?;
        Ok(Ok(engine))
    }
}

/// Stops engines that were asked to stop once drained, and whose last lock has ended in this batch.
pub(super) async fn stop_drained(context: &mut TransactionContext<'_>) -> Result<(), StoreError> {
    let changed = &context.effects.wake_ups.engines;
    let candidates: Vec<_> = changed.iter().filter(|id| context.registry.stops_when_drained(id)).cloned().collect();
    if candidates.is_empty() {
        return Ok(());
    }
    let held = context.transaction.held_events(&candidates).await?;
    // One that another transaction works on is looked at again with its next heartbeat.
    for engine in context.transaction.free_engines_by_id(&candidates).await? {
        let drained =
            engine.draining && held.iter().all(|event| event.state.engine_id.as_ref() != Some(&engine.engine_id));
        if drained && engine.status == EngineStatus::Draining {
            write(context, &engine.stopped()).await?;
        }
    }
    Ok(())
}

/// Takes the locks of these engines away.
pub(super) async fn lose_locks(
    context: &mut TransactionContext<'_>,
    engines: &[EngineId],
    loss: Loss,
) -> Result<(), StoreError> {
    let (events, contended) = lock_held_events(context, engines).await?;
    refuse_contended(&contended)?;
    lose(context, events, loss).await
}

/// Somebody has locked an event that an engine holds: then nothing can be done about all its locks.
fn refuse_contended(contended: &HashSet<EngineId>) -> Result<(), StoreError> {
    let Some(engine_id) = contended.iter().next() else { return Ok(()) };
    let reason = format!("somebody has locked an event that engine {engine_id} holds");
    Err(StoreError::Held { what: HeldResource::Rows, reason })
}

/// The events that these engines hold, locked for this transaction; and the engines of which somebody else has locked one.
pub(super) async fn lock_held_events(
    context: &mut TransactionContext<'_>,
    engines: &[EngineId],
) -> Result<(Vec<EventRow>, HashSet<EngineId>), StoreError> {
    let events = context.transaction.held_events_for_update(engines).await?;
    context.learn_lanes_of(&events).await?;
    let mut contended = HashSet::new();
    if context.is_shared {
        let locked: HashSet<_> = events.iter().map(|event| event.event_id).collect();
        let all = context.transaction.held_events(engines).await?;
        let others = all.into_iter().filter(|event| !locked.contains(&event.event_id));
        contended.extend(others.filter_map(|event| event.state.engine_id));
    }
    Ok((events, contended))
}

/// Takes these locks away.
pub(super) async fn lose(
    context: &mut TransactionContext<'_>,
    events: Vec<EventRow>,
    loss: Loss,
) -> Result<(), StoreError> {
    let counts = count_by_holder(&events);
    for event in events {
        let event_id = event.event_id;
        let alone = is_alone(&event, &counts);
        context.events.keep(event);
        // Refused if the lock has ended in this very batch: there is nothing left to lose.
        context.transition(event_id, &EventCommand::LoseLock { loss, alone })?.ok();
    }
    context.write_events().await?;
    Ok(())
}

/// Takes back what an engine holds, as if it had released it.
async fn return_locks(context: &mut TransactionContext<'_>, engine_id: &EngineId) -> Result<(), StoreError> {
    let (events, contended) = lock_held_events(context, std::slice::from_ref(engine_id)).await?;
    refuse_contended(&contended)?;
    for event in events {
        let event_id = event.event_id;
        context.events.keep(event);
        context.transition(event_id, &EventCommand::Return)?.ok();
    }
    context.write_events().await?;
    Ok(())
}

/// How many events each engine holds.
pub(super) fn count_by_holder(held: &[EventRow]) -> HashMap<EngineId, usize> {
    let mut counts = HashMap::new();
    for lock in held.iter().filter_map(|event| event.state.lock.as_ref()) {
        *counts.entry(lock.engine_id.clone()).or_default() += 1;
    }
    counts
}

/// Whether the engine that holds an event holds no other.
pub(super) fn is_alone(event: &EventRow, counts: &HashMap<EngineId, usize>) -> bool {
    let holder = event.state.lock.as_ref().map(|Lock { engine_id, .. }| engine_id);
    holder.and_then(|engine_id| counts.get(engine_id)).is_none_or(|count| *count <= 1)
}

/// An engine that is registered and has not stopped; in an epoch, if one is named; and for its own process, if it has to be.
async fn registered(
    context: &mut TransactionContext<'_>,
    engine_id: &EngineId,
    epoch: Option<i64>,
    session: SessionProof,
) -> OperationResult<RegisteredEngine> {
    let engine = context.transaction.engines_by_id(std::slice::from_ref(engine_id)).await?.pop();
    let engine = engine.filter(|engine| engine.status != EngineStatus::Stopped);
    let Some(engine) = engine else { return Ok(Err(context.no_engine(engine_id))) };
    if let Some(epoch) = epoch.filter(|epoch| *epoch != engine.epoch) {
        let engine_id = engine_id.clone();
        return Ok(Err(Refusal::EngineSuperseded { engine_id, epoch, current: engine.epoch }));
    }
    if !session.admits(engine.session.as_ref()) {
        return Ok(Err(Refusal::WrongSession(engine_id.clone())));
    }
    Ok(Ok(engine))
}

/// Writes an engine whose registration has changed, for every server to see.
pub(super) async fn write(context: &mut TransactionContext<'_>, engine: &RegisteredEngine) -> Result<(), StoreError> {
    context.transaction.write_engines(std::slice::from_ref(engine)).await?;
    context.registry.keep_engine(engine);
    let changed = RegistryChange::Engines(std::slice::from_ref(&engine.engine_id));
    context.registry.raise(&mut *context.transaction, changed).await?;
    context.hold_backs.remove_engine(&engine.engine_id);
    // A waiting claim of this engine may find more than before, or be refused.
    context.effects.wake_ups.engines.insert(engine.engine_id.clone());
    Ok(())
}
