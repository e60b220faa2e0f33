use axum::body::Body;
use enginehouse_server::http::Limits;
use http::Request;

use crate::app::{TestApp, field, request};

#[tokio::test]
async fn bad_input_is_refused_with_every_bad_field_named() {
    let mut app = TestApp::new();
    app.call("POST /v1/events", r#"{"event_type":"#).await;
    app.call("POST /v1/events", "{}").await;
    app.call("POST /v1/events", r#"{"event_type":5,"priority":"high","prio":1,"payload":{}}"#).await;
    app.call("POST /v1/events", r#"{"event_type":"a b","priority":12,"delay_seconds":-1,"queue":"\u0000"}"#).await;
    app.call("POST /v1/events", r#"{"event_type":"a","event_type":"b"}"#).await;
    app.call("POST /v1/events", r#"{"event_type":"a","payload":{"k":1,"k":2}}"#).await;
    app.call("POST /v1/events", r#"{"event_type":"a","payload":1e999}"#).await;
    let deep = format!(r#"{{"event_type":"a","payload":{}{}}}"#, "[".repeat(65), "]".repeat(65));
    app.call("POST /v1/events", &deep).await;
    app.call(
        "POST /v1/events/batch",
        r#"{"events":[{"event_type":"a"},{"event_type":"b","priority":-1},{"event_type":""}]}"#,
    )
    .await;
    app.call("GET /v1/events?limit=0&status=done", "").await;
    app.call("GET /v1/events?stat=queued", "").await;
    app.call("GET /v1/events?cursor=nonsense%21", "").await;
    app.call("GET /v1/events/not-an-id", "").await;
    app.call("POST /v1/events/0193f2a0-0000-7000-8000-000000000000/complete", r#"{"lock_token":"mine"}"#).await;
    app.call("PUT /v1/engines/..%2f", r#"{"engine_type":"t"}"#).await;
    app.call("GET /v1/stats", "").await;
    insta::assert_snapshot!(app.close().await, @r#"
    > POST /v1/events {"event_type":
    400 {"type":"/problems/invalid_request","title":"Invalid request","status":400,"detail":"not valid JSON: the text ends too early, at line 1, column 15","code":"invalid_request","errors":[{"pointer":"","detail":"not valid JSON: the text ends too early, at line 1, column 15"}],"request_id":"test"}
    > POST /v1/events {}
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/event_type: required, but missing","code":"invalid_request","errors":[{"pointer":"/event_type","detail":"required, but missing"}],"request_id":"test"}
    > POST /v1/events {"event_type":5,"priority":"high","prio":1,"payload":{}}
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/prio: unknown, did you mean priority? It must be event_type, payload, queue, priority, run_at, delay_seconds, required_capabilities, required_memory_mb, engine_version, scenario_run_id, idempotency_key, idempotency_window_seconds, retry_policy, visibility_timeout_seconds, max_processing_seconds, progress_timeout_seconds, expires_after_seconds, labels or traceparent; /event_type: must be a name: 1 to 200 characters of A-Z, a-z, 0-9, '.', '_', ':' and '-', beginning with a letter or digit, was 5; /priority: must be a whole number between 0 and 9, was \"high\"","code":"invalid_request","errors":[{"pointer":"/prio","detail":"unknown, did you mean priority? It must be event_type, payload, queue, priority, run_at, delay_seconds, required_capabilities, required_memory_mb, engine_version, scenario_run_id, idempotency_key, idempotency_window_seconds, retry_policy, visibility_timeout_seconds, max_processing_seconds, progress_timeout_seconds, expires_after_seconds, labels or traceparent"},{"pointer":"/event_type","detail":"must be a name: 1 to 200 characters of A-Z, a-z, 0-9, '.', '_', ':' and '-', beginning with a letter or digit, was 5"},{"pointer":"/priority","detail":"must be a whole number between 0 and 9, was \"high\""}],"request_id":"test"}
    > POST /v1/events {"event_type":"a b","priority":12,"delay_seconds":-1,"queue":"\u0000"}
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/event_type: must be a name: 1 to 200 characters of A-Z, a-z, 0-9, '.', '_', ':' and '-', beginning with a letter or digit, was \"a b\"; /queue: must be a name: 1 to 200 characters of A-Z, a-z, 0-9, '.', '_', ':' and '-', beginning with a letter or digit, was \"\\u0000\"; /priority: must be a whole number between 0 and 9, was 12; /delay_seconds: must be a number between 0 and 31622400, was -1","code":"invalid_request","errors":[{"pointer":"/event_type","detail":"must be a name: 1 to 200 characters of A-Z, a-z, 0-9, '.', '_', ':' and '-', beginning with a letter or digit, was \"a b\""},{"pointer":"/queue","detail":"must be a name: 1 to 200 characters of A-Z, a-z, 0-9, '.', '_', ':' and '-', beginning with a letter or digit, was \"\\u0000\""},{"pointer":"/priority","detail":"must be a whole number between 0 and 9, was 12"},{"pointer":"/delay_seconds","detail":"must be a number between 0 and 31622400, was -1"}],"request_id":"test"}
    > POST /v1/events {"event_type":"a","event_type":"b"}
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/event_type: given twice","code":"invalid_request","errors":[{"pointer":"/event_type","detail":"given twice"}],"request_id":"test"}
    > POST /v1/events {"event_type":"a","payload":{"k":1,"k":2}}
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/payload: the key \"k\" is given twice","code":"invalid_request","errors":[{"pointer":"/payload","detail":"the key \"k\" is given twice"}],"request_id":"test"}
    > POST /v1/events {"event_type":"a","payload":1e999}
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/payload: number out of range","code":"invalid_request","errors":[{"pointer":"/payload","detail":"number out of range"}],"request_id":"test"}
    > POST /v1/events {"event_type":"a","payload":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/payload: nested deeper than 64","code":"invalid_request","errors":[{"pointer":"/payload","detail":"nested deeper than 64"}],"request_id":"test"}
    > POST /v1/events/batch {"events":[{"event_type":"a"},{"event_type":"b","priority":-1},{"event_type":""}]}
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/events/1/priority: must be a whole number between 0 and 9, was -1; /events/2/event_type: must be a name: 1 to 200 characters of A-Z, a-z, 0-9, '.', '_', ':' and '-', beginning with a letter or digit, was \"\"","code":"invalid_request","errors":[{"pointer":"/events/1/priority","detail":"must be a whole number between 0 and 9, was -1"},{"pointer":"/events/2/event_type","detail":"must be a name: 1 to 200 characters of A-Z, a-z, 0-9, '.', '_', ':' and '-', beginning with a letter or digit, was \"\""}],"request_id":"test"}
    > GET /v1/events?limit=0&status=done
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/status: must be queued, processing, completed, failed or cancelled, was \"done\"; /limit: must be a whole number between 1 and 1000, was \"0\"","code":"invalid_request","errors":[{"pointer":"/status","detail":"must be queued, processing, completed, failed or cancelled, was \"done\""},{"pointer":"/limit","detail":"must be a whole number between 1 and 1000, was \"0\""}],"request_id":"test"}
    > GET /v1/events?stat=queued
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/stat: unknown, did you mean status? It must be status, event_type, queue, scenario_run_id, engine_id, priority, label, idempotency_key, available_after, enqueued_after, enqueued_before, filter, limit or cursor","code":"invalid_request","errors":[{"pointer":"/stat","detail":"unknown, did you mean status? It must be status, event_type, queue, scenario_run_id, engine_id, priority, label, idempotency_key, available_after, enqueued_after, enqueued_before, filter, limit or cursor"}],"request_id":"test"}
    > GET /v1/events?cursor=nonsense%21
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/cursor: must be a cursor: send next_cursor as it came, was \"nonsense!\"","code":"invalid_request","errors":[{"pointer":"/cursor","detail":"must be a cursor: send next_cursor as it came, was \"nonsense!\""}],"request_id":"test"}
    > GET /v1/events/not-an-id
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/event_id: must be the id of an event: a UUID such as 0193f2a0-0000-7000-8000-000000000000, was \"not-an-id\"","code":"invalid_request","errors":[{"pointer":"/event_id","detail":"must be the id of an event: a UUID such as 0193f2a0-0000-7000-8000-000000000000, was \"not-an-id\""}],"request_id":"test"}
    > POST /v1/events/0193f2a0-0000-7000-8000-000000000000/complete {"lock_token":"mine"}
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/lock_token: must be a lock token: send the token of the claim's answer as it is","code":"invalid_request","errors":[{"pointer":"/lock_token","detail":"must be a lock token: send the token of the claim's answer as it is"}],"request_id":"test"}
    > PUT /v1/engines/..%2f {"engine_type":"t"}
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/engine_id: must be a name: 1 to 200 characters of A-Z, a-z, 0-9, '.', '_', ':' and '-', beginning with a letter or digit, was \"../\"","code":"invalid_request","errors":[{"pointer":"/engine_id","detail":"must be a name: 1 to 200 characters of A-Z, a-z, 0-9, '.', '_', ':' and '-', beginning with a letter or digit, was \"../\""}],"request_id":"test"}
    > GET /v1/stats
    200 {"now":"...","pruning_held_until":null,"events":{"queued":0,"processing":0,"completed":0,"failed":0,"cancelled":0},"event_types":[],"event_types_left_out":0,"lanes":0,"engines":{"active":0,"draining":0,"lost":0,"stopped":0},"dead_letters":0,"waiting_claims":0}
    "#);
}

#[tokio::test]
async fn what_is_not_there_or_not_as_it_should_be_is_said() {
    let mut app = TestApp::new();
    app.call("GET /v1/events/0193f2a0-0000-7000-8000-000000000000", "").await;
    app.call("GET /v1/events/0193f2a0-0000-7000-8000-000000000000/history", "").await;
    app.call("POST /v1/events/0193f2a0-0000-7000-8000-000000000000/cancel", "").await;
    app.call("GET /v1/engines/nobody", "").await;
    app.call("POST /v1/engines/nobody/claim", r#"{"epoch":1}"#).await;
    app.call("GET /v1/dead-letters/0193f2a0-0000-7000-8000-000000000000", "").await;
    app.call("GET /v1/scenario-runs/none", "").await;
    app.call("GET /nowhere", "").await;
    app.call("PATCH /v1/events", "").await;
    insta::assert_snapshot!(app.close().await, @r#"
    > GET /v1/events/0193f2a0-0000-7000-8000-000000000000
    404 {"type":"/problems/not_found","title":"Not found","status":404,"detail":"event 0193f2a0-0000-7000-8000-000000000000 is not known: by its id it is of 2024-12-23T08:26:32.320Z; if it was there, its retention is over: completed events are kept for 7 d, failed and cancelled ones for 30 d","code":"not_found","event_id":"0193f2a0-0000-7000-8000-000000000000","request_id":"test"}
    > GET /v1/events/0193f2a0-0000-7000-8000-000000000000/history
    404 {"type":"/problems/not_found","title":"Not found","status":404,"detail":"event 0193f2a0-0000-7000-8000-000000000000 is not known: by its id it is of 2024-12-23T08:26:32.320Z; if it was there, its retention is over: completed events are kept for 7 d, failed and cancelled ones for 30 d","code":"not_found","event_id":"0193f2a0-0000-7000-8000-000000000000","request_id":"test"}
    > POST /v1/events/0193f2a0-0000-7000-8000-000000000000/cancel
    404 {"type":"/problems/not_found","title":"Not found","status":404,"detail":"event 0193f2a0-0000-7000-8000-000000000000 is not known: by its id it is of 2024-12-23T08:26:32.320Z; if it was there, its retention is over: completed events are kept for 7 d, failed and cancelled ones for 30 d","code":"not_found","event_id":"0193f2a0-0000-7000-8000-000000000000","request_id":"test"}
    > GET /v1/engines/nobody
    404 {"type":"/problems/not_found","title":"Not found","status":404,"detail":"there is no engine nobody","code":"not_found","request_id":"test"}
    > POST /v1/engines/nobody/claim {"epoch":1}
    404 {"type":"/problems/engine_not_registered","title":"Engine not registered","status":404,"detail":"no engine nobody is registered","code":"engine_not_registered","request_id":"test"}
    > GET /v1/dead-letters/0193f2a0-0000-7000-8000-000000000000
    404 {"type":"/problems/not_found","title":"Not found","status":404,"detail":"event 0193f2a0-0000-7000-8000-000000000000 is not known: by its id it is of 2024-12-23T08:26:32.320Z; if it was there, its retention is over: completed events are kept for 7 d, failed and cancelled ones for 30 d","code":"not_found","event_id":"0193f2a0-0000-7000-8000-000000000000","request_id":"test"}
    > GET /v1/scenario-runs/none
    404 {"type":"/problems/not_found","title":"Not found","status":404,"detail":"there is no scenario run none","code":"not_found","request_id":"test"}
    > GET /nowhere
    404 {"type":"/problems/not_found","title":"Not found","status":404,"detail":"no call has the path /nowhere","code":"not_found","request_id":"test"}
    > PATCH /v1/events
    405 {"type":"/problems/method_not_allowed","title":"Method not allowed","status":405,"detail":"/v1/events has no method PATCH","code":"method_not_allowed","request_id":"test"}
    "#);
}

/// An event that was there once is told from one that may never have been, by every call on one event.
#[tokio::test]
async fn what_retention_has_taken_is_told_from_what_it_cannot_have_taken() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/e", r#"{"engine_type":"t","heartbeat_interval_seconds":0}"#).await;
    let completed = field(&app.prepare("POST /v1/events", r#"{"event_type":"a"}"#).await, "/event_id");
    let claimed = app.prepare("POST /v1/engines/e/claim", r#"{"epoch":1}"#).await;
    let complete = format!(r#"{{"lock_token":"{}"}}"#, field(&claimed, "/events/0/lock/token"));
    app.prepare(&format!("POST /v1/events/{completed}/complete"), &complete).await;
    let cancelled = field(&app.prepare("POST /v1/events", r#"{"event_type":"a"}"#).await, "/event_id");
    let letter = app.call(&format!("GET /v1/dead-letters/{cancelled}"), "").await;
    let no_letter = format!("event {cancelled} is no dead letter: it is queued");
    assert_eq!((letter.status, field(&letter, "/detail")), (404, no_letter));
    app.prepare(&format!("POST /v1/events/{cancelled}/cancel"), "").await;
    // Cancelled events are kept for 30 days, and what was done to them for a year.
    app.pass(31 * 86_400).await;
    app.prepare("POST /v1/clock/accept", "").await;
    app.pass(1).await;
    let just_made = field(&app.prepare("POST /v1/events", r#"{"event_type":"a"}"#).await, "/event_id");
    // Of the same millisecond, and never made.
    let never = format!("{}ffffffff", &just_made[..28]);
    let calls = [
        ("GET", "", ""),
        ("GET", "/explain", ""),
        ("GET", "/history", ""),
        ("GET", "/log", ""),
        ("GET", "?wait_seconds=1", ""),
        ("POST", "/cancel", ""),
        ("POST", "/retry", ""),
        ("POST", "/redrive", ""),
        ("PATCH", "", r#"{"priority":1}"#),
        ("POST", "/complete", &complete),
    ];
    for (id, said) in [
        (
            completed.as_str(),
            "2026-01-01T00:00:00.000Z; if it was there, its retention is over: completed events are kept for 7 d",
        ),
        (never.as_str(), "2026-02-01T00:00:01.000Z, so its retention cannot be over: finished events are kept for 7 d"),
        ("6f2d1c4e-9f0b-4d3a-8a55-3f1f0e8a7c11", "ids of events are UUIDs of version 7, and this is none"),
    ] {
        for (method, call, body) in calls {
            let refused = app.call(&format!("{method} /v1/events/{id}{call}"), body).await;
            let detail = field(&refused, "/detail");
            assert!(refused.status == 404 && detail.contains(said), "{method} {call}: {}", refused.body);
            assert_eq!(
                (field(&refused, "/code"), field(&refused, "/event_id")),
                ("not_found".to_owned(), id.to_owned())
            );
        }
        let refused = app.call(&format!("GET /v1/dead-letters/{id}"), "").await;
        assert!(refused.status == 404 && refused.body.contains(said), "{}", refused.body);
    }
    for call in ["events/{id}", "events/{id}/explain", "events/{id}/log", "dead-letters/{id}"] {
        let refused = app.call(&format!("GET /v1/{}", call.replace("{id}", &cancelled)), "").await;
        let said =
            "is not there any more: its retention is over; event.cancel of 2026-01-01T00:00:00.000Z is the last of it";
        assert!(refused.status == 404 && refused.body.contains(said), "{call}: {}", refused.body);
    }
    app.close().await;
}

#[tokio::test]
async fn a_body_of_another_type_or_from_another_site_is_refused() {
    let app = TestApp::new();
    let plain = app.send(request("POST /v1/events", "text/plain", r#"{"event_type":"a"}"#)).await;
    let mut foreign = request("POST /v1/events", "application/json", r#"{"event_type":"a"}"#);
    foreign.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
    let foreign = app.send(foreign).await;
    let shown = format!("{} {}\n{} {}", plain.status, plain.body, foreign.status, foreign.body);
    assert!(app.close().await.is_empty());
    insta::assert_snapshot!(shown, @r#"
    415 {"type":"/problems/unsupported_media_type","title":"Unsupported media type","status":415,"detail":"Content-Type must be application/json, was \"text/plain\"","code":"unsupported_media_type","request_id":"test"}

    403 {"type":"/problems/cross_origin","title":"Cross-origin request","status":403,"detail":"a page of another site sent this request","code":"cross_origin","request_id":"test"}
    "#);
}

#[tokio::test]
async fn a_body_over_its_limit_is_refused_before_it_is_read() {
    let app = TestApp::new();
    // A body that is only announced: reading it would fail.
    let announced = Request::builder()
        .method("POST")
        .uri("/v1/events")
        .header("content-type", "application/json")
        .header("content-length", 2 * 1024 * 1024)
        .body(Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>()))
        .unwrap();
    assert_eq!(app.send(announced).await.status, 413);
    let payload = "x".repeat(256 * 1024);
    let large = app
        .send(request("POST /v1/events", "application/json", &format!(r#"{{"event_type":"a","payload":"{payload}"}}"#)))
        .await;
    assert_eq!(large.status, 413, "{}", large.body);
    app.close().await;
}

#[tokio::test]
async fn a_server_without_room_for_a_body_says_which_setting_there_is_and_does_nothing() {
    let mut app = TestApp::with(Limits { max_bulk_bytes: 10, ..Limits::default() });
    let small = app.send(request("POST /v1/events", "application/json", r#"{"event_type":"a"}"#)).await;
    assert_eq!(small.status, 201, "the first bytes take no room: {}", small.body);
    let large = format!(r#"{{"event_type":"a"}}{}"#, " ".repeat(20_000));
    let refused = app.send(request("POST /v1/events", "application/json", &large)).await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert!(refused.headers.contains_key("retry-after"));
    assert!(refused.body.contains(r#""applied":false"#) && refused.body.contains("max_bulk_mb"), "{}", refused.body);
    let stats = app.call("GET /v1/stats", "").await;
    assert!(stats.body.contains(r#""events":{"queued":1,"#), "{}", stats.body);
    app.close().await;
}

#[tokio::test]
async fn a_server_that_goes_down_says_so() {
    let app = TestApp::new();
    app.app.shut_down();
    let answer = app.send(request("POST /v1/events", "application/json", r#"{"event_type":"a"}"#)).await;
    let ready = app.send(request("GET /readyz", "", "")).await;
    assert_eq!((answer.status, ready.status), (503, 503), "{} {}", answer.body, ready.body);
    assert!(
        answer.body.contains(r#""code":"shutting_down""#) && answer.body.contains(r#""applied":false"#),
        "{}",
        answer.body
    );
}
