use crate::app::{TestApp, field};

/// Makes a dead letter of a type, whose engine is `e`.
async fn dead(app: &mut TestApp, event_type: &str) -> String {
    let draft = format!(r#"{{"event_type":"{event_type}","payload":{{"n":1}}}}"#);
    let event = field(&app.prepare("POST /v1/events", &draft).await, "/event_id");
    let token = field(&app.prepare("POST /v1/engines/e/claim", r#"{"epoch":1}"#).await, "/events/0/lock/token");
    let failure = format!(
        r#"{{"lock_token":"{token}","error":{{"code":"bad_input","message":"row 17 is broken"}},"retryable":false,"dead_letter":true}}"#
    );
    app.prepare(&format!("POST /v1/events/{event}/fail"), &failure).await;
    event
}

#[tokio::test]
async fn dead_letters_are_looked_at_mended_and_redriven_or_given_up() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/e", r#"{"engine_type":"t"}"#).await;
    let mended = dead(&mut app, "a").await;
    let given_up = dead(&mut app, "a").await;
    dead(&mut app, "b").await;
    dead(&mut app, "c").await;
    app.call("GET /v1/dead-letters/summary", "").await;
    app.call("GET /v1/dead-letters?event_type=b&reason=requested&error_code=bad_input", "").await;
    let summary = app.prepare("GET /v1/dead-letters/summary", "").await;
    let group = field(&summary, "/groups/0/group_id");
    app.call(&format!("GET /v1/dead-letters?group_id={group}&limit=1"), "").await;
    app.call(&format!("GET /v1/dead-letters/preview?group_id={group}&limit=5"), "").await;
    app.call("GET /v1/dead-letters/preview?limit=0&group_id=9f3a", "").await;
    app.call(&format!("GET /v1/dead-letters/{mended}"), "").await;
    app.call(&format!("POST /v1/dead-letters/{mended}/redrive"), r#"{"payload":{ "n":2 }}"#).await;
    app.call(&format!("POST /v1/dead-letters/{mended}/redrive"), "").await;
    app.call(&format!("DELETE /v1/dead-letters/{given_up}"), r#"{"reason":"of no use"}"#).await;
    app.call(&format!("GET /v1/events/{given_up}/history"), "").await;
    app.call("POST /v1/dead-letters/redrive", r#"{"filter":{"event_type":"b"},"rate_per_second":2}"#).await;
    app.call("POST /v1/dead-letters/discard", "{}").await;
    app.call("POST /v1/dead-letters/discard", r#"{"all":true,"reason":"old"}"#).await;
    app.call("GET /v1/dead-letters", "").await;
    insta::assert_snapshot!(app.close().await, @r#"
    > GET /v1/dead-letters/summary
    200 {"groups":[{"group_id":"10512b38b41b","event_type":"a","reason":"requested","reasons":["requested"],"error_code":"bad_input","message":"row # is broken","count":2,"oldest_at":"2026-01-01T00:00:00.000Z","newest_at":"2026-01-01T00:00:00.000Z","sample_event_id":"019b76da-a800-7000-8000-04db785397a7"},{"group_id":"e42353e617e6","event_type":"b","reason":"requested","reasons":["requested"],"error_code":"bad_input","message":"row # is broken","count":1,"oldest_at":"2026-01-01T00:00:00.000Z","newest_at":"2026-01-01T00:00:00.000Z","sample_event_id":"019b76da-a800-7000-8000-0aa84828f829"},{"group_id":"428ca8830891","event_type":"c","reason":"requested","reasons":["requested"],"error_code":"bad_input","message":"row # is broken","count":1,"oldest_at":"2026-01-01T00:00:00.000Z","newest_at":"2026-01-01T00:00:00.000Z","sample_event_id":"019b76da-a800-7000-8000-0d681f9edd23"}]}
    > GET /v1/dead-letters?event_type=b&reason=requested&error_code=bad_input
    200 {"items":[{"event_id":"019b76da-a800-7000-8000-0aa84828f829","event_type":"b","queue":"default","reason":"requested","failures":1,"losses":0,"last_error":{"code":"bad_input","message":"row 17 is broken"},"engine_id":"e","engine_software_version":null,"dead_lettered_at":"2026-01-01T00:00:00.000Z","redrives":0,"payload":{"n":1}}],"next_cursor":null}
    > GET /v1/dead-letters?group_id=10512b38b41b&limit=1
    200 {"items":[{"event_id":"019b76da-a800-7000-8000-04db785397a7","event_type":"a","queue":"default","reason":"requested","failures":1,"losses":0,"last_error":{"code":"bad_input","message":"row 17 is broken"},"engine_id":"e","engine_software_version":null,"dead_lettered_at":"2026-01-01T00:00:00.000Z","redrives":0,"payload":{"n":1}}],"next_cursor":"ZGVhZF9sZXR0ZXJzLzAxOWI3NmRhLWE4MDAtNzAwMC04MDAwLTA0ZGI3ODUzOTdhNw"}
    > GET /v1/dead-letters/preview?group_id=10512b38b41b&limit=5
    200 {"count":2,"first":[{"event_id":"019b76da-a800-7000-8000-02460f8bbccd","event_type":"a","queue":"default","reason":"requested","failures":1,"losses":0,"last_error":{"code":"bad_input","message":"row 17 is broken"},"engine_id":"e","engine_software_version":null,"dead_lettered_at":"2026-01-01T00:00:00.000Z","redrives":0,"payload":{"n":1}},{"event_id":"019b76da-a800-7000-8000-04db785397a7","event_type":"a","queue":"default","reason":"requested","failures":1,"losses":0,"last_error":{"code":"bad_input","message":"row 17 is broken"},"engine_id":"e","engine_software_version":null,"dead_lettered_at":"2026-01-01T00:00:00.000Z","redrives":0,"payload":{"n":1}}],"dead_lettered_before":"2026-01-01T00:00:00.001Z"}
    > GET /v1/dead-letters/preview?limit=0&group_id=9f3a
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/group_id: must be the id of a group of errors: 12 digits of 0-9 and a-f, as the summary of dead letters shows it, was \"9f3a\"; /limit: must be a whole number of 1 or more, was \"0\"","code":"invalid_request","errors":[{"pointer":"/group_id","detail":"must be the id of a group of errors: 12 digits of 0-9 and a-f, as the summary of dead letters shows it, was \"9f3a\""},{"pointer":"/limit","detail":"must be a whole number of 1 or more, was \"0\""}],"request_id":"test"}
    > GET /v1/dead-letters/019b76da-a800-7000-8000-02460f8bbccd
    200 {"event_id":"019b76da-a800-7000-8000-02460f8bbccd","event_type":"a","queue":"default","reason":"requested","failures":1,"losses":0,"last_error":{"code":"bad_input","message":"row 17 is broken"},"engine_id":"e","engine_software_version":null,"dead_lettered_at":"2026-01-01T00:00:00.000Z","redrives":0,"payload":{"n":1}}
    > POST /v1/dead-letters/019b76da-a800-7000-8000-02460f8bbccd/redrive {"payload":{ "n":2 }}
    200 {"event_id":"019b76da-a800-7000-8000-02460f8bbccd","event_type":"a","queue":"default","status":"queued","priority":5,"payload":{ "n":2 },"attempt":1,"retries":0,"failures":1,"losses":0,"redrives":1,"available_at":"2026-01-01T00:00:00.000Z","expires_at":null,"enqueued_at":"2026-01-01T00:00:00.000Z","finished_at":null,"completed_at":null,"result":null,"last_error":{"code":"bad_input","message":"row 17 is broken"},"dead_letter":null,"lock":null,"cancel_requested":false,"engine_id":"e","scenario_run_id":null,"required_capabilities":[],"required_memory_mb":null,"engine_version":null,"idempotency_key":null,"idempotency_key_expires_at":null,"retry_policy":null,"visibility_timeout_seconds":null,"max_processing_seconds":null,"progress_timeout_seconds":null,"labels":{},"traceparent":null}
    > POST /v1/dead-letters/019b76da-a800-7000-8000-02460f8bbccd/redrive
    409 {"type":"/problems/wrong_status","title":"Wrong status","status":409,"detail":"the event is queued, but only a dead letter can be redriven here","code":"wrong_status","event_id":"019b76da-a800-7000-8000-02460f8bbccd","event_status":"queued","request_id":"test"}
    > DELETE /v1/dead-letters/019b76da-a800-7000-8000-04db785397a7 {"reason":"of no use"}
    200 {"event_id":"019b76da-a800-7000-8000-04db785397a7","event_type":"a","queue":"default","status":"failed","priority":5,"payload":{"n":1},"attempt":1,"retries":0,"failures":1,"losses":0,"redrives":0,"available_at":"2026-01-01T00:00:00.000Z","expires_at":null,"enqueued_at":"2026-01-01T00:00:00.000Z","finished_at":"2026-01-01T00:00:00.000Z","completed_at":null,"result":null,"last_error":{"code":"bad_input","message":"row 17 is broken"},"dead_letter":null,"lock":null,"cancel_requested":false,"engine_id":"e","scenario_run_id":null,"required_capabilities":[],"required_memory_mb":null,"engine_version":null,"idempotency_key":null,"idempotency_key_expires_at":null,"retry_policy":null,"visibility_timeout_seconds":null,"max_processing_seconds":null,"progress_timeout_seconds":null,"labels":{},"traceparent":null}
    > GET /v1/events/019b76da-a800-7000-8000-04db785397a7/history
    200 {"event_id":"019b76da-a800-7000-8000-04db785397a7","attempts":[{"attempt":1,"engine_id":"e","engine_software_version":null,"outcome":"failed","error":{"code":"bad_input","message":"row 17 is broken"},"waited_seconds":0.0,"claimed_at":"2026-01-01T00:00:00.000Z","ended_at":"2026-01-01T00:00:00.000Z","usage":null,"progress":null,"log_url":null}],"usage":null,"actions":[{"at":"2026-01-01T00:00:00.000Z","action":"discard","by":"anyone","detail":"dead_letter_reason: requested, reason: of no use"}]}
    > POST /v1/dead-letters/redrive {"filter":{"event_type":"b"},"rate_per_second":2}
    200 {"redriven":1}
    > POST /v1/dead-letters/discard {}
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/filter: give a filter, or say all: true","code":"invalid_request","errors":[{"pointer":"/filter","detail":"give a filter, or say all: true"}],"request_id":"test"}
    > POST /v1/dead-letters/discard {"all":true,"reason":"old"}
    200 {"discarded":1}
    > GET /v1/dead-letters
    200 {"items":[],"next_cursor":null}
    "#);
}
