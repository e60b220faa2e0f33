use crate::app::{TestApp, field, request};

#[tokio::test]
async fn an_event_is_enqueued_once_looked_at_and_settled() {
    let mut app = TestApp::new();
    let draft = r#"{"event_type":"frame.render","payload":{ "n":1.50 },"priority":2,"required_capabilities":["gpu"],"scenario_run_id":"run-1","idempotency_key":"k","labels":{"team":"a"}}"#;
    let event = field(&app.call("POST /v1/events", draft).await, "/event_id");
    app.call("POST /v1/events", draft).await;
    app.call("POST /v1/events", r#"{"event_type":"frame.render","idempotency_key":"k"}"#).await;
    app.prepare(
        "PUT /v1/engines/e",
        r#"{"engine_type":"t","heartbeat_interval_seconds":0,"metadata":{"static_config":{"capabilities":["gpu"]}}}"#,
    )
    .await;
    let token = field(&app.prepare("POST /v1/engines/e/claim", r#"{"epoch":1}"#).await, "/events/0/lock/token");
    app.call(&format!("GET /v1/events/{event}"), "").await;
    app.call(
        &format!("POST /v1/events/{event}/extend"),
        &format!(r#"{{"lock_token":"{token}","visibility_timeout_seconds":60}}"#),
    )
    .await;
    app.call(&format!("POST /v1/events/{event}/fail"), &format!(r#"{{"lock_token":"{token}","error":{{"code":"oom","message":"out of memory","details":{{"mb":9}}}},"retry_after_seconds":5}}"#)).await;
    app.call(&format!("POST /v1/events/{event}/retry"), "").await;
    let token = field(&app.prepare("POST /v1/engines/e/claim", r#"{"epoch":1}"#).await, "/events/0/lock/token");
    app.call(&format!("POST /v1/events/{event}/release"), &format!(r#"{{"lock_token":"{token}"}}"#)).await;
    let token = field(&app.prepare("POST /v1/engines/e/claim", r#"{"epoch":1}"#).await, "/events/0/lock/token");
    app.call(
        &format!("POST /v1/events/{event}/complete"),
        &format!(r#"{{"lock_token":"{token}","result":{{ "ok":true }}}}"#),
    )
    .await;
    app.call(&format!("POST /v1/events/{event}/complete"), r#"{"lock_token":"9-00000000000000000000000000000000"}"#)
        .await;
    app.call(&format!("POST /v1/events/{event}/cancel"), "").await;
    app.call(&format!("GET /v1/events/{event}/history"), "").await;
    app.call("GET /v1/scenario-runs", "").await;
    app.call("GET /v1/scenario-runs/run-1", "").await;
    insta::assert_snapshot!(app.close().await, @r#"
    > POST /v1/events {"event_type":"frame.render","payload":{ "n":1.50 },"priority":2,"required_capabilities":["gpu"],"scenario_run_id":"run-1","idempotency_key":"k","labels":{"team":"a"}}
    201 {"event_id":"019b76da-a800-7000-8000-02460f8bbccd","event_type":"frame.render","queue":"default","status":"queued","available_at":"2026-01-01T00:00:00.000Z","duplicate":false,"warnings":[{"code":"no_engine_fits","detail":"no engine is registered that could run frame.render","event_id":"019b76da-a800-7000-8000-02460f8bbccd"}]}
    > POST /v1/events {"event_type":"frame.render","payload":{ "n":1.50 },"priority":2,"required_capabilities":["gpu"],"scenario_run_id":"run-1","idempotency_key":"k","labels":{"team":"a"}}
    200 {"event_id":"019b76da-a800-7000-8000-02460f8bbccd","event_type":"frame.render","queue":"default","status":"queued","available_at":"2026-01-01T00:00:00.000Z","duplicate":true,"warnings":[]}
    > POST /v1/events {"event_type":"frame.render","idempotency_key":"k"}
    409 {"type":"/problems/idempotency_conflict","title":"Idempotency key in use","status":409,"detail":"the idempotency key belongs to event 019b76da-a800-7000-8000-02460f8bbccd, which was enqueued with another request","code":"idempotency_conflict","errors":[{"pointer":"/idempotency_key","detail":"the idempotency key belongs to event 019b76da-a800-7000-8000-02460f8bbccd, which was enqueued with another request"}],"event_id":"019b76da-a800-7000-8000-02460f8bbccd","request_id":"test"}
    > GET /v1/events/019b76da-a800-7000-8000-02460f8bbccd
    200 {"event_id":"019b76da-a800-7000-8000-02460f8bbccd","event_type":"frame.render","queue":"default","status":"processing","priority":2,"payload":{ "n":1.50 },"attempt":1,"retries":0,"failures":0,"losses":0,"redrives":0,"available_at":"2026-01-01T00:00:00.000Z","expires_at":null,"enqueued_at":"2026-01-01T00:00:00.000Z","finished_at":null,"completed_at":null,"result":null,"last_error":null,"dead_letter":null,"lock":{"holder":"processing_by_e","engine_id":"e","claimed_at":"2026-01-01T00:00:00.000Z","expires_at":"2026-01-01T00:05:00.000Z"},"cancel_requested":false,"engine_id":"e","scenario_run_id":"run-1","required_capabilities":["gpu"],"required_memory_mb":null,"engine_version":null,"idempotency_key":"k","idempotency_key_expires_at":null,"retry_policy":null,"visibility_timeout_seconds":null,"max_processing_seconds":null,"progress_timeout_seconds":null,"labels":{"team":"a"},"traceparent":null}
    > POST /v1/events/019b76da-a800-7000-8000-02460f8bbccd/extend {"lock_token":"1-f37d574fbcb06be045c261ad9e6221b6","visibility_timeout_seconds":60}
    200 {"event_id":"019b76da-a800-7000-8000-02460f8bbccd","event_type":"frame.render","queue":"default","status":"processing","priority":2,"payload":{ "n":1.50 },"attempt":1,"retries":0,"failures":0,"losses":0,"redrives":0,"available_at":"2026-01-01T00:00:00.000Z","expires_at":null,"enqueued_at":"2026-01-01T00:00:00.000Z","finished_at":null,"completed_at":null,"result":null,"last_error":null,"dead_letter":null,"lock":{"holder":"processing_by_e","engine_id":"e","claimed_at":"2026-01-01T00:00:00.000Z","expires_at":"2026-01-01T00:01:00.000Z"},"cancel_requested":false,"engine_id":"e","scenario_run_id":"run-1","required_capabilities":["gpu"],"required_memory_mb":null,"engine_version":null,"idempotency_key":"k","idempotency_key_expires_at":null,"retry_policy":null,"visibility_timeout_seconds":null,"max_processing_seconds":null,"progress_timeout_seconds":null,"labels":{"team":"a"},"traceparent":null}
    > POST /v1/events/019b76da-a800-7000-8000-02460f8bbccd/fail {"lock_token":"1-f37d574fbcb06be045c261ad9e6221b6","error":{"code":"oom","message":"out of memory","details":{"mb":9}},"retry_after_seconds":5}
    200 {"event_id":"019b76da-a800-7000-8000-02460f8bbccd","event_type":"frame.render","queue":"default","status":"queued","priority":2,"payload":{ "n":1.50 },"attempt":1,"retries":1,"failures":1,"losses":0,"redrives":0,"available_at":"2026-01-01T00:00:05.000Z","expires_at":null,"enqueued_at":"2026-01-01T00:00:00.000Z","finished_at":null,"completed_at":null,"result":null,"last_error":{"code":"oom","message":"out of memory","details":{"mb":9}},"dead_letter":null,"lock":null,"cancel_requested":false,"engine_id":"e","scenario_run_id":"run-1","required_capabilities":["gpu"],"required_memory_mb":null,"engine_version":null,"idempotency_key":"k","idempotency_key_expires_at":null,"retry_policy":null,"visibility_timeout_seconds":null,"max_processing_seconds":null,"progress_timeout_seconds":null,"labels":{"team":"a"},"traceparent":null}
    > POST /v1/events/019b76da-a800-7000-8000-02460f8bbccd/retry
    200 {"event_id":"019b76da-a800-7000-8000-02460f8bbccd","event_type":"frame.render","queue":"default","status":"queued","priority":2,"payload":{ "n":1.50 },"attempt":1,"retries":1,"failures":1,"losses":0,"redrives":0,"available_at":"2026-01-01T00:00:00.000Z","expires_at":null,"enqueued_at":"2026-01-01T00:00:00.000Z","finished_at":null,"completed_at":null,"result":null,"last_error":{"code":"oom","message":"out of memory","details":{"mb":9}},"dead_letter":null,"lock":null,"cancel_requested":false,"engine_id":"e","scenario_run_id":"run-1","required_capabilities":["gpu"],"required_memory_mb":null,"engine_version":null,"idempotency_key":"k","idempotency_key_expires_at":null,"retry_policy":null,"visibility_timeout_seconds":null,"max_processing_seconds":null,"progress_timeout_seconds":null,"labels":{"team":"a"},"traceparent":null}
    > POST /v1/events/019b76da-a800-7000-8000-02460f8bbccd/release {"lock_token":"2-0547c7b564c32005a38d640c807f36d2"}
    200 {"event_id":"019b76da-a800-7000-8000-02460f8bbccd","event_type":"frame.render","queue":"default","status":"queued","priority":2,"payload":{ "n":1.50 },"attempt":1,"retries":1,"failures":1,"losses":0,"redrives":0,"available_at":"2026-01-01T00:00:00.000Z","expires_at":null,"enqueued_at":"2026-01-01T00:00:00.000Z","finished_at":null,"completed_at":null,"result":null,"last_error":{"code":"oom","message":"out of memory","details":{"mb":9}},"dead_letter":null,"lock":null,"cancel_requested":false,"engine_id":"e","scenario_run_id":"run-1","required_capabilities":["gpu"],"required_memory_mb":null,"engine_version":null,"idempotency_key":"k","idempotency_key_expires_at":null,"retry_policy":null,"visibility_timeout_seconds":null,"max_processing_seconds":null,"progress_timeout_seconds":null,"labels":{"team":"a"},"traceparent":null}
    > POST /v1/events/019b76da-a800-7000-8000-02460f8bbccd/complete {"lock_token":"3-e1bd252dc9871ee9a0fd2ea84828f829","result":{ "ok":true }}
    200 {"event_id":"019b76da-a800-7000-8000-02460f8bbccd","event_type":"frame.render","queue":"default","status":"completed","priority":2,"payload":{ "n":1.50 },"attempt":2,"retries":1,"failures":1,"losses":0,"redrives":0,"available_at":"2026-01-01T00:00:00.000Z","expires_at":null,"enqueued_at":"2026-01-01T00:00:00.000Z","finished_at":"2026-01-01T00:00:00.000Z","completed_at":"2026-01-01T00:00:00.000Z","result":{ "ok":true },"last_error":{"code":"oom","message":"out of memory","details":{"mb":9}},"dead_letter":null,"lock":null,"cancel_requested":false,"engine_id":"e","scenario_run_id":"run-1","required_capabilities":["gpu"],"required_memory_mb":null,"engine_version":null,"idempotency_key":"k","idempotency_key_expires_at":null,"retry_policy":null,"visibility_timeout_seconds":null,"max_processing_seconds":null,"progress_timeout_seconds":null,"labels":{"team":"a"},"traceparent":null}
    > POST /v1/events/019b76da-a800-7000-8000-02460f8bbccd/complete {"lock_token":"9-00000000000000000000000000000000"}
    409 {"type":"/problems/lock_lost","title":"Lock lost","status":409,"detail":"the lock token is not current: the event is completed","code":"lock_lost","event_id":"019b76da-a800-7000-8000-02460f8bbccd","event_status":"completed","request_id":"test"}
    > POST /v1/events/019b76da-a800-7000-8000-02460f8bbccd/cancel
    409 {"type":"/problems/wrong_status","title":"Wrong status","status":409,"detail":"the event is completed, but only a queued or processing event can be cancelled","code":"wrong_status","event_id":"019b76da-a800-7000-8000-02460f8bbccd","event_status":"completed","request_id":"test"}
    > GET /v1/events/019b76da-a800-7000-8000-02460f8bbccd/history
    200 {"event_id":"019b76da-a800-7000-8000-02460f8bbccd","attempts":[{"attempt":1,"engine_id":"e","engine_software_version":null,"outcome":"failed","error":{"code":"oom","message":"out of memory","details":{"mb":9}},"waited_seconds":0.0,"claimed_at":"2026-01-01T00:00:00.000Z","ended_at":"2026-01-01T00:00:00.000Z","usage":null,"progress":null,"log_url":null},{"attempt":2,"engine_id":"e","engine_software_version":null,"outcome":"completed","error":null,"waited_seconds":0.0,"claimed_at":"2026-01-01T00:00:00.000Z","ended_at":"2026-01-01T00:00:00.000Z","usage":null,"progress":null,"log_url":null}],"usage":null,"actions":[{"at":"2026-01-01T00:00:00.000Z","action":"retry","by":"anyone","detail":null}]}
    > GET /v1/scenario-runs
    200 {"items":[{"scenario_run_id":"run-1","events":{"queued":0,"processing":0,"completed":1,"failed":0,"cancelled":0},"first_enqueued_at":"2026-01-01T00:00:00.000Z","last_activity_at":"2026-01-01T00:00:00.000Z","ends_per_second":1.0}],"next_cursor":null}
    > GET /v1/scenario-runs/run-1
    200 {"scenario_run_id":"run-1","events":{"queued":0,"processing":0,"completed":1,"failed":0,"cancelled":0},"first_enqueued_at":"2026-01-01T00:00:00.000Z","last_activity_at":"2026-01-01T00:00:00.000Z","ends_per_second":1.0,"engines":[]}
    "#);
}

#[tokio::test]
async fn many_events_are_enqueued_settled_and_listed_at_once() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/e", r#"{"engine_type":"t"}"#).await;
    let batch = app
        .call(
            "POST /v1/events/batch",
            r#"{"events":[{"event_type":"a"},{"event_type":"b","delay_seconds":9},{"event_type":"a"}]}"#,
        )
        .await;
    let delayed = field(&batch, "/events/1/event_id");
    app.call(&format!("POST /v1/events/{delayed}/cancel"), "").await;
    let claimed = app.prepare("POST /v1/engines/e/claim", r#"{"epoch":1}"#).await;
    let (first, token) = (field(&claimed, "/events/0/event_id"), field(&claimed, "/events/0/lock/token"));
    let second = field(&claimed, "/events/1/event_id");
    let settlements = format!(
        r#"{{"settlements":[{{"event_id":"{first}","lock_token":"{token}","outcome":"complete"}},{{"event_id":"{second}","lock_token":"{token}","outcome":"release"}}]}}"#
    );
    app.call("POST /v1/events/settle", &settlements).await;
    let page = app.prepare("GET /v1/events?limit=2", "").await;
    let cursor = field(&page, "/next_cursor");
    app.call(&format!("GET /v1/events?limit=2&cursor={cursor}"), "").await;
    app.call("GET /v1/events?status=cancelled&event_type=b&queue=default", "").await;
    app.call("GET /v1/stats", "").await;
    app.call("GET /v1/stats/lanes?limit=1", "").await;
    insta::assert_snapshot!(app.close().await, @r#"
    > POST /v1/events/batch {"events":[{"event_type":"a"},{"event_type":"b","delay_seconds":9},{"event_type":"a"}]}
    200 {"enqueued":3,"duplicates":0,"rejected":0,"events":[{"event_id":"019b76da-a800-7000-8000-02460f8bbccd","duplicate":false},{"event_id":"019b76da-a800-7000-8000-05ad9e6221b6","duplicate":false},{"event_id":"019b76da-a800-7000-8000-09ab9897f4d2","duplicate":false}],"warnings":[]}
    > POST /v1/events/019b76da-a800-7000-8000-05ad9e6221b6/cancel
    200 {"event_id":"019b76da-a800-7000-8000-05ad9e6221b6","event_type":"b","queue":"default","status":"cancelled","priority":5,"payload":{},"attempt":0,"retries":0,"failures":0,"losses":0,"redrives":0,"available_at":"2026-01-01T00:00:09.000Z","expires_at":null,"enqueued_at":"2026-01-01T00:00:00.000Z","finished_at":"2026-01-01T00:00:00.000Z","completed_at":null,"result":null,"last_error":null,"dead_letter":null,"lock":null,"cancel_requested":false,"engine_id":null,"scenario_run_id":null,"required_capabilities":[],"required_memory_mb":null,"engine_version":null,"idempotency_key":null,"idempotency_key_expires_at":null,"retry_policy":null,"visibility_timeout_seconds":null,"max_processing_seconds":null,"progress_timeout_seconds":null,"labels":{},"traceparent":null}
    > POST /v1/events/settle {"settlements":[{"event_id":"019b76da-a800-7000-8000-02460f8bbccd","lock_token":"1-a38d640c807f36d2b934252f607e716b","outcome":"complete"},{"event_id":"019b76da-a800-7000-8000-09ab9897f4d2","lock_token":"1-a38d640c807f36d2b934252f607e716b","outcome":"release"}]}
    200 {"results":[{"event_id":"019b76da-a800-7000-8000-02460f8bbccd","status":"completed"},{"event_id":"019b76da-a800-7000-8000-09ab9897f4d2","status":"processing","error":{"type":"/problems/lock_lost","title":"Lock lost","status":409,"detail":"the lock token is not current: the event is processing","code":"lock_lost","event_id":"019b76da-a800-7000-8000-09ab9897f4d2","event_status":"processing"}}]}
    > GET /v1/events?limit=2&cursor=ZXZlbnRzLzAxOWI3NmRhLWE4MDAtNzAwMC04MDAwLTA1YWQ5ZTYyMjFiNg
    200 {"items":[{"event_id":"019b76da-a800-7000-8000-02460f8bbccd","event_type":"a","queue":"default","status":"completed","priority":5,"payload":{},"attempt":1,"retries":0,"failures":0,"losses":0,"redrives":0,"available_at":"2026-01-01T00:00:00.000Z","expires_at":null,"enqueued_at":"2026-01-01T00:00:00.000Z","finished_at":"2026-01-01T00:00:00.000Z","completed_at":"2026-01-01T00:00:00.000Z","result":null,"last_error":null,"dead_letter":null,"lock":null,"cancel_requested":false,"engine_id":"e","scenario_run_id":null,"required_capabilities":[],"required_memory_mb":null,"engine_version":null,"idempotency_key":null,"idempotency_key_expires_at":null,"retry_policy":null,"visibility_timeout_seconds":null,"max_processing_seconds":null,"progress_timeout_seconds":null,"labels":{},"traceparent":null}],"next_cursor":null}
    > GET /v1/events?status=cancelled&event_type=b&queue=default
    200 {"items":[{"event_id":"019b76da-a800-7000-8000-05ad9e6221b6","event_type":"b","queue":"default","status":"cancelled","priority":5,"payload":{},"attempt":0,"retries":0,"failures":0,"losses":0,"redrives":0,"available_at":"2026-01-01T00:00:09.000Z","expires_at":null,"enqueued_at":"2026-01-01T00:00:00.000Z","finished_at":"2026-01-01T00:00:00.000Z","completed_at":null,"result":null,"last_error":null,"dead_letter":null,"lock":null,"cancel_requested":false,"engine_id":null,"scenario_run_id":null,"required_capabilities":[],"required_memory_mb":null,"engine_version":null,"idempotency_key":null,"idempotency_key_expires_at":null,"retry_policy":null,"visibility_timeout_seconds":null,"max_processing_seconds":null,"progress_timeout_seconds":null,"labels":{},"traceparent":null}],"next_cursor":null}
    > GET /v1/stats
    200 {"now":"...","pruning_held_until":null,"events":{"queued":0,"processing":1,"completed":1,"failed":0,"cancelled":1},"event_types":[{"queue":"default","event_type":"a","paused":false,"lanes":1,"queued":0,"processing":1,"completed":1,"failed":0,"cancelled":0,"oldest_available_at":null},{"queue":"default","event_type":"b","paused":false,"lanes":1,"queued":0,"processing":0,"completed":0,"failed":0,"cancelled":1,"oldest_available_at":null}],"event_types_left_out":0,"lanes":2,"engines":{"active":1,"draining":0,"lost":0,"stopped":0},"dead_letters":0,"waiting_claims":0}

    > GET /v1/stats/lanes?limit=1
    200 {"items":[{"queue":"default","event_type":"a","priority":5,"required_capabilities":[],"required_memory_mb":null,"engine_version":null,"scenario_run_id":null,"paused":false,"queued":0,"processing":1,"completed":1,"failed":0,"cancelled":0,"oldest_available_at":null}],"next_cursor":"bGFuZXMvMQ"}
    "#);
}

#[tokio::test]
async fn a_stream_of_lines_stores_the_good_ones_and_names_the_bad() {
    let app = TestApp::new();
    let lines = "{\"event_type\":\"a\"}\n\n{\"event_type\":\"a b\"}\nnonsense\n{\"event_type\":\"b\",\"prio\":1}\n{\"event_type\":\"c\"}";
    let answer = app.send(request("POST /v1/events/batch", "application/x-ndjson", lines)).await;
    let shown = format!("{} {}", answer.status, answer.body);
    app.close().await;
    insta::assert_snapshot!(shown, @r#"200 {"enqueued":2,"duplicates":0,"rejected":3,"errors":[{"line":3,"pointer":"/event_type","detail":"must be a name: 1 to 200 characters of A-Z, a-z, 0-9, '.', '_', ':' and '-', beginning with a letter or digit, was \"a b\""},{"line":4,"pointer":"","detail":"not valid JSON: the text has 'o' where it cannot be, at line 1, column 2"},{"line":5,"pointer":"/prio","detail":"unknown, did you mean priority? It must be event_type, payload, queue, priority, run_at, delay_seconds, required_capabilities, required_memory_mb, engine_version, scenario_run_id, idempotency_key, idempotency_window_seconds, retry_policy, visibility_timeout_seconds, max_processing_seconds, progress_timeout_seconds, expires_after_seconds, labels or traceparent"}],"warnings":[{"code":"no_engine_fits","detail":"no engine is registered that could run a","event_id":"019b76da-a800-7000-8000-02460f8bbccd"},{"code":"no_engine_fits","detail":"no engine is registered that could run c","event_id":"019b76da-a800-7000-8000-05ad9e6221b6"}]}"#);
}

#[tokio::test]
async fn machines_are_told_how_it_is() {
    let mut app = TestApp::new();
    app.call("GET /healthz", "").await;
    app.call("GET /readyz", "").await;
    let metrics = app.prepare("GET /metrics", "").await;
    assert!(metrics.body.contains("# TYPE enginehouse_commits_total counter\n"), "{}", metrics.body);
    assert_eq!(metrics.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    for path in ["/docs/api/", "/openapi.json", "/", "/docs/problems/lock_lost.html"] {
        let page = app.prepare(&format!("GET {path}"), "").await;
        assert!(page.headers.contains_key("content-security-policy"), "{path}");
        assert!(!page.body.contains("src=\"http") && !page.body.contains("href=\"http"), "{path} needs no internet");
    }
    insta::assert_snapshot!(app.close().await, @r#"
    > GET /healthz
    200 {"status":"alive"}
    > GET /readyz
    200 {"status":"ready"}
    "#);
}

/// A key may have any characters, those that mean something in a path or a query too.
#[tokio::test]
async fn any_key_can_be_released_and_has_a_window_if_wanted() {
    let mut app = TestApp::new();
    for key in ["k", "..", ".", "a/b?c=d&e#f", "100% +1 \u{1f980} é", "%2e%2e", "\"quoted\"\\"] {
        let draft = serde_json::json!({ "event_type": "a", "idempotency_key": key }).to_string();
        let event = field(&app.prepare("POST /v1/events", &draft).await, "/event_id");
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("idempotency_key", key).finish();
        let released = app.prepare(&format!("DELETE /v1/idempotency-keys?{query}"), "").await;
        assert_eq!(
            (field(&released, "/idempotency_key"), field(&released, "/event_id")),
            (key.to_owned(), event.clone())
        );
        assert_ne!(field(&app.prepare("POST /v1/events", &draft).await, "/event_id"), event, "{key}");
    }
    let draft = r#"{"event_type":"a","idempotency_key":"nightly","idempotency_window_seconds":86400}"#;
    let event = field(&app.prepare("POST /v1/events", draft).await, "/event_id");
    let shown = app.prepare(&format!("GET /v1/events/{event}"), "").await;
    assert_eq!(field(&shown, "/idempotency_key_expires_at"), "2026-01-02T00:00:00.000Z");
    app.call("DELETE /v1/idempotency-keys?idempotency_key=nightly", "").await;
    app.call("DELETE /v1/idempotency-keys?idempotency_key=nightly", "").await;
    app.call("DELETE /v1/idempotency-keys", "").await;
    app.call("DELETE /v1/idempotency-keys?idempotency_key=", "").await;
    app.call(&format!("GET /v1/events/{event}/history"), "").await;
    app.call("POST /v1/events", r#"{"event_type":"a","idempotency_window_seconds":60}"#).await;
    app.call("POST /v1/events", r#"{"event_type":"a","idempotency_key":"k","idempotency_window_seconds":0}"#).await;
    insta::assert_snapshot!(app.close().await, @r#"
    > DELETE /v1/idempotency-keys?idempotency_key=nightly
    200 {"idempotency_key":"nightly","event_id":"019b76da-a800-7000-8000-39533adf4c0e"}
    > DELETE /v1/idempotency-keys?idempotency_key=nightly
    404 {"type":"/problems/not_found","title":"Not found","status":404,"detail":"no event has the idempotency key \"nightly\": it is free","code":"not_found","request_id":"test"}
    > DELETE /v1/idempotency-keys
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/idempotency_key: required, but missing","code":"invalid_request","errors":[{"pointer":"/idempotency_key","detail":"required, but missing"}],"request_id":"test"}
    > DELETE /v1/idempotency-keys?idempotency_key=
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/idempotency_key: must be a string of 1 to 256 characters, none of them a control character, was \"\"","code":"invalid_request","errors":[{"pointer":"/idempotency_key","detail":"must be a string of 1 to 256 characters, none of them a control character, was \"\""}],"request_id":"test"}
    > GET /v1/events/019b76da-a800-7000-8000-39533adf4c0e/history
    200 {"event_id":"019b76da-a800-7000-8000-39533adf4c0e","attempts":[],"usage":null,"actions":[{"at":"2026-01-01T00:00:00.000Z","action":"release_key","by":"anyone","detail":"idempotency_key: nightly"}]}
    > POST /v1/events {"event_type":"a","idempotency_window_seconds":60}
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/idempotency_window_seconds: needs an idempotency_key","code":"invalid_request","errors":[{"pointer":"/idempotency_window_seconds","detail":"needs an idempotency_key"}],"request_id":"test"}
    > POST /v1/events {"event_type":"a","idempotency_key":"k","idempotency_window_seconds":0}
    422 {"type":"/problems/invalid_request","title":"Invalid request","status":422,"detail":"/idempotency_window_seconds: must be a whole number between 1 and 31622400, was 0","code":"invalid_request","errors":[{"pointer":"/idempotency_window_seconds","detail":"must be a whole number between 1 and 31622400, was 0"}],"request_id":"test"}
    "#);
}

#[tokio::test]
async fn a_taken_key_in_a_stream_of_lines_stops_no_other_line() {
    let mut app = TestApp::new();
    let event =
        field(&app.prepare("POST /v1/events", r#"{"event_type":"a","idempotency_key":"k"}"#).await, "/event_id");
    let lines = "{\"event_type\":\"a\"}\n{\"event_type\":\"b\",\"idempotency_key\":\"k\"}\n{\"event_type\":\"a\",\"idempotency_key\":\"k\"}\n{\"event_type\":\"c\"}";
    let answer = app.send(request("POST /v1/events/batch", "application/x-ndjson", lines)).await;
    let counts: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((&counts["enqueued"], &counts["duplicates"], &counts["rejected"]), (&2.into(), &1.into(), &1.into()));
    assert_eq!(counts["errors"][0]["line"], 2);
    assert_eq!(counts["errors"][0]["pointer"], "/idempotency_key");
    assert!(counts["errors"][0]["detail"].as_str().unwrap().contains(&event), "{}", answer.body);
    app.close().await;
}

#[tokio::test]
async fn an_event_that_waits_is_changed_by_a_merge_patch_and_another_one_is_not() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/e", r#"{"engine_type":"t","heartbeat_interval_seconds":0}"#).await;
    let draft = r#"{"event_type":"a","required_capabilities":["gpu"],"labels":{"a":"1","b":"2"}}"#;
    let event = field(&app.prepare("POST /v1/events", draft).await, "/event_id");
    let path = format!("PATCH /v1/events/{event}");
    let patch =
        r#"{"priority":0,"queue":"q","required_capabilities":null,"labels":{"a":null,"c":"3"},"delay_seconds":5}"#;
    let changed = app.prepare(&path, patch).await;
    assert_eq!(
        ["/priority", "/queue", "/required_capabilities", "/labels", "/available_at"].map(|pointer| changed
            .json()
            .pointer(pointer)
            .unwrap()
            .to_string()),
        ["0", "\"q\"", "[]", r#"{"b":"2","c":"3"}"#, "\"2026-01-01T00:00:05.000Z\""]
    );
    let refused = app.call(&path, r#"{"priority":10,"queue":"","event_type":"b","labels":{"x/y":1}}"#).await;
    let pointers = refused.json()["errors"].as_array().unwrap().clone();
    let pointers: Vec<_> = pointers.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!((refused.status, pointers), (422, vec!["/event_type", "/queue", "/priority", "/labels/x~1y"]));
    let refused = app.call(&path, "").await;
    assert_eq!(refused.status, 400, "a patch is given");
    app.prepare(&path, r#"{"run_at":null}"#).await;
    app.prepare("POST /v1/engines/e/claim", r#"{"epoch":1}"#).await;
    let refused = app.call(&path, "{}").await;
    assert_eq!((refused.status, field(&refused, "/event_status")), (409, "processing".to_owned()));
    let gone = app.call("PATCH /v1/events/0193f2a0-0000-7000-8000-000000000000", "{}").await;
    assert_eq!(gone.status, 404);
    app.prepare(&format!("POST /v1/events/{event}/cancel"), r#"{"force":true}"#).await;
    let redriven = app.prepare(&format!("POST /v1/events/{event}/redrive"), r#"{"queue":null,"priority":9}"#).await;
    assert_eq!((field(&redriven, "/queue"), redriven.json()["priority"].to_string()), ("default".into(), "9".into()));
    let history = app.prepare(&format!("GET /v1/events/{event}/history"), "").await;
    let details: Vec<_> =
        history.json()["actions"].as_array().unwrap().iter().map(|action| action["detail"].to_string()).collect();
    assert_eq!(
        details,
        [
            r#""available_at: 2026-01-01T00:00:00.000Z -> 2026-01-01T00:00:05.000Z, labels: {\"a\":\"1\",\"b\":\"2\"} -> {\"b\":\"2\",\"c\":\"3\"}, priority: 5 -> 0, queue: default -> q, required_capabilities: [\"gpu\"] -> []""#,
            r#""available_at: 2026-01-01T00:00:05.000Z -> 2026-01-01T00:00:00.000Z""#,
            r#""force: true""#,
            r#""priority: 0 -> 9, queue: q -> default""#,
        ]
    );
    app.close().await;
}

#[tokio::test]
async fn an_event_says_when_it_expires_and_that_it_has() {
    let mut app = TestApp::new();
    let event = field(
        &app.prepare("POST /v1/events", r#"{"event_type":"a","delay_seconds":5,"expires_after_seconds":60}"#).await,
        "/event_id",
    );
    let path = format!("GET /v1/events/{event}");
    assert_eq!(field(&app.prepare(&path, "").await, "/expires_at"), "2026-01-01T00:01:05.000Z");
    app.pass(65).await;
    let expired = app.prepare(&path, "").await;
    assert_eq!(
        (field(&expired, "/status"), field(&expired, "/last_error/code")),
        ("cancelled".into(), "expired".into())
    );
    let history = app.prepare(&format!("GET /v1/events/{event}/history"), "").await;
    assert_eq!(field(&history, "/actions/0/action"), "expire");
    let metrics = app.call("GET /metrics", "").await;
    assert!(metrics.body.contains("enginehouse_events_expired_total 1\n"));
    for bad in ["0", "31622401", "1.5", "\"60\""] {
        let draft = format!(r#"{{"event_type":"a","expires_after_seconds":{bad}}}"#);
        let refused = app.call("POST /v1/events", &draft).await;
        assert_eq!((refused.status, field(&refused, "/errors/0/pointer")), (422, "/expires_after_seconds".to_owned()));
    }
    let line = r#"{"event_type":"a","expires_after_seconds":60}"#;
    let lines = app.send(request("POST /v1/events/batch", "application/x-ndjson", line)).await;
    assert_eq!(lines.json()["enqueued"], 1);
    let redriven = app.prepare(&format!("POST /v1/events/{event}/redrive"), r#"{"priority":1}"#).await;
    assert!(redriven.json()["expires_at"].is_null());
    let refused = app.call(&format!("PATCH /v1/events/{event}"), r#"{"expires_after_seconds":0}"#).await;
    assert_eq!(refused.status, 422);
    app.close().await;
}

#[tokio::test]
async fn whoever_waits_for_the_end_of_an_event_is_answered_when_it_ends() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/e", r#"{"engine_type":"t","heartbeat_interval_seconds":0}"#).await;
    let waits = app.app.dispatcher().end_waits().clone();
    let enqueuing = app.send(request("POST /v1/events?wait_seconds=60", "application/json", r#"{"event_type":"a"}"#));
    let working = async {
        while waits.callers() == 0 {
            tokio::task::yield_now().await;
        }
        let claimed = app.send(request("POST /v1/engines/e/claim", "application/json", r#"{"epoch":1}"#)).await;
        let (event, token) = (field(&claimed, "/events/0/event_id"), field(&claimed, "/events/0/lock/token"));
        let path = format!("GET /v1/events/{event}?wait_seconds=60");
        let looking = app.send(request(&path, "", ""));
        let gone = app.send(request(&path, "", ""));
        let completing = async {
            while waits.callers() < 3 {
                tokio::task::yield_now().await;
            }
            let body = format!(r#"{{"lock_token":"{token}","result":{{ "n":7 }}}}"#);
            app.send(request(&format!("POST /v1/events/{event}/complete"), "application/json", &body)).await
        };
        let (looked, _) = tokio::join!(looking, async {
            tokio::select! { _ = gone => {}, _ = completing => {} }
        });
        looked
    };
    let (enqueued, looked) = tokio::join!(enqueuing, working);
    assert_eq!((enqueued.status, field(&enqueued, "/status")), (201, "completed".to_owned()));
    for body in [&enqueued.body, &looked.body] {
        assert!(body.contains(r#""result":{ "n":7 }"#), "{body}");
    }
    assert_eq!(waits.callers(), 0, "those who have gone, too");
    // What has ended is answered at once, and what has not when the time is over.
    let event = field(&enqueued, "/event_id");
    app.prepare(&format!("GET /v1/events/{event}?wait_seconds=60"), "").await;
    let other =
        field(&app.prepare("POST /v1/events?wait_seconds=0.01", r#"{"event_type":"b"}"#).await, "/event/status");
    assert_eq!(other, "queued");
    for bad in ["61", "-1", "x"] {
        let refused = app.call(&format!("GET /v1/events/{event}?wait_seconds={bad}"), "").await;
        assert_eq!((refused.status, field(&refused, "/errors/0/pointer")), (422, "/wait_seconds".to_owned()), "{bad}");
    }
    let unknown = app.call("GET /v1/events/0193f2a0-0000-7000-8000-000000000000?wait_seconds=60", "").await;
    assert_eq!(unknown.status, 404, "nobody waits for what is not there");
    app.close().await;
}
