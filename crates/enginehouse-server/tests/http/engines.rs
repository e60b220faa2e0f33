use serde_json::json;

use crate::app::{TestApp, field};
use crate::permissions::{call_as, token};

const ENGINE: &str = r#"{"engine_type":"simulator","metadata":{"static_config":{"capabilities":["gpu"],"resource_limits":{"max_concurrent_events":5,"memory_limit_mb":1024},"engine_software_version":"1.0.0"},"dynamic_state":{"resource_utilization":{"cpu_percent":45.2,"memory_usage_mb":512}},"team":"render"}}"#;

#[tokio::test]
async fn an_engine_comes_works_and_goes() {
    let mut app = TestApp::new();
    app.call("PUT /v1/engines/sim-1", ENGINE).await;
    app.call("PUT /v1/engines/sim-1", ENGINE).await;
    app.call("POST /v1/engines", r#"{"engine_type":"script","heartbeat_interval_seconds":0}"#).await;
    app.prepare("POST /v1/events", r#"{"event_type":"a","payload":{ "n" : 1.0 }}"#).await;
    let claimed = app.call("POST /v1/engines/sim-1/claim", r#"{"epoch":2}"#).await;
    let token = field(&claimed, "/events/0/lock/token");
    app.call("GET /v1/engines/sim-1", "").await;
    app.call(
        "POST /v1/engines/sim-1/heartbeat",
        &format!(
            r#"{{"epoch":2,"lock_tokens":["{token}"],"dynamic_state":{{"resource_utilization":{{"cpu_percent":1}}}}}}"#
        ),
    )
    .await;
    app.call("GET /v1/engines?status=active&stopped=false&capability=gpu", "").await;
    app.call("GET /v1/engines?limit=1", "").await;
    app.call("POST /v1/engines/sim-1/drain", r#"{"stop_when_drained":true}"#).await;
    app.call("POST /v1/engines/sim-1/resume", "").await;
    app.call("DELETE /v1/engines/sim-1", "").await;
    app.call("POST /v1/engines/sim-1/heartbeat", r#"{"epoch":2}"#).await;
    insta::assert_snapshot!(app.close().await, @r#"
    > PUT /v1/engines/sim-1 {"engine_type":"simulator","metadata":{"static_config":{"capabilities":["gpu"],"resource_limits":{"max_concurrent_events":5,"memory_limit_mb":1024},"engine_software_version":"1.0.0"},"dynamic_state":{"resource_utilization":{"cpu_percent":45.2,"memory_usage_mb":512}},"team":"render"}}
    201 {"engine_id":"sim-1","engine_type":"simulator","epoch":1,"status":"active","draining":false,"quarantine":null,"automatic_quarantines":[],"heartbeat_interval_seconds":10,"lost_after_seconds":30,"registered_at":"2026-01-01T00:00:00.000Z","last_heartbeat_at":"2026-01-01T00:00:00.000Z","metadata":{"static_config":{"capabilities":["gpu"],"resource_limits":{"max_concurrent_events":5,"memory_limit_mb":1024},"engine_software_version":"1.0.0"},"dynamic_state":{"resource_utilization":{"cpu_percent":45.2,"memory_usage_mb":512.0}},"team":"render"},"locks_held":0,"session_token":"..."}
    > PUT /v1/engines/sim-1 {"engine_type":"simulator","metadata":{"static_config":{"capabilities":["gpu"],"resource_limits":{"max_concurrent_events":5,"memory_limit_mb":1024},"engine_software_version":"1.0.0"},"dynamic_state":{"resource_utilization":{"cpu_percent":45.2,"memory_usage_mb":512}},"team":"render"}}
    200 {"engine_id":"sim-1","engine_type":"simulator","epoch":2,"status":"active","draining":false,"quarantine":null,"automatic_quarantines":[],"heartbeat_interval_seconds":10,"lost_after_seconds":30,"registered_at":"2026-01-01T00:00:00.000Z","last_heartbeat_at":"2026-01-01T00:00:00.000Z","metadata":{"static_config":{"capabilities":["gpu"],"resource_limits":{"max_concurrent_events":5,"memory_limit_mb":1024},"engine_software_version":"1.0.0"},"dynamic_state":{"resource_utilization":{"cpu_percent":45.2,"memory_usage_mb":512.0}},"team":"render"},"locks_held":0,"session_token":"..."}
    > POST /v1/engines {"engine_type":"script","heartbeat_interval_seconds":0}
    201 {"engine_id":"script-6dde78de81306b16","engine_type":"script","epoch":1,"status":"active","draining":false,"quarantine":null,"automatic_quarantines":[],"heartbeat_interval_seconds":0,"lost_after_seconds":null,"registered_at":"2026-01-01T00:00:00.000Z","last_heartbeat_at":"2026-01-01T00:00:00.000Z","metadata":{"static_config":{"capabilities":[],"resource_limits":{}},"dynamic_state":{"resource_utilization":{}}},"locks_held":0,"session_token":"..."}
    > POST /v1/engines/sim-1/claim {"epoch":2}
    200 {"events":[{"event_id":"019b76da-a800-7000-8000-02460f8bbccd","event_type":"a","queue":"default","status":"processing","priority":5,"payload":{ "n" : 1.0 },"attempt":1,"retries":0,"failures":0,"losses":0,"redrives":0,"available_at":"2026-01-01T00:00:00.000Z","expires_at":null,"enqueued_at":"2026-01-01T00:00:00.000Z","finished_at":null,"completed_at":null,"result":null,"last_error":null,"dead_letter":null,"lock":{"holder":"processing_by_sim-1","engine_id":"sim-1","token":"1-f37d574fbcb06be045c261ad9e6221b6","claimed_at":"2026-01-01T00:00:00.000Z","expires_at":"2026-01-01T00:05:00.000Z"},"cancel_requested":false,"engine_id":"sim-1","scenario_run_id":null,"required_capabilities":[],"required_memory_mb":null,"engine_version":null,"idempotency_key":null,"idempotency_key_expires_at":null,"retry_policy":null,"visibility_timeout_seconds":null,"max_processing_seconds":null,"progress_timeout_seconds":null,"labels":{},"traceparent":null}]}
    > GET /v1/engines/sim-1
    200 {"engine_id":"sim-1","engine_type":"simulator","epoch":2,"status":"active","draining":false,"quarantine":null,"automatic_quarantines":[],"heartbeat_interval_seconds":10,"lost_after_seconds":30,"registered_at":"2026-01-01T00:00:00.000Z","last_heartbeat_at":"2026-01-01T00:00:00.000Z","metadata":{"static_config":{"capabilities":["gpu"],"resource_limits":{"max_concurrent_events":5,"memory_limit_mb":1024},"engine_software_version":"1.0.0"},"dynamic_state":{"resource_utilization":{"cpu_percent":45.2,"memory_usage_mb":512.0}},"team":"render"},"locks_held":1,"locks":[{"event_id":"019b76da-a800-7000-8000-02460f8bbccd","event_type":"a","attempt":1,"claimed_at":"2026-01-01T00:00:00.000Z","expires_at":"2026-01-01T00:05:00.000Z","cancel_requested":false}]}
    > POST /v1/engines/sim-1/heartbeat {"epoch":2,"lock_tokens":["1-f37d574fbcb06be045c261ad9e6221b6"],"dynamic_state":{"resource_utilization":{"cpu_percent":1}}}
    200 {"status":"active","renewed":["1-f37d574fbcb06be045c261ad9e6221b6"],"lost":[],"cancel":[],"drain":false}
    > GET /v1/engines?status=active&stopped=false&capability=gpu
    200 {"items":[{"engine_id":"sim-1","engine_type":"simulator","epoch":2,"status":"active","draining":false,"quarantine":null,"automatic_quarantines":[],"heartbeat_interval_seconds":10,"lost_after_seconds":30,"registered_at":"2026-01-01T00:00:00.000Z","last_heartbeat_at":"2026-01-01T00:00:00.000Z","metadata":{"static_config":{"capabilities":["gpu"],"resource_limits":{"max_concurrent_events":5,"memory_limit_mb":1024},"engine_software_version":"1.0.0"},"dynamic_state":{"resource_utilization":{"cpu_percent":1.0}},"team":"render"},"locks_held":1}],"next_cursor":null}
    > GET /v1/engines?limit=1
    200 {"items":[{"engine_id":"script-6dde78de81306b16","engine_type":"script","epoch":1,"status":"active","draining":false,"quarantine":null,"automatic_quarantines":[],"heartbeat_interval_seconds":0,"lost_after_seconds":null,"registered_at":"2026-01-01T00:00:00.000Z","last_heartbeat_at":"2026-01-01T00:00:00.000Z","metadata":{"static_config":{"capabilities":[],"resource_limits":{}},"dynamic_state":{"resource_utilization":{}}},"locks_held":0}],"next_cursor":"ZW5naW5lcy9zY3JpcHQtNmRkZTc4ZGU4MTMwNmIxNg"}
    > POST /v1/engines/sim-1/drain {"stop_when_drained":true}
    200 {"engine_id":"sim-1","engine_type":"simulator","epoch":2,"status":"draining","draining":true,"quarantine":null,"automatic_quarantines":[],"heartbeat_interval_seconds":10,"lost_after_seconds":30,"registered_at":"2026-01-01T00:00:00.000Z","last_heartbeat_at":"2026-01-01T00:00:00.000Z","metadata":{"static_config":{"capabilities":["gpu"],"resource_limits":{"max_concurrent_events":5,"memory_limit_mb":1024},"engine_software_version":"1.0.0"},"dynamic_state":{"resource_utilization":{"cpu_percent":1.0}},"team":"render"},"locks_held":1}
    > POST /v1/engines/sim-1/resume
    200 {"engine_id":"sim-1","engine_type":"simulator","epoch":2,"status":"active","draining":false,"quarantine":null,"automatic_quarantines":[],"heartbeat_interval_seconds":10,"lost_after_seconds":30,"registered_at":"2026-01-01T00:00:00.000Z","last_heartbeat_at":"2026-01-01T00:00:00.000Z","metadata":{"static_config":{"capabilities":["gpu"],"resource_limits":{"max_concurrent_events":5,"memory_limit_mb":1024},"engine_software_version":"1.0.0"},"dynamic_state":{"resource_utilization":{"cpu_percent":1.0}},"team":"render"},"locks_held":1}
    > DELETE /v1/engines/sim-1
    200 {"engine_id":"sim-1","engine_type":"simulator","epoch":2,"status":"stopped","draining":false,"quarantine":null,"automatic_quarantines":[],"heartbeat_interval_seconds":10,"lost_after_seconds":30,"registered_at":"2026-01-01T00:00:00.000Z","last_heartbeat_at":"2026-01-01T00:00:00.000Z","metadata":{"static_config":{"capabilities":["gpu"],"resource_limits":{"max_concurrent_events":5,"memory_limit_mb":1024},"engine_software_version":"1.0.0"},"dynamic_state":{"resource_utilization":{"cpu_percent":1.0}},"team":"render"},"locks_held":0}
    > POST /v1/engines/sim-1/heartbeat {"epoch":2}
    404 {"type":"/problems/engine_not_registered","title":"Engine not registered","status":404,"detail":"no engine sim-1 is registered","code":"engine_not_registered","request_id":"test"}
    "#);
}

#[tokio::test]
async fn an_exchange_is_an_engines_whole_loop() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/sim-1", ENGINE).await;
    app.prepare("POST /v1/events/batch", r#"{"events":[{"event_type":"a"},{"event_type":"a"}]}"#).await;
    let claimed = app.call("POST /v1/engines/sim-1/exchange", r#"{"epoch":1,"claim":{"limit":1}}"#).await;
    let (event, token) = (field(&claimed, "/claim/events/0/event_id"), field(&claimed, "/claim/events/0/lock/token"));
    let body = format!(
        r#"{{"epoch":1,"settlements":[{{"event_id":"{event}","lock_token":"{token}","outcome":"complete","result":[1]}}],"heartbeat":{{"lock_tokens":[]}},"claim":{{"limit":1}}}}"#
    );
    app.call("POST /v1/engines/sim-1/exchange", &body).await;
    app.call("POST /v1/engines/sim-1/exchange", r#"{"epoch":7,"claim":{}}"#).await;
    app.pass(30).await;
    app.call("POST /v1/engines/sim-1/claim", r#"{"epoch":1}"#).await;
    insta::assert_snapshot!(app.close().await, @r#"
    > POST /v1/engines/sim-1/exchange {"epoch":1,"claim":{"limit":1}}
    200 {"settlements":[],"claim":{"events":[{"event_id":"019b76da-a800-7000-8000-02460f8bbccd","event_type":"a","queue":"default","status":"processing","priority":5,"payload":{},"attempt":1,"retries":0,"failures":0,"losses":0,"redrives":0,"available_at":"2026-01-01T00:00:00.000Z","expires_at":null,"enqueued_at":"2026-01-01T00:00:00.000Z","finished_at":null,"completed_at":null,"result":null,"last_error":null,"dead_letter":null,"lock":{"holder":"processing_by_sim-1","engine_id":"sim-1","token":"1-41bb69a0be5ade8a2ceb0dab9897f4d2","claimed_at":"2026-01-01T00:00:00.000Z","expires_at":"2026-01-01T00:05:00.000Z"},"cancel_requested":false,"engine_id":"sim-1","scenario_run_id":null,"required_capabilities":[],"required_memory_mb":null,"engine_version":null,"idempotency_key":null,"idempotency_key_expires_at":null,"retry_policy":null,"visibility_timeout_seconds":null,"max_processing_seconds":null,"progress_timeout_seconds":null,"labels":{},"traceparent":null}]}}
    > POST /v1/engines/sim-1/exchange {"epoch":1,"settlements":[{"event_id":"019b76da-a800-7000-8000-02460f8bbccd","lock_token":"1-41bb69a0be5ade8a2ceb0dab9897f4d2","outcome":"complete","result":[1]}],"heartbeat":{"lock_tokens":[]},"claim":{"limit":1}}
    200 {"settlements":[{"event_id":"019b76da-a800-7000-8000-02460f8bbccd","status":"completed"}],"heartbeat":{"status":"active","renewed":[],"lost":[],"cancel":[],"drain":false},"claim":{"events":[{"event_id":"019b76da-a800-7000-8000-05ad9e6221b6","event_type":"a","queue":"default","status":"processing","priority":5,"payload":{},"attempt":1,"retries":0,"failures":0,"losses":0,"redrives":0,"available_at":"2026-01-01T00:00:00.000Z","expires_at":null,"enqueued_at":"2026-01-01T00:00:00.000Z","finished_at":null,"completed_at":null,"result":null,"last_error":null,"dead_letter":null,"lock":{"holder":"processing_by_sim-1","engine_id":"sim-1","token":"1-0547c7b564c32005a38d640c807f36d2","claimed_at":"2026-01-01T00:00:00.000Z","expires_at":"2026-01-01T00:05:00.000Z"},"cancel_requested":false,"engine_id":"sim-1","scenario_run_id":null,"required_capabilities":[],"required_memory_mb":null,"engine_version":null,"idempotency_key":null,"idempotency_key_expires_at":null,"retry_policy":null,"visibility_timeout_seconds":null,"max_processing_seconds":null,"progress_timeout_seconds":null,"labels":{},"traceparent":null}]}}
    > POST /v1/engines/sim-1/exchange {"epoch":7,"claim":{}}
    409 {"type":"/problems/engine_superseded","title":"Engine superseded","status":409,"detail":"engine sim-1 is at epoch 1, the request is of epoch 7","code":"engine_superseded","request_id":"test"}
    (30 s later)
    > POST /v1/engines/sim-1/claim {"epoch":1}
    409 {"type":"/problems/engine_lost","title":"Engine lost","status":409,"detail":"engine sim-1 missed its heartbeats","code":"engine_lost","request_id":"test"}
    "#);
}

#[tokio::test]
async fn an_engine_that_registers_again_and_again_is_told_to_wait() {
    let mut app = TestApp::new();
    for _ in 0..3 {
        app.prepare("PUT /v1/engines/busy", r#"{"engine_type":"a"}"#).await;
    }
    let refused = app.call("PUT /v1/engines/busy", r#"{"engine_type":"a"}"#).await;
    assert_eq!((refused.status, field(&refused, "/code")), (429, "overloaded".to_owned()));
    assert!(refused.body.contains("\"retry_after_seconds\":1"), "{}", refused.body);
    assert!(field(&refused, "/detail").contains("engine busy"), "{}", refused.body);
    app.prepare("PUT /v1/engines/other", r#"{"engine_type":"a"}"#).await;
    app.close().await;
}

/// What engines said minute by minute is there for small charts, of those that the caller sees.
#[tokio::test]
async fn the_load_of_the_last_quarter_of_an_hour_is_kept() {
    let mut app = TestApp::new();
    app.prepare("PUT /v1/engines/e", r#"{"engine_type":"t","heartbeat_interval_seconds":60}"#).await;
    app.prepare("PUT /v1/engines/quiet", r#"{"engine_type":"t","heartbeat_interval_seconds":0}"#).await;
    for cpu in [10.04, 250.0] {
        app.pass(50).await;
        let load = format!(
            r#"{{"epoch":1,"dynamic_state":{{"resource_utilization":{{"cpu_percent":{cpu},"memory_usage_mb":512}}}}}}"#
        );
        app.prepare("POST /v1/engines/e/heartbeat", &load).await;
        app.service().note_loads().await.unwrap();
    }
    let shown = app.call("GET /v1/stats/engines?filter=id:e", "").await.json();
    let (load, others) = (&shown["items"][0], shown["items"].as_array().unwrap().len() - 1);
    assert_eq!((others, &load["engine_id"]), (0, &json!("e")), "{shown}");
    assert_eq!((&load["cpu_percent"], &load["memory_usage_mb"]), (&json!([10.0, 250.0]), &json!([512.0, 512.0])));
    assert_eq!((&load["locks_held"], load["at"].as_array().unwrap().len()), (&json!([0, 0]), 2));
    let all = app.call("GET /v1/stats/engines", "").await.json();
    assert_eq!(
        (&all["items"][1]["engine_id"], &all["items"][1]["cpu_percent"]),
        (&json!("quiet"), &json!([null, null]))
    );
    let limited = token(&app, r#"{"name":"v","role":"viewer","selectors":{"engines":["q*"]}}"#).await;
    let seen = call_as(&app, &limited, "GET /v1/stats/engines", "").await.json();
    assert_eq!((seen["items"].as_array().unwrap().len(), &seen["items"][0]["engine_id"]), (1, &json!("quiet")));
    app.close().await;
}
