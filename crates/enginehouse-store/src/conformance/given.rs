//! What promises begin with: rows made by the rules of core, and short ways to write and read them.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_core::access::selector::{Selector, Selectors};
use enginehouse_core::durations::{DurationHistogram, DurationKind};
use enginehouse_core::engine::{Metadata, RegisteredEngine, Registration};
use enginehouse_core::event::{AttemptError, EventStatus};
use enginehouse_core::generation::Generation;
use enginehouse_core::ids::{EngineId, EventId, LaneId, QueueName};
use enginehouse_core::json::RawJson;
use enginehouse_core::lane::LaneKey;
use enginehouse_core::minutes::MinuteTally;
use enginehouse_core::policy::Overrides;
use enginehouse_core::policy::RetryPolicy;
use enginehouse_core::retry::{Failure, Jitter};
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::{AttemptEnd, EventCommand, EventState, Facts, Loss, Transition, transition};

use crate::StoreError;
use crate::rows::{DurationRow, EventChange, EventRow, MinuteKey, MinuteRow, NewEventRow};
use crate::{Store, Transaction};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

/// The event with this number. Ids rise with their numbers.
pub(crate) fn id(number: u32) -> EventId {
    EventId(uuid::Uuid::from_u128(0x0193_f2a0_0000_7000_8000_0000_0000_0000 + u128::from(number)))
}

pub(crate) fn ids(numbers: impl IntoIterator<Item = u32>) -> Vec<EventId> {
    numbers.into_iter().map(id).collect()
}

pub(crate) fn engine_id(name: &str) -> EngineId {
    name.parse().unwrap()
}

/// What events of this type have in common.
pub(crate) fn lane_key(event_type: &str) -> LaneKey {
    LaneKey {
        queue: QueueName::default_queue(),
        event_type: event_type.parse().unwrap(),
        priority: 5,
        required_capabilities: [].into(),
        required_memory_mb: None,
        engine_version: None,
        suspended_run: None,
    }
}

pub(crate) async fn begin(store: &dyn Store) -> Box<dyn Transaction> {
    store.begin().await.unwrap()
}

/// The store's time.
pub(crate) async fn now(store: &dyn Store) -> Timestamp {
    begin(store).await.now()
}

pub(crate) async fn lane(store: &dyn Store, event_type: &str) -> LaneId {
    let mut tx = begin(store).await;
    let lanes = tx.intern_lanes(&[lane_key(event_type)]).await.unwrap();
    tx.commit().await.unwrap();
    lanes[0].lane_id
}

/// An event that was just enqueued, without anything that may be left out.
pub(crate) fn new_event(number: u32, lane_id: LaneId, available_at: Timestamp) -> NewEventRow {
    NewEventRow {
        event: EventRow {
            event_id: id(number),
            lane_id,
            scenario_run_id: None,
            idempotency_key: None,
            idempotency_key_expires_at: None,
            overrides: Overrides::default(),
            labels: [].into(),
            trace_parent: None,
            enqueued_at: available_at,
            state: EventState::enqueued(available_at),
        },
        payload: RawJson::trusted(format!("{{\"number\": {number}}}")),
        fingerprint: None,
    }
}

pub(crate) fn of_run(event: NewEventRow, run: &str) -> NewEventRow {
    NewEventRow { event: EventRow { scenario_run_id: Some(run.parse().unwrap()), ..event.event }, ..event }
}

pub(crate) async fn insert(store: &dyn Store, events: &[NewEventRow]) {
    let mut tx = begin(store).await;
    tx.insert_events(events).await.unwrap();
    tx.commit().await.unwrap();
}

/// Adds queued events with these numbers that have been due for a minute.
pub(crate) async fn given_events(
    store: &dyn Store,
    event_type: &str,
    numbers: impl IntoIterator<Item = u32>,
) -> LaneId {
    let lane_id = lane(store, event_type).await;
    let since = now(store).await - MINUTE;
    let events: Vec<_> = numbers.into_iter().map(|number| new_event(number, lane_id, since)).collect();
    insert(store, &events).await;
    lane_id
}

pub(crate) async fn event(store: &dyn Store, number: u32) -> EventRow {
    store.event(id(number)).await.unwrap().expect("the event is kept").event
}

pub(crate) async fn status(store: &dyn Store, number: u32) -> EventStatus {
    event(store, number).await.state.status
}

/// What a command makes of an event, and the attempt that it ends.
pub(crate) fn after(event: &EventState, command: &EventCommand, now: Timestamp) -> (EventState, Option<AttemptEnd>) {
    let facts = Facts { now, came_at: now, retry_policy: &RetryPolicy::DEFAULT, jitter: Jitter::NONE };
    match transition(event, command, facts).unwrap() {
        Transition::Moves { state, attempt } => (*state, attempt),
        Transition::AlreadySo => panic!("a promise begins with a change"),
    }
}

/// A decision on an event as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub(crate) read: EventState,
    pub(crate) event: EventRow,
    pub(crate) payload: Option<RawJson>,
    /// The lane that it was read in, if its attributes change.
    pub(crate) read_lane: Option<LaneId>,
}

impl Decision {
    /// In another lane from now on.
    pub(crate) fn moved_to(self, lane_id: LaneId) -> Self {
        let read_lane = Some(self.event.lane_id);
        Self { event: EventRow { lane_id, ..self.event }, read_lane, ..self }
    }

    /// As if the event had been read with another lock than it has now.
    pub(crate) fn make_stale(&mut self) {
        let EventState { lock_serial, lock, settled, .. } = &mut self.read;
        *lock_serial += 1;
        lock.iter_mut().for_each(|lock| lock.token.serial += 1);
        settled.iter_mut().for_each(|settled| settled.token.serial += 1);
    }
}

pub(crate) fn change(read: &EventRow, state: EventState) -> Decision {
    Decision { read: read.state.clone(), event: EventRow { state, ..read.clone() }, payload: None, read_lane: None }
}

pub(crate) async fn write_in(tx: &mut dyn Transaction, decisions: &[Decision]) -> Result<(), StoreError> {
    let changes = decisions.iter().map(|Decision { read, event, payload, read_lane }| EventChange {
        event,
        read,
        payload: payload.as_ref(),
        read_lane: *read_lane,
    });
    tx.write_events(&changes.collect::<Vec<_>>()).await
}

pub(crate) async fn write(store: &dyn Store, decisions: &[Decision]) {
    let mut tx = begin(store).await;
    write_in(&mut *tx, decisions).await.unwrap();
    tx.commit().await.unwrap();
}

/// Writes what was decided on an old reading, and sees that nothing is written.
pub(crate) async fn refuse(store: &dyn Store, decisions: &[Decision]) {
    let mut tx = begin(store).await;
    let refused = match write_in(&mut *tx, decisions).await {
        Ok(()) => tx.commit().await,
        refused => refused,
    };
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
}

pub(crate) fn claim_by(engine: &str, visibility_timeout: Duration) -> EventCommand {
    EventCommand::Claim {
        engine_id: engine_id(engine),
        engine_epoch: 1,
        engine_software_version: Some("1.4.0-né".into()),
        generation: Generation::FIRST,
        secret: 0xfeed_0000_0000_0000_0000_0000_0000_0007,
        visibility_timeout,
        max_processing: None,
        progress_timeout: None,
    }
}

pub(crate) fn token(state: &EventState) -> enginehouse_core::lock::LockToken {
    state.lock.as_ref().expect("the event is processing").token
}

pub(crate) fn complete(state: &EventState) -> EventCommand {
    EventCommand::Complete { token: token(state), result: Some(RawJson::trusted("[1, 2]")) }
}

pub(crate) fn fail(state: &EventState, retryable: bool, dead_letter: bool, message: &str) -> EventCommand {
    EventCommand::Fail {
        token: token(state),
        failure: Failure { retryable, retry_after: None, dead_letter },
        error: AttemptError {
            code: Some("out_of_memory".to_owned()),
            message: message.to_owned(),
            details: Some(RawJson::trusted("{\"mb\": 7}")),
        },
    }
}

pub(crate) fn release(state: &EventState) -> EventCommand {
    EventCommand::Release { token: token(state), delay: Duration::ZERO }
}

pub(crate) const LOST: EventCommand = EventCommand::LoseLock { loss: Loss::EngineLost, alone: true };

/// Does something to an event that is kept, and answers what it is now.
pub(crate) async fn apply(
    store: &dyn Store,
    number: u32,
    command: impl FnOnce(&EventState) -> EventCommand,
) -> EventState {
    let read = event(store, number).await;
    let (state, attempt) = after(&read.state, &command(&read.state), now(store).await);
    let mut tx = begin(store).await;
    write_in(&mut *tx, &[change(&read, state.clone())]).await.unwrap();
    if let Some(attempt) = attempt {
        tx.insert_attempts(&[(id(number), attempt)]).await.unwrap();
    }
    tx.commit().await.unwrap();
    state
}

pub(crate) async fn claim(store: &dyn Store, number: u32, engine: &str) -> EventState {
    apply(store, number, |_| claim_by(engine, 5 * MINUTE)).await
}

/// An event that is processing.
pub(crate) async fn given_processing_event(store: &dyn Store, number: u32) -> EventRow {
    given_events(store, "render", [number]).await;
    claim(store, number, "sim-1").await;
    event(store, number).await
}

/// An engine that has just registered.
pub(crate) fn registered(name: &str, now: Timestamp) -> RegisteredEngine {
    let metadata: Metadata = serde_json::from_str(
        r#"{"static_config": {"capabilities": ["gpu"], "resource_limits": {"max_concurrent_events": 5}},
            "dynamic_state": {"resource_utilization": {"cpu_percent": 45.5}}, "team": "render"}"#,
    )
    .unwrap();
    let registration = Registration {
        engine_id: engine_id(name),
        engine_type: "simulator".parse().unwrap(),
        metadata,
        heartbeat_interval: Duration::from_secs(10),
        takeover: false,
    };
    RegisteredEngine::registered(&registration, None, Generation::FIRST, now)
}

pub(crate) async fn write_engines(store: &dyn Store, engines: &[RegisteredEngine]) {
    let mut tx = begin(store).await;
    let ids: Vec<_> = engines.iter().map(|engine| engine.engine_id.clone()).collect();
    tx.engines_by_id(&ids).await.unwrap();
    tx.write_engines(engines).await.unwrap();
    tx.commit().await.unwrap();
}

/// A histogram of durations in milliseconds.
pub(crate) fn duration_row(
    event_type: &str,
    engine_version: Option<&str>,
    day: Timestamp,
    kind: DurationKind,
    millis: &[u64],
) -> DurationRow {
    let mut histogram = DurationHistogram::default();
    millis.iter().for_each(|millis| histogram.record(Duration::from_millis(*millis)));
    DurationRow {
        event_type: event_type.parse().unwrap(),
        engine_version: engine_version.map(Into::into),
        day,
        kind,
        histogram,
    }
}

/// What happened in a minute to a queue's events of a type, or to all that were not told apart.
pub(crate) fn minute_row(minute: Timestamp, pair: Option<(&str, &str)>, tally: MinuteTally) -> MinuteRow {
    let pair = pair.map(|(queue, event_type)| (queue.parse().unwrap(), event_type.parse().unwrap()));
    MinuteRow { key: MinuteKey { minute, pair }, tally }
}

/// What queues and event types somebody may see; all where none is named.
pub(crate) fn selectors(queues: &[&str], event_types: &[&str]) -> Arc<Selectors> {
    let (queues, event_types) = (parsed(queues), parsed(event_types));
    Arc::new(Selectors { queues, event_types, ..Selectors::default() })
}

/// What engines somebody may see.
pub(crate) fn of_engines(engines: &[&str]) -> Arc<Selectors> {
    Arc::new(Selectors { engines: parsed(engines), ..Selectors::default() })
}

fn parsed(texts: &[&str]) -> Vec<Selector> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}
