//! The same random operations on SQLite and on PostgreSQL give the same answers, and leave the same rows behind.

use std::collections::HashMap;
use std::time::Duration;

use enginehouse_core::engine::{DynamicState, Metadata, Registration};
use enginehouse_core::event::EventDraft;
use enginehouse_core::gates::ClaimFilter;
use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::lock::LockToken;
use enginehouse_core::request::{Affinity, Claim, Exchange, Heartbeat, Settlement};
use enginehouse_core::retry::Failure;
use enginehouse_core::transition;
use enginehouse_server::dispatcher::Config;
use enginehouse_server::dispatcher::commands::{Action, Answer, Change, Command};
use enginehouse_store::rows::PageRequest;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::house::{House, complete, fail};
use crate::under_test::Kind;

const SEEDS: u64 = 4;
const STEPS: usize = 250;

#[tokio::test]
async fn the_same_operations_give_the_same_answers_on_sqlite_and_on_postgres() {
    let (mut events, mut locks) = (0, 0);
    for seed in 0..SEEDS {
        let houses = [Kind::Sqlite, Kind::Postgres].map(|kind| House::on(kind, Config::default()));
        let mut story = Story::new(seed);
        let mut done = Vec::new();
        for step in 0..STEPS {
            let act = story.next();
            let [sqlite, postgres] = [act.on(&houses[0]).await, act.on(&houses[1]).await];
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
        let [sqlite, postgres] = [rows(&houses[0], &story).await, rows(&houses[1], &story).await];
        for (place, (sqlite, postgres)) in sqlite.iter().zip(&postgres).enumerate() {
            assert_eq!(sqlite, postgres, "seed {seed}, row {place}");
        }
        assert_eq!(sqlite.len(), postgres.len());
        for house in houses {
            house.close().await;
        }
    }
    assert!(events > 200 && locks > 40, "so little happened that it says nothing: {events} events and {locks} locks");
}

/// What is done next.
#[derive(Debug)]
enum Act {
    Pass(f64),
    Ask(Box<Command>),
}

/// What came of it.
struct Outcome {
    /// As text, without what may differ.
    plain: String,
    answer: Option<Answer>,
}

impl Act {
    async fn on(&self, house: &House) -> Outcome {
        match self {
            Self::Pass(seconds) => {
                house.pass(*seconds).await;
                Outcome { plain: String::new(), answer: None }
            }
            Self::Ask(command) => {
                let answered = house.submit(Command::clone(command)).await;
                Outcome { plain: plain(&answered), answer: answered.ok() }
            }
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
    chance: StdRng,
    events: Vec<EventId>,
    locks: Vec<(EventId, LockToken)>,
    epochs: HashMap<EngineId, i64>,
}

const ENGINES: [&str; 4] = ["e-0", "e-1", "e-2", "e-3"];

impl Story {
    fn new(seed: u64) -> Self {
        Self { chance: StdRng::seed_from_u64(seed), events: Vec::new(), locks: Vec::new(), epochs: HashMap::new() }
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        *of.choose(&mut self.chance).expect("there is one")
    }

    fn engine(&mut self) -> EngineId {
        self.one_of(&ENGINES).parse().unwrap()
    }

    /// An event that there was: more often one of the last.
    fn event(&mut self) -> EventId {
        let from = if self.chance.random_bool(0.7) { self.events.len().saturating_sub(20) } else { 0 };
        self.events[from..].choose(&mut self.chance).copied().unwrap_or(EventId(uuid::Uuid::from_u128(7)))
    }

    fn next(&mut self) -> Act {
        let command = match self.chance.random_range(0..100) {
            0..22 => self.enqueue(),
            22..27 => self.register(),
            27..52 => self.exchange(),
            52..70 => Command::Settle((0..self.chance.random_range(1..4)).map(|_| self.settlement()).collect()),
            70..80 => Command::Act { event_id: self.event(), action: self.action() },
            80..82 => Command::Drain { engine_id: self.engine(), stop_when_drained: self.chance.random_bool(0.3) },
            82..84 => Command::Resume(self.engine()),
            84 => Command::Deregister(self.engine()),
            85..87 => Command::SetEventType(self.one_of(&["a", "b"]).parse().unwrap(), self.change()),
            87..89 => Command::SetQueue(self.one_of(&["default", "night"]).parse().unwrap(), self.change()),
            89 => Command::RedrivePage {
                filter: Default::default(),
                limit: self.chance.random_range(1..4),
                spacing: Duration::from_secs(self.chance.random_range(0..3)),
                delay: Duration::from_secs(self.chance.random_range(0..3)),
            },
            90 => Command::DiscardPage { filter: Default::default(), limit: 2, reason: Some("enough".to_owned()) },
            _ => return Act::Pass(self.one_of(&[0.001, 0.5, 2.0, 9.0, 31.0, 70.0, 301.0])),
        };
        Act::Ask(Box::new(command))
    }

    fn enqueue(&mut self) -> Command {
        let drafts = (0..self.chance.random_range(1..6)).map(|_| {
            let mut draft = serde_json::json!({
                "event_type": self.one_of(&["a", "b", "c"]),
                "priority": self.one_of(&[0, 5, 5, 9]),
                "payload": { "n": self.chance.random_range(0..1_000) },
                "retry_policy": { "max_retries": self.chance.random_range(0..3) },
            });
            let mut sometimes = |field: &str, value: serde_json::Value, often: f64| {
                if self.chance.random_bool(often) {
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
            sometimes("labels", serde_json::json!({ "of": "ö" }), 0.2);
            if self.chance.random_bool(0.15) {
                draft = serde_json::json!({ "event_type": "a", "idempotency_key": self.one_of(&["k", "l", "m"]) });
                if self.chance.random_bool(0.2) {
                    draft["payload"] = 1.into();
                }
            }
            serde_json::from_value::<EventDraft>(draft).unwrap().check("").unwrap()
        });
        Command::Enqueue(drafts.collect())
    }

    fn register(&mut self) -> Command {
        let static_config = self.one_of(&[
            r"{}",
            r#"{"capabilities":["gpu"],"resource_limits":{"max_concurrent_events":5}}"#,
            r#"{"resource_limits":{"memory_limit_mb":700}}"#,
        ]);
        let metadata = Metadata { static_config: serde_json::from_str(static_config).unwrap(), ..Metadata::default() };
        let interval = self.one_of(&[0, 10, 10, 30]);
        Command::Register(Registration::check(self.engine(), "test", metadata, Some(interval)).unwrap())
    }

    fn exchange(&mut self) -> Command {
        let mut exchange = Exchange::default();
        if self.chance.random_bool(0.2) {
            exchange.settlements.push(self.settlement());
        }
        if self.chance.random_bool(0.5) {
            let dynamic_state = self.chance.random_bool(0.5).then(|| DynamicState {
                current_scenario_run_id: Some(self.one_of(&["run-1", "run-2"]).to_owned()),
                ..DynamicState::default()
            });
            // Some are left out, and some are those of other engines.
            let lock_tokens = self.chance.random_bool(0.7).then(|| {
                let tokens = self.locks.iter().map(|(_, token)| *token);
                tokens.filter(|token| token.secret % 5 != 0).collect()
            });
            exchange.heartbeat = Some(Heartbeat { dynamic_state, lock_tokens });
        }
        if self.chance.random_bool(0.8) {
            exchange.claim = Some(Claim {
                limit: self.chance.random_range(1..6),
                visibility_timeout: self.chance.random_bool(0.1).then_some(Duration::from_secs(15)),
                wait: Duration::ZERO,
                filter: match self.chance.random_range(0..5) {
                    0 => ClaimFilter { event_types: vec!["a".parse().unwrap()], ..ClaimFilter::default() },
                    1 => ClaimFilter { queues: vec!["night".parse().unwrap()], ..ClaimFilter::default() },
                    _ => ClaimFilter::default(),
                },
                affinity: self.one_of(&[Affinity::Prefer, Affinity::Prefer, Affinity::Require, Affinity::None]),
            });
        }
        let engine_id = self.engine();
        let present = self.epochs.get(&engine_id).copied().unwrap_or(1);
        let epoch = if self.chance.random_bool(0.9) { present } else { present - 1 };
        Command::Exchange { engine_id, epoch, exchange }
    }

    /// A settlement of a lock that was given: it may be settled, or lost, already.
    fn settlement(&mut self) -> Settlement {
        let nothing = (EventId(uuid::Uuid::from_u128(7)), LockToken { serial: 1, secret: 1 });
        let from = self.locks.len().saturating_sub(12);
        let (event_id, token) = self.locks[from..].choose(&mut self.chance).copied().unwrap_or(nothing);
        let command = match self.chance.random_range(0..10) {
            0..5 => complete(token),
            5 => fail(token, Failure { retryable: false, dead_letter: true, ..Failure::PLAIN }),
            6 => fail(token, Failure { retry_after: Some(Duration::from_secs(3)), ..Failure::PLAIN }),
            7 => fail(token, Failure::PLAIN),
            8 => transition::Command::Release { token, delay: Duration::from_secs(self.one_of(&[0, 4])) },
            _ => transition::Command::Extend { token, visibility_timeout: Duration::from_secs(self.one_of(&[1, 90])) },
        };
        Settlement { event_id, command }
    }

    fn action(&mut self) -> Action {
        match self.chance.random_range(0..4) {
            0 => Action::Cancel,
            1 => Action::Retry,
            2 => Action::Redrive { payload: None },
            _ => Action::Discard { reason: Some("no".to_owned()) },
        }
    }

    fn change(&mut self) -> Change {
        let settings = r#"{"retry_policy":{"max_losses":1},"visibility_timeout_seconds":40}"#;
        match self.chance.random_range(0..6) {
            0 => Change::Pause(true),
            1..4 => Change::Pause(false),
            4 => Change::Replace(serde_json::from_str(settings).unwrap()),
            _ => Change::Forget,
        }
    }

    fn learn(&mut self, outcome: Outcome) {
        match outcome.answer {
            Some(Answer::Registered(engine, _)) => {
                self.epochs.insert(engine.engine_id, engine.epoch);
            }
            Some(Answer::Enqueued(enqueued)) => self.events.extend(enqueued.iter().map(|enqueued| enqueued.event_id)),
            Some(Answer::Exchanged(exchanged)) => {
                for claimed in exchanged.claimed.into_iter().flatten() {
                    self.locks.push((claimed.event.event_id, crate::house::token(&claimed)));
                }
            }
            _ => {}
        }
    }
}

/// All that is in a store, as texts.
async fn rows(house: &House, story: &Story) -> Vec<String> {
    let page = PageRequest { limit: 1_000, after: None };
    let store = &house.store;
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
    rows.extend(store.scenario_runs(&page).await.unwrap().items.iter().map(plain));
    rows.push(plain(&store.dead_letter_groups().await.unwrap()));
    rows.push(plain(&store.engine_counts().await.unwrap()));
    rows.push(plain(&store.settings().await.unwrap()));
    rows
}
