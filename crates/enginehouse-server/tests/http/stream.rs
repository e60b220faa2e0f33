//! Streams of what changes.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use enginehouse_server::dispatcher::config::DispatchConfig;
use enginehouse_server::http::{App, Limits, ListenerRole, router};
use enginehouse_server::rng::SeededRng;
use enginehouse_server::trusted_proxies::TrustedProxies;
use http::HeaderValue;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::app::{TestApp, answer_of, field, request};
use crate::permissions::{call_as, token};

/// One part of a stream.
#[derive(Debug)]
struct Part {
    event: String,
    id: Option<String>,
    data: Value,
}

/// A stream of server-sent events.
struct Stream {
    body: Body,
    read: String,
}

async fn open(router: &Router, topics: &str, token: Option<&str>, last: Option<&str>) -> Response {
    let mut request = request(&format!("GET /v1/stream?topics={topics}"), "", "");
    let bearer = token.map(|token| ("authorization", format!("Bearer {token}")));
    let last = last.map(|id| ("last-event-id", id.to_owned()));
    for (name, value) in bearer.into_iter().chain(last) {
        request.headers_mut().insert(name, HeaderValue::from_str(&value).unwrap());
    }
    router.clone().oneshot(request).await.unwrap()
}

impl Stream {
    async fn begin(router: &Router, topics: &str, token: Option<&str>, last: Option<&str>) -> Self {
        let answer = open(router, topics, token, last).await;
        assert_eq!(answer.status(), 200);
        let headers = answer.headers();
        assert_eq!(headers["content-type"], "text/event-stream");
        assert_eq!(
            (&headers["cache-control"], &headers["x-accel-buffering"]),
            (&"no-store".parse().unwrap(), &"no".parse().unwrap())
        );
        assert!(headers.get("content-encoding").is_none());
        Self { body: answer.into_body(), read: String::new() }
    }

    async fn of(app: &TestApp, topics: &str) -> Self {
        Self::begin(&app.router(), topics, None, None).await
    }

    /// The next part; none at the end. Comments and the like are passed over.
    async fn next(&mut self) -> Option<Part> {
        loop {
            if let Some((part, rest)) = self.read.split_once("\n\n") {
                let (part, rest) = (part.to_owned(), rest.to_owned());
                self.read = rest;
                let field = |name: &str| part.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                if let Some(event) = field("event: ") {
                    let data = serde_json::from_str(&field("data: ").unwrap()).unwrap();
                    return Some(Part { event, id: field("id: "), data });
                }
                assert!(part.starts_with("retry: ") || part.starts_with(':'), "{part}");
                continue;
            }
            let frame = tokio::time::timeout(Duration::from_secs(30), self.body.frame()).await.expect("in time")?;
            self.read.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
        }
    }

    /// The next part that has an item which is wanted.
    async fn until(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let part = self.next().await.expect("it goes on");
            if let Some(item) = part.data["items"].as_array().unwrap().iter().find(|item| is_wanted(item)) {
                return item.clone();
            }
        }
    }
}

async fn engine(app: &mut TestApp, engine_id: &str) {
    app.prepare(&format!("PUT /v1/engines/{engine_id}"), r#"{"engine_type":"t","heartbeat_interval_seconds":0}"#).await;
}

fn ids(part: &Part) -> Vec<&str> {
    part.data["items"].as_array().unwrap().iter().map(|engine| engine["engine_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_stream_has_all_there_is_and_then_what_changes() {
    let mut app = TestApp::new();
    engine(&mut app, "e-1").await;
    engine(&mut app, "e-2").await;
    let mut stream = Stream::of(&app, "engines").await;
    let first = stream.next().await.unwrap();
    assert_eq!(
        (first.event.as_str(), &first.data["kind"], ids(&first)),
        ("engines", &json!("snapshot"), vec!["e-1", "e-2"])
    );
    let listed = app.call("GET /v1/engines", "").await.json();
    assert_eq!(first.data["items"], listed["items"], "each is as the list has it");
    app.prepare("POST /v1/engines/e-2/drain", "").await;
    let next = stream.next().await.unwrap();
    assert_eq!((&next.data["kind"], ids(&next), &next.data["gone"]), (&json!("changes"), vec!["e-2"], &json!([])));
    assert_eq!(next.data["items"][0]["draining"], true);

    // Whoever comes back goes on behind what they have, and whoever cannot is told so.
    engine(&mut app, "e-3").await;
    let mut again = Stream::begin(&app.router(), "engines", None, next.id.as_deref()).await;
    let changes = again.next().await.unwrap();
    assert_eq!((&changes.data["kind"], ids(&changes)), (&json!("changes"), vec!["e-3"]));
    let mut lost = Stream::begin(&app.router(), "engines", None, Some("1-2-3")).await;
    let reset = lost.next().await.unwrap();
    assert_eq!((reset.event.as_str(), reset.data), ("reset", json!({ "topics": ["engines"] })));
    assert_eq!(ids(&lost.next().await.unwrap()), ["e-1", "e-2", "e-3"]);

    // The end of the server is the end of them.
    app.app.shut_down();
    while again.next().await.is_some() {}
    app.close().await;
}

#[tokio::test]
async fn one_event_is_followed_as_whoever_asks_may_see_it() {
    let mut app = TestApp::new();
    engine(&mut app, "e").await;
    let event = r#"{"event_type":"a","queue":"q","payload":{"secret":1}}"#;
    let event_id = field(&app.prepare("POST /v1/events", event).await, "/event_id");
    let admin = token(&app, r#"{"name":"a","role":"admin"}"#).await;
    let some = token(&app, r#"{"name":"v","role":"viewer","selectors":{"queues":["q"]}}"#).await;
    let other = token(&app, r#"{"name":"o","role":"viewer","selectors":{"queues":["other"]}}"#).await;
    let router = app.router();
    let topic = format!("event:{event_id}");
    assert_eq!(open(&router, &topic, Some(&other), None).await.status(), 404);
    let mut of_some = Stream::begin(&router, &topic, Some(&some), None).await;
    let first = of_some.next().await.unwrap();
    let shown = &first.data["items"][0];
    assert_eq!((first.event.as_str(), &first.data["topic"]), ("event", &json!(topic)));
    assert_eq!(
        (&shown["status"], &shown["payload_hidden"], &shown["payload"]),
        (&json!("queued"), &json!(true), &Value::Null)
    );
    // The view is not shared with whoever may see more.
    let mut of_admin = Stream::begin(&router, &topic, Some(&admin), None).await;
    assert_eq!(of_admin.next().await.unwrap().data["items"][0]["payload"], json!({ "secret": 1 }));
    call_as(&app, &admin, &format!("POST /v1/events/{event_id}/cancel"), "").await;
    assert_eq!(of_some.until(|event| event["status"] == "cancelled").await["payload"], Value::Null);
    // One that is gone is not there, and nothing else is said of it.
    let nobody = "event:0193f2a0-0000-7000-8000-000000000000";
    let mut of_nobody = Stream::begin(&router, nobody, Some(&admin), None).await;
    assert_eq!(of_nobody.next().await.unwrap().data["items"], json!([]));
    // A token that is revoked ends what it has begun.
    let accessor = some[4..16].to_owned();
    let revoked = call_as(&app, &admin, &format!("DELETE /v1/tokens/{accessor}"), "").await;
    assert_eq!(revoked.status, 200, "{}", revoked.body);
    app.app.follow_tokens().await;
    while of_some.next().await.is_some() {}
    app.close().await;
}

#[tokio::test]
async fn a_topic_is_for_whoever_may_see_it_and_as_far_as_they_may() {
    let mut app = TestApp::new();
    engine(&mut app, "a-1").await;
    engine(&mut app, "b-1").await;
    for (queue, run) in [("q", "r-1"), ("other", "r-2")] {
        let event = json!({ "event_type": "t", "queue": queue, "scenario_run_id": run }).to_string();
        app.prepare("POST /v1/events", &event).await;
    }
    let mut runs = Stream::of(&app, "runs").await;
    let shown = runs.next().await.unwrap();
    assert_eq!(shown.data["items"].as_array().unwrap().len(), 2);
    let metrics = token(&app, r#"{"name":"m","role":"metrics"}"#).await;
    let some = token(&app, r#"{"name":"v","role":"viewer","selectors":{"queues":["q"],"engines":["a-*"]}}"#).await;
    let router = app.router();
    for (who, topics, status) in [
        (&metrics, "engines", 403),
        (&metrics, "overview,runs", 403),
        (&some, "overview,engines,queues", 200),
        (&some, "runs", 403),
        (&some, "operation", 422),
        (&some, "", 422),
    ] {
        assert_eq!(open(&router, topics, Some(who), None).await.status(), status, "{topics}");
    }
    let mut stream = Stream::begin(&router, "overview,engines,queues", Some(&some), None).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let part = stream.next().await.unwrap();
        let items = part.data["items"].as_array().unwrap().clone();
        seen.push((part.event, items));
    }
    seen.sort_by(|(one, _), (other, _)| one.cmp(other));
    let [(_, engines), (_, overview), (_, queues)] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((engines.len(), &engines[0]["engine_id"]), (1, &json!("a-1")));
    assert_eq!((queues.len(), &queues[0]["queue"]), (1, &json!("q")));
    assert_eq!((&overview[0]["events"]["queued"], &overview[0]["engines"]["active"]), (&json!(1), &json!(1)));
    app.close().await;
}

#[tokio::test]
async fn streams_of_one_caller_are_bounded_and_those_that_end_make_room() {
    let app = TestApp::new();
    let mut streams = Vec::new();
    for _ in 0..64 {
        streams.push(Stream::of(&app, "runs").await);
    }
    let refused = app.send(request("GET /v1/stream?topics=runs", "", "")).await;
    assert!(refused.status == 429 && refused.body.contains("of one address"), "{} {}", refused.status, refused.body);
    streams.pop();
    Stream::of(&app, "runs").await;
    drop(streams);
    app.close().await;
}

/// What another server does shows, too: each looks at the store they share.
#[tokio::test]
async fn what_another_server_does_is_told_of() {
    if crate::ON == crate::under_test::Kind::Sqlite {
        // A file has one server.
        return;
    }
    let mut app = TestApp::new();
    let mut stream = Stream::of(&app, "engines,queues").await;
    for _ in 0..2 {
        assert_eq!(stream.next().await.unwrap().data["items"], json!([]));
    }
    let (chance, config) = (Box::new(SeededRng::from_seed(8)), DispatchConfig::default());
    let other = App::start(
        app.open_again(),
        config,
        Limits::default(),
        TrustedProxies::default(),
        std::sync::Arc::default(),
        chance,
    )
    .unwrap();
    let of_other = router(other.clone(), ListenerRole::Everything);
    let engine = r#"{"engine_type":"t","heartbeat_interval_seconds":0}"#;
    assert_eq!(answer_of(&of_other, request("PUT /v1/engines/theirs", "application/json", engine)).await.status, 201);
    stream.until(|item| item["engine_id"] == "theirs").await;
    let event = r#"{"event_type":"t"}"#;
    assert_eq!(answer_of(&of_other, request("POST /v1/events", "application/json", event)).await.status, 201);
    stream.until(|item| item["event_type"] == "t" && item["queued"] == 1).await;
    other.shut_down();
    other.join().await;
    app.pass(1).await;
    app.close().await;
}
