//! Producers and engines that go on whatever happens to servers and stores, and record every answer.
//!
//! A call whose outcome is unknown is repeated until there is one, as each call allows: an enqueue by its key, a settlement
//! by its token. An enqueue that was refused as *not applied* is never repeated under its key: [`Load::check`] looks for
//! what it may have left behind.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_api::claims::ClaimRequest;
use enginehouse_api::engines::{HeartbeatRequest, RegisterRequest};
use enginehouse_api::enqueue::EnqueueRequest;
use enginehouse_api::events::{Event, EventsQuery};
use enginehouse_api::page::PageQuery;
use enginehouse_api::problem::Code;
use enginehouse_api::reports::LockReport;
use enginehouse_api::settle::{CompleteRequest, FailRequest};
use enginehouse_client::{Client, Error};
use enginehouse_core::event::{AttemptError, EventStatus};
use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::json::RawJson;
use enginehouse_core::lock::LockToken;
use enginehouse_core::report::{AttemptReport, AttemptUsage};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval};

use crate::{TestServer, until};

/// How long clients wait after a failure.
const PAUSE: Duration = Duration::from_millis(20);
/// How often engines send heartbeats at least.
const INTERVAL: Duration = Duration::from_secs(2);

/// A client of a server that may be replaced by another one while it is used.
#[derive(Clone, Debug)]
pub struct SwitchableClient(Arc<Mutex<Client>>);

impl SwitchableClient {
    /// A client of this server.
    pub fn to(server: &TestServer) -> Self {
        Self(Arc::new(Mutex::new(server.client())))
    }

    /// Sends all later calls to this server.
    pub fn switch_to(&self, server: &TestServer) {
        *held(&self.0) = server.client();
    }

    fn current(&self) -> Client {
        held(&self.0).clone()
    }
}

/// What the answers to clients said.
#[derive(Debug, Default)]
pub struct LoadRecord {
    /// Keys and ids of events whose enqueue was answered.
    pub enqueued: HashMap<String, EventId>,
    /// Keys of which every answer said that nothing was done.
    pub not_applied: HashSet<String>,
    /// Tokens that were given out, by event.
    pub claimed: HashMap<EventId, HashSet<LockToken>>,
    /// Tokens whose completion was answered, by event.
    pub completed: HashMap<EventId, HashSet<LockToken>>,
    /// How often clients got no answer, or which problem.
    pub failures: BTreeMap<String, usize>,
    /// Answers that no client should ever get.
    pub mistakes: Vec<String>,
}

/// What the clients share.
#[derive(Debug, Default)]
struct LoadState {
    record: Mutex<LoadRecord>,
    answers: AtomicUsize,
    is_over: AtomicBool,
}

/// Producers and engines at work.
#[derive(Debug)]
pub struct Load {
    state: Arc<LoadState>,
    tasks: Vec<JoinHandle<()>>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Load {
    /// Starts so many producers and engines for each server.
    pub fn start(clients: &[SwitchableClient], producers: usize, engines: usize) -> Self {
        let state = Arc::<LoadState>::default();
        let mut tasks = Vec::new();
        for (index, client) in clients.iter().enumerate() {
            for number in 0..producers {
                let client = LoadClient { client: client.clone(), state: Arc::clone(&state) };
                tasks.push(tokio::spawn(client.produce(format!("{index}-{number}"))));
            }
            for number in 0..engines {
                let client = LoadClient { client: client.clone(), state: Arc::clone(&state) };
                tasks.push(tokio::spawn(client.work(format!("engine-{index}-{number}"))));
            }
        }
        Self { state, tasks }
    }

    /// How many calls were answered.
    pub fn answers(&self) -> usize {
        self.state.answers.load(Ordering::SeqCst)
    }

    /// Waits until so many more calls are answered.
    pub async fn more(&self, answers: usize) {
        let enough = self.answers() + answers;
        until("clients are answered", async || (self.answers() >= enough).then_some(())).await;
    }

    /// What the answers to clients have said so far.
    pub fn record(&self) -> MutexGuard<'_, LoadRecord> {
        held(&self.state.record)
    }

    /// Waits until every client has its last answer, and makes sure that the store agrees with every answer.
    ///
    /// # Panics
    /// Something is not.
    pub async fn check(self, client: &Client) -> LoadRecord {
        self.state.is_over.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.expect("a client does not panic");
        }
        let record = std::mem::take(&mut *held(&self.state.record));
        assert!(record.mistakes.is_empty(), "{:#?}", record.mistakes);
        let there = until("the counts are those of the rows", async || {
            let there = all_events(client).await;
            let counts = client.stats().await.ok()?.events;
            let by_status = |status: EventStatus| there.values().filter(|event| event.status == status).count() as u64;
            let same = counts.queued == by_status(EventStatus::Queued)
                && counts.processing == by_status(EventStatus::Processing)
                && counts.completed == by_status(EventStatus::Completed)
                && counts.failed == by_status(EventStatus::Failed);
            same.then_some(there)
        })
        .await;
        for (key, event_id) in &record.enqueued {
            let event = there.get(event_id).unwrap_or_else(|| panic!("event {event_id} was acknowledged and is lost"));
            assert_eq!(event.payload.as_str(), payload(key), "byte for byte");
        }
        let ours: Vec<_> = there.values().filter(|event| event.payload.as_str().starts_with(KEY)).collect();
        let keys: HashMap<&str, &Event> = ours.iter().map(|event| (event.payload.as_str(), *event)).collect();
        assert_eq!(keys.len(), ours.len(), "a repeated enqueue has made a second event");
        for key in &record.not_applied {
            let event = keys.get(payload(key).as_str());
            assert!(event.is_none(), "{key} was answered as not applied, and is there: {event:?}");
        }
        for (event_id, tokens) in &record.completed {
            assert_eq!(tokens.len(), 1, "event {event_id} was settled twice");
            assert_eq!(there[event_id].status, EventStatus::Completed, "event {event_id} was completed, and is not");
        }
        for (event_id, tokens) in &record.claimed {
            let serials: HashSet<_> = tokens.iter().map(|token| token.serial).collect();
            assert_eq!(serials.len(), tokens.len(), "event {event_id}: a serial was given twice");
        }
        for event in ours {
            check_usage(client, event, record.completed.get(&event.event_id)).await;
        }
        println!(
            "{} enqueued, {} completed; failures: {:?}; {} refused as not applied",
            record.enqueued.len(),
            record.completed.len(),
            record.failures,
            record.not_applied.len()
        );
        record
    }
}

/// What an event is said to have used is what its attempts have; and the one that completed it has what its engine reported
/// with the completion.
async fn check_usage(client: &Client, event: &Event, completed: Option<&HashSet<LockToken>>) {
    let event_id = event.event_id;
    let history = client.history(event_id).await.expect("an event has a history");
    let each = history.attempts.iter().filter_map(|attempt| attempt.usage?.cpu_seconds);
    let (sum, count) = each.fold((0.0, 0), |(sum, count), used| (sum + used, count + 1));
    let in_all = (count > 0).then_some(sum);
    // It may have been claimed again since it was listed.
    let event = client.event(event_id).await.expect("it is there");
    let of_event = event.usage.and_then(|usage| usage.cpu_seconds);
    let of_history = history.usage.and_then(|usage| usage.cpu_seconds);
    assert_eq!((of_event, of_history), (in_all, in_all), "event {event_id}: {:?}", history.attempts);
    if let Some(token) = completed.and_then(|tokens| tokens.iter().next()) {
        let last = history.attempts.last().and_then(|attempt| attempt.usage?.cpu_seconds);
        assert_eq!(last, Some(used_under(*token)), "event {event_id} was completed with a report");
    }
}

/// What an attempt reports at its end: of each attempt something else, and whole, so that sums are exact.
fn used_under(token: LockToken) -> f64 {
    f64::from(u32::try_from(token.serial & 0xff).unwrap_or(0)) + 1.0
}

fn used(cpu_seconds: f64) -> AttemptReport {
    let usage = AttemptUsage { cpu_seconds: Some(cpu_seconds), ..AttemptUsage::default() };
    AttemptReport { usage: Some(usage), log: vec!["a line".to_owned()], ..AttemptReport::default() }
}

async fn all_events(client: &Client) -> HashMap<EventId, Event> {
    let mut there = HashMap::new();
    let mut query = EventsQuery { page: PageQuery { limit: Some(1_000), cursor: None }, ..EventsQuery::default() };
    loop {
        let page = client.events(&query).await.expect("events are listed");
        for event in page.items {
            assert!(there.insert(event.event_id, event).is_none(), "an event is listed twice");
        }
        let Some(cursor) = page.next_cursor else { return there };
        query.page.cursor = Some(cursor);
    }
}

/// How payloads begin; other events may be there.
const KEY: &str = "{\"key\": \"";

fn payload(key: &str) -> String {
    format!("{KEY}{key}\"}}")
}

/// One client.
struct LoadClient {
    client: SwitchableClient,
    state: Arc<LoadState>,
}

impl LoadClient {
    fn is_over(&self) -> bool {
        self.state.is_over.load(Ordering::SeqCst)
    }

    fn answered(&self) {
        self.state.answers.fetch_add(1, Ordering::SeqCst);
    }

    fn record(&self) -> MutexGuard<'_, LoadRecord> {
        held(&self.state.record)
    }

    /// Notes a failure. A server that is away or cannot take more is one; anything else is a mistake.
    fn failed(&self, error: &Error) {
        let name = match (error.code(), error.maybe_applied()) {
            (Some(code), maybe_applied) => format!("{}, applied {maybe_applied}", code.name()),
            (None, _) => "no answer".to_owned(),
        };
        let mut record = self.record();
        *record.failures.entry(name).or_default() += 1;
        let expected = [Code::StoreUnavailable, Code::ShuttingDown, Code::Overloaded];
        if error.code().is_some_and(|code| !expected.contains(&code)) || matches!(error, Error::Unexpected { .. }) {
            record.mistakes.push(format!("{error:?}"));
        }
    }

    /// Enqueues one event after the other, each until it is there.
    async fn produce(self, name: String) {
        let mut pace = pace();
        for number in 0.. {
            let mut key = format!("{name}-{number}");
            let mut is_unsure = false;
            loop {
                let request = EnqueueRequest {
                    event_type: "work".to_owned(),
                    payload: Some(RawJson::trusted(payload(&key))),
                    idempotency_key: Some(key.clone()),
                    ..EnqueueRequest::default()
                };
                match self.client.current().enqueue(&request).await {
                    Ok(enqueued) => {
                        self.record().enqueued.insert(key, enqueued.event_id);
                        self.answered();
                        break;
                    }
                    Err(error) => {
                        self.failed(&error);
                        is_unsure |= error.maybe_applied();
                        if error.code().is_some() && !is_unsure {
                            self.record().not_applied.insert(key.clone());
                            key.push('+');
                        }
                    }
                }
                if self.is_over() {
                    return;
                }
                pace.tick().await;
            }
            if self.is_over() {
                return;
            }
        }
    }

    /// Claims and settles: most events complete, some fail.
    async fn work(self, name: String) {
        let engine_id: EngineId = name.parse().expect("an id");
        let mut pace = pace();
        let mut epoch = None;
        let mut last_heartbeat_at = Instant::now();
        while !self.is_over() {
            let Some(current) = epoch else {
                epoch = self.register(&engine_id, &mut pace).await;
                continue;
            };
            let claim = serde_json::json!({ "epoch": current, "limit": 7, "wait_seconds": 1 });
            let claim: ClaimRequest = serde_json::from_value(claim).expect("a claim");
            let claimed = match self.client.current().claim(&engine_id, &claim).await {
                Ok(claimed) => claimed.events,
                Err(error) => {
                    if matches!(
                        error.code(),
                        Some(Code::EngineLost | Code::EngineSuperseded | Code::EngineNotRegistered)
                    ) {
                        *self.record().failures.entry("engine lost".to_owned()).or_default() += 1;
                        epoch = None;
                    } else {
                        self.failed(&error);
                    }
                    pace.tick().await;
                    Vec::new()
                }
            };
            self.answered();
            if claimed.is_empty() || last_heartbeat_at.elapsed() > INTERVAL / 2 {
                last_heartbeat_at = Instant::now();
                // What was claimed by a call without an answer is released once two of these do not name it.
                let lock_tokens: Vec<_> = claimed.iter().filter_map(|event| event.lock.as_ref()?.token).collect();
                // Half of them are reported on: what is reported at the end replaces it.
                let reports = lock_tokens.iter().step_by(2);
                let reports = reports.map(|token| LockReport { lock_token: *token, report: used(0.5) }).collect();
                let request =
                    HeartbeatRequest { epoch: current, dynamic_state: None, lock_tokens: Some(lock_tokens), reports };
                self.client.current().heartbeat(&engine_id, &request, INTERVAL).await.ok();
            }
            for event in claimed {
                self.settle(&event, &mut pace).await;
            }
        }
    }

    async fn register(&self, engine_id: &EngineId, pace: &mut Interval) -> Option<i64> {
        let request = RegisterRequest {
            engine_type: "test".to_owned(),
            metadata: Default::default(),
            heartbeat_interval_seconds: Some(INTERVAL.as_secs()),
            takeover: false,
        };
        match self.client.current().register(engine_id, &request).await {
            Ok(engine) => Some(engine.epoch),
            Err(error) => {
                self.failed(&error);
                pace.tick().await;
                None
            }
        }
    }

    /// Settles an event, again and again until it is known what has become of it.
    async fn settle(&self, event: &Event, pace: &mut Interval) {
        let event_id = event.event_id;
        let token = event.lock.as_ref().and_then(|lock| lock.token).expect("a claimed event has a token");
        self.record().claimed.entry(event_id).or_default().insert(token);
        loop {
            let client = self.client.current();
            let settled = if event_id.0.as_u128().is_multiple_of(5) {
                let error = AttemptError { code: None, message: "a test fails".to_owned(), details: None };
                let request = FailRequest {
                    lock_token: token,
                    error,
                    retryable: None,
                    retry_after_seconds: Some(0.0),
                    dead_letter: None,
                    report: used(used_under(token)),
                };
                client.fail(event_id, &request).await
            } else {
                client
                    .complete(
                        event_id,
                        &CompleteRequest { lock_token: token, result: None, report: used(used_under(token)) },
                    )
                    .await
            };
            match settled {
                Ok(event) => {
                    if event.status == EventStatus::Completed {
                        self.record().completed.entry(event_id).or_default().insert(token);
                    }
                    self.answered();
                    return;
                }
                Err(error) if error.code() == Some(Code::LockLost) => return self.answered(),
                Err(error) => self.failed(&error),
            }
            if self.is_over() {
                return;
            }
            pace.tick().await;
        }
    }
}

fn pace() -> Interval {
    let mut pace = tokio::time::interval(PAUSE);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    pace
}
