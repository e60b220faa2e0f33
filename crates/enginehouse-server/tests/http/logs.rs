//! The logs of attempts, and callers that follow them.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::app::{TestApp, field, request};

async fn claim(app: &mut TestApp) -> String {
    field(&app.prepare("POST /v1/engines/e/claim", r#"{"epoch":1}"#).await, "/events/0/lock/token")
}

async fn log(app: &mut TestApp, token: &str, lines: &[&str]) {
    let reports = json!([{ "lock_token": token, "log": lines }]);
    app.prepare("POST /v1/engines/e/heartbeat", &json!({ "epoch": 1, "reports": reports }).to_string()).await;
}

async fn event(app: &mut TestApp) -> String {
    app.prepare("PUT /v1/engines/e", r#"{"engine_type":"t","heartbeat_interval_seconds":0}"#).await;
    field(&app.prepare("POST /v1/events", r#"{"event_type":"a"}"#).await, "/event_id")
}

/// A stream of server-sent events.
struct Stream(Body);

impl Stream {
    async fn open(app: &TestApp, path: &str) -> Self {
        let answer = app.router().oneshot(request(&format!("GET {path}"), "", "")).await.unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self(answer.into_body())
    }

    /// The next event: its name and its data. Comments are passed over; none at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            let frame = tokio::time::timeout(Duration::from_secs(20), self.0.frame()).await.expect("in time")?;
            let text = String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap();
            if let Some((name, data)) = text.strip_prefix("event: ").and_then(|rest| rest.split_once("\ndata: ")) {
                return Some((name.to_owned(), serde_json::from_str(data).unwrap()));
            }
            assert!(text.starts_with(':'), "{text}");
        }
    }
}

#[tokio::test]
async fn the_logs_of_attempts_are_shown_by_number() {
    let mut app = TestApp::new();
    let event = event(&mut app).await;
    let path = format!("GET /v1/events/{event}/log");
    app.call(&format!("GET /v1/events/{event}/log"), "").await;
    let token = claim(&mut app).await;
    log(&mut app, &token, &["one", "two"]).await;
    let failure = json!({ "lock_token": token, "error": { "message": "no" }, "retry_after_seconds": 0 });
    app.prepare(&format!("POST /v1/events/{event}/fail"), &failure.to_string()).await;
    let token = claim(&mut app).await;
    log(&mut app, &token, &["three"]).await;
    app.call(&path, "").await;
    app.call(&format!("{path}?attempt=1"), "").await;
    app.call(&format!("{path}?attempt=3"), "").await;
    app.call(&format!("{path}?attempt=0&follow=perhaps"), "").await;
    app.call("GET /v1/events/0193f2a0-0000-7000-8000-000000000000/log", "").await;
    insta::assert_snapshot!(app.close().await, @r#"> GET /v1/events/019b76da-a800-7000-8000-02460f8bbccd/log
200 {"event_id":"019b76da-a800-7000-8000-02460f8bbccd","logs":[]}
> GET /v1/events/019b76da-a800-7000-8000-02460f8bbccd/log
200 {"event_id":"019b76da-a800-7000-8000-02460f8bbccd","logs":[{"attempt":1,"engine_id":"e","outcome":"failed","total_bytes":8,"text":"one\ntwo\n"},{"attempt":2,"engine_id":"e","outcome":null,"total_bytes":6,"text":"three\n"}]}
> GET /v1/events/019b76da-a800-7000-8000-02460f8bbccd/log?attempt=1
200 {"event_id":"019b76da-a800-7000-8000-02460f8bbccd","logs":[{"attempt":1,"engine_id":"e","outcome":"failed","total_bytes":8,"text":"one\ntwo\n"}]}
> GET /v1/events/019b76da-a800-7000-8000-02460f8bbccd/log?attempt=3
404 {"type":"/problems/not_found","title":"Not found","status":404,"detail":"there is no attempt 3 of event 019b76da-a800-7000-8000-02460f8bbccd","code":"not_found","request_id":"test"}
> GET /v1/events/019b76da-a800-7000-8000-02460f8bbccd/log?attempt=0&follow=perhaps
422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/attempt: must be a whole number between 1 and 4294967295, was \"0\"; /follow: must be true or false, was \"perhaps\"","code":"invalid_request","errors":[{"pointer":"/attempt","detail":"must be a whole number between 1 and 4294967295, was \"0\""},{"pointer":"/follow","detail":"must be true or false, was \"perhaps\""}],"request_id":"test"}
> GET /v1/events/0193f2a0-0000-7000-8000-000000000000/log
404 {"type":"/problems/not_found","title":"Not found","status":404,"detail":"event 0193f2a0-0000-7000-8000-000000000000 is not known: by its id it is of 2024-12-23T08:26:32.320Z; if it was there, its retention is over: completed events are kept for 7 d, failed and cancelled ones for 30 d","code":"not_found","event_id":"0193f2a0-0000-7000-8000-000000000000","request_id":"test"}"#);
}

#[tokio::test]
async fn a_log_is_followed_until_its_attempt_ends() {
    let mut app = TestApp::new();
    let event = event(&mut app).await;
    let token = claim(&mut app).await;
    log(&mut app, &token, &["one"]).await;
    let mut stream = Stream::open(&app, &format!("/v1/events/{event}/log?follow=true")).await;
    let part = |text: &str, outcome: Value| json!({ "attempt": 1, "text": text, "outcome": outcome });
    assert_eq!(stream.next().await, Some(("log".to_owned(), part("one\n", Value::Null))));
    log(&mut app, &token, &["two", "three"]).await;
    assert_eq!(stream.next().await, Some(("log".to_owned(), part("two\nthree\n", Value::Null))));
    // What comes with the end is shown before it.
    let complete = json!({ "lock_token": token, "log": ["done"] });
    app.prepare(&format!("POST /v1/events/{event}/complete"), &complete.to_string()).await;
    assert_eq!(stream.next().await, Some(("log".to_owned(), part("done\n", Value::Null))));
    assert_eq!(stream.next().await, Some(("end".to_owned(), part("", json!("completed")))));
    assert_eq!(stream.next().await, None);
    // Of what is over, there is what was kept.
    let mut late = Stream::open(&app, &format!("/v1/events/{event}/log?follow=true&attempt=1")).await;
    assert_eq!(late.next().await.unwrap().1["text"], "one\ntwo\nthree\ndone\n");
    assert_eq!(late.next().await.unwrap().0, "end");
    app.close().await;
}

#[tokio::test]
async fn callers_that_follow_are_bounded_and_those_that_go_make_room() {
    let mut app = TestApp::new();
    let event = event(&mut app).await;
    claim(&mut app).await;
    let path = format!("/v1/events/{event}/log?follow=true");
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(Stream::open(&app, &path).await);
    }
    let refused = app.send(request(&format!("GET {path}"), "", "")).await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    streams.pop();
    Stream::open(&app, &path).await;
    app.close().await;
}
