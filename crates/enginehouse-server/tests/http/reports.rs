//! What engines report of attempts, in the calls that they make.

use serde_json::{Value, json};

use crate::app::{Answer, TestApp, field};

fn read(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

/// Claims so many events, each with its id and token.
async fn claimed(app: &mut TestApp, events: usize) -> Vec<(String, String)> {
    app.prepare("PUT /v1/engines/e", r#"{"engine_type":"t"}"#).await;
    for _ in 0..events {
        app.prepare("POST /v1/events", r#"{"event_type":"a"}"#).await;
    }
    let answer =
        read(&app.prepare("POST /v1/engines/e/claim", &json!({ "epoch": 1, "limit": events }).to_string()).await);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let events = answer["events"].as_array().unwrap().iter();
    events.map(|event| (text(&event["event_id"]), text(&event["lock"]["token"]))).collect()
}

#[tokio::test]
async fn what_was_reported_is_shown_beside_the_event_and_in_its_history() {
    let mut app = TestApp::new();
    let (event, token) = claimed(&mut app, 1).await.remove(0);
    let report = json!({
        "lock_token": token, "usage": { "cpu_seconds": 1.5, "max_memory_mb": 64.5 },
        "progress": { "percent": 12.5, "message": "frame 7\nof 56" }, "checkpoint": { "frame": 7 },
        "log": ["one", "two"], "log_url": "https://logs.example/1",
    });
    app.prepare("POST /v1/engines/e/heartbeat", &json!({ "epoch": 1, "reports": [report] }).to_string()).await;
    let shown = read(&app.prepare(&format!("GET /v1/events/{event}"), "").await);
    let progress = json!({
        "percent": 12.5, "message": "frame 7\u{fffd}of 56", "reported_at": "2026-01-01T00:00:00.000Z"
    });
    let usage = json!({ "cpu_seconds": 1.5, "max_memory_mb": 64.5 });
    assert_eq!((&shown["progress"], &shown["usage"]), (&progress, &usage));
    let listed = read(&app.prepare("GET /v1/events?status=processing", "").await);
    assert_eq!(listed["items"][0]["progress"], progress);
    let history = read(&app.prepare(&format!("GET /v1/events/{event}/history"), "").await);
    let attempt = &history["attempts"][0];
    assert_eq!((&attempt["progress"], &attempt["usage"], &history["usage"]), (&progress, &usage, &usage));
    assert_eq!(attempt["log_url"], "https://logs.example/1");
    let failure = json!({
        "lock_token": token, "error": { "message": "no" }, "retry_after_seconds": 0,
        "usage": { "cpu_seconds": 2, "gpu_seconds": 0.25 },
    });
    app.prepare(&format!("POST /v1/events/{event}/fail"), &failure.to_string()).await;
    let again = read(&app.prepare("POST /v1/engines/e/claim", r#"{"epoch":1}"#).await);
    let previous = json!({ "checkpoint": { "frame": 7 }, "error": { "message": "no" }, "engine_id": "e" });
    assert_eq!(again["events"][0]["previous"], previous);
    let token = again["events"][0]["lock"]["token"].clone();
    let complete = json!({ "lock_token": token, "usage": { "cpu_seconds": 1 } });
    app.prepare(&format!("POST /v1/events/{event}/complete"), &complete.to_string()).await;
    let shown = read(&app.prepare(&format!("GET /v1/events/{event}"), "").await);
    assert_eq!(shown["usage"], json!({ "cpu_seconds": 3.0, "max_memory_mb": 64.5, "gpu_seconds": 0.25 }));
    assert_eq!(shown["progress"], Value::Null, "nothing is under way");
    app.close().await;
}

#[tokio::test]
async fn a_report_over_its_limit_is_refused_for_its_lock_alone() {
    let mut app = TestApp::new();
    let locks = claimed(&mut app, 4).await;
    let tokens: Vec<_> = locks.iter().map(|(_, token)| token.clone()).collect();
    let checkpoint = |bytes: usize| json!("x".repeat(bytes - 2));
    let reports = json!([
        { "lock_token": tokens[0], "checkpoint": checkpoint(16 * 1024 + 1), "usage": { "cpu_seconds": 7 } },
        { "lock_token": tokens[1], "checkpoint": checkpoint(16 * 1024), "usage": { "cpu_seconds": 7 } },
        { "lock_token": tokens[2], "log": ["x".repeat(65_535), ""] },
        { "lock_token": tokens[3], "log": ["x".repeat(65_535)] },
        { "lock_token": "nonsense", "usage": { "cpu_seconds": -1 } },
        { "lock_token": tokens[0], "log_url": "javascript:alert(1)", "progress": { "percent": 101 } },
    ]);
    let heartbeat = json!({ "epoch": 1, "lock_tokens": tokens, "reports": reports });
    let answer = read(&app.prepare("POST /v1/engines/e/heartbeat", &heartbeat.to_string()).await);
    assert_eq!(answer["renewed"].as_array().unwrap().len(), 4, "all are renewed: {answer}");
    let pointers: Vec<_> = answer["errors"].as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect();
    assert_eq!(
        pointers,
        [
            "/reports/0/checkpoint",
            "/reports/2/log",
            "/reports/4/lock_token",
            "/reports/4/usage/cpu_seconds",
            "/reports/5/progress/percent",
            "/reports/5/log_url"
        ]
    );
    let mut usage = Vec::new();
    for (event, _) in &locks[..2] {
        usage.push(read(&app.prepare(&format!("GET /v1/events/{event}"), "").await)["usage"]["cpu_seconds"].clone());
    }
    assert_eq!(usage, [Value::Null, json!(7.0)], "a report counts as a whole");
    // In a batch of settlements as well, and in a settle by itself.
    let settlement = |at: usize, bytes: usize| {
        let (event, token) = &locks[at];
        json!({ "event_id": event, "lock_token": token, "outcome": "complete", "checkpoint": checkpoint(bytes) })
    };
    let batch = json!({ "settlements": [settlement(0, 16 * 1024 + 1), settlement(1, 16 * 1024)] });
    let answer = read(&app.prepare("POST /v1/events/settle", &batch.to_string()).await);
    assert_eq!(answer["results"][0]["error"]["errors"][0]["pointer"], "/settlements/0/checkpoint");
    assert_eq!(answer["results"][1]["status"], "completed");
    let (event, token) = &locks[2];
    let complete = json!({ "lock_token": token, "log": ["x".repeat(65_536)] }).to_string();
    let refused = app.call(&format!("POST /v1/events/{event}/complete"), &complete).await;
    assert_eq!((refused.status, &*field(&refused, "/errors/0/pointer")), (413, "/log"));
    app.close().await;
}
