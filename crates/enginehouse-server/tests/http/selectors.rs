//! No answer to a caller holds anything outside of what its selectors reach: over random stores and random requests.
//!
//! What is outside of a kind has a mark in its name, and so has all that an event of it holds: an answer that has the mark of
//! a kind which the caller's selectors limit has told too much. So has one that has the id of an event which they do not reach,
//! unless the caller named it.

use std::collections::{BTreeMap, BTreeSet};

use enginehouse_api::page::Cursor;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::engine::RegisteredEngine;
use enginehouse_core::filter::{EventFilter, PageRequest};
use enginehouse_core::ids::EventId;
use enginehouse_server::rng::{Rng, SeededRng};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp, field, request};
use crate::permissions::{call_as, token};

const QUEUES: [&str; 3] = ["a.one", "a.two", "markq"];
const TYPES: [&str; 3] = ["a-render", "a-encode", "markt"];
/// The last ones take events of the last queue and type only, so that no other event has met them.
const ENGINES: [&str; 4] = ["a-1", "a-2", "marke-1", "marke-2"];
const ROLES: [&str; 6] = ["metrics", "viewer", "producer", "engine", "operator", "admin"];
/// Selectors, and the marks of what they do not reach.
const REACHES: [(&str, &[&str]); 5] = [
    (r#"{"queues":["a.*"],"event_types":["a-*"],"engines":["a-*"]}"#, &["markq", "markt", "marke"]),
    (r#"{"queues":["a.*"],"engines":["a-1","a-2"]}"#, &["markq", "marke"]),
    (r#"{"queues":["a.one","a.two"]}"#, &["markq"]),
    (r#"{"event_types":["a-*"],"engines":["a-*"]}"#, &["markt", "marke"]),
    (r#"{"event_types":["a-render","a-encode"]}"#, &["markt"]),
];

struct World {
    app: TestApp,
    rng: SeededRng,
    epochs: BTreeMap<&'static str, u64>,
    /// Locks that were given: the event, its token.
    locks: Vec<(String, String)>,
    enqueued: u32,
}

impl World {
    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    fn below(&mut self, count: usize) -> usize {
        (self.rng.unit() * count as f64) as usize
    }

    async fn enqueue(&mut self) {
        let (queue, event_type) = (self.pick(&QUEUES), self.pick(&TYPES));
        let mark = format!("{queue} {event_type}");
        self.enqueued += 1;
        let mut event = json!({
            "queue": queue, "event_type": event_type, "priority": self.below(3), "payload": mark,
            "labels": { "of": mark }, "idempotency_key": format!("{mark} {}", self.enqueued),
            "scenario_run_id": format!("run-{queue}-{event_type}"),
            "retry_policy": { "max_retries": self.below(2) },
        });
        if self.below(3) == 0 {
            event["required_capabilities"] = json!([self.pick(&["gpu", "nobody-has-it"])]);
        }
        if self.below(6) == 0 {
            event["delay_seconds"] = json!(3_600);
        }
        self.app.prepare("POST /v1/events", &event.to_string()).await;
    }

    async fn claim(&mut self) {
        let engine = self.pick(&ENGINES);
        let mut claim = json!({ "epoch": self.epochs[engine], "limit": 1 + self.below(3) });
        if engine.starts_with("marke") {
            (claim["queues"], claim["event_types"]) = (json!(["markq"]), json!(["markt"]));
        }
        let answer = self.app.prepare(&format!("POST /v1/engines/{engine}/claim"), &claim.to_string()).await;
        for event in answer.json()["events"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let (id, token) = (text(&event["event_id"]), text(&event["lock"]["token"]));
            let report =
                json!({ "lock_token": token, "progress": { "message": event["payload"] }, "log": [event["payload"]] });
            let beat = json!({ "epoch": self.epochs[engine], "reports": [report] });
            self.app.prepare(&format!("POST /v1/engines/{engine}/heartbeat"), &beat.to_string()).await;
            self.locks.push((id, token));
        }
    }

    async fn settle(&mut self) {
        if self.locks.is_empty() {
            return;
        }
        let place = self.below(self.locks.len());
        let (id, lock) = self.locks.swap_remove(place);
        let event = self.app.call(&format!("GET /v1/events/{id}"), "").await.json();
        let mark = &event["payload"];
        let (how, body) = match self.below(4) {
            0 => ("complete", json!({ "lock_token": lock, "result": mark })),
            1 => ("release", json!({ "lock_token": lock })),
            2 => {
                let error = json!({ "code": "broke", "message": mark, "details": mark });
                ("fail", json!({ "lock_token": lock, "error": error }))
            }
            _ => {
                let error = json!({ "code": "broke", "message": mark });
                ("fail", json!({ "lock_token": lock, "error": error, "retryable": false, "dead_letter": true }))
            }
        };
        self.app.call(&format!("POST /v1/events/{id}/{how}"), &body.to_string()).await;
    }

    /// A store in which much has happened, to all that there is.
    async fn random(seed: u64) -> Self {
        let rng = SeededRng::from_seed(seed);
        let mut world = Self { app: TestApp::new(), rng, epochs: BTreeMap::new(), locks: Vec::new(), enqueued: 0 };
        for engine in ENGINES {
            let capabilities = if world.below(2) == 0 { vec!["gpu"] } else { vec![] };
            let registration = json!({
                "engine_type": "sim", "heartbeat_interval_seconds": 0,
                "metadata": { "static_config": {
                    "capabilities": capabilities, "max_concurrent_events": 1 + world.below(4),
                } },
            });
            let made = world.app.call(&format!("PUT /v1/engines/{engine}"), &registration.to_string()).await;
            assert!(made.status < 300, "{}", made.body);
            world.epochs.insert(engine, made.json()["epoch"].as_u64().unwrap());
        }
        for _ in 0..120 {
            match world.below(10) {
                0..=3 => world.enqueue().await,
                4..=6 => world.claim().await,
                7 | 8 => world.settle().await,
                _ => world.app.pass(30).await,
            }
        }
        for (line, reason) in [("queues/markq/pause", "markq"), ("event-types/markt/pause", "markt")] {
            if world.below(2) == 0 {
                let pause = json!({ "reason": reason }).to_string();
                world.app.call(&format!("POST /v1/{line}"), &pause).await;
            }
        }
        let quarantine = json!({ "reason": "marke is slow" }).to_string();
        world.app.call("POST /v1/engines/marke-2/quarantine", &quarantine).await;
        world
    }

    /// Every event with all that is known of it, and whether selectors reach it.
    async fn events(&self, within: &Selectors) -> (BTreeSet<String>, BTreeMap<String, String>) {
        let page = PageRequest { limit: 1_000, after: None };
        let all = self.app.store().events(&EventFilter::default(), &page).await.unwrap();
        let (mut reached, mut others) = (BTreeSet::new(), BTreeMap::new());
        for record in all.items {
            let id = record.event.event_id.to_string();
            if within.admit_lane(&record.lane) {
                reached.insert(id);
            } else {
                others.insert(id, format!("{record:?}"));
            }
        }
        (reached, others)
    }

    /// A request that somebody might make, who may know of more than they may see.
    fn request(&mut self, reached: &[&str], others: &[&str]) -> (String, String) {
        let known = if self.below(3) == 0 { others } else { reached };
        let id = if known.is_empty() { "01000000-0000-7000-8000-000000000000" } else { self.pick(known) };
        let (queue, event_type, engine) = (self.pick(&QUEUES), self.pick(&TYPES), self.pick(&ENGINES));
        let filter = match self.below(9) {
            0 => format!("queue={queue}"),
            1 => format!("event_type={event_type}"),
            2 => format!("engine_id={engine}"),
            3 => format!("status={}", self.pick(&["queued", "processing", "failed", "completed"])),
            4 => format!("scenario_run_id=run-{queue}-{event_type}"),
            5 => format!("label=of%3D{queue}%20{event_type}"),
            6 => "priority=1".to_owned(),
            _ => String::new(),
        };
        let of_letters = if filter.starts_with('q') || filter.starts_with("ev") { &*filter } else { "" };
        let filters: serde_json::Map<_, _> =
            of_letters.split_once('=').into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        let whole = filters.is_empty();
        let body = if whole { json!({ "all": true }) } else { json!({ "filter": filters }) };
        let limit = 1 + self.below(4);
        let lines = [
            format!("GET /v1/events?limit={limit}&{filter}"),
            format!("GET /v1/events/{id}"),
            format!("GET /v1/events/{id}/history"),
            format!("GET /v1/events/{id}/explain"),
            format!("GET /v1/events/{id}/explain?engine_id={engine}"),
            format!("GET /v1/events/{id}/log"),
            format!("GET /v1/dead-letters?limit={limit}&{of_letters}"),
            format!("GET /v1/dead-letters/{id}"),
            "GET /v1/dead-letters/summary".to_owned(),
            format!("GET /v1/dead-letters/preview?{of_letters}"),
            format!("GET /v1/engines?limit={limit}"),
            format!("GET /v1/engines/{engine}"),
            format!("GET /v1/engines/{engine}/explain"),
            format!("GET /v1/blocked?limit={limit}"),
            "GET /v1/suspects".to_owned(),
            format!("GET /v1/event-types?limit={limit}"),
            format!("GET /v1/event-types/{event_type}"),
            format!("GET /v1/queues?limit={limit}"),
            format!("GET /v1/queues/{queue}"),
            "GET /v1/scenario-runs".to_owned(),
            format!("GET /v1/scenario-runs/run-{queue}-{event_type}"),
            "GET /v1/stats".to_owned(),
            format!("GET /v1/stats/lanes?limit={limit}"),
            format!("GET /v1/stats/minutes?{of_letters}"),
            "GET /v1/stats/overview".to_owned(),
            "GET /v1/stats/queues".to_owned(),
            format!("GET /v1/stats/minutes?group_by={}", self.pick(&["queue", "event_type", "all"])),
            "GET /metrics".to_owned(),
            "GET /v1/tokens".to_owned(),
            // What changes something, and must change nothing else.
            format!("POST /v1/events/{id}/cancel"),
            format!("POST /v1/events/{id}/retry"),
            format!("POST /v1/events/{id}/redrive"),
            format!("DELETE /v1/dead-letters/{id}"),
            "POST /v1/events/cancel".to_owned(),
            "POST /v1/events/retry".to_owned(),
            "POST /v1/dead-letters/redrive".to_owned(),
            "POST /v1/dead-letters/discard".to_owned(),
            format!("POST /v1/queues/{queue}/pause"),
            format!("DELETE /v1/event-types/{event_type}"),
            format!("POST /v1/engines/{engine}/drain"),
            format!("POST /v1/engines/{engine}/resume"),
            format!("DELETE /v1/idempotency-keys?idempotency_key={queue}%20{event_type}%20{}", self.below(60)),
        ];
        let line = lines[self.below(lines.len())].clone();
        let is_bulk =
            ["/cancel", "/retry", "/redrive", "/discard"].iter().any(|end| line.ends_with(end)) && !line.contains(id);
        (line, if is_bulk { body.to_string() } else { String::new() })
    }
}

/// What an answer says beside what its request said.
fn said_beyond(line: &str, body: &str, answer: &str) -> String {
    let named = [line, body].join(" ").replace("%20", " ").replace("%3D", "=");
    let words = named.split(|sign: char| !(sign.is_ascii_alphanumeric() || "-._".contains(sign)));
    let mut said = answer.to_owned();
    // A cursor is a text of its own.
    for cursor in answer.split('"').filter_map(|text| text.parse::<Cursor>().ok()) {
        said.push_str(&format!(" {}", cursor.place));
    }
    words
        .filter(|word| word.contains("mark") || word.parse::<EventId>().is_ok())
        .for_each(|word| said = said.replace(word, ""));
    said
}

async fn check_world(seed: u64) -> u32 {
    let mut world = World::random(seed).await;
    let mut tokens = Vec::new();
    for (selectors, marks) in REACHES {
        for role in ROLES {
            let name = format!("t{}", tokens.len());
            let payloads = if role == "operator" { r#","read_payloads":true"# } else { "" };
            let draft = format!(r#"{{"name":"{name}","role":"{role}","selectors":{selectors}{payloads}}}"#);
            let within: Selectors = serde_json::from_str(selectors).unwrap();
            tokens.push((token(&world.app, &draft).await, role, within, marks));
        }
    }
    let mut answered = 0;
    for (token, role, within, marks) in &tokens {
        let (reached, others) = world.events(within).await;
        assert!(!reached.is_empty() && !others.is_empty(), "seed {seed}");
        let (reached, hidden): (Vec<_>, Vec<_>) =
            (reached.iter().map(String::as_str).collect(), others.keys().map(String::as_str).collect());
        for _ in 0..60 {
            let (mut line, body) = world.request(&reached, &hidden);
            loop {
                let answer = call_as(&world.app, token, &line, &body).await;
                let said = said_beyond(&line, &body, &answer.body);
                for mark in *marks {
                    assert!(!said.contains(mark), "seed {seed}, {role} {within:?}: {line} {body}\n{mark} in {said}");
                }
                for id in &hidden {
                    assert!(!said.contains(id), "seed {seed}, {role} {within:?}: {line} {body}\n{id} in {said}");
                }
                answered += u32::from(answer.status == 200);
                let next = answer.body.contains(r#""next_cursor":""#).then(|| field(&answer, "/next_cursor"));
                let Some(next) = next.filter(|_| line.starts_with("GET")) else { break };
                let rest = line.split_once("cursor=").map_or(&*line, |(before, _)| before.trim_end_matches('&'));
                line = format!("{rest}{}cursor={next}", if rest.contains('?') { "&" } else { "?" });
            }
        }
        let (_, after) = world.events(within).await;
        assert_eq!(after, others, "seed {seed}, {role} {within:?}: what it does not reach was changed");
    }
    world.app.close().await;
    answered
}

#[tokio::test]
async fn no_answer_tells_of_what_the_selectors_do_not_reach() {
    let mut answered = 0;
    for seed in 1..=2 {
        answered += check_world(seed).await;
    }
    assert!(answered > 1_000, "{answered}");
}

/// What a cursor holds, and the cursor itself, of a page.
fn next(answer: &Answer) -> Option<(String, String)> {
    let text = answer.json()["next_cursor"].as_str()?.to_owned();
    Some((text.parse::<Cursor>().unwrap().place, text))
}

/// A search that looks at thousands of rows in vain ends somewhere among them, and nobody is told where.
#[tokio::test]
async fn no_cursor_holds_what_the_selectors_do_not_reach() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/z-1", r#"{"engine_type":"t"}"#).await;
    let own = field(&app.prepare("POST /v1/events", r#"{"event_type":"t","queue":"z"}"#).await, "/event_id");
    app.pass(1).await;
    for _ in 0..4 {
        // No search sees more of one millisecond.
        app.pass(1).await;
        let lines = "{\"event_type\":\"t\",\"queue\":\"other\"}\n".repeat(5_200);
        let answer = app.send(request("POST /v1/events/batch", "application/x-ndjson", &lines)).await;
        assert_eq!(answer.json()["enqueued"], 5_200, "{}", answer.body);
    }
    let (engine, _) = app.store().engine(&"z-1".parse().unwrap()).await.unwrap().unwrap();
    let other = |number| RegisteredEngine { engine_id: format!("other-{number}").parse().unwrap(), ..engine.clone() };
    let mut tx = app.store().begin().await.unwrap();
    tx.write_engines(&(0..20_100).map(other).collect::<Vec<_>>()).await.unwrap();
    tx.commit().await.unwrap();
    let viewer = token(&app, r#"{"name":"v","role":"viewer","selectors":{"queues":["z"],"engines":["z-*"]}}"#).await;

    let first = call_as(&app, &viewer, "GET /v1/events", "").await;
    let (place, cursor) = next(&first).expect("a second page");
    assert_eq!(first.json()["items"], json!([]));
    let found = app.store().event(place.parse().unwrap()).await.unwrap();
    assert!(found.is_none(), "the cursor names {found:?}");
    let second = call_as(&app, &viewer, &format!("GET /v1/events?cursor={cursor}"), "").await;
    assert_eq!(field(&second, "/items/0/event_id"), own, "{}", second.body);
    assert!(next(&second).is_none());

    let engines = call_as(&app, &viewer, "GET /v1/engines", "").await;
    assert_eq!((field(&engines, "/items/0/engine_id"), next(&engines)), ("z-1".to_owned(), None));
    app.close().await;
}
