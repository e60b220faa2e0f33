//! A store with rows of each kind: some to be spoilt, some to be worked with.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use enginehouse_server::dispatcher::config::DispatchConfig;
use enginehouse_server::http::{App, Limits, ListenerRole, router};
use enginehouse_server::rng::SeededRng;
use enginehouse_server::trusted_proxies::TrustedProxies;
use enginehouse_store::Store;
use enginehouse_store::clock::ManualClock;
use enginehouse_store::rows::PageRequest;
use serde_json::{Value, json};

use crate::app::{Answer, answer_of, request};
use crate::under_test::TestStore;

/// The tables that both stores have.
pub(crate) const TABLES: [&str; 10] = [
    "engines",
    "lanes",
    "events",
    "event_payloads",
    "attempts",
    "dead_letters",
    "event_types",
    "queues",
    "audit_log",
    "scenario_runs",
];

/// How many rows of each kind there are to be spoilt: enough for each wrong value of each column.
const VICTIMS: usize = 150;

pub(crate) struct World {
    clock: Arc<ManualClock>,
    store: Option<Arc<dyn Store>>,
    app: Option<(App, Router)>,
    place: TestStore,
    victims: Vec<(&'static str, Vec<String>)>,
    epoch: i64,
}

impl World {
    pub(crate) fn new() -> Self {
        let place = TestStore::on(crate::ON);
        let clock = Arc::new(ManualClock::at(enginehouse_core::time::Timestamp::from_millis(1_767_225_600_000)));
        let mut world = Self { clock, store: None, app: None, place, victims: Vec::new(), epoch: 0 };
        world.start();
        world
    }

    pub(crate) fn place(&self) -> &TestStore {
        &self.place
    }

    pub(crate) fn start(&mut self) {
        let store = self.place.open(&self.clock);
        let chance = Box::new(SeededRng::from_seed(7));
        let app = App::start(
            Arc::clone(&store),
            DispatchConfig::default(),
            Limits::default(),
            TrustedProxies::default(),
            Arc::default(),
            chance,
        )
        .unwrap();
        self.app = Some((app.clone(), router(app, ListenerRole::Everything)));
        self.store = Some(store);
    }

    pub(crate) async fn stop(&mut self) {
        let (app, _) = self.app.take().unwrap();
        app.shut_down();
        app.join().await;
        drop(app);
        self.store = None;
    }

    pub(crate) async fn findings(&self) -> Vec<String> {
        self.store.as_ref().unwrap().check_integrity().await.unwrap()
    }

    pub(crate) fn victims(&self, table: &str) -> Vec<String> {
        self.victims.iter().find(|(of, _)| *of == table).map(|(_, keys)| keys.clone()).unwrap_or_default()
    }

    pub(crate) fn named_events(&self) -> Vec<String> {
        ["events", "event_payloads", "attempts", "dead_letters"].iter().flat_map(|table| self.victims(table)).collect()
    }

    pub(crate) async fn ask(&self, line: &str, body: &str) -> Answer {
        answer_of(&self.app.as_ref().unwrap().1, request(line, "application/json", body)).await
    }

    /// Makes a call that must succeed, and whose answer is JSON.
    pub(crate) async fn must(&self, line: &str, body: Value) -> Value {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.ask(line, &text).await;
        assert!(answer.status < 300, "{line} {text}: {} {}", answer.status, answer.body);
        serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{line}: {error}: {}", answer.body))
    }

    pub(crate) async fn register(&self, engine_id: &str) -> i64 {
        let body = json!({"engine_type": "sim", "heartbeat_interval_seconds": 10});
        self.must(&format!("PUT /v1/engines/{engine_id}"), body).await["epoch"].as_i64().unwrap()
    }

    pub(crate) async fn enqueue(&self, count: usize, event: impl Fn(usize) -> Value) -> Vec<String> {
        let events: Vec<_> = (0..count).map(event).collect();
        let answer = self.must("POST /v1/events/batch", json!({ "events": events })).await;
        let ids = answer["events"].as_array().unwrap().iter();
        ids.map(|event| event["event_id"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn claim(
        &self,
        engine_id: &str,
        epoch: i64,
        event_type: &str,
        limit: usize,
    ) -> Vec<(String, String)> {
        let body = json!({"epoch": epoch, "limit": limit, "event_types": [event_type]});
        let answer = self.must(&format!("POST /v1/engines/{engine_id}/claim"), body).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let events = answer["events"].as_array().unwrap().iter();
        events.map(|event| (text(&event["event_id"]), text(&event["lock"]["token"]))).collect()
    }

    pub(crate) async fn settle(&self, claimed: &[(String, String)], outcome: &Value) {
        let settlements: Vec<_> = claimed
            .iter()
            .map(|(event_id, token)| {
                let mut settlement = outcome.clone();
                settlement["event_id"] = json!(event_id);
                settlement["lock_token"] = json!(token);
                settlement
            })
            .collect();
        let answer = self.must("POST /v1/events/settle", json!({ "settlements": settlements })).await;
        for result in answer["results"].as_array().unwrap() {
            assert!(result["error"].is_null(), "{result}");
        }
    }

    /// Makes all rows. Those to be spoilt come first wherever there is an order.
    pub(crate) async fn fill(&mut self) {
        self.epoch = self.register("good").await;
        let failure = json!({"outcome": "fail", "error": {"code": "x", "message": "no 7"}, "retryable": false, "dead_letter": true});
        let enqueued = self.enqueue(VICTIMS, |_| json!({"event_type": "dead", "payload": {"a": 1}})).await;
        for _ in 0..enqueued.len().div_ceil(100) {
            let claimed = self.claim("good", self.epoch, "dead", 100).await;
            self.settle(&claimed, &failure).await;
        }
        self.victims.push(("attempts", enqueued[..VICTIMS / 2].to_vec()));
        self.victims.push(("dead_letters", enqueued[VICTIMS / 2..].to_vec()));

        let mut events = self.enqueue(2 * VICTIMS, |index| {
            json!({"event_type": "good", "scenario_run_id": "run", "idempotency_key": format!("key-{index}")})
        }).await;
        events.truncate(VICTIMS);
        // Some of them are held by the engine that goes on working.
        self.claim("good", self.epoch, "good", 60).await;
        self.victims.push(("events", events));
        let payloads = self.enqueue(10, |_| json!({"event_type": "good"})).await;
        self.victims.push(("event_payloads", payloads));
        self.enqueue(500, |_| json!({"event_type": "good", "payload": {"n": 1}})).await;

        let lanes: Vec<_> = (1..=40).map(|index| json!({"event_type": format!("lane-{index}")})).collect();
        self.must("POST /v1/events/batch", json!({ "events": lanes })).await;
        // Numbers of lanes begin with 1: `dead` and `good` have the first two.
        self.victims.push(("lanes", (3..=40).map(|number: i32| number.to_string()).collect()));
        let mut names: Vec<Vec<String>> = vec![Vec::new(); 4];
        for index in 0..60 {
            let name = format!("victim-{index}");
            self.register(&name).await;
            self.must(&format!("PUT /v1/event-types/{name}"), json!({"max_processing_seconds": 60})).await;
            self.must(&format!("PUT /v1/queues/{name}"), json!({"max_processing_seconds": 60})).await;
            self.must("POST /v1/events", json!({"event_type": "of-run", "scenario_run_id": name})).await;
            names.iter_mut().for_each(|names| names.push(name.clone()));
        }
        for table in ["engines", "event_types", "queues", "scenario_runs"] {
            self.victims.push((table, names.pop().unwrap()));
        }
        self.victims.push(("audit_log", (1..=44).map(|number: i32| number.to_string()).collect()));
    }

    /// Every kind of call, about what is not spoilt.
    pub(crate) async fn every_call_about_the_rest_succeeds(&mut self) {
        let engines = "PUT /v1/engines/good";
        self.epoch = self.must(engines, json!({"engine_type": "sim"})).await["epoch"].as_i64().unwrap();
        let epoch = self.epoch;
        self.must("POST /v1/engines/good/heartbeat", json!({"epoch": epoch})).await;
        let key = json!({"event_type": "good", "idempotency_key": "mine"});
        let first = self.must("POST /v1/events", key.clone()).await;
        assert_eq!(self.must("POST /v1/events", key).await["event_id"], first["event_id"]);
        // More than are spoilt at the head of the lane.
        let claimed = self.claim("good", epoch, "good", 300).await;
        assert_eq!(claimed.len(), 300, "events behind those that cannot be read are given out");
        let (complete, rest) = claimed.split_at(100);
        let (fail, rest) = rest.split_at(50);
        let (release, extend) = rest.split_at(50);
        self.settle(complete, &json!({"outcome": "complete", "result": {"ok": true}})).await;
        self.settle(fail, &json!({"outcome": "fail", "error": {"message": "again"}})).await;
        self.settle(release, &json!({"outcome": "release"})).await;
        self.settle(extend, &json!({"outcome": "extend", "visibility_timeout_seconds": 60})).await;
        let exchange = json!({"epoch": epoch, "heartbeat": {}, "claim": {"limit": 1, "event_types": ["good"]}});
        self.must("POST /v1/engines/good/exchange", exchange).await;
        let cancelled = self.must("POST /v1/events", json!({"event_type": "good"})).await;
        let cancelled = cancelled["event_id"].as_str().unwrap();
        self.must(&format!("POST /v1/events/{cancelled}/cancel"), Value::Null).await;
        self.dead_letters_go_on(epoch).await;
        for list in [
            "/v1/events?limit=1000",
            "/v1/events?status=queued&limit=1000",
            "/v1/events?status=processing",
            "/v1/events?status=completed",
            "/v1/events?status=failed",
            "/v1/events?engine_id=good",
            "/v1/events?event_type=good",
            "/v1/events?scenario_run_id=run",
            "/v1/engines?limit=1000",
            "/v1/engines/good",
            "/v1/event-types",
            "/v1/queues",
            "/v1/dead-letters?limit=1000",
            "/v1/dead-letters/summary",
            "/v1/scenario-runs?limit=1000",
            "/v1/scenario-runs/run",
            "/v1/stats",
            "/v1/stats/lanes",
        ] {
            self.must(&format!("GET {list}"), Value::Null).await;
        }
        assert_eq!(self.ask("GET /metrics", "").await.status, 200);
        assert_eq!(self.ask("GET /readyz", "").await.status, 200);
        for setting in ["/v1/event-types/good", "/v1/queues/default"] {
            self.must(&format!("PUT {setting}"), json!({"max_processing_seconds": 600})).await;
            self.must(&format!("POST {setting}/pause"), Value::Null).await;
            self.must(&format!("POST {setting}/resume"), Value::Null).await;
            assert!(self.ask(&format!("DELETE {setting}"), "").await.status < 300);
        }
        self.must("POST /v1/engines/good/drain", json!({})).await;
        self.must("POST /v1/engines/good/resume", Value::Null).await;
        self.what_falls_due_falls_due().await;
    }

    async fn dead_letters_go_on(&self, epoch: i64) {
        let event = self.must("POST /v1/events", json!({"event_type": "fresh"})).await;
        let failure = json!({"outcome": "fail", "error": {"message": "no"}, "retryable": false, "dead_letter": true});
        self.settle(&self.claim("good", epoch, "fresh", 1).await, &failure).await;
        let event_id = event["event_id"].as_str().unwrap();
        self.must(&format!("POST /v1/dead-letters/{event_id}/redrive"), Value::Null).await;
        self.settle(&self.claim("good", epoch, "fresh", 1).await, &failure).await;
        self.must("POST /v1/dead-letters/redrive", json!({"filter": {"event_type": "dead"}})).await;
        self.must("POST /v1/dead-letters/discard", json!({"filter": {"event_type": "fresh"}})).await;
    }

    /// Locks expire, engines are lost, retention deletes.
    async fn what_falls_due_falls_due(&self) {
        let store = self.store.as_ref().unwrap();
        let engine_id = "good".parse().unwrap();
        let held = store.engine(&engine_id).await.unwrap().unwrap().1.len();
        assert!(held > 0);
        // An outage's grace passes first, then everything is due.
        for seconds in [20, 40, 400, 40 * 86_400, 40 * 86_400, 60] {
            self.clock.advance(Duration::from_secs(seconds));
            self.app.as_ref().unwrap().0.dispatcher().sweep().await.unwrap();
        }
        let (_, locks) =
            store.engine(&engine_id).await.unwrap().map_or((None, Vec::new()), |(engine, locks)| (Some(engine), locks));
        assert_eq!(locks.len(), 0, "of {held}");
        let completed = serde_json::from_str::<Value>(&self.ask("GET /v1/stats", "").await.body).unwrap();
        let epoch = self.register("late").await;
        assert_eq!(self.claim("late", epoch, "good", 50).await.len(), 50, "{completed}");
        let page = PageRequest { limit: 10, after: None };
        store.events(&Default::default(), &page).await.unwrap();
    }

    /// An id whose row cannot be read is not registered over it: it would begin at epoch 1 again.
    pub(crate) async fn an_engine_that_cannot_be_read_keeps_its_epoch(&self, garbled: &[super::Garbled]) {
        let bad =
            garbled.iter().find(|bad| (bad.table, &*bad.column, bad.value) == ("engines", "status", "'bad name! '"));
        let line = format!("PUT /v1/engines/{}", bad.unwrap().key);
        let answer = self.ask(&line, &json!({"engine_type": "sim"}).to_string()).await;
        assert!(answer.status == 500 && answer.body.contains("\"code\":\"unreadable\""), "{}", answer.body);
    }
}
