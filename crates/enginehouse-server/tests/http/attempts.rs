//! What an event has been through.

use serde_json::{Value, json};

use crate::app::{TestApp, field};

/// One line for each attempt of an event: number, engine, version, outcome, how long it waited and how long it took.
async fn attempts(app: &mut TestApp, event: &str) -> Vec<String> {
    let answer = app.prepare(&format!("GET /v1/events/{event}/history"), "").await;
    let history: Value = serde_json::from_str(&answer.body).unwrap();
    let shown = history["attempts"].as_array().unwrap().iter().map(|attempt| {
        let word = |name: &str| attempt[name].as_str().unwrap_or("-").to_owned();
        let [engine, version, outcome] = ["engine_id", "engine_software_version", "outcome"].map(word);
        let ended = if attempt["ended_at"].is_null() { "running" } else { "ended" };
        let (number, waited) = (&attempt["attempt"], &attempt["waited_seconds"]);
        format!("{number} {engine} {version} {outcome} {waited} {ended}")
    });
    shown.collect()
}

async fn claim(app: &mut TestApp, engine: &str) -> String {
    let claimed = app.prepare(&format!("POST /v1/engines/{engine}/claim"), r#"{"epoch":1}"#).await;
    field(&claimed, "/events/0/lock/token")
}

#[tokio::test]
async fn history_shows_every_attempt_the_completed_one_too() {
    let mut app = TestApp::new();
    for (engine, version) in [("old", json!("1.0.0")), ("new", json!("2.0.0")), ("none", Value::Null)] {
        let config = json!({ "engine_software_version": version });
        let engine_of =
            json!({ "engine_type": "t", "heartbeat_interval_seconds": 0, "metadata": { "static_config": config } });
        app.prepare(&format!("PUT /v1/engines/{engine}"), &engine_of.to_string()).await;
    }
    let event = field(&app.prepare("POST /v1/events", r#"{"event_type":"a"}"#).await, "/event_id");
    assert_eq!(attempts(&mut app, &event).await, Vec::<String>::new());
    app.pass(7).await;
    claim(&mut app, "old").await;
    assert_eq!(attempts(&mut app, &event).await, ["1 old 1.0.0 - 7.0 running"]);
    // Its lock expires, and the event is back in its old place: it has not waited since then.
    app.pass(300).await;
    app.pass(2).await;
    let token = claim(&mut app, "none").await;
    app.pass(5).await;
    let failure = json!({ "lock_token": token, "error": { "message": "no" }, "retry_after_seconds": 20 });
    app.prepare(&format!("POST /v1/events/{event}/fail"), &failure.to_string()).await;
    app.pass(21).await;
    // What is released was no attempt.
    let token = claim(&mut app, "old").await;
    app.prepare(&format!("POST /v1/events/{event}/release"), &json!({ "lock_token": token }).to_string()).await;
    let token = claim(&mut app, "new").await;
    app.pass(1).await;
    app.prepare(&format!("POST /v1/events/{event}/complete"), &json!({ "lock_token": token }).to_string()).await;
    assert_eq!(
        attempts(&mut app, &event).await,
        ["1 old 1.0.0 lost 7.0 ended", "2 none - failed 2.0 ended", "3 new 2.0.0 completed 1.0 ended",]
    );
    app.close().await;
}
