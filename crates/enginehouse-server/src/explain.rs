//! Why events wait: the facts for [`enginehouse_core::explain`], read from the store, and its answers.
//!
//! Nothing of this runs on the dispatcher's thread, nor in a transaction that writes: whoever asks why does not delay those
//! who work. What is read of the whole fleet is a [`FleetSnapshot`], which is kept for a while where it is large.

pub mod blocked_watch;
mod fleet_snapshot;
mod refreshed;
mod retried;
mod snapshot_source;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use enginehouse_api::page::BlockedPlace;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::change::ChangeStep;
use enginehouse_core::engine::EngineStatus;
use enginehouse_core::explain::{
    Availability, GateState, LaneExplanation, Passage, Verdict, explain_lane, explain_state, paused_event_type,
    paused_queue, paused_run,
};
use enginehouse_core::fleet::{EngineClass, FleetEngine, NearEngine};
use enginehouse_core::gates::{Gate, LaneFacts};
use enginehouse_core::ids::{EngineId, EventId, EventType, LaneId, QueueName};
use enginehouse_core::time::Timestamp;
use enginehouse_store::rows::{EventRecord, EventRow, LaneCounts, SettingsRows};
use enginehouse_store::{Store, StoreError};

pub use self::fleet_snapshot::{FleetSnapshot, HeldBy};
use self::refreshed::Refreshed;
use self::retried::RetriedEvents;
use self::snapshot_source::SnapshotSource;
use crate::dispatcher::Dispatcher;
use crate::dispatcher::config::DispatchConfig;
use crate::dispatcher::hold_backs::HeldForEvent;
use crate::dispatcher::retries::RetryWaits;

/// Up to how many events before an event are counted.
const MAX_COUNTED_AHEAD: u32 = 10_000;
/// How many lanes an explanation of an engine names.
const MAX_CLAIMABLE: usize = 20;
/// How many changes it names.
const MAX_WOULD_OPEN: usize = 10;

/// Answers why. Cheap to clone.
#[derive(Clone)]
pub struct Explainer {
    store: Arc<dyn Store>,
    views: Arc<Refreshed<SnapshotSource>>,
    retry_waits: RetryWaits,
}

/// Why an event waits, or what has become of it.
pub struct ExplainedEvent {
    pub record: EventRecord,
    pub verdict: Verdict,
    pub summary: String,
    /// Some exactly while it is queued.
    pub waits: Option<ExplainedWait>,
    pub as_of: Timestamp,
}

/// Why an event waits.
pub struct ExplainedWait {
    pub lane: LaneExplanation,
    pub asked_engine: Option<NearEngine>,
    /// The engine that is held back for it.
    pub held_back: Option<HeldForEvent>,
    /// How many events of its lane come before it, up to a limit.
    pub ahead_in_lane: u64,
    /// How many of better priorities do that the same engines could run.
    pub ahead_by_priority: u64,
    /// The view that it was explained by.
    pub view: Arc<FleetSnapshot>,
}

/// What an engine could claim, and what keeps it from more.
pub struct ExplainedEngine {
    pub summary: String,
    pub could_claim: u64,
    pub claimable: Vec<LaneCounts>,
    pub kept_from: Vec<(&'static str, KeptEvents)>,
    pub would_open: Vec<(ChangeStep, u64)>,
    pub view: Arc<FleetSnapshot>,
}

/// Events that one gate keeps an engine from.
#[derive(Default)]
pub struct KeptEvents {
    pub events: u64,
    /// How it fails for the first of them.
    pub detail: String,
}

/// A lane in which something waits.
pub struct ExplainedLane {
    pub counts: LaneCounts,
    pub head: Option<EventRow>,
    pub explanation: LaneExplanation,
}

/// Which lanes are asked about.
#[derive(Clone, Debug, Default)]
pub struct LaneQuestion {
    pub queue: Option<QueueName>,
    pub event_type: Option<EventType>,
    pub verdict: Option<Verdict>,
    pub after: Option<BlockedPlace>,
    pub limit: usize,
    /// Which lanes the caller may see.
    pub within: Arc<Selectors>,
}

/// Lanes in which something waits, the worst first.
pub struct ExplainedLanes {
    pub lanes: Vec<ExplainedLane>,
    /// The last one's place, if others follow.
    pub next: Option<BlockedPlace>,
    pub view: Arc<FleetSnapshot>,
}

impl Explainer {
    pub fn new(store: Arc<dyn Store>, config: &DispatchConfig, dispatcher: &Dispatcher) -> Self {
        let views = Refreshed::new(SnapshotSource::new(Arc::clone(&store), config, dispatcher));
        Self { store, views: Arc::new(views), retry_waits: dispatcher.retry_waits().clone() }
    }

    /// Explains an event, and how far it gets with one engine, if one is named. Nothing, if there is no such event.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn event(
        &self,
        event_id: EventId,
        engine: Option<&EngineId>,
        now: Timestamp,
    ) -> Result<Option<ExplainedEvent>, StoreError> {
        let Some(record) = self.store.event(event_id).await? else { return Ok(None) };
        if let Some((verdict, summary)) = explain_state(&record.event.state) {
            return Ok(Some(ExplainedEvent { record, verdict, summary, waits: None, as_of: now }));
        }
        let view = self.views.get(now).await?;
        let state = &record.event.state;
        let place = (state.available_at, event_id);
        let ahead_in_lane = self.store.queued_before(record.event.lane_id, place, MAX_COUNTED_AHEAD).await?;
        let retried = RetriedEvents::of([&record.event], &view, &*self.store, &self.retry_waits).await?;
        let facts = retried.facts(event_id, view.facts(&record.lane, Some(&record.event)), &view);
        let due = Availability { now: view.as_of(), available_at: state.available_at, state: Some(state) };
        let mut lane = explain_lane(&facts, &due, view.fleet());
        view.tell_openings(&mut lane, &facts);
        let held_back = view.held_for(&record.event);
        let ahead_by_priority = view.queued_ahead_by_priority(&record.lane);
        let near = |(class, engine): (&EngineClass, &FleetEngine)| view.fleet().near(class, engine, &facts);
        let asked_engine = engine.and_then(|engine_id| view.fleet().engine(engine_id)).map(near);
        let (verdict, summary, as_of) =
            (lane.verdict, sentence(&lane, ahead_in_lane, held_back.as_ref()), view.as_of());
        let waits = ExplainedWait { lane, asked_engine, held_back, ahead_in_lane, ahead_by_priority, view };
        Ok(Some(ExplainedEvent { record, verdict, summary, waits: Some(waits), as_of }))
    }

    /// Explains an engine by the lanes that selectors reach. Nothing, if it is not registered or has stopped.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn engine(
        &self,
        engine_id: &EngineId,
        within: &Selectors,
        now: Timestamp,
    ) -> Result<Option<ExplainedEngine>, StoreError> {
        let view = self.views.get(now).await?;
        let Some((class, engine)) = view.fleet().engine(engine_id) else { return Ok(None) };
        let (mut could_claim, mut claimable) = (0, Vec::new());
        let mut kept: BTreeMap<&'static str, KeptEvents> = BTreeMap::new();
        let mut opens = OpenedEvents::default();
        // What keeps it from lanes that require the same, and how many events it would have if that were changed.
        let mut known = view.of_each_requirement(None);
        for (requirement, counts) in view.waiting_lanes().filter(|(_, row)| within.admit_lane(&row.lane.key)) {
            let queued = counts.counts.queued;
            let facts = view.facts(&counts.lane.key, None);
            let (near, opened) = match &mut known[requirement] {
                Some(known) if !engine.tells_events_apart() => known,
                known => {
                    known
                        .take()
                        .into_iter()
                        .for_each(|(near, opened): (NearEngine, u64)| opens.add(&near.change, opened));
                    known.insert((view.fleet().near(class, engine, &facts), 0))
                }
            };
            let not_due = counts.oldest_available_at.filter(|at| *at > view.as_of());
            let closed = closed_gate(&facts, not_due);
            let Some(gate) = closed.or_else(|| near.fails.first().map(|(gate, _)| gate.name())) else {
                could_claim += queued;
                claimable.push(counts);
                continue;
            };
            let kept = kept.entry(gate).or_insert_with(|| {
                let own = || near.fails.first().map(|(_, why)| why.to_string()).unwrap_or_default();
                KeptEvents { events: 0, detail: closed.map_or_else(own, |_| closed_detail(&facts, not_due)) }
            });
            kept.events += queued;
            match closed {
                None => *opened += queued,
                Some(_) if not_due.is_none() && near.change.is_empty() => opens.add(&lane_steps(&facts), queued),
                Some(_) => {}
            }
        }
        known.into_iter().flatten().for_each(|(near, opened)| opens.add(&near.change, opened));
        claimable.sort_by_key(|lane| (lane.lane.key.priority, lane.oldest_available_at));
        claimable.truncate(MAX_CLAIMABLE);
        let claimable = claimable.into_iter().cloned().collect();
        let mut kept_from: Vec<_> = kept.into_iter().collect();
        kept_from.sort_by_key(|(_, kept)| std::cmp::Reverse(kept.events));
        let would_open = opens.most();
        let summary = summary_of_engine(engine, could_claim, &kept_from, &would_open);
        Ok(Some(ExplainedEngine { summary, could_claim, claimable, kept_from, would_open, view: Arc::clone(&view) }))
    }

    /// Explains the lanes in which something waits, the worst first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn lanes(&self, question: &LaneQuestion, now: Timestamp) -> Result<ExplainedLanes, StoreError> {
        let view = self.views.get(now).await?;
        let mut asked = view.worst_first().iter().filter(|(place, counts)| {
            question.within.admit_lane(&counts.lane.key)
                && question.after.is_none_or(|after| *place > after)
                && question.queue.as_ref().is_none_or(|queue| *queue == counts.lane.key.queue)
                && question.event_type.as_ref().is_none_or(|event_type| *event_type == counts.lane.key.event_type)
                && question.verdict.is_none_or(|verdict| verdict == place.verdict)
        });
        let page: Vec<_> = asked.by_ref().take(question.limit).collect();
        let next = page.last().filter(|_| asked.next().is_some()).map(|(place, _)| *place);
        let ids: Vec<_> = page.iter().map(|(place, _)| place.lane_id).collect();
        let heads = self.store.lane_heads(&ids).await?;
        let retried = RetriedEvents::of(&heads, &view, &*self.store, &self.retry_waits).await?;
        let mut heads: HashMap<LaneId, EventRow> = heads.into_iter().map(|head| (head.lane_id, head)).collect();
        let mut lanes = Vec::with_capacity(page.len());
        for (place, counts) in page {
            let head = heads.remove(&place.lane_id);
            let facts = view.facts(&counts.lane.key, head.as_ref());
            let facts = match &head {
                Some(head) => retried.facts(head.event_id, facts, &view),
                None => facts,
            };
            let state = head.as_ref().map(|head| &head.state);
            let due = Availability { now: view.as_of(), available_at: place.available_at, state };
            let mut explanation = explain_lane(&facts, &due, view.fleet());
            view.tell_openings(&mut explanation, &facts);
            lanes.push(ExplainedLane { counts: counts.clone(), head, explanation });
        }
        Ok(ExplainedLanes { lanes, next, view })
    }

    /// Engines, lanes and settings as they are, or were a few seconds ago.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn snapshot(&self, now: Timestamp) -> Result<Arc<FleetSnapshot>, StoreError> {
        self.views.get(now).await
    }

    /// What is set for event types and queues.
    async fn settings(&self) -> Result<SettingsRows, StoreError> {
        self.store.settings().await
    }

    /// Why the events of a lane wait, in one sentence.
    async fn sentence_of(&self, lane: &LaneCounts, now: Timestamp) -> Result<String, StoreError> {
        let view = self.views.get(now).await?;
        let facts = view.facts(&lane.lane.key, None);
        let available_at = lane.oldest_available_at.unwrap_or(now);
        let due = Availability { now: view.as_of(), available_at, state: None };
        Ok(explain_lane(&facts, &due, view.fleet()).summary)
    }
}

/// How many events single changes would let an engine claim, by their words.
#[derive(Default)]
struct OpenedEvents(HashMap<String, (ChangeStep, u64)>);

impl OpenedEvents {
    /// So many events that need these steps.
    fn add(&mut self, steps: &[ChangeStep], events: u64) {
        if let ([step], 1..) = (steps, events) {
            self.0.entry(step.to_string()).or_insert_with(|| (step.clone(), 0)).1 += events;
        }
    }

    /// The changes that would let it claim most.
    fn most(self) -> Vec<(ChangeStep, u64)> {
        let mut all: Vec<_> = self.0.into_iter().collect();
        all.sort_by(|(one, (_, of_one)), (other, (_, of_other))| of_other.cmp(of_one).then_with(|| one.cmp(other)));
        all.into_iter().take(MAX_WOULD_OPEN).map(|(_, opened)| opened).collect()
    }
}

/// The first gate of the lane itself that is closed.
fn closed_gate(facts: &LaneFacts<'_>, not_due: Option<Timestamp>) -> Option<&'static str> {
    match facts {
        LaneFacts { queue_paused: true, .. } => Some(Gate::QueueRunning.name()),
        LaneFacts { event_type_paused: true, .. } => Some(Gate::EventTypeRunning.name()),
        LaneFacts { paused_run: Some(_), .. } => Some(Gate::ScenarioRunRunning.name()),
        _ => not_due.map(|_| "available_at"),
    }
}

/// How it is closed.
fn closed_detail(facts: &LaneFacts<'_>, not_due: Option<Timestamp>) -> String {
    let paused = paused_queue(facts).or_else(|| paused_event_type(facts)).or_else(|| paused_run(facts));
    paused.or_else(|| Some(format!("the first is due at {}", not_due?))).unwrap_or_default()
}

fn lane_steps(facts: &LaneFacts<'_>) -> Vec<ChangeStep> {
    let queue = facts.queue_paused.then(|| ChangeStep::ResumeQueue(facts.key.queue.clone()));
    let event_type = facts.event_type_paused.then(|| ChangeStep::ResumeEventType(facts.key.event_type.clone()));
    let run = facts.paused_run.map(|run| ChangeStep::ResumeRun(run.scenario_run_id.clone()));
    queue.into_iter().chain(event_type).chain(run).collect()
}

/// The sentence of a lane, for one event of it.
fn sentence(lane: &LaneExplanation, ahead: u64, held_back: Option<&HeldForEvent>) -> String {
    let summary = &lane.summary;
    match (lane.verdict, ahead, held_back) {
        (Verdict::Waiting, _, Some(HeldForEvent { engine_id, since, opens_at })) => format!(
            "{summary}; {engine_id} is held back for it since {since}, and is expected to have room at {opens_at}"
        ),
        (Verdict::Runnable, 1, _) => format!("{summary}; 1 event of its kind comes before it"),
        (Verdict::Runnable, 2.., _) => format!("{summary}; {ahead} events of its kind come before it"),
        _ => summary.clone(),
    }
}

fn summary_of_engine(
    engine: &FleetEngine,
    could_claim: u64,
    kept_from: &[(&'static str, KeptEvents)],
    would_open: &[(ChangeStep, u64)],
) -> String {
    let events = |count: u64| if count == 1 { "1 event".to_owned() } else { format!("{count} events") };
    let could = match (could_claim, kept_from.first()) {
        (0, None) => "nothing waits that it could claim".to_owned(),
        (0, Some(_)) => "it can claim nothing of what waits".to_owned(),
        (count, _) => format!("it could claim {} now", events(count)),
    };
    let kept = kept_from.first().map(|(_, kept)| format!("; it is kept from {}: {}", events(kept.events), kept.detail));
    let open = would_open.first().map(|(step, count)| format!("; to {step} would open {}", events(*count)));
    let status = match engine.status {
        EngineStatus::Active => String::new(),
        status => format!("it is {status}: "),
    };
    format!("{status}{could}{}{}", kept.unwrap_or_default(), open.unwrap_or_default())
}

/// Which engine holds a gate closed, if one does: the nearest to passing it.
pub fn holder_of(gate: &GateState, lane: &LaneExplanation) -> Option<EngineId> {
    if gate.passage != Passage::Closed {
        return None;
    }
    let mut near = lane.fit.nearest.iter();
    let near = near.find(|near| near.fails.iter().any(|(fails, _)| fails.name() == gate.gate))?;
    Some(near.engine.engine_id.clone())
}
