//! The same random operations on SQLite and on PostgreSQL give the same answers, and leave the same rows behind.

use std::collections::HashMap;
use std::time::Duration;

use enginehouse_core::access::selector::Selectors;
use enginehouse_core::access::session::SessionProof;
use enginehouse_core::engine::{DynamicState, Metadata, Registration};
use enginehouse_core::event::NewEvent;
use enginehouse_core::event_changes::EventChanges;
use enginehouse_core::gates::ClaimFilter;
use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::input::read_json;
use enginehouse_core::lock::LockToken;
use enginehouse_core::request::{Affinity, Claim, Exchange, Heartbeat, SettleCommand};
use enginehouse_core::retry::Failure;
use enginehouse_core::transition;
use enginehouse_server::dispatcher::EngineCaller;
use enginehouse_server::dispatcher::config::DispatchConfig;
use enginehouse_server::dispatcher::dead_letters::{DiscardPage, RedrivePage};
use enginehouse_server::dispatcher::engines::{Deregister, Drain, Register, Resume};
use enginehouse_server::dispatcher::event_actions::{ActOnEvent, EventAction};
use enginehouse_server::dispatcher::reply::DispatchError;
use enginehouse_server::dispatcher::settings::{ChangeEventType, ChangeQueue, SettingsChange};
use enginehouse_store::rows::PageRequest;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::harness::{Harness, complete, fail};
use crate::under_test::Kind;

const SEEDS: u64 = 4;
const STEPS: usize = 250;

#[tokio::test]
async fn the_same_operations_give_the_same_answers_on_sqlite_and_on_postgres() {
    let (mut events, mut locks) = (0, 0);
    for seed in 0..SEEDS {
        let harnesses = [Kind::Sqlite, Kind::Postgres].map(|kind| Harness::on(kind, DispatchConfig::default()));
        let mut story = Story::new(seed);
        let mut done = Vec::new();
        for step in 0..STEPS {
            let act = story.next();
            let [sqlite, postgres] = [act.on(&harnesses[0]).await, act.on(&harnesses[1]).await];
            done.push(format!("{act:?}"));
            assert_eq!(
                sqlite.plain,
                postgres.plain,
                "seed {seed}, step {step}, after:\n{}",
                done[done.len().saturating_sub(8)..].join("\n")
            );
            story.learn(sqlite);
        }
        events += story.events.len();
        locks += story.locks.len();
        let [sqlite, postgres] = [rows(&harnesses[0], &story).await, rows(&harnesses[1], &story).await];
        for (place, (sqlite, postgres)) in sqlite.iter().zip(&postgres).enumerate() {
            assert_eq!(sqlite, postgres, "seed {seed}, row {place}");
        }
        assert_eq!(sqlite.len(), postgres.len());
        for harness in harnesses {
            harness.close().await;
        }
    }
    assert!(events > 200 && locks > 40, "so little happened that it says nothing: {events} events and {locks} locks");
}

/// What is done next.
#[derive(Clone, Debug)]
enum Act {
    Pass(f64),
    Enqueue(Vec<NewEvent>),
    Settle(Vec<SettleCommand>),
    Exchange(EngineId, i64, Exchange),
    Register(Register),
    Drain(Drain),
    Resume(Resume),
    Deregister(Deregister),
    ActOnEvent(ActOnEvent),
    ChangeEventType(ChangeEventType),
    ChangeQueue(ChangeQueue),
    RedrivePage(RedrivePage),
    DiscardPage(DiscardPage),
}

/// What came of it.
#[derive(Default)]
struct Seen {
    /// The answer as text, without what may differ.
    plain: String,
    enqueued: Vec<EventId>,
    locks: Vec<(EventId, LockToken)>,
    epoch: Option<(EngineId, i64)>,
}

impl Seen {
    fn plain(answer: Result<impl std::fmt::Debug, DispatchError>) -> Self {
        Self { plain: plain(&answer), ..Self::default() }
    }
}

impl Act {
    async fn on(&self, harness: &Harness) -> Seen {
        match self.clone() {
            Self::Pass(seconds) => {
                harness.pass(seconds).await;
                Seen::default()
            }
            Self::Enqueue(events) => {
                let answer = harness.dispatcher.enqueue(events).await;
                let enqueued = answer.iter().flatten().map(|enqueued| enqueued.event_id).collect();
                Seen { enqueued, ..Seen::plain(answer) }
            }
            Self::Settle(settlements) => Seen::plain(harness.dispatcher.settle(settlements).await),
            Self::Exchange(engine_id, epoch, exchange) => {
                let answer = harness.dispatcher.exchange(EngineCaller::new(engine_id, epoch), exchange).await;
                let claimed = answer.iter().filter_map(|exchanged| exchanged.claimed.as_ref()).flatten();
                let locks = claimed.map(|claimed| (claimed.event.event_id, crate::harness::token(claimed))).collect();
                Seen { locks, ..Seen::plain(answer) }
            }
            Self::Register(register) => {
                let answer = harness.execute(register).await;
                let engine = answer.as_ref().ok().map(|registered| &registered.engine);
                let epoch = engine.map(|engine| (engine.engine_id.clone(), engine.epoch));
                Seen { epoch, ..Seen::plain(answer) }
            }
            Self::Drain(drain) => Seen::plain(harness.execute(drain).await),
            Self::Resume(resume) => Seen::plain(harness.execute(resume).await),
            Self::Deregister(deregister) => Seen::plain(harness.execute(deregister).await),
            Self::ActOnEvent(act) => Seen::plain(harness.execute(act).await),
            Self::ChangeEventType(change) => Seen::plain(harness.execute(change).await),
            Self::ChangeQueue(change) => Seen::plain(harness.execute(change).await),
            Self::RedrivePage(page) => Seen::plain(harness.execute(page).await),
            Self::DiscardPage(page) => Seen::plain(harness.execute(page).await),
        }
    }
}

/// As text, without the numbers of lanes: PostgreSQL leaves some out.
fn plain(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:#?}");
    let mut parts = text.split("LaneId(\n");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str("LaneId(\n");
        plain.push_str(part.split_once('\n').map_or(part, |(_, rest)| rest));
    }
    plain
}

/// Decides what is done next, by chance and by what was answered so far.
struct Story {
    rng: StdRng,
    events: Vec<EventId>,
    locks: Vec<(EventId, LockToken)>,
    epochs: HashMap<EngineId, i64>,
}

const ENGINES: [&str; 4] = ["e-0", "e-1", "e-2", "e-3"];

impl Story {
    fn new(seed: u64) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), events: Vec::new(), locks: Vec::new(), epochs: HashMap::new() }
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        *of.choose(&mut self.rng).expect("there is one")
    }

    fn engine(&mut self) -> EngineId {
        self.one_of(&ENGINES).parse().unwrap()
    }

    /// An event that there was: more often one of the last.
    fn event(&mut self) -> EventId {
        let from = if self.rng.random_bool(0.7) { self.events.len().saturating_sub(20) } else { 0 };
        self.events[from..].choose(&mut self.rng).copied().unwrap_or(EventId(uuid::Uuid::from_u128(7)))
    }

    fn next(&mut self) -> Act {
        match self.rng.random_range(0..100) {
            0..22 => self.enqueue(),
            22..27 => self.register(),
            27..52 => self.exchange(),
            52..70 => Act::Settle((0..self.rng.random_range(1..4)).map(|_| self.settlement()).collect()),
            70..80 => Act::ActOnEvent(ActOnEvent { event_id: self.event(), action: self.action() }),
            80..82 => Act::Drain(Drain {
                engine_id: self.engine(),
                stop_when_drained: self.rng.random_bool(0.3),
                epoch: None,
                session: SessionProof::default(),
            }),
            82..84 => Act::Resume(Resume(self.engine())),
            84 => {
                Act::Deregister(Deregister { engine_id: self.engine(), epoch: None, session: SessionProof::default() })
            }
            85..87 => Act::ChangeEventType(ChangeEventType {
                event_type: self.one_of(&["a", "b"]).parse().unwrap(),
                change: self.change(),
            }),
            87..89 => Act::ChangeQueue(ChangeQueue {
                queue: self.one_of(&["default", "night"]).parse().unwrap(),
                change: self.change(),
            }),
            89 => Act::RedrivePage(RedrivePage {
                filter: Default::default(),
                limit: self.rng.random_range(1..4),
                spacing: Duration::from_secs(self.rng.random_range(0..3)),
                delay: Duration::from_secs(self.rng.random_range(0..3)),
            }),
            90 => Act::DiscardPage(DiscardPage {
                filter: Default::default(),
                limit: 2,
                reason: Some("enough".to_owned()),
            }),
            _ => Act::Pass(self.one_of(&[0.001, 0.5, 2.0, 9.0, 31.0, 70.0, 301.0])),
        }
    }

    fn enqueue(&mut self) -> Act {
        let drafts = (0..self.rng.random_range(1..6)).map(|_| {
            let mut draft = serde_json::json!({
                "event_type": self.one_of(&["a", "b", "c"]),
                "priority": self.one_of(&[0, 5, 5, 9]),
                "payload": { "n": self.rng.random_range(0..1_000) },
                "retry_policy": { "max_retries": self.rng.random_range(0..3) },
            });
            let mut sometimes = |field: &str, value: serde_json::Value, often: f64| {
                if self.rng.random_bool(often) {
                    draft[field] = value;
                }
            };
            sometimes("queue", "night".into(), 0.2);
            sometimes("delay_seconds", 5.into(), 0.2);
            sometimes("required_capabilities", serde_json::json!(["gpu"]), 0.2);
            sometimes("required_memory_mb", 300.into(), 0.2);
            sometimes("scenario_run_id", "run-1".into(), 0.2);
            sometimes("scenario_run_id", "run-2".into(), 0.2);
            sometimes("visibility_timeout_seconds", 20.into(), 0.2);
            sometimes("max_processing_seconds", 60.into(), 0.1);
            sometimes("expires_after_seconds", 40.into(), 0.15);
            sometimes("labels", serde_json::json!({ "of": "ö" }), 0.2);
            if self.rng.random_bool(0.15) {
                draft = serde_json::json!({ "event_type": "a", "idempotency_key": self.one_of(&["k", "l", "m"]) });
                if self.rng.random_bool(0.2) {
                    draft["payload"] = 1.into();
                }
            }
            read_json(draft.to_string().as_bytes(), NewEvent::read).unwrap()
        });
        Act::Enqueue(drafts.collect())
    }

    fn register(&mut self) -> Act {
        let static_config = self.one_of(&[
            r"{}",
            r#"{"capabilities":["gpu"],"resource_limits":{"max_concurrent_events":5}}"#,
            r#"{"resource_limits":{"memory_limit_mb":700}}"#,
        ]);
        let metadata = Metadata { static_config: serde_json::from_str(static_config).unwrap(), ..Metadata::default() };
        let interval = self.one_of(&[0, 10, 10, 30]);
        Act::Register(Register::new(Registration {
            takeover: self.rng.random_bool(0.2),
            engine_id: self.engine(),
            engine_type: "test".parse().unwrap(),
            metadata,
            heartbeat_interval: Duration::from_secs(interval),
        }))
    }

    fn exchange(&mut self) -> Act {
        let mut exchange = Exchange::default();
        if self.rng.random_bool(0.2) {
            exchange.settlements.push(self.settlement());
        }
        if self.rng.random_bool(0.5) {
            let dynamic_state = self.rng.random_bool(0.5).then(|| DynamicState {
                current_scenario_run_id: Some(self.one_of(&["run-1", "run-2"]).to_owned()),
                ..DynamicState::default()
            });
            // Some are left out, and some are those of other engines.
            let lock_tokens = self.rng.random_bool(0.7).then(|| {
                let tokens = self.locks.iter().map(|(_, token)| *token);
                tokens.filter(|token| token.secret % 5 != 0).collect()
            });
            exchange.heartbeat = Some(Heartbeat { dynamic_state, lock_tokens, reports: Vec::new() });
        }
        if self.rng.random_bool(0.8) {
            exchange.claim = Some(Claim {
                limit: self.rng.random_range(1..6),
                visibility_timeout: self.rng.random_bool(0.1).then_some(Duration::from_secs(15)),
                wait: Duration::ZERO,
                filter: match self.rng.random_range(0..5) {
                    0 => ClaimFilter { event_types: vec!["a".parse().unwrap()], ..ClaimFilter::default() },
                    1 => ClaimFilter { queues: vec!["night".parse().unwrap()], ..ClaimFilter::default() },
                    _ => ClaimFilter::default(),
                },
                affinity: self.one_of(&[Affinity::Prefer, Affinity::Prefer, Affinity::Require, Affinity::None]),
            });
        }
        let engine_id = self.engine();
        let present = self.epochs.get(&engine_id).copied().unwrap_or(1);
        let epoch = if self.rng.random_bool(0.9) { present } else { present - 1 };
        Act::Exchange(engine_id, epoch, exchange)
    }

    /// A settlement of a lock that was given: it may be settled, or lost, already.
    fn settlement(&mut self) -> SettleCommand {
        let nothing = (EventId(uuid::Uuid::from_u128(7)), LockToken { serial: 1, secret: 1 });
        let from = self.locks.len().saturating_sub(12);
        let (event_id, token) = self.locks[from..].choose(&mut self.rng).copied().unwrap_or(nothing);
        let command = match self.rng.random_range(0..10) {
            0..5 => complete(token),
            5 => fail(token, Failure { retryable: false, dead_letter: true, ..Failure::PLAIN }),
            6 => fail(token, Failure { retry_after: Some(Duration::from_secs(3)), ..Failure::PLAIN }),
            7 => fail(token, Failure::PLAIN),
            8 => transition::EventCommand::Release { token, delay: Duration::from_secs(self.one_of(&[0, 4])) },
            _ => transition::EventCommand::Extend {
                token,
                visibility_timeout: Duration::from_secs(self.one_of(&[1, 90])),
            },
        };
        SettleCommand::new(event_id, command)
    }

    fn action(&mut self) -> EventAction {
        let patch = self.one_of(&[
            "{}",
            r#"{"priority":2,"labels":{"of":null,"to":"ü"}}"#,
            r#"{"queue":"night","required_capabilities":["gpu"],"payload":[]}"#,
            r#"{"queue":null,"required_capabilities":null,"required_memory_mb":9,"delay_seconds":3}"#,
            r#"{"run_at":null,"retry_policy":{"max_retries":9},"visibility_timeout_seconds":null}"#,
            r#"{"expires_after_seconds":9}"#,
            r#"{"expires_after_seconds":null,"run_at":null}"#,
        ]);
        let changes = Box::new(read_json(patch.as_bytes(), EventChanges::read).unwrap());
        match self.rng.random_range(0..7) {
            4 => EventAction::Redrive { changes, dead_letter: false },
            5..7 => EventAction::Change(changes),
            0 => EventAction::Cancel { force: self.rng.random_bool(0.5) },
            1 => EventAction::Retry,
            2 => EventAction::Redrive { changes, dead_letter: true },
            _ => EventAction::Discard { reason: Some("no".to_owned()) },
        }
    }

    fn change(&mut self) -> SettingsChange {
        let settings = r#"{"retry_policy":{"max_losses":1},"visibility_timeout_seconds":40}"#;
        match self.rng.random_range(0..6) {
            0 => SettingsChange::Pause { reason: None },
            1..4 => SettingsChange::Resume,
            4 => SettingsChange::Replace(serde_json::from_str(settings).unwrap()),
            _ => SettingsChange::Delete,
        }
    }

    fn learn(&mut self, seen: Seen) {
        self.epochs.extend(seen.epoch);
        self.events.extend(seen.enqueued);
        self.locks.extend(seen.locks);
    }
}

/// All that is in a store, as texts.
async fn rows(harness: &Harness, story: &Story) -> Vec<String> {
    let page = PageRequest { limit: 1_000, after: None };
    let store = &harness.store;
    let mut rows = Vec::new();
    for event_id in &story.events {
        rows.push(plain(&store.event(*event_id).await.unwrap()));
        rows.push(plain(&store.history(*event_id).await.unwrap()));
    }
    // When a lane without events is forgotten is each store's own affair.
    let lanes = store.lane_counts().await.unwrap();
    let mut lanes: Vec<_> = lanes.iter().filter(|lane| lane.counts != Default::default()).map(plain).collect();
    lanes.sort();
    rows.extend(lanes);
    rows.extend(store.engines(&Default::default(), &page).await.unwrap().items.iter().map(plain));
    rows.extend(store.events(&Default::default(), &page).await.unwrap().items.iter().map(plain));
    rows.extend(store.dead_letters(&Default::default(), &page).await.unwrap().items.iter().map(plain));
    for mut run in store.scenario_runs(&page).await.unwrap().items {
        // Each cuts off a millionth of an end whenever it adds up, and one of them does that when it likes. What it is, the
        // stores' own suite says.
        run.activity.ended_lately = 0;
        rows.push(plain(&run));
    }
    rows.push(plain(&store.dead_letter_groups(&Selectors::default()).await.unwrap()));
    rows.push(plain(&store.engine_counts(&Selectors::default()).await.unwrap()));
    rows.push(plain(&store.settings().await.unwrap()));
    rows
}
