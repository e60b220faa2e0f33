use crate::app::{TestApp, field};

#[tokio::test]
async fn event_types_and_queues_have_settings() {
    let mut app = TestApp::new();
    let settings = r#"{"retry_policy":{"max_retries":5,"retry_delay":{"initial":1}},"visibility_timeout_seconds":60}"#;
    app.call("PUT /v1/event-types/a", settings).await;
    app.call("PUT /v1/queues/default", r#"{"max_processing_seconds":600}"#).await;
    app.call("POST /v1/event-types/a/pause", "").await;
    app.call("POST /v1/queues/default/pause", r#"{"reason":"the disk is full"}"#).await;
    app.call("POST /v1/queues/default/pause", r#"{"reason":"","why":1}"#).await;
    app.call("GET /v1/event-types/a", "").await;
    app.call("GET /v1/event-types", "").await;
    app.call("GET /v1/queues", "").await;
    app.call("GET /v1/queues/default", "").await;
    app.call("POST /v1/event-types/a/resume", "").await;
    app.call("POST /v1/queues/default/resume", "").await;
    app.call("DELETE /v1/event-types/a", "").await;
    app.call("DELETE /v1/queues/default", "").await;
    app.call("GET /v1/event-types/a", "").await;
    app.call(
        "PUT /v1/queues/default",
        r#"{"retry_policy":{"max_retries":-1,"retry_delay":{"jitter":2}},"pause":true}"#,
    )
    .await;
    insta::assert_snapshot!(app.close().await, @r#"
    > PUT /v1/event-types/a {"retry_policy":{"max_retries":5,"retry_delay":{"initial":1}},"visibility_timeout_seconds":60}
    200 {"event_type":"a","retry_policy":{"max_retries":5,"retry_delay":{"initial":1.0}},"visibility_timeout_seconds":60,"paused":false}
    > PUT /v1/queues/default {"max_processing_seconds":600}
    200 {"queue":"default","max_processing_seconds":600,"paused":false}
    > POST /v1/event-types/a/pause
    200 {"event_type":"a","retry_policy":{"max_retries":5,"retry_delay":{"initial":1.0}},"visibility_timeout_seconds":60,"paused":true,"paused_at":"2026-01-01T00:00:00.000Z"}
    > POST /v1/queues/default/pause {"reason":"the disk is full"}
    200 {"queue":"default","max_processing_seconds":600,"paused":true,"paused_at":"2026-01-01T00:00:00.000Z","pause_reason":"the disk is full"}
    > POST /v1/queues/default/pause {"reason":"","why":1}
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/why: unknown, must be reason; /reason: must be a string of 1 to 256 characters, none of them a control character, was \"\"","code":"invalid_request","errors":[{"pointer":"/why","detail":"unknown, must be reason"},{"pointer":"/reason","detail":"must be a string of 1 to 256 characters, none of them a control character, was \"\""}],"request_id":"test"}
    > GET /v1/event-types/a
    200 {"event_type":"a","retry_policy":{"max_retries":5,"retry_delay":{"initial":1.0}},"visibility_timeout_seconds":60,"paused":true,"paused_at":"2026-01-01T00:00:00.000Z"}
    > GET /v1/event-types
    200 {"items":[{"event_type":"a","retry_policy":{"max_retries":5,"retry_delay":{"initial":1.0}},"visibility_timeout_seconds":60,"paused":true,"paused_at":"2026-01-01T00:00:00.000Z"}],"next_cursor":null}
    > GET /v1/queues
    200 {"items":[{"queue":"default","max_processing_seconds":600,"paused":true,"paused_at":"2026-01-01T00:00:00.000Z","pause_reason":"the disk is full"}],"next_cursor":null}
    > GET /v1/queues/default
    200 {"queue":"default","max_processing_seconds":600,"paused":true,"paused_at":"2026-01-01T00:00:00.000Z","pause_reason":"the disk is full"}
    > POST /v1/event-types/a/resume
    200 {"event_type":"a","retry_policy":{"max_retries":5,"retry_delay":{"initial":1.0}},"visibility_timeout_seconds":60,"paused":false}
    > POST /v1/queues/default/resume
    200 {"queue":"default","max_processing_seconds":600,"paused":false}
    > DELETE /v1/event-types/a
    204 
    > DELETE /v1/queues/default
    204 
    > GET /v1/event-types/a
    404 {"type":"/problems/not_found","title":"Not found","status":404,"detail":"there is no event type a","code":"not_found","request_id":"test"}
    > PUT /v1/queues/default {"retry_policy":{"max_retries":-1,"retry_delay":{"jitter":2}},"pause":true}
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/pause: unknown, did you mean paused? It must be retry_policy, visibility_timeout_seconds, max_processing_seconds, hold_back_after_seconds, priority_aging_seconds, when_blocked, progress_timeout_seconds, quarantine or paused; /retry_policy/max_retries: must be a whole number between 0 and 1000, was -1; /retry_policy/retry_delay/jitter: must be a number between 0 and 1, was 2","code":"invalid_request","errors":[{"pointer":"/pause","detail":"unknown, did you mean paused? It must be retry_policy, visibility_timeout_seconds, max_processing_seconds, hold_back_after_seconds, priority_aging_seconds, when_blocked, progress_timeout_seconds, quarantine or paused"},{"pointer":"/retry_policy/max_retries","detail":"must be a whole number between 0 and 1000, was -1"},{"pointer":"/retry_policy/retry_delay/jitter","detail":"must be a number between 0 and 1, was 2"}],"request_id":"test"}
    "#);
}

#[tokio::test]
async fn an_event_type_is_shown_with_how_long_its_events_waited_and_took() {
    let mut app = TestApp::new();
    app.prepare(
        "PUT /v1/engines/e",
        r#"{"engine_type":"t","heartbeat_interval_seconds":60,"metadata":{"static_config":{"engine_software_version":"1.4.0"}}}"#,
    )
    .await;
    app.prepare("POST /v1/events", r#"{"event_type":"a"}"#).await;
    app.call("GET /v1/event-types/a", "").await;
    app.pass(2).await;
    let claimed = app.prepare("POST /v1/engines/e/claim", r#"{"epoch":1}"#).await;
    app.pass(30).await;
    let (event_id, token) = (field(&claimed, "/events/0/event_id"), field(&claimed, "/events/0/lock/token"));
    app.prepare(&format!("POST /v1/events/{event_id}/complete"), &format!(r#"{{"lock_token":"{token}"}}"#)).await;
    app.call("GET /v1/event-types/a", "").await;
    app.call("GET /v1/event-types", "").await;
    insta::assert_snapshot!(app.close().await, @r#"
    > GET /v1/event-types/a
    200 {"event_type":"a","paused":false}
    (2 s later)
    (30 s later)
    > GET /v1/event-types/a
    200 {"event_type":"a","paused":false,"durations":{"waiting":{"count":1,"mean_seconds":2.0,"p50_seconds":2.015,"p95_seconds":2.015,"p99_seconds":2.015},"processing":{"count":1,"mean_seconds":30.0,"p50_seconds":30.207,"p95_seconds":30.207,"p99_seconds":30.207},"by_version":[{"engine_version":"1.4.0","waiting":{"count":1,"mean_seconds":2.0,"p50_seconds":2.015,"p95_seconds":2.015,"p99_seconds":2.015},"processing":{"count":1,"mean_seconds":30.0,"p50_seconds":30.207,"p95_seconds":30.207,"p99_seconds":30.207}}]}}
    > GET /v1/event-types
    200 {"items":[{"event_type":"a","paused":false}],"next_cursor":null}
    "#);
}

#[tokio::test]
async fn a_scenario_run_is_paused_and_goes_on() {
    let mut app = TestApp::new();
    let engine = r#"{"engine_type":"sim","metadata":{"static_config":{}}}"#;
    app.call("PUT /v1/engines/e", engine).await;
    app.call("POST /v1/events", r#"{"event_type":"a","scenario_run_id":"night"}"#).await;
    let paused = app.call("POST /v1/scenario-runs/night/pause", r#"{"reason":"the disk is full"}"#).await;
    assert_eq!(field(&paused, "/pause_reason"), "the disk is full");
    let claimed = app.call("POST /v1/engines/e/claim", r#"{"epoch":1}"#).await;
    assert!(claimed.body.contains("\"events\":[]"), "{}", claimed.body);
    for line in ["GET /v1/scenario-runs/night", "GET /v1/scenario-runs"] {
        let shown = app.call(line, "").await;
        assert!(shown.body.contains("\"paused_at\":\"2026-01-01T00:00:00.000Z\""), "{}", shown.body);
    }
    let lanes = app.call("GET /v1/stats/lanes", "").await;
    assert!(lanes.body.contains("\"scenario_run_id\":\"night\",\"paused\":true"), "{}", lanes.body);
    let resumed = app.call("POST /v1/scenario-runs/night/resume", "").await;
    assert!(resumed.status == 200 && !resumed.body.contains("paused_at"), "{}", resumed.body);
    let claimed = app.call("POST /v1/engines/e/claim", r#"{"epoch":1}"#).await;
    assert_eq!(field(&claimed, "/events/0/scenario_run_id"), "night");
    for line in ["POST /v1/scenario-runs/day/pause", "POST /v1/scenario-runs/day/resume"] {
        assert_eq!(app.call(line, "").await.status, 404, "{line}: nothing is of that run");
    }
    app.close().await;
}
