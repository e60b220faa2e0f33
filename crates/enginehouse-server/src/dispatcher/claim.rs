//! Engines take events, each under a lock.
//!
//! A claim looks at the lanes that its engine may serve, and in them only at the events that it takes: never at a
//! backlog that needs some other engine. Claims of one batch share what was read of a lane, and no event is given twice.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use enginehouse_core::engine::{Abilities, RegisteredEngine};
use enginehouse_core::gates::{EngineFacts, Gate, Held, LaneFacts, first_failure};
use enginehouse_core::hold_back::{HeldWork, HoldBack, Reservation, effective_priority, expected_end};
use enginehouse_core::ids::{EngineId, EventId, EventType, LaneId, ScenarioRunId};
use enginehouse_core::json::RawJson;
use enginehouse_core::lane::LaneKey;
use enginehouse_core::limits::MAX_CLAIM_BYTES;
use enginehouse_core::quarantine::{EnforcedQuarantine, enforced};
use enginehouse_core::request::{Affinity, Claim};
use enginehouse_core::retry_elsewhere::PREFERS_FOR;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::EventCommand;
use enginehouse_store::StoreError;

use super::answers::Claimed;
use super::context::TransactionContext;
use super::deadlines::bring_forward;
use super::expiry::expire;
use super::hold_backs::{LOOK_INTERVAL, StarvingEvent};
use super::levels::{Level, Levels};
use super::previous_attempts::previous_attempts;
use super::ready_events::{Candidate, ReadyEvents, ReadySearch};
use super::suspension::{resumed_attributes, suspend};
use super::wait_queue::{EngineRoom, Occupancy};
use super::wake_ups::EventForOthers;

/// From how many bytes of payloads on a batch gives each further claim one event and no more.
const MAX_BATCH_BYTES: usize = 64 * 1024 * 1024;
/// How many events that must be alone one claim passes over. If there are more, most of the backlog is on its last chance.
const MAX_PASSED_OVER: usize = 128;
/// For how many events that its engine has failed one claim has others woken.
const MAX_RETRIED_ELSEWHERE: usize = 8;
/// How many events of paused scenario runs a claim suspends at most, so that its transaction stays short.
const MAX_SUSPENDED: u32 = 256;
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
    /// Events that it had to pass over because its engine has failed them.
    pub(super) for_others: HashMap<EventId, EventForOthers>,
    /// Lanes of which it is given nothing because its engine is held back for another event.
    pub(super) kept_from: HashSet<LaneId>,
    /// What its engine could be given next.
    pub(super) room: EngineRoom,
}

/// Gives events to claims, in their order: the first claim has the first choice.
pub(super) async fn claim(context: &mut TransactionContext<'_>, claims: &[Claimant]) -> Result<Vec<Given>, StoreError> {
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    context.last_claims.note(claims.iter().map(|claim| &claim.engine.engine_id), context.now);
    let starving = context.hold_backs.watched();
    context.learn_failures(starving.iter().filter_map(|head| Some((head.event_id, head.retry?)))).await?;
    let mut holdings = held_by(context, claims, !starving.is_empty()).await?;
    let mut ready = ReadyEvents::new(claims.iter().map(|claim| claim.claim.limit).sum());
    let mut given: Vec<Vec<EventId>> = Vec::with_capacity(claims.len());
    let mut met = Vec::with_capacity(claims.len());
    for claim in claims {
        let engine_id = &claim.engine.engine_id;
        let holding = holdings.remove(engine_id).unwrap_or_default();
        let bytes_left = MAX_BATCH_BYTES.saturating_sub(ready.bytes_taken).min(MAX_CLAIM_BYTES);
        let mut choice = Choice::new(claim, holding, bytes_left, context);
        choice.look_at_starving(&starving, context)?;
        choice.choose(&mut ready, context).await?;
        choice.tell_refused(context);
        ready.still_wanted -= choice.wanted();
        met.push(choice.met(context));
        let Choice { held, work, held_types, .. } = choice;
        holdings.insert(engine_id.clone(), Holding { held, work, held_types });
        given.push(choice.given);
    }
    let locked = lock(context, claims, &given, ready.payloads).await?;
    Ok(locked.into_iter().zip(met).map(|(events, met)| Given { events, ..met }).collect())
}

/// What an engine holds.
#[derive(Default)]
struct Holding {
    held: Held,
    /// The same one by one, with the moment at which each is expected to end, if some event has waited long.
    work: Vec<HeldWork>,
    /// Of which types, if the engine is or was quarantined for some.
    held_types: Vec<EventType>,
}

/// What the engines of the claims hold already.
async fn held_by(
    context: &mut TransactionContext<'_>,
    claims: &[Claimant],
    one_by_one: bool,
) -> Result<HashMap<EngineId, Holding>, StoreError> {
    let engines: HashMap<_, _> = claims.iter().map(|claim| (claim.engine.engine_id.clone(), &claim.engine)).collect();
    let mut ids: Vec<_> = engines.keys().cloned().collect();
    ids.sort_unstable();
    let mut holdings: HashMap<EngineId, Holding> = HashMap::new();
    let events = context.transaction.held_events(&ids).await?;
    context.learn_lanes_of(&events).await?;
    for event in events {
        // Of a lane that cannot be read, the lock alone counts.
        let lane = context.registry.lane_of(&event).ok().cloned();
        let memory = lane.as_ref().and_then(|lane| lane.required_memory_mb);
        let final_attempt = context.registry.is_final_attempt(&event);
        let Some(lock) = event.state.lock else { continue };
        let was_heard = engines.get(&lock.engine_id).is_some_and(|engine| lock.claimed_at <= engine.last_heartbeat_at);
        let is_tried = engines.get(&lock.engine_id).is_some_and(|engine| !engine.automatic_quarantines.is_empty());
        let Holding { held, work, held_types } = holdings.entry(lock.engine_id).or_default();
        held_types.extend(lane.as_ref().filter(|_| is_tried).map(|lane| lane.event_type.clone()));
        let before = *held;
        *held = before.and(memory);
        held.final_attempt |= final_attempt;
        if was_heard {
            held.memory_since_heartbeat_mb = before.memory_since_heartbeat_mb;
        }
        if one_by_one {
            let takes = lane.and_then(|lane| context.takes(&lane.event_type));
            let ends_at = expected_end(lock.claimed_at, takes, lock.visibility_timeout, context.now);
            work.push(HeldWork { ends_at, memory_mb: memory.unwrap_or(0), final_attempt });
        }
    }
    Ok(holdings)
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
    work: Vec<HeldWork>,
    /// Of which types that is, if the engine is or was quarantined for some.
    held_types: Vec<EventType>,
    /// What the engine is kept from because it is suspect.
    enforced: Vec<EnforcedQuarantine>,
    /// The event that its engine is held back for.
    held_for: Option<HeldFor>,
    given: Vec<EventId>,
    /// How many bytes of payloads it may still be given; its first event may have more.
    bytes_left: usize,
    /// How many events it has met that had expired.
    expired: u32,
    /// Events that it has met and that are for other engines, or for this one when it is idle.
    passed_over: HashMap<EventId, LaneId>,
    /// Those of them that its engine has failed, and another one is to retry.
    failed_before: Vec<EventId>,
    /// How many events of paused scenario runs it has put where claims pass them at once.
    suspended: u32,
    /// Those of the ones that it has passed over for which there was no lane to suspend them in.
    not_suspended: Vec<EventId>,
    /// Lanes that it had no room for.
    refused: Vec<LaneId>,
    /// Lanes that it was kept from because its engine is held back.
    kept_from: HashSet<LaneId>,
}

/// The event that an engine is held back for.
struct HeldFor {
    head: StarvingEvent,
    lane: Arc<LaneKey>,
    hold_back: HoldBack,
}

/// An event, or the events of a lane, that an engine might be given.
#[derive(Clone, Copy)]
struct Asked {
    lane_id: LaneId,
    /// One event of the lane, once it was looked at.
    event_id: Option<EventId>,
    /// Whether it must be its engine's only one.
    final_attempt: bool,
    /// The priority as it counts by now.
    priority: u8,
}

impl<'a> Choice<'a> {
    fn new(claim: &'a Claimant, holding: Holding, bytes_left: usize, context: &mut TransactionContext<'_>) -> Self {
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
            held: holding.held,
            work: holding.work,
            enforced: enforced(&claim.engine.automatic_quarantines, context.now, |of| holding.held_types.contains(of)),
            held_types: holding.held_types,
            held_for: None,
            given: Vec::new(),
            bytes_left,
            expired: 0,
            passed_over: HashMap::new(),
            failed_before: Vec::new(),
            suspended: 0,
            not_suspended: Vec::new(),
            refused: Vec::new(),
            kept_from: HashSet::new(),
        }
    }

    fn wants_more(&self) -> bool {
        let has_room = self.bytes_left > 0 || self.given.is_empty();
        has_room && self.expired < MAX_EXPIRED && self.given.len() < self.claim.limit as usize
    }

    fn occupancy(&self) -> Occupancy {
        match (self.held, &self.held_for) {
            (Held { final_attempt: true, .. }, _) => Occupancy::Closed,
            (Held { locks: 0, .. }, _) => Occupancy::Idle,
            (_, Some(held_for)) => Occupancy::HeldBack(held_for.hold_back.priority),
            (_, None) => Occupancy::Busy,
        }
    }

    /// The event types at which its engine is tried with one event that it holds.
    fn probed(&self) -> Vec<EventType> {
        let probes = self.enforced.iter().filter(|enforced| enforced.until.is_none());
        probes.map(|enforced| enforced.event_type.clone()).collect()
    }

    /// What the claim has met beside what it is given.
    fn met(&mut self, context: &TransactionContext<'_>) -> Given {
        let retried = self.failed_before.iter().take(MAX_RETRIED_ELSEWHERE);
        let retry = |event_id: &EventId| {
            let lane_id = self.passed_over.remove(event_id)?;
            Some((
                *event_id,
                EventForOthers { lane_id, failed_by: Arc::clone(context.retried.get(event_id)?.failed_by()) },
            ))
        };
        let for_others = retried.filter_map(retry).collect();
        self.passed_over.retain(|event_id, _| !self.not_suspended.contains(event_id));
        let passed_over = self.passed_over.iter().filter(|(event_id, _)| !self.failed_before.contains(event_id));
        Given {
            events: Vec::new(),
            passed_over: passed_over.map(|(_, lane_id)| *lane_id).collect(),
            for_others,
            kept_from: std::mem::take(&mut self.kept_from),
            room: EngineRoom { occupancy: self.occupancy(), probed: self.probed() },
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
        let lanes = context.transaction.maybe_ready(&self.lanes).await?;
        let mut levels = Levels::of(&lanes, context)?;
        while self.wants_more()
            && let Some(Level { priority, lanes, until }) = levels.next(context)?
        {
            let mut open = Vec::with_capacity(lanes.len());
            for lane_id in lanes {
                let asked = Asked { lane_id, event_id: None, final_attempt: false, priority };
                match self.refusal(asked, context)? {
                    None => open.push(lane_id),
                    Some(gate) => self.refused_by(gate, lane_id),
                }
            }
            if let Some(run) = self.run.clone() {
                self.take_oldest(Some(&run), priority, open.clone(), &until, ready, context).await?;
            }
            if self.claim.affinity != Affinity::Require {
                self.take_oldest(None, priority, open, &until, ready, context).await?;
            }
        }
        Ok(())
    }

    fn refused_by(&mut self, gate: Gate, lane_id: LaneId) {
        match gate {
            Gate::Concurrency | Gate::FinalAttempt | Gate::Memory => self.refused.push(lane_id),
            Gate::HeldBack => _ = self.kept_from.insert(lane_id),
            _ => {}
        }
    }

    /// Looks at the events that have waited long: which of them its engine has no room for, and for which one it is held back.
    fn look_at_starving(
        &mut self,
        starving: &[StarvingEvent],
        context: &mut TransactionContext<'_>,
    ) -> Result<(), StoreError> {
        let (engine_id, now) = (&self.engine.engine_id, context.now);
        let mut fits: Option<StarvingEvent> = None;
        for head in starving {
            let class = context.registry.class(engine_id).map(|class| &**class);
            if !context.registry.may_serve(class, &self.claim.filter, head.lane_id) {
                continue;
            }
            let Ok(lane) = context.registry.lane(head.lane_id).cloned() else { continue };
            let StarvingEvent { lane_id, event_id, final_attempt, .. } = *head;
            let asked = Asked { lane_id, event_id: Some(event_id), final_attempt, priority: 0 };
            let gate = self.refusal(asked, context)?;
            if matches!(gate, Some(Gate::Concurrency | Gate::FinalAttempt | Gate::Memory))
                && let Some(room) = Reservation::of(&self.abilities, &self.work, &lane, final_attempt, now)
            {
                context.hold_backs.has_no_room(head, engine_id, room.opens_at, now);
            } else if gate.is_none() && head.due_at <= now {
                fits = fits.or(Some(*head));
            }
        }
        if starving.is_empty() {
            return Ok(());
        }
        // What has waited long and fits now is not displaced by what fits as well.
        let fits = fits.filter(|_| self.claim.affinity != Affinity::Require);
        if let Some(head) = context.hold_backs.head_for(engine_id).or(fits)
            && let Ok(lane) = context.registry.lane(head.lane_id).cloned()
        {
            self.hold_back(head, lane, context);
        }
        Ok(())
    }

    /// Its engine is held back for an event, unless that is paused, or would not fit any more.
    fn hold_back(&mut self, head: StarvingEvent, lane: Arc<LaneKey>, context: &TransactionContext<'_>) {
        let is_paused = context.registry.lane_facts(&lane).is_paused()
            || context.events.get(head.event_id).is_some_and(|event| context.registry.paused_run(event).is_some());
        let quarantine = self.engine.quarantine_at(context.now);
        let is_kept = quarantine.is_some_and(|quarantine| quarantine.covers(&lane.event_type));
        if is_paused || is_kept {
            return;
        }
        let now = context.now;
        let reservation = Reservation::of(&self.abilities, &self.work, &lane, head.final_attempt, now);
        self.held_for = reservation.map(|reservation| {
            let aging = context.registry.precedence(&lane).aging;
            let priority = effective_priority(lane.priority, aging, head.available_at, now);
            HeldFor { head, lane, hold_back: HoldBack { priority, reservation, now } }
        });
    }

    /// Names some of the lanes that it had no room for.
    fn tell_refused(&self, context: &mut TransactionContext<'_>) {
        if !self.refused.is_empty() {
            context.hold_backs.suspect(&self.refused, context.now);
            bring_forward(&mut context.effects.deadlines.hold_backs, Some(context.now + LOOK_INTERVAL));
        }
    }

    /// What keeps the engine from one more event of this lane.
    fn refusal(&self, asked: Asked, context: &TransactionContext<'_>) -> Result<Option<Gate>, StoreError> {
        let Asked { lane_id, event_id, final_attempt, priority } = asked;
        let load = &self.engine.metadata.dynamic_state.resource_utilization;
        let lane = context.registry.lane(lane_id)?;
        // What it is held back for is what it may have, and what has come before that in its lane since.
        let is_own = |held_for: &&HeldFor| {
            let head = &held_for.head;
            let is_first = |event_id| {
                let place = context.events.get(event_id).map(|event| (event.state.available_at, event_id));
                place.is_none_or(|place| place <= (head.available_at, head.event_id))
            };
            head.lane_id == lane_id && event_id.is_none_or(is_first)
        };
        let held_back = self.held_for.as_ref().filter(|held_for| !is_own(held_for)).map(|held_for| held_for.hold_back);
        let engine_id = &self.engine.engine_id;
        let failed_on = event_id.and_then(|event_id| context.failed_on(event_id, lane, engine_id));
        let engine = EngineFacts {
            engine_id: Some(engine_id),
            status: self.engine.status,
            abilities: &self.abilities,
            quarantine: self.engine.quarantine_at(context.now),
            enforced: &self.enforced,
            held: self.held,
            memory_usage_mb: load.memory_usage_mb,
            cpu_percent: load.cpu_percent,
            max_cpu_percent: context.config.max_cpu_percent,
            held_back,
        };
        let takes = held_back.and_then(|_| context.takes(&lane.event_type));
        let is_suspect = self.enforced.iter().any(|enforced| enforced.event_type == lane.event_type);
        let enforces_quarantine = is_suspect && context.registry.enforces_quarantine(lane, context.now);
        let facts = context.registry.lane_facts(lane);
        let lane = LaneFacts {
            enforces_quarantine,
            final_attempt,
            priority,
            takes,
            failed_on,
            paused_run: facts.paused_run.or_else(|| context.registry.paused_run(context.events.get(event_id?)?)),
            ..facts
        };
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
        let lane = context.registry.lane(lane_id)?;
        self.bytes_left = self.bytes_left.saturating_sub(ready.take(event_id));
        self.held = self.held.and(lane.required_memory_mb);
        self.held.final_attempt |= final_attempt;
        self.given.push(event_id);
        if !self.engine.automatic_quarantines.is_empty() {
            // It may be what the engine is tried with.
            self.held_types.push(lane.event_type.clone());
            let holds = |event_type: &EventType| self.held_types.contains(event_type);
            self.enforced = enforced(&self.engine.automatic_quarantines, context.now, holds);
        }
        if let Some(HeldFor { head, lane: starving, .. }) = self.held_for.take() {
            // What it was given takes room, too.
            let takes = context.takes(&lane.event_type);
            let ends_at = takes.map_or(Timestamp::MAX, |takes| context.now + takes);
            let memory_mb = lane.required_memory_mb.unwrap_or(0);
            self.work.push(HeldWork { ends_at, memory_mb, final_attempt });
            if head.event_id != event_id {
                self.hold_back(head, starving, context);
            }
        }
        Ok(())
    }

    /// Takes the oldest events of these lanes, which have one priority by now; of a run only, if one is named.
    async fn take_oldest(
        &mut self,
        run: Option<&ScenarioRunId>,
        priority: u8,
        mut open: Vec<LaneId>,
        until: &HashMap<LaneId, Timestamp>,
        ready: &mut ReadyEvents,
        context: &mut TransactionContext<'_>,
    ) -> Result<(), StoreError> {
        while self.wants_more() && !open.is_empty() {
            let search =
                ReadySearch { run, lanes: &open, until, wanted: self.wanted(), passed_over: &self.passed_over };
            let Some(Candidate { event_id, lane_id }) = ready.oldest(context, search).await? else {
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
            match self.refusal(Asked { lane_id, event_id: Some(event_id), final_attempt, priority }, context)? {
                // What does not fit into the answer is not claimed: it is the first of the next claim.
                None if !self.given.is_empty() && ready.payload_bytes(event_id) > self.bytes_left => {
                    self.bytes_left = 0
                }
                None => self.take(event_id, lane_id, final_attempt, ready, context)?,
                // Those behind it may be given to the engine.
                Some(Gate::FinalAttempt) if !self.held.final_attempt && self.passed_over.len() < MAX_PASSED_OVER => {
                    self.refused.push(lane_id);
                    self.passed_over.insert(event_id, lane_id);
                }
                Some(Gate::RetryElsewhere) if self.passed_over.len() < MAX_PASSED_OVER => {
                    self.failed_before.push(event_id);
                    self.passed_over.insert(event_id, lane_id);
                    // Then it may be given to this engine.
                    bring_forward(&mut context.effects.deadlines.ready, Some(context.now + PREFERS_FOR));
                }
                // So that the next claims pass it at once with all others of its run.
                Some(Gate::ScenarioRunRunning)
                    if self.suspended < MAX_SUSPENDED && suspend(context, event_id).await? =>
                {
                    ready.taken.insert(event_id);
                    self.suspended += 1;
                    if self.suspended >= MAX_SUSPENDED {
                        let now = context.now;
                        bring_forward(&mut context.effects.deadlines.ready, Some(now));
                        break;
                    }
                }
                Some(Gate::ScenarioRunRunning) if self.passed_over.len() < MAX_PASSED_OVER => {
                    self.not_suspended.push(event_id);
                    self.passed_over.insert(event_id, lane_id);
                }
                // What it holds only grows within a claim: a lane that is closed once stays closed.
                Some(gate) => {
                    self.refused_by(gate, lane_id);
                    open.retain(|open| *open != lane_id);
                }
            }
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
    let mut previous = previous_attempts(context, given).await?;
    for (claim, events) in claims.iter().zip(given) {
        let version = claim.engine.metadata.static_config.engine_software_version.as_deref().map(Arc::<str>::from);
        for event_id in events {
            let attributes = resumed_attributes(context, *event_id).await?;
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
                progress_timeout: policy.progress_timeout,
            };
            let claimed = match attributes {
                Some(attributes) => context.transition_with(*event_id, &command, attributes)?,
                None => context.transition(*event_id, &command)?,
            };
            if claimed.is_ok() {
                locked.insert(*event_id);
            }
        }
    }
    context.write_events().await?;
    let mut answers = Vec::with_capacity(claims.len());
    for events in given {
        let mut claimed = Vec::with_capacity(events.len());
        for event_id in events.iter().filter(|event_id| locked.contains(event_id)) {
            let Some((event, payload)) = context.events.get(*event_id).zip(payloads.remove(event_id)) else {
                return Err(StoreError::Bug(format!("event {event_id} was claimed, but not read")));
            };
            let lane = Arc::clone(context.registry.lane(event.lane_id)?);
            let previous = previous.remove(event_id);
            claimed.push(Claimed { event: event.clone(), lane, payload, previous });
        }
        answers.push(claimed);
    }
    Ok(answers)
}
