//! A dispatcher over a store of its own, and short words for what tests do with it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use enginehouse_core::engine::{Metadata, Registration};
use enginehouse_core::event::{AttemptError, EventStatus, NewEvent};
use enginehouse_core::gates::ClaimFilter;
use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::input::read_json;
use enginehouse_core::lock::LockToken;
use enginehouse_core::request::{Affinity, Claim, Exchange, Heartbeat, SettleCommand};
use enginehouse_core::retry::Failure;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition;
use enginehouse_server::dispatcher::answers::{Claimed, Enqueued, Exchanged, HeartbeatAnswer};
use enginehouse_server::dispatcher::config::DispatchConfig;
use enginehouse_server::dispatcher::engines::Register;
use enginehouse_server::dispatcher::event_actions::{ActOnEvent, EventAction};
use enginehouse_server::dispatcher::observer::{CommittedTransaction, Observer};
use enginehouse_server::dispatcher::pulse::Pulse;
use enginehouse_server::dispatcher::reply::DispatchError;
use enginehouse_server::dispatcher::{Dispatcher, DispatcherThread, EngineCaller, Operation};
use enginehouse_server::rng::SeededRng;
use enginehouse_store::Store;
use enginehouse_store::clock::{Clock, ManualClock};
use enginehouse_store::rows::{EventRecord, PageRequest};
use tokio::sync::watch;

use crate::under_test::{Kind, TestStore};

pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A server's inside, without HTTP.
pub(crate) struct Harness {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) seen: Arc<Seen>,
    waiting_claims: watch::Receiver<usize>,
    thread: Option<DispatcherThread>,
    place: Arc<TestStore>,
    pulse: Arc<Pulse>,
}

/// What the dispatcher has told its observer.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) commits: AtomicUsize,
    /// Transactions without a request.
    pub(crate) chores: AtomicUsize,
    pub(crate) commands: AtomicUsize,
    pub(crate) forgotten: Mutex<Vec<u64>>,
}

struct Watcher {
    seen: Arc<Seen>,
    commit: mpsc::Sender<()>,
    waiting_claims: watch::Sender<usize>,
}

impl Observer for Watcher {
    fn committed(&self, commit: &CommittedTransaction<'_>) {
        // A store that others share has more chores.
        let counter = if commit.requests > 0 { &self.seen.commits } else { &self.seen.chores };
        counter.fetch_add(1, Ordering::SeqCst);
        // Nobody listens but for the first one.
        self.commit.send(()).ok();
        self.seen.commands.fetch_add(commit.requests, Ordering::SeqCst);
        if commit.effects.events_deleted > 0 {
            self.seen.forgotten.lock().unwrap().push(commit.effects.events_deleted);
        }
    }

    fn failed(&self) {}

    fn waiting(&self, claims: usize, _requests: usize) {
        self.waiting_claims.send_replace(claims);
    }
}

impl Harness {
    pub(crate) fn new() -> Self {
        Self::with(DispatchConfig::default())
    }

    pub(crate) fn with(config: DispatchConfig) -> Self {
        Self::on(crate::ON, config)
    }

    /// On a store that is named.
    pub(crate) fn on(kind: Kind, config: DispatchConfig) -> Self {
        let place = Arc::new(TestStore::on(kind));
        let clock = Arc::new(ManualClock::at(START));
        let store = place.open(&clock);
        Self::over(store, clock, place, config)
    }

    /// A dispatcher over a store that is given: one that fails, say.
    pub(crate) fn around(wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        let place = Arc::new(TestStore::on(crate::ON));
        let clock = Arc::new(ManualClock::at(START));
        let store = wrap(place.open(&clock));
        Self::over(store, clock, place, DispatchConfig::default())
    }

    fn over(store: Arc<dyn Store>, clock: Arc<ManualClock>, place: Arc<TestStore>, config: DispatchConfig) -> Self {
        let seen = Arc::new(Seen::default());
        let (waiting_sender, waiting_claims) = watch::channel(0);
        let (commit, first_commit) = mpsc::channel();
        let watcher = Watcher { seen: Arc::clone(&seen), commit, waiting_claims: waiting_sender };
        let rng = Box::new(SeededRng::from_seed(7));
        let pulse = Pulse::without_thread();
        let (dispatcher, thread) =
            Dispatcher::start(Arc::clone(&store), config, rng, Box::new(watcher), Arc::clone(&pulse)).unwrap();
        // The sweep of the start: what a test does next comes after the grace that it grants.
        first_commit.recv_timeout(Duration::from_secs(30)).expect("the first sweep commits");
        Self { clock, store, dispatcher, seen, waiting_claims, thread: Some(thread), place, pulse }
    }

    /// Stops the server and starts it again on the same rows.
    pub(crate) fn restart(self) -> Self {
        self.restart_after(0.0)
    }

    /// Stops the server, and starts it again on the same rows when so many seconds have passed.
    pub(crate) fn restart_after(mut self, seconds: f64) -> Self {
        self.stop();
        self.place.keep_time(self.clock.wall());
        self.clock.advance(Duration::from_secs_f64(seconds));
        let (clock, place) = (Arc::clone(&self.clock), Arc::clone(&self.place));
        drop(self);
        let store = place.open(&clock);
        Self::over(store, clock, place, DispatchConfig::default())
    }

    fn stop(&mut self) {
        self.dispatcher.shut_down();
        if let Some(thread) = self.thread.take() {
            thread.join();
        }
    }

    /// Stops the server and checks what must always hold of its rows.
    pub(crate) async fn close(mut self) {
        let findings = self.store.check_integrity().await.unwrap();
        assert!(findings.is_empty(), "{findings:#?}");
        self.stop();
    }

    pub(crate) async fn execute<O: Operation>(&self, operation: O) -> Result<O::Answer, DispatchError> {
        self.dispatcher.execute(operation).await
    }

    /// Lets time pass, and what falls due happen.
    pub(crate) async fn pass(&self, seconds: f64) {
        self.clock.advance(Duration::from_secs_f64(seconds));
        self.dispatcher.sweep().await.unwrap();
    }

    /// Stops the process for so long: time passes, and nothing happens before it goes on.
    pub(crate) fn stop_for(&self, seconds: f64) {
        let length = Duration::from_secs_f64(seconds);
        self.clock.advance(length);
        self.pulse.stalled(length);
    }

    /// Waits until so many claims are parked.
    pub(crate) async fn until_waiting(&self, claims: usize) {
        let mut waiting = self.waiting_claims.clone();
        let reached = waiting.wait_for(|waiting| *waiting == claims);
        tokio::time::timeout(Duration::from_secs(10), reached).await.expect("in time").unwrap();
    }

    /// Whether so many claims are parked still, when all that was asked before is done.
    pub(crate) async fn until_waiting_is(&self, claims: usize) -> bool {
        self.dispatcher.sweep().await.unwrap();
        *self.waiting_claims.borrow() == claims
    }

    /// What the audit log has of a target, oldest first: `action detail`.
    pub(crate) fn audit(&self, target: &str) -> Vec<(String, serde_json::Value)> {
        let entry = |row: String| {
            let (action, detail) = row.split_once(' ').unwrap();
            (action.to_owned(), serde_json::from_str(detail).unwrap())
        };
        self.place.audit(target).into_iter().map(entry).collect()
    }

    /// The store's time.
    pub(crate) fn clock_now(&self) -> Timestamp {
        self.clock.wall()
    }

    /// Registers an engine: `{}` for one that can do nothing special.
    pub(crate) async fn register(&self, engine_id: &str, static_config: &str) -> i64 {
        self.register_with(engine_id, static_config, 10).await
    }

    pub(crate) async fn register_with(&self, engine_id: &str, static_config: &str, interval: u64) -> i64 {
        let metadata = Metadata { static_config: serde_json::from_str(static_config).unwrap(), ..Metadata::default() };
        let registration = Registration {
            engine_id: engine_id.parse().unwrap(),
            engine_type: "test".parse().unwrap(),
            metadata,
            heartbeat_interval: Duration::from_secs(interval),
            takeover: false,
        };
        self.execute(Register::new(registration)).await.unwrap().engine.epoch
    }

    pub(crate) async fn try_enqueue(&self, drafts: &[&str]) -> Result<Vec<Enqueued>, DispatchError> {
        let draft = |json: &&str| read_json(json.as_bytes(), NewEvent::read).unwrap();
        self.dispatcher.enqueue(drafts.iter().map(draft).collect()).await
    }

    pub(crate) async fn enqueue(&self, draft: &str) -> EventId {
        self.try_enqueue(&[draft]).await.unwrap()[0].event_id
    }

    /// Enqueues `count` events of a type that asks for nothing.
    pub(crate) async fn enqueue_many(&self, count: usize) -> Vec<EventId> {
        let drafts = vec![r#"{"event_type":"work"}"#; count];
        self.try_enqueue(&drafts).await.unwrap().into_iter().map(|enqueued| enqueued.event_id).collect()
    }

    pub(crate) async fn exchange(
        &self,
        engine_id: &str,
        epoch: i64,
        exchange: Exchange,
    ) -> Result<Exchanged, DispatchError> {
        let engine_id: EngineId = engine_id.parse().unwrap();
        self.dispatcher.exchange(EngineCaller::new(engine_id, epoch), exchange).await
    }

    pub(crate) async fn try_claim(
        &self,
        engine_id: &str,
        epoch: i64,
        claim: Claim,
    ) -> Result<Vec<Claimed>, DispatchError> {
        let exchange = Exchange { claim: Some(claim), ..Exchange::default() };
        Ok(self.exchange(engine_id, epoch, exchange).await?.claimed.unwrap())
    }

    /// Claims as an engine in its first epoch.
    pub(crate) async fn claim(&self, engine_id: &str, limit: u32) -> Vec<Claimed> {
        self.try_claim(engine_id, 1, claim(limit)).await.unwrap()
    }

    pub(crate) async fn claim_one(&self, engine_id: &str) -> Claimed {
        self.claim(engine_id, 1).await.pop().expect("an event to claim")
    }

    /// Sends a heartbeat in the first epoch that lists these locks.
    pub(crate) async fn heartbeat(&self, engine_id: &str, tokens: &[LockToken]) -> HeartbeatAnswer {
        self.try_heartbeat(engine_id, 1, tokens).await.unwrap()
    }

    pub(crate) async fn try_heartbeat(
        &self,
        engine_id: &str,
        epoch: i64,
        tokens: &[LockToken],
    ) -> Result<HeartbeatAnswer, DispatchError> {
        let heartbeat = Heartbeat { dynamic_state: None, lock_tokens: Some(tokens.to_vec()), ..Heartbeat::default() };
        let exchange = Exchange { heartbeat: Some(heartbeat), ..Exchange::default() };
        Ok(self.exchange(engine_id, epoch, exchange).await?.heartbeat.unwrap())
    }

    /// Settles one lock. Answers the status, or why not.
    pub(crate) async fn settle(
        &self,
        event_id: EventId,
        command: transition::EventCommand,
    ) -> Result<EventStatus, String> {
        let mut settled = self.dispatcher.settle(vec![SettleCommand::new(event_id, command)]).await.unwrap();
        settled.remove(0).map(|settled| settled.event.state.status).map_err(|refused| refused.to_string())
    }

    pub(crate) async fn complete(&self, claimed: &Claimed) -> Result<EventStatus, String> {
        self.settle(claimed.event.event_id, complete(token(claimed))).await
    }

    pub(crate) async fn fail(&self, claimed: &Claimed) -> Result<EventStatus, String> {
        self.settle(claimed.event.event_id, fail(token(claimed), Failure::PLAIN)).await
    }

    /// Fails an event for good: it is a dead letter then.
    pub(crate) async fn kill(&self, claimed: &Claimed) {
        let failure = Failure { retryable: false, dead_letter: true, ..Failure::PLAIN };
        let status = self.settle(claimed.event.event_id, fail(token(claimed), failure)).await;
        assert_eq!(status, Ok(EventStatus::Failed));
    }

    pub(crate) async fn act(&self, event_id: EventId, action: EventAction) -> Result<EventRecord, DispatchError> {
        self.execute(ActOnEvent { event_id, action }).await
    }

    pub(crate) async fn event(&self, event_id: EventId) -> EventRecord {
        self.store.event(event_id).await.unwrap().expect("the event is there")
    }

    pub(crate) async fn status(&self, event_id: EventId) -> EventStatus {
        self.event(event_id).await.event.state.status
    }

    /// How many events the store holds, and how many dead letters.
    pub(crate) async fn count(&self) -> (usize, usize) {
        let page = PageRequest { limit: 1_000, after: None };
        let events = self.store.events(&Default::default(), &page).await.unwrap().items.len();
        let dead = self.store.dead_letters(&Default::default(), &page).await.unwrap().items.len();
        (events, dead)
    }
}

pub(crate) fn token(claimed: &Claimed) -> LockToken {
    claimed.event.state.lock.as_ref().expect("a claimed event has a lock").token
}

pub(crate) fn ids(claimed: &[Claimed]) -> Vec<EventId> {
    claimed.iter().map(|claimed| claimed.event.event_id).collect()
}

pub(crate) fn claim(limit: u32) -> Claim {
    Claim {
        limit,
        visibility_timeout: None,
        wait: Duration::ZERO,
        filter: ClaimFilter::default(),
        affinity: Affinity::Prefer,
    }
}

pub(crate) fn waiting_claim(limit: u32) -> Claim {
    Claim { wait: Duration::from_secs(60), ..claim(limit) }
}

pub(crate) fn complete(token: LockToken) -> transition::EventCommand {
    transition::EventCommand::Complete { token, result: None }
}

pub(crate) fn fail(token: LockToken, failure: Failure) -> transition::EventCommand {
    let error = AttemptError { code: Some("broken".to_owned()), message: "it broke".to_owned(), details: None };
    transition::EventCommand::Fail { token, failure, error }
}
