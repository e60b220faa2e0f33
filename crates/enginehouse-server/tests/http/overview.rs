//! What a person should know at a glance.

use serde_json::{Value, json};

use crate::app::{TestApp, field};

/// What needs a person comes first, each with the sentence that says what to do.
#[tokio::test]
async fn the_overview_names_what_needs_a_person() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/gone", r#"{"engine_type":"t","heartbeat_interval_seconds":1}"#).await;
    app.prepare("PUT /v1/engines/e", r#"{"engine_type":"t","heartbeat_interval_seconds":0}"#).await;
    let quiet = app.call("GET /v1/stats/overview", "").await.json();
    assert_eq!((attention(&quiet), &quiet["oldest"]), (vec![], &Value::Null));
    let dead = r#"{"event_type":"a","retry_policy":{"max_retries":0,"dead_letter_threshold":1}}"#;
    for event in [r#"{"event_type":"b"}"#, r#"{"event_type":"c","required_capabilities":["gpu"]}"#, dead] {
        app.prepare("POST /v1/events", event).await;
    }
    app.prepare("POST /v1/event-types/b/pause", "").await;
    let claimed = app.prepare("POST /v1/engines/e/claim", r#"{"epoch":1,"event_types":["a"]}"#).await;
    let (event_id, lock) = (field(&claimed, "/events/0/event_id"), field(&claimed, "/events/0/lock/token"));
    let failure = json!({ "lock_token": lock, "error": { "message": "no" } }).to_string();
    app.prepare(&format!("POST /v1/events/{event_id}/fail"), &failure).await;
    app.pass(20).await;
    let shown = app.call("GET /v1/stats/overview", "").await.json();
    let expected = ["lane_impossible", "lane_blocked", "engine_lost", "dead_letters_grow"];
    assert_eq!(kinds(&shown), expected, "{shown}");
    let item = |kind: &str| attention(&shown).into_iter().find(|item| item["kind"] == kind).unwrap();
    assert!(item("lane_impossible")["summary"].as_str().unwrap().contains("gpu"), "{shown}");
    assert_eq!(item("lane_impossible")["event_type"], "c");
    assert_eq!((&item("engine_lost")["engine_id"], &item("lane_blocked")["count"]), (&json!("gone"), &json!(1)));
    assert_eq!((&shown["dead_letters"], &shown["oldest"]["event_type"]), (&json!(1), &json!("b")));
    assert!(shown["rates"]["failed_per_second"].as_f64().unwrap() > 0.0);
    // It is no longer news after a while, and what has waited for long is.
    app.pass(1_000).await;
    let later = app.call("GET /v1/stats/overview", "").await.json();
    assert_eq!(kinds(&later), ["lane_impossible", "lane_blocked", "engine_lost", "events_wait"], "{later}");
    assert_eq!(later["rates"]["failed_per_second"], 0.0);
    // By queue and event type, it says the same.
    let queues = app.call("GET /v1/stats/queues", "").await.json();
    let verdicts: Vec<_> =
        queues["queues"].as_array().unwrap().iter().map(|of| (&of["event_type"], &of["verdict"])).collect();
    let said = [(json!("a"), Value::Null), (json!("b"), json!("blocked")), (json!("c"), json!("impossible"))];
    assert_eq!(verdicts, said.iter().map(|(event_type, verdict)| (event_type, verdict)).collect::<Vec<_>>());
    app.close().await;
}

/// Until an event is due, somebody may come who can run it.
#[tokio::test]
async fn what_is_not_due_yet_needs_nobody() {
    let mut app = TestApp::new();
    let event = r#"{"event_type":"a","required_capabilities":["gpu"],"delay_seconds":60}"#;
    app.prepare("POST /v1/events", event).await;
    assert_eq!(kinds(&app.prepare("GET /v1/stats/overview", "").await.json()), [""; 0]);
    app.pass(61).await;
    assert_eq!(kinds(&app.prepare("GET /v1/stats/overview", "").await.json()), ["lane_impossible"]);
    app.close().await;
}

/// What needs a person, without the disk of the machine that the tests run on: how full that is, no test decides.
fn attention(shown: &Value) -> Vec<&Value> {
    let items = shown["attention"].as_array().expect("a list");
    items.iter().filter(|item| item["kind"] != "disk_low").collect()
}

fn kinds(shown: &Value) -> Vec<&str> {
    attention(shown).iter().map(|item| item["kind"].as_str().expect("a word")).collect()
}
