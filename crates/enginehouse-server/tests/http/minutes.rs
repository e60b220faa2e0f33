//! What happened minute by minute, as charts show it.

use serde_json::{Value, json};

use crate::app::{TestApp, field};
use crate::permissions::{call_as, token};

/// Two queues and two event types, over three minutes.
async fn given_minutes() -> TestApp {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/e", r#"{"engine_type":"t","heartbeat_interval_seconds":0}"#).await;
    app.prepare("POST /v1/events", r#"{"event_type":"a","queue":"q"}"#).await;
    app.prepare("POST /v1/events", r#"{"event_type":"b","queue":"q"}"#).await;
    app.pass(2).await;
    let claimed = app.prepare("POST /v1/engines/e/claim", r#"{"epoch":1,"event_types":["a"]}"#).await;
    app.pass(118).await;
    let (event_id, token) = (field(&claimed, "/events/0/event_id"), field(&claimed, "/events/0/lock/token"));
    app.prepare(&format!("POST /v1/events/{event_id}/complete"), &format!(r#"{{"lock_token":"{token}"}}"#)).await;
    app.prepare("POST /v1/events", r#"{"event_type":"a","queue":"other"}"#).await;
    app
}

/// Of each series its names, and of each point its time and how many were enqueued, claimed and completed.
fn in_words(answer: &Value) -> Vec<String> {
    let name = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let point = |point: &Value| {
        let at = &point["at"].as_str().unwrap()[11..16];
        format!(" {at} {} {} {}", point["enqueued"], point["claimed"], point["completed"])
    };
    let series = answer["series"].as_array().unwrap().iter();
    let words = |series: &Value| {
        let points: String = series["points"].as_array().unwrap().iter().map(point).collect();
        format!("{} {}:{points}", name(&series["queue"]), name(&series["event_type"]))
    };
    series.map(words).collect()
}

#[tokio::test]
async fn minutes_are_shown_by_queue_and_type_or_added_up() {
    let mut app = given_minutes().await;
    let hour = app.call("GET /v1/stats/minutes", "").await.json();
    let apart = ["other a: 00:02 1 0 0", "q a: 00:00 1 1 0 00:02 0 0 1", "q b: 00:00 1 0 0"];
    assert_eq!(in_words(&hour), apart);
    assert_eq!(hour["step_seconds"], 60);
    assert_eq!(hour["from"], "2025-12-31T23:02:00.000Z");
    let middle = 116.735;
    let took = json!({
        "count": 1, "mean_seconds": 118.0, "p50_seconds": middle, "p95_seconds": middle, "p99_seconds": middle,
    });
    assert_eq!(hour["series"][1]["points"][1]["processing"], took);
    assert_eq!(hour["series"][1]["points"][1]["waiting"], Value::Null);
    for (query, shown) in [
        ("group_by=queue", vec!["other -: 00:02 1 0 0", "q -: 00:00 2 1 0 00:02 0 0 1"]),
        ("group_by=event_type", vec!["- a: 00:00 1 1 0 00:02 1 0 1", "- b: 00:00 1 0 0"]),
        ("group_by=all&step_seconds=180", vec!["- -: 00:00 3 1 1"]),
        ("queue=q&event_type=b", vec!["q b: 00:00 1 0 0"]),
        ("from=2026-01-01T00:01:00Z", vec!["other a: 00:02 1 0 0", "q a: 00:02 0 0 1"]),
        ("from=2025-12-31T23:00:00Z&to=2026-01-01T00:00:00Z", vec![]),
    ] {
        let answer = app.call(&format!("GET /v1/stats/minutes?{query}"), "").await;
        assert_eq!(in_words(&answer.json()), shown, "{query}");
    }
    // What was written is the same as what is in memory, and not there twice.
    app.pass(10).await;
    let written = app.call("GET /v1/stats/minutes", "").await.json();
    assert_eq!(in_words(&written), apart);
    app.close().await;
}

#[tokio::test]
async fn a_time_that_is_none_is_refused() {
    let mut app = TestApp::new();
    for (query, why) in [
        ("step_seconds=61", "/step_seconds: must be a multiple of 60"),
        ("step_seconds=7200", "/step_seconds: must be a whole number between 60 and 3600"),
        ("from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "/from: must be before"),
        ("group_by=engine", "/group_by: must be queue_and_event_type, queue, event_type or all"),
    ] {
        let answer = app.call(&format!("GET /v1/stats/minutes?{query}"), "").await;
        assert!(answer.status == 422 && answer.body.contains(why), "{query}: {}", answer.body);
    }
    app.close().await;
}

/// What was not told apart may be of any queue: whoever sees some sees none of it.
#[tokio::test]
async fn a_token_sees_the_minutes_of_what_it_reaches() {
    let app = given_minutes().await;
    let mut transaction = app.store().begin().await.unwrap();
    let mut rest = app.app.dispatcher().minutes().pending(&all());
    rest.truncate(1);
    rest[0].key.pair = None;
    transaction.add_minutes(&rest).await.unwrap();
    transaction.commit().await.unwrap();
    let admin = token(&app, r#"{"name":"a","role":"admin"}"#).await;
    let some = token(&app, r#"{"name":"v","role":"viewer","selectors":{"queues":["q"],"event_types":["a"]}}"#).await;
    let engine = token(&app, r#"{"name":"e","role":"engine"}"#).await;
    let seen = async |token: &str| in_words(&call_as(&app, token, "GET /v1/stats/minutes", "").await.json());
    assert_eq!(seen(&some).await, ["q a: 00:00 1 1 0 00:02 0 0 1"]);
    assert_eq!(seen(&admin).await.len(), 4);
    assert_eq!(call_as(&app, &engine, "GET /v1/stats/minutes", "").await.status, 403);
    app.close().await;
}

fn all() -> enginehouse_store::rows::MinuteFilter {
    use enginehouse_core::time::Timestamp;
    enginehouse_store::rows::MinuteFilter { from: Timestamp::MIN, to: Timestamp::MAX, queue: None, event_type: None }
}

/// An answer is bounded, and whoever asks for more is told what to ask for instead.
#[tokio::test]
async fn more_points_than_an_answer_holds_are_refused() {
    let app = given_minutes().await;
    let row = app.app.dispatcher().minutes().pending(&all()).remove(0);
    let many = |number: usize| {
        let mut row = row.clone();
        let minute = std::time::Duration::from_secs(60) * u32::try_from(number % 60).unwrap();
        row.key.minute = row.key.minute - minute;
        row.key.pair = Some(("q".parse().unwrap(), format!("type-{}", number / 60).parse().unwrap()));
        row
    };
    let rows: Vec<_> = (0..20_040).map(many).collect();
    let mut transaction = app.store().begin().await.unwrap();
    transaction.add_minutes(&rows).await.unwrap();
    transaction.commit().await.unwrap();
    let get = |line: &str| app.send(crate::app::request(line, "", ""));
    let answer = get("GET /v1/stats/minutes").await;
    assert!(answer.status == 422 && answer.body.contains("more than 20000 points"), "{}", answer.body);
    assert!(answer.body.contains("ask for longer steps"), "{}", answer.body);
    for query in ["group_by=all", "group_by=queue", "event_type=type-7", "step_seconds=120"] {
        assert_eq!(get(&format!("GET /v1/stats/minutes?{query}")).await.status, 200, "{query}");
    }
    app.close().await;
}
