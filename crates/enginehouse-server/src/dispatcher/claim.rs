//! Engines take events, each under a lock.
//!
//! A claim looks at the lanes that its engine may serve, and in them only at the events that it takes: never at a
//! backlog that needs some other engine. Claims of one batch share what was read of a lane, and no event is given twice.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use enginehouse_core::engine::{Abilities, RegisteredEngine};
use enginehouse_core::event::EventStatus;
use enginehouse_core::gates::{EngineFacts, Gate, Held, LaneFacts, first_failure};
use enginehouse_core::ids::{EngineId, EventId, LaneId, ScenarioRunId};
use enginehouse_core::json::RawJson;
use enginehouse_core::limits::MAX_CLAIM_BYTES;
use enginehouse_core::request::{Affinity, Claim};
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::EventCommand;
use enginehouse_store::StoreError;
use enginehouse_store::rows::{ReadyEvent, ReadyRange};

use super::answers::Claimed;
use super::context::TransactionContext;
use super::deadlines::bring_forward;
use super::expiry::expire;
use super::wait_queue::Occupancy;

/// From how many bytes of payloads on a batch gives each further claim one event and no more.
const MAX_BATCH_BYTES: usize = 64 * 1024 * 1024;
/// Most events to read at once, whose payloads are in memory before it is known which of them are given.
const MAX_READ: u32 = 256;
/// Most events to read at once for several claims together.
const MAX_SHARED_READ: u32 = 64;

/// How many expired events a claim cancels at most, so that its transaction stays short: the sweep cancels the others.
const MAX_EXPIRED: u32 = 256;

/// An engine whose epoch was checked, and what it claims.
pub(super) struct Claimant {
    pub(super) engine: RegisteredEngine,
    pub(super) claim: Claim,
}

/// What a claim is given.
pub(super) struct Given {
    pub(super) events: Vec<Claimed>,
    /// Lanes in which it had to pass over an event that must be alone.
    pub(super) passed_over: HashSet<LaneId>,
    /// What its engine could be given next.
    pub(super) occupancy: Occupancy,
}

/// Gives events to claims, in their order: the first claim has the first choice.
pub(super) async fn claim(context: &mut TransactionContext<'_>, claims: &[Claimant]) -> Result<Vec<Given>, StoreError> {
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    context.last_claims.note(claims.iter().map(|claim| &claim.engine.engine_id), context.now);
    let mut held = held_by(context, claims).await?;
    let mut ready = ReadyEvents::new(claims.iter().map(|claim| claim.claim.limit).sum());
    let mut given: Vec<Vec<EventId>> = Vec::with_capacity(claims.len());
    let mut met = Vec::with_capacity(claims.len());
    for claim in claims {
        let engine_id = &claim.engine.engine_id;
        let holds = held.get(engine_id).copied().unwrap_or_default();
        let bytes_left = MAX_BATCH_BYTES.saturating_sub(ready.bytes_taken).min(MAX_CLAIM_BYTES);
        let mut choice = Choice::new(claim, holds, bytes_left, context);
        choice.choose(&mut ready, context).await?;
        ready.still_wanted -= choice.wanted();
        held.insert(engine_id.clone(), choice.held);
        met.push((choice.final_attempts.lanes(), choice.occupancy()));
        given.push(choice.given);
    }
    let locked = lock(context, claims, &given, ready.payloads).await?;
    let given = locked.into_iter().zip(met);
    Ok(given.map(|(events, (passed_over, occupancy))| Given { events, passed_over, occupancy }).collect())
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
    let events = context.transaction.held_events(&ids).await?;
    context.learn_lanes_of(&events).await?;
    for event in events {
        // Of a lane that cannot be read, the lock alone counts.
        let memory = context.registry.lane_of(&event).ok().and_then(|lane| lane.required_memory_mb);
        let final_attempt = context.registry.is_final_attempt(&event);
        let Some(lock) = event.state.lock else { continue };
        let before = held.get(&lock.engine_id).copied().unwrap_or_default();
        let mut after = before.and(memory);
        after.final_attempt |= final_attempt;
        if engines.get(&lock.engine_id).is_some_and(|engine| lock.claimed_at <= engine.last_heartbeat_at) {
            after.memory_since_heartbeat_mb = before.memory_since_heartbeat_mb;
        }
        held.insert(lock.engine_id, after);
    }
    Ok(held)
}

/// The choice of one claim.
struct Choice<'a> {
    engine: &'a RegisteredEngine,
    abilities: Arc<Abilities>,
    claim: &'a Claim,
    /// The engine's run, if its events are preferred or required.
    run: Option<ScenarioRunId>,
    lanes: Arc<Vec<LaneId>>,
    held: Held,
    given: Vec<EventId>,
    /// How many bytes of payloads it may still be given; its first event may have more.
    bytes_left: usize,
    /// What it has met of events that must be alone.
    final_attempts: FinalAttempts,
    /// How many events it has met that had expired.
    expired: u32,
}

impl<'a> Choice<'a> {
    fn new(claim: &'a Claimant, held: Held, bytes_left: usize, context: &mut TransactionContext<'_>) -> Self {
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
            bytes_left,
            final_attempts: FinalAttempts::default(),
            expired: 0,
        }
    }

    fn wants_more(&self) -> bool {
        let has_room = self.bytes_left > 0 || self.given.is_empty();
        has_room
            && self.expired < MAX_EXPIRED
            && self.given.len() < self.claim.limit as usize
            && !self.final_attempts.held_back
    }

    fn occupancy(&self) -> Occupancy {
        match self.held {
            Held { final_attempt: true, .. } => Occupancy::Closed,
            Held { locks: 0, .. } => Occupancy::Idle,
            _ if self.final_attempts.held_back => Occupancy::Closed,
            _ => Occupancy::Busy,
        }
    }

    fn wanted(&self) -> u32 {
        self.claim.limit.saturating_sub(u32::try_from(self.given.len()).unwrap_or(u32::MAX))
    }

    async fn choose(
        &mut self,
        ready: &mut ReadyEvents,
        context: &mut TransactionContext<'_>,
    ) -> Result<(), StoreError> {
        if self.claim.affinity == Affinity::Require && self.run.is_none() {
            return Ok(());
        }
        if let Some(event_id) = context.hold_backs.event_for(&self.engine.engine_id, context.now) {
            self.take_what_it_is_held_back_for(event_id, ready, context).await?;
        }
        let lanes = context.transaction.maybe_ready(&self.lanes).await?;
        let mut rest = &lanes[..];
        while self.wants_more() && !rest.is_empty() {
            let priority = context.registry.lane(rest[0])?.priority;
            let mut end = 1;
            while end < rest.len() && context.registry.lane(rest[end])?.priority == priority {
                end += 1;
            }
            let mut open = Vec::with_capacity(end);
            for lane_id in &rest[..end] {
                if self.refusal(*lane_id, false, self.held, context)?.is_none() {
                    open.push(*lane_id);
                }
            }
            rest = &rest[end..];
            if let Some(run) = self.run.clone() {
                self.take_oldest(Some(&run), open.clone(), ready, context).await?;
            }
            if self.claim.affinity != Affinity::Require {
                self.take_oldest(None, open, ready, context).await?;
            }
        }
        Ok(())
    }

    /// What keeps the engine from one more event of this lane, if it holds so much. The event may be on its last chance.
    fn refusal(
        &self,
        lane_id: LaneId,
        final_attempt: bool,
        held: Held,
        context: &TransactionContext<'_>,
    ) -> Result<Option<Gate>, StoreError> {
        let load = &self.engine.metadata.dynamic_state.resource_utilization;
        let engine = EngineFacts {
            status: self.engine.status,
            abilities: &self.abilities,
            held,
            memory_usage_mb: load.memory_usage_mb,
            cpu_percent: load.cpu_percent,
            max_cpu_percent: context.config.max_cpu_percent,
        };
        let lane = LaneFacts { final_attempt, ..context.registry.lane_facts(context.registry.lane(lane_id)?) };
        Ok(first_failure(&engine, &lane, &self.claim.filter).map(|(gate, _)| gate))
    }

    fn take(
        &mut self,
        event_id: EventId,
        lane_id: LaneId,
        final_attempt: bool,
        ready: &mut ReadyEvents,
        context: &TransactionContext<'_>,
    ) -> Result<(), StoreError> {
        self.bytes_left = self.bytes_left.saturating_sub(ready.take(event_id));
        self.held = self.held.and(context.registry.lane(lane_id)?.required_memory_mb);
        self.held.final_attempt |= final_attempt;
        self.given.push(event_id);
        Ok(())
    }

    /// Gives an engine that is held back for an event this one, once it holds nothing else. If the event is gone, or the
    /// engine could not be given it anyway, it is held back no longer.
    async fn take_what_it_is_held_back_for(
        &mut self,
        event_id: EventId,
        ready: &mut ReadyEvents,
        context: &mut TransactionContext<'_>,
    ) -> Result<(), StoreError> {
        context.load_events([event_id]).await?;
        let Some(event) = context.events.get(event_id) else {
            context.hold_backs.release(&self.engine.engine_id);
            return Ok(());
        };
        let lane_id = event.lane_id;
        let waits = event.state.status == EventStatus::Queued
            && event.state.available_at <= context.now
            && !event.state.has_expired(context.now)
            && !ready.taken.contains(&event_id)
            && context.registry.is_final_attempt(event)
            && self.lanes.contains(&lane_id)
            && self.refusal(lane_id, true, Held::default(), context)?.is_none();
        if !waits {
            context.hold_backs.release(&self.engine.engine_id);
        } else if self.held.locks > 0 {
            self.final_attempts.held_back = true;
        } else if let Some((_, payload)) = context.transaction.payloads(&[event_id]).await?.pop() {
            ready.payloads.insert(event_id, payload);
            self.take(event_id, lane_id, true, ready, context)?;
        } else {
            // A payload that cannot be read is nothing to wait for.
            context.hold_backs.release(&self.engine.engine_id);
        }
        Ok(())
    }

    /// Takes the oldest events of these lanes, which have one priority; of a run only, if one is named.
    async fn take_oldest(
        &mut self,
        run: Option<&ScenarioRunId>,
        mut open: Vec<LaneId>,
        ready: &mut ReadyEvents,
        context: &mut TransactionContext<'_>,
    ) -> Result<(), StoreError> {
        while self.wants_more() && !open.is_empty() {
            let passed_over = &self.final_attempts.passed_over;
            let Some(Candidate { event_id, lane_id }) =
                ready.oldest(context, run, &open, self.wanted(), passed_over).await?
            else {
                break;
            };
            // The sweep has yet to come by.
            if expire(context, event_id)? {
                ready.taken.insert(event_id);
                self.expired += 1;
                if self.expired >= MAX_EXPIRED {
                    // What stands behind them is looked for again once they are gone.
                    let now = context.now;
                    bring_forward(&mut context.effects.deadlines.ready, Some(now));
                    break;
                }
                continue;
            }
            let final_attempt = match context.events.get(event_id) {
                Some(event) => context.registry.is_final_attempt(event),
                None => false,
            };
            match self.refusal(lane_id, final_attempt, self.held, context)? {
                // What does not fit into the answer is not claimed: it is the first of the next claim.
                None if !self.given.is_empty() && ready.payload_bytes(event_id) > self.bytes_left => {
                    self.bytes_left = 0
                }
                None => self.take(event_id, lane_id, final_attempt, ready, context)?,
                // Those behind it may be given to the engine.
                Some(Gate::FinalAttempt) if !self.held.final_attempt && self.final_attempts.has_room() => {
                    let fits_when_empty = self.refusal(lane_id, true, Held::default(), context)?.is_none();
                    let (hold_backs, engine_id) = (context.hold_backs, &self.engine.engine_id);
                    self.final_attempts.held_back =
                        fits_when_empty && hold_backs.passed_over(lane_id, event_id, engine_id, context.now);
                    self.final_attempts.passed_over.insert(event_id, lane_id);
                }
                // What it holds only grows within a claim: a lane that is closed once stays closed.
                Some(_) => open.retain(|open| *open != lane_id),
            }
        }
        Ok(())
    }
}

/// What one claim has met of events that must be alone.
#[derive(Default)]
struct FinalAttempts {
    passed_over: HashMap<EventId, LaneId>,
    /// Whether the engine is given nothing more before it is empty.
    held_back: bool,
}

impl FinalAttempts {
    /// How many events one claim passes over. If there are more, most of the backlog is on its last chance.
    const MOST: usize = 128;

    fn has_room(&self) -> bool {
        self.passed_over.len() < Self::MOST
    }

    fn lanes(&self) -> HashSet<LaneId> {
        self.passed_over.values().copied().collect()
    }
}

/// The order in which events are claimed.
type Position = (Timestamp, EventId);

/// What the claims of one batch have read of what is ready. The events themselves are in the unit of work.
struct ReadyEvents {
    /// Per lane, and apart from that per run and lane.
    lanes: HashMap<(Option<ScenarioRunId>, LaneId), LaneHead>,
    payloads: HashMap<EventId, RawJson>,
    taken: HashSet<EventId>,
    /// How many bytes of payloads these have.
    bytes_taken: usize,
    /// How many more events the claims of the batch want. To read more than that would keep the rest from other
    /// transactions, for which a row that is locked is not there.
    still_wanted: u32,
}

/// The beginning of a lane.
#[derive(Default)]
struct LaneHead {
    events: VecDeque<Position>,
    /// All ready events up to here were read.
    read_to: Option<Position>,
    exhausted: bool,
}

impl LaneHead {
    /// Whether an event that was not read yet may come before a position.
    fn may_hide_one_before(&self, position: Option<Position>) -> bool {
        !self.exhausted && (position.is_none() || self.read_to < position)
    }
}

/// An event that nobody has taken yet.
struct Candidate {
    event_id: EventId,
    lane_id: LaneId,
}

impl ReadyEvents {
    fn new(wanted: u32) -> Self {
        Self {
            lanes: HashMap::new(),
            payloads: HashMap::new(),
            taken: HashSet::new(),
            bytes_taken: 0,
            still_wanted: wanted,
        }
    }

    fn payload_bytes(&self, event_id: EventId) -> usize {
        self.payloads.get(&event_id).map_or(0, |payload| payload.as_str().len())
    }

    /// Takes an event. Answers how many bytes its payload has.
    fn take(&mut self, event_id: EventId) -> usize {
        let bytes = self.payload_bytes(event_id);
        self.taken.insert(event_id);
        self.bytes_taken += bytes;
        self.still_wanted -= 1;
        bytes
    }

    /// The oldest ready event of these lanes that nobody has taken, but for those that are passed over. It stays where it
    /// is.
    async fn oldest(
        &mut self,
        context: &mut TransactionContext<'_>,
        run: Option<&ScenarioRunId>,
        lanes: &[LaneId],
        wanted: u32,
        passed_over: &HashMap<EventId, LaneId>,
    ) -> Result<Option<Candidate>, StoreError> {
        loop {
            let mut oldest: Option<(Position, LaneId)> = None;
            for lane_id in lanes {
                let head = self.lanes.entry((run.cloned(), *lane_id)).or_default();
                while head.events.front().is_some_and(|(_, event_id)| self.taken.contains(event_id)) {
                    head.events.pop_front();
                }
                let mut free =
                    head.events.iter().filter(|(_, id)| !passed_over.contains_key(id) && !self.taken.contains(id));
                if let Some(position) = free.next().copied()
                    && oldest.is_none_or(|(first, _)| position < first)
                {
                    oldest = Some((position, *lane_id));
                }
            }
            let position = oldest.map(|(position, _)| position);
            let to_read: Vec<_> = lanes
                .iter()
                .filter_map(|lane_id| Some((*lane_id, self.lanes.get(&(run.cloned(), *lane_id))?)))
                .filter(|(_, head)| head.may_hide_one_before(position))
                .map(|(lane_id, head)| ReadyRange { lane_id, after: head.read_to })
                .collect();
            if to_read.is_empty() {
                return Ok(oldest.map(|((_, event_id), lane_id)| Candidate { event_id, lane_id }));
            }
            let limit = wanted.max(self.still_wanted.min(MAX_SHARED_READ)).min(MAX_READ);
            self.read(context, run, &to_read, limit).await?;
        }
    }

    async fn read(
        &mut self,
        context: &mut TransactionContext<'_>,
        run: Option<&ScenarioRunId>,
        ranges: &[ReadyRange],
        limit: u32,
    ) -> Result<(), StoreError> {
        let found = match run {
            Some(run) => context.transaction.ready_events_of_run(run, ranges, limit).await?,
            None => context.transaction.ready_events(ranges, limit).await?,
        };
        let exhausted = found.len() < limit as usize;
        let last = found.last().map(ReadyEvent::position);
        for ready in found {
            let (position, lane_id) = (ready.position(), ready.event.lane_id);
            self.lanes.entry((run.cloned(), lane_id)).or_default().events.push_back(position);
            self.payloads.insert(ready.event.event_id, ready.payload);
            context.events.keep(ready.event);
        }
        for range in ranges {
            let head = self.lanes.entry((run.cloned(), range.lane_id)).or_default();
            head.exhausted = exhausted;
            head.read_to = last.or(head.read_to);
        }
        Ok(())
    }
}

/// Locks what was given.
async fn lock(
    context: &mut TransactionContext<'_>,
    claims: &[Claimant],
    given: &[Vec<EventId>],
    mut payloads: HashMap<EventId, RawJson>,
) -> Result<Vec<Vec<Claimed>>, StoreError> {
    let mut locked = HashSet::new();
    for (claim, events) in claims.iter().zip(given) {
        let version = claim.engine.metadata.static_config.engine_software_version.as_deref().map(Arc::<str>::from);
        for event_id in events {
            let Some(event) = context.events.get(*event_id) else { continue };
            let policy = context.registry.policy(event)?;
            let command = EventCommand::Claim {
                engine_id: claim.engine.engine_id.clone(),
                engine_epoch: claim.engine.epoch,
                engine_software_version: version.clone(),
                generation: context.transaction.generation(),
                secret: context.rng.bits(),
                visibility_timeout: claim.claim.visibility_timeout.unwrap_or(policy.visibility_timeout),
                max_processing: policy.max_processing,
            };
            if context.transition(*event_id, &command)?.is_ok() {
                locked.insert(*event_id);
            }
        }
    }
    context.write_events().await?;
    for event in locked.iter().filter_map(|id| context.events.get(*id)).filter(|event| event.state.tally.losses > 0) {
        // The engine that was held back for it may claim others again.
        context.effects.wake_ups.engines.extend(context.hold_backs.let_go(event.lane_id, event.event_id));
    }
    let mut answers = Vec::with_capacity(claims.len());
    for events in given {
        let mut claimed = Vec::with_capacity(events.len());
        for event_id in events.iter().filter(|event_id| locked.contains(event_id)) {
            let Some((event, payload)) = context.events.get(*event_id).zip(payloads.remove(event_id)) else {
                return Err(StoreError::Bug(format!("event {event_id} was claimed, but not read")));
            };
            let lane = Arc::clone(context.registry.lane(event.lane_id)?);
            claimed.push(Claimed { event: event.clone(), lane, payload });
        }
        answers.push(claimed);
    }
    Ok(answers)
}
