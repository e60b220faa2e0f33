//! Why events wait, as it is answered.

use crate::app::{TestApp, field};

const SIM: &str = r#"{"engine_type":"t","heartbeat_interval_seconds":0,"metadata":{"static_config":{"capabilities":["gpu"],"resource_limits":{"max_concurrent_events":1}}}}"#;

#[tokio::test]
async fn an_event_is_explained_with_the_change_that_would_let_it_run() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/sim-1", SIM).await;
    let draft = r#"{"event_type":"frame.render","required_capabilities":["gpuu"]}"#;
    let event = field(&app.prepare("POST /v1/events", draft).await, "/event_id");
    let why = app.call(&format!("GET /v1/events/{event}/explain?engine_id=sim-1"), "").await;
    assert_eq!(field(&why, "/verdict"), "impossible");
    assert_eq!(
        field(&why, "/summary"),
        "no registered engine could ever run it: sim-1 would fit but for the capability gpuu (no engine has gpuu; did you mean gpu?)"
    );
    assert_eq!(field(&why, "/smallest_change/0/action"), "add_capabilities");
    assert_eq!(field(&why, "/smallest_change/0/capabilities/0"), "gpuu");
    assert_eq!(field(&why, "/asked_engine/fails/0/gate"), "capabilities");
    assert_eq!(field(&why, "/gates/4/state"), "closed");
    assert_eq!(field(&why, "/gates/4/holder"), "sim-1");
    // One that is busy, and since when.
    let busy = field(&app.prepare("POST /v1/events", r#"{"event_type":"busy"}"#).await, "/event_id");
    let other = field(&app.prepare("POST /v1/events", r#"{"event_type":"busy"}"#).await, "/event_id");
    app.prepare("POST /v1/engines/sim-1/claim", r#"{"epoch":1,"limit":1}"#).await;
    assert_eq!(field(&app.call(&format!("GET /v1/events/{busy}/explain"), "").await, "/verdict"), "running");
    let why = app.call(&format!("GET /v1/events/{other}/explain"), "").await;
    assert_eq!(field(&why, "/verdict"), "waiting");
    assert_eq!(field(&why, "/engines/nearest/0/holds/0/event_id"), busy);
    assert_eq!(field(&why, "/smallest_change/0/action"), "raise_max_concurrent_events");
    // What the engine itself is told.
    let why = app.call("GET /v1/engines/sim-1/explain", "").await;
    assert_eq!(
        field(&why, "/summary"),
        "it can claim nothing of what waits; it is kept from 1 event: the engine lacks gpuu; to raise max_concurrent_events of sim-1 to 2 would open 1 event"
    );
    assert_eq!(field(&why, "/holds/0/event_id"), busy);
    assert_eq!(field(&why, "/last_claim_at"), "2026-01-01T00:00:00.000Z");
    app.close().await;
}

#[tokio::test]
async fn what_waits_is_listed_and_bad_questions_are_refused() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/sim-1", SIM).await;
    for draft in [r#"{"event_type":"a"}"#, r#"{"event_type":"b","required_memory_mb":5}"#, r#"{"event_type":"c"}"#] {
        app.prepare("POST /v1/events", draft).await;
    }
    app.prepare("POST /v1/event-types/a/pause", r#"{"reason":"the disk is full"}"#).await;
    let page = app.call("GET /v1/blocked?limit=2", "").await;
    assert_eq!(
        (field(&page, "/items/0/event_type"), field(&page, "/items/0/verdict")),
        ("b".into(), "impossible".into())
    );
    assert_eq!((field(&page, "/items/1/event_type"), field(&page, "/items/1/verdict")), ("a".into(), "blocked".into()));
    let cursor = field(&page, "/next_cursor");
    let page = app.call(&format!("GET /v1/blocked?limit=2&cursor={cursor}"), "").await;
    assert_eq!(
        (field(&page, "/items/0/event_type"), field(&page, "/items/0/verdict")),
        ("c".into(), "runnable".into())
    );
    assert!(page.body.contains(r#""next_cursor":null"#));
    let page = app.call("GET /v1/blocked?verdict=blocked&queue=default", "").await;
    assert_eq!(
        field(&page, "/items/0/summary"),
        "event type a is paused since 2026-01-01T00:00:00.000Z: the disk is full"
    );
    let none = "00000000-0000-7000-8000-000000000000";
    for (line, status, code) in [
        (format!("GET /v1/events/{none}/explain"), 404, "not_found"),
        ("GET /v1/events/x/explain".to_owned(), 422, "invalid_request"),
        ("GET /v1/engines/nobody/explain".to_owned(), 404, "engine_not_registered"),
        (format!("GET /v1/events/{none}/explain?engine=x"), 422, "invalid_request"),
        ("GET /v1/blocked?verdict=running".to_owned(), 422, "invalid_request"),
        ("GET /v1/blocked?verdict=sad".to_owned(), 422, "invalid_request"),
        ("GET /v1/blocked?cursor=bGFuZXMvMQ".to_owned(), 422, "invalid_request"),
        ("GET /v1/blocked?limit=0".to_owned(), 422, "invalid_request"),
    ] {
        let answer = app.call(&line, "").await;
        assert_eq!((answer.status, field(&answer, "/code").as_str()), (status, code), "{line}: {}", answer.body);
    }
    // An engine that is not there cannot be asked about.
    let event = field(&app.prepare("POST /v1/events", r#"{"event_type":"c"}"#).await, "/event_id");
    let answer = app.call(&format!("GET /v1/events/{event}/explain?engine_id=nobody"), "").await;
    assert_eq!((answer.status, field(&answer, "/code").as_str()), (404, "engine_not_registered"));
    app.close().await;
}
