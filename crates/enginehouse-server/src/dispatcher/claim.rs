//! Engines take events, each under a lock.
//!
//! A claim looks at the lanes that its engine may serve, and in them only at the events that it takes: never at a
//! backlog that needs some other engine. Claims of one batch share what was read of a lane, and no event is given twice.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use enginehouse_core::engine::{Abilities, Engine};
use enginehouse_core::gates::{EngineFacts, Held, first_failure};
use enginehouse_core::ids::{EngineId, EventId, LaneId, ScenarioRunId};
use enginehouse_core::request::{Affinity, Claim};
use enginehouse_core::transition::EventCommand;
use enginehouse_store::StoreError;
use enginehouse_store::rows::{HeldLock, ReadyEvent, ReadyRange};

use super::answers::Claimed;
use super::context::TransactionContext;

/// An engine whose epoch was checked, and what it claims.
pub(super) struct Claimant {
    pub(super) engine: Engine,
    pub(super) claim: Claim,
}

/// Gives events to claims, in their order: the first claim has the first choice.
pub(super) async fn claim(
    context: &mut TransactionContext<'_>,
    claims: &[Claimant],
) -> Result<Vec<Vec<Claimed>>, StoreError> {
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    let mut held = held_by(context, claims).await?;
    let mut pool = Pool::new(claims.iter().map(|claim| claim.claim.limit).sum());
    let mut given: Vec<Vec<ReadyEvent>> = Vec::with_capacity(claims.len());
    for claim in claims {
        let engine_id = &claim.engine.engine_id;
        let holds = held.get(engine_id).copied().unwrap_or_default();
        let mut choice = Choice::new(claim, holds, context);
        choice.choose(&mut pool, context).await?;
        held.insert(engine_id.clone(), choice.held);
        given.push(choice.given);
    }
    lock(context, claims, &given).await
}

/// What the engines of the claims hold already.
async fn held_by(
    context: &mut TransactionContext<'_>,
    claims: &[Claimant],
) -> Result<HashMap<EngineId, Held>, StoreError> {
    let engines: HashMap<_, _> = claims.iter().map(|claim| (claim.engine.engine_id.clone(), &claim.engine)).collect();
    let mut ids: Vec<_> = engines.keys().cloned().collect();
    ids.sort_unstable();
    let mut held: HashMap<EngineId, Held> = HashMap::new();
    for HeldLock { engine_id, lane_id, claimed_at, .. } in context.transaction.locks_of_engines(&ids).await? {
        let memory = context.registry.lane(lane_id)?.required_memory_mb;
        let before = held.get(&engine_id).copied().unwrap_or_default();
        let mut after = before.and(memory);
        if engines.get(&engine_id).is_some_and(|engine| claimed_at <= engine.last_heartbeat_at) {
            after.memory_since_heartbeat_mb = before.memory_since_heartbeat_mb;
        }
        held.insert(engine_id, after);
    }
    Ok(held)
}

/// The choice of one claim.
struct Choice<'a> {
    engine: &'a Engine,
    abilities: Arc<Abilities>,
    claim: &'a Claim,
    /// The engine's run, if its events are preferred or required.
    run: Option<ScenarioRunId>,
    lanes: Arc<Vec<LaneId>>,
    held: Held,
    given: Vec<ReadyEvent>,
}

impl<'a> Choice<'a> {
    fn new(claim: &'a Claimant, held: Held, context: &mut TransactionContext<'_>) -> Self {
        let run = match claim.claim.affinity {
            Affinity::None => None,
            Affinity::Prefer | Affinity::Require => claim.engine.metadata.dynamic_state.scenario_run_id(),
        };
        Self {
            abilities: context.registry.abilities(&claim.engine),
            lanes: context.registry.servable_lanes(&claim.engine),
            engine: &claim.engine,
            claim: &claim.claim,
            run,
            held,
            given: Vec::new(),
        }
    }

    fn wants_more(&self) -> bool {
        self.given.len() < self.claim.limit as usize
    }

    fn wanted(&self) -> u32 {
        self.claim.limit.saturating_sub(u32::try_from(self.given.len()).unwrap_or(u32::MAX))
    }

    async fn choose(&mut self, pool: &mut Pool, context: &mut TransactionContext<'_>) -> Result<(), StoreError> {
        if self.claim.affinity == Affinity::Require && self.run.is_none() {
            return Ok(());
        }
        let lanes = Arc::clone(&self.lanes);
        let mut rest = &lanes[..];
        while self.wants_more() && !rest.is_empty() {
            let priority = context.registry.lane(rest[0])?.priority;
            let mut end = 1;
            while end < rest.len() && context.registry.lane(rest[end])?.priority == priority {
                end += 1;
            }
            let mut open = Vec::with_capacity(end);
            for lane_id in &rest[..end] {
                if self.may_take(*lane_id, context)? {
                    open.push(*lane_id);
                }
            }
            rest = &rest[end..];
            if let Some(run) = self.run.clone() {
                self.take_of_run(&run, &open, pool, context).await?;
            }
            if self.claim.affinity != Affinity::Require {
                self.take_oldest(open, pool, context).await?;
            }
        }
        Ok(())
    }

    /// Whether every gate lets the engine take one more event of this lane.
    fn may_take(&self, lane_id: LaneId, context: &TransactionContext<'_>) -> Result<bool, StoreError> {
        let load = &self.engine.metadata.dynamic_state.resource_utilization;
        let engine = EngineFacts {
            status: self.engine.status,
            abilities: &self.abilities,
            held: self.held,
            memory_usage_mb: load.memory_usage_mb,
            cpu_percent: load.cpu_percent,
            max_cpu_percent: context.config.max_cpu_percent,
        };
        let lane = context.registry.lane_facts(context.registry.lane(lane_id)?);
        Ok(first_failure(&engine, &lane, &self.claim.filter).is_none())
    }

    async fn take_of_run(
        &mut self,
        run: &ScenarioRunId,
        lanes: &[LaneId],
        pool: &mut Pool,
        context: &mut TransactionContext<'_>,
    ) -> Result<(), StoreError> {
        if lanes.is_empty() || !self.wants_more() {
            return Ok(());
        }
        // As many more as were taken in this transaction, for they are still seen as ready.
        let limit = self.wanted().saturating_add(u32::try_from(pool.taken.len()).unwrap_or(u32::MAX));
        for event in context.transaction.ready_events_of_run(run, lanes, limit).await? {
            if self.wants_more() && !pool.taken.contains(&event.event_id) && self.may_take(event.lane_id, context)? {
                self.take(event, pool, context)?;
            }
        }
        Ok(())
    }

    /// Takes the oldest events of these lanes, which have one priority.
    async fn take_oldest(
        &mut self,
        mut open: Vec<LaneId>,
        pool: &mut Pool,
        context: &mut TransactionContext<'_>,
    ) -> Result<(), StoreError> {
        while self.wants_more() && !open.is_empty() {
            let Some(next) = pool.oldest(context, &open, self.wanted()).await? else { break };
            // What it holds only grows within a claim: a lane that is closed once stays closed.
            if self.may_take(next.lane_id, context)? {
                self.take(next, pool, context)?;
            } else {
                open.retain(|lane_id| *lane_id != next.lane_id);
            }
        }
        Ok(())
    }

    fn take(&mut self, event: ReadyEvent, pool: &mut Pool, context: &TransactionContext<'_>) -> Result<(), StoreError> {
        pool.taken.insert(event.event_id);
        self.held = self.held.and(context.registry.lane(event.lane_id)?.required_memory_mb);
        self.given.push(event);
        Ok(())
    }
}

/// What the claims of one batch have read of the lanes.
struct Pool {
    lanes: HashMap<LaneId, Heads>,
    taken: HashSet<EventId>,
    /// How many events to read of a lane at once.
    chunk: u32,
}

#[derive(Default)]
struct Heads {
    events: VecDeque<ReadyEvent>,
    after: Option<(enginehouse_core::time::Timestamp, EventId)>,
    exhausted: bool,
}

impl Pool {
    fn new(wanted: u32) -> Self {
        Self { lanes: HashMap::new(), taken: HashSet::new(), chunk: wanted.min(64) }
    }

    /// The oldest ready event of these lanes that nobody has taken. It stays where it is.
    async fn oldest(
        &mut self,
        context: &mut TransactionContext<'_>,
        lanes: &[LaneId],
        wanted: u32,
    ) -> Result<Option<ReadyEvent>, StoreError> {
        for lane_id in lanes {
            let heads = self.lanes.entry(*lane_id).or_default();
            while heads.events.front().is_some_and(|event| self.taken.contains(&event.event_id)) {
                heads.events.pop_front();
            }
        }
        loop {
            let low: Vec<_> = lanes
                .iter()
                .filter_map(|lane_id| self.lanes.get(lane_id).map(|heads| (*lane_id, heads)))
                .filter(|(_, heads)| heads.events.is_empty() && !heads.exhausted)
                .map(|(lane_id, heads)| ReadyRange { lane_id, after: heads.after })
                .collect();
            if low.is_empty() {
                break;
            }
            self.read(context, &low, wanted.max(self.chunk)).await?;
        }
        let heads = lanes.iter().filter_map(|lane_id| self.lanes.get(lane_id)?.events.front());
        Ok(heads.min_by_key(|event| (event.available_at, event.event_id)).copied())
    }

    async fn read(
        &mut self,
        context: &mut TransactionContext<'_>,
        ranges: &[ReadyRange],
        limit: u32,
    ) -> Result<(), StoreError> {
        let mut counts: HashMap<LaneId, u32> = ranges.iter().map(|range| (range.lane_id, 0)).collect();
        for event in context.transaction.ready_events(ranges, limit).await? {
            *counts.entry(event.lane_id).or_default() += 1;
            let heads = self.lanes.entry(event.lane_id).or_default();
            heads.after = Some((event.available_at, event.event_id));
            if !self.taken.contains(&event.event_id) {
                heads.events.push_back(event);
            }
        }
        for (lane_id, count) in counts {
            self.lanes.entry(lane_id).or_default().exhausted = count < limit;
        }
        Ok(())
    }
}

/// Locks what was given, and reads the payloads.
async fn lock(
    context: &mut TransactionContext<'_>,
    claims: &[Claimant],
    given: &[Vec<ReadyEvent>],
) -> Result<Vec<Vec<Claimed>>, StoreError> {
    let ids: Vec<_> = given.iter().flatten().map(|event| event.event_id).collect();
    if ids.is_empty() {
        return Ok(claims.iter().map(|_| Vec::new()).collect());
    }
    context.load_events(ids.iter().copied()).await?;
    let mut locked = HashSet::new();
    for (claim, events) in claims.iter().zip(given) {
        for event in events {
            let Some(row) = context.events.get(event.event_id) else { continue };
            let policy = context.registry.policy(row)?;
            let command = EventCommand::Claim {
                engine_id: claim.engine.engine_id.clone(),
                engine_epoch: claim.engine.epoch,
                secret: context.rng.bits(),
                visibility_timeout: claim.claim.visibility_timeout.unwrap_or(policy.visibility_timeout),
                max_processing: policy.max_processing,
            };
            if context.transition(event.event_id, &command)?.is_ok() {
                locked.insert(event.event_id);
            }
        }
    }
    // What is not written another server has claimed in between: it is simply not given.
    let unwritten = context.write_events().await?;
    locked.retain(|id| !unwritten.contains(id));
    let mut payloads: HashMap<_, _> = context.transaction.payloads(&ids).await?.into_iter().collect();
    let mut answers = Vec::with_capacity(claims.len());
    for events in given {
        let mut claimed = Vec::with_capacity(events.len());
        for event in events.iter().filter(|event| locked.contains(&event.event_id)) {
            let (Some(row), Some(payload)) = (context.events.get(event.event_id), payloads.remove(&event.event_id))
            else {
                return Err(StoreError::Corrupt(format!("event {} has no payload", event.event_id)));
            };
            let lane = Arc::clone(context.registry.lane(event.lane_id)?);
            claimed.push(Claimed { event: row.clone(), lane, payload });
        }
        answers.push(claimed);
    }
    Ok(answers)
}
